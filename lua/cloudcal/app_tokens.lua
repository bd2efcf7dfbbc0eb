--- Tokens of apps: that of a custom app, and those of a store app, one for each tenant.

local clock = require "cloudcal.clock"
local core = require "cloudcal.core"
local endpoints = require "cloudcal.endpoints"
local errors = require "cloudcal.errors"
local identity = require "cloudcal.identity"
local log = require "cloudcal.log"
local redact = require "cloudcal.redact"
local renewal = require "cloudcal.renewal"
local stores = require "cloudcal.stores"
local sweep = require "cloudcal.sweep"

local app_tokens = {}

-- The service hands out a new token only in the last 30 minutes of the old one.
local RENEW_EARLY = 300 -- seconds

local RENEW_AGAIN = 15 -- seconds after an early renewal that failed: not every call shall pay
local REFUSED_SECONDS = 5 -- that a refusal of the app's credentials is remembered
local ASK_AGAIN = 60 -- seconds between two requests for the app ticket
local DAY = 86400 -- seconds that what is known of a key is kept at least
local TICKET_SECONDS = 30 * 86400 -- the platform pushes a new one each hour

-- What this Lua state knows of a key: rest_until (no early renewal before), refusal (of the app's
-- credentials) and refusal_until, asked_until.
local notes = sweep.new(function(known, now)
    return now > math.max(known.born + DAY, known.rest_until or 0)
end)

local function new_notes(key)
    local known = { born = clock.now() }
    notes:put(key, known)
    return known
end

local function notes_of(key)
    return notes.values[key] or new_notes(key)
end

local function ask_for_secret(ask)
    local fine, secret = pcall(ask)
    if fine then return secret end
    return nil, ("app_secret raised: %s"):format(tostring(secret))
end

--- The secret of the app; a function is asked for it.
-- @return the secret; or nil and the fields of an error
function app_tokens.secret(call)
    local secret, problem = call.client.app_secret, nil
    if type(secret) == "function" then secret, problem = ask_for_secret(secret) end
    if type(secret) == "string" and secret ~= "" then
        redact.hide(call.secrets, secret)
        return secret
    end
    return nil, { name = "token_function_failed", stage = "token",
        message = problem or "app_secret gave no secret" }
end

--- Tells whether a token from a service can go into a header, like one from the caller.
function app_tokens.is_token(token)
    return type(token) == "string" and token ~= "" and core.is_visible(token)
end

-- {======================================================
-- A token of an app as a source for renewal
-- =======================================================}

local Source = {}
Source.__index = Source

-- @param field of the answer that holds the token
-- @param ask function(call, source, how), with how = { early, deadline }: the answer, or nil and
-- an error
local function new_source(call, secret, field, tenant_key, ask)
    return setmetatable({
        store = stores.of(call.client), field = field, ask = ask,
        secret = secret, tenant_key = tenant_key,
        key = table.concat({
            "token", call.base_url, call.client.app_id, core.sha256(secret), field, tenant_key,
        }, "\n"),
    }, Source)
end

-- A store that fails must not fail the call when a token can be had without it.
local function note_failure(call, message)
    if not message then return end
    log.write(call.client, "warn", "the store fails",
        { reason = redact.text(message, call.secrets) })
end

function Source:look(call)
    if not self.store then return nil end
    local token, left, failure = self.store:get(self.key)
    note_failure(call, failure)
    if not token then return nil end
    return token, left < RENEW_EARLY and clock.now() >= (notes_of(self.key).rest_until or 0)
end

local function check_fetched(token, field)
    if app_tokens.is_token(token) then return nil end
    return { name = "wrong_response_type", stage = "token", field = field,
        message = field .. " is not one word of ASCII in the answer" }
end

local function keep(call, source, token, seconds)
    new_notes(source.key).rest_until = clock.now() + seconds / 2
    if not source.store or seconds <= 0 then return end
    local kept, failure = source.store:set(source.key, token, seconds, call.deadline)
    if not kept then note_failure(call, failure) end
end

local function note_refusal(known, err, early)
    local now = clock.now()
    if early then known.rest_until = now + RENEW_AGAIN end
    if early or err.kind ~= "app_setup" then return end
    known.refusal, known.refusal_until = errors.fields(err), now + REFUSED_SECONDS
end

function Source:renew(call, early, deadline)
    local known = notes_of(self.key)
    if clock.now() < (known.refusal_until or 0) then return nil, known.refusal end
    local answer, err = self.ask(call, self, { early = early, deadline = deadline })
    local token = answer and answer[self.field]
    if answer then err = check_fetched(token, self.field) end
    if err then
        note_refusal(known, err, early)
        return nil, err
    end
    redact.hide(call.secrets, token)
    keep(call, self, token, answer.expire)
    return token
end

function Source:refuse(token)
    local store = self.store
    if store and store:get(self.key) == token then store:set(self.key, nil) end
end

-- {======================================================
-- Store apps: ticket -> app token -> tenant token
-- =======================================================}

local function ticket_key(call)
    return table.concat({ "ticket", call.base_url, call.client.app_id }, "\n")
end

-- What was refused for an old ticket may work with the next one.
local function forget_refusals()
    for _, known in pairs(notes.values) do known.refusal_until = nil end
end

--- Keeps the ticket that the platform pushed.
-- @return true; or nil and the fields of an error
function app_tokens.set_ticket(call, ticket)
    local store = stores.of(call.client)
    if not store then
        return nil, { name = "store_needed", stage = "token", field = "store",
            message = "there is no store for the app ticket" }
    end
    redact.hide(call.secrets, ticket)
    local kept, failure = store:set(ticket_key(call), ticket, TICKET_SECONDS)
    if kept then
        forget_refusals()
        return true
    end
    return nil, { name = "store_failed", stage = "token", field = "store", message = failure }
end

--- Has the platform push the ticket of the app again.
-- @return true; or nil and an error
function app_tokens.resend_ticket(call)
    local secret, err = app_tokens.secret(call)
    if not secret then return nil, err end
    local answer
    answer, err = call.fetch(call, endpoints.app_ticket_resend,
        { app_id = call.client.app_id, app_secret = secret }, {})
    return answer and true, err
end

-- Once in a while: each call that misses the ticket would ask otherwise.
local function ask_for_ticket(call)
    local known = notes_of(ticket_key(call))
    if clock.now() < (known.asked_until or 0) then return end
    known.asked_until = clock.now() + ASK_AGAIN
    local asked, err = app_tokens.resend_ticket(call)
    log.write(call.client, "warn", "asked the platform for the app ticket",
        { failed = not asked and tostring(err) or nil })
end

local function ticket_of(call)
    local store = stores.of(call.client)
    local ticket, _, failure
    if store then ticket, _, failure = store:get(ticket_key(call)) end
    note_failure(call, failure)
    if ticket then
        redact.hide(call.secrets, ticket)
        return ticket
    end
    ask_for_ticket(call)
    return nil, { name = "app_ticket_missing", stage = "token",
        message = "there is no app ticket yet; the platform was asked to push it" }
end

local STALE_TICKET = 10012

local function ask_for_app_token(call, source, how)
    local ticket, missing = ticket_of(call)
    if not ticket then return nil, missing end
    local answer, err = call.fetch(call, endpoints.app_access_token, {
        app_id = call.client.app_id, app_secret = source.secret, app_ticket = ticket,
    }, how)
    if err and err.code == STALE_TICKET then ask_for_ticket(call) end
    return answer, err
end

-- The third value tells that the app token was refused.
local function ask_with_app_token(call, source, how)
    local app = new_source(call, source.secret, "app_access_token", nil, ask_for_app_token)
    local app_token, err = renewal.get(app, call, how.deadline)
    if not app_token then return nil, err end
    redact.hide(call.secrets, app_token)
    local answer
    answer, err = call.fetch(call, endpoints.tenant_access_token,
        { app_access_token = app_token, tenant_key = source.tenant_key }, how)
    if not err or err.kind ~= "unauthenticated" then return answer, err end
    app:refuse(app_token)
    return nil, err, true
end

-- A refused app token is replaced once.
local function ask_as_store_app(call, source, how)
    local answer, err, was_refused = ask_with_app_token(call, source, how)
    if not was_refused then return answer, err end
    return ask_with_app_token(call, source, how)
end

-- =======================================================}

local function ask_as_custom_app(call, source, how)
    return call.fetch(call, endpoints.tenant_access_token_internal,
        { app_id = call.client.app_id, app_secret = source.secret }, how)
end

local latest = setmetatable({}, { __mode = "k" }) -- the source of each client's last call

local function source_of(call, secret)
    local client, tenant_key, ask = call.client, nil, ask_as_custom_app
    if identity.is_store_app(client) then
        tenant_key, ask = identity.tenant_key(call), ask_as_store_app
    end
    local source = latest[client]
    if not source or source.secret ~= secret or source.tenant_key ~= tenant_key then
        source = new_source(call, secret, "tenant_access_token", tenant_key, ask)
        latest[client] = source
    end
    return source
end

--- Gets the tenant token of the client's app.
-- @param call with client (its options), options, base_url, deadline, secrets, and
-- fetch(call, endpoint, body, { early, deadline }) that calls a token endpoint
-- @return the token, and its source; or nil and an error or the fields of one
function app_tokens.get(call)
    local secret, found = app_tokens.secret(call)
    if not secret then return nil, found end
    local source = source_of(call, secret)
    local token, err = renewal.get(source, call, call.deadline)
    return token, token and source or err
end

return app_tokens
