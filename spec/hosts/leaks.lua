--- Calls that are given up, under valgrind: whatever ends them, memory of the core and of libcurl
-- that it reached goes back, and none is touched afterwards. In a C program, and in nginx.

local core = require "cloudcal.core"
local files = require "spec.files"
local peer = require "spec.peer"
local sandboxes = require "cloudcal.sandbox"
local server = require "spec.hosts.nginx_server"
local socket = require "socket"

local VALGRIND = "valgrind --quiet --leak-check=full --show-leak-kinds=definite,indirect,possible"
    .. " --num-callers=40 --fullpath-after= --log-file=%s.%%p"
local SLOWNESS = 60 -- seconds that a host may take for anything, since valgrind makes it slow

local eventually = server.eventually
local sandbox

-- {======================================================
-- What valgrind says
-- =======================================================}

-- What has debugging information is named by its source.
local OURS = { "/src/%w+%.c:%d", "/core%.so", "/libcurl%.so" }

local function is_ours(record)
    for _, name in ipairs(OURS) do
        if record:find(name) then return true end
    end
    return false
end

-- Its records: paragraphs, of which each is an error or a leak with the functions that led to it.
local function records_of(text)
    local records, lines = {}, {}
    for line in (text .. "==0== \n"):gmatch("([^\n]*)\n") do
        local said = line:match("^==%d+== ?(.*)$")
        if said == "" then
            if #lines > 0 then records[#records + 1] = table.concat(lines, "\n") end
            lines = {}
        elseif said then
            lines[#lines + 1] = said
        end
    end
    return records
end

local read = files.read

-- The records of all processes that wrote logs, as far as our libraries are in them.
local function ours_in(logs)
    local found = {}
    local paths, ok = peer.shell("ls " .. logs .. ".*")
    assert(ok, "valgrind wrote no log")
    for path in paths:gmatch("[^\n]+") do
        for _, record in ipairs(records_of(read(path))) do
            if is_ours(record) then found[#found + 1] = record end
        end
    end
    return found
end

local function assert_nothing_of_ours(logs)
    local found = ours_in(logs)
    assert.equal(0, #found, table.concat(found, "\n\n"))
end

-- }======================================================

local directory

-- A core that keeps what it should free, to show that such a thing would be seen.
local function forgetful_core(version)
    local place = directory .. "/forgetful" .. version
    local output, ok = peer.shell(([[set -e
        mkdir @
        cp -r Makefile src @
        sed 's/^  free(b->data);$/  (void)b;/' src/bytes.c >@/src/bytes.c
        make -s -C @ LUA=]] .. version):gsub("@", place))
    assert(ok, output)
    return place .. "/build/" .. version .. "/?.so"
end

-- Where the logs of one test go.
local function new_logs()
    return directory .. "/" .. tostring({}):match("%w+$")
end

setup(function()
    directory = peer.shell("mktemp -d"):match("[^\n]+")
    sandbox = assert(sandboxes.start { rate = false })
end)

teardown(function()
    sandbox.stop()
    peer.shell("rm -r " .. directory)
end)

describe("in a C program", function()
    -- Each Lua state is closed after one of the ways.
    local SCRIPT = [[
        local cloudcal, core = require "cloudcal", require "cloudcal.core"
        local function client_of(changes)
            local given = { base_url = given.base_url, ca_file = given.ca_file, rate_limit = false }
            for name, value in pairs(changes) do given[name] = value end
            return cloudcal.feishu(given)
        end
        local function ask(client)
            return client:create_exchange_binding({ admin_account = "a@b.c",
                exchange_account = "d@e.f", user_id = "ou_" .. ("1"):rep(32) },
                { headers = { ["X-Sandbox-Fault"] = "stalled_body" } })
        end
        local function in_flight(loop, number)
            for _ = 1, 25 do loop:step(0.02) end
            assert(loop:step(0) == number, "they are not in flight")
        end
        local with_token = { user_access_token = given.user_access_token }
        local coroutines = {}
        local function task_of(loop, client)
            return loop:spawn(function()
                coroutines[#coroutines + 1] = coroutine.running()
                return ask(client)
            end)
        end

        local ways = {}
        function ways.closed_with_calls_in_flight(loop)
            for _ = 1, 3 do task_of(loop, client_of(with_token)) end
            in_flight(loop, 3)
        end
        function ways.killed(loop)
            for _ = 1, 3 do task_of(loop, client_of(with_token)) end
            in_flight(loop, 3)
            for _, co in ipairs(coroutines) do if coroutine.close then coroutine.close(co) end end
            coroutines = {}
            collectgarbage()
        end
        function ways.dropped()
            local loop = cloudcal.loop()
            for _ = 1, 3 do task_of(loop, client_of(with_token)) end
            in_flight(loop, 3)
            loop, coroutines = nil, {}
            collectgarbage()
            collectgarbage()
            assert(core.engine():step(0) == 0, "they are still in flight")
        end
        function ways.cancelled(loop)
            local tasks = {}
            for i = 1, 3 do tasks[i] = task_of(loop, client_of(with_token)) end
            in_flight(loop, 3)
            for i = 1, 3 do tasks[i]:cancel() end
            loop:run()
            for i = 1, 3 do assert(select(2, tasks[i]:result()).kind == "cancelled") end
        end
        function ways.cancelled_and_never_resumed(loop)
            local task = task_of(loop, client_of(with_token))
            in_flight(loop, 1)
            task:cancel()
        end
        function ways.engine_closed(loop)
            for _ = 1, 3 do task_of(loop, client_of(with_token)) end
            in_flight(loop, 3)
            core.engine():close()
        end
        function ways.raised_in_a_map()
            local client = client_of(with_token)
            local fine = pcall(cloudcal.map, { 1, 2, 3 }, function(i)
                if i == 3 then error "broken" end
                return ask(client)
            end)
            assert(not fine)
        end
        function ways.collected_while_queued()
            for _ = 1, 3 do
                assert(core.engine():submit { url = given.base_url, ca_file = given.ca_file,
                    method = "POST", body = ("x"):rep(50000), content_type = "text/plain",
                    headers = { "X-Y: z" }, token = "t", user_agent = "spec", timeout = 5,
                    connect_timeout = 5, max_response_bytes = 1e6, max_connections = 4 })
            end
            collectgarbage()
            collectgarbage()
        end
        function ways.timed_out(loop)
            with_token.timeout = 0.2
            loop:spawn(function() return ask(client_of(with_token)) end)
            loop:run()
        end

        local names = {}
        for name in pairs(ways) do names[#names + 1] = name end
        table.sort(names)
        if given.only then names = { given.only } end
        local name = names[state]
        ways[name](cloudcal.loop())
        print(name, #names)
    ]]
    local WAYS = 9

    local function values(more)
        local given = { base_url = sandbox.feishu.base_url, ca_file = sandbox.ca_file,
            user_access_token = sandbox.feishu.user_access_token }
        for name, value in pairs(more or {}) do given[name] = value end
        return given
    end

    it("nothing is left of calls that were given up", function()
        local logs = new_logs()
        local output, ok = peer.host(SCRIPT, values(), WAYS, nil, VALGRIND:format(logs))
        assert.is_true(ok, output)
        local _, ended = output:gsub("%w\t" .. WAYS .. "\nclosed; core mapped\n", "")
        assert.equal(WAYS, ended, output)
        assert_nothing_of_ours(logs)
    end)

    it("what is left would be seen", function()
        local logs = new_logs()
        local before = package.cpath
        package.cpath = forgetful_core "5.4" .. ";" .. before
        local output, ok = peer.host(SCRIPT, values { only = "cancelled" }, 1, nil,
            VALGRIND:format(logs))
        package.cpath = before
        assert.is_true(ok, output)
        local found = table.concat(ours_in(logs), "\n\n")
        assert.truthy(found:find("definitely lost"), found)
        assert.truthy(found:find("bytes_append", 1, true), found)
    end)
end)

describe("in nginx", function()
    local HTTP = [[
    lua_shared_dict notes 1m;
    init_by_lua_block {
        cloudcal = require "cloudcal"
        function client_of(more)
            local given = { base_url = "%(base_url)", ca_file = "%(ca_file)", rate_limit = false,
                user_access_token = "%(user_token)" }
            for name, value in pairs(more or {}) do given[name] = value end
            return cloudcal.feishu(given)
        end
        function call(fault, client)
            ngx.shared.notes:incr("begun", 1, 0)
            local data, err = (client or client_of()):create_exchange_binding(
                { admin_account = "a@b.c", exchange_account = "d@e.f",
                    user_id = "ou_" .. ("1"):rep(32) },
                { headers = { ["X-Sandbox-Fault"] = fault } })
            return data and "ok" or err.kind
        end
    }
    ]]
    local SERVER = [[
    lua_check_client_abort on;
    location = /begun { content_by_lua_block {
        ngx.print(tostring(ngx.shared.notes:get "begun"))
    } }
    location = /under_way { content_by_lua_block {
        collectgarbage()
        ngx.print((tostring(require "cloudcal.core".engine()):match "%d+"))
    } }
    location = /call { content_by_lua_block { ngx.print(call(ngx.var.arg_fault)) } }
    location = /fresh {
        lua_code_cache off;
        content_by_lua_block { ngx.print(call(ngx.var.arg_fault)) }
    }
    location = /killed { content_by_lua_block {
        local threads = {}
        local client = client_of { timeout = 3 }
        for i = 1, 3 do threads[i] = ngx.thread.spawn(call, "stalled_body", client) end
        client = nil
        ngx.sleep(1)
        for i = 1, 3 do ngx.thread.kill(threads[i]) end
        collectgarbage()
        ngx.print "killed"
    } }
    location = /loop { content_by_lua_block {
        local loop = cloudcal.loop()
        local victim = loop:spawn(call, "stalled_body")
        for _ = 1, 2 do loop:spawn(call, "slow:1") end
        loop:spawn(function()
            cloudcal.sleep(1)
            victim:cancel()
        end)
        loop:run()
        ngx.print(victim:result())
    } }
    location = /timed_out { content_by_lua_block {
        ngx.print(call("stalled_body", client_of { timeout = 0.5 }))
    } }
    location = /timer { content_by_lua_block {
        ngx.timer.at(0, function() call "slow:3" end)
        ngx.print "ok"
    } }
    ]]

    local function open(host, path)
        local con = assert(socket.connect("127.0.0.1", host.port))
        con:settimeout(SLOWNESS)
        con:send(("GET %s HTTP/1.0\r\n\r\n"):format(path))
        return con
    end

    local function finish(con)
        local answer = con:receive("*a") or ""
        con:close()
        return answer:match("\r\n\r\n(.*)$")
    end

    local function get(host, path) return finish(open(host, path)) end

    -- So many requests whose calls have reached the point where they wait.
    local function begin(host, path, count)
        local before, connections = tonumber(get(host, "/begun")) or 0, {}
        for i = 1, count do connections[i] = open(host, path) end
        eventually(function() return tonumber(get(host, "/begun")) == before + count end, SLOWNESS,
            "began " .. path)
        core.sleep(0.5)
        return connections
    end

    local function under_way(host) return tonumber(get(host, "/under_way")) end

    local running

    local function start(logs, values)
        values = values or {}
        values.base_url, values.ca_file = sandbox.feishu.base_url, sandbox.ca_file
        values.user_token = sandbox.feishu.user_access_token
        running = server.start { http = HTTP, server = SERVER, values = values,
            under = VALGRIND:format(logs), patience = SLOWNESS }
        return running
    end

    local function wait_for_end(host)
        eventually(function() return not host:is_alive() end, SLOWNESS, "nginx ended")
    end

    after_each(function()
        if running then running:stop() end
        running = nil
    end)

    it("nothing is left of calls that were given up", function()
        local logs = new_logs()
        local host = start(logs)
        assert.equal("killed", get(host, "/killed"))
        assert.equal("cancelled", get(host, "/loop"))
        assert.equal("timeout", get(host, "/timed_out"))
        assert.equal("ok", get(host, "/fresh?fault=slow:0"))
        -- clients that go away
        for _, path in ipairs { "/call?fault=slow:2", "/fresh?fault=stalled_body" } do
            for _, con in ipairs(begin(host, path, 3)) do con:close() end
        end
        eventually(function() return under_way(host) == 0 end, SLOWNESS, "became idle")
        -- a worker that is replaced
        get(host, "/timer")
        local calls, worker = begin(host, "/call?fault=slow:3", 3), host:workers()[1]
        host:signal "HUP"
        for _, con in ipairs(calls) do assert.equal("ok", finish(con)) end
        eventually(function() return not server.is_running(worker) end, SLOWNESS, "it ended")
        -- and one that is told to end at once
        begin(host, "/call?fault=stalled_body", 3)
        begin(host, "/fresh?fault=stalled_body", 3)
        assert.equal(3, under_way(host))
        host:signal "TERM"
        wait_for_end(host)
        local _, processes = peer.shell("ls " .. logs .. ".*"):gsub("\n", "")
        assert.equal(3, processes)
        assert_nothing_of_ours(logs)
    end)

    it("what is left would be seen", function()
        local logs = new_logs()
        local host = start(logs, { lua_cpath = forgetful_core "5.1" .. ";;" })
        assert.equal("killed", get(host, "/killed"))
        host:signal "TERM"
        wait_for_end(host)
        local found = table.concat(ours_in(logs), "\n\n")
        assert.truthy(found:find "definitely lost", found)
        assert.truthy(found:find("bytes_append", 1, true), found)
    end)
end)
