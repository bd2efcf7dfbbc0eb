--- Where the token of a call comes from.

local identity = require "cloudcal.identity"
local later = require "cloudcal.later"

local tokens = {}

local OPTION = { user = "user_access_token", tenant = "tenant_access_token" }

local function from_function(ask, chosen, request)
    local token, message = ask(request)
    local field = OPTION[chosen]
    if type(token) ~= "string" then
        return nil, { name = "token_function_failed", stage = "token",
            message = ("%s gave no token: %s"):format(field, tostring(message or "no reason")) }
    end
    local found = identity.check_token(token, field, { [chosen] = true })
    if found then
        found.stage = "token"
        return nil, found
    end
    return token
end

local function ask_function(call, ask)
    local token, found = from_function(ask, call.identity, {
        refused = call.refused == true, operation = call.endpoint.operation,
        user = identity.user(call), tenant_key = identity.tenant_key(call),
    })
    return token, token and true or found
end

-- Read when first asked for: a call may bring its own.
local kept = {
    tenant = function(call) return later("cloudcal.app_tokens").get(call) end,
    user = function(call) return later("cloudcal.logins").get(call) end,
}

--- Gets the token for the next attempt of a call.
-- @param call with client (its options), options (of the call), identity, endpoint, base_url,
-- deadline, refused (the last token was refused), fetch (see app_tokens.get) and secrets, to
-- which what must not be shown is added
-- @return the token, and whether there may be another one when it is refused; or nil and the
-- fields of an error, or an error
function tokens.get(call)
    local options = call.options
    if call.identity == "none" then return nil end
    if options.token then return options.token, false end
    local configured = call.client[OPTION[call.identity]]
    if type(configured) == "string" then return configured, false end
    if configured then return ask_function(call, configured) end
    local token, source = kept[call.identity](call)
    call.token_source = token and source
    return token, token and true or source
end

--- Forgets a token that the service refused; the token endpoints are asked without one.
function tokens.drop(call, token)
    if token and call.token_source then call.token_source:refuse(token) end
end

return tokens
