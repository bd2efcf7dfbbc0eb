-- The pipeline of a call: results, meta, retry row by row, null and integers, call options.

local cloudcal = require "cloudcal"
local core = require "cloudcal.core"
local files = require "spec.files"
local json = require "cloudcal.json"
local lua = require "spec.lua"
local pipeline = require "spec.pipeline"
local support = require "spec.support"

local BINDINGS = "/open-apis/calendar/v4/exchange_bindings"

local read_file = files.read

local function merged(first, second)
    local result = {}
    for key, value in pairs(first) do result[key] = value end
    for key, value in pairs(second or {}) do result[key] = value end
    return result
end

-- Without a limit of our own: a pause that the service asks for would last into the next spec.
local function user_client(changes)
    return support.client("feishu", merged({ rate_limit = false,
        user_access_token = support.sandbox().feishu.user_access_token }, changes))
end

-- A client whose connections the control door does not use, with one kept connection or none.
local function separate_client(changes, kept)
    local sandbox = support.sandbox()
    local client = cloudcal.feishu(merged({
        base_url = sandbox.feishu.base_url, ca_pem = read_file(sandbox.ca_file),
        user_access_token = sandbox.feishu.user_access_token, rate_limit = false,
    }, changes))
    local before = kept and "none" or "close_after"
    assert(client:primary_calendar { headers = { ["X-Sandbox-Fault"] = before } })
    if not kept then core.sleep(0.005) end
    return client
end

local function primary(client, options)
    return function() return client:primary_calendar(options) end
end

local function generate(client, options)
    return function() return client:generate_caldav_conf({}, options) end
end

local counter = 0

local function new_account()
    counter = counter + 1
    return ("account-%d-%s@example.com"):format(counter, tostring(core.now()))
end

local function new_binding(client)
    local binding = assert(client:create_exchange_binding {
        admin_account = "admin@example.com", exchange_account = new_account() })
    return binding.exchange_binding_id
end

describe("results", function()
    it("are three values, whether a call succeeds or not", function()
        local client = user_client()
        local good = pipeline.run("feishu", {}, primary(client))
        assert.is_table(good.result)
        local bad = pipeline.run("feishu", { "190002" }, primary(client))
        assert.equal("invalid_request", bad.err.kind)
        local refused = pipeline.run("feishu", {}, primary(client, { user_id_type = "none" }))
        assert.equal("check", refused.err.stage)
        assert.equal(0, #refused.requests)
    end)

    it("hold meta with its fields", function()
        local seen = pipeline.run("feishu", {}, primary(user_client()))
        local meta = seen.meta
        assert.equal(200, meta.status)
        assert.equal(1, meta.attempts)
        assert.equal(0, meta.waited)
        assert.is_true(meta.elapsed > 0 and meta.elapsed <= seen.elapsed)
        assert.matches("^%d+%x+$", meta.log_id)
        assert.equal(meta.headers["x-tt-logid"], meta.log_id)
        assert.is_nil(meta.request_id)
        assert.is_nil(meta.id_changed)
        assert.is_nil(meta.clock_skew)
        assert.is_nil(meta.already_gone)
        assert.is_nil(meta.raw)
    end)

    it("hold a meta without an answer when nothing was sent", function()
        local started = core.now()
        local _, err, meta = user_client():generate_caldav_conf { device_name = ("x"):rep(101) }
        assert.equal("invalid_request", err.kind)
        assert.equal(0, meta.attempts)
        assert.equal(0, meta.waited)
        assert.is_true(meta.elapsed >= 0 and meta.elapsed <= core.now() - started)
        assert.is_nil(meta.status)
        assert.is_nil(meta.headers)
        assert.is_nil(meta.timings)
        assert.is_nil(meta.log_id)
    end)

    it("hold timings that grow", function()
        local client = separate_client({}, false)
        local _, _, meta = client:primary_calendar()
        local timings = meta.timings
        assert.is_true(timings.dns >= 0)
        assert.is_true(timings.connect >= timings.dns)
        assert.is_true(timings.tls > timings.connect)
        assert.is_true(timings.first_byte >= timings.tls)
        assert.is_true(timings.total >= timings.first_byte)
        assert.is_true(timings.total <= meta.elapsed)
        assert.equal(timings, meta.timings)
    end)

    it("build headers and timings when they are first read", function()
        local _, _, meta = user_client():primary_calendar()
        assert.is_nil(rawget(meta, "headers"))
        assert.is_nil(rawget(meta, "timings"))
        local headers = meta.headers
        assert.equal(headers, rawget(meta, "headers"))
        assert.equal(headers, meta.headers)
    end)

    it("hold header names in lower case, repeats joined", function()
        local answer = pipeline.answer('{"code":0,"data":{"calendars":[]}}',
            "X-One: a\r\nx-oNE:b  \r\nContent-Type: application/json\r\nX-ONE: \tc\r\n"
            .. "X-Request-Id: r-1\r\n")
        pipeline.with_scripted("feishu", { answer }, { user_access_token = "u-x" },
            function(client)
                local _, err, meta = client:primary_calendar()
                assert.equal("a, b, c", meta.headers["x-one"])
                assert.is_nil(meta.headers["X-One"])
                assert.equal("application/json", meta.headers["content-type"])
                assert.equal("r-1", meta.request_id)
                assert.equal("r-1", meta.log_id)
                assert.equal("r-1", err.log_id)
            end)
    end)

    it("describe the last attempt", function()
        local seen = pipeline.run("feishu", { "html_502" }, primary(user_client()))
        assert.is_table(seen.result)
        assert.equal(2, seen.meta.attempts)
        assert.equal(200, seen.meta.status)
        assert.equal("application/json; charset=utf-8", seen.meta.headers["content-type"])
        local failed = pipeline.run("feishu", { "html_502", "190002" }, primary(user_client()))
        assert.equal(400, failed.err.http_status)
        assert.equal(400, failed.meta.status)
        assert.equal(failed.meta.log_id, failed.err.log_id)
    end)

    it("count the pauses in meta.waited", function()
        local seen = pipeline.run("feishu", { "rate_limited:0.2" }, primary(user_client()))
        assert.is_table(seen.result)
        assert.is_true(seen.meta.waited >= 0.2 and seen.meta.waited <= seen.meta.elapsed)
    end)
end)

describe("raw = true", function()
    it("puts the text of the answer into meta.raw", function()
        local body, _, meta = user_client().calendar.v4.calendar.primary { raw = true }
        assert.same(body, json.decode(meta.raw))
    end)

    it("does so for a refusal and for what is no JSON", function()
        local refused = pipeline.run("feishu", { "190002" }, primary(user_client(), { raw = true }))
        assert.equal(190002, json.decode(refused.meta.raw).code)
        local broken = pipeline.run("feishu", { "bad_json" },
            primary(user_client(), { raw = true }))
        assert.equal('{"code":0,"msg":success,}', broken.meta.raw)
        assert.equal('{"code":0,"msg":success,}', broken.err.raw)
    end)

    it("masks the password there, and not in the result", function()
        local conf, _, meta = user_client():generate_caldav_conf({}, { raw = true })
        assert.is_true(#conf.password >= 6)
        assert.is_nil(meta.raw:find(conf.password, 1, true))
        assert.truthy(meta.raw:find(conf.user_name, 1, true))
        assert.truthy(meta.raw:find('"password":"***"', 1, true))
    end)

    it("puts nothing there when it is not asked for", function()
        local _, _, meta = user_client():primary_calendar { raw = false }
        assert.is_nil(meta.raw)
    end)
end)

-- {======================================================
-- Again?
-- =======================================================}

-- Each row: the faults, then for a repeatable call and for one that is not: the number of
-- requests, and the kind and acted of the error or "fine".
local ROWS = {
    { "reset", 2, "fine", 1, "network" },
    { "close", 2, "fine", 1, "network" },
    { "reset_body", 2, "fine", 1, "network" },
    { "truncated", 2, "fine", 1, "network" },
    { "cut_headers", 2, "fine", 1, "network" },
    { "html_502", 2, "fine", 1, "service_error" },
    { "html_503", 2, "fine", 1, "service_error" },
    { "190003", 2, "fine", 1, "service_error" },
    { "190004", 2, "fine", 2, "fine" },
    { "190005", 2, "fine", 2, "fine" },
    { "190010", 2, "fine", 2, "fine" },
    { "99991400", 2, "fine", 2, "fine" },
    { "rate_limited:0.1", 2, "fine", 2, "fine" },
    { "rate_limited_as_400:0.1", 2, "fine", 2, "fine" },
    { "rate_limited:21", 1, "rate_limited", 1, "rate_limited" },
    { "99991403", 1, "quota_exhausted", 1, "quota_exhausted" },
    { "190002", 1, "invalid_request", 1, "invalid_request" },
    { "195100", 1, "rejected", 1, "rejected" },
    { "190006", 1, "app_setup", 1, "app_setup" },
    { "bad_json", 1, "bad_response", 1, "bad_response" },
    { "no_data", 1, "bad_response", 1, "bad_response" },
    { "plain_404", 1, "bad_response", 1, "bad_response" },
    { "redirect", 1, "bad_response", 1, "bad_response" },
    { "big_body", 1, "too_large", 1, "too_large" },
    { "99991663", 1, "unauthenticated", 1, "unauthenticated" },
    { "99991668", 1, "unauthenticated", 1, "unauthenticated" },
}

local MAYBE = { network = true, service_error = true, too_large = true }
local ACTED = { no_data = "yes", bad_json = "maybe", redirect = "maybe" }

local function assert_row(fault, seen, requests, outcome)
    assert.equal(requests, #seen.calls)
    assert.equal(requests, seen.meta.attempts)
    if outcome == "fine" then return assert.is_nil(seen.err) end
    assert.is_nil(seen.result)
    assert.equal(outcome, seen.err.kind)
    assert.equal(ACTED[fault] or MAYBE[outcome] and "maybe" or "no", seen.err.acted)
end

describe("a call that met", function()
    for _, row in ipairs(ROWS) do
        local fault = row[1]
        it(fault .. " and is repeatable", function()
            local client = separate_client({ retry = { max_delay = 0.2 } }, false)
            local seen = pipeline.run("feishu", { fault }, primary(client))
            assert_row(fault, seen, row[2], row[3])
            assert.is_true(seen.meta.waited < 2) -- one pause of 0.2 s
        end)
        it(fault .. " and is not repeatable", function()
            local client = separate_client({ retry = { max_delay = 0.2 } }, false)
            local seen = pipeline.run("feishu", { fault }, generate(client))
            assert_row(fault, seen, row[4], row[5])
            assert.is_true(seen.meta.waited < 2)
            if MAYBE[row[5]] then assert.is_false(seen.err.retryable) end
        end)
    end
end)

describe("a kept connection", function()
    for _, fault in ipairs { "reset_reused", "close_reused" } do
        it("that ends by " .. fault .. " is survived by a repeatable call", function()
            local client = separate_client({}, true)
            local seen = pipeline.run("feishu", { fault }, primary(client))
            assert.is_table(seen.result)
            assert.equal(2, #seen.calls)
        end)

        it("that ends by " .. fault .. " never brings another call twice", function()
            local client = separate_client({}, true)
            local before = support.state("feishu").accounts
            local seen = pipeline.run("feishu", { fault }, generate(client))
            assert.equal("network", seen.err.kind)
            assert.equal("maybe", seen.err.acted)
            assert.is_false(seen.err.retryable)
            assert.equal(1, #seen.calls)
            assert.equal(before + 1, support.state("feishu").accounts)
        end)
    end

    it("is used again by other clients of the same service", function()
        local first, second = user_client(), user_client { timeout = 7 }
        local seen = pipeline.run("feishu", {}, function()
            first:primary_calendar()
            return second:primary_calendar()
        end)
        assert.equal(seen.requests[1].connection, seen.requests[2].connection)
    end)
end)

-- The other endpoints, by one fault that tells repeatable from not.
describe("after a service error", function()
    local client = function() return user_client() end

    it("get and delete are sent again", function()
        local id = new_binding(client())
        local seen = pipeline.run("feishu", { "190003" }, function()
            return client():get_exchange_binding(id)
        end)
        assert.equal(2, #seen.calls)
        assert.is_table(seen.result)
        seen = pipeline.run("feishu", { "190003" }, function()
            return client():delete_exchange_binding(id)
        end)
        assert.equal(2, #seen.calls)
        assert.is_true(seen.result)
    end)

    it("create_exchange_binding is not", function()
        local seen = pipeline.run("feishu", { "190003" }, function()
            return client():create_exchange_binding { admin_account = "a",
                exchange_account = new_account() }
        end)
        assert.equal(1, #seen.calls)
        assert.equal("maybe", seen.err.acted)
        assert.is_false(seen.err.retryable)
    end)

    it("a raw GET is, another raw call only with repeatable", function()
        local path = "/open-apis/calendar/v4/calendars/primary"
        local seen = pipeline.run("feishu", { "html_502" }, function()
            return client():request { path = BINDINGS .. "/none" }
        end)
        assert.equal(2, #seen.calls)
        seen = pipeline.run("feishu", { "html_502" }, function()
            return client():request { method = "POST", path = path }
        end)
        assert.equal(1, #seen.calls)
        assert.equal("maybe", seen.err.acted)
        seen = pipeline.run("feishu", { "html_502" }, function()
            return client():request { method = "POST", path = path, repeatable = true }
        end)
        assert.equal(2, #seen.calls)
        assert.is_table(seen.result)
    end)

    it("a repeatable call is repeated by us only, on a dead kept connection too", function()
        local separate = separate_client({ retry = false }, true)
        local seen = pipeline.run("feishu", { "reset_reused" }, primary(separate))
        assert.equal(1, #seen.calls)
        assert.equal("network", seen.err.kind)
        assert.is_true(seen.err.retryable)
        separate = separate_client({}, true)
        seen = pipeline.run("feishu", { "reset_reused" }, primary(separate))
        assert.equal(2, #seen.calls)
        assert.equal(2, seen.meta.attempts)
    end)

    it("a raw call without a body is not repeated on a dead kept connection either", function()
        local separate = separate_client({}, true)
        local seen = pipeline.run("feishu", { "reset_reused" }, function()
            return separate:request { method = "POST",
                path = "/open-apis/calendar/v4/calendars/primary" }
        end)
        assert.equal(1, #seen.calls)
    end)
end)

describe("attempts", function()
    it("are three at most", function()
        local faults = { "html_502", "html_502", "html_502", "html_502" }
        local seen = pipeline.run("feishu", faults, primary(user_client()))
        assert.equal(3, #seen.calls)
        assert.equal(3, seen.meta.attempts)
        assert.equal("service_error", seen.err.kind)
        assert.is_true(seen.err.retryable)
        assert.is_true(seen.meta.waited < 5) -- half a second and a second
    end)

    it("are as many as max_attempts says", function()
        local faults = {}
        for i = 1, 6 do faults[i] = "190004" end
        local client = user_client { retry = { max_attempts = 5, max_delay = 0 } }
        local seen = pipeline.run("feishu", faults, primary(client))
        assert.equal(5, #seen.calls)
        seen = pipeline.run("feishu", faults, primary(client, {
            retry = { max_attempts = 2, max_delay = 0 } }))
        assert.equal(2, #seen.calls)
    end)

    it("are one with retry = false, of the client or of the call", function()
        for _, fault in ipairs { "html_502", "190004", "rate_limited:0.1", "truncated" } do
            local seen = pipeline.run("feishu", { fault },
                primary(separate_client({ retry = false }, false)))
            assert.equal(1, #seen.calls)
            assert.is_true(seen.err.retryable)
            seen = pipeline.run("feishu", { fault }, primary(user_client(), { retry = false }))
            assert.equal(1, #seen.calls)
        end
        local seen = pipeline.run("feishu", { "190004" },
            primary(user_client { retry = false }, { retry = { max_attempts = 2 } }))
        assert.equal(2, #seen.calls)
    end)

    it("wait as long as the service says", function()
        local seen = pipeline.run("feishu", { "rate_limited:0.4" }, generate(user_client()))
        assert.is_table(seen.result)
        assert.is_true(seen.meta.waited >= 0.4 and seen.meta.waited < 4)
    end)

    it("end at once when the service asks for longer than max_delay", function()
        local client = user_client { retry = { max_delay = 1 } }
        local seen = pipeline.run("feishu", { "rate_limited:2" }, primary(client))
        assert.equal("rate_limited", seen.err.kind)
        assert.equal(2, seen.err.retry_after)
        assert.equal("no", seen.err.acted)
        assert.is_true(seen.err.retryable)
        assert.equal(1, #seen.calls)
        assert.equal(0, seen.meta.waited)
    end)

    it("end at once when the service asks for longer than the deadline", function()
        local seen = pipeline.run("feishu", { "rate_limited:2" },
            primary(user_client(), { timeout = 1 }))
        assert.equal("rate_limited", seen.err.kind)
        assert.equal(2, seen.err.retry_after)
        assert.equal(0, seen.meta.waited)
    end)

    it("are not made for a service that is broken, once its budget is used up", function()
        local port_closed = "https://127.0.0.1:2"
        local client = user_client { base_url = port_closed, retry = { max_delay = 0 } }
        local attempts, last = 0, nil
        for _ = 1, 60 do
            local _, err, meta = client:primary_calendar()
            attempts, last = attempts + meta.attempts, err
        end
        -- 500 buy 100 retries
        assert.equal(60 + 100, attempts)
        assert.equal("network", last.kind)
        assert.equal("the retry budget of the service is used up", last.gave_up)
        -- other services have their own
        assert.is_table(pipeline.run("feishu", { "html_502" }, primary(user_client())).result)
    end)

    it("say in the error why there are no more of them", function()
        local function gave_up(faults, changes)
            return pipeline.run("feishu", faults, primary(user_client(changes))).err.gave_up
        end
        assert.equal("no attempts left", gave_up({ "html_502" }, { retry = false }))
        assert.equal("not safe, or not of use, to repeat", gave_up { "190002" })
        assert.equal("the service asks for a longer pause", gave_up { "rate_limited:100" })
        assert.equal("no other token to be had", gave_up { "99991668" })
    end)

    it("share one deadline", function()
        for _, faults in ipairs { { "stalled" }, { "html_502", "stalled" }, { "stalled_body" } } do
            local seen = pipeline.run("feishu", faults, primary(user_client { timeout = 0.3 }))
            local last = seen.err
            assert.is_true(last.kind == "timeout" or last.kind == "service_error")
            assert.equal("maybe", last.acted)
            assert.is_true(last.retryable)
            assert.is_true(seen.elapsed < 10) -- the default is 30
        end
    end)

    it("do not forget that an earlier one may have acted", function()
        local client = user_client { retry = { max_attempts = 2, max_delay = 0 } }
        local seen = pipeline.run("feishu", { "190003", "190004" }, primary(client))
        assert.equal("rate_limited", seen.err.kind)
        assert.equal("maybe", seen.err.acted)
        assert.is_true(seen.err.retryable)
    end)

    it("keep the error of the last one", function()
        local client = user_client { retry = { max_attempts = 2, max_delay = 0 } }
        local seen = pipeline.run("feishu", { "190003", "190002" }, primary(client))
        assert.equal(190002, seen.err.code)
        assert.is_false(seen.err.retryable)
    end)
end)

describe("an exchange that was not sent", function()
    for name, call in pairs { repeatable = primary, ["not repeatable"] = generate } do
        it("for want of a listener is tried again: " .. name, function()
            local client = cloudcal.feishu { base_url = "https://127.0.0.1:1",
                user_access_token = "u-x", retry = { max_delay = 0.01 } }
            local _, err, meta = call(client)()
            assert.equal("network", err.kind)
            assert.equal("could_not_connect", err.name)
            assert.equal("no", err.acted)
            assert.is_true(err.retryable)
            assert.equal(3, meta.attempts)
            local _, _, once = call(client:with { retry = false })()
            assert.equal(1, once.attempts)
        end)

        it("for an unknown host is tried again: " .. name, function()
            local client = cloudcal.feishu { base_url = "https://nowhere.invalid",
                user_access_token = "u-x", timeout = 4, retry = { max_delay = 0.01 } }
            local _, err = call(client)()
            assert.equal("network", err.kind)
            assert.equal("no", err.acted)
            assert.is_true(err.retryable)
        end)

        it("for a refused certificate is not tried again: " .. name, function()
            local client = cloudcal.feishu { base_url = support.sandbox().feishu.base_url,
                user_access_token = "u-x" } -- without its CA
            local seen = pipeline.run("feishu", {}, call(client))
            assert.equal("tls", seen.err.kind)
            assert.equal("no", seen.err.acted)
            assert.is_false(seen.err.retryable)
            assert.equal(1, seen.meta.attempts)
            assert.equal(0, #seen.requests)
        end)

        it("for a CA that cannot be read is not tried again: " .. name, function()
            for _, changes in ipairs { { ca_file = "/nonexistent/ca.pem" },
                                       { ca_pem = "no certificate" } } do
                local client = cloudcal.feishu(merged(changes, {
                    base_url = support.sandbox().feishu.base_url, user_access_token = "u-x" }))
                local seen = pipeline.run("feishu", {}, call(client))
                assert.equal("tls", seen.err.kind)
                assert.equal("no", seen.err.acted)
                assert.is_false(seen.err.retryable)
                assert.equal(0, #seen.requests)
            end
        end)
    end
end)

describe("a delete that is sent again", function()
    it("and finds nothing after a maybe has worked", function()
        local client = user_client()
        for _, fault in ipairs { "truncated", "reset_body", "cut_headers" } do
            local id = new_binding(client)
            local seen = pipeline.run("feishu", { fault }, function()
                return client:delete_exchange_binding(id)
            end)
            assert.is_true(seen.result)
            assert.is_true(seen.meta.already_gone)
            assert.equal(2, #seen.calls)
        end
    end)

    it("has worked too when it was held up between", function()
        local client = user_client { retry = { max_delay = 0.01 } }
        local id = new_binding(client)
        local seen = pipeline.run("feishu", { "truncated", "190004" }, function()
            return client:delete_exchange_binding(id)
        end)
        assert.is_true(seen.result)
        assert.is_true(seen.meta.already_gone)
    end)

    it("gives the answer at the level of the mirror", function()
        local client = user_client()
        local id = new_binding(client)
        local seen = pipeline.run("feishu", { "truncated" }, function()
            return client.calendar.v4.exchange_binding.delete {
                path = { exchange_binding_id = id } }
        end)
        assert.is_table(seen.result)
        assert.is_true(seen.meta.already_gone)
    end)

    it("is not found when nothing was in doubt", function()
        local client = user_client { retry = { max_delay = 0.01 } }
        local seen = pipeline.run("feishu", { "190004" }, function()
            return client:delete_exchange_binding("bm9uZQ==")
        end)
        assert.equal("not_found", seen.err.kind)
        assert.equal(195103, seen.err.code)
        assert.is_nil(seen.meta.already_gone)
    end)

    it("is no excuse for a get", function()
        local seen = pipeline.run("feishu", { "truncated" }, function()
            return user_client():get_exchange_binding("bm9uZQ==")
        end)
        assert.equal("not_found", seen.err.kind)
    end)
end)

-- {======================================================
-- Bodies
-- =======================================================}

local function with_answer(body, check)
    pipeline.with_scripted("feishu", { pipeline.answer(body) }, { user_access_token = "u-x" },
        check)
end

describe("an answer", function()
    it("has nil for null, and cloudcal.null inside an array", function()
        with_answer('{"code":0,"msg":null,"data":{"a":null,"list":[1,null,{"b":null}]}}',
            function(client)
                local body = client:request { path = "/x" }
                assert.is_nil(body.msg)
                assert.is_nil(body.data.a)
                assert.equal(3, #body.data.list)
                assert.equal(cloudcal.null, body.data.list[2])
                assert.is_nil(next(body.data.list[3]))
                assert.equal(require "cjson".null, cloudcal.null)
            end)
    end)

    it("has integers that are integers", function()
        with_answer('{"code":0,"data":{"most":9007199254740992,"least":-9007199254740992,"f":1.5,'
            .. '"round":2.0}}', function(client)
            local body = client:request { path = "/x" }
            assert.equal("0", tostring(body.code))
            assert.equal("integer", lua.math_type(body.data.most))
            assert.equal("integer", lua.math_type(body.data.least))
            assert.equal("9007199254740992", ("%.0f"):format(body.data.most))
            assert.equal("-9007199254740992", ("%.0f"):format(body.data.least))
            assert.equal(1.5, body.data.f)
        end)
    end)

    it("with an integer that a double cannot hold is not believed", function()
        for _, number in ipairs { "9007199254740993", "-9007199254740993",
                                  "12345678901234567890" } do
            with_answer('{"code":0,"data":{"n":' .. number .. "}}", function(client)
                local _, err = client:request { path = "/x" }
                assert.equal("bad_response", err.kind)
                assert.equal("inexact_integer", err.name)
                assert.is_false(err.retryable)
            end)
        end
    end)

    it("keeps fields and values that nobody knows", function()
        local text = '{"code":0,"msg":"success","new":[true],"data":{"calendars":[{"calendar":'
            .. '{"type":"telepathic","role":"dreamer","more":{"x":1}},"user_id":"u","y":2}]}}'
        with_answer(text, function(client)
            local body = client.calendar.v4.calendar.primary {}
            assert.same(json.decode(text), body)
            local first = client:primary_calendar()
            assert.equal("telepathic", first.calendar.type)
            assert.equal(2, first.y)
        end)
    end)

    it("needs no field but the envelope and data", function()
        with_answer('{"code":0,"data":{}}', function(client)
            assert.same({}, (client:generate_caldav_conf()))
            assert.same({}, (client:get_exchange_binding "x"))
            assert.is_true((client:delete_exchange_binding "x"))
        end)
        with_answer('{"code":0}', function(client)
            assert.is_true((client:delete_exchange_binding "x"))
        end)
    end)

    it("without data is a bad response after the act", function()
        for _, body in ipairs { '{"code":0,"msg":"success"}', '{"code":0,"data":null}',
                                '{"code":0,"data":"x"}' } do
            with_answer(body, function(client)
                for _, call in ipairs { client.primary_calendar, client.generate_caldav_conf,
                                        client.create_exchange_binding } do
                    local result, err, meta = call(client, {})
                    assert.is_nil(result)
                    assert.equal("bad_response", err.kind)
                    assert.equal("yes", err.acted)
                    assert.is_false(err.retryable)
                    assert.equal("data", err.field)
                    assert.equal(1, meta.attempts)
                end
            end)
        end
    end)

    it("with a field of a wrong type is a bad response", function()
        with_answer('{"code":0,"data":{"password":5,"status":5,"calendars":[5]}}',
            function(client)
                local _, err = client:generate_caldav_conf()
                assert.equal("bad_response", err.kind)
                assert.equal("data.password", err.field)
                _, err = client:get_exchange_binding("x")
                assert.equal("data.status", err.field)
                _, err = client:primary_calendar()
                assert.equal("data.calendars[1]", err.field)
                assert.equal("yes", err.acted)
            end)
    end)

    it("is decided by its code, whatever the status", function()
        pipeline.with_scripted("feishu", {
            pipeline.answer('{"code":99991403,"msg":"x"}', nil, "200 OK"),
            pipeline.answer('{"code":195103,"msg":"x"}', nil, "500 Internal Server Error"),
            pipeline.answer('{"code":0,"data":{}}', nil, "400 Bad Request"),
            pipeline.answer('{"code":"0","data":{}}'),
            pipeline.answer('{"code":"190002","msg":"x"}', nil, "400 Bad Request"),
        }, { user_access_token = "u-x" }, function(client)
            local kinds = { "quota_exhausted", "not_found", "fine", "fine", "invalid_request" }
            for _, kind in ipairs(kinds) do
                local _, err = client:request { path = "/x" }
                assert.equal(kind, err and err.kind or "fine")
            end
        end)
    end)

    it("with an unknown code, or without an envelope, is decided by the status", function()
        local cases = {
            { "401 Unauthorized", '{"code":7777777}', "unauthenticated" },
            { "403 Forbidden", '{"code":7777777}', "permission_denied" },
            { "429 Too Many Requests", '{"code":7777777}', "rate_limited" },
            { "500 Internal Server Error", '{"code":7777777}', "service_error" },
            { "200 OK", '{"code":7777777}', "rejected" },
            { "401 Unauthorized", "<html>", "unauthenticated" },
            { "403 Forbidden", "<html>", "permission_denied" },
            { "429 Too Many Requests", "<html>", "rate_limited" },
            { "503 Service Unavailable", "<html>", "service_error" },
            { "404 Not Found", "<html>", "bad_response" },
            { "200 OK", "<html>", "bad_response" },
        }
        local answers = {}
        for i, case in ipairs(cases) do answers[i] = pipeline.answer(case[2], nil, case[1]) end
        pipeline.with_scripted("feishu", answers, { user_access_token = "u-x", retry = false },
            function(client)
                for _, case in ipairs(cases) do
                    local _, err = client:request { path = "/x" }
                    assert.equal(case[3], err.kind, case[1] .. case[2])
                    assert.equal(tonumber(case[1]:sub(1, 3)), err.http_status)
                end
            end)
    end)

    it("429 without a named time is waited for by backoff, with one by Retry-After", function()
        pipeline.with_scripted("feishu", {
            pipeline.answer("slow down", "Retry-After: 0.3\r\n", "429 Too Many Requests"),
            pipeline.answer("slow down", "Server: x\r\n", "429 Too Many Requests"),
            pipeline.answer('{"code":0,"data":{}}'),
        }, { user_access_token = "u-x" }, function(client, server)
            local conf, _, meta = client:generate_caldav_conf()
            assert.is_table(conf)
            assert.equal(3, meta.attempts)
            assert.is_true(meta.waited >= 0.3 and meta.waited < 2)
            assert.equal(3, #server.requests())
        end)
    end)
end)

describe("a request", function()
    local function sent_by(call)
        local seen
        with_answer('{"code":0,"data":{}}', function(client, server)
            local _, err = call(client)
            seen = { err = err, requests = server.requests() }
        end)
        return seen
    end

    it("carries cloudcal.null as null", function()
        local seen = sent_by(function(client)
            return client:request { method = "POST", path = "/x", body = { a = cloudcal.null } }
        end)
        assert.equal('{"a":null}', seen.requests[1].body)
        seen = sent_by(function(client)
            return client:generate_caldav_conf { device_name = cloudcal.null }
        end)
        assert.equal('{"device_name":null}', seen.requests[1].body)
    end)

    it("refuses numbers that do not encode exactly, before anything is sent", function()
        local client = support.client("feishu", { app_id = "cli_nobody", app_secret = "wrong" })
        for _, number in ipairs { 0 / 0, 1 / 0, -1 / 0, 2 ^ 53 + 2, 0.1 + 0.2 } do
            local seen = pipeline.run("feishu", {}, function()
                return client:request { method = "POST", path = "/x",
                    body = { outer = { { n = number } } } }
            end)
            assert.equal("invalid_request", seen.err.kind)
            assert.equal("check", seen.err.stage)
            assert.equal("no", seen.err.acted)
            assert.equal("body.outer[1].n", seen.err.field)
            assert.equal(0, #seen.requests)
        end
    end)

    it("refuses what is no JSON", function()
        local cyclic = {}
        cyclic.again = cyclic
        for _, value in ipairs { print, { [1] = 1, [3] = 3 }, { [true] = 1 }, "\255", cyclic,
                                 io.stdout } do
            local seen = sent_by(function(client)
                return client:request { method = "POST", path = "/x", body = { value = value } }
            end)
            assert.equal("invalid_request", seen.err.kind)
            assert.equal("check", seen.err.stage)
            assert.matches("^body%.value", seen.err.field)
            assert.equal(0, #seen.requests)
        end
    end)

    it("may be a string of JSON at level 0", function()
        local seen = sent_by(function(client)
            return client:request { method = "POST", path = "/x", body = '{"b" : 1}' }
        end)
        assert.equal('{"b" : 1}', seen.requests[1].body)
        seen = sent_by(function(client)
            return client:request { method = "POST", path = "/x", body = '{"b" : ' }
        end)
        assert.equal("invalid_request", seen.err.kind)
        assert.equal("body", seen.err.field)
        assert.equal(0, #seen.requests)
    end)

    it("has the headers of its endpoint", function()
        local seen = sent_by(function(client) return client:generate_caldav_conf() end)
        local head = seen.requests[1].head
        assert.truthy(head:find("\r\nContent-Type: application/json; charset=utf-8\r\n", 1, true))
        assert.truthy(head:find("\r\nAuthorization: Bearer u-x\r\n", 1, true))
        assert.is_nil(head:find("Expect", 1, true))
        assert.equal("{}", seen.requests[1].body)
        seen = sent_by(function(client) return client:primary_calendar() end)
        head = seen.requests[1].head
        assert.truthy(head:find("^POST /open%-apis/calendar/v4/calendars/primary HTTP/1.1\r\n"))
        assert.truthy(head:find("\r\nContent-Length: 0\r\n", 1, true))
        assert.is_nil(head:find("Content-Type", 1, true))
        for method, name in pairs { GET = "get_exchange_binding",
                                    DELETE = "delete_exchange_binding" } do
            seen = sent_by(function(client) return client[name](client, "a/b+c=") end)
            head = seen.requests[1].head
            assert.equal(method .. " " .. BINDINGS .. "/a%2Fb%2Bc%3D HTTP/1.1",
                head:match("^[^\r]*"))
            assert.is_nil(head:find("Content-Type", 1, true))
        end
    end)
end)

describe("call options", function()
    it("headers are sent, reserved and broken ones refused", function()
        local client = user_client()
        local seen = pipeline.run("feishu", {}, primary(client, {
            headers = { ["X-Mine"] = "yes, 是" } }))
        assert.equal("yes, 是", seen.requests[1].headers["x-mine"])
        for _, name in ipairs { "Authorization", "host", "Content-Length", "CONTENT-TYPE",
                                "Transfer-Encoding", "User-Agent", "X Y", "X:Y", "" } do
            seen = pipeline.run("feishu", {}, primary(client, { headers = { [name] = "v" } }))
            assert.equal("invalid_request", seen.err.kind)
            assert.equal("headers." .. name, seen.err.field)
            assert.equal(0, #seen.requests)
        end
        for _, value in ipairs { "a\r\nB: c", "a\nb", "a\0b", 5, true } do
            seen = pipeline.run("feishu", {}, primary(client, { headers = { ["X-A"] = value } }))
            assert.equal("headers.X-A", seen.err.field)
            assert.equal(0, #seen.requests)
        end
    end)

    it("timeout shortens one call only", function()
        local client = user_client()
        local seen = pipeline.run("feishu", { "stalled" }, generate(client, { timeout = 0.2 }))
        assert.equal("timeout", seen.err.kind)
        assert.is_true(seen.elapsed > 0.19 and seen.elapsed < 10)
        assert.is_table((client:primary_calendar()))
    end)

    it("stand in the request table at levels 1 and 0, in opts at level 2", function()
        local client = user_client { retry = { max_delay = 0.01 } }
        local ways = {
            function(o) return client:primary_calendar(o) end,
            function(o) return client.calendar.v4.calendar.primary(o) end,
            function(o)
                o.path = BINDINGS .. "/none"
                return client:request(o)
            end,
        }
        for _, way in ipairs(ways) do
            local seen = pipeline.run("feishu", { "190004" }, function()
                return way { retry = false, raw = true, user = "u", tenant_key = "t",
                    timeout = 5, headers = { ["X-Way"] = "1" }, identity = "user" }
            end)
            assert.equal(190004, seen.err.code)
            assert.equal(190004, json.decode(seen.meta.raw).code)
            assert.equal("1", seen.requests[1].headers["x-way"])
        end
    end)
end)

describe("a logger", function()
    it("hears of attempts and of the end, and may fail", function()
        local lines = {}
        local client = user_client { log_level = "debug", retry = { max_delay = 0.01 },
            logger = function(level, message, fields)
                lines[#lines + 1] = { level, message, fields }
                error "a logger that fails"
            end }
        local seen = pipeline.run("feishu", { "190004", "190002" }, primary(client))
        assert.equal(190002, seen.err.code)
        assert.equal(3, #lines)
        assert.equal("warn", lines[1][1])
        assert.truthy(lines[1][2]:find("190004", 1, true))
        assert.equal("info", lines[2][1])
        assert.equal("debug", lines[3][1])
        assert.equal(2, lines[3][3].attempts)
    end)

    it("hears warnings only, unless asked for more", function()
        local levels = {}
        local client = user_client { retry = { max_delay = 0.01 },
            logger = function(level) levels[#levels + 1] = level end }
        pipeline.run("feishu", { "190004", "190002" }, primary(client))
        assert.same({ "warn" }, levels)
    end)
end)

describe("max_response_bytes", function()
    it("is the ceiling of an answer", function()
        local seen = pipeline.run("feishu", {}, primary(user_client { max_response_bytes = 50 }))
        assert.equal("too_large", seen.err.kind)
        assert.equal("maybe", seen.err.acted)
        assert.is_false(seen.err.retryable)
    end)
end)
