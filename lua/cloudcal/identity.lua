--- Which identity a call has, and whether the client can have a token for it.

local core = require "cloudcal.core"
local schema = require "cloudcal.schema"

local identity = {}

local problem = schema.problem

local function no_credentials(message)
    return { name = "no_credentials", stage = "token", message = message }
end

local function kind_of(token)
    local prefix = token:sub(1, 2)
    return prefix == "t-" and "tenant" or prefix == "a-" and "app" or "user"
end

--- Checks a token that somebody gave us.
-- @param field names it in the problem
-- @param wanted a set of "tenant" and "user"
-- @return nil; or a problem
function identity.check_token(token, field, wanted)
    if token == "" or not core.is_visible(token) then
        return problem("invalid_token", field, "is not one word of ASCII")
    end
    local kind = kind_of(token)
    if not wanted[kind] then
        return problem("wrong_token_kind", field, ("is the token of %s %s, which is not taken here")
            :format(kind == "app" and "an" or "a", kind))
    end
end

--- Tells whether the client is a store app's, which has a token for each tenant.
function identity.is_store_app(client)
    return client.app_type == "store" or client.app_type == "isv"
end

--- The tenant that a call names, or its client.
function identity.tenant_key(call)
    return call.options.tenant_key or call.client.tenant_key
end

--- The user whom a call names, or its client.
function identity.user(call)
    return call.options.user or call.client.user
end

local function set_of(array)
    local set = {}
    for _, one in ipairs(array) do set[one] = true end
    return set
end

local function has_app(client)
    return client.app_id ~= nil and client.app_secret ~= nil
end

local has = {}

-- An app may hold the login of a user.
function has.user(client)
    return client.user_access_token ~= nil or has_app(client)
end

function has.tenant(client)
    return client.tenant_access_token ~= nil or has_app(client)
end

-- Who names a user of an app means that user's login.
local function names_login(client, call)
    return (call.user or client.user) ~= nil and client.user_access_token == nil
        and has_app(client)
end

local function choose_configured(client, call)
    if names_login(client, call) then return "user" end
    local user, tenant = client.user_access_token ~= nil, has.tenant(client)
    if user and tenant then
        return nil, problem("identity_unclear", "identity",
            "must be chosen: both a user and a tenant identity are configured")
    end
    if not user and not tenant then
        return nil, no_credentials("the client has neither a token nor app credentials")
    end
    return user and "user" or "tenant"
end

local function tenant_key_problem(client, call)
    if not identity.is_store_app(client) or call.tenant_key or client.tenant_key then return nil end
    return problem("missing_tenant_key", "tenant_key", "is required: a store app has many tenants")
end

local function check_configured(client, call, chosen)
    if not has[chosen](client) then
        return no_credentials(("the endpoint needs a %s token, and the client has none")
            :format(chosen))
    end
    local field = chosen .. "_access_token"
    if type(client[field]) == "string" then
        return identity.check_token(client[field], field, { [chosen] = true })
    end
    if client[field] == nil and chosen == "tenant" then return tenant_key_problem(client, call) end
end

local function choose_literal(endpoint, token)
    local found = identity.check_token(token, "token", set_of(endpoint.tokens))
    if found then return nil, found end
    return kind_of(token)
end

--- Chooses the identity of a call: its literal token, its own option, the client's option, the
-- only kind that the endpoint takes, the only kind that is configured.
-- @return "user", "tenant", or "none" where the endpoint takes no token; or nil and the fields
-- of an error
function identity.choose(endpoint, client, call)
    if #endpoint.tokens == 0 then return "none" end
    if call.token then return choose_literal(endpoint, call.token) end
    local chosen, found = call.identity or client.identity, nil
    if chosen and not set_of(endpoint.tokens)[chosen] then
        return nil, problem("wrong_token_kind", "identity",
            ("cannot be %s: the endpoint does not take it"):format(chosen))
    end
    if not chosen and #endpoint.tokens == 1 then chosen = endpoint.tokens[1] end
    if not chosen then chosen, found = choose_configured(client, call) end
    found = found or check_configured(client, call, chosen)
    if found then return nil, found end
    return chosen
end

return identity
