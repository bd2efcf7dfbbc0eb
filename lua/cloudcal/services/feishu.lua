--- Feishu and Lark: one service under two hosts.

local base = require "cloudcal.services.base"
local clock = require "cloudcal.clock"
local endpoints = require "cloudcal.endpoints"
local later = require "cloudcal.later"
local options = require "cloudcal.options"
local wait = require "cloudcal.wait"

local HOSTS = {
    feishu = "https://open.feishu.cn",
    lark = "https://open.larksuite.com",
}

local ACCOUNTS = {
    feishu = "https://accounts.feishu.cn",
    lark = "https://accounts.larksuite.com",
}

local JSON = "application/json; charset=utf-8"

local feishu = {
    options = options.platform, call_options = options.platform_call,
    roots = { calendar = true },
    raw = { method = "GET", tokens = { "tenant", "user" }, content_type = JSON },
    body_prefix = "body.",
    methods = {},
}

function feishu.base_url(name)
    return HOSTS[name]
end

--- The host of the login pages.
function feishu.accounts_url(name)
    return ACCOUNTS[name]
end

function feishu.options_problem(given)
    if (given.app_id == nil) ~= (given.app_secret == nil) then
        return "options 'app_id' and 'app_secret' go together"
    end
end

-- The OAuth endpoints say it in words.
local OAUTH_WORDS = {
    authorization_pending = true, slow_down = true, access_denied = true, expired_token = true,
    invalid_grant = true, invalid_client = true,
}

local function oauth_verdict(body)
    local word = body.error
    if type(word) == "string" then
        return { word = OAUTH_WORDS[word] and word, name = "oauth_refused",
                 msg = body.error_description or word }
    end
    return { success = body.access_token ~= nil or body.device_code ~= nil }
end

local SUCCESS = { success = true }

--- The verdict of an answer: success is the code 0, or "0" at Lark's OAuth endpoints.
function feishu.verdict(body)
    local code = body.code
    if code == 0 then return SUCCESS end
    if code == nil and (body.error or body.access_token or body.device_code) then
        return oauth_verdict(body)
    end
    if type(code) == "string" then code = tonumber(code:match("^%d+$")) end
    if type(code) ~= "number" or code % 1 ~= 0 then return nil end
    return {
        success = code == 0, code = code, msg = body.msg or body.error_description,
        word = OAUTH_WORDS[body.error] and body.error,
        detail = type(body.error) == "table" and body.error or nil,
    }
end

function feishu.compose(call)
    if call.endpoint.raw then return call.request.body end
    return call.endpoint.request.body and (call.request.body or {}) or nil
end

-- {======================================================
-- Wrappers
-- =======================================================}

local methods = feishu.methods

local function data_of(body, err, meta)
    if not body then return nil, err, meta end
    return body.data, nil, meta
end

local function expect_body(body, level)
    if body ~= nil and type(body) ~= "table" then
        error("the body must be a table, not a " .. type(body), level + 1)
    end
    return body or {}
end

--- Makes a CalDAV account for the current user.
-- @param body { device_name }; at most 100 characters
-- @param opts call options
-- @return { password, user_name, server_address, device_name }, nil, meta; or nil, err, meta.
-- The password is in the result only, never in a log, an error or meta.
-- Source: open.feishu.cn, calendar-v4/setting/generate_caldav_conf
function methods:generate_caldav_conf(body, opts)
    local state, endpoint = base.state_of(self), endpoints.generate_caldav_conf
    body = expect_body(body, 2)
    local query, call_options = base.part_options(state, endpoint, opts)
    if not query then error(call_options, 2) end
    return data_of(base.call(state, endpoint, { body = body }, call_options))
end

--- Binds an Exchange account to a user. The caller must be a super administrator.
-- @param body { admin_account, exchange_account, user_id }
-- @param opts { user_id_type } and call options
-- @return the binding, nil, meta; or nil, err, meta. Its status begins as "doing".
-- Source: open.feishu.cn, calendar-v4/exchange_binding/create
function methods:create_exchange_binding(body, opts)
    local state, endpoint = base.state_of(self), endpoints.exchange_binding_create
    body = expect_body(body, 2)
    local query, call_options = base.part_options(state, endpoint, opts)
    if not query then error(call_options, 2) end
    return data_of(base.call(state, endpoint, { body = body, query = query }, call_options))
end

--- Reads a binding.
-- @param id exchange_binding_id, as create returned it
-- @param opts { user_id_type } and call options
-- @return the binding, nil, meta; or nil, err, meta
-- Source: open.feishu.cn, calendar-v4/exchange_binding/get
function methods:get_exchange_binding(id, opts)
    local state, endpoint = base.state_of(self), endpoints.exchange_binding_get
    base.expect(id, "string", "exchange_binding_id")
    local query, call_options = base.part_options(state, endpoint, opts)
    if not query then error(call_options, 2) end
    local given = { path = { exchange_binding_id = id }, query = query }
    return data_of(base.call(state, endpoint, given, call_options))
end

--- Unbinds an Exchange account.
-- @param id exchange_binding_id
-- @param opts call options
-- @return true, nil, meta; or nil, err, meta. meta.already_gone tells that an earlier attempt
-- of this call had done it.
-- Source: open.feishu.cn, calendar-v4/exchange_binding/delete
function methods:delete_exchange_binding(id, opts)
    local state, endpoint = base.state_of(self), endpoints.exchange_binding_delete
    base.expect(id, "string", "exchange_binding_id")
    local query, call_options = base.part_options(state, endpoint, opts)
    if not query then error(call_options, 2) end
    local given = { path = { exchange_binding_id = id } }
    local body, err, meta = base.call(state, endpoint, given, call_options)
    return body and true or nil, err, meta
end

--- Reads the primary calendar of the app or of the user.
-- @param opts { user_id_type } and call options such as identity
-- @return { calendar, user_id }, nil, meta; or nil, err, meta. An identity without a primary
-- calendar gives not_found, name no_primary_calendar.
-- Source: open.larksuite.com, calendar-v4/calendar/primary
function methods:primary_calendar(opts)
    local state, endpoint = base.state_of(self), endpoints.calendar_primary
    local query, call_options = base.part_options(state, endpoint, opts)
    if not query then error(call_options, 2) end
    local data, err, meta =
        data_of(base.call(state, endpoint, { query = query }, call_options))
    if not data then return nil, err, meta end
    local first = data.calendars and data.calendars[1]
    if first then return first, nil, meta end
    return nil, base.error(state, endpoint, {
        name = "no_primary_calendar", http_status = meta.status, log_id = meta.log_id,
        message = "the answer holds no calendar", code = 0, acted = "yes",
        body = { data = data },
    }), meta
end

-- {======================================================
-- Following the first sync of a binding
-- =======================================================}

local POLLING = { max_wait = true, interval = true, on_progress = true }

local DEFAULTS = options.sync_defaults

local function polling_problem(given)
    for _, name in ipairs { "max_wait", "interval" } do
        local value = given[name]
        if value ~= nil and not (type(value) == "number" and value > 0) then
            return ("option '%s' must be a number of seconds above 0"):format(name)
        end
    end
    if given.on_progress ~= nil and type(given.on_progress) ~= "function" then
        return "option 'on_progress' must be a function"
    end
end

local function sync_error(state, name, binding, message, meta)
    return base.error(state, endpoints.exchange_binding_get, {
        name = name, message = message, body = binding, acted = "no",
        http_status = meta.status, log_id = meta.log_id,
    })
end

-- One look: "done", "failed", "again" with the binding, or "broken" with the error.
local function look(state, given, call_options)
    local endpoint = endpoints.exchange_binding_get
    local binding, err, meta = data_of(base.call(state, endpoint, given, call_options))
    if not binding then return err.retryable and "again" or "broken", nil, err, meta end
    local verdicts = { done = "done", err = "failed" }
    return verdicts[binding.status] or "again", binding, nil, meta
end

local function late(state, binding, err, meta, max_wait)
    if not binding and err then return err end
    return sync_error(state, "exchange_sync_late", binding,
        ("the sync was not done after %g s"):format(max_wait), meta)
end

local function follow(state, given, call_options, polling)
    local max_wait, interval = polling.max_wait or DEFAULTS.max_wait,
        polling.interval or DEFAULTS.interval
    local deadline = clock.now() + max_wait
    local longest = call_options.timeout or state.options.timeout or options.defaults.timeout
    local last
    while true do
        call_options.timeout = math.max(0.001, math.min(longest, deadline - clock.now()))
        local verdict, binding, err, meta = look(state, given, call_options)
        last = binding or last
        if binding and polling.on_progress then polling.on_progress(binding) end
        if verdict == "done" then return binding, nil, meta end
        if verdict == "failed" then
            return nil, sync_error(state, "exchange_sync_failed", binding,
                "the service could not sync the Exchange account", meta), meta
        end
        if verdict == "broken" then
            err.body = last or err.body
            return nil, err, meta
        end
        if clock.now() + interval >= deadline then
            return nil, late(state, last, err, meta, max_wait), meta
        end
        wait.sleep(interval)
    end
end

--- Waits until the first sync of a binding is done. A look that fails for a passing reason is
-- repeated until max_wait is over.
-- @param id exchange_binding_id
-- @param opts { max_wait = 600, interval = 2 (seconds), on_progress = function(binding),
-- user_id_type } and call options
-- @return the binding, nil, meta; or nil, err, meta. A failed sync is rejected, name
-- exchange_sync_failed; a late one is timeout; err.body is the last binding seen.
function methods:wait_exchange_binding(id, opts)
    local state, endpoint = base.state_of(self), endpoints.exchange_binding_get
    base.expect(id, "string", "exchange_binding_id")
    if opts == nil then opts = {} end
    local query, call_options = base.part_options(state, endpoint, opts, POLLING)
    local problem = query and polling_problem(query) or not query and call_options
    if problem then error(problem, 2) end
    local polling = {}
    for name in pairs(POLLING) do
        polling[name], query[name] = query[name], nil
    end
    local given = { path = { exchange_binding_id = id }, query = query }
    return follow(state, given, call_options, polling)
end

-- {======================================================
-- Tokens
-- =======================================================}

local function argument_problem(given, rows, needed)
    if type(given) ~= "table" then return "the argument must be a table, not a " .. type(given) end
    if given[needed] == nil then return ("option '%s' is missing"):format(needed) end
    return options.problem(given, rows)
end

-- Read when first asked for: most programs call with tokens of one kind.
local function logins() return later "cloudcal.logins" end
local function app_tokens() return later "cloudcal.app_tokens" end

-- Raises at the caller of the method when the table is not what the rows say.
-- Returns the options of the call that are among them.
local function expect_options(given, rows, needed)
    local problem = argument_problem(given, rows, needed)
    if problem then error(problem, 3) end
    return { user = given.user, tenant_key = given.tenant_key, timeout = given.timeout }
end

--- Makes the address of the page where a user lets the app act for them. It asks for
-- offline_access too, without which the login ends after two hours; with PKCE.
-- @param given { redirect_uri, scope (words, at most 50), state, code_verifier, prompt }; state
-- and code_verifier are made up where they are absent
-- @return the address, nil, meta; meta.state and meta.code_verifier are to be kept, in the
-- user's session, until the code comes; or nil, err, meta
-- Source: open.feishu.cn, authentication-management/access-token/obtain-oauth-code
function methods:authorization_url(given)
    local state = base.state_of(self)
    expect_options(given, options.authorization_url, "redirect_uri")
    return base.act(state, endpoints.authorize, {}, function(call)
        return logins().authorization_url(call, given)
    end, true)
end

--- Exchanges the code that came back to redirect_uri, and keeps the login in the store. A code
-- is good for one use within five minutes.
-- @param given { code, redirect_uri, code_verifier, user (the name of the login, as in the
-- option `user`), tenant_key, timeout (seconds) }
-- @return { user, scope, expires_in, refresh_expires_in (seconds) }, nil, meta; or nil, err, meta
-- Source: open.feishu.cn, authentication-management/access-token/get-user-access-token
function methods:exchange_code(given)
    local state = base.state_of(self)
    local call_options = expect_options(given, options.exchange_code, "code")
    return base.act(state, endpoints.oauth_token, call_options, function(call)
        return logins().exchange_code(call, given)
    end)
end

--- Logs in a user who opens a page on any device, and keeps the login in the store: for scripts
-- without a web server. Waits until the user has answered.
-- @param given { scope, on_prompt = function(p), user, tenant_key, timeout (seconds, of each
-- request) }; p is { user_code, verification_uri, verification_uri_complete, expires_in,
-- interval (seconds) }
-- @return as exchange_code; login_required with the name access_denied or device_code_expired
-- where the user refused or did not answer
-- Source: RFC 8628; accounts.feishu.cn
function methods:login(given)
    local state = base.state_of(self)
    local call_options = expect_options(given, options.login, "on_prompt")
    return base.act(state, endpoints.oauth_token, call_options, function(call)
        return logins().login(call, given)
    end)
end

--- Keeps the ticket of a store app, which the platform pushes to its event address each hour.
-- @param ticket event.app_ticket of that event
-- @return true, nil, meta; or nil, err, meta
-- Source: open.feishu.cn, application-v6/event/app_ticket-events
function methods:set_app_ticket(ticket)
    local state = base.state_of(self)
    base.expect(ticket, "string", "the ticket")
    return base.act(state, endpoints.app_ticket_resend, {}, function(call)
        return app_tokens().set_ticket(call, ticket)
    end, true)
end

--- Has the platform push the ticket of a store app again.
-- @return true, nil, meta; or nil, err, meta
-- Source: open.feishu.cn, authentication-management/access-token/app_ticket_resend
function methods:resend_app_ticket()
    return base.act(base.state_of(self), endpoints.app_ticket_resend, {},
        app_tokens().resend_ticket)
end

return {
    feishu = base.constructor(feishu, "feishu"),
    lark = base.constructor(feishu, "lark"),
}
