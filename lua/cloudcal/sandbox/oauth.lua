--- The token endpoint of OAuth 2.0: codes, refresh tokens and device codes become tokens of a
-- user.
local answers = require "cloudcal.sandbox.answers"
local device = require "cloudcal.sandbox.device"
local digest = require "openssl.digest"
local json = require "cloudcal.json"
local ledger = require "cloudcal.sandbox.ledger"
local text = require "cloudcal.sandbox.text"

local oauth = {}

local OPERATION = "authen.v2.oauth.token"
local LOGIN_SECONDS = 365 * 86400 -- however often a login is refreshed, it ends after this
local GRACE_SECONDS = 60 -- that the old user token lives on after a refresh, on Lark

local function read_fields(request)
    if (request.headers["content-type"] or ""):find("form-urlencoded", 1, true) then
        return text.form(request.body or "")
    end
    if not (request.body or ""):find("^%s*{") then return nil end
    local fields = json.decode(request.body)
    if type(fields) ~= "table" then return nil end
    for _, value in pairs(fields) do
        if type(value) ~= "string" then return nil end
    end
    return fields
end

local function client_problem(call, fields)
    if (call.request.headers.authorization or ""):find("^[Bb]asic ") then return 20070 end
    if not fields.grant_type or not fields.client_id or not fields.client_secret then
        return 20001
    end
    if fields.client_id ~= call.place.app_id then return 20048 end
    if fields.client_secret ~= call.place.app_secret then return 20002 end
end

local function right_verifier(grant, verifier)
    if not grant.challenge then return true end
    if not verifier then return false end
    if grant.method == "plain" then return verifier == grant.challenge end
    if #verifier < 43 or #verifier > 128 then return false end
    return text.base64url(digest.new("sha256"):final(verifier)) == grant.challenge
end

local function code_problem(call, fields, grant)
    if not fields.code then return 20001 end
    if not grant then return 20003 end
    if grant.used then return 20065 end
    if call.now >= grant.expires then return 20004 end
    if grant.client_id ~= fields.client_id then return 20024 end
    if fields.redirect_uri and fields.redirect_uri ~= grant.redirect_uri then return 20071 end
    if not right_verifier(grant, fields.code_verifier) then return 20049 end
end

local function refresh_problem(call, fields, grant)
    if not fields.refresh_token then return 20001 end
    if not grant then return 20026 end
    if grant.used then return 20073 end
    if grant.revoked then return 20064 end
    if call.now >= grant.expires then return 20037 end
end

-- A narrower scope may be asked for, never a wider one.
local function narrowed(grant, asked)
    if not asked then return grant.scope end
    local granted, wanted = text.words(grant.scope), text.words(asked)
    if not wanted then return nil, 20067 end
    for scope in pairs(wanted) do
        if not granted[scope] then return nil, 20068 end
    end
    return asked
end

-- As long as the real ones, which are JWTs of one or two kilobytes.
local function long_token(world)
    return "eyJhbGciOiJFUzI1NiJ9." .. world:word(1000) .. "." .. world:word(86)
end

-- How a login goes on: from grant to grant, for a year.
local function refresh_fields(call, grant, scope, access_token)
    if not (text.words(scope) or {}).offline_access then return {} end
    local ends = grant.login_ends or call.now + LOGIN_SECONDS
    local token = long_token(call.world)
    local entry = {
        user = grant.user, scope = scope, access_token = access_token, login_ends = ends,
        expires = math.min(call.now + call.world.refresh_seconds, ends),
    }
    call.place.refresh_tokens[token] = entry
    return {
        refresh_token = token,
        refresh_token_expires_in = math.floor(entry.expires - call.now),
    }
end

local function issue(call, grant, scope)
    local world, place = call.world, call.place
    local token = ledger.add(place, long_token(world), {
        kind = "user", user = grant.user, expires = call.now + world.token_seconds,
    })
    ledger.count(place, "user_tokens")
    local fields = refresh_fields(call, grant, scope, token)
    fields.code, fields.access_token = answers.oauth_code(call, 0), token
    fields.token_type, fields.scope = "Bearer", scope
    fields.expires_in = world.token_seconds
    return answers.json(call, 200, fields)
end

-- Feishu lets the user token of before live until it expires.
local function refreshed(call, grant)
    ledger.count(call.place, "refreshes")
    local old = call.place.tokens[grant.access_token]
    if call.service == "lark" then
        old.expires = math.min(old.expires, call.now + GRACE_SECONDS)
    end
end

local grants = {
    authorization_code = { store = "codes", field = "code", problem = code_problem },
    refresh_token = {
        store = "refresh_tokens", field = "refresh_token", problem = refresh_problem,
        done = refreshed,
    },
    ["urn:ietf:params:oauth:grant-type:device_code"] = {
        store = "devices", field = "device_code", problem = device.problem,
    },
}

-- A problem is a code of the tables or a whole refusal.
local function refuse(call, problem)
    return answers.oauth_refusal(call, type(problem) == "number" and { code = problem } or problem)
end

local function exchange(call, fields)
    local kind = grants[fields.grant_type]
    local grant = call.place[kind.store][fields[kind.field] or ""]
    local problem = kind.problem(call, fields, grant)
    if problem then return refuse(call, problem) end
    local scope, wrong = narrowed(grant, fields.scope)
    if not scope then return refuse(call, wrong) end
    grant.used = true
    if kind.done then kind.done(call, grant) end
    return issue(call, grant, scope)
end

local function token(call)
    local fields = read_fields(call.request)
    if not fields then return refuse(call, 20063) end
    local problem = client_problem(call, fields)
    if not problem and not grants[fields.grant_type] then problem = 20036 end
    if problem then return refuse(call, problem) end
    return exchange(call, fields)
end

--- Count what comes to this endpoint, whatever it will be answered.
function oauth.notice(place, endpoint, request)
    if endpoint.operation ~= OPERATION then return end
    local fields = read_fields(request) or {}
    if fields.grant_type == "refresh_token" then ledger.count(place, "refresh_attempts") end
end

oauth.handlers = { [OPERATION] = token }

return oauth
