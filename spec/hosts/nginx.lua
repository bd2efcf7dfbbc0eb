--- cloudcal in a real nginx: workers, phases, signals, shared tokens and limits.

local core = require "cloudcal.core"
local files = require "spec.files"
local json = require "cloudcal.json"
local redis_server = require "spec.redis_server"
local sandboxes = require "cloudcal.sandbox"
local server = require "spec.hosts.nginx_server"
local socket = require "socket"

local sandbox, strict -- the second one counts calls
local eventually = server.eventually

-- What every worker gets: clients, and a note of how a call ended.
local LIBRARY = [[
lua_shared_dict cloudcal 1m;
lua_shared_dict notes 1m;
init_by_lua_block {
    cloudcal = require "cloudcal"
    function options(more)
        local given = { base_url = "%(base_url)", ca_file = "%(ca_file)", rate_limit = false,
            user_access_token = "%(user_token)" }
        for name, value in pairs(more or {}) do given[name] = value end
        return given
    end
    function slow(seconds)
        return { headers = { ["X-Sandbox-Fault"] = "slow:" .. seconds } }
    end
    function ending(data, err)
        return data and "ok" or err.kind .. " " .. err.message .. " " .. tostring(err.hint)
    end
    function call(seconds, client)
        client = client or cloudcal.feishu(options())
        return ending(client:primary_calendar(slow(seconds or 0)))
    end
    function note(name, text)
        ngx.shared.notes:set(name, text)
    end
    function under_way()
        return tostring(require "cloudcal.core".engine())
    end
    app = { app_id = "%(app_id)", app_secret = "%(app_secret)", user_access_token = false }
    function app_client(more)
        local given = options { app_id = "%(app_id)", app_secret = "%(app_secret)" }
        given.user_access_token = nil
        for name, value in pairs(more or {}) do given[name] = value end
        return cloudcal.feishu(given)
    end
    %(init)
}
]]

local LOCATIONS = [[
lua_check_client_abort on;
location = /fast { content_by_lua_block { ngx.print "fast" } }
location = /call { content_by_lua_block {
    ngx.shared.notes:incr("begun", 1, 0)
    local text = call(ngx.var.arg_slow)
    if text ~= "ok" then ngx.status = 500 end
    ngx.print(text, " ", ngx.worker.pid())
} }
location = /state { content_by_lua_block { collectgarbage() ngx.print(under_way()) } }
location = /note { content_by_lua_block {
    ngx.print(tostring(ngx.shared.notes:get(ngx.var.arg_name)))
} }
]]

local function values_of(box, more)
    local values = {
        base_url = box.feishu.base_url, ca_file = box.ca_file, init = "",
        user_token = box.feishu.user_access_token,
        app_id = box.feishu.app_id, app_secret = box.feishu.app_secret,
    }
    for name, value in pairs(more or {}) do values[name] = value end
    return values
end

local running = {}

local function start(given)
    given = given or {}
    local host = server.start {
        workers = given.workers, main = given.main, listen = given.listen,
        http = LIBRARY .. (given.http or ""), server = LOCATIONS .. (given.server or ""),
        values = values_of(given.sandbox or sandbox, given.values),
    }
    running[#running + 1] = host
    return host
end

-- {======================================================
-- Requests to nginx, by the core alone
-- =======================================================}

local function submit(url, method, ca_file)
    return assert(core.engine():submit {
        url = url, method = method or "GET", user_agent = "spec", timeout = 40,
        connect_timeout = 10, max_response_bytes = 16777216, max_connections = 1000,
        plain_http = not ca_file, ca_file = ca_file, fresh = not ca_file,
    })
end

local function finish(transfer)
    local deadline = core.now() + 45
    while not transfer:done() do
        assert(core.now() < deadline, "a request does not end")
        core.engine():step(1)
    end
    local status, head, body = transfer:take()
    local _, _, _, _, total = transfer:timings()
    return { status = status, head = head, body = status and body or head, seconds = total }
end

local function begin(host, path, count)
    local transfers = {}
    for i = 1, count do transfers[i] = submit(host.base_url .. path) end
    return transfers
end

local function let_go_on(seconds)
    local deadline = core.now() + seconds
    while core.now() < deadline do
        if core.engine():step(deadline - core.now()) == 0 then break end
    end
    core.sleep(math.max(0, deadline - core.now()))
end

-- Requests whose calls are under way, in whatever worker.
local function under_way(host, path, count)
    local function begun()
        local transfer = submit(host.base_url .. "/note?name=begun")
        while not transfer:done() do core.engine():step(1) end
        return tonumber((select(3, transfer:take()))) or 0
    end
    local before = begun()
    local transfers = begin(host, path, count)
    eventually(function() return begun() == before + count end, 20, "began the calls")
    return transfers
end

local function finish_all(transfers)
    local answers = {}
    for i, transfer in ipairs(transfers) do answers[i] = finish(transfer) end
    return answers
end

local function get(host, path)
    return finish(submit(host.base_url .. path))
end

local function assert_all_ok(answers)
    for _, answer in ipairs(answers) do
        assert.equal(200, answer.status, answer.body)
        assert.truthy(answer.body:find("^ok"), answer.body)
    end
end

local function pids_of(answers)
    local seen, count = {}, 0
    for _, answer in ipairs(answers) do
        local pid = answer.body:match("(%d+)$")
        if not seen[pid] then seen[pid], count = true, count + 1 end
    end
    return count
end

local function control(box, method, path)
    local answer = finish(submit(box.feishu.base_url .. path, method, box.ca_file))
    assert.equal(200, answer.status)
    return json.decode(answer.body)
end

local function queue_fault(box, name)
    local transfer = core.engine():submit {
        url = box.feishu.base_url .. "/_sandbox/faults", method = "POST",
        body = json.encode { name },
        user_agent = "spec", timeout = 10, connect_timeout = 10, max_response_bytes = 65536,
        max_connections = 1000, ca_file = box.ca_file,
    }
    assert.equal(200, finish(transfer).status)
end

local function wait_until_idle(host)
    eventually(function()
        return get(host, "/state").body:find("(0 under way)", 1, true)
    end, 20, "became idle")
end

local function assert_no_crash(host)
    local log = host:log()
    assert.falsy(log:find("exited on signal", 1, true), log)
    assert.falsy(log:find("[crit]", 1, true), log)
    assert.falsy(log:find("[emerg]", 1, true), log)
end

local function assert_clean(host)
    assert_no_crash(host)
    assert.falsy(host:log():find("[error]", 1, true), host:log())
end

-- A client that goes away after a while without reading.
local function call_and_leave(host, path, seconds)
    local con = assert(socket.connect("127.0.0.1", host.port))
    con:send(("GET %s HTTP/1.1\r\nHost: x\r\n\r\n"):format(path))
    core.sleep(seconds)
    con:close()
end

describe("in nginx", function()
    setup(function()
        sandbox = assert(sandboxes.start { rate = false })
        -- calls are counted when they arrive, which jitters on a busy machine: 75 leaves room for
        -- that, and none for a second worker that takes 50 for itself
        strict = assert(sandboxes.start { rate = { per_second = 75, per_minute = 1000 } })
    end)

    teardown(function()
        sandbox.stop()
        strict.stop()
    end)

    after_each(function()
        for i, host in ipairs(running) do
            host:stop()
            running[i] = nil
        end
    end)

    it("serves others while 50 calls wait, in two workers", function()
        local host = start { workers = 2, listen = "reuseport" }
        finish_all(begin(host, "/call", 20))
        local calls, fast = begin(host, "/call?slow=0.3", 50), {}
        let_go_on(0.02)
        while not calls[50]:done() do fast[#fast + 1] = get(host, "/fast").seconds end
        local answers = finish_all(calls)
        assert_all_ok(answers)
        assert.equal(2, pids_of(answers))
        table.sort(fast)
        assert.is_true(fast[math.ceil(#fast / 2)] < 0.2, "median " .. fast[math.ceil(#fast / 2)])
        assert_clean(host)
    end)

    it("has 200 calls under way at once", function()
        local host = start()
        local started = core.now()
        assert_all_ok(finish_all(begin(host, "/call?slow=0.1", 200)))
        assert.is_true(core.now() - started < 10)
        wait_until_idle(host)
        assert_clean(host)
    end)

    describe("phases", function()
        local PHASES = [[
        location = /rewrite {
            rewrite_by_lua_block { ngx.ctx.text = call(0.05) }
            content_by_lua_block { ngx.print(ngx.ctx.text) }
        }
        location = /access {
            access_by_lua_block { ngx.ctx.text = call(0.05) }
            content_by_lua_block { ngx.print(ngx.ctx.text) }
        }
        location = /timer { content_by_lua_block {
            ngx.timer.at(0, function() note("timer", call(0.05)) end)
            ngx.timer.at(0.05, function() note("late_timer", call(0.05)) end)
        } }
        location = /phases {
            set_by_lua_block $unused { try "set" return "" }
            content_by_lua_block { ngx.print "content" }
            header_filter_by_lua_block { try "header_filter" }
            body_filter_by_lua_block { if ngx.arg[2] then try "body_filter" end }
            log_by_lua_block { try "log" }
        }
        location = /balancer { proxy_pass http://balanced; }
        location = /sort { content_by_lua_block {
            local text, slept
            table.sort({ 2, 1 }, function(a, b)
                text = text or call()
                slept = slept or select(2, cloudcal.sleep(0.01))
                return a < b
            end)
            ngx.print(text, " ", slept.kind)
        } }
        ]]
        local BALANCER = [[
        upstream balanced {
            server 0.0.0.1;
            balancer_by_lua_block {
                try "balancer"
                require "ngx.balancer".set_current_peer("127.0.0.1", %(port))
            }
        }
        init_worker_by_lua_block { try "init_worker" }
        ]]
        -- what the hint tells to do is done, too
        local TRY = [[
            function try(phase)
                local started = cloudcal_now()
                note(phase, call())
                note(phase .. "_sleep", select(2, cloudcal.sleep(1)).kind)
                note(phase .. "_seconds", cloudcal_now() - started)
                ngx.timer.at(0, function() note(phase .. "_timer", call()) end)
            end
            cloudcal_now = require "cloudcal.core".now
            in_init = call(0.1)
        ]]

        local function note_of(host, name)
            return eventually(function()
                local text = get(host, "/note?name=" .. name).body
                return text ~= "nil" and text
            end, 10, "heard of " .. name)
        end

        it("that may yield wait", function()
            local host = start { server = PHASES, http = BALANCER, values = { init = TRY } }
            assert.equal("ok", get(host, "/rewrite").body)
            assert.equal("ok", get(host, "/access").body)
            get(host, "/timer")
            assert.equal("ok", note_of(host, "timer"))
            assert.equal("ok", note_of(host, "late_timer"))
            assert_clean(host)
        end)

        it("that may not yield give cannot_wait at once, and a hint that helps", function()
            local host = start { server = PHASES, http = BALANCER, values = { init = TRY } }
            get(host, "/phases")
            get(host, "/balancer")
            for _, phase in ipairs { "set", "header_filter", "body_filter", "log", "balancer",
                "init_worker" } do
                local text = note_of(host, phase)
                assert.truthy(text:find("^cannot_wait the nginx phase " .. phase), text)
                assert.truthy(text:find("ngx.timer.at(0", 1, true), text)
                assert.equal("cannot_wait", note_of(host, phase .. "_sleep"))
                assert.is_true(tonumber(note_of(host, phase .. "_seconds")) < 1)
                assert.equal("ok", note_of(host, phase .. "_timer"))
            end
            assert_no_crash(host)
        end)

        it("cannot wait inside a callback of sort", function()
            local host = start { server = PHASES, http = BALANCER, values = { init = TRY } }
            local text = get(host, "/sort").body
            assert.truthy(text:find("^cannot_wait the nginx phase content in a callback"), text)
            assert.truthy(text:find("cannot_wait$"), text)
            assert_clean(host)
        end)
    end)

    local function workers_ended(pids)
        return eventually(function()
            for _, pid in ipairs(pids) do
                if server.is_running(pid) then return false end
            end
            return true
        end, 15, "old workers ended")
    end

    describe("init_by_lua", function()
        local function connections_of(pid, port)
            local own, states = {}, {}
            for inode in io.popen(("ls -l /proc/%d/fd 2>/dev/null"):format(pid)):read("*a")
                :gmatch("socket:%[(%d+)%]") do own[inode] = true end
            for line in io.lines("/proc/net/tcp") do
                local remote, state, inode = line:match(
                    "%d+: %x+:%x+ %x+:(%x+) (%x+) %S+ %S+ %S+%s+%d+%s+%d+ (%d+)")
                if remote and tonumber(remote, 16) == port and own[inode] then
                    states[#states + 1] = state
                end
            end
            return states
        end

        it("may block, and its connection stays the master's", function()
            local port = tonumber(sandbox.feishu.base_url:match(":(%d+)$"))
            control(sandbox, "DELETE", "/_sandbox/requests")
            local host = start { workers = 2, listen = "reuseport",
                values = { init = "in_init = call(0.1)" },
                server = "location = /init { content_by_lua_block { ngx.print(in_init) } }" }
            assert.equal("ok", get(host, "/init").body)
            assert.same({ "01" }, connections_of(host.pid, port))
            assert_all_ok(finish_all(begin(host, "/call?slow=0.05", 20)))
            local requests = control(sandbox, "GET", "/_sandbox/requests")
            assert.equal(21, #requests)
            for i = 2, 21 do assert.not_equal(requests[1].connection, requests[i].connection) end
            local workers = host:workers()
            for _, pid in ipairs(workers) do host:signal("QUIT", pid) end
            workers_ended(workers)
            assert.same({ "01" }, connections_of(host.pid, port))
            assert_no_crash(host)
        end)
    end)

    describe("that ends", function()
        it("finishes the calls under way when it is reloaded", function()
            local host = start { workers = 2, listen = "reuseport" }
            local before = host:workers()
            local calls = under_way(host, "/call?slow=1", 30)
            host:signal "HUP"
            assert_all_ok(finish_all(calls))
            workers_ended(before)
            assert_all_ok(finish_all(begin(host, "/call", 5)))
            assert_clean(host)
        end)

        it("finishes them when it is told to quit, in timers as well", function()
            local host = start { workers = 2, listen = "reuseport", server = [[
            location = /timer { content_by_lua_block {
                ngx.timer.at(0, function()
                    note("ended", call(1))
                    local file = io.open("%(dir)/timer", "w")
                    file:write(ngx.shared.notes:get "ended")
                    file:close()
                end)
                ngx.print "ok"
            } }]] }
            get(host, "/timer")
            local calls = under_way(host, "/call?slow=1", 30)
            host:signal "QUIT"
            assert_all_ok(finish_all(calls))
            eventually(function() return not host:is_alive() end, 15, "nginx ended")
            assert.equal("ok", files.read(host.dir .. "/timer"))
            assert_clean(host)
        end)

        it("does not hang when it is terminated", function()
            local host = start { workers = 2, listen = "reuseport" }
            local calls = under_way(host, "/call?slow=30", 30)
            host:signal "TERM"
            eventually(function() return not host:is_alive() end, 15, "nginx ended")
            for _, answer in ipairs(finish_all(calls)) do assert.is_nil(answer.status) end
            assert_no_crash(host)
        end)
    end)

    describe("leaves nothing behind", function()
        local function busy_seconds(host, seconds)
            local before = 0
            for _, pid in ipairs(host:workers()) do before = before + server.cpu(pid) end
            core.sleep(seconds)
            local after = 0
            for _, pid in ipairs(host:workers()) do after = after + server.cpu(pid) end
            return after - before
        end

        it("of calls whose client goes away", function()
            local host = start()
            finish_all(begin(host, "/call", 25))
            for _ = 1, 20 do call_and_leave(host, "/call?slow=0.6", 0.02) end
            assert.truthy(get(host, "/state").body:find "[1-9]%d* under way")
            wait_until_idle(host)
            assert.is_true(busy_seconds(host, 1) < 0.02)
            assert_all_ok(finish_all(begin(host, "/call", 5)))
            assert_no_crash(host)
        end)

        it("of a token that was being fetched for one who goes away", function()
            local host = start { server = [[
            location = /app { content_by_lua_block { ngx.print(call(0, app_client())) } }
            location = /map { content_by_lua_block {
                local results = cloudcal.map({ 1 }, function() return call(0, app_client()) end)
                ngx.print(results[1])
            } }]] }
            for _, path in ipairs { "/app", "/map" } do
                control(sandbox, "DELETE", "/_sandbox/requests")
                queue_fault(sandbox, "slow:1")
                call_and_leave(host, path, 0.2)
                local answer = get(host, "/app")
                assert.equal("ok", answer.body)
                assert.is_true(answer.seconds < 5, "took " .. answer.seconds)
                host:signal("KILL", host:workers()[1])
                eventually(function()
                    local answered = pcall(get, host, "/fast")
                    return answered and get(host, "/fast").body == "fast"
                end)
            end
        end)

        it("when nothing is under way: an idle worker does not poll", function()
            local host = start { workers = 2, listen = "reuseport" }
            assert_all_ok(finish_all(begin(host, "/call", 20)))
            core.sleep(0.2)
            assert.is_true(busy_seconds(host, 2) < 0.02)
        end)

        it("of 500 calls: no descriptor", function()
            local host = start { http = "keepalive_timeout 0;" }
            local pid = host:workers()[1]
            local most = server.descriptors(pid) + 32 + 8 -- as many connections, and a few
            for _ = 1, 10 do assert_all_ok(finish_all(begin(host, "/call", 50))) end
            eventually(function() return server.descriptors(pid) <= most end, 5,
                ("%d descriptors, %d expected"):format(server.descriptors(pid), most))
        end)
    end)

    -- One worker is both sides: it answers only if the check lets it.
    it("looks for calendars without blocking, where it may wait", function()
        local host = start { server = [[
        set $xml '<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">';
        set $in "$xml<d:response><d:href>/work/</d:href><d:propstat><d:prop>";
        set $out '</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>';
        set $end "$out</d:multistatus>";
        location = /.well-known/caldav { return 301 /dav/; }
        location = /dav/ {
            set $who "<d:current-user-principal><d:href>/me/</d:href></d:current-user-principal>";
            return 207 "$in$who$end";
        }
        location = /me/ {
            set $home "<c:calendar-home-set><d:href>/home/</d:href></c:calendar-home-set>";
            return 207 "$in$home$end";
        }
        location = /home/ {
            return 207 "$in<d:resourcetype><c:calendar/></d:resourcetype>$end";
        }
        location = /check {
            content_by_lua_block {
                check = check or function()
                    local result, err = cloudcal.caldav.check({ user_name = "u", password = "p",
                        server_address = "http://127.0.0.1:" .. ngx.var.server_port .. "/" },
                        { allow_plain_http = true })
                    return result and "ok " .. result.calendars[1].name or tostring(err)
                end
                ngx.print(check())
            }
            log_by_lua_block { note("check", check()) }
        } ]] }
        for _, answer in ipairs(finish_all(begin(host, "/check", 20))) do
            assert.equal("ok work", answer.body)
        end
        assert.truthy(get(host, "/note?name=check").body:find("cannot_wait", 1, true))
        assert_no_crash(host)
    end)

    it("works with lua_code_cache off", function()
        local host = start { http = "lua_code_cache off; keepalive_timeout 0;" }
        local pid = host:workers()[1]
        assert_all_ok(finish_all(begin(host, "/call?slow=0.05", 10)))
        local before = server.descriptors(pid)
        assert_all_ok(finish_all(begin(host, "/call?slow=0.05", 30)))
        eventually(function() return server.descriptors(pid) <= before + 5 end, 5, "closed them")
        assert_no_crash(host)
    end)

    it("goes on when the library is loaded anew with calls under way", function()
        local host = start { server = [[
        location = /anew { content_by_lua_block {
            local threads = {}
            for i = 1, 5 do threads[i] = ngx.thread.spawn(call, 0.3) end
            for name in pairs(package.loaded) do
                if name:find "^cloudcal" then package.loaded[name] = nil end
            end
            cloudcal = require "cloudcal"
            local again = cloudcal.feishu(options())
            for i = 6, 10 do threads[i] = ngx.thread.spawn(call, 0.3, again) end
            for i = 1, 10 do
                local _, text = ngx.thread.wait(threads[i])
                if text ~= "ok" then return ngx.print(text) end
            end
            ngx.print "ok"
        } }]] }
        for _ = 1, 3 do assert_all_ok(finish_all(begin(host, "/anew", 3))) end
        wait_until_idle(host)
        assert_clean(host)
    end)

    it("steps by itself where nginx has no timer left", function()
        local host = start { http = "lua_max_pending_timers 2; lua_max_running_timers 1;",
            server = [[
        location = /pending { content_by_lua_block {
            repeat until not ngx.timer.at(60, function() end)
            ngx.print(call(0.2))
        } }
        location = /running { content_by_lua_block {
            ngx.timer.at(0, function() ngx.sleep(8) end)
            ngx.sleep(0.05)
            ngx.print(call(0.2))
        } }]] }
        local answer = get(host, "/running")
        assert.equal("ok", answer.body)
        assert.is_true(answer.seconds < 3, "took " .. answer.seconds)
        answer = get(host, "/pending")
        assert.equal("ok", answer.body)
        assert.is_true(answer.seconds < 3, "took " .. answer.seconds)
        assert_all_ok(finish_all(begin(host, "/call?slow=0.1", 20)))
    end)

    it("leaves no error in OpenSSL's queue, where nginx would find it", function()
        local port = sandbox.feishu.base_url:match(":(%d+)$")
        local host = start { values = { sandbox_port = port }, server = [[
        location = /stale { content_by_lua_block {
            local given = options()
            given.ca_file = nil
            local _, err = cloudcal.feishu(given):primary_calendar()
            local con = ngx.socket.tcp()
            assert(con:connect("127.0.0.1", %(sandbox_port)))
            assert(con:sslhandshake(false, "sandbox", false))
            ngx.print(err.kind)
        } }]] }
        assert.equal("tls", get(host, "/stale").body)
        assert.falsy(host:log():find("[alert]", 1, true), host:log())
    end)

    describe("map, loop and sleep", function()
        local SERVER = [[
        location = /map { content_by_lua_block {
            local client, items = cloudcal.feishu(options()), {}
            for i = 1, 16 do items[i] = i end
            local results, errors = cloudcal.map(items, function(i)
                return call(0.2, client) == "ok" and i
            end, { concurrency = 8 })
            local sum = 0
            for i = 1, results.n do sum = sum + results[i] end
            ngx.print(errors and "failed" or "ok ", sum)
        } }
        location = /sleep { content_by_lua_block {
            ngx.print(cloudcal.sleep(0.1) and "ok")
        } }
        location = /loop { content_by_lua_block {
            local loop, texts = cloudcal.loop(), {}
            for i = 1, 5 do
                loop:spawn(function()
                    cloudcal.sleep(0.05)
                    ngx.sleep(0.05)
                    texts[i] = call(0.1)
                end)
            end
            loop:run()
            ngx.print(table.concat(texts, " "))
        } }]]

        it("work in a request", function()
            local host = start { server = SERVER }
            assert.equal("ok", get(host, "/sleep").body)
            local answer = get(host, "/map")
            assert.equal("ok 136", answer.body)
            assert.is_true(answer.seconds < 2, "took " .. answer.seconds)
            assert.equal("ok ok ok ok ok", get(host, "/loop").body)
            assert_clean(host)
        end)

        it("stay apart from each other when tasks wait by nginx's own means", function()
            local host = start { server = [[
            location = /own { content_by_lua_block {
                local loop = cloudcal.loop()
                loop:spawn(function() ngx.sleep(0.3) end)
                loop:run()
            } }
            location = /mixed { content_by_lua_block {
                local loop, texts = cloudcal.loop(), {}
                loop:spawn(function() ngx.sleep(0.3) texts[1] = call(1) end)
                loop:spawn(function() texts[2] = call(1) end)
                loop:run()
                ngx.print(table.concat(texts, " "))
            } }]] }
            local own = begin(host, "/own", 1)
            let_go_on(0.15)
            local answer = get(host, "/mixed")
            finish_all(own)
            assert.equal("ok ok", answer.body, host:log())
            assert.is_true(answer.seconds < 2, "took " .. answer.seconds)
            assert_clean(host)
        end)

        it("work in many requests of one worker at once", function()
            local host = start { server = SERVER }
            for _ = 1, 2 do
                local loops, maps = begin(host, "/loop", 10), begin(host, "/map", 10)
                for _, answer in ipairs(finish_all(loops)) do
                    assert.equal("ok ok ok ok ok", answer.body)
                end
                for _, answer in ipairs(finish_all(maps)) do
                    assert.equal("ok 136", answer.body)
                end
            end
            wait_until_idle(host)
            assert_clean(host)
        end)
    end)

    local STORES = { nginx = "nginx(ngx.shared.cloudcal)", file = 'file "%(dir)/tokens.json"' }
    for name, store in pairs(STORES) do
        it("fetches one token for all workers that share a store: " .. name, function()
            local before = control(sandbox, "GET", "/_sandbox/state").tenant_tokens
            local host = start { workers = 2, listen = "reuseport", server = [[
            location = /shared { content_by_lua_block {
                local client = app_client { store = cloudcal.stores.]] .. store .. [[ }
                ngx.print(call(0, client), " ", ngx.worker.pid())
            } }]] }
            control(sandbox, "DELETE", "/_sandbox/requests")
            queue_fault(sandbox, "slow:0.3")
            local answers = finish_all(begin(host, "/shared", 100))
            assert_all_ok(answers)
            assert.equal(2, pids_of(answers))
            local fetches = 0
            for _, request in ipairs(control(sandbox, "GET", "/_sandbox/requests")) do
                local is_one = request.path:find("tenant_access_token", 1, true)
                if is_one then fetches = fetches + 1 end
            end
            assert.equal(1, fetches)
            assert.is_true(control(sandbox, "GET", "/_sandbox/state").tenant_tokens <= before + 1)
            assert_clean(host)
        end)
    end

    describe("a login that the workers share", function()
        local TOKEN = "/open-apis/authen/v2/oauth/token"

        local LOGIN = [[
        location = /exchange { content_by_lua_block {
            local client = app_client { store = cloudcal.stores.nginx(ngx.shared.cloudcal) }
            ngx.print(ending(client:exchange_code { code = ngx.var.arg_code }))
        } }
        location = /caldav { content_by_lua_block {
            local client = app_client { store = cloudcal.stores.nginx(ngx.shared.cloudcal) }
            ngx.print(ending(client:generate_caldav_conf()), " ", ngx.worker.pid())
        } }
        location = /private { content_by_lua_block {
            ngx.print(ending(app_client():generate_caldav_conf()))
        } }]]

        local function send(path, body)
            return finish(core.engine():submit {
                url = sandbox.feishu.base_url .. path, method = "POST", body = json.encode(body),
                user_agent = "spec", timeout = 10, connect_timeout = 10,
                max_response_bytes = 65536, max_connections = 1000, ca_file = sandbox.ca_file,
            })
        end

        local function refresh_attempts()
            return control(sandbox, "GET", "/_sandbox/state").refresh_attempts
        end

        local function start_with_login()
            local host = start { workers = 2, listen = "reuseport", server = LOGIN }
            local page = finish(submit(sandbox.feishu.base_url .. "/open-apis/authen/v1/authorize"
                .. "?response_type=code&redirect_uri=https%3A%2F%2Fx.example%2F"
                .. "&scope=offline_access&client_id=" .. sandbox.feishu.app_id,
                "GET", sandbox.ca_file))
            assert.equal(302, page.status)
            local code = page.head:match("[?&]code=([^&\r\n]+)")
            assert.equal("ok", get(host, "/exchange?code=" .. code).body)
            send("/_sandbox/revoke", { kind = "user" })
            return host
        end

        it("is renewed once for 100 requests", function()
            local host, before = start_with_login(), refresh_attempts()
            local answers = finish_all(begin(host, "/caldav", 100))
            assert_all_ok(answers)
            assert.equal(2, pids_of(answers))
            assert.equal(before + 1, refresh_attempts())
            assert_clean(host)
        end)

        it("is not lost with the client of the request that renews it", function()
            local host, before = start_with_login(), refresh_attempts()
            send("/_sandbox/faults", { path = TOKEN, names = { "slow:0.6" } })
            call_and_leave(host, "/caldav", 0.3)
            assert_all_ok(finish_all(begin(host, "/caldav", 10)))
            assert.equal(before + 1, refresh_attempts())
        end)

        it("is lost with a worker that is killed while it renews it, and no lock stays", function()
            local host, before = start_with_login(), refresh_attempts()
            send("/_sandbox/faults", { path = TOKEN, names = { "slow:2" } })
            submit(host.base_url .. "/caldav")
            let_go_on(0.01)
            eventually(function() return refresh_attempts() > before end)
            for _, pid in ipairs(host:workers()) do host:signal("KILL", pid) end
            eventually(function()
                local answered = pcall(get, host, "/fast")
                return answered and get(host, "/fast").body == "fast"
            end)
            for _, answer in ipairs(finish_all(begin(host, "/caldav", 5))) do
                assert.truthy(answer.body:find("^login_required the renewal"), answer.body)
            end
            assert.equal(before + 1, refresh_attempts())
        end)

        it("is refused where only one of them would know it", function()
            local host = start { workers = 2, listen = "reuseport", server = LOGIN }
            local answer = get(host, "/private")
            assert.truthy(answer.body:find("^invalid_request the login would be known to one"),
                answer.body)
        end)
    end)

    it("serves others while a write waits for a stopped process", function()
        local host = start { server = [[
        location = /set {
            content_by_lua_block {
                local store = cloudcal.stores.file "%(dir)/tokens.json"
                ngx.print(tostring(select(2, store:set("a", "x", 10))))
            }
            log_by_lua_block {
                local begun = ngx.now()
                local store = cloudcal.stores.file "%(dir)/tokens.json"
                local _, message = store:set("a", "x", 10)
                ngx.update_time()
                note("log", ngx.now() - begun < 0.2 and message)
            }
        }]] }
        local lock = assert(core.lock_file(host.dir .. "/tokens.json.lock"))
        local write = submit(host.base_url .. "/set")
        let_go_on(0.2)
        for _ = 1, 20 do assert.is_true(get(host, "/fast").seconds < 0.5) end
        assert.is_false(write:done())
        local message = host.dir .. "/tokens.json.lock: another process holds this lock"
        assert.equal(message, finish(write).body)
        assert.equal(message, get(host, "/note?name=log").body)
        lock:unlock()
        assert.equal("nil", get(host, "/set").body)
        assert_clean(host)
    end)

    describe("rate limits", function()
        local SERVER = [[
        location = /shared { content_by_lua_block {
            local client = cloudcal.feishu(options {
                rate_limit = cloudcal.stores.nginx(ngx.shared.cloudcal), retry = false })
            ngx.print(ending(client:primary_calendar()), " ", ngx.worker.pid())
        } }
        location = /divided { content_by_lua_block {
            local given = options { retry = false }
            given.rate_limit = nil
            ngx.print(ending(cloudcal.feishu(given):primary_calendar()), " ", ngx.worker.pid())
        } }
        location = /warm { content_by_lua_block {
            local given = slow(0.5)
            given.method, given.path = "GET", "/open-apis/nothing"
            cloudcal.feishu(options()):request(given)
        } }
        location = /over { content_by_lua_block {
            local given = options { rate_limit = { per_minute = 1 } }
            local client = cloudcal.feishu(given)
            client:primary_calendar()
            ngx.sleep(1)
            local started = cloudcal_now()
            local _, err = client:primary_calendar()
            ngx.print(err.name, " ", cloudcal_now() - started < 1 and "at once")
        } }]]
        local INIT = [[cloudcal_now = require "cloudcal.core".now]]

        -- The service forgets after a second what came before.
        local function run(path, count)
            core.sleep(1.1)
            local host = start { sandbox = strict, workers = 2, listen = "reuseport",
                server = SERVER, values = { init = INIT } }
            finish_all(begin(host, "/warm", 100)) -- connections
            local started = core.now()
            local answers = finish_all(begin(host, path, count))
            assert_all_ok(answers)
            assert.equal(2, pids_of(answers))
            return core.now() - started
        end

        it("are kept by all workers together when they share a store", function()
            local seconds = run("/shared", 130)
            assert.is_true(seconds > 1.9 and seconds < 8, "took " .. seconds)
        end)

        it("are divided among workers that share nothing", function()
            assert.is_true(run("/divided", 100) > 0.9)
        end)

        it("let a call wait 5 seconds at most, also with one worker", function()
            local host = start { server = SERVER, values = { init = INIT } }
            assert.equal("own_rate_limit at once", get(host, "/over").body)
        end)
    end)

    it("keeps in a full dictionary what is stored, and has room again later", function()
        local host = start {
            http = "lua_shared_dict small 64k;",
            server = [[
            location = /fill { content_by_lua_block {
                local store = cloudcal.stores.nginx(ngx.shared.small)
                local short = { { count = 1e6, seconds = 0.1 } }
                local long = { { count = 9, seconds = 1 } }
                assert(store:set("login", ("x"):rep(1000), 1000))
                for i = 1, 3000 do
                    store:reserve("k", short, 0)
                    if i % 10 == 0 then store:reserve("key " .. i, long, 0) end
                end
                ngx.print(tostring(store:set("more", ("y"):rep(3000), 1000)))
            } }
            location = /login { content_by_lua_block {
                ngx.print(#(cloudcal.stores.nginx(ngx.shared.small):get "login" or ""))
            } }
            location = /more { content_by_lua_block {
                local store = cloudcal.stores.nginx(ngx.shared.small)
                local stored = store:set("more", ("y"):rep(3000), 1000)
                local limits, waits = { { count = 2, seconds = 10 } }, {}
                for i = 1, 3 do waits[i] = math.ceil((store:reserve("k", limits, 60))) end
                ngx.print(tostring(stored), " ", table.concat(waits, " "))
            } }]],
        }
        assert.equal("nil", get(host, "/fill").body)
        assert.equal("1000", get(host, "/login").body)
        core.sleep(6.5) -- what is counted lasts so long
        assert.equal("true 0 0 10", get(host, "/more").body)
        assert.equal("1000", get(host, "/login").body)
        assert_clean(host)
    end)

    describe("a Redis server, by nginx's own client,", function()
        local INIT = [[
        shared = cloudcal.redis { prefix = "nginx:", processes = 2, connect = function()
            local client = require "nginx.redis":new()
            client:set_timeout(100)
            local connected, problem = client:connect("127.0.0.1", %(redis_port))
            return connected and client, problem
        end }
        at_init = select(3, shared:get "a")]]
        local SERVER = [[
        location = /token { content_by_lua_block {
            ngx.print(call(0, app_client { store = shared }), " ", ngx.worker.pid())
        } }
        location = /rate { content_by_lua_block {
            local client = cloudcal.feishu(options { rate_limit = shared, retry = false })
            ngx.print(ending(client:primary_calendar()), " ", ngx.worker.pid())
        } }
        location = /at_init { content_by_lua_block { ngx.print(tostring(at_init)) } }
        location = /get {
            content_by_lua_block {
                shared:set("key", "value", 10)
                ngx.print(tostring((shared:get "key")))
            }
            log_by_lua_block { note("log", tostring(select(3, shared:get "key"))) }
        }]]
        local redis

        before_each(function() redis = redis_server.start() end)
        after_each(function() redis:kill() end)

        local function begin_host(box)
            local init = INIT:gsub("%%%(redis_port%)", redis.port)
            return start { sandbox = box, workers = 2, listen = "reuseport", server = SERVER,
                values = { init = init } }
        end

        local function requests_with(text)
            local count = 0
            for _, request in ipairs(control(sandbox, "GET", "/_sandbox/requests")) do
                if request.path:find(text, 1, true) then count = count + 1 end
            end
            return count
        end

        it("brings one token to all workers", function()
            local host = begin_host(sandbox)
            control(sandbox, "DELETE", "/_sandbox/requests")
            queue_fault(sandbox, "slow:0.3")
            local answers = finish_all(begin(host, "/token", 100))
            assert_all_ok(answers)
            assert.equal(2, pids_of(answers))
            assert.equal(1, requests_with "tenant_access_token")
            assert_clean(host)
        end)

        it("lets all workers together keep the rate", function()
            core.sleep(1.1)
            local host = begin_host(strict)
            finish_all(begin(host, "/call", 20)) -- connections
            core.sleep(1.1)
            local started = core.now()
            local answers = finish_all(begin(host, "/rate", 130))
            local seconds = core.now() - started
            assert_all_ok(answers)
            assert.equal(2, pids_of(answers))
            assert.is_true(seconds > 1.9 and seconds < 8, "took " .. seconds)
            assert_clean(host)
        end)

        it("is away in phases without sockets, and only there", function()
            local host = begin_host(sandbox)
            assert.equal("value", get(host, "/get").body)
            eventually(function()
                return get(host, "/note?name=log").body:find("^Redis is away: ")
            end, 5, "heard of it in the log phase")
            assert.truthy(get(host, "/at_init").body:find("^Redis is away: "))
            for _ = 1, 20 do assert.equal("value", get(host, "/get").body) end
        end)

        it("may be paused, killed and started again", function()
            local host = begin_host(sandbox)
            assert_all_ok(finish_all(begin(host, "/token", 20)))
            redis:signal "STOP"
            local answers = finish_all(begin(host, "/rate", 20))
            assert_all_ok(answers)
            for _, answer in ipairs(answers) do assert.is_true(answer.seconds < 4) end
            redis:kill()
            assert_all_ok(finish_all(begin(host, "/rate", 10)))
            assert_all_ok(finish_all(begin(host, "/token", 10)))
            redis:start_again()
            eventually(function() return get(host, "/get").body == "value" end, 10, "came back")
            assert_all_ok(finish_all(begin(host, "/token", 20)))
            assert.equal(1, redis:ask("EXISTS", "nginx:key"))
            wait_until_idle(host)
            assert_no_crash(host)
        end)

        it("is reached by connections that are used again", function()
            local host = begin_host(sandbox)
            for _ = 1, 50 do assert.equal("value", get(host, "/get").body) end
            local _, _, connections = redis:ask("INFO", "stats")
                :find("total_connections_received:(%d+)")
            assert.is_true(tonumber(connections) < 20, connections)
        end)
    end)

    it("is refused by a host that has half an OpenSSL inside", function()
        local pipe = io.popen([[
            export LUA_PATH="$PWD/lua/?.lua;$PWD/lua/?/init.lua;;" LUA_CPATH="$PWD/build/5.4/?.so;;"
            unset LUA_PATH_5_4 LUA_CPATH_5_4
            dir=$(mktemp -d)
            echo 'void *SSL_CTX_new(void *m) { (void)m; return 0; }' >"$dir/part.c"
            cc -shared -fPIC -o "$dir/part.so" "$dir/part.c"
            LD_PRELOAD="$dir/part.so" lua5.4 -e 'print(pcall(require, "cloudcal"))'
            rm -r "$dir"]])
        local text = pipe:read "*a"
        pipe:close()
        assert.truthy(text:find("^false%s+cloudcal: %S+/part.so has a part of an OpenSSL"), text)
        assert.truthy(text:find("libssl.so: link both", 1, true), text)
    end)

    it("runs the example", function()
        local port = server.free_port()
        local pipe = io.popen(([[
            export LUA_PATH="$PWD/lua/?.lua;$PWD/lua/?/init.lua;;" LUA_CPATH="$PWD/build/5.1/?.so;;"
            export LUA_PATH_5_4="$LUA_PATH" LUA_CPATH_5_4="$PWD/build/5.4/?.so;;"
            unset FEISHU_APP_ID
            PORT=%d sh examples/nginx/run.sh >/dev/null 2>&1 & echo $!]]):format(port))
        local pid = tonumber(pipe:read "*l")
        pipe:close()
        local url = "http://127.0.0.1:" .. port
        eventually(function() return finish(submit(url .. "/alive")).status == 200 end, 15,
            "started the example")
        local answer = finish(submit(url .. "/calendar"))
        assert.equal(200, answer.status, answer.body)
        assert.equal("primary", json.decode(answer.body).type)
        os.execute("kill " .. pid)
        eventually(function() return not server.is_running(pid) end, 10, "ended the example")
        assert.is_nil(finish(submit(url .. "/alive")).status)
    end)
end)
