--- Youkong (有空): hosts, envelope, signature, wrappers.

local base = require "cloudcal.services.base"
local clock = require "cloudcal.clock"
local core = require "cloudcal.core"
local endpoints = require "cloudcal.endpoints"
local log = require "cloudcal.log"
local options = require "cloudcal.options"
local redact = require "cloudcal.redact"
local response = require "cloudcal.response"

local HOSTS = {
    sandbox = "https://sandbox.atimer.cn",
    production = "https://open.atimer.cn",
}

-- The vendor's test account. It stands in their documentation: anybody can read what is in it.
local PUBLISHED = { client_key = "UK155728046140bc", secret = "f2af3c18606d4df59f865e8b80928510" }

local CLOCK_WINDOW = 180 -- seconds by which the service lets a clock be off

local CONTENT_TYPES = {
    json = "application/json; charset=utf-8",
    form = "application/x-www-form-urlencoded; charset=utf-8",
}

-- How far the clock of each host is ahead of ours, where that was found to matter.
local offsets = {}

local youkong = {
    options = options.youkong, call_options = options.call,
    roots = { allinone = true },
    raw = { method = "POST", tokens = {} },
    body_prefix = "",
    methods = {},
}

function youkong.base_url(_, given)
    return HOSTS[given.environment]
end

local function is_production(given)
    local url = given.base_url or HOSTS[given.environment] or ""
    local host = url:lower():match("^%a+://([^/:]+)")
    return given.environment == "production" or host == HOSTS.production:match("//(.+)$")
end

local function credentials_problem(given)
    local key, proof = given.client_key, given.secret or given.signer
    if given.secret and given.signer then
        return "options 'secret' and 'signer' exclude each other"
    end
    if (key == nil) ~= (proof == nil) then
        return "options 'client_key' and 'secret' (or 'signer') go together"
    end
    if key == nil and given.environment ~= "sandbox" then
        return "options 'client_key' and 'secret' can be left out with "
            .. "environment = \"sandbox\" only"
    end
    if (key or PUBLISHED.client_key) == PUBLISHED.client_key and is_production(given) then
        return "option 'client_key' is the vendor's published test account; production refuses it"
    end
end

function youkong.options_problem(given)
    if not given.environment and not given.base_url then
        return "option 'environment' must be \"sandbox\" or \"production\""
    end
    return credentials_problem(given)
end

--- Fills in the published account, and says what it is worth; a view has heard it.
function youkong.on_new(state, is_view)
    local given = state.options
    if given.client_key == nil then
        given.client_key, given.secret = PUBLISHED.client_key, PUBLISHED.secret
    end
    if given.client_key == PUBLISHED.client_key and not is_view then
        log.write(given, "warn", "the vendor's published test account is in use: "
            .. "anybody can read and change its calendars", { service = state.name })
    end
end

-- {======================================================
-- Signature and envelope
-- =======================================================}

local function sign(given, timestamp)
    if not given.signer then
        return core.md5(("key=%s&secret=%s&timestamp=%s"):format(
            given.client_key, given.secret, timestamp))
    end
    local signature, message = given.signer(timestamp)
    if type(signature) == "string" and signature ~= "" and core.is_visible(signature) then
        return signature
    end
    return nil, "signer gave no signature: " .. tostring(message or "no reason")
end

local function signed_client(call, user_code)
    local given = call.client
    local timestamp = math.floor(clock.time() + (offsets[call.base_url] or 0))
    local digits = ("%.0f"):format(timestamp)
    local signature, message = sign(given, given.signer and timestamp or digits)
    if not signature then
        return nil, { name = "signer_failed", field = "Client.Sign", message = message }
    end
    redact.hide(call.secrets, signature)
    return {
        ClientKey = given.client_key, UserCode = user_code, Sign = signature,
        Timestamp = given.timestamp_as == "string" and digits or timestamp,
    }
end

--- The body to send: what the caller gave, and Client, signed anew for each attempt.
function youkong.compose(call)
    local sent, user_code = {}, call.request.user_code
    if call.endpoint.raw then
        for name, value in next, call.request.body or {} do sent[name] = value end
    else
        sent.Calendar, user_code = call.request.Calendar, call.request.Client.UserCode
    end
    call.content_type = CONTENT_TYPES[call.client.content_type or "json"]
    local found
    sent.Client, found = signed_client(call, user_code)
    if not sent.Client then return nil, found end
    return sent
end

local function member(error_object, name)
    for key, value in pairs(error_object) do
        if type(key) == "string" and key:lower() == name and value ~= "" then return value end
    end
end

--- The verdict of an answer: Success is true, and there is no error code.
function youkong.verdict(body)
    if type(body.Success) ~= "boolean" then return nil end
    local details = type(body.Error) == "table" and body.Error or {}
    local code = member(details, "code")
    if code == 0 or code == "0" then code = nil end
    return {
        success = body.Success and code == nil, name = "youkong_refused",
        code = code, msg = member(details, "description"),
    }
end

--- What a raw call cannot have.
function youkong.raw_problem(raw)
    if raw.method ~= "POST" then
        return { name = "unknown_value", field = "method", message = "method must be POST" }
    end
    if type(raw.body) == "string" then
        return { name = "wrong_type", field = "body",
            message = "body must be a table: the signed Client is added to it" }
    end
    if raw.body and rawget(raw.body, "Client") ~= nil then
        return { name = "filled_by_cloudcal", field = "Client",
            message = "Client is filled in by cloudcal; give user_code" }
    end
end

--- After a refusal: is our clock the reason? Then the next signature uses the service's time.
-- @return true if the call can be signed anew with a corrected time
function youkong.correct_clock(call, err, facts)
    if err.kind ~= "rejected" or call.meta.clock_skew then return false end
    local date = response.header(facts.head, "date")
    local theirs = date and clock.parse_date(date)
    if not theirs then return false end
    local skew = theirs - clock.time()
    if math.abs(skew - (offsets[call.base_url] or 0)) <= CLOCK_WINDOW then return false end
    call.meta.clock_skew = skew
    offsets[call.base_url] = skew
    return true
end

-- {======================================================
-- Wrappers
-- =======================================================}

local methods = youkong.methods

local function put(state, user_code, calendar, opts, variant)
    local endpoint = endpoints.putcalendar
    local query, call_options = base.part_options(state, endpoint, opts)
    if not query then return nil, call_options end
    if type(user_code) ~= "string" then
        return nil, "user_code must be a string, not a " .. type(user_code)
    end
    if type(calendar) ~= "table" then
        return nil, "the calendar must be a table, not a " .. type(calendar)
    end
    local given = { Client = { UserCode = user_code }, Calendar = calendar }
    return true, function()
        local body, err, meta = base.call(state, endpoint, given, call_options, variant)
        return body and body.Data, err, meta
    end
end

--- Creates a calendar or updates one, by what the table holds: with CalendarId it updates, with
-- ProfileId it works in that third-party channel.
-- @param user_code your own number for the user, at most 100 characters; an unknown one makes
-- a new user
-- @param calendar { CalendarName (required), CalendarId, ProfileId, … } as the service names them
-- @param opts call options
-- @return { CalendarId }, nil, meta; or nil, err, meta. meta.id_changed tells that the answered
-- id is another one than the one sent: keep the answered one.
-- Source: atimer.cn, Home/PutCalendar
function methods:put_calendar(user_code, calendar, opts)
    local fine, call = put(base.state_of(self), user_code, calendar, opts)
    if not fine then error(call, 2) end
    return call()
end

--- Creates a calendar; a CalendarId is refused. Shapes and errors as put_calendar.
-- @param user_code your own number for the user
-- @param calendar { CalendarName (required), ProfileId, … }
-- @param opts call options
-- @return { CalendarId }, nil, meta; or nil, err, meta
-- Source: atimer.cn, Home/PutCalendar
function methods:create_calendar(user_code, calendar, opts)
    local fine, call = put(base.state_of(self), user_code, calendar, opts, "create")
    if not fine then error(call, 2) end
    return call()
end

--- Updates a calendar; a CalendarId is required. Shapes and errors as put_calendar.
-- @param user_code your own number for the user
-- @param calendar { CalendarId (required), CalendarName (required), ProfileId, … }
-- @param opts call options
-- @return { CalendarId }, nil, meta; or nil, err, meta
-- Source: atimer.cn, Home/PutCalendar
function methods:update_calendar(user_code, calendar, opts)
    local fine, call = put(base.state_of(self), user_code, calendar, opts, "update")
    if not fine then error(call, 2) end
    return call()
end

return { youkong = base.constructor(youkong, "youkong") }
