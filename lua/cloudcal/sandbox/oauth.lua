--- OAuth 2.0 of Feishu and Lark: the page where the user consents (who always does so at
-- once), and the token endpoint. Handlers by method and path.
local answers = require "cloudcal.sandbox.answers"
local digest = require "openssl.digest"
local json = require "cloudcal.json"
local text = require "cloudcal.sandbox.text"

local CODE_SECONDS = 300
local REFRESH_SECONDS = 604800

local function words(list)
    local set, count = {}, 0
    for word in (list or ""):gmatch("%S+") do
        if set[word] then return nil end
        set[word], count = true, count + 1
    end
    return set, count
end

-- Authorize ---------------------------------------------------------------------------

local function target_of(uri, fields)
    local parts = {}
    for _, name in ipairs { "code", "error", "state" } do
        if fields[name] then parts[#parts + 1] = name .. "=" .. text.escape(fields[name]) end
    end
    return uri .. (uri:find("?", 1, true) and "&" or "?") .. table.concat(parts, "&")
end

local function redirect(call, uri, fields)
    return answers.plain(call, 302, "text/html; charset=utf-8", "", {
        { "Location", target_of(uri, fields) },
    })
end

-- The address goes into a header: nothing that could end it may pass.
local function good_redirect(uri)
    return uri and uri:find("^https?://[^/%?]") and not uri:find("[%s%c#\"<>\\\128-\255]")
end

local function page_problem(call, query)
    if query.client_id ~= call.place.app_id then return 20048 end
    if not good_redirect(query.redirect_uri) then return 20071 end
    if query.response_type ~= "code" then return 20001 end
    if not words(query.scope) then return 20067 end
    local method = query.code_challenge_method
    if method and method ~= "S256" and method ~= "plain" then return 20001 end
end

local function new_code(call, query)
    local code = call.world:word(64)
    call.place.codes[code] = {
        client_id = query.client_id, redirect_uri = query.redirect_uri, scope = query.scope or "",
        challenge = query.code_challenge, method = query.code_challenge_method or "plain",
        user = call.place.admin, expires = call.now + CODE_SECONDS,
    }
    return code
end

local function authorize(call)
    local query = text.form(call.request.query or "") or {}
    local problem = page_problem(call, query)
    if problem then return answers.oauth_refusal(call, { code = problem }) end
    if (query.scope or ""):find("deny", 1, true) then
        return redirect(call, query.redirect_uri, { error = "access_denied", state = query.state })
    end
    return redirect(call, query.redirect_uri, { code = new_code(call, query), state = query.state })
end

-- Token -------------------------------------------------------------------------------

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
    if call.now >= grant.expires then return 20037 end
end

-- A narrower scope may be asked for, never a wider one.
local function narrowed(grant, asked)
    if not asked then return grant.scope end
    local granted, wanted = words(grant.scope), words(asked)
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

local function refresh_token(call, grant, scope)
    local token = long_token(call.world)
    call.place.refresh_tokens[token] = {
        user = grant.user, scope = scope, expires = call.now + REFRESH_SECONDS,
    }
    return token
end

local function issue(call, grant, scope)
    local world, place = call.world, call.place
    local token = long_token(world)
    place.tokens[token] = {
        kind = "user", user = grant.user, app_id = place.app_id,
        expires = call.now + world.token_seconds,
    }
    place.counts.user_tokens = place.counts.user_tokens + 1
    local offline = (words(scope) or {}).offline_access
    return answers.json(call, 200, {
        code = answers.oauth_code(call, 0), access_token = token, token_type = "Bearer",
        expires_in = world.token_seconds, scope = scope,
        refresh_token = offline and refresh_token(call, grant, scope) or nil,
        refresh_token_expires_in = offline and REFRESH_SECONDS or nil,
    })
end

local grants = {
    authorization_code = { store = "codes", field = "code", problem = code_problem },
    refresh_token = {
        store = "refresh_tokens", field = "refresh_token", problem = refresh_problem,
    },
}

local function exchange(call, fields)
    local kind = grants[fields.grant_type]
    local grant = call.place[kind.store][fields[kind.field] or ""]
    local problem = kind.problem(call, fields, grant)
    if problem then return answers.oauth_refusal(call, { code = problem }) end
    local scope, wrong = narrowed(grant, fields.scope)
    if not scope then return answers.oauth_refusal(call, { code = wrong }) end
    grant.used = true
    return issue(call, grant, scope)
end

local function token(call)
    local fields = read_fields(call.request)
    if not fields then return answers.oauth_refusal(call, { code = 20063 }) end
    local problem = client_problem(call, fields)
    if not problem and not grants[fields.grant_type] then problem = 20036 end
    if problem then return answers.oauth_refusal(call, { code = problem }) end
    return exchange(call, fields)
end

return {
    ["GET /open-apis/authen/v1/authorize"] = authorize,
    ["POST /open-apis/authen/v2/oauth/token"] = token,
}
