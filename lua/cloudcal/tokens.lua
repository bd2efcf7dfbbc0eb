--- Which identity a call has, and where its token comes from.

local clock = require "cloudcal.clock"
local core = require "cloudcal.core"
local log = require "cloudcal.log"
local schema = require "cloudcal.schema"
local stores = require "cloudcal.stores"
local wait = require "cloudcal.wait"

local tokens = {}

-- The service hands out a new token only in the last 30 minutes of the old one.
local RENEW_EARLY = 300 -- seconds

-- After an early renewal that failed, so that not every call pays for the next one.
local RENEW_AGAIN = 15 -- seconds

local LOCK_SECONDS = 30 -- a fetch that takes longer is given up by those who wait for it
local LOOK_AGAIN = 0.02 -- seconds between two looks at another process's fetch

local problem = schema.problem

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
    local identity = call.identity or client.identity
    if identity and not set_of(endpoint.tokens)[identity] then
        return nil, problem("wrong_token_kind", "identity",
            ("cannot be %s: the endpoint does not take it"):format(identity))
    end
    if not identity and #endpoint.tokens == 1 then identity = endpoint.tokens[1] end
    if not identity then
        local chosen, unclear = choose_configured(client)
        if not chosen then return nil, unclear end
        identity = chosen
    end
    local found = check_configured(client, identity)
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

local function store_of(client)
    if client.store == false then return nil end
    return client.store or stores.default()
end

local function app_key(call, secret)
    return table.concat({ "token", call.base_url, call.client.app_id, core.sha256(secret) }, "\n")
end

-- Until when a token is not renewed, although its end is near.
local rest_until = {}

-- A store that fails must not fail the call when a token can be had without it.
local function remember(call, store, key, answer)
    if not store or answer.expire <= 0 then return end
    rest_until[key] = clock.now() + answer.expire / 2
    local kept, message = store:set(key, answer.tenant_access_token, answer.expire)
    if not kept then
        log.write(call.client, "warn", "the store keeps no token", { reason = message })
    end
end

-- The token, and whether it is time for the next one.
local function look_up(store, key)
    if not store then return nil end
    local token, left = store:get(key)
    local is_old = token ~= nil and left < RENEW_EARLY and clock.now() >= (rest_until[key] or 0)
    return token, is_old
end

-- A token from the service goes into a header, like one from the caller.
local function check_fetched(answer)
    if core.is_visible(answer.tenant_access_token) and answer.tenant_access_token ~= "" then
        return nil
    end
    return { name = "wrong_response_type", stage = "token", field = "tenant_access_token",
        message = "tenant_access_token is not one word of ASCII in the answer" }
end

local function renew(call, store, key, fetch, secret, early)
    local answer, err = fetch({ app_id = call.client.app_id, app_secret = secret }, early)
    if answer then err = check_fetched(answer) end
    if err then
        rest_until[key] = early and clock.now() + RENEW_AGAIN or nil
        return nil, err
    end
    remember(call, store, key, answer)
    return answer.tenant_access_token
end

-- Until when this Lua state holds a lock of a store. Nobody in here waits for that one: its
-- holder might not go on before we do, but for nginx.
local held_until = {}

local function is_held_here(key)
    return not wait.is_nginx() and (held_until[key] or 0) > clock.now()
end

local function lock_store(store, key, deadline)
    while not store:try_lock(key, LOCK_SECONDS) do
        local is_over = clock.now() + LOOK_AGAIN >= deadline
        if is_over or is_held_here(key) or look_up(store, key) then return false end
        if not wait.sleep(LOOK_AGAIN) then return false end
    end
    held_until[key] = clock.now() + LOCK_SECONDS
    return true
end

-- What a failed fetch means for those who waited for it: the same, unless only its own call
-- had come to an end.
local function outcome_of(err)
    if not err or err.kind == "cancelled" or err.kind == "timeout" then return nil end
    local fields = {}
    for name, value in pairs(err) do fields[name] = value end
    return fields
end

-- Of all who need the same token one fetches it: here by the lock of the host, between
-- processes by that of the store.
local function fetch_in_turn(call, fetch, store, key, secret, lock)
    local is_held = store ~= nil and lock_store(store, key, call.deadline)
    local token, is_old = look_up(store, key)
    local renewed, err
    if is_held and is_old or not token then
        renewed, err = renew(call, store, key, fetch, secret, token ~= nil)
    end
    if is_held then
        -- one that has run out may be another's by now
        if clock.now() < (held_until[key] or 0) then store:unlock(key) end
        held_until[key] = nil
    end
    if lock then wait.unlock(lock, outcome_of(err)) end
    -- what we hold is good until it expires
    token = renewed or token
    return token, not token and err or nil
end

local function from_app(call, fetch)
    local secret, found = app_secret_of(call.client)
    if not secret then return nil, found end
    call.secrets[#call.secrets + 1] = secret
    call.secrets.app = secret
    local store, key = store_of(call.client), app_key(call, secret)
    local token, is_old = look_up(store, key)
    if token and not is_old then return token end
    local lock, outcome
    if store then lock, outcome = wait.lock(key, call.deadline) end
    if outcome then return look_up(store, key) or nil, outcome end
    local err
    token, err = wait.shielded(function()
        return fetch_in_turn(call, fetch, store, key, secret, lock)
    end)
    if token or err then return token, err end
    return nil, { name = "aborted_by_callback", kind = "cancelled", stage = "token",
        message = "the task was cancelled" }
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
function tokens.drop(call, token)
    local store, secret = store_of(call.client), call.identity == "tenant" and call.secrets.app
    if not store or not secret then return end
    local key = app_key(call, secret)
    if store:get(key) == token then store:set(key, nil) end
end

return tokens
