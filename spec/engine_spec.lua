local core = require "cloudcal.core"
local lua = require "spec.lua"
local cqueues = require "cqueues"
local peer = require "spec.peer"
local socket = require "socket"
local support = require "spec.support"

local PRIMARY = "/open-apis/calendar/v4/calendars/primary"

local function options(changes)
    return support.exchange_options("feishu", PRIMARY, changes)
end

local function start(changes)
    local transfer = assert(core.engine():submit(options(changes)))
    return transfer
end

local function slow(seconds, changes)
    changes = changes or {}
    changes.headers = { "X-Sandbox-Fault: slow:" .. seconds }
    return start(changes)
end

local function finish(transfers)
    local deadline = core.now() + 40
    for _, transfer in ipairs(transfers) do
        while not transfer:done() do
            assert(core.now() < deadline, "it does not end")
            core.engine():step(1)
        end
    end
end

local function statuses(transfers)
    local count = {}
    for _, transfer in ipairs(transfers) do
        local status, code = transfer:take()
        local key = status or "failed " .. tostring(code)
        count[key] = (count[key] or 0) + 1
    end
    return count
end

local function connections(requests)
    local seen, count = {}, 0
    for _, request in ipairs(requests) do
        if not seen[request.connection] then count = count + 1 end
        seen[request.connection] = true
    end
    return count
end

-- The build for hosts without epoll has no descriptor to watch.
local has_descriptor = core.engine():fd() ~= nil

before_each(function()
    core.engine():close()
    support.clear "feishu"
end)

describe("many transfers at once", function()
    it("share no more connections than they may have", function()
        local transfers = {}
        for i = 1, 40 do transfers[i] = start { max_connections = 8 } end
        finish(transfers)
        assert.same({ [404] = 40 }, statuses(transfers))
        local requests = support.requests "feishu"
        assert.equal(40, #requests)
        local count = connections(requests)
        assert.is_true(count >= 1 and count <= 8, count .. " connections")
    end)

    it("may be a hundred, each on its own connection", function()
        local transfers = {}
        local started = core.now()
        for i = 1, 100 do transfers[i] = slow(1, { max_connections = 100 }) end
        assert.is_true(core.engine():step(0) >= 99)
        finish(transfers)
        assert.is_true(core.now() - started < 30) -- one after the other: 100
        assert.same({ [404] = 100 }, statuses(transfers))
        assert.is_true(connections(support.requests "feishu") > 20)
    end)

    it("end in their own time, not in order", function()
        local late, soon = slow(0.8), start()
        while not soon:done() do core.engine():step(1) end
        assert.is_false(late:done())
        assert.same({ [404] = 1 }, statuses { soon })
        finish { late }
        assert.same({ [404] = 1 }, statuses { late })
    end)

    it("each keep what is theirs", function()
        local transfers = {}
        for i = 1, 30 do
            transfers[i] = start { method = "POST", body = ("%03d"):format(i):rep(i * 400),
                content_type = "text/plain", headers = { "X-Number: " .. i } }
        end
        finish(transfers)
        local requests = support.requests "feishu"
        assert.equal(30, #requests)
        for _, request in ipairs(requests) do
            local i = tonumber(request.headers["x-number"])
            assert.equal(("%03d"):format(i):rep(i * 400), request.body)
        end
    end)

    it("reuse connections, one after the other", function()
        for _ = 1, 10 do support.exchange(options()) end
        assert.equal(1, connections(support.requests "feishu"))
    end)

    it("do not stop the others when one fails or goes", function()
        local good = { slow(0.2), slow(0.3), start() }
        local bad = { start { url = "https://127.0.0.1:1/" }, start { ca_file = "/nowhere" },
                      start { headers = { "X-Sandbox-Fault: reset" } } }
        local gone = slow(0.3)
        core.engine():step(0.01)
        gone:cancel()
        finish(good)
        finish(bad)
        assert.same({ [404] = 3 }, statuses(good))
        local failed = statuses(bad)
        -- a reset is 56, or 65 when it hits a connection that was used before
        failed["failed 56"], failed["failed 65"] = failed["failed 56"] or failed["failed 65"], nil
        assert.same({ ["failed 7"] = 1, ["failed 77"] = 1, ["failed 56"] = 1 }, failed)
    end)
end)

describe("step", function()
    it("of nothing never waits", function()
        local transfer = slow(1.5)
        local started, steps, longest = core.now(), 0, 0
        while core.now() - started < 0.3 do
            local before = core.now()
            core.engine():step(0)
            longest = math.max(longest, core.now() - before)
            steps = steps + 1
        end
        assert.is_true(longest < 1, "a step of nothing took " .. longest)
        assert.is_true(steps > 20)
        transfer:cancel()
    end)

    it("of nothing is enough to get there", function()
        local transfers = { start(), start { method = "POST", body = ("x"):rep(200000),
                                             content_type = "text/plain" } }
        local deadline = core.now() + 15
        while not (transfers[1]:done() and transfers[2]:done()) do
            assert(core.now() < deadline)
            core.engine():step(0)
        end
        assert.same({ [404] = 1, [400] = 1 }, statuses(transfers))
    end)

    it("waits no longer than it may, and not without need", function()
        local transfer = slow(2)
        for _ = 1, 20 do core.engine():step(0.01) end
        local before = core.now()
        while core.now() - before < 0.2 do
            local one = core.now()
            assert.equal(1, core.engine():step(0.05))
            assert.is_true(core.now() - one < 1)
        end
        transfer:cancel()
        before = core.now()
        assert.equal(0, core.engine():step(60))
        assert.is_true(core.now() - before < 5)
    end)

    it("takes hardly any CPU time while it waits", function()
        local transfer = slow(0.7)
        for _ = 1, 20 do core.engine():step(0.01) end
        local cpu = os.clock()
        finish { transfer }
        assert.is_true(os.clock() - cpu < 0.3)
    end)

    it("takes odd times for what they are", function()
        assert.equal(0, core.engine():step(-1))
        local transfer = start()
        for _, seconds in ipairs { -1, 0 / 0, -math.huge } do core.engine():step(seconds) end
        while not transfer:done() do core.engine():step(math.huge) end
        assert.same({ [404] = 1 }, statuses { transfer })
        assert.error(function() core.engine():step() end)
        assert.error(function() core.engine():step "x" end)
    end)

    it("works without waiting, and tells whether all is done that can be", function()
        local engine = core.engine()
        assert.same({ 0, false }, { engine:work(0) })
        assert.same({ 0, true }, { engine:work(1) })
        local waiting = slow(5)
        local transfer, deadline = start(), core.now() + 40
        assert.same({ 2, false }, { engine:work(0) })
        assert.same({ 2, false }, { engine:work(0 / 0) })
        assert.same({ 2, false }, { engine:work(1e-9) }) -- no time for more than to look
        local live, all
        while not transfer:done() do
            assert.is_true(core.now() < deadline, "it does not end")
            live, all = engine:work(1e7)
            assert.is_true(all)
            core.sleep(0.002)
        end
        assert.equal(1, live)
        assert.is_false(waiting:done())
        waiting:cancel()
        assert.same({ [404] = 1 }, statuses { transfer })
        assert.error(function() engine:work() end)
    end)

    it("tells how many are under way", function()
        local transfers = { slow(0.3), slow(0.3), slow(0.3) }
        assert.equal(3, core.engine():step(0))
        transfers[1]:cancel()
        assert.equal(2, core.engine():step(0))
        assert.equal("cloudcal.engine (2 under way)", tostring(core.engine()))
        finish { transfers[2], transfers[3] }
        assert.equal(0, core.engine():step(0))
    end)

    it("keeps the deadline of a transfer that waits for a connection", function()
        local first = slow(9, { max_connections = 1 })
        local second = start { max_connections = 1, timeout = 0.3 }
        finish { second }
        assert.is_false(first:done())
        local status, code, _, sent = second:take()
        assert.same({ nil, 28, false }, { status, code, sent })
        first:cancel()
    end)
end)

describe("a foreign loop", function()
    it("has a timeout to go by", function()
        local engine = core.engine()
        assert.is_nil(engine:timeout())
        local transfer = start()
        assert.equal(0, engine:timeout())
        engine:step(0)
        local timeout = engine:timeout()
        assert.is_true(timeout == nil or timeout >= 0 and timeout <= 60)
        finish { transfer }
        assert.is_nil(engine:timeout())
    end)

    local function one_by(wait)
        local engine, transfers = core.engine(), {}
        for i = 1, 5 do transfers[i] = slow(0.2) end
        local waits, deadline = 0, core.now() + 15
        while engine:step(0) > 0 do
            assert(core.now() < deadline, "it does not end")
            wait(engine)
            waits = waits + 1
        end
        assert.same({ [404] = 5 }, statuses(transfers))
        return waits
    end

    it("can poll its descriptor, and does not spin", function()
        if not has_descriptor then
            assert.is_nil(core.engine():fd())
            return
        end
        assert.equal("number", type(core.engine():fd()))
        assert.equal(core.engine():fd(), core.engine():fd())
        local selected = one_by(function(engine)
            local object = { getfd = function() return engine:fd() end }
            require("socket").select({ object }, nil, math.min(engine:timeout() or 1, 1))
        end)
        assert.is_true(selected < 2000, selected .. " times ready")
        local done
        peer.spawn(function()
            one_by(function(engine)
                cqueues.poll({ pollfd = engine:fd(), events = "r" }, engine:timeout() or 1)
            end)
            done = true
        end)
        local loop_deadline = core.now() + 20
        while not done do
            assert(core.now() < loop_deadline)
            peer.loop:step(1)
        end
    end)

    it("can do with the timeout alone", function()
        one_by(function(engine) core.sleep(math.min(engine:timeout() or 0.02, 0.02)) end)
    end)

    it("finds its descriptor quiet when nothing is to do", function()
        if not has_descriptor then
            assert.equal(0, core.engine():step(0))
            return
        end
        local engine = core.engine()
        local transfer = slow(9)
        support.await_requests("feishu", 1)
        for _ = 1, 10 do engine:step(0.01) end
        local object = { getfd = function() return engine:fd() end }
        local before = core.now()
        local ready = require("socket").select({ object }, nil, 0.2)
        assert.same({}, { lua.unpack(ready) })
        assert.is_true(core.now() - before >= 0.19)
        transfer:cancel()
    end)
end)

describe("close", function()
    it("ends what is under way and gives back every descriptor", function()
        core.engine():close()
        collectgarbage()
        local before = peer.descriptors()
        local transfers = {}
        for i = 1, 10 do transfers[i] = slow(5) end
        for _ = 1, 30 do core.engine():step(0.01) end
        local queued = start()
        assert.is_true(peer.descriptors() > before)
        core.engine():close()
        peer.expect_descriptors(before)
        assert.is_true(queued:done())
        local status, code, _, sent = queued:take()
        assert.same({ nil, 42, false }, { status, code, sent })
        assert.same({ ["failed 42"] = 10 }, statuses(transfers))
        core.engine():close()
        core.engine():close()
    end)

    it("does not keep the engine from being used again", function()
        for _ = 1, 5 do
            local transfer = start()
            core.engine():step(0)
            core.engine():close()
            transfer:cancel()
            assert.equal(404, (support.exchange(options())))
        end
    end)

    it("keeps no descriptor over a hundred rounds", function()
        local function round()
            local transfers = { start(), slow(0), start { url = "https://127.0.0.1:1/" } }
            finish { transfers[1], transfers[3] }
            transfers[2]:cancel()
        end
        round()
        core.engine():close()
        collectgarbage()
        local before = peer.descriptors()
        for _ = 1, 100 do round() end
        core.engine():close()
        collectgarbage()
        peer.expect_descriptors(before)
    end)
end)

local VALUES

local function values()
    local sandbox = support.sandbox()
    VALUES = VALUES or { url = sandbox.feishu.base_url .. PRIMARY, ca_file = sandbox.ca_file,
                         base_url = sandbox.feishu.base_url,
                         token = sandbox.feishu.user_access_token }
    return VALUES
end

local PRELUDE = [[
    local core = require "cloudcal.core"
    local function start(fault, more)
        local options = { url = given.url, ca_file = given.ca_file, method = "GET",
            user_agent = "spec", timeout = 10, connect_timeout = 10, max_response_bytes = 1e6,
            max_connections = 8, headers = { "X-Sandbox-Fault: " .. fault } }
        for name, value in pairs(more or {}) do options[name] = value end
        return core.engine():submit(options)
    end
    local function finish(transfer)
        local deadline = core.now() + 15
        while not transfer:done() do
            assert(core.now() < deadline, "it does not end")
            core.engine():step(1)
        end
        return transfer:take()
    end
]]

describe("descriptors", function()
    it("are not inherited by child processes", function()
        local output = peer.script(PRELUDE .. [[
            local function tcp_sockets()
                local known = {}
                for line in io.lines "/proc/net/tcp" do
                    local inode = line:match(("%S+%s+"):rep(9) .. "(%d+)")
                    if inode and inode ~= "0" then known[inode] = true end
                end
                return known
            end
            local function inherited()
                local pipe = io.popen "ls -l /proc/self/fd 2>/dev/null"
                local text = pipe:read "*a"
                pipe:close()
                local count, known = 0, tcp_sockets()
                for inode in text:gmatch "socket:%[(%d+)%]" do
                    if known[inode] then count = count + 1 end
                end
                return count + select(2, text:gsub("eventpoll", ""))
            end
            local function own()
                local pipe = io.popen "ls -l /proc/$PPID/fd 2>/dev/null"
                local text = pipe:read "*a"
                pipe:close()
                return select(2, text:gsub("socket:", ""))
            end
            local own_before, inherited_before = own(), inherited()
            finish(start("none", { method = "DELETE" }))
            local flying, other = start "stalled", start "stalled"
            for _ = 1, 20 do core.engine():step(0.01) end
            local plain = require("socket").connect("127.0.0.1", given.url:match ":(%d+)/")
            print(own() >= own_before + 3, inherited() - inherited_before)
        ]], values())
        -- luasocket's own is inherited, which proves that the look is a sharp one
        assert.equal("true\t1\n", output)
    end)

    it("that run out end a call, and not the engine", function()
        local output = peer.script(PRELUDE .. [[
            local held = {}
            local function drain()
                while true do
                    local file = io.open "/dev/null"
                    if not file then return end
                    held[#held + 1] = file
                end
            end
            drain()
            print("descriptor", core.engine():fd())
            local transfer, code = start "none"
            if transfer then print("failed", (finish(transfer))) else print("refused", code > 0) end
            for _, file in ipairs(held) do file:close() end
            print("again", (finish(start "none")))
            held = {}
            drain() -- with an engine that has begun
            print("kept", (finish(start "none")))
            local other = given.url:gsub("127.0.0.1", "localhost")
            print("new", (finish(start("none", { url = other }))))
            for _, file in ipairs(held) do file:close() end
            print("again", (finish(start "none")))
        ]], values(), "ulimit -n 40; %s")
        local lines = {}
        for line in output:gmatch "[^\n]+" do lines[#lines + 1] = line end
        assert.equal("descriptor\tnil", lines[1], output)
        assert.is_true(lines[2] == "failed\tnil" or lines[2] == "refused\ttrue", output)
        assert.equal("again\t404", lines[3], output)
        assert.equal("kept\t404", lines[4], output)
        assert.equal("new\tnil", lines[5])
        assert.equal("again\t404", lines[6])
    end)
end)

describe("the engine's own descriptor", function()
    -- numbers of the epoll descriptors that watch something
    local function pollers()
        local found = {}
        for number = 0, 255 do
            local file = io.open("/proc/self/fdinfo/" .. number)
            if file and file:read("*a"):find "tfd:" then found[number] = true end
            if file then file:close() end
        end
        return found
    end

    it("may be closed by somebody else: the exchange ends, and the next one works", function()
        core.engine():close()
        local before = pollers()
        local transfer = start { headers = { "X-Sandbox-Fault: stalled" }, timeout = 5 }
        for _ = 1, 20 do core.engine():step(0.005) end
        local closed = 0
        for number in pairs(pollers()) do
            if not before[number] then
                local handle = socket.tcp()
                handle:setfd(number)
                handle:close()
                closed = closed + 1
            end
        end
        assert.equal(1, closed)
        finish { transfer }
        local status, code = transfer:take()
        assert.same({ nil, 99 }, { status, code })
        local again = start()
        finish { again }
        assert.equal("number", type((again:take())))
    end)
end)

describe("a signal", function()
    -- Runs a script that calls report with a function that blocks, and interrupts it there.
    local INTERRUPT = [[out=$(mktemp); %s >$out 2>&1 & p=$!
        n=0; until grep -q ready $out || [ $n -gt 1000 ]; do sleep 0.01; n=$((n+1)); done
        sleep %s; kill -INT $p; wait $p; cat $out; rm -f $out]]

    local function interrupted(script, after)
        local output = peer.script(PRELUDE .. [[
            io.stdout:setvbuf "no"
            local function report(block)
                local started
                local ok, message = pcall(function()
                    started = core.now()
                    print "ready"
                    return block()
                end)
                print(ok, tostring(message):match "interrupted!", core.now() - started < 4)
            end
        ]] .. script, values(), "{ " .. INTERRUPT:format("%s", after or 0.2) .. "; }")
        assert.equal("ready\nfalse\tinterrupted!\ttrue\n", output)
    end

    local BLOCKED_IN_A_CALL = [[
            local cloudcal = require "cloudcal"
            local client = cloudcal.feishu { base_url = given.base_url, ca_file = given.ca_file,
                user_access_token = given.token, timeout = 9 }
            report(function()
                return client:request { method = "GET", path = "/open-apis/x",
                    headers = { ["X-Sandbox-Fault"] = "stalled" } }
            end)
        ]]

    it("ends a script that is blocked in a call", function()
        interrupted(BLOCKED_IN_A_CALL)
    end)

    it("ends a script while C works and nothing waits", function()
        for _, after in ipairs { 0, 0.002, 0.005 } do interrupted(BLOCKED_IN_A_CALL, after) end
    end)

    it("ends a script that is blocked in a step or asleep", function()
        interrupted [[
            local transfer = start "stalled"
            report(function() while not transfer:done() do core.engine():step(9) end end)
        ]]
        interrupted [[
            report(function() require("cloudcal.wait").sleep(9) end)
        ]]
    end)
end)

describe("a fork", function()
    -- A child lets go of libcurl's memory on purpose: to free it would say goodbye on the
    -- parent's connections. A leak checker need not know of it.
    local QUIET = "ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 %s"

    local function host(script) return peer.host(PRELUDE .. script, values(), 1, QUIET) end

    it("loses the transfers in flight for the child, and for nobody else", function()
        local output, ok = host [[
            local flying = start "slow:0.6"
            for _ = 1, 20 do core.engine():step(0.01) end
            local queued = start "slow:0"
            local pid = fork()
            if pid == 0 then
                core.engine():step(0)
                local status, code, _, sent = flying:take()
                local ok = status == nil and code == 1007 and sent == true
                local _, second = queued:take()
                ok = ok and second == 1007 and core.engine():step(0) == 0
                ok = ok and finish(start "none") == 404
                leave(ok and 0 or 1)
            end
            print("child", wait(pid))
            print("parent", (finish(flying)), (finish(queued)))
        ]]
        assert.equal("child\t0\nparent\t404\t404\nclosed; core mapped\n", output)
        assert.is_true(ok)
        local count = 0
        for _, request in ipairs(support.requests "feishu") do
            if request.headers["x-sandbox-fault"] == "slow:0.6" then count = count + 1 end
        end
        assert.equal(1, count)
    end)

    it("leaves the kept connection to the parent", function()
        local output = host [[
            finish(start("none", { headers = { "X-Who: parent" } }))
            local pid = fork()
            if pid == 0 then
                local status = finish(start("none", { headers = { "X-Who: child" } }))
                status = status == 404 and finish(start("none", { headers = { "X-Who: child" } }))
                leave(status == 404 and 0 or 1)
            end
            print("child", wait(pid))
            -- a POST with a body is not repeated: if the child had said goodbye, it would fail
            print("parent", (finish(start("none", { method = "POST", body = "{}",
                content_type = "application/json", headers = { "X-Who: parent" } }))))
        ]]
        assert.equal("child\t0\nparent\t400\nclosed; core mapped\n", output)
        local seen = { parent = {}, child = {} }
        for _, request in ipairs(support.requests "feishu") do
            local list = seen[request.headers["x-who"]]
            if list then list[#list + 1] = request.connection end
        end
        assert.equal(2, #seen.parent)
        assert.equal(2, #seen.child)
        assert.equal(seen.parent[1], seen.parent[2])
        assert.equal(seen.child[1], seen.child[2])
        assert.not_equal(seen.parent[1], seen.child[1])
    end)

    it("lets a child end without a word, whatever it does with what it inherited", function()
        local output = host [[
            finish(start "none")
            local function in_child(what)
                local flying = start "slow:0.15"
                for _ = 1, 20 do core.engine():step(0.005) end
                local pid = fork()
                if pid == 0 then
                    what(flying)
                    leave(0)
                end
                return wait(pid) == 0 and finish(flying) == 404
            end
            print(in_child(function() end))
            print(in_child(function(t) t:cancel() end))
            print(in_child(function(t) core.engine():close() core.engine():close() end))
            print(in_child(function(t) t = nil collectgarbage() collectgarbage() end))
            print(in_child(function(t) vanish(0) end))
            print(in_child(function(t) core.engine():fd() core.engine():timeout() t:done() end))
            print(in_child(function(t)
                local grandchild = fork()
                if grandchild == 0 then
                    assert(finish(start "none") == 404)
                    leave(0)
                end
                assert(wait(grandchild) == 0 and finish(start "none") == 404)
            end))
            print((finish(start("none", { method = "POST", body = "{}",
                content_type = "application/json" }))))
        ]]
        assert.equal(("true\n"):rep(7) .. "400\nclosed; core mapped\n", output)
    end)
end)
