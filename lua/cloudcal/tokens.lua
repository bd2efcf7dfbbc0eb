--- Which identity a call has, and where its token comes from.

local clock = require "cloudcal.clock"
local core = require "cloudcal.core"

local tokens = {}

-- The service hands out a new token only in the last 30 minutes of the old one.
local RENEW_EARLY = 300 -- seconds

-- After an early renewal that failed, so that not every call pays for the next one.
local RENEW_AGAIN = 15 -- seconds

-- Tokens of this Lua state, by who they belong to: clients come and go with requests.
local memory = {}

local function problem(name, field, message)
    return { name = name, field = field, message = field .. " " .. message }
end

local function no_credentials(message)
    return { name = "no_credentials", stage = "token", message = message }
end

local function kind_of(token)
    local prefix = token:sub(1, 2)
    return prefix == "t-" and "tenant" or prefix == "a-" and "app" or "user"
end

local function check_token(token, field, wanted)
    if token == "" or not core.is_visible(token) then
        return problem("invalid_token", field, "is not one word of ASCII")
    end
    local kind = kind_of(token)
    if not wanted[kind] then
        return problem("wrong_token_kind", field, ("is the token of %s %s, which is not taken here")
            :format(kind == "app" and "an" or "a", kind))
    end
end

local function set_of(array)
    local set = {}
    for _, one in ipairs(array) do set[one] = true end
    return set
end

local function has_user(client)
    return client.user_access_token ~= nil
end

local function has_tenant(client)
    return client.tenant_access_token ~= nil or (client.app_id ~= nil and client.app_secret ~= nil)
end

local function choose_configured(client)
    local user, tenant = has_user(client), has_tenant(client)
    if user and tenant then
        return nil, problem("identity_unclear", "identity",
            "must be chosen: both a user and a tenant identity are configured")
    end
    if not user and not tenant then
        return nil, no_credentials("the client has neither a token nor app credentials")
    end
    return user and "user" or "tenant"
end

local function check_configured(client, identity)
    local has = identity == "user" and has_user or has_tenant
    if not has(client) then
        return no_credentials(("the endpoint needs a %s token, and the client has none")
            :format(identity))
    end
    local field = identity .. "_access_token"
    if type(client[field]) == "string" then
        return check_token(client[field], field, { [identity] = true })
    end
end

local function identify_literal(endpoint, token)
    local found = check_token(token, "token", set_of(endpoint.tokens))
    if found then return nil, found end
    return kind_of(token)
end

--- Chooses the identity of a call: its literal token, its own option, the client's option, the
-- only kind that the endpoint takes, the only kind that is configured.
-- @return "user", "tenant", or "none" where the endpoint takes no token; or nil and the fields
-- of an error
function tokens.identify(endpoint, client, call)
    if #endpoint.tokens == 0 then return "none" end
    if call.token then return identify_literal(endpoint, call.token) end
    local identity, found = call.identity or client.identity
    if identity and not set_of(endpoint.tokens)[identity] then
        return nil, problem("wrong_token_kind", "identity",
            ("cannot be %s: the endpoint does not take it"):format(identity))
    end
    if not identity and #endpoint.tokens == 1 then identity = endpoint.tokens[1] end
    if not identity then
        identity, found = choose_configured(client)
        if not identity then return nil, found end
    end
    found = check_configured(client, identity)
    if found then return nil, found end
    return identity
end

-- {======================================================
-- Sources
-- =======================================================}

local function from_function(ask, identity, request)
    local token, message = ask(request)
    local field = identity .. "_access_token"
    if type(token) ~= "string" then
        return nil, { name = "token_function_failed", stage = "token",
            message = ("%s gave no token: %s"):format(field, tostring(message or "no reason")) }
    end
    local found = check_token(token, field, { [identity] = true })
    if found then
        found.stage = "token"
        return nil, found
    end
    return token
end

local function app_secret_of(client)
    local secret = client.app_secret
    if type(secret) ~= "function" then return secret end
    secret = secret()
    if type(secret) == "string" and secret ~= "" then return secret end
    return nil, { name = "token_function_failed", stage = "token",
        message = "app_secret gave no secret" }
end

local function remember(key, answer)
    local lifetime, now = answer.expire, clock.now()
    if not key or lifetime <= 0 then return end
    memory[key] = {
        token = answer.tenant_access_token,
        expires = now + lifetime,
        renew = now + lifetime - math.min(RENEW_EARLY, lifetime / 2),
    }
end

local function app_key(call, secret)
    local client = call.client
    if client.store == false then return nil end
    return table.concat({ call.base_url, client.app_id, core.sha256(secret) }, "\n")
end

-- A token from the service goes into a header, like one from the caller.
local function check_fetched(answer)
    if core.is_visible(answer.tenant_access_token) and answer.tenant_access_token ~= "" then
        return nil
    end
    return { name = "wrong_response_type", stage = "token", field = "tenant_access_token",
        message = "tenant_access_token is not one word of ASCII in the answer" }
end

local function fetch_from_app(key, entry, request, fetch)
    local answer, err = fetch(request, entry ~= nil)
    if answer then err = check_fetched(answer) end
    if not err then
        remember(key, answer)
        return answer.tenant_access_token
    end
    if not entry then return nil, err end
    -- too early to give up: what we hold is good until it expires
    entry.renew = clock.now() + RENEW_AGAIN
    return entry.token
end

local function from_app(call, fetch)
    local secret, found = app_secret_of(call.client)
    if not secret then return nil, found end
    call.secrets[#call.secrets + 1] = secret
    local key = app_key(call, secret)
    local entry, now = memory[key or ""], clock.now()
    if entry and now < entry.renew then return entry.token end
    if entry and now >= entry.expires then entry = nil end
    return fetch_from_app(key, entry, { app_id = call.client.app_id, app_secret = secret }, fetch)
end

--- Gets the token for the next attempt of a call.
-- @param call with client (its options), options (of the call), identity, endpoint, base_url,
-- refused (the last token was refused) and secrets, to which what must not be shown is added
-- @param fetch function(body, early) that calls the tenant token endpoint: answer, or nil and an
-- error; early: there is still a token that can be used
-- @return the token, and whether there may be another one when it is refused; or nil and the
-- fields of an error, or an error
function tokens.get(call, fetch)
    local client, options = call.client, call.options
    if call.identity == "none" then return nil end
    if options.token then return options.token, false end
    local configured = client[call.identity .. "_access_token"]
    if type(configured) == "string" then return configured, false end
    if configured then
        local token, found = from_function(configured, call.identity, {
            refused = call.refused == true, operation = call.endpoint.operation,
            user = options.user or client.user,
            tenant_key = options.tenant_key or client.tenant_key,
        })
        return token, token and true or found
    end
    local token, found = from_app(call, fetch)
    return token, token and true or found
end

--- Forgets a token that the service refused.
function tokens.drop(token)
    for key, entry in pairs(memory) do
        if entry.token == token then memory[key] = nil end
    end
end

return tokens
