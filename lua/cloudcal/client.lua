--- The pipeline of a call: check, build, token, rate limit, send, read, again?

local clock = require "cloudcal.clock"
local core = require "cloudcal.core"
local errors = require "cloudcal.errors"
local identity = require "cloudcal.identity"
local json = require "cloudcal.json"
local limiter = require "cloudcal.limiter"
local log = require "cloudcal.log"
local options = require "cloudcal.options"
local redact = require "cloudcal.redact"
local request = require "cloudcal.request"
local response = require "cloudcal.response"
local retry = require "cloudcal.retry"
local schema = require "cloudcal.schema"
local tokens = require "cloudcal.tokens"
local wait = require "cloudcal.wait"

local client = {}

local unpack = table.unpack or unpack -- luacheck: ignore 113 143

-- An attempt that begins this near to the deadline would only hide what the one before it met.
local TOO_NEAR = 0.01 -- seconds

-- {======================================================
-- meta
-- =======================================================}

local lazy = {}

function lazy.headers(source)
    return source.head and response.headers(source.head)
end

function lazy.timings(source)
    if not source.transfer then return nil end
    local dns, connect, tls, first_byte, total = source.transfer:timings()
    return { dns = dns, connect = connect, tls = tls, first_byte = first_byte, total = total }
end

-- The metatable holds what is made into headers and timings when they are first read: a weak
-- table of all of them would be work for each garbage collection.
local function new_meta()
    local source = {
        __metatable = "cloudcal.meta", __index = nil, head = nil, transfer = nil,
    }
    function source.__index(meta, name)
        local value = lazy[name] and lazy[name](source)
        rawset(meta, name, value)
        return value
    end
    local meta = setmetatable({
        attempts = 0, elapsed = 0, waited = 0, status = nil, log_id = nil, request_id = nil,
    }, source)
    return meta, source
end

local function note_answer(call, transfer, status, head)
    local meta, source = call.meta, call.source
    head = redact.text(head, call.secrets)
    source.head, source.transfer = head, transfer
    meta.status = status ~= 0 and status or nil
    meta.log_id = response.log_id(head)
    meta.request_id = response.header(head, "x-request-id")
end

-- {======================================================
-- One attempt
-- =======================================================}

local function fail(call, fields)
    fields.stage = fields.stage or call.stage
    return errors.new(fields, call)
end

local function send_options(call, token, body)
    return {
        transport = call.transport,
        url = call.url, method = call.endpoint.method, headers = call.headers,
        token = token, basic = call.basic,
        body = body, content_type = body and call.content_type or nil,
        timeout = call.deadline - clock.now(),
        -- libcurl repeats a request without a body when a kept connection turns out dead
        fresh = not body and not call.repeatable,
    }
end

local function exchange(call, token, body)
    local transfer, number, text = wait.exchange(send_options(call, token, body))
    if not transfer then
        limiter.settle(call)
        return nil, fail(call, response.transport_error(number, text, false))
    end
    -- status, head, body, latency; or nil, number, text, sent, status, head
    local status, a, b, c, failed_status, failed_head = transfer:take()
    limiter.settle(call, status and c)
    note_answer(call, transfer, status or failed_status, status and a or failed_head)
    if status then return { status = status, head = a, body = b } end
    local fields = response.transport_error(a, b, c, failed_head)
    fields.http_status = call.meta.status
    return nil, fail(call, fields)
end

-- A service may repeat a secret as it stood in the form.
local function form(call, body)
    for _, field in ipairs(call.endpoint.request.body) do
        local secret = field.secret and body[field.name]
        if secret then redact.hide(call.secrets, core.escape(secret)) end
    end
    return request.form(body)
end

local function encode(call)
    local body, found = call.service.compose(call)
    if body == nil and found then
        found.stage = "check"
        return nil, fail(call, found)
    end
    if body == nil or type(body) == "string" then return body end
    if call.content_type == request.FORM then return form(call, body) end
    local text, path, message = json.encode(body)
    if text then return text end
    return nil, fail(call, { name = "not_sendable", stage = "check",
        field = call.service.body_prefix .. path,
        message = ("%s%s %s"):format(call.service.body_prefix, path, message) })
end

local function as_error(call, found)
    return errors.is_error(found) and found or fail(call, found)
end

local function too_late(call)
    return nil, fail(call, { name = "deadline_exceeded",
        message = "the time of the call was over" }), { final = true }
end

local function attempt(call)
    local body, err = encode(call)
    if err then return nil, err, { final = true } end
    local token, renewable = tokens.get(call)
    if not token and renewable then
        return nil, as_error(call, renewable), { final = true }
    end
    if call.deadline <= clock.now() then return too_late(call) end
    redact.hide(call.secrets, token)
    local limited, waited = limiter.acquire(call)
    if limited then return nil, fail(call, limited), { final = true } end
    if waited then body, err = encode(call) end -- a signature is of its time
    if err then
        limiter.settle(call)
        return nil, err, { final = true }
    end
    call.meta.attempts = call.meta.attempts + 1
    local answer
    answer, err = exchange(call, token, body)
    if not answer then return nil, err, {} end
    if call.options.raw then call.meta.raw = redact.json_text(answer.body, call.secrets) end
    local decoded, fields = response.read(call.service, call.endpoint, answer, call.secrets)
    if not fields then return decoded end
    call.meta.log_id = call.meta.log_id or redact.value(fields.log_id, call.secrets)
    local facts = { token = token, renewable = renewable, token_refused = fields.token_refused,
                    head = answer.head, decoded = decoded }
    fields.token_refused = nil
    if fields.kind == "rate_limited" then limiter.hold(call, fields.retry_after) end
    return nil, fail(call, fields), facts
end

-- {======================================================
-- Again?
-- =======================================================}

local function policy(call, name)
    local chosen = call.options.retry
    if chosen == nil then chosen = call.client.retry end
    return options.retry_policy(chosen, name)
end

local function handle_refused_token(call, facts)
    if not facts.token_refused then return false end
    tokens.drop(call, facts.token)
    local first = not call.refused
    call.refused = true
    return first and facts.renewable == true
end

local budgets = retry.budgets

local function budget_of(call)
    return budgets[call.base_url] or retry.BUDGET
end

local function note_success(call)
    local budget = budgets[call.base_url]
    if budget then budgets[call.base_url] = retry.earn(budget) end
end

local function decide(call, err, facts)
    if facts.final then return nil, "nothing was sent" end
    local pause, reason, cost = retry.decide(err, {
        attempt = call.meta.attempts,
        max_attempts = policy(call, "max_attempts"), max_delay = policy(call, "max_delay"),
        remaining = call.deadline - clock.now() - TOO_NEAR, random = core.random(),
        token_refused = facts.token_refused,
        can_renew = handle_refused_token(call, facts),
        clock_corrected = call.service.correct_clock ~= nil
            and call.service.correct_clock(call, err, facts),
        budget = budget_of(call),
    })
    if cost and cost > 0 then budgets[call.base_url] = budget_of(call) - cost end
    return pause, reason
end

-- A delete that was sent again after a "maybe" finds that it had worked.
local function is_already_gone(call, err)
    return call.maybe and call.endpoint.gone ~= nil and err.code == call.endpoint.gone
end

-- What an earlier attempt may have done is not undone by a later one that was refused.
local function note_acted(call, err)
    if err.acted == "maybe" then call.maybe = true end
    if call.maybe and err.acted == "no" then err.acted = "maybe" end
end

local function pause_for(call, seconds)
    if seconds <= 0 then return end
    local started = clock.now()
    wait.sleep(seconds)
    call.meta.waited = call.meta.waited + clock.now() - started
end

local function log_failure(call, err, pause, reason)
    local level = pause and "warn" or "info"
    if not log.is_wanted(call.client, level) then return end
    log.write(call.client, level, tostring(err), {
        operation = call.operation, attempt = call.meta.attempts,
        again_in = pause, reason = reason,
    })
end

local function run(call)
    while true do
        local body, err, facts = attempt(call)
        if not err then
            note_success(call)
            return body
        end
        if is_already_gone(call, err) then
            call.meta.already_gone = true
            return facts.decoded
        end
        local pause, reason = decide(call, err, facts)
        note_acted(call, err)
        log_failure(call, err, pause, reason)
        if not pause then
            err.gave_up = reason
            return nil, err
        end
        pause_for(call, pause)
    end
end

-- {======================================================
-- Token endpoints
-- =======================================================}

local function token_call(outer, endpoint, body, how)
    local meta, source = new_meta()
    local host = endpoint.host == "accounts" and outer.accounts_url or outer.base_url
    return setmetatable({
        endpoint = endpoint, request = { body = body }, identity = "none", stage = "token",
        repeatable = endpoint.repeatable, meta = meta, source = source,
        url = host .. endpoint.path, headers = {}, content_type = endpoint.content_type,
        basic = how.basic, deadline = how.deadline or outer.deadline,
        options = { retry = how.retry }, maybe = false,
    }, { __index = outer })
end

-- What a call that is nothing but this exchange tells of it.
local function note_exchange(outer, meta)
    outer.meta.attempts = outer.meta.attempts + meta.attempts
    outer.meta.status, outer.meta.log_id, outer.meta.request_id =
        meta.status, meta.log_id, meta.request_id
end

-- An error of the token stage says nothing about the call itself: that never left.
local function never_left(err)
    err.acted = "no"
    err.retryable = errors.is_transient(err.kind)
end

-- Calls a token endpoint on behalf of a call.
-- @param how deadline, that of the call if absent; early: there is still a token, so this one may
-- cost half of the time, and is not repeated; retry, as in the options of a call; basic: user and
-- password
-- @return the answer; or nil, an error, and whether the endpoint acted
local function fetch(outer, endpoint, body, how)
    local call = token_call(outer, endpoint, body, how)
    if how.basic then redact.hide(call.secrets, request.basic(how.basic)) end
    if how.early then
        local now = clock.now()
        call.deadline, call.options.retry = now + (call.deadline - now) / 2, false
    elseif how.retry == nil then
        call.options.retry = outer.options.retry
    end
    local _, found = schema.check(call.endpoint, { body = body })
    if found then return nil, fail(call, found), "no" end
    local answer, err = run(call)
    outer.meta.waited = outer.meta.waited + call.meta.waited
    if outer.stage == "token" then note_exchange(outer, call.meta) end
    if answer then return answer end
    local acted = err.acted
    if outer.stage ~= "token" then never_left(err) end
    return nil, err, acted
end

-- {======================================================
-- A call
-- =======================================================}

local function own_secrets(given)
    local secrets = {}
    for _, name in ipairs { "app_secret", "secret", "user_access_token", "tenant_access_token" } do
        if type(given[name]) == "string" then secrets[#secrets + 1] = given[name] end
    end
    redact.hide_proxy(secrets, given.proxy)
    return secrets
end

-- A call adds its own to those of the client.
local function secrets_for(state)
    state.secrets = state.secrets or own_secrets(state.options)
    return { unpack(state.secrets) }
end

-- What all calls of a client have in common: a metatable.
local function common(state)
    return { __index = {
        service_name = state.name, service = state.service, client = state.options,
        transport = state.transport, plans = state.plans, identities = {},
        base_url = state.base_url, accounts_url = state.accounts_url, fetch = fetch,
        language = state.options.language,
    } }
end

local function new_call(state, endpoint, call_options, started)
    local timeout = call_options.timeout or state.options.timeout or options.defaults.timeout
    local meta, source = new_meta()
    state.common = state.common or common(state)
    return setmetatable({
        endpoint = endpoint, options = call_options, stage = "check",
        timeout = timeout, deadline = started + timeout,
        meta = meta, source = source, secrets = secrets_for(state),
        content_type = endpoint.content_type, operation = endpoint.operation,
        -- known later; named here, the table need not grow
        request = nil, headers = nil, identity = nil, url = nil, repeatable = nil, plan = nil,
        slot = nil, token_source = nil,
    }, state.common)
end

-- A raw call has no table to be held against.
local function check_request(endpoint, given)
    if endpoint.raw then return given end
    return schema.check(endpoint, given)
end

-- Where a call has no options, its identity is that of the one before.
local function choose_identity(call)
    local endpoint, known = call.endpoint, call.identities
    if endpoint.raw or next(call.options) ~= nil then
        return identity.choose(endpoint, call.client, call.options)
    end
    local name, found = endpoint.operation, nil
    if not known[name] then
        known[name], found = identity.choose(endpoint, call.client, call.options)
    end
    return known[name], found
end

-- Everything that can be known to be wrong before sending. Returns the fields of an error.
local function check(call, given, variant, found)
    found = wait.problem() or found
    if found then return found end
    local endpoint = call.endpoint
    call.request, found = check_request(endpoint, given)
    if not call.request then return found end
    found = variant and request.variant_problem(endpoint, variant, call.request)
    if found then return found end
    if call.options.headers then
        call.headers, found = request.header_lines(call.options.headers)
        if not call.headers then return found end
    end
    call.identity, found = choose_identity(call)
    if not call.identity then return found end
    found = request.refusal(endpoint, call.identity, call.request)
    if found then return found end
    local path, query = endpoint.path, call.request.query
    if call.request.path then
        path, found = request.path(endpoint, call.request.path)
        if not path then return found end
    end
    call.url = request.url(call.base_url, path, query)
    call.repeatable = request.is_repeatable(endpoint, call.request)
    call.stage = "call"
end

local function note_changed_id(call, body)
    local rule = call.endpoint.id
    local sent = rule and schema.lookup(call.request, rule.sent)
    local answered = rule and schema.lookup(body, rule.answered)
    if sent and answered and sent ~= answered then call.meta.id_changed = true end
end

local function finish(call, started)
    call.meta.elapsed = clock.now() - started
    if not log.is_wanted(call.client, "debug") then return end
    log.write(call.client, "debug", "call ended", {
        operation = call.operation, status = call.meta.status, log_id = call.meta.log_id,
        attempts = call.meta.attempts, elapsed = call.meta.elapsed,
    })
end

--- Makes one call.
-- @param state of the client: name, service, options, base_url, transport
-- @param endpoint its table, one of cloudcal.endpoints or made for a raw path
-- @param given the sections of the request, as the caller gave them
-- @param call_options checked against options.call
-- @param variant one of the endpoint's variants, or nil
-- @param found what the caller itself found wrong with the request, or nil
-- @return the decoded body, nil, meta; or nil, an error, meta
function client.call(state, endpoint, given, call_options, variant, found)
    local started = clock.now()
    local call = new_call(state, endpoint, call_options, started)
    found = check(call, given, variant, found)
    local body, err
    if found then
        err = fail(call, found)
    else
        body, err = run(call)
    end
    if body then note_changed_id(call, body) end
    finish(call, started)
    return body, err, call.meta
end

-- Any path does: the answer is not looked at.
local WARM_UP = {
    raw = true, operation = "warm_up", method = "GET", path = "/", tokens = {}, response = {},
    repeatable = true,
}

--- Opens a connection, and loads the CA store on the way, so that the next call need not.
-- @return true, nil, meta; or nil, err, meta
function client.warm_up(state)
    local started = clock.now()
    local call = new_call(state, WARM_UP, {}, started)
    local found = check(call, {})
    local answer, err
    if found then
        err = fail(call, found)
    else
        answer, err = exchange(call)
    end
    finish(call, started)
    return answer and true or nil, err, call.meta
end

local function app_problem(call)
    if call.client.app_id then return nil end
    return { name = "no_credentials", message = "the client has no app_id and app_secret" }
end

--- Does something at the token stage that is not part of a call.
-- @param endpoint that it is about
-- @param work function(call), with the call as app_tokens.get wants it; it returns a result, or
-- nil and an error or the fields of one
-- @param is_local nothing is sent, so nothing waits
-- @return the result, nil, meta; or nil, err, meta
function client.act(state, endpoint, call_options, work, is_local)
    local started = clock.now()
    local call = new_call(state, endpoint, call_options, started)
    call.stage, call.repeatable = "token", endpoint.repeatable
    local found = app_problem(call) or not is_local and wait.problem() or nil
    local result
    if not found then result, found = work(call) end
    finish(call, started)
    if result then return result, nil, call.meta end
    return nil, as_error(call, found), call.meta
end

--- Makes an error on behalf of a wrapper.
function client.error(state, endpoint, fields)
    return errors.new(fields, { service_name = state.name, operation = endpoint.operation,
        language = state.options.language, secrets = secrets_for(state) })
end

return client
