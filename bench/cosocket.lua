--- A raw cosocket loop in an nginx worker of its own, and cloudcal in the same place. A floor for
-- what nginx can do, not a client: nothing chunked, no retry, no verdict.

local process = require "bench.process"
local server = require "spec.hosts.nginx_server"
local socket = require "socket"

local cosocket = {}

local HTTP = [[
    lua_ssl_trusted_certificate %(ca_file);
    lua_ssl_protocols TLSv1.3;
    lua_socket_log_errors off;
    init_by_lua_block {
        local cloudcal, cjson = require "cloudcal", require "cjson"
        local lark = cloudcal.lark {
            base_url = "https://127.0.0.1:%(upstream)", ca_file = "%(ca_file)",
            tenant_access_token = "t-bench", max_connections = 512,
            rate_limit = { per_second = 1e6, per_minute = 1e8 },
        }
        local REQUEST = "POST /open-apis/calendar/v4/calendars/primary HTTP/1.1\r\n"
            .. "Host: 127.0.0.1:%(upstream)\r\nUser-Agent: bench\r\nAccept: */*\r\n"
            .. "Authorization: Bearer t-bench\r\nContent-Length: 0\r\n\r\n"

        call = {}

        function call.cloudcal()
            local primary = lark:primary_calendar()
            return primary and primary.calendar.calendar_id
        end

        function call.cosocket()
            local con = ngx.socket.tcp()
            con:settimeouts(5000, 5000, 5000)
            assert(con:connect("127.0.0.1", %(upstream), { pool_size = 512 }))
            if con:getreusedtimes() == 0 then
                assert(con:sslhandshake(nil, "localhost", true))
            end
            assert(con:send(REQUEST))
            local length
            repeat
                local line = assert(con:receive "*l")
                length = length or tonumber(line:match "^[Cc]ontent%-[Ll]ength: (%d+)")
            until line == ""
            local body = cjson.decode(assert(con:receive(length)))
            con:setkeepalive(60000, 512)
            return body.data.calendars[1].calendar.calendar_id
        end
    }]]

-- GET /NAME?at_once=N&calls=N answers with how many failed.
local SERVER = [[
    location ~ ^/(\w+)$ { content_by_lua_block {
        local one, total = call[ngx.var[1] ], tonumber(ngx.var.arg_calls)
        local begun, failed, threads = 0, 0, {}
        for i = 1, tonumber(ngx.var.arg_at_once) do
            threads[i] = ngx.thread.spawn(function()
                while begun < total do
                    begun = begun + 1
                    local ok, id = pcall(one)
                    if not (ok and id) then failed = failed + 1 end
                end
            end)
        end
        for _, thread in ipairs(threads) do ngx.thread.wait(thread) end
        ngx.say("failed ", failed)
    } }]]

local function ask(host, name, at_once, calls)
    local con = assert(socket.connect("127.0.0.1", host.port))
    con:settimeout(120)
    con:send(("GET /%s?at_once=%d&calls=%d HTTP/1.0\r\n\r\n"):format(name, at_once, calls))
    local failed = tonumber((con:receive "*a" or ""):match "failed (%d+)")
    con:close()
    return assert(failed, "nginx did not answer: " .. host:log())
end

local function peak_of(pid)
    for line in io.lines(("/proc/%d/status"):format(pid)) do
        local rss = line:match "^VmHWM:%s*(%d+)"
        if rss then return tonumber(rss) end
    end
end

--- Runs one of the two for a while, as process.run runs a program.
-- @param name "cosocket" or "cloudcal"
function cosocket.run(name, url, ca_file, at_once, warm, calls)
    local cpu = process.client_cpu
    local host = server.start {
        values = { ca_file = ca_file, upstream = url:match ":(%d+)$" }, http = HTTP,
        server = SERVER, under = cpu and "taskset -c " .. cpu,
    }
    local ok, result = pcall(function()
        local failed = ask(host, name, at_once, warm)
        local pid, began = host:workers()[1], socket.gettime()
        local before = server.cpu(pid)
        failed = failed + ask(host, name, at_once, calls)
        return {
            calls = calls, wall = socket.gettime() - began, cpu = server.cpu(pid) - before,
            failed = failed, rss = peak_of(pid),
        }
    end)
    host:stop()
    if not ok then error(result, 0) end
    assert(result.failed == 0, name .. " in nginx failed")
    return result
end

return cosocket
