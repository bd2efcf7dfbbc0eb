-- What a broken or hostile server can do to a call, fault by fault: the one kind of error, what
-- the caller learns about it, and how often the request was sent.

local core = require "cloudcal.core"
local files = require "spec.files"
local misbehaviour = require "spec.misbehaviour"
local pipeline = require "spec.pipeline"
local support = require "spec.support"
local known_faults = require "cloudcal.sandbox.faults".list()

local EXPECTED = misbehaviour.expected

local read_file = files.read

-- The CA as text: another pool of connections than the one of the control door.
local function client_of(timeout)
    local sandbox = support.sandbox()
    return misbehaviour.client({
        base_url = sandbox.feishu.base_url, ca_pem = read_file(sandbox.ca_file),
        user_access_token = sandbox.feishu.user_access_token,
    }, timeout)
end

local function assert_outcome(seen, fault, kind)
    local err = seen.err or {}
    assert.is_nil(misbehaviour.problem(fault, kind, { ok = seen.result ~= nil, kind = err.kind,
        acted = err.acted, stage = err.stage, retryable = err.retryable }))
end

describe("a server that misbehaves", function()
    it("is tried with every fault that the sandbox knows", function()
        assert.is_true(#known_faults >= 50)
        for _, fault in ipairs(known_faults) do
            assert.is_table(EXPECTED[fault.name], fault.name)
        end
    end)

    for _, fault in ipairs(known_faults) do
        for kind, call in pairs(misbehaviour.calls) do
            it(("by %s at a call that is %s"):format(fault.name, kind), function()
                local timeout = misbehaviour.timeout(fault.name)
                local client = client_of(timeout)
                misbehaviour.prepare(client, fault.name)
                local options = { headers = { ["X-Sandbox-Fault"] = fault.name } }
                local seen = pipeline.run("feishu", {}, function() return call(client, options) end)
                assert_outcome(seen, fault.name, kind)
                assert.equal(misbehaviour.requests(fault.name, kind), #seen.requests)
                assert.is_true(seen.elapsed < timeout + 4)
                assert.is_true(seen.meta.elapsed <= seen.elapsed)
                local least = misbehaviour.late[fault.name] and 0.9 * timeout or 0
                assert.is_true(seen.meta.elapsed >= least)
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
