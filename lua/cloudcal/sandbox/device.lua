--- The login from another device: its beginning, the page where the user approves, and what
-- polling for it finds.
local answers = require "cloudcal.sandbox.answers"
local ledger = require "cloudcal.sandbox.ledger"
local text = require "cloudcal.sandbox.text"

local device = {}

local SLOWER = 5 -- seconds that each slow_down adds to the interval
local TOLERANCE = 0.1 -- seconds that a poll may come early: two clocks are never the same

--- The page for the user's browser, as a row of the endpoints.
device.page = {
    operation = "sandbox.device_page", services = { "feishu", "lark" },
    method = "GET", path = "/oauth/v1/device/verify",
}

-- Begin -------------------------------------------------------------------------------

local descriptions = {
    invalid_request = "The request is malformed or lacks a parameter.",
    invalid_client = "The client id or secret is wrong.",
    invalid_scope = "The scope list names one scope twice.",
    invalid_grant = "The device code is unknown or was used before.",
    expired_token = "The device code has expired.",
    access_denied = "The user refused.",
    authorization_pending = "The user has not decided yet.",
    slow_down = "Polled too often: wait longer.",
}

local function problem(name, status)
    return { error = name, msg = descriptions[name], http = status }
end

local function authenticated(call, fields)
    local place = call.place
    local expected = text.base64(place.app_id .. ":" .. place.app_secret)
    local sent = (call.request.headers.authorization or ""):match("^[Bb]asic +(%S+)$")
    return sent == expected and fields.client_id == place.app_id
end

local function read_fields(request)
    local label = (request.headers["content-type"] or ""):lower()
    if not label:find("form-urlencoded", 1, true) then return nil end
    return text.form(request.body or "")
end

local function begin_problem(call, fields)
    if not fields or not fields.client_id then return problem "invalid_request" end
    if not authenticated(call, fields) then return problem("invalid_client", 401) end
    if not text.words(fields.scope) then return problem "invalid_scope" end
end

local function new_user_code(world)
    local digits = world:hex(8):upper()
    return digits:sub(1, 4) .. "-" .. digits:sub(5)
end

local function remember(call, scope)
    local place, world = call.place, call.world
    local code, user_code = world:word(64), new_user_code(world)
    local entry = {
        scope = scope, user = place.admin, begun = call.now, interval = world.device_interval,
        expires = call.now + world.device_seconds,
    }
    place.devices[code], place.user_codes[user_code] = entry, entry
    ledger.count(place, "device_authorizations")
    return code, user_code
end

-- Where this very door is, for an address that a browser can open.
local function origin(call)
    local host = call.request.headers.host or ""
    if not host:find("^[%w.%-:%[%]]+$") then host = "accounts." .. call.place.domain end
    return "https://" .. host
end

local function begin(call)
    local fields = read_fields(call.request)
    local wrong = begin_problem(call, fields)
    if wrong then return answers.oauth_refusal(call, wrong) end
    local code, user_code = remember(call, fields.scope or "")
    local uri = origin(call) .. device.page.path
    return answers.json(call, 200, {
        device_code = code, user_code = user_code, verification_uri = uri,
        verification_uri_complete = uri .. "?user_code=" .. text.escape(user_code),
        expires_in = call.world.device_seconds, interval = call.world.device_interval,
    })
end

-- The user decides --------------------------------------------------------------------

-- The first verdict stands.
local function decide(entry, denied)
    denied = denied or entry.scope:find("deny", 1, true) ~= nil
    entry.verdict = entry.verdict or denied and "denied" or "approved"
end

local function decide_in_time(call, entry)
    local wait = call.world.device_approval
    if wait ~= "never" and call.now >= entry.begun + wait then decide(entry) end
end

local ASK = '<form><input name="user_code" placeholder="XXXX-XXXX" autofocus> '
    .. "<button>Approve</button> "
    .. '<button name="deny" value="1">Deny</button></form>'

local function page(call, status, content)
    return answers.plain(call, status, "text/html; charset=utf-8",
        "<!doctype html><title>Device login</title><p>" .. content .. "</p>\n")
end

local function show_page(call)
    local query = text.form(call.request.query or "") or {}
    if not query.user_code then return page(call, 200, ASK) end
    local entry = call.place.user_codes[query.user_code:upper()]
    if not entry or entry.used or call.now >= entry.expires then
        return page(call, 400, "This code is unknown or too old.")
    end
    decide(entry, query.deny == "1")
    return page(call, 200, entry.verdict == "denied" and "Denied." or "Approved.")
end

-- The device polls --------------------------------------------------------------------

local function pending(entry, now)
    local last = entry.polled
    entry.polled = now
    if not last or now - last >= entry.interval - TOLERANCE then
        return problem "authorization_pending"
    end
    entry.interval = entry.interval + SLOWER
    return problem "slow_down"
end

--- Why the token endpoint gives out nothing for a device code, as a refusal; nil when the user
-- has approved.
function device.problem(call, fields, entry)
    if not fields.device_code then return { code = 20001 } end
    if not entry or entry.used then return problem "invalid_grant" end
    if call.now >= entry.expires then return problem "expired_token" end
    decide_in_time(call, entry)
    if entry.verdict == "denied" then return problem "access_denied" end
    if not entry.verdict then return pending(entry, call.now) end
end

device.handlers = {
    ["oauth.v1.device_authorization"] = begin,
    [device.page.operation] = show_page,
}

return device
