--- Loops and tasks: lua/cloudcal/wait/loop.lua, and the blocking way beside it.

local cloudcal = require "cloudcal"
local core = require "cloudcal.core"
local peer = require "spec.peer"
local socket = require "socket"
local support = require "spec.support"

-- What suspends itself across pcall: every Lua but PUC 5.1.
local YIELDS_ACROSS_PCALL = coroutine.wrap(function()
    return pcall(coroutine.yield, true)
end)() == true
local IS_PUC_51 = _VERSION == "Lua 5.1" and not YIELDS_ACROSS_PCALL

support.sandbox { rate = "off" }

local function client_of(changes)
    local known = support.sandbox().feishu
    changes = changes or { user_access_token = known.user_access_token }
    changes.rate_limit = false
    return support.client("feishu", changes)
end

local function app_client(changes)
    local known = support.sandbox().feishu
    changes = changes or {}
    changes.app_id, changes.app_secret = known.app_id, changes.app_secret or known.app_secret
    changes.store = changes.store or cloudcal.stores.memory()
    return client_of(changes)
end

local client = client_of()

local function ask(seconds, by)
    return (by or client):primary_calendar {
        headers = { ["X-Sandbox-Fault"] = "slow:" .. seconds },
    }
end

local function elapsed(fn, ...)
    local started = core.now()
    fn(...)
    return core.now() - started
end

local function count_requests(path)
    local n = 0
    for _, request in ipairs(support.requests("feishu")) do
        if request.path:find(path, 1, true) then n = n + 1 end
    end
    return n
end

local function assert_calendar(calendar, err)
    assert.is_nil(err)
    assert.is_table(calendar.calendar)
end

local function assert_cancelled(acted, calendar, err)
    assert.is_nil(calendar)
    assert.equal("cancelled", err.kind)
    assert.equal(acted, err.acted)
end

-- Runs fn in a task of a loop of its own.
local function in_task(fn, ...)
    local loop = cloudcal.loop()
    local task = loop:spawn(fn, ...)
    loop:run()
    return task:result()
end

local function step_until(loop, done)
    local limit = core.now() + 10
    while not done() do
        assert(core.now() < limit, "it does not happen")
        loop:step(0.005)
    end
end

-- A warm connection, so that what is measured is not the handshake.
setup(function() assert_calendar(client:primary_calendar()) end)

before_each(function() support.clear("feishu") end)

describe("a plain script", function()
    it("blocks one call only", function()
        local seconds = elapsed(function() assert_calendar(ask(0.1)) end)
        assert.is_true(seconds >= 0.1 and seconds < 5)
    end)

    it("sleeps", function()
        local seconds = elapsed(function() assert.is_true(cloudcal.sleep(0.05)) end)
        assert.is_true(seconds >= 0.05 and seconds < 5)
    end)

    it("does not sleep for nothing, less than nothing, or no number", function()
        for _, given in ipairs { 0, -1, -math.huge } do
            assert.is_true(elapsed(cloudcal.sleep, given) < 0.5)
        end
        assert.error_matches(function() cloudcal.sleep("1") end, "seconds must be a number")
        assert.error_matches(function() cloudcal.sleep() end, "seconds must be a number, not nil")
        assert.error_matches(function() cloudcal.sleep(0 / 0) end, "seconds must be a number")
    end)

    it("calls from a coroutine of its own without yielding", function()
        local co = coroutine.create(function() return ask(0.01) end)
        local ok, calendar, err = coroutine.resume(co)
        assert.is_true(ok)
        assert_calendar(calendar, err)
        assert.equal("dead", coroutine.status(co))
    end)

    it("costs no processor time while it waits", function()
        local before = os.clock()
        assert_calendar(ask(1))
        assert.is_true(os.clock() - before < 0.01, os.clock() - before)
    end)
end)

describe("loop:spawn", function()
    it("runs nothing before the next step", function()
        local loop, ran = cloudcal.loop(), false
        local task = loop:spawn(function() ran = true end)
        assert.is_false(ran)
        assert.is_false(task:done())
        assert.equal(0, loop:step(0))
        assert.is_true(ran)
        assert.is_true(task:done())
    end)

    it("passes arguments, nils included", function()
        local got
        in_task(function(...) got = { n = select("#", ...), ... } end, nil, 2, nil)
        assert.same({ n = 3, [2] = 2 }, got)
    end)

    it("takes nothing but a function", function()
        local loop = cloudcal.loop()
        assert.has_error(function() loop:spawn(nil) end, "fn must be a function, not a nil")
        assert.has_error(function() loop:spawn({}) end, "fn must be a function, not a table")
    end)

    it("runs calls side by side", function()
        local loop, tasks = cloudcal.loop(), {}
        for i = 1, 20 do tasks[i] = loop:spawn(ask, 0.2) end
        local seconds = elapsed(loop.run, loop)
        assert.is_true(seconds >= 0.2 and seconds < 4, seconds) -- one after the other: 4
        for i = 1, 20 do assert_calendar(tasks[i]:result()) end
    end)

    it("may be called in a task, for the same loop and for another", function()
        local loop, other, order = cloudcal.loop(), cloudcal.loop(), {}
        loop:spawn(function()
            order[#order + 1] = "outer"
            loop:spawn(function()
                ask(0.01)
                order[#order + 1] = "inner"
            end)
            other:spawn(function() order[#order + 1] = "other" end)
        end)
        loop:run()
        assert.same({ "outer", "inner" }, order)
        other:run()
        assert.same({ "outer", "inner", "other" }, order)
    end)

    it("lets tasks wait for each other by their results", function()
        local sum = in_task(function()
            local loop, tasks = cloudcal.loop(), {}
            for i = 1, 3 do tasks[i] = loop:spawn(function() return i end) end
            assert.is_false(tasks[1]:done())
            return #tasks
        end)
        assert.equal(3, sum)
    end)
end)

describe("loop:step", function()
    local function busy_loop()
        local loop = cloudcal.loop()
        return loop, loop:spawn(ask, 0.2)
    end

    it("never waits longer than it is told", function()
        local loop = cloudcal.loop()
        local tasks = { loop:spawn(ask, 9), loop:spawn(cloudcal.sleep, 9) }
        for _, seconds in ipairs { 0, 0.005, 0.02 } do
            local shortest = math.huge
            for _ = 1, 5 do
                local took = elapsed(loop.step, loop, seconds)
                assert.is_true(took < 5, took)
                shortest = math.min(shortest, took)
            end
            assert.is_true(shortest < seconds + 0.15, shortest)
        end
        for _, task in ipairs(tasks) do task:cancel() end
        loop:run()
    end)

    it("uses the time that it is given, less what its last action may take", function()
        local loop = busy_loop()
        step_until(loop, function() return count_requests("primary") > 0 end)
        local seconds = elapsed(loop.step, loop, 0.05)
        assert.is_true(seconds >= 0.0125, seconds)
        loop:run()
    end)

    it("never waits longer though another loop's exchange ends meanwhile", function()
        local loop, other = cloudcal.loop(), cloudcal.loop()
        other:spawn(ask, 0.4)
        step_until(other, function() return count_requests("primary") > 0 end)
        loop:spawn(cloudcal.sleep, 5)
        local seconds = elapsed(loop.step, loop, 0.6)
        assert.is_true(seconds >= 0.6 and seconds < 4, seconds)
        other:run()
    end)

    it("returns the number of live tasks", function()
        local loop = cloudcal.loop()
        assert.equal(0, loop:step())
        local task = loop:spawn(ask, 0.05)
        loop:spawn(function() end)
        loop:spawn(cloudcal.sleep, 10):cancel()
        step_until(loop, function() return loop:step(0) == 1 end)
        assert.is_false(task:done())
        loop:run()
        assert.equal(0, loop:step(0))
    end)

    it("returns early when the last task ends, and at once without tasks", function()
        local loop = cloudcal.loop()
        loop:spawn(cloudcal.sleep, 0.02)
        assert.is_true(elapsed(loop.step, loop, 5) < 1)
        assert.is_true(elapsed(loop.step, loop, 5) < 1)
    end)

    it("goes on however little time it gets", function()
        for _, seconds in ipairs { 0, -1, -math.huge } do
            local loop, task = busy_loop()
            local limit = core.now() + 5
            while loop:step(seconds) > 0 and core.now() < limit do core.sleep(0.001) end
            assert_calendar(task:result())
        end
    end)

    it("takes no time for no time", function()
        local loop = cloudcal.loop()
        local task = loop:spawn(function() return 1 end)
        loop:step()
        assert.equal(1, (task:result()))
    end)

    it("takes endless time", function()
        local loop, task = busy_loop()
        assert.equal(0, loop:step(math.huge))
        assert_calendar(task:result())
    end)

    it("refuses what is no number", function()
        local loop = cloudcal.loop()
        loop:spawn(cloudcal.sleep, 0.01)
        for _, given in ipairs { "1", true, {}, print } do
            assert.has_error(function() loop:step(given) end,
                "seconds must be a number, not a " .. type(given))
        end
        assert.has_error(function() loop:step(0 / 0) end, "seconds must be a number, not NaN")
        loop:run()
    end)

    it("raises at the caller's line", function()
        local loop = cloudcal.loop()
        local _, message = pcall(function() loop:step("1") end)
        assert.truthy(message:find("spec/loop_spec.lua", 1, true), message)
    end)

    it("cannot be called inside a task, nor can run", function()
        local loop, other = cloudcal.loop(), cloudcal.loop()
        for _, name in ipairs { "step", "run" } do
            for _, which in ipairs { loop, other } do
                local task = loop:spawn(function() which[name](which) end)
                loop:run()
                local _, err = task:result()
                assert.truthy(err.message:find(name .. " cannot be called inside a task", 1, true))
                assert.truthy(err.message:find("spec/loop_spec.lua", 1, true), err.message)
            end
        end
    end)

    it("cannot be called in a coroutine inside a task either", function()
        local loop = cloudcal.loop()
        local _, err = in_task(function() coroutine.wrap(function() loop:run() end)() end)
        assert.truthy(err.message:find("run cannot be called inside a task", 1, true))
    end)

    it("hears at once of what ended during a blocking call", function()
        local loop = cloudcal.loop()
        local quick, slow = loop:spawn(ask, 0.1), loop:spawn(ask, 9)
        step_until(loop, function() return count_requests("primary") == 2 end)
        assert_calendar(ask(0.5)) -- in which the quick one ends
        assert.is_false(quick:done())
        loop:step(0)
        assert.is_true(quick:done())
        assert_calendar(quick:result())
        slow:cancel()
        loop:run()
    end)
end)

describe("loop:run", function()
    it("returns at once without tasks", function()
        local loop = cloudcal.loop()
        assert.is_true(elapsed(loop.run, loop) < 0.5)
    end)

    it("can be used again", function()
        local loop = cloudcal.loop()
        for _ = 1, 3 do
            local task = loop:spawn(ask, 0)
            loop:run()
            assert_calendar(task:result())
        end
    end)

    it("costs no processor time while it waits", function()
        local loop = cloudcal.loop()
        loop:spawn(ask, 1)
        loop:spawn(cloudcal.sleep, 1)
        local before = os.clock()
        loop:run()
        assert.is_true(os.clock() - before < 0.01, os.clock() - before)
    end)

    it("has two loops that are run in turn", function()
        local first, second = cloudcal.loop(), cloudcal.loop()
        local a, b = first:spawn(ask, 0.1), second:spawn(ask, 0.2)
        first:run()
        assert.is_true(a:done())
        second:run()
        assert_calendar(a:result())
        assert_calendar(b:result())
    end)

    it("has two loops that are stepped in turn", function()
        local first, second, tasks = cloudcal.loop(), cloudcal.loop(), {}
        for i = 1, 10 do tasks[i] = (i % 2 == 0 and first or second):spawn(ask, 0.2) end
        local seconds = elapsed(function()
            while first:step(0.005) + second:step(0.005) > 0 do end
        end)
        assert.is_true(seconds < 2, seconds) -- one after the other: 2
        for i = 1, 10 do assert_calendar(tasks[i]:result()) end
    end)

    it("goes on after an interrupt of the host", function()
        local main, is_main = coroutine.running()
        if not (main and debug.sethook and is_main ~= nil) then main = nil end
        local loop = cloudcal.loop()
        local task = loop:spawn(function()
            if main then
                debug.sethook(main, function()
                    debug.sethook(main)
                    error("interrupted", 0)
                end, "", 1)
            end
            cloudcal.sleep(0.01)
            return "done"
        end)
        pcall(loop.run, loop)
        loop:run()
        assert.equal(0, loop:step(0))
        assert.is_boolean(task:done())
    end)
end)

describe("task:result", function()
    it("is what fn returned, nils and all", function()
        local loop = cloudcal.loop()
        local several = loop:spawn(function() return nil, 2, nil end)
        local none = loop:spawn(function() end)
        loop:run()
        assert.equal(3, select("#", several:result()))
        assert.equal(2, (select(2, several:result())))
        assert.equal(0, select("#", none:result()))
        assert.equal(3, select("#", several:result())) -- and again
    end)

    it("raises before the end", function()
        local loop = cloudcal.loop()
        local task = loop:spawn(cloudcal.sleep, 0.01)
        assert.has_error(function() task:result() end, "the task has not ended")
        loop:step(0)
        assert.has_error(function() task:result() end, "the task has not ended")
        loop:run()
        assert.is_true((task:result()))
    end)

    it("is nil and an error with a traceback when fn raised", function()
        local function innermost() error("broken") end
        local nothing, err = in_task(function()
            innermost()
            return 1
        end)
        assert.is_nil(nothing)
        assert.truthy(err.message:find("broken", 1, true))
        assert.truthy(tostring(err):find("broken", 1, true))
        assert.truthy(err.traceback:find("spec/loop_spec.lua", 1, true), err.traceback)
        assert.truthy(err.traceback:find("innermost", 1, true), err.traceback)
    end)

    it("keeps the error of the service when that is raised", function()
        local _, err = in_task(function()
            local bad = client_of { user_access_token = "u-nobodys-token-at-all-0123456" }
            local _, problem = bad:primary_calendar()
            error(problem)
        end)
        assert.equal("unauthenticated", err.kind)
        assert.is_string(err.traceback)
    end)

    it("has an error for everything that can be raised", function()
        local awkward = setmetatable({}, {
            __tostring = function() error "no text" end,
            __index = function() error "no field" end,
            __newindex = function() error "no room" end,
        })
        for _, value in ipairs { 42, true, {}, awkward, print } do
            local loop = cloudcal.loop()
            local task = loop:spawn(error, value, 0)
            loop:run()
            local nothing, err = task:result()
            assert.is_nil(nothing)
            assert.is_string(err.traceback)
            assert.is_string(err.message)
            assert.equal(value, err.value)
        end
        local _, err = in_task(error)
        assert.is_string(err.message)
        assert.equal(7, (in_task(function() return 7 end))) -- nothing is stuck
    end)

    it("leaves the other tasks alone when one raises", function()
        local loop = cloudcal.loop()
        loop:spawn(error, "broken")
        local task = loop:spawn(ask, 0.01)
        loop:run()
        assert_calendar(task:result())
    end)
end)

describe("task:cancel", function()
    it("ends a call that has not left: acted no", function()
        local loop = cloudcal.loop()
        local mute = socket.bind("127.0.0.1", 0) -- which never says a word
        local _, port = mute:getsockname()
        local task = loop:spawn(function()
            return support.client("feishu", {
                base_url = "https://127.0.0.1:" .. port, user_access_token = "u-x",
                rate_limit = false,
            }):primary_calendar()
        end)
        for _ = 1, 5 do loop:step(0.005) end
        task:cancel()
        loop:run()
        mute:close()
        assert_cancelled("no", task:result())
    end)

    it("ends a call that has left: acted maybe", function()
        local loop = cloudcal.loop()
        local task = loop:spawn(ask, 5)
        step_until(loop, function() return count_requests("primary") == 1 end)
        task:cancel()
        assert.is_true(elapsed(loop.run, loop) < 4)
        assert_cancelled("maybe", task:result())
        assert.equal(1, count_requests("primary")) -- and it is not made again
    end)

    it("ends later calls of the task too, which never leave", function()
        local loop, second, third = cloudcal.loop(), nil, nil
        local task = loop:spawn(function()
            local _, err = ask(5)
            second = { ask(0) }
            cloudcal.sleep(5)
            third = { client:request { method = "GET", path = "/open-apis/x" } }
            return err.kind
        end)
        step_until(loop, function() return count_requests("primary") == 1 end)
        task:cancel()
        assert.is_true(elapsed(loop.run, loop) < 1)
        assert.equal("cancelled", (task:result()))
        assert_cancelled("no", second[1], second[2])
        assert_cancelled("no", third[1], third[2])
        assert.equal(1, #support.requests("feishu"))
    end)

    it("before the first step lets fn run, without calls", function()
        local loop, ran = cloudcal.loop(), false
        local task = loop:spawn(function()
            ran = true
            return ask(5)
        end)
        task:cancel()
        loop:run()
        assert.is_true(ran)
        assert_cancelled("no", task:result())
    end)

    it("ends a sleep", function()
        local loop = cloudcal.loop()
        local task = loop:spawn(cloudcal.sleep, 10)
        loop:step(0)
        task:cancel()
        assert.is_true(elapsed(loop.run, loop) < 1)
        assert_cancelled("no", task:result())
    end)

    it("leaves no later sleep that keeps the other tasks from going on", function()
        local loop, ended, rounds, slept, err = cloudcal.loop(), false, 0, nil, nil
        local task = loop:spawn(function()
            while not ended do
                slept, err = cloudcal.sleep(0.1)
                rounds = rounds + 1
                assert(rounds < 100, "nobody else has a turn")
            end
            return "ended"
        end)
        task:cancel()
        loop:spawn(function() ended = true end)
        loop:run()
        assert.equal("ended", (task:result()))
        assert_cancelled("no", slept, err)
        assert.equal("sleep", err.operation)
    end)

    it("ends the pause before another attempt", function()
        for _ = 1, 10 do support.faults("feishu", "html_502") end
        local loop = cloudcal.loop()
        local task = loop:spawn(client.primary_calendar, client, { retry = { max_attempts = 10 } })
        step_until(loop, function() return count_requests("primary") > 0 end)
        loop:step(0.02)
        task:cancel()
        assert.is_true(elapsed(loop.run, loop) < 0.4)
        assert.equal("cancelled", select(2, task:result()).kind)
    end)

    it("does no harm twice, or after the end", function()
        local loop = cloudcal.loop()
        local task = loop:spawn(ask, 5)
        loop:step(0.01)
        task:cancel()
        task:cancel()
        loop:run()
        task:cancel()
        assert.equal("cancelled", select(2, task:result()).kind)
        assert.equal(0, loop:step(0))
        local good = loop:spawn(ask, 0)
        loop:run()
        good:cancel()
        assert_calendar(good:result())
    end)

    it("may come from another task, and from the task itself", function()
        local loop = cloudcal.loop()
        local victim, own = loop:spawn(ask, 5), nil
        loop:spawn(function()
            cloudcal.sleep(0.05)
            victim:cancel()
        end)
        own = loop:spawn(function()
            own:cancel()
            return ask(5)
        end)
        assert.is_true(elapsed(loop.run, loop) < 4)
        assert.equal("cancelled", select(2, victim:result()).kind)
        assert_cancelled("no", own:result())
    end)

    it("leaves the other tasks alone", function()
        local loop = cloudcal.loop()
        local victim, other = loop:spawn(ask, 0.2), loop:spawn(ask, 0.2)
        loop:step(0.02)
        victim:cancel()
        loop:run()
        assert_calendar(other:result())
    end)

    it("wakes a task that waits for another one's token", function()
        local asked = app_client()
        support.faults("feishu", "slow:3")
        local loop = cloudcal.loop()
        local owner = loop:spawn(function() return asked:primary_calendar() end)
        local waiter = loop:spawn(function() return asked:primary_calendar() end)
        step_until(loop, function() return count_requests("tenant_access_token") == 1 end)
        waiter:cancel()
        step_until(loop, function() return waiter:done() end)
        assert.is_false(owner:done())
        assert_cancelled("no", waiter:result())
        loop:run()
        assert_calendar(owner:result())
    end)
end)

describe("a call that cannot yield", function()
    local function blocks(fn)
        local loop, ticks = cloudcal.loop(), 0
        local ticker = loop:spawn(function()
            while ticks < 1000 do
                cloudcal.sleep(0.002)
                ticks = ticks + 1
            end
        end)
        local during
        local task = loop:spawn(function()
            cloudcal.sleep(0.005)
            local before = ticks
            local result = fn()
            during = ticks - before
            return result
        end)
        while not task:done() do loop:step(0.01) end
        ticker:cancel()
        loop:step(0)
        return during, task:result()
    end

    it("blocks in a coroutine that is not the task's", function()
        local during, result = blocks(function()
            local next_one = coroutine.wrap(function()
                for i = 1, 3 do
                    assert_calendar(ask(0.02))
                    coroutine.yield(i)
                end
            end)
            return next_one() + next_one() + next_one()
        end)
        assert.equal(6, result)
        assert.equal(0, during)
    end)

    it("blocks in the comparison of a sort", function()
        local during, result = blocks(function()
            local list = { 3, 1, 2 }
            table.sort(list, function(a, b)
                assert_calendar(ask(0.01))
                return a < b
            end)
            return table.concat(list)
        end)
        assert.equal("123", result)
        assert.equal(0, during)
    end)

    it("blocks in the callback of gsub", function()
        local during, result = blocks(function()
            return (("a b"):gsub("%a", function(letter)
                assert_calendar(ask(0.02))
                cloudcal.sleep(0.01)
                return letter:upper()
            end))
        end)
        assert.equal("A B", result)
        assert.equal(0, during)
    end)

    it("yields across pcall, but blocks there on Lua 5.1", function()
        local during, result = blocks(function()
            local ok, calendar, err = pcall(ask, 0.05)
            assert.is_true(ok, calendar)
            assert_calendar(calendar, err)
            return "fine"
        end)
        assert.equal("fine", result)
        if IS_PUC_51 then
            assert.equal(0, during)
        else
            assert.is_true(during > 0)
        end
    end)

    it("yields in metamethods and iterators, which on Lua 5.1 cannot be", function()
        local lazy = setmetatable({}, { __index = function() return (ask(0.05)) end })
        local function iterate()
            local found
            for calendar in function(_, before) return not before and ask(0.05) or nil end do
                found = calendar
            end
            return found
        end
        for _, fn in ipairs { function() return lazy.calendar end, iterate } do
            local during, calendar, err = blocks(fn)
            if IS_PUC_51 then
                assert.is_nil(calendar)
                assert.truthy(err.message:find("attempt to yield across", 1, true))
            else
                assert_calendar(calendar)
                assert.is_true(during > 0)
            end
        end
    end)

    it("lets the task end though its exchange goes on unattended", function()
        -- what Lua 5.1 leaves behind after "attempt to yield across ..."
        local loop = cloudcal.loop()
        local lazy = setmetatable({}, { __index = function() return (ask(0.1)) end })
        local task = loop:spawn(function() return lazy.calendar end)
        local other = loop:spawn(ask, 0.2)
        loop:run()
        assert.is_true(task:done())
        assert_calendar(other:result())
        assert.equal(0, loop:step(0))
    end)

    it("leaves the loop's other calls under way", function()
        local loop = cloudcal.loop()
        local tasks = {}
        for i = 1, 5 do tasks[i] = loop:spawn(ask, 0.15) end
        step_until(loop, function() return count_requests("primary") == 5 end)
        assert_calendar(ask(0.5)) -- blocks; meanwhile the five end
        for _ = 1, 5 do loop:step(0) end
        for i = 1, 5 do assert_calendar(tasks[i]:result()) end
    end)
end)

describe("a task", function()
    it("may yield by itself", function()
        local loop, order = cloudcal.loop(), {}
        for _, name in ipairs { "a", "b" } do
            loop:spawn(function()
                for i = 1, 3 do
                    order[#order + 1] = name .. i
                    coroutine.yield("something", i)
                end
            end)
        end
        loop:run()
        assert.equal("a1 b1 a2 b2 a3 b3", table.concat(order, " "))
    end)

    it("may yield by itself between calls", function()
        local calendar, err = in_task(function()
            coroutine.yield()
            local _, problem = ask(0.01)
            assert.is_nil(problem)
            coroutine.yield(nil)
            cloudcal.sleep(0.01)
            coroutine.yield()
            return ask(0.01)
        end)
        assert_calendar(calendar, err)
    end)

    it("is in time with its sleeps", function()
        local loop, order = cloudcal.loop(), {}
        for _, ms in ipairs { 60, 20, 40, 20 } do
            loop:spawn(function()
                cloudcal.sleep(ms / 1000)
                order[#order + 1] = ms
            end)
        end
        local seconds = elapsed(loop.run, loop)
        assert.same({ 20, 20, 40, 60 }, order)
        assert.is_true(seconds >= 0.06)
    end)

    it("reads as what it is", function()
        local loop = cloudcal.loop()
        local task = loop:spawn(cloudcal.sleep, 1)
        assert.equal("cloudcal.loop (1 tasks)", tostring(loop))
        assert.equal("cloudcal.task (live)", tostring(task))
        task:cancel()
        assert.equal("cloudcal.task (cancelled)", tostring(task))
        loop:run()
        assert.equal("cloudcal.task (ended)", tostring(task))
    end)

    it("can wait for the loop of another script by blocking calls only", function()
        -- a loop that is made in a task is run outside of it
        local inner = in_task(function()
            local loop = cloudcal.loop()
            return { loop = loop, task = loop:spawn(ask, 0.01) }
        end)
        inner.loop:run()
        assert_calendar(inner.task:result())
    end)
end)

describe("client:warm_up", function()
    it("works in a task and in a script", function()
        assert.is_true((client:warm_up()))
        assert.is_true((in_task(function() return client:warm_up() end)))
    end)
end)

describe("one fetch of a token for many calls", function()
    local function many(asked, n)
        local loop, tasks = cloudcal.loop(), {}
        for i = 1, n do tasks[i] = loop:spawn(function() return asked:primary_calendar() end) end
        return loop, tasks
    end

    it("serves 200 first calls", function()
        local loop, tasks = many(app_client(), 200)
        loop:run()
        for _, task in ipairs(tasks) do assert_calendar(task:result()) end
        assert.equal(1, support.state("feishu").tenant_tokens)
        assert.equal(1, count_requests("tenant_access_token"))
    end)

    it("serves those whose library is loaded anew", function()
        local loop, tasks = many(app_client(), 8)
        local loaded = {}
        for name, module in pairs(package.loaded) do
            if name:find "^cloudcal" then loaded[name] = module end
        end
        for name in pairs(loaded) do package.loaded[name] = nil end
        local fine, problem = pcall(loop.run, loop)
        for name in pairs(package.loaded) do
            if name:find "^cloudcal" then package.loaded[name] = nil end
        end
        for name, module in pairs(loaded) do package.loaded[name] = module end
        assert.is_true(fine, problem)
        for _, task in ipairs(tasks) do assert_calendar(task:result()) end
        assert.equal(1, count_requests("tenant_access_token"))
    end)

    it("is taken over when its owner is cancelled", function()
        support.faults("feishu", "slow:5")
        local loop, tasks = many(app_client(), 10)
        step_until(loop, function() return count_requests("tenant_access_token") == 1 end)
        tasks[1]:cancel()
        assert.is_true(elapsed(loop.run, loop) < 4)
        assert_cancelled("no", tasks[1]:result())
        for i = 2, 10 do assert_calendar(tasks[i]:result()) end
        assert.equal(2, count_requests("tenant_access_token"))
    end)

    it("is refused for all, once", function()
        local loop, tasks = many(app_client { app_secret = ("x"):rep(32) }, 50)
        loop:run()
        for _, task in ipairs(tasks) do
            local calendar, err = task:result()
            assert.is_nil(calendar)
            assert.equal("app_setup", err.kind)
            assert.equal("token", err.stage)
            assert.equal("no", err.acted)
            assert.equal("calendar.v4.calendar.primary", err.operation)
        end
        assert.equal(1, count_requests("tenant_access_token"))
    end)

    it("is not asked for again soon after a refusal", function()
        local asked = app_client { app_secret = ("y"):rep(32) }
        for _ = 1, 2 do
            local loop, tasks = many(asked, 3)
            loop:run()
            for _, task in ipairs(tasks) do assert.is_nil((task:result())) end
            assert.equal(1, count_requests("tenant_access_token"))
        end
    end)

    it("does not hold up a blocking call", function()
        support.faults("feishu", "slow:0.7")
        local asked = app_client()
        local loop, tasks = many(asked, 2)
        step_until(loop, function() return count_requests("tenant_access_token") == 1 end)
        local seconds = elapsed(function() assert_calendar(asked:primary_calendar()) end)
        assert.is_true(seconds < 10, seconds) -- the owner has 30
        assert.equal(2, count_requests("tenant_access_token"))
        loop:run()
        for _, task in ipairs(tasks) do assert_calendar(task:result()) end
    end)

    it("does not hold up a loop while the owner's loop stands still", function()
        support.faults("feishu", "slow:0.7")
        local asked = app_client()
        local loop, tasks = many(asked, 2)
        step_until(loop, function() return count_requests("tenant_access_token") == 1 end)
        local seconds = elapsed(function()
            local results, errors = cloudcal.map({ 1, 2, 3 }, function()
                return asked:primary_calendar()
            end)
            assert.is_nil(errors)
            assert.equal(3, results.n)
        end)
        assert.is_true(seconds < 10, seconds)
        loop:run()
        for _, task in ipairs(tasks) do assert_calendar(task:result()) end
    end)

    it("does not go on for ever in a loop that was dropped", function()
        local asked = app_client()
        support.faults("feishu", "slow:5")
        do
            local loop = many(asked, 5)
            step_until(loop, function() return count_requests("tenant_access_token") == 1 end)
        end
        collectgarbage()
        collectgarbage()
        local loop, tasks = many(asked, 3)
        assert.is_true(elapsed(loop.run, loop) < 4)
        for _, task in ipairs(tasks) do assert_calendar(task:result()) end
    end)

    it("ends at the deadline of each call", function()
        support.faults("feishu", "slow:5", "slow:5", "slow:5", "slow:5", "slow:5", "slow:5")
        local asked = app_client { timeout = 0.3 }
        local loop, tasks = many(asked, 5)
        local seconds = elapsed(loop.run, loop)
        assert.is_true(seconds < 4, seconds)
        for _, task in ipairs(tasks) do
            local _, err = task:result()
            assert.equal("timeout", err.kind)
            assert.equal("no", err.acted)
        end
    end)
end)

describe("what is dropped", function()
    -- Descriptors that are left once everything is collected and every connection closed.
    local function left()
        collectgarbage()
        collectgarbage()
        core.engine():close()
        return peer.descriptors()
    end

    local function abandon(make)
        local before = left()
        do
            local loop = cloudcal.loop()
            make(loop)
            for _ = 1, 10 do loop:step(0.005) end
            assert.is_true(peer.descriptors() > before)
        end
        assert.equal(before, left())
    end

    it("is given back: a loop with calls in flight", function()
        abandon(function(loop)
            for _ = 1, 10 do loop:spawn(ask, 5) end
        end)
    end)

    it("is given back: a loop whose calls wait for a token", function()
        local asked = app_client()
        support.faults("feishu", "slow:5")
        abandon(function(loop)
            for _ = 1, 10 do loop:spawn(ask, 5, asked) end
        end)
    end)

    it("is given back: a loop whose descriptor a host had polled", function()
        abandon(function(loop)
            loop:spawn(ask, 5)
            assert.is_number(loop:fd())
        end)
    end)

    it("is given back: a client", function()
        abandon(function(loop)
            local short_lived = client_of()
            loop:spawn(function() return ask(5, short_lived) end)
        end)
    end)

    it("is given back: a loop of a map that raised", function()
        local before = left()
        pcall(cloudcal.map, { 1, 2, 3 }, function(i)
            if i == 3 then error "broken" end
            return ask(5)
        end)
        assert.equal(before, left())
    end)

    it("does not stop the loop: a coroutine that was killed", function()
        local loop, victim = cloudcal.loop(), nil
        local task = loop:spawn(function()
            victim = coroutine.running()
            return ask(0.05)
        end)
        local other = loop:spawn(ask, 0.1)
        loop:step(0.01)
        if coroutine.close then coroutine.close(victim) end
        loop:run()
        assert.is_true(task:done())
        if coroutine.close then assert.is_string(select(2, task:result()).message) end
        assert_calendar(other:result())
    end)

    it("leaves nothing behind when the engine is closed with calls in flight", function()
        local loop = cloudcal.loop()
        local task = loop:spawn(ask, 5)
        loop:step(0.02)
        core.engine():close()
        loop:run()
        assert.equal("cancelled", select(2, task:result()).kind)
        assert_calendar(client:primary_calendar())
    end)
end)

describe("a task that takes the time of every step", function()
    it("does not keep the exchanges of others from going on", function()
        local loop, steps = cloudcal.loop(), 0
        local task = loop:spawn(function() return client:primary_calendar() end)
        loop:spawn(function()
            while not task:done() do
                local started = core.now()
                while core.now() - started < 0.002 do end
                coroutine.yield()
            end
        end)
        while loop:step(0.001) > 0 and steps < 1000 do steps = steps + 1 end
        assert_calendar(task:result())
    end)
end)

describe("loop:fd and loop:timeout", function()
    it("say when nothing waits", function()
        local loop = cloudcal.loop()
        assert.is_nil(loop:timeout())
        assert.is_number(loop:fd())
        loop:spawn(ask, 0)
        assert.equal(0, loop:timeout())
        loop:run()
        assert.is_nil(loop:timeout())
    end)

    it("count down to the next sleeper", function()
        local loop = cloudcal.loop()
        loop:spawn(cloudcal.sleep, 0.2)
        loop:spawn(cloudcal.sleep, 0.1)
        loop:step(0)
        loop:step(0)
        local left = loop:timeout()
        assert.is_true(left > 0.05 and left <= 0.1, left)
        loop:run()
    end)

    it("are what cqueues and select look for", function()
        local loop = cloudcal.loop()
        assert.equal(loop:fd(), loop:pollfd())
        assert.equal(loop:fd(), loop:getfd())
        assert.equal("r", loop:events())
        assert.is_false(loop:dirty())
        loop:spawn(function() end)
        assert.is_true(loop:dirty())
        loop:run()
        assert.is_false(loop:dirty())
    end)

    it("drive a loop by themselves, with few steps", function()
        local poll = require("socket").select
        local loop = cloudcal.loop()
        local tasks, steps = {}, 0
        for i = 1, 5 do tasks[i] = loop:spawn(ask, 0.4) end
        local seconds = elapsed(function()
            while loop:step(0) > 0 do
                poll({ loop }, nil, loop:timeout())
                steps = steps + 1
            end
        end)
        assert.is_true(seconds < 2, seconds) -- one after the other: 2
        assert.is_true(steps < 400, steps)
        for i = 1, 5 do assert_calendar(tasks[i]:result()) end
    end)
end)
