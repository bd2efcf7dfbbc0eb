--- Feishu and Lark: one service under two hosts.

local base = require "cloudcal.services.base"
local clock = require "cloudcal.clock"
local options = require "cloudcal.options"
local wait = require "cloudcal.wait"

local HOSTS = {
    feishu = "https://open.feishu.cn",
    lark = "https://open.larksuite.com",
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

function feishu.options_problem(given)
    if (given.app_id == nil) ~= (given.app_secret == nil) then
        return "options 'app_id' and 'app_secret' go together"
    end
end

--- The verdict of an answer: success is the code 0, or "0" at Lark's OAuth endpoints.
function feishu.verdict(body)
    local code = body.code
    if type(code) == "string" then code = tonumber(code:match("^%d+$")) end
    if type(code) ~= "number" or code % 1 ~= 0 then return nil end
    return {
        success = code == 0, code = code, msg = body.msg or body.error_description,
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

local GENERATE = base.endpoint "calendar.v4.setting.generate_caldav_conf"
local CREATE = base.endpoint "calendar.v4.exchange_binding.create"
local GET = base.endpoint "calendar.v4.exchange_binding.get"
local DELETE = base.endpoint "calendar.v4.exchange_binding.delete"
local PRIMARY = base.endpoint "calendar.v4.calendar.primary"

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
    local state = base.state_of(self)
    body = expect_body(body, 2)
    local query, call_options = base.part_options(state, GENERATE, opts)
    if not query then error(call_options, 2) end
    return data_of(base.call(state, GENERATE, { body = body }, call_options))
end

--- Binds an Exchange account to a user. The caller must be a super administrator.
-- @param body { admin_account, exchange_account, user_id }
-- @param opts { user_id_type } and call options
-- @return the binding, nil, meta; or nil, err, meta. Its status begins as "doing".
-- Source: open.feishu.cn, calendar-v4/exchange_binding/create
function methods:create_exchange_binding(body, opts)
    local state = base.state_of(self)
    body = expect_body(body, 2)
    local query, call_options = base.part_options(state, CREATE, opts)
    if not query then error(call_options, 2) end
    return data_of(base.call(state, CREATE, { body = body, query = query }, call_options))
end

--- Reads a binding.
-- @param id exchange_binding_id, as create returned it
-- @param opts { user_id_type } and call options
-- @return the binding, nil, meta; or nil, err, meta
-- Source: open.feishu.cn, calendar-v4/exchange_binding/get
function methods:get_exchange_binding(id, opts)
    local state = base.state_of(self)
    base.expect(id, "string", "exchange_binding_id")
    local query, call_options = base.part_options(state, GET, opts)
    if not query then error(call_options, 2) end
    local given = { path = { exchange_binding_id = id }, query = query }
    return data_of(base.call(state, GET, given, call_options))
end

--- Unbinds an Exchange account.
-- @param id exchange_binding_id
-- @param opts call options
-- @return true, nil, meta; or nil, err, meta. meta.already_gone tells that an earlier attempt
-- of this call had done it.
-- Source: open.feishu.cn, calendar-v4/exchange_binding/delete
function methods:delete_exchange_binding(id, opts)
    local state = base.state_of(self)
    base.expect(id, "string", "exchange_binding_id")
    local query, call_options = base.part_options(state, DELETE, opts)
    if not query then error(call_options, 2) end
    local given = { path = { exchange_binding_id = id } }
    local body, err, meta = base.call(state, DELETE, given, call_options)
    return body and true or nil, err, meta
end

--- Reads the primary calendar of the app or of the user.
-- @param opts { user_id_type } and call options such as identity
-- @return { calendar, user_id }, nil, meta; or nil, err, meta. An identity without a primary
-- calendar gives not_found, name no_primary_calendar.
-- Source: open.larksuite.com, calendar-v4/calendar/primary
function methods:primary_calendar(opts)
    local state = base.state_of(self)
    local query, call_options = base.part_options(state, PRIMARY, opts)
    if not query then error(call_options, 2) end
    local data, err, meta =
        data_of(base.call(state, PRIMARY, { query = query }, call_options))
    if not data then return nil, err, meta end
    local first = data.calendars and data.calendars[1]
    if first then return first, nil, meta end
    return nil, base.error(state, PRIMARY, {
        name = "no_primary_calendar", http_status = meta.status, log_id = meta.log_id,
        message = "the answer holds no calendar", code = 0, acted = "yes",
        body = { data = data },
    }), meta
end

-- {======================================================
-- Following the first sync of a binding
-- =======================================================}

local POLLING = { max_wait = true, interval = true, on_progress = true }

local MAX_WAIT, INTERVAL = 600, 2 -- seconds

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
    return base.error(state, GET, {
        name = name, message = message, body = binding, acted = "no",
        http_status = meta.status, log_id = meta.log_id,
    })
end

-- One look: "done", "failed", "again" with the binding, or "broken" with the error.
local function look(state, given, call_options)
    local binding, err, meta = data_of(base.call(state, GET, given, call_options))
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
    local max_wait, interval = polling.max_wait or MAX_WAIT, polling.interval or INTERVAL
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
    local state = base.state_of(self)
    base.expect(id, "string", "exchange_binding_id")
    local query, call_options = base.part_options(state, GET, opts, POLLING)
    local problem = query and polling_problem(query) or not query and call_options
    if problem then error(problem, 2) end
    local polling = {}
    for name in pairs(POLLING) do
        polling[name], query[name] = query[name], nil
    end
    local given = { path = { exchange_binding_id = id }, query = query }
    return follow(state, given, call_options, polling)
end

return {
    feishu = base.constructor(feishu, "feishu"),
    lark = base.constructor(feishu, "lark"),
}
