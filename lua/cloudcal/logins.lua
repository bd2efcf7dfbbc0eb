--- Logins of users: how they begin, where they are kept, and how they are renewed.
-- A refresh token is good for one use, and the answer that brings the next one may get lost. So
-- it is taken out of the store before it is sent: what was sent is never sent again.

local app_tokens = require "cloudcal.app_tokens"
local clock = require "cloudcal.clock"
local core = require "cloudcal.core"
local endpoints = require "cloudcal.endpoints"
local errors = require "cloudcal.errors"
local identity = require "cloudcal.identity"
local json = require "cloudcal.json"
local log = require "cloudcal.log"
local redact = require "cloudcal.redact"
local renewal = require "cloudcal.renewal"
local request = require "cloudcal.request"
local stores = require "cloudcal.stores"
local wait = require "cloudcal.wait"

local logins = {}

local RENEW_EARLY = 300 -- seconds; or half of the token's life, if that is less
local RENEW_AGAIN = 15 -- seconds after an early renewal that failed
local REFRESH_SECONDS = 604800 -- of a refresh token whose answer names no time

-- Seconds that a renewal needs, lest its answer comes too late; one that is early can wait for a
-- call that has more of them.
local LEAST, LEAST_EARLY = 0.5, 5

local function failure(name, message, field)
    return { name = name, stage = "token", message = message, field = field }
end

-- {======================================================
-- The record of a login: access_token and refresh_token with expires_in and refresh_expires_in,
-- scope; lifetime: how long the store was told to keep it, so that the time that the store says
-- is left tells the rest; ended: why there is no refresh token, the name of an error
-- =======================================================}

local function key_of(call)
    return table.concat({
        "login", call.base_url, call.client.app_id,
        identity.tenant_key(call) or "", identity.user(call) or "",
    }, "\n")
end

local function store_of(call)
    local store = stores.of(call.client)
    if not store then
        return nil, failure("store_needed", "there is no store for the login", "store")
    end
    if store.is_private and wait.worker_count() > 1 then
        return nil, failure("shared_store_needed",
            "the login would be known to one of several nginx workers only", "store")
    end
    return store
end

local function hide(call, secret)
    redact.hide(call.secrets, secret)
end

local function seconds_in(value)
    return type(value) == "number" and math.max(0, value) or 0
end

local function new_record(answer)
    local refresh = answer.refresh_token
    local record = {
        access_token = answer.access_token, expires_in = seconds_in(answer.expires_in),
        refresh_token = refresh, scope = answer.scope,
        refresh_expires_in = refresh
            and seconds_in(answer.refresh_token_expires_in or REFRESH_SECONDS) or 0,
        ended = not refresh and "login_not_renewable" or nil,
    }
    record.lifetime = math.max(record.expires_in, record.refresh_expires_in)
    return record
end

local function parse(text)
    local record = json.decode(text)
    return type(record) == "table" and type(record.lifetime) == "number" and record or nil
end

local function read_store(store, key)
    local text, left, broken = store:get(key)
    if broken then return nil, failure("store_failed", broken, "store") end
    if not text then return nil, failure("not_logged_in", "there is no login of this user") end
    local record = parse(text)
    if record then return record, left end
    return nil, failure("store_failed", "what is stored is not a login", "store")
end

local function write(store, key, record, left)
    local kept, message = store:set(key, (json.encode(record)), left)
    if kept then return true end
    return nil, failure("store_failed", message, "store")
end

-- Logins that were renewed, and that the store would not take: { store, record, before (the access
-- token of the login that was renewed), ends }.
local unwritten = {}

-- A user who has logged in again has another access token.
local function is_replaced(store, key, access_token)
    local current = read_store(store, key)
    return current ~= nil and current.access_token ~= access_token
end

-- Tries again what could not be written.
local function pending(store, key)
    local entry = unwritten[key]
    if not entry or entry.store ~= store then return nil end
    local left = entry.ends - clock.now()
    if left > 0 and not is_replaced(store, key, entry.before)
        and not write(store, key, entry.record, left) then
        return entry.record, left
    end
    unwritten[key] = nil
end

local function read(store, key)
    local record, left = pending(store, key)
    if record then return record, left end
    return read_store(store, key)
end

local function left_of(record, left, expires_in)
    return left - (record.lifetime - expires_in)
end

-- {======================================================
-- A login as a source for renewal
-- =======================================================}

-- What this Lua state knows of a login: refused (an access token), and until when it is not
-- renewed early.
local refused, rest_until = {}, {}

local Source = { is_vital = true }
Source.__index = Source

function Source:look(call)
    local record, left = read(self.store, self.key)
    if not record then return nil, nil, left end
    hide(call, record.refresh_token)
    local seconds = left_of(record, left, record.expires_in)
    local token = record.access_token
    if seconds <= 0 or token == refused[self.key] then return nil end
    local is_old = record.refresh_token ~= nil
        and seconds < math.min(RENEW_EARLY, record.expires_in / 2)
        and clock.now() >= (rest_until[self.key] or 0)
    return token, is_old
end

function Source:refuse(token)
    refused[self.key] = token
end

local MESSAGES = {
    login_not_renewable = "the access token has ended, and there is no refresh token",
    login_expired = "the login has ended",
    login_lost = "the renewal of the login was begun, and its answer was lost",
}

local function ended(record)
    return failure(record.ended, MESSAGES[record.ended])
end

local function without_refresh_token(record, reason)
    local rest = {}
    for name, value in pairs(record) do rest[name] = value end
    rest.refresh_token, rest.ended = nil, reason
    return rest
end

local function hide_answer(call, answer)
    hide(call, answer.access_token)
    hide(call, answer.refresh_token)
end

local function start_over(key)
    refused[key], rest_until[key], unwritten[key] = nil, nil, nil
end

local PAUSES = { 0.1, 0.3, 1, 1.5 } -- seconds; a store that is away for a moment comes back

-- What must not get lost is worth some patience.
local function write_patiently(store, key, record, left)
    local kept, found = write(store, key, record, left)
    for _, seconds in ipairs(PAUSES) do
        if kept then return true end
        wait.sleep(seconds)
        kept, found = write(store, key, record, left)
    end
    return kept, found
end

-- Nothing came of a refresh token that was taken out of the store. It goes back if the service
-- did not take it.
local function give_back(call, source, record, left, err, acted)
    if acted ~= "no" then
        local lost = failure("login_lost", MESSAGES.login_lost .. ": " .. err.message)
        log.write(call.client, "error", "a login is lost",
            { reason = redact.text(lost.message, call.secrets) })
        return lost
    end
    if is_replaced(source.store, source.key, record.access_token) then return err end
    if err.kind == "login_required" then record = without_refresh_token(record, "login_expired") end
    local kept, found = write_patiently(source.store, source.key, record, left)
    return kept and err or found
end

local function ask(call, secret, fields, how)
    fields.client_id, fields.client_secret = call.client.app_id, secret
    local answer, err, acted = call.fetch(call, endpoints.oauth_token, fields, how)
    if answer and not app_tokens.is_token(answer.access_token) then
        err = failure("wrong_response_type", "access_token is not one word of ASCII in the answer")
        return nil, err, "yes"
    end
    return answer, err, acted
end

-- The token for the call at hand is good, whatever the store does.
local function keep_renewed(call, source, before, answer)
    local store, key, record = source.store, source.key, new_record(answer)
    hide_answer(call, answer)
    start_over(key)
    if is_replaced(store, key, before) then return end
    local kept, found = write_patiently(store, key, record, record.lifetime)
    if kept then return end
    unwritten[key] = {
        store = store, record = record, before = before, ends = clock.now() + record.lifetime,
    }
    log.write(call.client, "error", "a renewed login cannot be stored yet",
        { reason = redact.text(found.message, call.secrets) })
end

local function refresh(call, source, secret, record, left, deadline)
    local store, key = source.store, source.key
    local taken, broken = write(store, key, without_refresh_token(record, "login_lost"), left)
    if not taken then
        -- it may have been written all the same
        write_patiently(store, key, record, left)
        return nil, broken
    end
    local answer, err, acted = ask(call, secret,
        { grant_type = "refresh_token", refresh_token = record.refresh_token },
        { deadline = deadline })
    if not answer then return nil, give_back(call, source, record, left, err, acted) end
    keep_renewed(call, source, record.access_token, answer)
    return answer.access_token
end

-- The secret may come from a slow function: nothing is read before it is there.
function Source:renew(call, early, deadline)
    local secret, found = app_tokens.secret(call)
    if not secret then return nil, found end
    local record, left = read(self.store, self.key)
    if not record then return nil, left end
    hide(call, record.access_token)
    hide(call, record.refresh_token)
    if not record.refresh_token then return nil, ended(record) end
    if left_of(record, left, record.refresh_expires_in) <= 0 then
        return nil, ended { ended = "login_expired" }
    end
    if deadline - clock.now() < (early and LEAST_EARLY or LEAST) then
        return nil, failure("deadline_exceeded", "too little time is left to renew the login")
    end
    rest_until[self.key] = early and clock.now() + RENEW_AGAIN or nil
    return refresh(call, self, secret, record, left, deadline)
end

--- Gets the access token of the user whom a call names.
-- @param call as for app_tokens.get
-- @return the token, and its source; or nil and an error or the fields of one
function logins.get(call)
    local store, found = store_of(call)
    if not store then return nil, found end
    local source = setmetatable({ store = store, key = key_of(call) }, Source)
    local token, err = renewal.get(source, call, call.deadline)
    return token, token and source or err
end

-- {======================================================
-- How a login begins
-- =======================================================}

local function describe(call, record)
    return {
        user = identity.user(call), scope = record.scope, expires_in = record.expires_in,
        refresh_expires_in = record.refresh_token and record.refresh_expires_in or nil,
    }
end

-- @param begin function(call, store, secret, given)
local function log_in(call, given, begin)
    local store, found = store_of(call)
    if not store then return nil, found end
    local _, _, broken = store:get(key_of(call)) -- before anybody is asked for anything
    if broken then return nil, failure("store_failed", broken, "store") end
    local secret
    secret, found = app_tokens.secret(call)
    if not secret then return nil, found end
    return begin(call, store, secret, given)
end

local function keep_new(call, store, answer)
    local key, record = key_of(call), new_record(answer)
    hide_answer(call, answer)
    start_over(key)
    local kept, lost = write_patiently(store, key, record, record.lifetime)
    if not kept then return nil, lost end
    return describe(call, record)
end

local function exchange_code(call, store, secret, given)
    hide(call, given.code)
    hide(call, given.code_verifier)
    local answer, err = ask(call, secret, {
        grant_type = "authorization_code", code = given.code,
        redirect_uri = given.redirect_uri, code_verifier = given.code_verifier,
    }, {})
    if not answer then return nil, err end
    return keep_new(call, store, answer)
end

--- Exchanges an authorization code for a login, and keeps it.
-- @param given { code, redirect_uri, code_verifier }
-- @return { user, scope, expires_in, refresh_expires_in (seconds) }; or nil and an error
function logins.exchange_code(call, given)
    return log_in(call, given, exchange_code)
end

-- Without it there is no refresh token.
local function with_offline_access(scope)
    scope = scope or ""
    if (" " .. scope .. " "):find(" offline_access ", 1, true) then return scope end
    return scope == "" and "offline_access" or scope .. " offline_access"
end

-- "scheme://host": what a browser can be sent back to.
local function redirect_problem(uri)
    if uri:find("^%a[%w+.-]*://[^/]") and core.is_visible(uri) then return nil end
    return failure("invalid_redirect_uri", "redirect_uri is not an absolute address",
        "redirect_uri")
end

--- Makes the address of the page where the user lets the app act for them.
-- @param given { redirect_uri, scope, state, code_verifier, prompt }
-- @return the address, with meta.state and meta.code_verifier; or nil and the fields of an error
function logins.authorization_url(call, given)
    local problem = redirect_problem(given.redirect_uri)
    if problem then return nil, problem end
    local meta = call.meta
    meta.state = given.state or core.base64url(core.random_bytes(24))
    meta.code_verifier = given.code_verifier or core.base64url(core.random_bytes(32))
    local query = {
        client_id = call.client.app_id, response_type = "code",
        redirect_uri = given.redirect_uri, scope = with_offline_access(given.scope),
        state = meta.state, prompt = given.prompt,
        code_challenge = core.base64url(core.sha256(meta.code_verifier, "raw")),
        code_challenge_method = "S256",
    }
    return call.accounts_url .. call.endpoint.path .. request.query(query)
end

-- {======================================================
-- The device flow: the user types a code on another device (RFC 8628)
-- =======================================================}

local INTERVAL, SLOW_DOWN, EXPIRES_IN = 5, 5, 240 -- seconds

local SHOWN = {
    "user_code", "verification_uri", "verification_uri_complete", "expires_in", "interval",
}

-- A look that fails for a passing reason is repeated; the code may have been used by then, which
-- the next answer says.
local function may_go_on(err)
    return err.name == "authorization_pending" or errors.is_transient(err.kind)
end

local function poll(call, store, secret, device)
    local deadline, interval = clock.now() + device.expires_in, device.interval
    while true do
        if not wait.sleep(math.min(interval, deadline - clock.now())) then
            return nil, wait.cancelled()
        end
        if clock.now() >= deadline then
            return nil, failure("device_code_expired", "the user did not answer in time")
        end
        local answer, err = ask(call, secret, {
            grant_type = "urn:ietf:params:oauth:grant-type:device_code",
            device_code = device.device_code,
        }, { deadline = math.min(deadline, clock.now() + call.timeout), retry = false })
        if answer then return keep_new(call, store, answer) end
        if not may_go_on(err) then return nil, err end
        if err.name == "slow_down" then interval = interval + SLOW_DOWN end
    end
end

local function device_flow(call, store, secret, given)
    local device, err = call.fetch(call, endpoints.device_authorization,
        { client_id = call.client.app_id, scope = with_offline_access(given.scope) },
        { basic = call.client.app_id .. ":" .. secret })
    if not device then return nil, err end
    hide(call, device.device_code)
    device.interval = math.max(1, device.interval or INTERVAL)
    device.expires_in = device.expires_in or EXPIRES_IN
    local prompt = {}
    for _, name in ipairs(SHOWN) do prompt[name] = device[name] end
    given.on_prompt(prompt)
    return poll(call, store, secret, device)
end

--- Logs a user in who opens a page elsewhere, and keeps the login.
-- @param given { scope, on_prompt }; on_prompt gets { user_code, verification_uri,
-- verification_uri_complete, expires_in, interval (seconds) }
-- @return as exchange_code
function logins.login(call, given)
    return log_in(call, given, device_flow)
end

return logins
