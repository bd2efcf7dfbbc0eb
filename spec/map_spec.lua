--- cloudcal.map: many calls at once, in order, in every way of waiting.

local cloudcal = require "cloudcal"
local core = require "cloudcal.core"
local support = require "spec.support"

local map = cloudcal.map

support.sandbox { rate = "off" }

local client = support.client("feishu", {
    user_access_token = support.sandbox().feishu.user_access_token, rate_limit = false,
})

local function ask(seconds)
    return client:primary_calendar { headers = { ["X-Sandbox-Fault"] = "slow:" .. seconds } }
end

local function elapsed(fn, ...)
    local started = core.now()
    fn(...)
    return core.now() - started
end

local function numbers(n)
    local list = {}
    for i = 1, n do list[i] = i end
    return list
end

local function in_task(fn)
    local loop = cloudcal.loop()
    local task = loop:spawn(fn)
    loop:run()
    local ok, value = task:result()
    if value ~= nil then error(value) end
    return ok
end

local function in_script(fn) return fn() end

local function in_foreign_coroutine(fn)
    return in_task(function() coroutine.wrap(fn)() end)
end

local places = {
    ["in a plain script"] = in_script, ["inside a task"] = in_task,
    ["in another coroutine inside a task"] = in_foreign_coroutine,
}

setup(function() assert(client:primary_calendar()) end)

for place, within in pairs(places) do
    describe("map " .. place, function()
        it("keeps the order, whatever ends first", function()
            within(function()
                local results, errors = map({ 0.09, 0.06, 0.03, 0 }, function(seconds, i)
                    assert.is_table(ask(seconds))
                    return i .. ":" .. seconds
                end)
                assert.is_nil(errors)
                assert.same({ "1:0.09", "2:0.06", "3:0.03", "4:0", n = 4 }, results)
            end)
        end)

        it("makes at most so many calls at once", function()
            within(function()
                local now, most = 0, 0
                local results = map(numbers(12), function(n)
                    now = now + 1
                    most = math.max(most, now)
                    cloudcal.sleep(0.01)
                    now = now - 1
                    return n
                end, { concurrency = 3 })
                assert.equal(3, most)
                assert.equal(12, results.n)
            end)
        end)

        it("makes eight at once unless told otherwise", function()
            within(function()
                local now, most = 0, 0
                map(numbers(20), function()
                    now = now + 1
                    most = math.max(most, now)
                    cloudcal.sleep(0.01)
                    now = now - 1
                end)
                assert.equal(8, most)
            end)
        end)

        it("makes them side by side", function()
            within(function()
                local seconds = elapsed(map, numbers(8), function() return ask(0.2) end)
                assert.is_true(seconds >= 0.2 and seconds < 1.6, seconds) -- in turn: 1.6
            end)
        end)

        it("takes more concurrency than there are items, and no items", function()
            within(function()
                local results, errors = map({ 5 }, tostring, { concurrency = 100 })
                assert.same({ "5", n = 1 }, results)
                assert.is_nil(errors)
                results, errors = map({}, error)
                assert.same({ n = 0 }, results)
                assert.is_nil(errors)
            end)
        end)

        it("has errors by index, and only those", function()
            within(function()
                local results, errors = map(numbers(5), function(n)
                    if n % 2 == 0 then return nil, "error " .. n end
                    return n
                end)
                assert.same({ [2] = "error 2", [4] = "error 4" }, errors)
                assert.same({ 1, nil, 3, nil, 5, n = 5 }, results)
            end)
        end)

        it("raises again what fn raised, and starts no more", function()
            within(function()
                local started, problem = {}, { "what was raised" }
                local seconds = elapsed(function()
                    local ok, raised = pcall(map, numbers(100), function(n)
                        started[#started + 1] = n
                        if n == 3 then
                            cloudcal.sleep(0.02)
                            error(problem)
                        end
                        return ask(3)
                    end, { concurrency = 4 })
                    assert.is_false(ok)
                    assert.equal(problem, raised)
                end)
                assert.is_true(seconds < 3, seconds)
                assert.equal(4, #started)
            end)
        end)
    end)
end

describe("map", function()
    it("takes a result of false, and none at all, for no error", function()
        local results, errors = map(numbers(3), function(n)
            if n == 2 then return false, "not an error" end
        end)
        assert.is_nil(errors)
        assert.same({ [2] = false, n = 3 }, results)
    end)

    it("tells of its progress after each", function()
        local seen = {}
        map(numbers(3), function(n) return n ~= 2 and n or nil, "bad" end, {
            concurrency = 1,
            on_progress = function(done, total, failed)
                seen[#seen + 1] = ("%d/%d %d"):format(done, total, failed)
            end,
        })
        assert.same({ "1/3 0", "2/3 1", "3/3 1" }, seen)
    end)

    it("stops when stop_on says so, and names what was not started", function()
        local started = 0
        local results, errors = map(numbers(6), function(n)
            started = started + 1
            if n == 2 then return nil, { kind = "app_setup" } end
            return n
        end, { concurrency = 1, stop_on = function(err) return err.kind == "app_setup" end })
        assert.equal(2, started)
        assert.same({ 1, n = 6 }, results)
        assert.equal("app_setup", errors[2].kind)
        for i = 3, 6 do
            assert.equal("cancelled", errors[i].kind)
            assert.equal("not_started", errors[i].name)
            assert.equal("no", errors[i].acted)
        end
    end)

    it("lets those end that are under way when it stops", function()
        local results, errors = map(numbers(10), function(n)
            cloudcal.sleep(n == 2 and 0.01 or 0.03)
            if n == 2 then return nil, "stop" end
            return n
        end, { concurrency = 3, stop_on = function() return true end })
        assert.equal(1, results[1])
        assert.equal(3, results[3])
        assert.equal("stop", errors[2])
        assert.equal("not_started", errors[4].name)
    end)

    it("does not stop when stop_on does not say so", function()
        local asked = 0
        local _, errors = map(numbers(4), function(n) return nil, n end, {
            stop_on = function(err)
                asked = asked + err
                return false
            end,
        })
        assert.equal(10, asked)
        assert.same({ 1, 2, 3, 4 }, errors)
    end)

    it("raises what on_progress and stop_on raise", function()
        for _, name in ipairs { "on_progress", "stop_on" } do
            local ok, message = pcall(map, numbers(3), function() return nil, "bad" end,
                { [name] = function() error("in " .. name, 0) end })
            assert.is_false(ok)
            assert.equal("in " .. name, message)
        end
    end)

    it("is cancelled with the task that waits for it, and starts no more", function()
        local loop, started = cloudcal.loop(), 0
        local task = loop:spawn(function()
            return map(numbers(100), function()
                started = started + 1
                return ask(3)
            end, { concurrency = 4 })
        end)
        for _ = 1, 10 do loop:step(0.01) end
        task:cancel()
        assert.is_true(elapsed(loop.run, loop) < 3)
        local results, errors = task:result()
        assert.equal(100, results.n)
        assert.equal(4, started)
        for i = 1, 100 do assert.equal("cancelled", errors[i].kind) end
    end)

    it("works inside a map", function()
        local results = map({ 1, 2 }, function(a)
            return map({ 10, 20 }, function(b)
                cloudcal.sleep(0.005)
                return a * b
            end)
        end)
        assert.same({ { 10, 20, n = 2 }, { 20, 40, n = 2 }, n = 2 }, results)
    end)

    it("leaves a loop alone that is not run", function()
        local loop = cloudcal.loop()
        local task = loop:spawn(ask, 0.02)
        loop:step(0)
        assert.equal(3, map(numbers(3), function() return ask(0.05) end).n)
        assert.is_false(task:done())
        loop:run()
        assert.is_table((task:result()))
    end)

    it("refuses wrong arguments at the caller's line", function()
        local wrong = {
            { nil, print, nil, "items must be a table, not a nil" },
            { {}, nil, nil, "fn must be a function, not a nil" },
            { {}, print, 3, "options must be a table, not a number" },
            { {}, print, { concurency = 3 }, "unknown option 'concurency'" },
            { {}, print, { [1] = 3 }, "unknown option '1'" },
            { {}, print, { stop_on = true }, "option 'stop_on' must be a function" },
        }
        for _, value in ipairs { 0, -1, 1.5, "2", 0 / 0, math.huge, {} } do
            wrong[#wrong + 1] = { {}, print, { concurrency = value },
                "option 'concurrency' must be a whole number above 0" }
        end
        for _, case in ipairs(wrong) do
            local ok, message = pcall(function() map(case[1], case[2], case[3]) end)
            assert.is_false(ok)
            assert.truthy(message:find(case[4], 1, true), message)
            assert.truthy(message:find("spec/map_spec.lua", 1, true), message)
        end
    end)
end)
