-- How a call waits: in a script by blocking, in an nginx phase not at all.

local cloudcal = require "cloudcal"
local core = require "cloudcal.core"
local pipeline = require "spec.pipeline"
local support = require "spec.support"
local wait = require "cloudcal.wait"

-- Runs `body` as if in this phase of nginx.
local function in_phase(phase, body)
    local before = rawget(_G, "ngx")
    rawset(_G, "ngx", { get_phase = function() return phase end })
    local fine, problem = pcall(body)
    rawset(_G, "ngx", before)
    if not fine then error(problem, 0) end
end

local function cpu_during(body)
    local before = os.clock()
    body()
    return os.clock() - before
end

-- Those that cannot yield; spec/nginx_spec.lua has the others.
local PHASES = { "log", "header_filter", "body_filter", "init_worker", "exit_worker", "balancer",
                 "set" }

describe("an nginx phase", function()
    for _, phase in ipairs(PHASES) do
        it(phase .. " gets cannot_wait at once, and nothing is sent", function()
            local client, youkong = support.client "feishu", support.client "youkong"
            local token_calls = 0
            local asking = support.client("feishu", { user_access_token = function()
                token_calls = token_calls + 1
            end })
            support.clear "feishu"
            support.clear "youkong"
            in_phase(phase, function()
                local started = core.now()
                local calls = {
                    function() return client:primary_calendar() end,
                    function() return client:generate_caldav_conf() end,
                    function() return client:wait_exchange_binding "x" end,
                    function() return client:delete_exchange_binding "x" end,
                    function() return client.calendar.v4.calendar.primary() end,
                    function() return client:request { path = "/x" } end,
                    function() return asking:primary_calendar() end,
                    function() return youkong:create_calendar("u", { CalendarName = "n" }) end,
                }
                for _, call in ipairs(calls) do
                    local result, err, meta = call()
                    assert.is_nil(result)
                    assert.equal("cannot_wait", err.kind)
                    assert.equal("no", err.acted)
                    assert.is_false(err.retryable)
                    assert.equal("check", err.stage)
                    assert.truthy(tostring(err):find(phase, 1, true))
                    assert.equal(0, meta.attempts)
                end
                assert.is_true(core.now() - started < 5)
            end)
            assert.is_nil(rawget(_G, "ngx"))
            assert.equal(0, #support.requests "feishu")
            assert.equal(0, #support.requests "youkong")
            assert.equal(0, token_calls)
        end)
    end

    it("init may block", function()
        in_phase("init", function()
            assert.is_nil(wait.problem())
            assert.is_table((support.client "feishu":primary_calendar()))
            assert.is_true((cloudcal.sleep(0)))
        end)
    end)

    it("cannot sleep either", function()
        in_phase("log", function()
            local started = core.now()
            local slept, err = cloudcal.sleep(1)
            assert.is_nil(slept)
            assert.equal("cannot_wait", err.kind)
            assert.is_true(core.now() - started < 1)
        end)
    end)

    it("lets constructors and views through", function()
        in_phase("content", function()
            local client = cloudcal.feishu { user_access_token = "u-x" }
            assert.truthy(tostring(client:with { timeout = 1 }))
        end)
    end)

    it("is what ngx.get_phase says, and no other global ngx", function()
        rawset(_G, "ngx", { version = 1 })
        local problem = wait.problem()
        rawset(_G, "ngx", nil)
        assert.is_nil(problem)
    end)
end)

describe("a plain script", function()
    it("sleeps as long as it says, without spinning", function()
        local started = core.now()
        local cpu = cpu_during(function() assert.is_true(cloudcal.sleep(0.3)) end)
        local elapsed = core.now() - started
        assert.is_true(elapsed >= 0.3 and elapsed < 5)
        assert.is_true(cpu < 0.1)
    end)

    it("waits for an answer without spinning", function()
        local client = support.client "feishu"
        local cpu = cpu_during(function()
            local seen = pipeline.run("feishu", { "slow:0.4" }, function()
                return client:primary_calendar()
            end)
            assert.is_table(seen.result)
            assert.is_true(seen.elapsed >= 0.4)
        end)
        assert.is_true(cpu < 0.2)
    end)

    it("does not sleep for nothing or less", function()
        local started = core.now()
        assert.is_true(cloudcal.sleep(0))
        assert.is_true(cloudcal.sleep(-1))
        assert.is_true(core.now() - started < 0.5)
    end)

    it("raises for what is no number of seconds", function()
        pipeline.raises(function() cloudcal.sleep() end, "seconds must be a number")
        pipeline.raises(function() cloudcal.sleep("1") end, "seconds must be a number")
        pipeline.raises(function() cloudcal.sleep(0 / 0) end, "seconds must be a number")
    end)
end)
