--- The rate limit on our side: on a simulated clock, and against the sandbox's own counter.

local clock = require "cloudcal.clock"
local cloudcal = require "cloudcal"
local core = require "cloudcal.core"
local fake_dict = require "spec.fake_dict"
local limiter = require "cloudcal.limiter"
local service_limits = require "cloudcal.sandbox.limits"
local stores = require "cloudcal.stores"
local support = require "spec.support"
local wait = require "cloudcal.wait"

-- It counts calls when they arrive, which jitters on a busy machine: 75 leaves room for that, and
-- none for twice the 50 that we take.
support.sandbox { rate = "75/1000" }

-- {======================================================
-- A world without time: coroutines that sleep, and a clock that jumps to the next to wake
-- =======================================================}

local real_now, real_sleep = clock.now, wait.sleep
local now

local function simulate()
    now = 1000
    clock.now = function() return now end
    wait.sleep = function(seconds)
        coroutine.yield(seconds)
        return true
    end
end

local function end_simulation()
    clock.now, wait.sleep = real_now, real_sleep
end

-- Puts a worker before those that wake sooner, or at the same time and asked before.
local function queue(workers, worker)
    local low, high = 1, #workers + 1
    while low < high do
        local middle = math.floor((low + high) / 2)
        if workers[middle].at > worker.at then low = middle + 1 else high = middle end
    end
    table.insert(workers, low, worker)
end

-- Runs `count` coroutines of fn to their ends.
local function run(count, fn)
    local workers = {}
    for _ = 1, count do queue(workers, { at = now, co = coroutine.create(fn) }) end
    while #workers > 0 do
        local worker = table.remove(workers)
        now = math.max(now, worker.at)
        local ok, seconds = coroutine.resume(worker.co)
        assert(ok, seconds)
        if coroutine.status(worker.co) ~= "dead" then
            worker.at = now + seconds
            queue(workers, worker)
        end
    end
end

local function call_with(changes)
    local call = {
        client = { app_id = "cli_1", store = nil }, options = {}, meta = { waited = 0 },
        deadline = now and now + 30 or 0, base_url = "https://open.feishu.cn",
        operation = "calendar.v4.calendar.primary",
        endpoint = { rate_limit = { per_second = 50, per_minute = 1000 } },
    }
    for key, value in pairs(changes or {}) do call[key] = value end
    return call
end

-- Makes n calls and returns when each of them reached the service, in order.
local function arrivals(n, concurrency, client, latency)
    local made, times = 0, {}
    run(concurrency, function()
        while made < n do
            made = made + 1
            local call = call_with { client = client, base_url = "latency " .. latency }
            assert(limiter.acquire(call) == nil)
            times[#times + 1] = now
            if latency > 0 then coroutine.yield(latency) end
            limiter.settle(call, latency)
        end
    end)
    return times
end

local function refusals(times)
    local counter, refused = service_limits.new { per_second = 50, per_minute = 1000 }, 0
    for _, time in ipairs(times) do
        if not counter:take("k", time) then refused = refused + 1 end
    end
    return refused
end

local function closest(times, count)
    local least = math.huge
    for i = count + 1, #times do least = math.min(least, times[i] - times[i - count]) end
    return least
end

local new_stores = {
    memory = stores.memory,
    ["shared dictionary"] = function() return stores.nginx(fake_dict.new()) end,
}

describe("the limiter on a simulated clock", function()
    before_each(simulate)
    after_each(end_simulation)

    describe("holds calls for as long as the service says", function()
        local function call_of(changes)
            return call_with { base_url = "hold " .. (changes.name or "x"), client = changes }
        end

        it("all that count together, and then lets them go in order", function()
            local order, times = {}, {}
            local number = 0
            limiter.hold(call_of {}, 3)
            run(10, function()
                number = number + 1
                local own = number
                local call = call_of {}
                assert(limiter.acquire(call) == nil)
                order[#order + 1], times[#times + 1] = own, now
                assert.equal(3, call.meta.waited)
                assert.equal(now + 30, call.deadline)
            end)
            assert.same({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, order)
            assert.equal(1003, times[1])
        end)

        it("but no others", function()
            limiter.hold(call_of {}, 3)
            run(1, function()
                assert(limiter.acquire(call_of { name = "y" }) == nil)
                assert(limiter.acquire(call_of { app_id = "another" }) == nil)
                assert(limiter.acquire(call_of { rate_limit = false }) == nil)
                assert.equal(1000, now)
            end)
        end)

        it("longer if it says so meanwhile, never shorter", function()
            local held = call_of { name = "longer" }
            limiter.hold(held, 3)
            limiter.hold(held, 1)
            run(2, function()
                if now == 1000 and not held.told then
                    held.told = true
                    wait.sleep(2)
                    limiter.hold(held, 5)
                    return
                end
                assert(limiter.acquire(call_of { name = "longer" }) == nil)
                assert.equal(1007, now)
            end)
        end)

        it("or refuses them when that is longer than max_wait", function()
            local client = { name = "max", rate_limit = { max_wait = 10 } }
            limiter.hold(call_of(client), 11)
            run(1, function()
                local found = limiter.acquire(call_of(client))
                assert.equal("own_rate_limit", found.name)
                assert.equal(11, found.retry_after)
                assert.equal("rate_limit", found.stage)
                assert.equal(1000, now)
            end)
        end)

        it("but not beyond the longest of its windows", function()
            limiter.hold(call_of { name = "day" }, 86400)
            run(1, function()
                assert(limiter.acquire(call_of { name = "day" }) == nil)
                assert.equal(1060, now)
            end)
        end)

        it("and forgets them when nobody asks again", function()
            local client = { name = "many" }
            local function hold(count)
                for i = 1, count do
                    local call = call_of(client)
                    call.options = { tenant_key = ("%05d"):format(i):rep(100) }
                    limiter.hold(call, 3)
                end
            end
            collectgarbage()
            local before = collectgarbage "count"
            hold(20000)
            now = now + 4
            hold(100)
            collectgarbage()
            collectgarbage()
            assert.is_true(collectgarbage "count" - before < 6000)
        end)

        it("if it names a time at all", function()
            limiter.hold(call_of { name = "none" }, nil)
            run(1, function()
                assert(limiter.acquire(call_of { name = "none" }) == nil)
                assert.equal(1000, now)
            end)
        end)
    end)

    local least = { [400] = 7, [1000] = 19, [5000] = 259, [20000] = 1159 }
    local latencies = { [1] = 0, [8] = 0.005, [100] = 0.05 }
    local longest = { [1] = 5000, [8] = 5000, [100] = 20000 } -- for the time that it takes

    local function runs_at_the_highest_rate(n, concurrency, new_store)
        simulate()
        local client = { app_id = "cli_1", rate_limit = new_store() }
        local times = arrivals(n, concurrency, client, latencies[concurrency])
        assert.equal(n, #times)
        assert.equal(0, refusals(times))
        assert.is_true(closest(times, 50) >= 1)
        assert.is_true(closest(times, 1000) >= 60)
        assert.is_true(times[n] - times[1] <= 1.02 * least[n],
            ("%d calls took %g s"):format(n, times[n] - times[1]))
    end

    for kind, new_store in pairs(new_stores) do
        for concurrency in pairs(latencies) do
            it(("runs at the highest rate and is never refused: %s, %d at once")
                :format(kind, concurrency), function()
                for n in pairs(least) do
                    if n <= longest[concurrency] then
                        runs_at_the_highest_rate(n, concurrency, new_store)
                    end
                end
            end)
        end
    end

    it("waits longer when the calls before were late", function()
        local client, times, number = { rate_limit = stores.memory() }, {}, 0
        run(60, function()
            number = number + 1
            local own = number
            local call = call_with { client = client, base_url = "late" }
            limiter.acquire(call)
            coroutine.yield(own <= 50 and 0.4 or 0.01) -- a handshake
            times[own] = now
            coroutine.yield(0.01)
            limiter.settle(call, 0.01)
        end)
        for i = 51, 60 do assert.is_true(times[i] - times[i - 50] >= 1) end
        assert.is_true(times[60] - times[1] < 1.1)
    end)

    it("does not take the first answers for the quickest", function()
        local settled = {}
        local store = setmetatable({
            reserve = function() return 0, 1 end,
            settle = function(_, _, _, _, time) settled[#settled + 1] = now - time end,
        }, { __metatable = "cloudcal.store" })
        for i = 1, 40 do
            local call = call_with { client = { rate_limit = store }, base_url = "busy start" }
            limiter.acquire(call)
            limiter.settle(call, i <= 15 and 0.5 or 0.125)
        end
        for i = 1, 40 do assert.equal(i <= 20 and 0 or 0.125, settled[i]) end
    end)

    it("does not wait for ever for a call that never ends", function()
        local client = { rate_limit = stores.memory() }
        run(51, function() limiter.acquire(call_with { client = client }) end)
        assert.is_true(now > 1005 and now < 1007, now)
    end)

    it("serves in order those who wait", function()
        local client, order, next_one = { rate_limit = stores.memory() }, {}, 0
        run(200, function()
            next_one = next_one + 1
            local number = next_one
            local call = call_with { client = client }
            limiter.acquire(call)
            limiter.settle(call)
            order[#order + 1] = number
        end)
        for i = 1, 200 do assert.equal(i, order[i]) end
    end)

    it("tells how long it waited, and gives the call that time back", function()
        local client, waited, extended = { rate_limit = stores.memory() }, {}, {}
        run(101, function()
            local call = call_with { client = client, deadline = 30 }
            limiter.acquire(call)
            limiter.settle(call)
            waited[#waited + 1] = call.meta.waited
            extended[#extended + 1] = call.deadline
        end)
        assert.equal(0, waited[1])
        assert.equal(30, extended[1])
        assert.is_true(waited[51] >= 1 and waited[51] < 1.02)
        assert.is_true(waited[101] >= 2 and waited[101] < 2.04)
        assert.equal(30 + waited[101], extended[101])
    end)

    -- What becomes of the call after `before` others at the same moment.
    local function after(before, client)
        local found, call
        run(before + 1, function()
            call = call_with { client = client, deadline = now + 30 }
            found = limiter.acquire(call)
            limiter.settle(call)
        end)
        return found, call
    end

    it("refuses to wait longer than max_wait", function()
        local rates = { per_second = 10, per_minute = 1000, max_wait = 2 }
        local refused, err = 0, nil
        run(40, function()
            local call = call_with { client = { rate_limit = rates }, operation = "max_wait" }
            local found = limiter.acquire(call)
            limiter.settle(call)
            if found then refused, err = refused + 1, found end
        end)
        assert.equal(20, refused)
        assert.equal("own_rate_limit", err.name)
        assert.equal("no", err.acted)
        assert.equal("rate_limit", err.stage)
        assert.is_true(err.retry_after > 2 and err.retry_after < 3.1, err.retry_after)
        assert.truthy(err.message:find("max_wait is 2 s", 1, true))
    end)

    it("refuses to wait longer than max_wait in all: held, for its slot, and late", function()
        local rates = { per_second = 1, max_wait = 4 }
        local function call_of()
            return call_with { client = { rate_limit = rates }, operation = "one deadline" }
        end
        local refused, found, waited = 0, nil, {}
        run(1, function()
            local first = call_of()
            limiter.acquire(first)
            limiter.settle(first)
        end)
        limiter.hold(call_of(), 2.5)
        run(4, function()
            local started, call = now, call_of()
            local err = limiter.acquire(call)
            waited[#waited + 1] = now - started
            limiter.settle(call)
            if err then refused, found = refused + 1, err end
        end)
        for _, seconds in ipairs(waited) do assert.is_true(seconds <= 4, seconds) end
        assert.equal(2, refused) -- the slots are 2.5, 3.51 and so on
        assert.equal("own_rate_limit", found.name)
        assert.truthy(found.message:find("max_wait is 4 s", 1, true))
    end)

    it("goes on no later than max_wait when the calls before it are late", function()
        local store = setmetatable({
            reserve = function() return 1, 7 end, check = function() return 30 end,
            settle = function() end,
        }, { __metatable = "cloudcal.store" })
        local real = wait.is_nginx
        wait.is_nginx = function() return true end
        local found, call
        run(1, function()
            call = call_with { client = { rate_limit = store } }
            found = limiter.acquire(call)
        end)
        wait.is_nginx = real
        assert.equal("own_rate_limit", found.name)
        assert.equal(30, found.retry_after)
        assert.equal(5, call.meta.waited)
        assert.is_nil(call.slot)
    end)

    it("waits 60 seconds at the most by itself", function()
        local err
        run(1500, function()
            local call = call_with { operation = "default max_wait" }
            local found = limiter.acquire(call)
            limiter.settle(call)
            err = err or found
        end)
        assert.truthy(err.message:find("max_wait is 60 s", 1, true))
        assert.is_true(err.retry_after > 60)
    end)

    it("is off by false, and where neither the endpoint nor the client has limits", function()
        assert.is_nil((after(1500, { rate_limit = false })))
        assert.equal(1000, now)
        run(1500, function()
            assert(limiter.acquire(call_with { operation = "raw", endpoint = {} }) == nil)
        end)
        assert.equal(1000, now)
    end)

    it("takes a table, with one window or both", function()
        for limit, seconds in pairs { per_second = 1.01, per_minute = 60.6 } do
            simulate()
            local _, call = after(7, {
                rate_limit = { [limit] = 7, max_wait = 100 }, app_id = limit,
            })
            assert.is_true(math.abs(call.meta.waited - seconds) < 1e-6, call.meta.waited)
        end
        assert.is_nil((after(50, { rate_limit = {}, app_id = "no window" })))
    end)

    it("takes a table for an endpoint that has no limits", function()
        run(3, function()
            limiter.acquire(call_with {
                endpoint = {}, client = { rate_limit = { per_second = 2 } }, operation = "raw 2",
            })
        end)
        assert.is_true(now > 1001)
    end)

    it("counts each operation, app, tenant and service by itself", function()
        local store = stores.memory()
        local kinds = {
            {}, { operation = "another" }, { client = { app_id = "cli_2", rate_limit = store } },
            { options = { tenant_key = "t1" } }, { options = { tenant_key = "t2" } },
            { client = { app_id = "cli_1", tenant_key = "t3", rate_limit = store } },
            { base_url = "https://open.larksuite.com" },
        }
        for _, changes in ipairs(kinds) do
            changes.client = changes.client or { app_id = "cli_1", rate_limit = store }
            for _ = 1, 50 do
                local found
                run(1, function() found = limiter.acquire(call_with(changes)) end)
                assert.is_nil(found)
            end
            assert.equal(1000, now)
        end
        -- the tenant of the call and that of the client are the same tenant
        local waited
        run(1, function()
            local call = call_with {
                client = { app_id = "cli_1", rate_limit = store },
                options = { tenant_key = "t3" },
            }
            limiter.acquire(call)
            waited = call.meta.waited
        end)
        assert.is_true(waited > 1)
    end)

    it("shares the count among the workers of a host", function()
        local real_count = wait.worker_count
        wait.worker_count = function() return 4 end
        local _, call = after(12, { app_id = "four workers" })
        wait.worker_count = real_count
        assert.is_true(call.meta.waited > 1)
    end)
end)

describe("what a client's calls have in common", function()
    local real_count = wait.worker_count

    before_each(simulate)
    after_each(function()
        wait.worker_count = real_count
        end_simulation()
    end)

    local function acquire(plans, options)
        return limiter.acquire(call_with {
            base_url = "in common", plans = plans, options = options,
            client = { rate_limit = { max_wait = 0 } },
            endpoint = { operation = "o", rate_limit = { per_second = 4 } },
        })
    end

    it("is worked out anew when nginx has started its workers", function()
        local plans = {}
        assert.is_nil(acquire(plans, {}))
        wait.worker_count = function() return 4 end
        assert.is_nil(acquire(plans, {}))
        assert.equal("own_rate_limit", acquire(plans, {}).name)
    end)

    it("is not the count of a tenant that only one of them names", function()
        local plans = {}
        for _ = 1, 4 do assert.is_nil(acquire(plans, { tenant_key = "one" })) end
        assert.equal("own_rate_limit", acquire(plans, { tenant_key = "one" }).name)
        assert.is_nil(acquire(plans, { tenant_key = "two" }))
        assert.is_nil(acquire(plans, {}))
    end)
end)

-- {======================================================
-- Real time
-- =======================================================}

local function client_of(changes)
    local known = support.sandbox().feishu
    changes.user_access_token = known.user_access_token
    if changes.app_id then changes.app_secret, changes.identity = "unused", "user" end
    return support.client("feishu", changes)
end

local function statuses()
    local seen = {}
    for _, request in ipairs(support.requests("feishu")) do
        seen[request.status] = (seen[request.status] or 0) + 1
    end
    return seen
end

describe("the limiter against the sandbox's own counter", function()
    before_each(function() support.clear("feishu") end)

    it("is never refused", function()
        local client, items, waited = client_of {}, {}, 0
        for i = 1, 120 do items[i] = i end
        local started = core.now()
        local results, errors = cloudcal.map(items, function()
            local calendar, err, meta = client:primary_calendar()
            waited = math.max(waited, meta.waited)
            return calendar, err
        end, { concurrency = 60 })
        local seconds = core.now() - started
        assert.is_nil(errors)
        assert.equal(120, results.n)
        assert.same({ [200] = 120 }, statuses())
        assert.is_true(seconds >= 2, seconds)
        assert.is_true(waited > 0.5, waited)
    end)

    it("is never refused though the first calls wait for a token", function()
        local known = support.sandbox().lark
        local client = support.client("lark", {
            app_id = known.app_id, app_secret = known.app_secret,
            store = stores.memory(), rate_limit = stores.memory(),
        })
        support.faults("lark", "slow:1.1")
        local items = {}
        for i = 1, 120 do items[i] = i end
        local _, errors = cloudcal.map(items, function()
            return client:primary_calendar()
        end, { concurrency = 120 })
        assert.is_nil(errors)
        local refused = 0
        for _, request in ipairs(support.requests("lark")) do
            if request.status ~= 200 then refused = refused + 1 end
        end
        assert.equal(0, refused)
    end)

    it("says with the error of a call what it would have to wait", function()
        local client = client_of {
            app_id = "cli_impatient", rate_limit = { per_minute = 1, max_wait = 0.1 },
        }
        assert.is_table((client:primary_calendar()))
        local calendar, err, meta = client:primary_calendar()
        assert.is_nil(calendar)
        assert.equal("rate_limited", err.kind)
        assert.equal("rate_limit", err.stage)
        assert.equal("no", err.acted)
        assert.is_true(err.retryable)
        assert.is_true(err.retry_after > 30 and err.retry_after < 62)
        assert.is_string(err.hint)
        assert.is_string(err.hint_zh)
        assert.equal(0, meta.attempts)
    end)

    it("does not take its waiting from the time of the call", function()
        local client = client_of {
            app_id = "cli_patient", rate_limit = { per_second = 1 }, timeout = 0.4,
        }
        assert.is_table((client:primary_calendar()))
        local calendar, err, meta = client:primary_calendar()
        assert.is_nil(err)
        assert.is_table(calendar)
        assert.is_true(meta.waited > 0.4 and meta.waited < 2, meta.waited)
        assert.is_true(meta.elapsed >= meta.waited)
    end)

    it("wakes when the task is cancelled", function()
        local client = client_of {
            app_id = "cli_cancelled", rate_limit = { per_minute = 1, max_wait = 90 },
        }
        local loop = cloudcal.loop()
        local first = loop:spawn(client.primary_calendar, client)
        loop:run()
        assert.is_table((first:result()))
        local task = loop:spawn(function()
            return client:primary_calendar { timeout = 0.5 }
        end)
        loop:step(0.02)
        task:cancel()
        local started = core.now()
        loop:run()
        assert.is_true(core.now() - started < 10) -- of a minute
        local _, err = task:result()
        assert.equal("cancelled", err.kind)
        assert.equal("no", err.acted)
    end)
end)
