--- Stores: tokens, locks and counted calls, on a clock that stands still.

local clock = require "cloudcal.clock"
local cloudcal = require "cloudcal"
local fake_dict = require "spec.fake_dict"
local stores = require "cloudcal.stores"

local real_now, now = clock.now, nil

before_each(function()
    now = 1000
    clock.now = function() return now end
end)

after_each(function() clock.now = real_now end)

local kinds = {
    memory = function() return stores.memory() end,
    nginx = function() return stores.nginx(fake_dict.new()) end,
}

-- Reserves a slot for a call that is counted just then.
local function reserve(store, key, limits, most)
    local seconds, number = store:reserve(key, limits, most)
    if seconds then store:settle(key, limits, number, now + seconds) end
    return seconds, number
end

local PER_SECOND = { { count = 3, seconds = 1 } }
local BOTH = { { count = 3, seconds = 1 }, { count = 5, seconds = 60 } }

for name, new in pairs(kinds) do
    describe("the " .. name .. " store", function()
        local store

        before_each(function() store = new() end)

        it("is known as a store", function()
            assert.is_true(stores.is_store(store))
            assert.equal("cloudcal.store", getmetatable(store))
        end)

        it("keeps a value as long as it is told, and says how long it has left", function()
            assert.is_nil((store:get "a"))
            assert.is_true((store:set("a", "one", 10)))
            local value, left = store:get "a"
            assert.equal("one", value)
            assert.equal(10, left)
            now = now + 9.5
            assert.equal(0.5, (select(2, store:get "a")))
            now = now + 0.5
            assert.is_nil((store:get "a"))
        end)

        it("replaces and forgets", function()
            store:set("a", "one", 10)
            store:set("a", "two", 20)
            assert.same({ "two", 20 }, { store:get "a" })
            assert.is_true((store:set("a", nil)))
            assert.is_nil((store:get "a"))
        end)

        it("has locks that one holds at a time, and that end by themselves", function()
            assert.is_true(store:try_lock("a", 10))
            assert.is_false(store:try_lock("a", 10))
            assert.is_true(store:try_lock("b", 10))
            store:unlock "a"
            assert.is_true(store:try_lock("a", 10))
            now = now + 10.1
            assert.is_true(store:try_lock("a", 10))
        end)

        it("has locks apart from values", function()
            assert.is_true(store:try_lock("a", 10))
            assert.is_nil((store:get "a"))
            store:set("a", "one", 10)
            store:unlock "a"
            assert.equal("one", (store:get "a"))
        end)

        it("reserves slots in order", function()
            local slots = {}
            for i = 1, 8 do slots[i] = store:reserve("k", PER_SECOND, 60) end
            assert.same({ 0, 0, 0, 1, 1, 1, 2, 2 }, slots)
        end)

        it("reserves by the narrowest of its windows", function()
            local slots = {}
            for i = 1, 7 do slots[i] = store:reserve("k", BOTH, 100) end
            assert.same({ 0, 0, 0, 1, 1, 60, 60 }, slots)
        end)

        it("frees a slot when its time is over, not before", function()
            for _ = 1, 3 do reserve(store, "k", PER_SECOND, 60) end
            now = now + 0.75
            assert.equal(0.25, (reserve(store, "k", PER_SECOND, 60)))
            now = now + 2
            assert.equal(0, (reserve(store, "k", PER_SECOND, 60)))
        end)

        it("takes a call that is not settled for one on its way, for a while", function()
            for _ = 1, 3 do store:reserve("k", PER_SECOND, 60) end
            now = now + 0.75
            local seconds, number = store:reserve("k", PER_SECOND, 60)
            assert.equal(1, seconds)
            now = now + 1
            assert.equal(1, store:check("k", PER_SECOND, number))
            now = now + 100
            assert.equal(0, store:check("k", PER_SECOND, number))
            assert.equal(0, (store:reserve("k", PER_SECOND, 60)))
        end)

        it("moves a slot back as long as the call before it is late", function()
            local numbers = {}
            for i = 1, 6 do numbers[i] = select(2, store:reserve("k", PER_SECOND, 60)) end
            now = now + 0.5
            store:settle("k", PER_SECOND, numbers[1], now)
            store:settle("k", PER_SECOND, numbers[2], now - 0.25)
            now = now + 0.5
            assert.equal(0.5, store:check("k", PER_SECOND, numbers[4]))
            assert.equal(0.25, store:check("k", PER_SECOND, numbers[5]))
            assert.equal(1, store:check("k", PER_SECOND, numbers[6]))
        end)

        it("refuses a wait over the longest, and says how long it would be", function()
            for _ = 1, 6 do assert.is_number((store:reserve("k", PER_SECOND, 1))) end
            local seconds, needed = store:reserve("k", PER_SECOND, 1)
            assert.is_nil(seconds)
            assert.equal(2, needed)
        end)

        it("does not count what it refused", function()
            for _ = 1, 5 do reserve(store, "k", BOTH, 10) end
            for _ = 1, 50 do assert.is_nil((reserve(store, "k", BOTH, 10))) end
            now = now + 60
            local slots = {}
            for i = 1, 4 do slots[i] = reserve(store, "k", BOTH, 10) end
            assert.same({ 0, 0, 0, 1 }, slots)
        end)

        it("counts each key by itself", function()
            for _ = 1, 3 do store:reserve("k", PER_SECOND, 60) end
            assert.equal(0, (store:reserve("other", PER_SECOND, 60)))
        end)

        it("takes other limits for the same key as they come", function()
            for _ = 1, 3 do store:reserve("k", PER_SECOND, 60) end
            local strict = { { count = 1, seconds = 10 } }
            store:reserve("k", strict, 60)
            assert.is_true((store:reserve("k", strict, 60)) >= 10)
        end)

        it("needs no limits", function()
            for _ = 1, 3 do assert.equal(0, (store:reserve("k", {}, 60))) end
        end)
    end)
end

describe("the memory store", function()
    it("remembers a wide window roughly, never too little", function()
        local store, limits = stores.memory(), { { count = 2500, seconds = 60 } }
        for _ = 1, 2500 do assert.equal(0, (reserve(store, "k", limits, 100))) end
        assert.equal(60, (reserve(store, "k", limits, 100)))
        local times, index = {}, 0
        for i = 1, 10000 do
            now = now + 0.01
            times[i] = now + reserve(store, "other", limits, 1e6)
            if times[i - 2500] and times[i] - times[i - 2500] < 60 then index = i end
        end
        assert.equal(0, index)
        assert.is_true(times[10000] - times[1] <= 4 * 60 + 0.1)
    end)

    it("takes several calls as one", function()
        local store, limits = stores.memory(), { { count = 10, seconds = 1 } }
        assert.equal(0, store:ahead("k", limits))
        assert.same({ 0, 3 }, { store:reserve("k", limits, 60, 4) })
        assert.same({ 0, 7 }, { store:reserve("k", limits, 60, 4) })
        assert.equal(0, store:ahead("k", limits))
        assert.same({ 1, 11 }, { store:reserve("k", limits, 60, 4) })
        now = now + 0.5
        store:settle("k", limits, 3, now, 4)
        store:settle("k", limits, 7, now - 0.25, 4)
        assert.equal(1, store:check("k", limits, 11))
        assert.equal(0.75, store:check("k", limits, 16))
    end)

    it("takes note of calls that others have let through, however many", function()
        local store = stores.memory()
        local limits = { { count = 10, seconds = 1 }, { count = 2500, seconds = 60 } }
        for _, count in ipairs { 5, 1000, 1e9 } do store:note("k", limits, count, 0.5) end
        assert.equal(60.5, store:ahead("k", limits))
        assert.equal(1e9 + 1004, store:note("k", limits, 0, 0))
        store:settle("k", limits, 1e9 + 1004, now + 0.5, 1e9)
        now = now + 61
        assert.equal(0, (store:reserve("k", limits, 60)))
    end)

    it("takes little room for a wide window", function()
        local store, limits = stores.memory(), { { count = 1e8, seconds = 60 } }
        for _ = 1, 5000 do store:reserve("k", limits, 100) end
        collectgarbage()
        local before = collectgarbage "count"
        for _ = 1, 100000 do store:reserve("k", limits, 100) end
        collectgarbage()
        assert.is_true(collectgarbage "count" - before < 100)
    end)

    it("is shared by all clients of the Lua state, and others are apart", function()
        assert.equal(stores.default(), stores.default())
        assert.are_not.equal(stores.memory(), stores.memory())
        stores.memory():set("spec", "value", 10)
        assert.is_nil((stores.default():get "spec"))
    end)
end)

local MANY = 20000

local function key_of(i)
    return ("%05d"):format(i):rep(100)
end

-- The kilobytes that `use` leaves behind when `seconds` later it is called a hundred times more.
local function left_behind(seconds, use)
    collectgarbage()
    collectgarbage()
    local before = collectgarbage "count"
    for i = 1, MANY do use(key_of(i)) end
    now = now + seconds
    for i = 1, 100 do use(key_of(i)) end
    collectgarbage()
    collectgarbage()
    return collectgarbage "count" - before
end

local function assert_small(kilobytes)
    assert.is_true(kilobytes < 6000, kilobytes) -- the keys alone are 10,000
end

describe("what nobody asks for again", function()
    it("is forgotten by a memory store", function()
        local store = stores.memory()
        assert_small(left_behind(11, function(key) store:set(key, "value", 10) end))
        assert_small(left_behind(11, function(key) store:try_lock(key, 10) end))
        assert_small(left_behind(11, function(key)
            store:try_lock(key, 10)
            store:unlock(key)
        end))
        assert_small(left_behind(66, function(key) reserve(store, key, BOTH, 60) end))
        assert_small(left_behind(66, function(key)
            store:ahead(key, BOTH)
            store:note(key, BOTH, 1, 0)
        end))
    end)

    it("is forgotten by the store in Redis, which is away", function()
        local store = cloudcal.redis { connect = function() return nil, "away" end }
        assert_small(left_behind(1000, function(key) store:reserve(key, BOTH, 1000) end))
    end)

    it("is no queue of values that were replaced or forgotten", function()
        local store = stores.memory()
        assert_small(left_behind(0, function(key)
            store:set("a", key, 10)
            store:set("b", key, 10)
            store:set("b", nil)
        end))
    end)

    it("is not what still counts", function()
        local store, limits = stores.memory(), { { count = 2, seconds = 60 } }
        local _, late = store:reserve("late", limits, 0)
        for i = 1, MANY do reserve(store, key_of(i), limits, 0) end
        store:set("kept", "value", 1000)
        assert.is_true(store:try_lock("kept", 1000))
        now = now + 50
        for i = 1, MANY, 2 do assert.equal(0, (reserve(store, key_of(i), limits, 0))) end
        store:settle("late", limits, late, now)
        now = now + 20
        local count = 0
        for i = 1, MANY do
            if (reserve(store, key_of(i), limits, 0)) == 0 then count = count + 1 end
        end
        assert.equal(MANY, count)
        for i = 1, MANY do
            assert.equal(i % 2 == 0 and 0 or nil, (reserve(store, key_of(i), limits, 0)))
        end
        assert.equal(0, (reserve(store, "late", limits, 0)))
        assert.equal(40, select(2, reserve(store, "late", limits, 0)))
        assert.equal("value", (store:get "kept"))
        assert.is_false(store:try_lock("kept", 1000))
    end)

    it("hears nothing of a call that ends when it has been forgotten", function()
        local store, limits = stores.memory(), { { count = 1, seconds = 10 } }
        local _, late = store:reserve("k", limits, 0)
        now = now + 100
        for i = 1, 10 do store:reserve("other " .. i, limits, 0) end
        assert.equal(0, (store:reserve("k", limits, 60)))
        local wait, number = store:reserve("k", limits, 60)
        assert.equal(15, wait + 5) -- the one before may be on its way
        assert.equal(0, math.max(0, store:check("k", limits, late)))
        store:settle("k", limits, late, now)
        assert.equal(10, store:check("k", limits, number))
        now = now + 3
        assert.equal(10, store:check("k", limits, number))
    end)
end)

describe("the nginx store", function()
    it("takes nothing but a shared dictionary", function()
        for _, given in ipairs { {}, "dict", 7 } do
            local ok, message = pcall(function()
                local store = cloudcal.stores.nginx(given)
                return store
            end)
            assert.is_false(ok)
            assert.truthy(message:find("dict must be a shared dictionary of nginx", 1, true))
            assert.truthy(message:find("spec/stores_spec.lua", 1, true), message)
        end
        assert.has_error(function() cloudcal.stores.nginx(nil) end)
    end)

    it("is seen by every worker", function()
        local dict = fake_dict.new()
        local one, other = stores.nginx(dict), stores.nginx(dict)
        one:set("a", "value", 10)
        assert.equal("value", (other:get "a"))
        assert.is_true(one:try_lock("a", 10))
        assert.is_false(other:try_lock("a", 10))
        for _ = 1, 2 do
            assert.equal(0, (one:reserve("k", { { count = 4, seconds = 1 } }, 60)))
            assert.equal(0, (other:reserve("k", { { count = 4, seconds = 1 } }, 60)))
        end
        assert.equal(1, (one:reserve("k", { { count = 4, seconds = 1 } }, 60)))
    end)

    it("puts its name before every key", function()
        local dict = fake_dict.new()
        local store = stores.nginx(dict)
        store:set("a", "value", 10)
        store:try_lock("a", 10)
        store:reserve("a", PER_SECOND, 60)
        for key in pairs(dict.entries) do assert.equal(1, (key:find("cloudcal:", 1, true))) end
    end)

    it("says that a full dictionary kept nothing", function()
        local store = stores.nginx(fake_dict.new(0))
        local kept, message = store:set("a", "value", 10)
        assert.is_nil(kept)
        assert.equal("no memory", message)
    end)

    it("locks nobody out, and counts nothing, when the dictionary is full", function()
        local store = stores.nginx(fake_dict.new(0))
        assert.is_true(store:try_lock("a", 10))
        assert.is_true(store:try_lock("a", 10))
        for _ = 1, 5 do assert.equal(0, (store:reserve("k", PER_SECOND, 60))) end
    end)

    it("is free again soon after a crowd was refused", function()
        local store = stores.nginx(fake_dict.new())
        local limits = { { count = 50, seconds = 1 }, { count = 1000, seconds = 60 } }
        local granted = 0
        for _ = 1, 3000 do
            if reserve(store, "k", limits, 5) then granted = granted + 1 end
        end
        assert.equal(300, granted)
        now = now + 10
        assert.equal(0, (store:reserve("k", limits, 5)))
    end)

    it("keeps no slot longer than it matters", function()
        local dict = fake_dict.new()
        local store = stores.nginx(dict)
        for _ = 1, 10 do store:reserve("k", PER_SECOND, 5) end
        now = now + 12
        for key in pairs(dict.entries) do assert.is_nil(dict:get(key), key) end
    end)

    it("forgets nothing that is kept for what it counts", function()
        local store = stores.nginx(fake_dict.new(5))
        assert.is_true((store:set("login", "kept", 1e6)))
        for _ = 1, 20 do
            store:try_lock("k", 1)
            reserve(store, "k", { { count = 10, seconds = 60 } }, 60)
            reserve(store, "another", PER_SECOND, 60)
        end
        assert.equal("kept", (store:get "login"))
    end)

    it("has room again for what is kept, and for counts, when others have expired", function()
        local store = stores.nginx(fake_dict.new(5))
        for _ = 1, 20 do store:reserve("k", PER_SECOND, 60) end
        assert.is_nil((store:set("login", "kept", 1e6)))
        now = now + 100
        assert.is_true((store:set("login", "kept", 1e6)))
        for _ = 1, 3 do assert.equal(0, (reserve(store, "k", PER_SECOND, 60))) end
        assert.equal(1, (reserve(store, "k", PER_SECOND, 60)))
    end)

    it("looks for room once a second at most", function()
        local dict, looks = fake_dict.new(0), 0
        function dict.flush_expired() looks = looks + 1 end
        local store = stores.nginx(dict)
        for _ = 1, 20 do
            store:set("a", "value", 10)
            store:reserve("k", PER_SECOND, 60)
            now = now + 0.125
        end
        assert.equal(3, looks)
    end)

    it("goes on counting as long as a call matters that ended late", function()
        local dict = fake_dict.new()
        local store, limits = stores.nginx(dict), { { count = 3, seconds = 10 } }
        local _, number = store:reserve("k", limits, 0)
        now = now + 14
        store:settle("k", limits, number, now)
        now = now + 2
        local slots = {}
        for i = 1, 3 do slots[i] = reserve(store, "k", limits, 60) end
        assert.same({ 0, 0, 8 }, slots)
        store:settle("k", limits, number, now) -- takes nothing from what the wait has added
        now = now + 70
        assert.is_not_nil(dict:get "cloudcal:slot:k:n")
    end)
end)
