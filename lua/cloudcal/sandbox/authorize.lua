--- The page where a user lets an app act for them. The user of the sandbox does so at once,
-- unless the scope contains "deny".
local answers = require "cloudcal.sandbox.answers"
local text = require "cloudcal.sandbox.text"

local CODE_SECONDS = 300

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
    if not text.words(query.scope) then return 20067 end
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

return { ["authen.v1.authorize"] = authorize }
