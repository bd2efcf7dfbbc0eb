--- The store in Redis, against a real server: tokens, locks and counted calls; and what happens
-- when the server is slow, paused, killed or emptied.

local cloudcal = require "cloudcal"
local core = require "cloudcal.core"
local redis_server = require "spec.redis_server"
local stores = require "cloudcal.stores"

local server

setup(function() server = redis_server.start() end)

teardown(function() server:kill() end)

before_each(function() server:ask "FLUSHALL" end)

local kinds = {
    ["redis-lua"] = function()
        return function() return server:redis_lua() end
    end,
    ["a client like lua-resty-redis"] = function()
        local pool = {}
        return function() return server:raw_client(pool) end
    end,
}

local function new_store(changes)
    local given = { connect = function() return server:redis_lua() end }
    for name, value in pairs(changes or {}) do given[name] = value end
    return cloudcal.redis(given)
end

local PER_SECOND = { { count = 3, seconds = 1 } }

local function near(wanted, seconds, more)
    local text = ("%s is not about %s"):format(tostring(seconds), tostring(wanted))
    assert.is_true(seconds and seconds <= wanted + 0.001 and seconds > wanted - (more or 0.3), text)
end

for kind, new_connect in pairs(kinds) do
    describe("the store in Redis, by " .. kind, function()
        local store

        before_each(function() store = cloudcal.redis { connect = new_connect() } end)

        it("is known as a store", function()
            assert.is_true(stores.is_store(store))
            assert.equal("cloudcal.store", getmetatable(store))
            assert.is_nil(store.is_private)
        end)

        it("keeps a value as long as it is told, and says how long it has left", function()
            assert.same({}, { store:get "a" })
            assert.is_true((store:set("a", "one\r\n\0two", 10)))
            local value, left = store:get "a"
            assert.equal("one\r\n\0two", value)
            near(10, left)
            store:set("b", "soon gone", 0.02)
            core.sleep(0.03)
            assert.same({}, { store:get "b" })
        end)

        it("replaces and forgets", function()
            store:set("a", "one", 10)
            store:set("a", "two", 20)
            local value, left = store:get "a"
            assert.equal("two", value)
            near(20, left)
            assert.is_true((store:set("a", nil)))
            assert.is_nil((store:get "a"))
            assert.is_true((store:set("never there", nil)))
        end)

        it("keeps strings", function()
            local kept, message = store:set("a", { 1 }, 10)
            assert.is_nil(kept)
            assert.equal("Redis keeps strings, not a table", message)
        end)

        it("has locks that one holds at a time, and that end by themselves", function()
            local other = cloudcal.redis { connect = new_connect() }
            assert.same({ true }, { store:try_lock("a", 10) })
            assert.same({ false }, { store:try_lock("a", 10) })
            assert.same({ false }, { other:try_lock("a", 10) })
            assert.is_true((other:try_lock("b", 10)))
            store:unlock "a"
            assert.is_true((other:try_lock("a", 0.02)))
            core.sleep(0.03)
            assert.is_true((store:try_lock("a", 10)))
        end)

        it("frees nobody else's lock", function()
            local other = cloudcal.redis { connect = new_connect() }
            store:try_lock("a", 0.02)
            core.sleep(0.03)
            assert.is_true((other:try_lock("a", 10)))
            store:unlock "a" -- one that has run out
            assert.is_false((store:try_lock("a", 10)))
            store:unlock "a" -- one that was not got
            assert.is_false((store:try_lock("a", 10)))
            other:unlock "a"
            assert.is_true((store:try_lock("a", 10)))
        end)

        it("reserves slots in order, by the narrowest of its windows", function()
            local limits = { { count = 3, seconds = 1 }, { count = 5, seconds = 60 } }
            for _, wanted in ipairs { 0, 0, 0, 1, 1, 60, 60 } do
                near(wanted, (store:reserve("k", limits, 100)))
            end
        end)

        it("refuses a wait over the longest, says how long it would be, and counts none", function()
            for _ = 1, 6 do assert.is_number((store:reserve("k", PER_SECOND, 1))) end
            for _ = 1, 5 do
                local seconds, needed = store:reserve("k", PER_SECOND, 1)
                assert.is_nil(seconds)
                near(2, needed)
            end
        end)

        it("takes a call that is not settled for one on its way, for a while", function()
            local numbers = {}
            for i = 1, 4 do numbers[i] = select(2, store:reserve("k", PER_SECOND, 60)) end
            core.sleep(0.4)
            near(1, store:check("k", PER_SECOND, numbers[4]), 0.05)
            store:settle("k", PER_SECOND, numbers[1], core.now() - 0.2)
            near(0.8, store:check("k", PER_SECOND, numbers[4]), 0.3)
        end)

        it("counts each key by itself, and needs no limits", function()
            for _ = 1, 3 do store:reserve("k", PER_SECOND, 60) end
            assert.equal(0, (store:reserve("other", PER_SECOND, 60)))
            for _ = 1, 3 do assert.equal(0, (store:reserve("free", {}, 60))) end
        end)

        it("takes other limits for the same key as they come", function()
            for _ = 1, 3 do store:reserve("k", PER_SECOND, 60) end
            local strict = { { count = 1, seconds = 10 } }
            store:reserve("k", strict, 60)
            near(11, (store:reserve("k", strict, 60)), 1.3)
        end)

        it("is used by processes together", function()
            local other = cloudcal.redis { connect = new_connect() }
            store:set("a", "value", 10)
            assert.equal("value", (other:get "a"))
            for _ = 1, 2 do
                near(0, (store:reserve("k", { { count = 4, seconds = 1 } }, 60)))
                near(0, (other:reserve("k", { { count = 4, seconds = 1 } }, 60)))
            end
            near(1, (store:reserve("k", { { count = 4, seconds = 1 } }, 60)))
        end)
    end)
end

describe("the store in Redis", function()
    -- The same calls, one after the other, in a memory store and in this one.
    it("says what the memory store says", function()
        local store, memory = new_store(), stores.memory()
        local limits = { { count = 4, seconds = 0.2 }, { count = 9, seconds = 0.8 } }
        local seed = math.floor(core.random() * 2 ^ 31)
        math.randomseed(seed)
        local waiting, worst = {}, 0
        for _ = 1, 300 do
            local action = math.random(4)
            local i = math.random(math.max(1, #waiting))
            local call = waiting[i]
            if action == 1 or not call then
                -- nobody asks whether 2 s are more than 2 s
                while math.abs(memory:ahead("k", limits) - 2) < 0.1 do core.sleep(0.02) end
                local here, one = memory:reserve("k", limits, 2)
                local there, two = store:reserve("k", limits, 2)
                assert.equal(here == nil, there == nil)
                worst = math.max(worst, math.abs((here or one) - (there or two)))
                if here then waiting[#waiting + 1] = { one, two } end
            elseif action == 2 then
                worst = math.max(worst, math.abs(memory:check("k", limits, call[1])
                    - store:check("k", limits, call[2])))
            elseif action == 3 then
                local time = core.now() - math.random() * 0.01
                memory:settle("k", limits, call[1], time)
                store:settle("k", limits, call[2], time)
                table.remove(waiting, i)
            else
                core.sleep(math.random() * 0.05)
            end
        end
        assert.is_true(worst < 0.1, ("seed %d: %g s apart"):format(seed, worst))
    end)

    local function keys() return server:ask("KEYS", "*") end

    it("puts its prefix before every key, and lets each of them end", function()
        for _, prefix in ipairs { "cloudcal:", "other:", "" } do
            server:ask "FLUSHALL"
            local store = new_store { prefix = prefix ~= "cloudcal:" and prefix or nil }
            store:set("token", "value", 10)
            store:try_lock("token", 10)
            local _, number = store:reserve("api", PER_SECOND, 60)
            store:settle("api", PER_SECOND, number, core.now())
            local list = keys()
            table.sort(list)
            assert.same({ prefix .. "lock:token", prefix .. "rate:api", prefix .. "token" }, list)
            for _, key in ipairs(list) do
                local left = server:ask("PTTL", key)
                assert.is_true(left > 0 and left <= 66000, key .. " " .. left)
            end
        end
    end)

    it("takes little room for a wide window", function()
        local store, limits = new_store(), { { count = 1e8, seconds = 60 } }
        for _ = 1, 2000 do assert.equal(0, (store:reserve("k", limits, 100))) end
        assert.is_true(server:ask("HLEN", "cloudcal:rate:k") < 20)
        limits = { { count = 2500, seconds = 60 } }
        for _ = 1, 2500 do assert.equal(0, (store:reserve("other", limits, 100))) end
        near(60, (store:reserve("other", limits, 100)), 10)
        assert.is_true(server:ask("HLEN", "cloudcal:rate:other") < 1000)
    end)

    it("forgets the times that do not matter any more", function()
        local store, limits = new_store(), { { count = 100, seconds = 0.05 } }
        for _ = 1, 50 do
            local _, number = store:reserve("k", limits, 1)
            store:settle("k", limits, number, core.now())
            core.sleep(0.005)
        end
        assert.is_true(server:ask("HLEN", "cloudcal:rate:k") < 40)
    end)

    it("shows no value to who walks over it", function()
        local store = new_store()
        store:set("token", "t-secret", 10)
        assert.equal("t-secret", (store:get "token"))
        for _, value in pairs(store) do
            assert.is_true(type(value) == "string" or type(value) == "number")
        end
        assert.is_nil(cloudcal.pretty(store):find("t-secret", 1, true))
    end)

    it("works when the server has forgotten its scripts", function()
        local store = new_store()
        store:set("a", "one", 10)
        server:ask("SCRIPT", "FLUSH")
        assert.equal("one", (store:get "a"))
        assert.is_true((store:set("a", "two", 10)))
    end)

    it("connects again at once where an idle connection was closed", function()
        local count = 0
        local store = new_store { connect = function()
            count = count + 1
            return server:redis_lua()
        end }
        for round = 1, 3 do
            assert.is_true((store:set("a", "one", 10)))
            assert.equal("one", (store:get "a"))
            assert.equal(round, count)
            server:ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        end
    end)
end)

describe("cloudcal.redis", function()
    local function refusal(given)
        local fine, message = pcall(function() cloudcal.redis(given) end)
        assert.is_false(fine)
        assert.truthy(message:find("^[^\n]*spec/redis_store_spec.lua:%d+: cloudcal.redis"), message)
        return message
    end

    it("refuses wrong options at the caller's line", function()
        local function connect() end
        assert.truthy(refusal(nil):find("takes a table of options, not a nil", 1, true))
        assert.truthy(refusal {}:find("'connect' must be a function, not a nil", 1, true))
        assert.truthy(refusal { connect = "host" }
            :find("'connect' must be a function, not a string", 1, true))
        assert.truthy(refusal { connect = connect, prefix = 7 }
            :find("'prefix' must be a string, not a number", 1, true))
        for _, processes in ipairs { 0, -1, 1.5, "4" } do
            assert.truthy(refusal { connect = connect, processes = processes }
                :find("'processes' must be", 1, true))
        end
        assert.truthy(refusal { connect = connect, prefixes = "a" }
            :find("unknown option 'prefixes'; did you mean 'prefix'?", 1, true))
    end)

    it("connects at the first use", function()
        local count = 0
        local store = cloudcal.redis { connect = function() count = count + 1 end }
        cloudcal.feishu { user_access_token = "u-1", store = store, rate_limit = store }
        assert.equal(0, count)
        store:get "a"
        assert.equal(1, count)
    end)
end)

-- {======================================================
-- A server that is away
-- =======================================================}

local function failing_ways()
    return {
        ["connect raises a text"] = { function() error "no route" end, "no route" },
        ["connect raises a table"] = { function() error {} end, "table" },
        ["connect returns a message"] = { function() return nil, "refused" end, "refused" },
        ["connect returns nothing"] = { function() end, "connect gave no client" },
        ["connect returns a number"] = { function() return 7 end, "connect gave no client" },
        ["the client has no commands"] = { function() return {} end, "nil" },
        ["the client answers nonsense"] = { function()
            return setmetatable({}, { __index = function() return function() return "OK" end end })
        end, "a reply that is none of this script" },
        ["nobody listens"] = { function()
            return require "socket".connect("127.0.0.1", 1)
        end, "connection refused" },
    }
end

describe("where Redis is away", function()
    for what, way in pairs(failing_ways()) do
        it("the store says so and the call goes on: " .. what, function()
            local store = cloudcal.redis { connect = way[1] }
            local value, left, message = store:get "a"
            assert.is_nil(value)
            assert.is_nil(left)
            assert.truthy(message:find("^Redis is away: "), message)
            assert.truthy(message:find(way[2], 1, true), message)
            local kept, why = store:set("a", "one", 10)
            assert.is_nil(kept)
            assert.equal(message, why)
            local taken, reason = store:try_lock("a", 10)
            assert.is_true(taken)
            assert.equal(message, reason)
            store:unlock "a"
            local seconds, number = store:reserve("k", PER_SECOND, 60)
            assert.equal(0, seconds)
            assert.equal(0, store:check("k", PER_SECOND, number))
            store:settle("k", PER_SECOND, number, core.now())
        end)
    end

    it("each process takes its share of the rate, and waits where that is less than one", function()
        local store = new_store { connect = function() end }
        local limits = { { count = 50, seconds = 1 }, { count = 1000, seconds = 60 } }
        local at_once = 0
        for _ = 1, 100 do
            if store:reserve("k", limits, 0.5) then at_once = at_once + 1 end
        end
        assert.equal(12, at_once)
        store = new_store { connect = function() end, processes = 1 }
        for _ = 1, 50 do near(0, (store:reserve("k", limits, 60))) end
        near(1, (store:reserve("k", limits, 60)))
        store = new_store { connect = function() end, processes = 10 }
        near(0, (store:reserve("k", { { count = 2, seconds = 1 } }, 60)))
        near(5, (store:reserve("k", { { count = 2, seconds = 1 } }, 60)))
        assert.is_nil((store:reserve("k", { { count = 2, seconds = 1 } }, 6)))
    end)

    it("each process goes on from what it has heard of all", function()
        local is_there = true
        local store = new_store { connect = function()
            return is_there and server:redis_lua() or nil, "unplugged"
        end }
        local other = new_store()
        local limits = { { count = 64, seconds = 60 } }
        for _ = 1, 20 do other:reserve("k", limits, 1) end
        store:reserve("k", limits, 1)
        for _ = 1, 20 do other:reserve("k", limits, 1) end
        store:reserve("k", limits, 1)
        is_there = false
        server:ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        local at_once = 0
        while store:reserve("k", limits, 1) do at_once = at_once + 1 end
        assert.equal(math.floor((64 - 42) / 4), at_once)
    end)

    it("is asked once a second", function()
        local count = 0
        local store = new_store { connect = function()
            count = count + 1
            error "no route"
        end }
        local began = core.now()
        while core.now() < began + 1.5 do
            store:get "a"
            store:reserve("k", PER_SECOND, 60)
            core.sleep(0.002)
        end
        assert.equal(2, count)
    end)

    it("a connect that took long is not waited for, and serves the next calls", function()
        local count = 0
        local store = new_store { connect = function()
            count = count + 1
            core.sleep(0.15)
            return server:redis_lua()
        end }
        local _, _, message = store:get "a"
        assert.truthy(message:find("connect took 0.", 1, true), message)
        core.sleep(1.05)
        assert.is_true((store:set("a", "one", 10)))
        assert.equal("one", (store:get "a"))
        assert.equal(1, count)
    end)
end)

describe("a paused server", function()
    for kind, new_connect in pairs(kinds) do
        it("costs a tenth of a second in each second: " .. kind, function()
            local store = cloudcal.redis { connect = new_connect() }
            assert.is_true((store:set("a", "one", 100)))
            server:signal "STOP"
            local began = core.now()
            local _, _, message = store:get "a"
            local first = core.now() - began
            local asked, slow, longest = 0, 0, 0
            while core.now() < began + 2.5 do
                local started = core.now()
                store:get "a"
                local seconds = core.now() - started
                asked, longest = asked + 1, math.max(longest, seconds)
                if seconds > 0.05 then slow = slow + 1 end
                core.sleep(0.001)
            end
            server:signal "CONT"
            core.sleep(1.05)
            assert.equal("one", (store:get "a"))
            assert.truthy(message:find("^Redis is away: .*timeout"), message)
            assert.is_true(first < 0.5 and longest < 0.5, first .. " " .. longest)
            assert.is_true(asked > 100 and slow <= 5, asked .. " " .. slow)
        end)
    end

    local PAUSES = {
        ["by a signal"] = {
            function() server:signal "STOP" end, function() server:signal "CONT" end,
        },
        ["by a command"] = {
            function() server:ask("CLIENT", "PAUSE", 1500) end, function() core.sleep(0.5) end,
        },
    }

    for how, pause in pairs(PAUSES) do
        it("does not do later what it was asked in vain: " .. how, function()
            local store = new_store()
            assert.is_true((store:set("login", "with refresh token", 100)))
            assert.equal(0, (store:reserve("k", PER_SECOND, 60)))
            pause[1]()
            local kept, message = store:set("login", "taken out", 100)
            core.sleep(1.05)
            assert.is_true((store:try_lock("login", 100))) -- nobody can hold it
            pause[2]()
            assert.is_nil(kept)
            assert.is_string(message)
            core.sleep(1.05)
            assert.equal("with refresh token", (store:get "login"))
            assert.is_true((new_store():try_lock("login", 1)))
            assert.equal("1", server:ask("HGET", "cloudcal:rate:k", "calls"))
        end)
    end
end)

describe("a server that is back", function()
    local is_there

    before_each(function() is_there = true end)

    local function may_be_away()
        return is_there and server:redis_lua() or nil, "unplugged"
    end

    it("hears of the calls that were made without it", function()
        local store = new_store { connect = may_be_away, processes = 1 }
        local limits = { { count = 5, seconds = 0.3 }, { count = 30, seconds = 60 } }
        is_there = false
        local last
        for _ = 1, 12 do
            local seconds, number = store:reserve("k", limits, 60)
            last = core.now() + seconds
            store:settle("k", limits, number, last)
        end
        near(0.6, last - core.now())
        is_there = true
        core.sleep(1.05)
        assert.equal(0, (store:reserve("k", limits, 60)))
        assert.equal("13", server:ask("HGET", "cloudcal:rate:k", "calls"))
        assert.equal("1", server:ask("HGET", "cloudcal:rate:k", "granted"))
        for _ = 1, 17 do new_store():reserve("k", limits, 60) end
        near(59, (new_store():reserve("k", limits, 60)), 2)
    end)

    it("hears of the calls whose ends it has missed", function()
        local store = new_store { connect = may_be_away }
        local numbers = {}
        for i = 1, 3 do numbers[i] = select(2, store:reserve("k", PER_SECOND, 60)) end
        is_there = false
        server:ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        for i = 1, 3 do store:settle("k", PER_SECOND, numbers[i], core.now()) end
        is_there = true
        core.sleep(1.05)
        local _, needed = new_store():reserve("k", PER_SECOND, 0.1)
        near(1, needed, 0.05) -- they might still be on their way
        store:check("k", PER_SECOND, numbers[3])
        assert.equal(0, (new_store():reserve("k", PER_SECOND, 0.1)))
    end)
end)

-- {======================================================
-- Rates when the server comes and goes. Each store stands for a process; between them they make
-- calls as fast as they may, and the worst of all windows is counted afterwards.
-- =======================================================}

local LIMITS = { { count = 16, seconds = 0.4 }, { count = 64, seconds = 4 } }

-- Calls of several stores at once; each waits for its slot, and is settled a little later.
local function new_crowd(count, weights)
    local crowd = { members = {}, times = {} }
    for i = 1, count do
        crowd.members[i] = { store = new_store { processes = count }, weight = weights[i] or 1 }
    end
    return crowd
end

local function start_call(member)
    local seconds, number = member.store:reserve("k", LIMITS, 1)
    if not seconds then
        member.rest_until = core.now() + math.min(number, 0.1)
        return
    end
    member.slot, member.at = number, core.now() + seconds
end

local function go_on(crowd, member)
    local now = core.now()
    if not member.slot then
        if now >= (member.rest_until or 0) then start_call(member) end
    elseif now >= member.at then
        local late = member.store:check("k", LIMITS, member.slot)
        if late > 0 then
            member.at = now + math.min(late, 0.02)
            return
        end
        crowd.times[#crowd.times + 1] = core.now()
        member.store:settle("k", LIMITS, member.slot, core.now())
        member.slot, member.rest_until = nil, core.now() + member.weight
    end
end

local function let_run(crowd, seconds)
    local deadline = core.now() + seconds
    while core.now() < deadline do
        for _, member in ipairs(crowd.members) do go_on(crowd, member) end
        core.sleep(0.0005)
    end
end

-- The most calls in any window of so many seconds.
local function most_within(times, seconds)
    table.sort(times)
    local most, first = 0, 1
    for last = 1, #times do
        while times[last] - times[first] >= seconds do first = first + 1 end
        most = math.max(most, last - first + 1)
    end
    return most
end

describe("the rate in Redis", function()
    local BUSY = { 0, 0, 0, 0 }
    local UNEVEN = { 0, 0.2, 0.2, 0.2 } -- one calls all the time, the others now and then

    local function check(crowd, before, more)
        local short, long = most_within(crowd.times, 0.4), most_within(crowd.times, 4)
        local text = ("%d in 0.4 s, %d in 4 s, %d before, %d in all"):format(short, long, before,
            #crowd.times)
        assert.is_true(short <= 16 + more.short, text)
        assert.is_true(long <= 64 + more.long, text)
        assert.is_true(#crowd.times - before > 16, text)
    end

    local function run(weights, fault, more)
        local crowd = new_crowd(4, weights)
        let_run(crowd, 1)
        local before = #crowd.times
        fault(crowd)
        check(crowd, before, more)
    end

    local ONE_SECOND = { short = 16, long = 40 } -- 16 in each 0.4 s

    it("is kept by all together, and used up", function()
        run(BUSY, function(crowd) let_run(crowd, 3.5) end, { short = 0, long = 0 })
    end)

    it("is kept when the server is killed", function()
        run(UNEVEN, function(crowd)
            server:kill()
            let_run(crowd, 4.5)
            server:start_again()
        end, ONE_SECOND)
    end)

    it("is kept when the server is killed and comes back empty", function()
        run(BUSY, function(crowd)
            server:kill()
            let_run(crowd, 0.5)
            server:start_again()
            let_run(crowd, 4.5)
        end, ONE_SECOND)
    end)

    it("is kept when the server is paused and comes back", function()
        run(UNEVEN, function(crowd)
            server:signal "STOP"
            let_run(crowd, 2)
            server:signal "CONT"
            let_run(crowd, 3)
        end, ONE_SECOND)
    end)

    for name, weights in pairs { even = BUSY, uneven = UNEVEN } do
        it("is kept when the server is emptied again and again: " .. name, function()
            run(weights, function(crowd)
                for _ = 1, 10 do
                    server:ask "FLUSHALL"
                    let_run(crowd, 0.5)
                end
            end, ONE_SECOND)
        end)
    end
end)
