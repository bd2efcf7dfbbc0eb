--- Youkong: the signature and the calendars.
local answers = require "cloudcal.sandbox.answers"
local digest = require "openssl.digest"
local endpoints = require "cloudcal.endpoints"
local json = require "cloudcal.json"
local schema = require "cloudcal.schema"
local text = require "cloudcal.sandbox.text"

local youkong = {}

local WINDOW = 180 -- seconds that a Timestamp may be off
local put = endpoints.by_operation["allinone.putcalendar"]

--- The state of the service. `given` may hold its credentials.
function youkong.new(world, given)
    local place = {
        service = "youkong",
        client_key = given.client_key or "UK" .. world:hex(14),
        secret = given.secret or world:hex(32),
        profile_id = given.profile_id or world:hex(16),
        users = {},
        counts = { users = 0, calendars = 0, renames = 0 },
    }
    place.credentials = {
        client_key = place.client_key, secret = place.secret, profile_id = place.profile_id,
    }
    return place
end

--- What has been made so far.
function youkong.counts(place)
    local counts = { accounts = 0, bindings = 0 }
    for name, value in pairs(place.counts) do counts[name] = value end
    return counts
end

--- The calendars that there are, with their users, in no order.
function youkong.calendars(place)
    local list = {}
    for code, user in pairs(place.users) do
        for id, calendar in pairs(user.calendars) do
            list[#list + 1] = {
                user_code = code, calendar_id = id, calendar_name = calendar.name,
            }
        end
    end
    return list
end

--- Nothing here is common to all answers.
function youkong.prepare() end

-- Who asks ----------------------------------------------------------------------------

local function digits_of(timestamp)
    if type(timestamp) == "number" and timestamp == math.floor(timestamp) then
        timestamp = ("%.0f"):format(timestamp)
    end
    return type(timestamp) == "string" and timestamp:match("^%d+$")
end

local function signature(place, digits)
    local plain = ("key=%s&secret=%s&timestamp=%s"):format(place.client_key, place.secret, digits)
    return text.hex(digest.new("md5"):final(plain))
end

local function label(headers)
    return (headers["content-type"] or ""):lower():match("^%s*([%w%-/%.+]+)")
end

local labels = { ["application/json"] = true, ["application/x-www-form-urlencoded"] = true }

local function read_body(call)
    if not labels[label(call.request.headers) or ""] then
        return nil, "SANDBOX_CONTENT_TYPE", "Content-Type must be JSON, or the form label"
    end
    local body = call.request.body or ""
    local object = body:find("^%s*{") and json.decode(body)
    if type(object) ~= "table" or type(object.Client) ~= "table" then
        return nil, "SANDBOX_BODY", "the body must be a JSON object with a Client object"
    end
    return object
end

local function client_problem(call, client)
    local digits = digits_of(client.Timestamp)
    if client.ClientKey ~= call.place.client_key then
        return "SANDBOX_CLIENT_KEY", "ClientKey is unknown"
    end
    if not digits then return "SANDBOX_TIMESTAMP", "Timestamp must be whole seconds" end
    if client.Sign ~= signature(call.place, digits) then
        return "SANDBOX_SIGN", "Sign does not fit ClientKey, secret and Timestamp"
    end
    if math.abs(call.now - tonumber(digits)) > WINDOW then
        return "SANDBOX_TIMESTAMP", "Timestamp is more than 3 minutes away from the server's time"
    end
end

-- putcalendar ---------------------------------------------------------------------------

local function known(fields, values)
    local picked = {}
    for _, field in ipairs(fields) do
        if not field.filled then picked[field.name] = values[field.name] end
    end
    return picked
end

local function check(body)
    if type(body.Calendar) ~= "table" then
        return "SANDBOX_PARAMETER", "Calendar must be an object"
    end
    local ok, problem = schema.check(put, {
        Client = known(put.request.Client, body.Client),
        Calendar = known(put.request.Calendar, body.Calendar),
    })
    if not ok then return "SANDBOX_PARAMETER", problem.field .. ": " .. problem.message end
end

local function user_of(place, code)
    local user = place.users[code]
    if not user then
        user = { calendars = {} }
        place.users[code] = user
        place.counts.users = place.counts.users + 1
    end
    return user
end

-- Channels give ids like Outlook's; the service's own are 32 hexadecimal digits.
local function new_id(world, profile)
    if not profile then return world:hex(32) end
    return "AQMkADAwATM3ZmYA" .. world:word(128) .. "AAAA="
end

local function present(value)
    if value ~= "" then return value end
end

local function create(call, user, calendar, profile)
    local id = new_id(call.world, profile)
    user.calendars[id] = { name = calendar.CalendarName, profile = profile }
    call.place.counts.calendars = call.place.counts.calendars + 1
    return id
end

-- A calendar in a channel has another id after each change, as the vendor's own example
-- shows; the old one is gone.
local function rename(call, user, calendar, profile)
    local id = calendar.CalendarId
    local stored = user.calendars[id]
    if not stored or stored.profile ~= profile then return nil end
    call.place.counts.renames = call.place.counts.renames + 1
    stored.name = calendar.CalendarName
    if not profile then return id end
    user.calendars[id] = nil
    id = new_id(call.world, profile)
    user.calendars[id] = stored
    return id
end

local function put_calendar(call, body)
    local code, description = check(body)
    if code then return answers.refused(call, code, description) end
    local calendar, profile = body.Calendar, present(body.Calendar.ProfileId)
    if profile and profile ~= call.place.profile_id then
        return answers.refused(call, "SANDBOX_PROFILE", "ProfileId is not bound to this user")
    end
    local user = user_of(call.place, body.Client.UserCode)
    local act = present(calendar.CalendarId) and rename or create
    local id = act(call, user, calendar, profile)
    if not id then
        return answers.refused(call, "SANDBOX_CALENDAR", "CalendarId is unknown for this user")
    end
    return answers.done(call, { CalendarId = id })
end

-- The door ----------------------------------------------------------------------------

--- Refuse a request with { code, msg, http, headers }.
function youkong.refuse(call, refusal)
    local row = answers.row(refusal.code) or {}
    return answers.refused(call, tostring(refusal.code), refusal.msg or row.msg,
        refusal.http, refusal.headers)
end

--- Answer one request. An endpoint that the sandbox does not know accepts what is signed.
function youkong.answer(call)
    local request = call.request
    if request.method ~= "POST" or not request.path:find("^/v1/allinone/%w+$") then
        return answers.not_found(call)
    end
    local body, code, description = read_body(call)
    if body then code, description = client_problem(call, body.Client) end
    if code then return answers.refused(call, code, description) end
    if request.path == put.path then return put_calendar(call, body) end
    return answers.done(call, {})
end

return youkong
