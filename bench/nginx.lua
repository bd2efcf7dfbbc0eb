--- cloudcal in one nginx worker beside a raw cosocket that does the same: throughput, latency of
-- an unrelated location, CPU per call. Prints one line for each measurement; other load on the
-- machine spoils them. Needs nginx with its Lua module, wrk, lua-socket.

local core = require "cloudcal.core"
local server = require "spec.hosts.nginx_server"
local socket = require "socket"
local statistics = require "bench.statistics"

local nginx = {}

local ANSWER = [[{"code":0,"msg":"success","data":{"calendars":[{"calendar":{]]
    .. [["calendar_id":"feishu.cn_bench@group.calendar.feishu.cn","summary":"Bench",]]
    .. [["permissions":"private","type":"primary","role":"owner"},"user_id":"ou_bench"}]}}]]
local PRIMARY = "/open-apis/calendar/v4/calendars/primary"

local function execute(command)
    assert(os.execute(command .. " >/dev/null 2>&1"), command)
end

local function certificates()
    local dir = os.tmpname()
    os.remove(dir)
    execute("mkdir " .. dir)
    execute(("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
        .. "-subj /CN=bench -addext subjectAltName=IP:127.0.0.1,DNS:bench "
        .. "-keyout %s/key -out %s/cert"):format(dir, dir))
    return dir
end

-- The service: an answer of fixed text, after the time that the path names in milliseconds.
local function start_upstream(dir)
    return server.start {
        listen = "ssl backlog=4096", values = { certs = dir },
        http = "ssl_certificate %(certs)/cert; ssl_certificate_key %(certs)/key;",
        server = ([[
        location ~ ^/(\d+)/ {
            default_type application/json;
            content_by_lua_block {
                ngx.req.read_body()
                ngx.sleep(ngx.var[1] / 1000)
                local text = [=[%s]=]
                ngx.header["Content-Length"] = #text
                ngx.header["X-Tt-Logid"] = "2026112120372900000000000000000000"
                ngx.print(text)
            }
        }]]):format(ANSWER),
    }
end

local function start_host(dir, upstream)
    return server.start {
        values = { certs = dir, upstream = upstream.port },
        http = [[
        lua_ssl_trusted_certificate %(certs)/cert;
        lua_socket_log_errors off;
        init_by_lua_block {
            local cloudcal = require "cloudcal"
            clients = {}
            for _, ms in ipairs { "0", "50", "100" } do
                clients[ms] = cloudcal.feishu {
                    base_url = "https://127.0.0.1:%(upstream)/" .. ms,
                    ca_file = "%(certs)/cert", user_access_token = "u-bench",
                    rate_limit = { per_second = 1e6, per_minute = 1e8 }, max_connections = 256,
                }
            end
        }]],
        server = ([[
        location = /fast { content_by_lua_block { ngx.print "ok" } }
        location ~ ^/cloudcal/(\d+)$ { content_by_lua_block {
            local client = clients[ngx.var[1] ]
            local data, err = client:primary_calendar()
            if not data then ngx.status = 502 end
            ngx.print(data and data.calendar.calendar_id or tostring(err))
        } }
        location ~ ^/cosocket/(\d+)$ { content_by_lua_block {
            local con = ngx.socket.tcp()
            con:settimeouts(5000, 5000, 5000)
            assert(con:connect("127.0.0.1", %%(upstream), { pool_size = 256 }))
            if con:getreusedtimes() == 0 then
                assert(con:sslhandshake(false, "bench", true))
            end
            assert(con:send { "POST /", ngx.var[1], "%s HTTP/1.1\r\n",
                "Host: 127.0.0.1\r\nAuthorization: Bearer u-bench\r\nUser-Agent: bench\r\n",
                "Accept: */*\r\nContent-Length: 0\r\n\r\n" })
            local length
            repeat
                local line = assert(con:receive "*l")
                length = length or tonumber(line:match "^[Cc]ontent%%-[Ll]ength: (%%d+)")
            until line == ""
            local body = assert(con:receive(length))
            con:setkeepalive(60000, 256)
            local data = require "cjson".decode(body)
            ngx.print(data.data.calendars[1].calendar.calendar_id)
        } }]]):format(PRIMARY),
    }
end

local function wrk(host, path, connections, seconds)
    return io.popen(("wrk -t1 -c%d -d%d --timeout 10s --latency %s%s 2>&1")
        :format(connections, seconds, host.base_url, path))
end

-- The times that GET /fast takes, one each 10 ms, on one connection.
local function sample(host, seconds)
    local con = assert(socket.connect("127.0.0.1", host.port))
    con:setoption("tcp-nodelay", true)
    local times, ending = {}, core.now() + seconds
    while core.now() < ending do
        local started = core.now()
        con:send "GET /fast HTTP/1.1\r\nHost: x\r\n\r\n"
        repeat local line = con:receive "*l" until line == "0"
        con:receive "*l"
        times[#times + 1] = core.now() - started
        core.sleep(0.01)
    end
    con:close()
    table.sort(times)
    return times
end

local function percentile(times, part)
    return times[math.max(1, math.ceil(#times * part))] * 1000
end

-- The worker's CPU without that of the samples: those are measured alone before.
local function measure(host, path, connections, ms, seconds)
    local pid = host:workers()[1]
    wrk(host, path, connections, 1):read "*a" -- warm
    local started, cpu_before, waited_before = core.now(), server.cpu(pid)
    local load = wrk(host, path, connections, seconds)
    local times = sample(host, seconds - 0.5)
    local text = load:read "*a"
    load:close()
    local elapsed, cpu, waited = core.now() - started, server.cpu(pid)
    cpu, waited = cpu - cpu_before, waited - waited_before
    local calls = tonumber(text:match "(%d+) requests in")
    local rate = tonumber(text:match "Requests/sec:%s+([%d.]+)")
    local failed = tonumber(text:match "Non%-2xx or 3xx responses: (%d+)") or 0
    assert(failed == 0, path .. " failed")
    local result = {
        rate = rate, ideal = ms > 0 and connections * 1000 / ms or rate,
        cpu = cpu / calls * 1000, p99 = percentile(times, 0.99),
    }
    print(("    %-15s %3d x %3d ms  %6.0f/s = %5.1f %% of ideal  p50 %s p99 %s  "
        .. "cpu %.3f ms/call (worker %2.0f %%, kept waiting "
        .. "%2.0f %%)  /fast p50 %.2f p99 %.2f max %.2f ms"):format(
        path, connections, ms, rate, rate / result.ideal * 100,
        text:match "50%%%s+(%S+)", text:match "99%%%s+(%S+)", result.cpu, cpu / elapsed * 100,
        waited / elapsed * 100, percentile(times, 0.5), result.p99, percentile(times, 1)))
    return result
end

-- One after the other, rounds times: what cloudcal does and what the cosocket does.
local function in_turn(host, connections, ms, seconds, rounds)
    local list = {}
    for i = 1, rounds do
        list[i] = {
            raw = measure(host, "/cosocket/" .. ms, connections, ms, seconds),
            own = measure(host, "/cloudcal/" .. ms, connections, ms, seconds),
        }
    end
    return list
end

local function row(what, list, figure, format, target)
    return { what = "nginx, " .. what, figure = statistics.summary_of(list, figure),
             format = format, target = target }
end

local function of_throughput(one) return one.own.rate / one.raw.rate end

local function run(host, seconds, rounds, other_rounds)
    local fifty = in_turn(host, 50, 100, seconds, other_rounds)
    local many = in_turn(host, 200, 50, seconds, rounds)
    local at_once = in_turn(host, 200, 0, seconds, other_rounds)
    return {
        row("50 at once, 100 ms: throughput, of the ideal", fifty,
            function(one) return one.own.rate / one.own.ideal end, "%.3f×", { at_least = 0.95 }),
        row("the same of the cosocket", fifty,
            function(one) return one.raw.rate / one.raw.ideal end, "%.3f×"),
        row("50 at once, 100 ms: p99 of another location, ms", fifty,
            function(one) return one.own.p99 end, "%.1f", { below = 5 }),
        row("the same beside the cosocket", fifty, function(one) return one.raw.p99 end, "%.1f"),
        row("50 at once, 100 ms: CPU of a call, ms", fifty,
            function(one) return one.own.cpu end, "%.2f", { at_most = 0.4 }),
        row("50 at once, 100 ms: CPU, of the cosocket's", fifty,
            function(one) return one.own.cpu / one.raw.cpu end, "%.2f×", { at_most = 4 }),
        row("200 at once, 50 ms: throughput, of the cosocket's", many, of_throughput, "%.2f×",
            { at_least = 0.85 }),
        row("200 at once, no delay: throughput, of the cosocket's", at_once, of_throughput,
            "%.2f×"),
    }
end

--- Measures.
-- @param seconds of each load
-- @param rounds how often for the row that is compared with the cosocket
-- @param other_rounds how often for the others
-- @return rows as bench/report.lua has them
function nginx.run(seconds, rounds, other_rounds)
    local dir = certificates()
    local upstream = start_upstream(dir)
    local host = start_host(dir, upstream)
    local ok, result = xpcall(run, debug.traceback, host, seconds, rounds, other_rounds)
    local complaint = host:log():match "[^\n]*%[error%][^\n]*"
    host:stop()
    upstream:stop()
    os.execute("rm -rf " .. dir)
    if complaint then print(complaint) end
    if not ok then error(result, 0) end
    return result
end

return nginx
