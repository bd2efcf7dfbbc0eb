-- What a broken or hostile server can do to a call, fault by fault: the one kind of error, what
-- the caller learns about it, and how often the request was sent.

local core = require "cloudcal.core"
local files = require "spec.files"
local pipeline = require "spec.pipeline"
local support = require "spec.support"
local known_faults = require "cloudcal.sandbox.faults".list()

-- fault = { kind, acted }, or { "fine" } where the answer is good after all.
-- A third member: how often a repeatable call is sent when two attempts are allowed.
local EXPECTED = {
    none = { "fine" },
    slow = { "timeout", "maybe", 1 },
    stalled = { "timeout", "maybe", 1 },
    stalled_body = { "timeout", "maybe", 1 },
    drip = { "timeout", "maybe", 1 },
    reset = { "network", "maybe", 2 },
    close = { "network", "maybe", 2 },
    reset_reused = { "network", "maybe", 2, cured = true },
    close_reused = { "network", "maybe", 2, cured = true },
    close_after = { "fine" },
    reset_body = { "network", "maybe", 2 },
    truncated = { "network", "maybe", 2 },
    cut_headers = { "network", "maybe", 2 },
    eof_body = { "network", "maybe", 2 },
    eof_body_bare = { "network", "maybe", 2 },
    two_lengths = { "bad_response", "maybe", 1 },
    huge_length = { "too_large", "maybe", 1 },
    lengths_and_chunked = { "bad_response", "maybe", 1 },
    bad_chunk = { "network", "maybe", 2 },
    cut_chunk = { "network", "maybe", 2 },
    garbage = { "bad_response", "maybe", 1 },
    http_09 = { "bad_response", "maybe", 1 },
    bad_status = { "bad_response", "maybe", 1 },
    huge_headers = { "too_large", "maybe", 1 },
    many_headers = { "fine" },
    continue_flood = { "fine" },
    endless_body = { "too_large", "maybe", 1 },
    big_body = { "too_large", "maybe", 1 },
    empty = { "bad_response", "maybe", 1 },
    bad_json = { "bad_response", "maybe", 1 },
    half_json = { "bad_response", "maybe", 1 },
    trailing_json = { "bad_response", "maybe", 1 },
    not_utf8 = { "bad_response", "maybe", 1 },
    not_object = { "bad_response", "maybe", 1 },
    no_code = { "bad_response", "maybe", 1 },
    no_data = { "bad_response", "yes", 1 },
    success_string = { "fine" },
    big_integer = { "bad_response", "maybe", 1 },
    gzip = { "bad_response", "maybe", 1 },
    html_502 = { "service_error", "maybe", 2 },
    html_503 = { "service_error", "maybe", 2 },
    plain_404 = { "bad_response", "no", 1 },
    redirect = { "bad_response", "maybe", 1 },
    rate_limited = { "rate_limited", "no", 1 },
    rate_limited_as_400 = { "rate_limited", "no", 1 },
    echo_secrets = { "invalid_request", "no", 1 },
}

local REUSED = { reset_reused = true, close_reused = true }
local LATE = { slow = true, stalled = true, stalled_body = true, drip = true }

local read_file = files.read

-- The CA as text: another pool of connections than the one of the control door.
local function client_of(timeout)
    local sandbox = support.sandbox()
    local known = sandbox.feishu
    return require "cloudcal".feishu {
        base_url = known.base_url, ca_pem = read_file(sandbox.ca_file), timeout = timeout,
        retry = { max_attempts = 2, max_delay = 0 },
        user_access_token = known.user_access_token,
    }
end

-- The request that the fault meets is the first of a connection, or for the faults of kept
-- connections the second.
local function prepare(client, fault)
    local before = REUSED[fault] and "none" or "close_after"
    assert(client:request { method = "GET",
        path = "/open-apis/calendar/v4/exchange_bindings/none", raw = true,
        headers = { ["X-Sandbox-Fault"] = before } } == nil)
    if not REUSED[fault] then core.sleep(0.005) end
end

local CALLS = {
    repeatable = function(client, options) return client:primary_calendar(options) end,
    ["not repeatable"] = function(client, options)
        return client:generate_caldav_conf({ device_name = "phone" }, options)
    end,
}

local function wanted_requests(expected, kind)
    return kind == "repeatable" and expected[3] or 1
end

local function assert_outcome(seen, expected, kind)
    if expected[1] == "fine" or (expected.cured and kind == "repeatable") then
        assert.is_nil(seen.err)
        return
    end
    assert.is_nil(seen.result)
    assert.equal(expected[1], seen.err.kind)
    assert.equal(expected[2], seen.err.acted)
    assert.equal("call", seen.err.stage)
    if kind == "not repeatable" and expected[2] ~= "no" then
        assert.is_false(seen.err.retryable)
    end
end

describe("a server that misbehaves", function()
    it("is tried with every fault that the sandbox knows", function()
        assert.is_true(#known_faults >= 40)
        for _, fault in ipairs(known_faults) do
            assert.is_table(EXPECTED[fault.name], fault.name)
        end
    end)

    for _, fault in ipairs(known_faults) do
        local expected = EXPECTED[fault.name] or {}
        for kind, call in pairs(CALLS) do
            it(("by %s at a call that is %s"):format(fault.name, kind), function()
                local timeout = LATE[fault.name] and 0.3 or 4
                local client = client_of(timeout)
                prepare(client, fault.name)
                local options = { headers = { ["X-Sandbox-Fault"] = fault.name } }
                local seen = pipeline.run("feishu", {}, function() return call(client, options) end)
                assert_outcome(seen, expected, kind)
                assert.equal(wanted_requests(expected, kind), #seen.requests)
                assert.is_true(seen.elapsed < timeout + 4)
                assert.is_true(seen.meta.elapsed <= seen.elapsed)
                assert.is_true(seen.meta.elapsed >= (LATE[fault.name] and 0.9 * timeout or 0))
                -- the client is as good as before
                assert.is_table((client:primary_calendar { timeout = 5 }))
            end)
        end
    end
end)

-- The faults that cut an exchange, at the service whose create must never come twice.
describe("a create at Youkong", function()
    local CUTS = { "reset", "close", "reset_reused", "close_reused", "reset_body", "truncated",
                   "cut_headers", "eof_body", "bad_chunk", "cut_chunk", "html_502", "empty",
                   "half_json", "gzip", "no_code", "huge_length", "stalled" }

    for _, fault in ipairs(CUTS) do
        it("is sent once by " .. fault, function()
            local timeout = fault == "stalled" and 0.3 or 4
            local client = support.client("youkong", {
                client_key = support.sandbox().youkong.client_key,
                secret = support.sandbox().youkong.secret, timeout = timeout,
            })
            assert(client:create_calendar("misbehaving", { CalendarName = "first" },
                { timeout = 5 }))
            local before = support.state("youkong").calendars
            local seen = pipeline.run("youkong", {}, function()
                return client:create_calendar("misbehaving", { CalendarName = "second" },
                    { headers = { ["X-Sandbox-Fault"] = fault } })
            end)
            assert.is_nil(seen.result)
            assert.equal(EXPECTED[fault][1], seen.err.kind)
            assert.equal("maybe", seen.err.acted)
            assert.is_false(seen.err.retryable)
            assert.equal(1, #seen.requests)
            assert.equal(1, seen.meta.attempts)
            assert.is_true(support.state("youkong").calendars - before <= 1)
            assert.is_true(seen.elapsed < timeout + 4)
        end)
    end
end)

describe("a certificate that is not the service's", function()
    local KINDS = { "expired", "wrong_host", "self_signed" }

    for _, kind in ipairs(KINDS) do
        it("is refused when it is " .. kind, function()
            local sandbox = require "cloudcal.sandbox".start { certificate = kind }
            local client = require "cloudcal".feishu {
                base_url = sandbox.feishu.base_url, ca_file = sandbox.ca_file,
                user_access_token = sandbox.feishu.user_access_token,
            }
            local started = core.now()
            local result, err, meta = client:primary_calendar()
            local elapsed = core.now() - started
            sandbox.stop()
            assert.is_nil(result)
            assert.equal("tls", err.kind)
            assert.equal("no", err.acted)
            assert.is_false(err.retryable)
            assert.equal(1, meta.attempts)
            assert.is_true(elapsed < 10)
        end)
    end
end)
