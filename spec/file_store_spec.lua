--- The store in a file: what it keeps, what it refuses, and processes that share it.

local clock = require "cloudcal.clock"
local cloudcal = require "cloudcal"
local core = require "cloudcal.core"
local files = require "spec.files"
local json = require "cloudcal.json"
local lua = require "spec.lua"
local peer = require "spec.peer"
local pipeline = require "spec.pipeline"
local stores = require "cloudcal.stores"
local support = require "spec.support"

local real_time = clock.time

local directory, path, store

before_each(function()
    directory = peer.shell("mktemp -d"):match("[^\n]+")
    path = directory .. "/tokens.json"
    store = stores.file(path)
end)

after_each(function()
    clock.time = real_time
    peer.shell("rm -rf " .. directory)
end)

local function read() return files.read(path) end

local function put(text)
    assert(core.write_private(path, text))
end

local function names() return (peer.shell("ls -A " .. directory):gsub("%s+", " ")) end

-- The clock is off by so many seconds from now on.
local function shift(seconds)
    clock.time = function() return real_time() + seconds end
end

local function near(expected, number)
    assert.is_true(math.abs(expected - number) < 1, tostring(number))
end

describe("the file store", function()
    it("is known as a store", function()
        assert.is_true(stores.is_store(store))
        assert.equal("cloudcal.store", getmetatable(store))
    end)

    it("keeps a value as long as it is told, and says how long it has left", function()
        assert.same({ n = 1 }, lua.pack(store:get "a"))
        assert.is_true((store:set("a", "one", 10)))
        local value, left = store:get "a"
        assert.equal("one", value)
        assert.is_true(left > 9 and left <= 10.001)
        shift(9)
        near(1, (select(2, store:get "a")))
        shift(10.1)
        assert.same({ n = 1 }, lua.pack(store:get "a"))
        assert.equal("tokens.json ", names())
    end)

    it("replaces and forgets", function()
        store:set("a", "one", 10)
        store:set("b", "three", 10)
        assert.is_true((store:set("a", "two", 20)))
        local value, left = store:get "a"
        assert.equal("two", value)
        near(20, left)
        assert.is_true((store:set("a", nil)))
        assert.is_nil((store:get "a"))
        assert.equal("three", (store:get "b"))
    end)

    it("makes no file for what was not there", function()
        assert.is_true((store:set("a", nil)))
        assert.equal("", names())
    end)

    it("writes its format, without what has expired", function()
        store:set("old", "x", 1)
        shift(2)
        store:set("a\nb", "värde", 10)
        local content = json.decode(read())
        assert.equal(1, content.version)
        assert.equal("värde", content.entries["a\nb"].value)
        near(real_time() + 12, content.entries["a\nb"].expires)
        content.entries["a\nb"] = nil
        assert.same({}, content.entries)
        assert.equal("600\n", peer.shell("stat -c %a " .. path))
    end)

    it("keeps whatever JSON carries, and says what it does not", function()
        for i, value in ipairs { 5, 0.5, true, false, "", { login = { "a", 1 } } } do
            assert.is_true((store:set("k" .. i, value, 10)))
            assert.same(value, (stores.file(path):get("k" .. i)))
        end
        local before = read()
        for _, wrong in ipairs { "\255", print, { 1, nil, 3 }, 0 / 0, { [1.5] = 1 } } do
            local kept, message = store:set("k", wrong, 10)
            assert.is_nil(kept)
            assert.truthy(message:find(path .. ": a value ", 1, true), message)
        end
        assert.equal(before, read())
        assert.is_nil((store:set("k", ("x"):rep(1100000), 10)))
        assert.equal(before, read())
        assert.equal("tokens.json ", names())
    end)

    it("keeps for ever, too, and not at all", function()
        assert.is_true((store:set("a", "x", math.huge)))
        assert.equal("x", (store:get "a"))
        assert.is_true((store:set("b", "x", 0)))
        assert.is_true((store:set("c", "x", -1)))
        assert.is_nil((store:get "b"))
        assert.is_nil((store:get "c"))
    end)

    it("reads what others wrote with more digits", function()
        put(('{"version":1,"entries":{"a":{"value":"x","expires":%.7f}}}'):format(
            real_time() + 10.1234567))
        near(10, (select(2, store:get "a")))
        assert.is_true((store:set("b", "y", 10)))
        assert.equal("x", (store:get "a"))
    end)

    it("goes by the time of day, wherever that is set", function()
        store:set("a", "one", 100)
        shift(-3600)
        assert.equal("one", (store:get "a"))
        assert.is_true((store:set("b", "two", 100)))
        near(100, (select(2, store:get "b")))
        shift(0)
        assert.equal("one", (store:get "a"))
        assert.is_nil((store:get "b"))
        shift(86400 * 365)
        assert.is_nil((store:get "a"))
        assert.is_true((store:set("a", "new", 100)))
        assert.equal("new", (store:get "a"))
    end)

    it("wants a path", function()
        for _, wrong in ipairs { "", "a\0b", 7, {}, true } do
            pipeline.raises(function() cloudcal.stores.file(wrong) end, "path must be the name")
        end
        assert.error(function() cloudcal.stores.file() end)
    end)

    it("is no rate limit", function()
        for _, name in ipairs { "feishu", "lark", "youkong" } do
            local new, more = cloudcal[name], name == "youkong" and "sandbox" or nil
            pipeline.raises(function() new { environment = more, rate_limit = store } end,
                "option 'rate_limit' is a store that cannot count calls")
            new { environment = more, store = store, rate_limit = stores.memory() }
        end
    end)
end)

describe("a file that cannot be read", function()
    local function is_refused(reason)
        local before = peer.shell("ls -ld " .. path) .. (reason and "" or read())
        local value, left, message = store:get "a"
        assert.same({ nil, nil }, { value, left })
        assert.truthy(message and message:find(path .. ": " .. (reason or ""), 1, true), message)
        for _, new in ipairs { "x", false } do
            local kept, problem = store:set("a", new or nil, 10)
            assert.is_nil(kept)
            assert.equal(message, problem)
        end
        assert.equal(before, peer.shell("ls -ld " .. path) .. (reason and "" or read()))
    end

    it("is left as it is when it is damaged", function()
        for _, text in ipairs { "{", "x", "\255", "5", "null", "[]", "{}", '{"version":1}',
            '{"version":"1","entries":{}}', '{"version":0,"entries":{}}',
            '{"version":1,"entries":5}', '{"version":1,"entries":{"a":5}}',
            '{"version":1,"entries":{"a":{"expires":5}}}',
            '{"version":1,"entries":{"a":{"value":5}}}',
            '{"version":1,"entries":{"a":{"value":"x","expires":"5"}}}',
            '{"version":1,"entries":{}', '{"version":1,"entries":{}}{', (" "):rep(10) } do
            put(text)
            is_refused()
        end
    end)

    it("is left as it is when it is of a newer version", function()
        put '{"version":2,"entries":{}}'
        is_refused "is of a newer cloudcal (format 2; this one knows 1)"
    end)

    it("is left as it is when others can reach it, and read again when they cannot", function()
        store:set("a", "one", 10)
        shift(3)
        assert.equal("one", (store:get "a"))
        assert.equal("one", (store:get "a"))
        peer.shell("chmod 644 " .. path)
        is_refused "others can read it (mode 0644); chmod 600"
        peer.shell("chmod 600 " .. path)
        assert.equal("one", (store:get "a"))
        peer.shell(("mv %s %s.real; ln -s %s.real %s"):format(path, path, path, path))
        is_refused "is a symbolic link"
    end)

    it("is in a directory that exists", function()
        store = stores.file(directory .. "/no/tokens.json")
        local message = directory .. "/no/tokens.json: the directory does not exist"
        assert.same({ n = 3, nil, nil, message }, lua.pack(store:get "a"))
        local kept, problem = store:set("a", "x", 10)
        assert.is_nil(kept)
        assert.truthy(problem:find("the directory does not exist", 1, true))
        local taken, why = store:try_lock("a", 10)
        assert.is_true(taken)
        assert.truthy(why:find("the directory does not exist", 1, true))
        store:unlock "a"
    end)

    it("is not one that is empty: somebody made it for this store", function()
        put ""
        assert.same({ n = 1 }, lua.pack(store:get "a"))
        assert.is_true((store:set("a", "x", 10)))
        assert.equal("x", (store:get "a"))
    end)
end)

describe("stores of one file", function()
    it("see each other's values at once, however fast they change", function()
        local other = stores.file(path)
        for i = 1, 300 do
            local value = "v" .. i % 10
            assert.is_true((other:set("a", value, 10)))
            assert.equal(value, (store:get "a"))
        end
        assert.is_true((store:set("a", nil)))
        assert.is_nil((other:get "a"))
        os.remove(path)
        assert.is_true((other:set("a", "x", 10)))
        assert.equal("x", (store:get "a"))
        os.remove(path)
        assert.is_nil((store:get "a"))
    end)

    it("see them when the clock was set, too", function()
        local other = stores.file(path)
        for _, off in ipairs { -3600, 3600, 0 } do
            for i = 1, 20 do
                shift(off)
                assert.is_true((other:set("a", "v" .. i % 2, 1e6)))
                assert.equal("v" .. i % 2, (store:get "a"))
            end
        end
    end)

    it("read the file again only when it has changed", function()
        local reads, read_private = 0, core.read_private
        core.read_private = function(...)
            reads = reads + 1
            return read_private(...)
        end
        store:set("a", "one", 100)
        shift(3)
        for _ = 1, 50 do assert.equal("one", (store:get "a")) end
        core.read_private = read_private
        assert.equal(2, reads) -- one to set, one to get
    end)

    -- Where inodes are used again at once, and time goes in long steps.
    it("trust no stamp that is as young as a step of the file system's clock", function()
        local read_private, file_stamp = core.read_private, core.file_stamp
        local changed = real_time()
        core.file_stamp = function() return "same", changed end
        core.read_private = function(...)
            local text = read_private(...)
            if text then return text, "same", changed end
        end
        local other, seen = stores.file(path), {}
        for i, off in ipairs { 0, 0.9, -3600, 2.1 } do
            shift(off)
            other:set("a", i, 1e6)
            seen[i] = store:get "a"
        end
        other:set("a", "not seen", 1e6)
        seen[5] = store:get "a"
        core.read_private, core.file_stamp = read_private, file_stamp
        assert.same({ 1, 2, 3, 4, 4 }, seen)
    end)

    it("have locks that one holds at a time", function()
        local other = stores.file(path)
        assert.is_true(store:try_lock("a", 10))
        assert.is_false(store:try_lock("a", 10))
        assert.is_false(other:try_lock("a", 10))
        assert.is_true(other:try_lock("b", 10))
        other:unlock "a"
        assert.is_false(other:try_lock("a", 10))
        store:unlock "a"
        assert.is_true(other:try_lock("a", 10))
        assert.is_false(store:try_lock("a", 10))
        other:unlock "a"
        other:unlock "b"
        other:unlock "b"
        assert.equal("", names())
    end)

    it("have locks apart from values, which no time ends for others", function()
        assert.is_true(store:try_lock("a", 0.01))
        shift(1e6)
        core.sleep(0.05)
        assert.is_false(stores.file(path):try_lock("a", 10))
        assert.is_nil((store:get "a"))
        assert.is_true((store:set("a", "one", 10)))
        store:unlock "a"
        assert.equal("one", (store:get "a"))
    end)

    it("give back a lock whose time is over with what is done next in the process", function()
        local doings = {
            function() store:get "b" end, function() store:set("b", "x", 10) end,
            function() store:try_lock("b", 10) end,
        }
        for _, act in ipairs(doings) do
            assert.is_true(store:try_lock("a", 0.01))
            assert.is_true(store:try_lock("long", 10))
            core.sleep(0.02)
            local other = stores.file(path)
            assert.is_false(other:try_lock("a", 10))
            act()
            assert.is_true(other:try_lock("a", 10))
            assert.is_false(other:try_lock("long", 10))
            store:unlock "a" -- is no longer its own
            assert.is_false(stores.file(path):try_lock("a", 10))
            other:unlock "a"
            store:unlock "long"
        end
        assert.is_true(store:try_lock("a", 0.01))
        core.sleep(0.02)
        assert.is_true(store:try_lock("a", 10))
        assert.is_false(store:try_lock("a", 10))
    end)

    it("give their locks back when they are collected", function()
        do
            local gone = stores.file(path)
            assert.is_true(gone:try_lock("a", 10))
        end
        for _ = 1, 3 do collectgarbage() end
        assert.is_true(store:try_lock("a", 10))
    end)

    it("have nothing that a walk finds", function()
        store:set("CANARY-key", "CANARY-value", 10)
        assert.is_true(store:try_lock("CANARY-lock", 10))
        shift(3)
        assert.equal("CANARY-value", (store:get "CANARY-key"))
        local memory = stores.memory()
        memory:set("CANARY-key", "CANARY-value", 10)
        local function walk(value, seen)
            if type(value) ~= "table" then
                assert.is_nil(tostring(value):find("CANARY-value", 1, true))
            elseif not seen[value] then
                seen[value] = true
                for key, member in next, value do
                    walk(key, seen)
                    walk(member, seen)
                end
            end
        end
        walk(store, {})
        walk(memory, {})
        walk(stores, {})
        assert.is_nil(cloudcal.pretty(store):find("CANARY", 1, true))
        assert.equal("CANARY-value", (memory:get "CANARY-key"))
    end)

    it("forget a store that nobody has", function()
        local before
        for i = 1, 3000 do
            if i == 1000 then
                collectgarbage()
                collectgarbage()
                before = collectgarbage "count"
            end
            stores.file(path):get "a"
            stores.memory():set("a", ("x"):rep(1000), 10)
        end
        collectgarbage()
        collectgarbage()
        assert.is_true(collectgarbage "count" - before < 200)
    end)
end)

describe("a write", function()
    local held

    before_each(function() held = assert(core.lock_file(path .. ".lock")) end)
    after_each(function() held:unlock() end)

    it("waits a little for another process's, and says so when that is stopped", function()
        local begun = core.now()
        local kept, message = store:set("a", "x", 10)
        local seconds = core.now() - begun
        assert.is_nil(kept)
        assert.equal(path .. ".lock: another process holds this lock", message)
        assert.is_true(seconds >= 2 and seconds < 4, seconds)
        assert.is_nil((store:get "a"))
    end)

    it("waits no longer than its caller has time", function()
        for _, seconds in ipairs { 0.1, 0, -5 } do
            local begun = core.now()
            local kept, message = store:set("a", "x", 10, begun + seconds)
            assert.is_nil(kept)
            assert.truthy(message:find("another process holds this lock", 1, true))
            local took = core.now() - begun
            assert.is_true(took >= seconds and took < 1, took)
        end
        held:unlock()
        assert.is_true((store:set("a", "x", 10, core.now() - 5)))
    end)

    it("goes on as soon as it can, and other tasks meanwhile", function()
        local loop, ticks = cloudcal.loop(), 0
        local task = loop:spawn(function() return store:set("a", "x", 10) end)
        loop:spawn(function()
            for _ = 1, 20 do
                cloudcal.sleep(0.01)
                ticks = ticks + 1
            end
            held:unlock()
        end)
        loop:run()
        assert.equal(20, ticks)
        assert.is_true((task:result()))
        assert.equal("x", (store:get "a"))
    end)

    it("is tried for a while in a task that is cancelled", function()
        local loop, result = cloudcal.loop()
        local task = loop:spawn(function() result = lua.pack(store:set("a", "x", 10)) end)
        loop:step(0.01)
        local begun = core.now()
        task:cancel()
        loop:run()
        assert.is_true(core.now() - begun < 1)
        assert.same({ n = 2, nil, path .. ".lock: another process holds this lock" }, result)
    end)
end)

local EIGHT_TIMES = "set -- env %s; for i in 1 2 3 4 5 6 7 8; do \"$@\" & done; wait"

describe("processes with one file store", function()
    it("lose no write", function()
        local output = peer.script([[
            local store = require("cloudcal").stores.file(given.path)
            local me = io.open("/proc/self/stat"):read("*a"):match("^%d+")
            for i = 1, 25 do
                local key = ("p%s.%d"):format(me, i % 5)
                local count, kept, message = store:get(key) or 0, nil, nil
                for _ = 1, 20 do -- on a busy machine its turn may come too late
                    kept, message = store:set(key, count + 1, 1000)
                    if kept then break end
                end
                if not kept then print(message) end
            end]], { path = path }, EIGHT_TIMES)
        assert.equal("", output)
        local keys, total = 0, 0
        for _, entry in pairs(json.decode(read()).entries) do
            keys, total = keys + 1, total + entry.value
        end
        assert.same({ 40, 200 }, { keys, total })
        assert.equal("tokens.json ", names())
    end)

    it("lose no step of what they do under a lock", function()
        local output = peer.script([[
            local core = require "cloudcal.core"
            local store = require("cloudcal").stores.file(given.path)
            for _ = 1, 25 do
                while not store:try_lock("count", 30) do core.sleep(0.001) end
                local kept, message = store:set("count", (store:get("count") or 0) + 1, 1000)
                if not kept then print(message) end
                store:unlock("count")
            end]], { path = path }, "set -- env %s; for i in 1 2 3 4; do \"$@\" & done; wait")
        assert.equal("", output)
        assert.equal(100, (store:get "count"))
        assert.equal("tokens.json ", names())
    end)

    it("leave the old or the new content, whenever they are killed", function()
        local script = files.write(directory .. "/writer.lua", ([[
            local store = require("cloudcal").stores.file(%q)
            local i = store:get("count") or 0
            local letter = string.char(97 + i %% 26)
            while true do
                i = i + 1
                letter = string.char(97 + i %% 26)
                assert(store:set("long", letter:rep(200000), 1000))
                assert(store:set("count", i, 1000))
                io.write "."
                io.flush()
            end]]):format(path))
        local count, written = 0, directory .. "/written"
        for round = 1, 60 do
            -- it is killed some time after its first two writes
            peer.shell(([[%s %s >%s & i=0
                until [ -s %s ] || [ $i = 3000 ]; do i=$((i + 1)); sleep 0.01; done
                sleep %.3f; kill -KILL $!; wait $! 2>/dev/null; rm %s]]):format(
                lua.command(), script, written, written, core.random() * 0.05, written))
            local long, _, problem = store:get "long"
            assert.is_nil(problem)
            local new = store:get "count" or 0
            assert.is_true(new > count)
            count = new
            assert.equal(200000, #long)
            assert.equal("", (long:gsub(long:sub(1, 1), "")))
            assert.is_true((store:set("round", round, 1000)))
        end
        os.remove(script)
        assert.equal("tokens.json ", names())
    end)

    it("share the tokens of an app, also with those that come later", function()
        local sandbox = support.sandbox()
        support.clear "feishu"
        local function ask()
            return peer.script([[
                local cloudcal = require "cloudcal"
                local client = cloudcal.feishu {
                    base_url = given.base_url, ca_file = given.ca_file, app_id = given.app_id,
                    app_secret = given.app_secret, store = cloudcal.stores.file(given.path),
                }
                print(cloudcal.assert(client:primary_calendar()) ~= nil)
            ]], { base_url = sandbox.feishu.base_url, ca_file = sandbox.ca_file, path = path,
                app_id = sandbox.feishu.app_id, app_secret = sandbox.feishu.app_secret })
        end
        for _ = 1, 3 do assert.equal("true\n", (ask())) end
        local fetched = 0
        for _, request in ipairs(support.requests "feishu") do
            if request.path:find("tenant_access_token", 1, true) then fetched = fetched + 1 end
        end
        assert.equal(1, fetched)
        assert.is_nil(read():find(sandbox.feishu.app_secret, 1, true))
    end)
end)
