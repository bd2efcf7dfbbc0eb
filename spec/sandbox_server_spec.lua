local context = require "openssl.ssl.context"
local errno = require "cqueues.errno"
local files = require "spec.files"
local json = require "cloudcal.json"
local lua = require "spec.lua"
local sandbox = require "cloudcal.sandbox"
local socket = require "cqueues.socket"
local store = require "openssl.x509.store"
local support = require "spec.support"
local verify_param = require "openssl.x509.verify_param"
local x509 = require "openssl.x509"

local PRIMARY = "/open-apis/calendar/v4/calendars/primary"
local CALDAV = "/open-apis/calendar/v4/settings/generate_caldav_conf"

-- The interpreter of the sandbox, for a shell.
local function lua_command() return lua.command_54() .. " " end

local read_file = files.find

-- A client that trusts one authority and hides nothing: bytes out, bytes in.
local function trusting(ca_text, host)
    local ctx = context.new("TLS", false)
    local trusted = store.new()
    trusted:add(x509.new(ca_text))
    ctx:setStore(trusted)
    ctx:setVerify(context.VERIFY_PEER)
    local param = verify_param.new()
    if host then param:setHost(host) else param:setIP("127.0.0.1") end
    ctx:setParam(param)
    return ctx
end

local function connect_plain(base_url)
    local con = socket.connect("127.0.0.1", tonumber(base_url:match(":(%d+)$")))
    con:onerror(function(_, _, code) return code end)
    con:settimeout(5)
    con:setmode("b", "bn")
    return con
end

local function connect(base_url, ctx)
    local con = connect_plain(base_url)
    local ok, code = con:starttls(ctx)
    if ok then return con end
    con:close()
    return nil, code
end

local function request_bytes(method, target, headers, body)
    local lines = { ("%s %s HTTP/1.1"):format(method, target), "Host: 127.0.0.1" }
    for name, value in pairs(headers or {}) do lines[#lines + 1] = name .. ": " .. value end
    lines[#lines + 1] = "Content-Length: " .. #(body or "")
    return table.concat(lines, "\r\n") .. "\r\n\r\n" .. (body or "")
end

local function read_head(con)
    local status = con:read("*L")
    if not status then return nil end
    local headers, order = {}, {}
    for line in function() return con:read("*l") end do
        line = line:gsub("\r$", "")
        if line == "" then break end
        local name, value = line:match("^(.-): ?(.*)$")
        if name then headers[name:lower()] = value end
        order[#order + 1] = line
    end
    return tonumber(status:match("^HTTP/1.1 (%d+) ")), headers, order
end

local function read_answer(con)
    local status, headers = read_head(con)
    if not status then return nil end
    local length = tonumber(headers["content-length"])
    local body = length == 0 and "" or con:read(length)
    return { status = status, headers = headers, body = body, value = json.decode(body) }
end

-- Everything until the connection ends, and how it ended: "fin", "reset" or "open" (nothing
-- more for `seconds`).
local function read_rest(con, seconds, most)
    local parts, total = {}, 0
    repeat
        local bytes, code = con:xread(-65536, "b", seconds or 2)
        if not bytes then
            local ending = code == errno.ETIMEDOUT and "open"
                or code == errno.ECONNRESET and "reset" or "fin"
            return table.concat(parts), ending
        end
        parts[#parts + 1], total = bytes, total + #bytes
    until most and total >= most
    return table.concat(parts), "more"
end

local function alive(pid) return lua.succeeds("kill -0 " .. pid .. " 2>/dev/null") end

local function wait_until(condition)
    for _ = 1, 250 do
        if condition() then return true end
        os.execute("sleep 0.02")
    end
    return false
end

describe("sandbox server", function()
    local running, ctx, open

    setup(function()
        running = assert(sandbox.start { rate = false })
        ctx = trusting(read_file(running.ca_file))
    end)

    teardown(function() running.stop() end)

    before_each(function() open = {} end)

    after_each(function()
        for _, con in ipairs(open) do con:close() end
    end)

    local function dial(service)
        local con = assert(connect(running[service or "feishu"].base_url, ctx))
        open[#open + 1] = con
        return con
    end

    local function api_bytes(fault, target, body)
        return request_bytes("POST", target or PRIMARY, {
            Authorization = "Bearer " .. running.feishu.user_access_token,
            ["X-Sandbox-Fault"] = fault, ["Content-Type"] = "application/json",
        }, body)
    end

    local function send_fault(fault, con)
        con = con or dial()
        con:write(api_bytes(fault))
        return con
    end

    local function control(method, target, body, service)
        local con = dial(service)
        con:write(request_bytes(method, "/_sandbox/" .. target, nil, body))
        return read_answer(con)
    end

    local function good(con)
        con:write(api_bytes())
        return read_answer(con).status == 200
    end

    describe("door", function()
        it("says in one line what clients need", function()
            assert.truthy(read_file(running.ca_file):find("BEGIN CERTIFICATE", 1, true))
            assert.is_true(alive(running.pid))
            for _, service in ipairs { "feishu", "lark" } do
                for _, name in ipairs {
                    "app_id", "app_secret", "app_ticket", "tenant_key", "user_access_token",
                    "member_access_token", "no_calendar_access_token", "tenant_access_token",
                } do
                    assert.are.equal("string", type(running[service][name]), name)
                end
            end
            assert.truthy(running.youkong.client_key and running.youkong.secret
                and running.youkong.profile_id)
        end)

        it("listens on 127.0.0.1, on three ports", function()
            local seen = {}
            for _, service in ipairs { "feishu", "lark", "youkong" } do
                local port = running[service].base_url:match("^https://127%.0%.0%.1:(%d+)$")
                assert.truthy(port and not seen[port])
                seen[port] = true
            end
        end)

        it("shows a certificate of its own authority, for 127.0.0.1 and localhost", function()
            local url = running.lark.base_url
            for _, host in ipairs { "127.0.0.1", "localhost" } do
                local con = connect(url, trusting(read_file(running.ca_file),
                    host == "localhost" and host or nil))
                assert.truthy(con)
                con:close()
            end
            assert.is_nil((connect(url, trusting(read_file(running.ca_file), "other.example"))))
        end)

        it("fails under another authority", function()
            local certificates = require "cloudcal.sandbox.certificates"
            local other = certificates.new("good", os.time())
            assert.is_nil((connect(running.feishu.base_url, trusting(other))))
        end)

        it("speaks no TLS below 1.2", function()
            local old = trusting(read_file(running.ca_file))
            old:setOptions(context.OP_NO_TLSv1_2 + (context.OP_NO_TLSv1_3 or 0x20000000))
            assert.is_nil((connect(running.feishu.base_url, old)))
        end)

        it("keeps a connection for many requests", function()
            local con = dial()
            for _ = 1, 20 do assert.is_true(good(con)) end
        end)

        it("takes several requests at once in order", function()
            local con = dial()
            con:write(api_bytes():rep(3))
            for _ = 1, 3 do assert.are.equal(200, read_answer(con).status) end
        end)

        it("closes when asked to", function()
            local con = dial()
            con:write((api_bytes():gsub("Host:", "Connection: close\r\nHost:")))
            local answer = read_answer(con)
            assert.are.same({ 200, "close" }, { answer.status, answer.headers.connection })
            assert.are.same({ "", "fin" }, { read_rest(con) })
        end)

        it("takes chunked requests", function()
            local con = dial()
            con:write("POST " .. CALDAV .. " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
                .. running.feishu.user_access_token .. "\r\nTransfer-Encoding: chunked\r\n\r\n"
                .. '5\r\n{"dev\r\n12;a=b\r\nice_name":"phone"}\r\n0\r\nTrailer: x\r\n\r\n')
            assert.are.equal("phone", read_answer(con).value.data.device_name)
            assert.is_true(good(con))
        end)

        it("encourages a client that expects it", function()
            local con = dial()
            local bytes = api_bytes(nil, CALDAV, '{"device_name":"x"}')
            local head, body = bytes:match("^(.*\r\n)\r\n(.*)$")
            con:write(head .. "Expect: 100-continue\r\n\r\n")
            assert.are.equal("HTTP/1.1 100 Continue\r\n", con:read("*L"))
            assert.are.equal("\r\n", con:read("*L"))
            con:write(body)
            assert.are.equal("x", read_answer(con).value.data.device_name)
        end)

        it("answers on each port as that service", function()
            local con = dial "youkong"
            con:write(request_bytes("POST", "/v1/allinone/putcalendar",
                { ["Content-Type"] = "application/json" }, "{}"))
            assert.is_false(read_answer(con).value.Success)
        end)
    end)

    describe("bad clients", function()
        local function refused_with(status, bytes)
            local con = dial()
            con:write(bytes)
            local answer = read_answer(con)
            assert.are.equal(status, answer and answer.status)
            assert.are.same({ "", "fin" }, { read_rest(con) })
        end

        local HEAD = "POST / HTTP/1.1\r\nHost: x\r\n"

        it("cost no more time than their length", function()
            local http = require "cloudcal.sandbox.http"
            local lines = { "GET / HTTP/1.1\r\n", "Host: x\r\n",
                "X-A: a" .. (" "):rep(16000) .. "b\r\n", "\r\n" }
            local con = { xread = function() return table.remove(lines, 1) end }
            assert.is_true(support.cost(http.read, con) < 0.5)
        end)

        it("are refused with a status", function()
            refused_with(400, "garbage\r\n\r\n")
            refused_with(400, "POST x HTTP/1.1\r\n\r\n")
            refused_with(400, "POST / HTTP/2.0\r\n\r\n")
            refused_with(400, "POST / HTTP/1.1\r\n\r\n")
            refused_with(400, HEAD .. "no colon\r\n\r\n")
            refused_with(400, HEAD .. " folded: x\r\n\r\n")
            refused_with(400, HEAD .. "Content-Length: 1x\r\n\r\n")
            refused_with(400, HEAD .. "Content-Length: 1\r\nContent-Length: 2\r\n\r\n")
            refused_with(400, HEAD .. "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n")
            refused_with(501, HEAD .. "Transfer-Encoding: gzip\r\n\r\n")
            refused_with(400, HEAD .. "Transfer-Encoding: chunked\r\n\r\nzz\r\n")
            refused_with(400, HEAD .. "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n")
            refused_with(413, HEAD .. "Content-Length: 99999999999999999999\r\n\r\n")
            refused_with(413, HEAD .. "Transfer-Encoding: chunked\r\n\r\n2000000\r\n")
            refused_with(431, HEAD .. ("X: y\r\n"):rep(300) .. "\r\n")
            refused_with(431, HEAD .. "X: " .. ("y"):rep(20000) .. "\r\n\r\n")
        end)

        it("harm nobody else", function()
            local con = dial()
            for _, bytes in ipairs {
                "", "POST / HT", HEAD .. "Content-Length: 50\r\n\r\nhalf", "\0\255\r\n",
            } do
                local other = dial()
                if bytes ~= "" then other:write(bytes) end
                other:close()
            end
            local plain = connect_plain(running.feishu.base_url)
            plain:write("GET / HTTP/1.0\r\n\r\n")
            plain:close()
            assert.is_true(good(con))
            assert.is_true(alive(running.pid))
        end)
    end)

    describe("fault", function()
        local function body_of(fault)
            local answer = read_answer(send_fault(fault))
            assert.are.equal(200, answer.status)
            return answer.body, answer
        end

        local function head_and_rest(fault, seconds)
            local con = send_fault(fault)
            local status, headers, order = read_head(con)
            local rest, ending = read_rest(con, seconds)
            return { status = status, headers = headers, order = order, body = rest,
                     ending = ending }
        end

        local size

        setup(function()
            open = {}
            size = #read_answer(send_fault("none")).body
        end)

        it("slow answers late", function()
            local con, started = dial(), require("cqueues").monotime()
            send_fault("slow:0.3", con)
            assert.are.equal(200, read_answer(con).status)
            assert.truthy(require("cqueues").monotime() - started >= 0.3)
            assert.is_true(good(con))
        end)

        it("stalled and stalled_body stay open and silent", function()
            assert.are.same({ "", "open" }, { read_rest(send_fault("stalled"), 0.2) })
            local seen = head_and_rest("stalled_body", 0.2)
            assert.are.equal(size, tonumber(seen.headers["content-length"]))
            assert.are.same({ math.floor(size / 2), "open" }, { #seen.body, seen.ending })
        end)

        it("drip sends byte by byte", function()
            local bytes = read_rest(send_fault("drip"), 0.3, 4)
            assert.are.equal("HTTP", bytes)
        end)

        it("reset and close end without an answer", function()
            assert.are.same({ "", "reset" }, { read_rest(send_fault("reset")) })
            assert.are.same({ "", "fin" }, { read_rest(send_fault("close")) })
        end)

        it("reset_reused and close_reused spare a fresh connection", function()
            for fault, ending in pairs { reset_reused = "reset", close_reused = "fin" } do
                local con = send_fault(fault)
                assert.are.equal(200, read_answer(con).status)
                send_fault(fault, con)
                assert.are.same({ "", ending }, { read_rest(con) })
            end
        end)

        it("close_after ends after a good answer", function()
            local seen = head_and_rest("close_after")
            assert.are.same({ 200, size, "fin" }, { seen.status, #seen.body, seen.ending })
            assert.is_nil(seen.headers.connection)
        end)

        it("reset_body, truncated and cut_headers end in the middle", function()
            local seen = head_and_rest("reset_body")
            assert.are.same({ math.floor(size / 2), "reset" }, { #seen.body, seen.ending })
            seen = head_and_rest("truncated")
            assert.are.same({ tostring(size + 100), size, "fin" },
                { seen.headers["content-length"], #seen.body, seen.ending })
            assert.are.same({ "HTTP/1.1 200 OK\r\nContent-Le", "fin" },
                { read_rest(send_fault("cut_headers")) })
        end)

        it("eof_body has no length", function()
            for _, fault in ipairs { "eof_body", "eof_body_bare" } do
                local seen = head_and_rest(fault)
                assert.are.same({ 200, size, "fin" }, { seen.status, #seen.body, seen.ending })
                assert.is_nil(seen.headers["content-length"])
                assert.is_nil(seen.headers["transfer-encoding"])
            end
        end)

        it("breaks the framing", function()
            local function lines(fault, pattern)
                local count, seen = 0, head_and_rest(fault)
                for _, line in ipairs(seen.order) do
                    if line:find(pattern) then count = count + 1 end
                end
                return count, seen
            end
            assert.are.equal(2, (lines("two_lengths", "^Content%-Length: ")))
            assert.are.equal(1, (lines("huge_length", "^Content%-Length: 9+$")))
            local _, both = lines("lengths_and_chunked", "x")
            assert.are.same({ "5", "chunked" },
                { both.headers["content-length"], both.headers["transfer-encoding"] })
            local _, bad = lines("bad_chunk", "x")
            assert.are.equal("zz\r\n", bad.body:sub(1, 4))
            local _, cut = lines("cut_chunk", "x")
            assert.are.equal(("%x\r\n"):format(size), cut.body:match("^%x+\r\n"))
            assert.truthy(#cut.body < size)
        end)

        it("garbage, http_09 and bad_status are not what a client expects", function()
            assert.is_nil((read_rest(send_fault("garbage"))):find("^HTTP"))
            assert.are.equal("{", (read_rest(send_fault("http_09"))):sub(1, 1))
            assert.are.equal(999, read_answer(send_fault("bad_status")).status)
        end)

        it("floods headers, interim answers and bodies", function()
            assert.truthy(#read_rest(send_fault("huge_headers"), 0.5) > 400000)
            local _, _, order = read_head(send_fault("many_headers"))
            assert.truthy(#order > 6000)
            local flood = read_rest(send_fault("continue_flood"), 0.3)
            local _, count = flood:gsub("HTTP/1.1 100 Continue", "")
            assert.are.equal(2000, count)
            assert.truthy(flood:find("HTTP/1.1 200 OK", 1, true))
            local _, ending = read_rest(send_fault("endless_body"), 1, 5000000)
            assert.are.equal("more", ending)
            assert.are.equal(1000000, #body_of("big_body:1000000"))
            assert.are.equal(10485760, #body_of("big_body"))
        end)

        it("spoils the body", function()
            assert.are.equal("", (body_of("empty")))
            for _, fault in ipairs { "bad_json", "half_json", "trailing_json", "not_utf8" } do
                assert.is_nil((json.decode((body_of(fault)))), fault)
            end
            assert.truthy((body_of("half_json")):find('^{"code":0,'))
            assert.truthy((body_of("trailing_json")):find("}garbage$"))
            assert.are.equal("[]", (body_of("not_object")))
            assert.are.equal("{}", (body_of("no_code")))
            assert.are.equal('{"code":0,"msg":"success"}', (body_of("no_data")))
            assert.truthy((body_of("success_string")):find('^{"code":"0",'))
            assert.truthy((body_of("big_integer")):find("9007199254740993", 1, true))
            local body, answer = body_of("gzip")
            assert.are.same({ "\31\139", "gzip" },
                { body:sub(1, 2), answer.headers["content-encoding"] })
        end)

        it("answers for somebody else", function()
            for fault, status in pairs { html_502 = 502, html_503 = 503 } do
                local answer = read_answer(send_fault(fault))
                assert.are.same({ status, "text/html" },
                    { answer.status, answer.headers["content-type"] })
                assert.truthy(answer.body:find("^<html>"))
            end
            local lost = read_answer(send_fault("plain_404"))
            assert.are.same({ 404, "404 page not found" }, { lost.status, lost.body })
            local moved = read_answer(send_fault("redirect:https://elsewhere.example:1/x"))
            assert.are.same({ 302, "https://elsewhere.example:1/x" },
                { moved.status, moved.headers.location })
        end)

        it("limits the rate", function()
            for fault, expected in pairs {
                rate_limited = { 429, "1" }, ["rate_limited:7"] = { 429, "7" },
                ["rate_limited:0.5"] = { 429, "0.5" }, rate_limited_as_400 = { 400, "1" },
            } do
                local answer = read_answer(send_fault(fault))
                assert.are.same({ expected[1], expected[2], 99991400 }, {
                    answer.status, answer.headers["x-ogw-ratelimit-reset"], answer.value.code,
                })
            end
        end)

        it("repeats secrets", function()
            local con = dial()
            con:write(api_bytes("echo_secrets", CALDAV, '{"app_secret":"hush"}'))
            local answer = read_answer(con)
            local token = running.feishu.user_access_token
            assert.truthy(answer.body:find(token, 1, true) and answer.body:find("hush", 1, true))
            assert.truthy(answer.headers["x-echo"]:find(token, 1, true))
        end)

        it("answers any code of the tables", function()
            for code, status in pairs {
                ["190004"] = 429, ["190003"] = 500, ["195103"] = 404, ["99991663"] = 400,
                ["99991677"] = 400, ["20050"] = 500, ["10003"] = 200,
                ["99991663_as_200"] = 200, ["190004_as_400"] = 400,
            } do
                local answer = read_answer(send_fault(code))
                assert.are.same({ status, tonumber(code:match("^%d+")) },
                    { answer.status, answer.value.code })
            end
        end)

        it("that is unknown is refused as by the service, with the nearest name", function()
            local answer = read_answer(send_fault "html502")
            assert.same({ 400, 190002, 'unknown fault "html502"; did you mean "html_502"?' },
                { answer.status, answer.value.code, answer.value.msg })
            answer = read_answer(send_fault "half-json")
            assert.equal('unknown fault "half-json"; did you mean "half_json"?', answer.value.msg)
            answer = read_answer(send_fault "nothing of the kind")
            assert.equal('unknown fault "nothing of the kind"', answer.value.msg)
            local con = dial "youkong"
            con:write(api_bytes("html502", "/v1/allinone/putcalendar", "{}"))
            assert.equal('unknown fault "html502"; did you mean "html_502"?',
                read_answer(con).value.Error.Description)
        end)

        it("that is unknown is told", function()
            for _, fault in ipairs { "unknown", "190001", "slow:x", "reset:x", "",
                "190004_as_999", "190001_as_200", "190004_as_", "slow_as_200" } do
                assert.are.equal(400, read_answer(send_fault(fault)).status, fault)
            end
        end)

        it("lets the service act before the answer is lost, and not when it refuses", function()
            local function accounts() return control("GET", "state").value.accounts end
            local before = accounts()
            for _, fault in ipairs { "reset", "close", "truncated", "empty", "bad_json" } do
                local con = dial()
                con:write(api_bytes(fault, CALDAV, "{}"))
                read_rest(con, 0.1)
            end
            assert.are.equal(before + 5, accounts())
            for _, fault in ipairs { "190003", "html_502", "rate_limited", "redirect" } do
                local con = dial()
                con:write(api_bytes(fault, CALDAV, "{}"))
                read_answer(con)
            end
            assert.are.equal(before + 5, accounts())
        end)

        it("of each name leaves the server alive", function()
            for _, row in ipairs(require("cloudcal.sandbox.faults").list()) do
                if not row.name:find("^stalled") then
                    read_rest(send_fault(row.name == "slow" and "slow:0" or row.name), 0.02, 1e6)
                end
            end
            assert.is_true(good(dial()))
        end)
    end)

    describe("control door", function()
        before_each(function()
            control("DELETE", "faults")
            control("DELETE", "requests")
        end)

        it("queues one fault for each next request of this port", function()
            assert.are.equal(200, control("POST", "faults",
                '["190004","none:2","rate_limited:3","close"]').status)
            local con = dial()
            local seen = {}
            for i = 1, 4 do
                con:write(api_bytes())
                seen[i] = read_answer(con).status
                control("GET", "state")
            end
            assert.are.same({ 429, 200, 200, 429 }, seen)
            con:write(api_bytes())
            assert.are.same({ "", "fin" }, { read_rest(con) })
            assert.is_true(good(dial()))
        end)

        it("clears the queue and refuses unknown names", function()
            control("POST", "faults", '["reset","reset"]')
            assert.are.equal(200, control("DELETE", "faults").status)
            assert.is_true(good(dial()))
            for _, body in ipairs {
                '["unknown"]', "{}", "nothing", '["reset",5]', '{"names":["reset"]}',
                '{"path":"/x"}', '{"path":"x","names":["reset"]}', '{"path":"/x","names":"reset"}',
                '{"path":"/x","names":["unknown"]}', '{"path":5,"names":["reset"]}', "5", "",
            } do
                assert.are.equal(400, control("POST", "faults", body).status, body)
            end
            assert.is_true(good(dial()))
            assert.are.equal(404, control("GET", "unknown").status)
        end)

        it("queues faults for one path, before the others", function()
            local queued = control("POST", "faults",
                '{"path":"' .. CALDAV .. '","names":["none","190004:2"]}')
            assert.are.same({ 200, 3 }, { queued.status, queued.value.queued })
            control("POST", "faults", '["html_502"]')
            local con = dial()
            local function status_of(target)
                con:write(api_bytes(nil, target, "{}"))
                return read_answer(con).status
            end
            assert.are.equal(200, status_of(CALDAV))
            assert.are.equal(502, status_of(PRIMARY))
            assert.are.equal(200, status_of(PRIMARY))
            assert.are.equal(429, status_of(CALDAV .. "?a=b"))
            assert.are.equal(200, status_of(PRIMARY))
            assert.are.equal(429, status_of(CALDAV))
            assert.are.equal(200, status_of(CALDAV))
            control("POST", "faults", '{"path":"' .. CALDAV .. '","names":["190004"]}')
            control("DELETE", "faults")
            assert.are.equal(200, status_of(CALDAV))
        end)

        local INTERNAL = "/open-apis/auth/v3/tenant_access_token/internal"
        local OAUTH = "/open-apis/authen/v2/oauth/token"

        local function post(target, body, label)
            local con = dial()
            con:write(request_bytes("POST", target, { ["Content-Type"] = label }, body))
            return read_answer(con)
        end

        local function tenant_token()
            return post(INTERNAL, json.encode {
                app_id = running.feishu.app_id, app_secret = running.feishu.app_secret,
            }).value.tenant_access_token
        end

        local function primary(token)
            local con = dial()
            con:write(request_bytes("POST", PRIMARY, { Authorization = "Bearer " .. token }))
            return read_answer(con)
        end

        it("loses the answer of an internal call and lets it act", function()
            control("POST", "faults", '{"path":"' .. INTERNAL .. '","names":["close"]}')
            control("POST", "revoke", '{"kind":"tenant"}')
            local before = control("GET", "state").value.tenant_tokens
            assert.is_true(good(dial()))
            assert.is_nil(post(INTERNAL, json.encode {
                app_id = running.feishu.app_id, app_secret = running.feishu.app_secret,
            }))
            assert.are.equal(before + 1, control("GET", "state").value.tenant_tokens)
        end)

        it("revokes tokens and counts them", function()
            control("POST", "revoke", '{"kind":"tenant"}')
            local token = tenant_token()
            assert.are.equal(200, primary(token).status)
            assert.are.same({ revoked = 1 }, control("POST", "revoke", '{"kind":"tenant"}').value)
            local answer = primary(token)
            assert.are.same({ 400, 99991663 }, { answer.status, answer.value.code })
            assert.are_not.equal(token, tenant_token())
            assert.is_true(good(dial()))
        end)

        it("revokes the tokens of the credentials only when all are meant", function()
            local own = assert(sandbox.start { rate = false })
            local con = connect(own.lark.base_url, trusting(read_file(own.ca_file)))
            open[#open + 1] = con
            local function status_after(body)
                con:write(request_bytes("POST", "/_sandbox/revoke", nil, body))
                assert.are.equal(200, read_answer(con).status)
                con:write(request_bytes("POST", PRIMARY,
                    { Authorization = "Bearer " .. own.lark.user_access_token }))
                return read_answer(con).status
            end
            assert.are.equal(200, status_after '{"kind":"user"}')
            assert.are.equal(200, status_after '{"kind":"user","all":false}')
            assert.are.equal(400, status_after '{"kind":"user","all":true}')
            own.stop()
        end)

        it("refuses to revoke what it does not know", function()
            for _, body in ipairs {
                "", "{}", "nothing", '{"kind":"x"}', '{"kind":5}', "[]", "{",
            } do
                assert.are.equal(400, control("POST", "revoke", body).status, body)
            end
            assert.are.equal(400, control("POST", "revoke", '{"kind":"user"}', "youkong").status)
        end)

        it("shows the ticket that is good now, and nowhere else", function()
            local first = control("GET", "ticket").value.app_ticket
            assert.are.equal(running.feishu.app_ticket, first)
            post("/open-apis/auth/v3/app_ticket/resend", json.encode {
                app_id = running.feishu.app_id, app_secret = running.feishu.app_secret,
            })
            local second = control("GET", "ticket").value.app_ticket
            assert.are_not.equal(first, second)
            control("POST", "revoke", '{"kind":"ticket"}')
            local third = control("GET", "ticket").value.app_ticket
            assert.are_not.equal(second, third)
            assert.is_nil(control("GET", "state").body:find(third, 1, true))
            assert.is_nil(control("GET", "requests").body:find(third, 1, true))
            assert.are.equal(404, control("GET", "ticket", nil, "youkong").status)
        end)

        it("lists the calendars of Youkong's users", function()
            assert.are.equal("[]", control("GET", "calendars", nil, "youkong").body)
            assert.are.equal(404, control("GET", "calendars").status)
        end)

        it("counts each refresh that comes, whatever happens to it", function()
            local before = control("GET", "state").value
            local FORM = "application/x-www-form-urlencoded"
            control("POST", "faults", '{"path":"' .. OAUTH .. '","names":["html_502","20050"]}')
            for _, status in ipairs { 502, 500, 400 } do
                assert.are.equal(status, post(OAUTH, "grant_type=refresh_token", FORM).status)
            end
            local after = control("GET", "state").value
            assert.are.equal(before.refresh_attempts + 3, after.refresh_attempts)
            assert.are.equal(before.refreshes, after.refreshes)
            for _, name in ipairs {
                "tenant_tokens", "app_tokens", "user_tokens", "device_authorizations", "tickets",
            } do
                assert.are.equal("number", type(after[name]), name)
            end
        end)

        it("shows the requests that came, without their secrets", function()
            local con = dial()
            local secret = '{"app_id":"cli_x","app_secret":"hush"}'
            con:write(request_bytes("POST", "/open-apis/auth/v3/tenant_access_token/internal?a=%20",
                { Authorization = "Bearer u-hush", ["X-Mine"] = "1" }, secret))
            read_answer(con)
            send_fault("reset", con)
            read_rest(con)
            local answer = control("GET", "requests")
            assert.is_nil(answer.body:find("hush", 1, true))
            local first, second = answer.value[1], answer.value[2]
            assert.are.equal(2, #answer.value)
            assert.are.same({ "POST", "/open-apis/auth/v3/tenant_access_token/internal", "a=%20",
                '{"app_id":"cli_x","app_secret":"***"}', 200 },
                { first.method, first.path, first.query, first.body, first.status })
            assert.are.same({ "Bearer u-***", "1" },
                { first.headers.authorization, first.headers["x-mine"] })
            assert.are.same({ "reset", nil }, { second.fault, second.status })
            assert.are.equal(first.connection, second.connection)
            control("DELETE", "requests")
            assert.are.equal("[]", control("GET", "requests").body)
        end)

        it("masks forms and survives bytes that are no text", function()
            local con = dial()
            con:write(request_bytes("POST", "/x", nil, "client_secret=hush&a=b"))
            read_answer(con)
            con:write(request_bytes("POST", "/x", nil, "\255\254"))
            read_answer(con)
            local list = control("GET", "requests").value
            assert.are.equal("client_secret=***&a=b", list[1].body)
            assert.are.equal("??", list[2].body)
        end)

        it("masks every secret of the token endpoints", function()
            local names = {
                "app_secret", "app_ticket", "app_access_token", "client_secret", "code",
                "code_verifier", "device_code", "refresh_token",
            }
            local fields, parts = {}, {}
            for i, name in ipairs(names) do
                fields[name], parts[i] = "hush" .. i, name .. "=hush" .. i
            end
            local con = dial()
            for _, body in ipairs {
                json.encode(fields), table.concat(parts, "&"), '{"code":"hush', '{"code" : "hush"}',
            } do
                con:write(request_bytes("POST", "/x?user_code=hush&a=b",
                    { Authorization = "Basic aHVzaDpodXNo" }, body))
                read_answer(con)
            end
            local answer = control("GET", "requests")
            assert.is_nil(answer.body:find("hush", 1, true))
            assert.is_nil(answer.body:find("aHVza", 1, true))
            assert.are.equal("Basic ***", answer.value[1].headers.authorization)
            assert.are.equal("user_code=***&a=b", answer.value[1].query)
            for _, name in ipairs(names) do
                assert.truthy(answer.value[1].body:find('"' .. name .. '":"***"', 1, true), name)
                assert.truthy(answer.value[2].body:find(name .. "=***", 1, true), name)
            end
        end)

        it("counts connections", function()
            local before = control("GET", "state").value.connections
            local con = dial()
            for _ = 1, 3 do good(con) end
            assert.are.equal(before + 2, control("GET", "state").value.connections)
        end)
    end)
end)

describe("sandbox process", function()
    local function answers(running)
        local ctx = trusting(read_file(running.ca_file))
        local con = connect(running.feishu.base_url, ctx)
        if not con then return nil end
        con:write(request_bytes("GET", "/_sandbox/state"))
        local answer = read_answer(con)
        con:close()
        return answer and answer.status
    end

    it("ends when stdin closes, and stop can be called twice", function()
        local running = assert(sandbox.start())
        assert.are.equal(200, answers(running))
        running.stop()
        running.stop()
        assert.is_false(alive(running.pid))
        assert.is_nil(read_file(running.ca_file))
    end)

    it("ends on SIGTERM and SIGINT", function()
        for _, signal in ipairs { "TERM", "INT" } do
            local running = assert(sandbox.start())
            os.execute(("kill -%s %d"):format(signal, running.pid))
            assert.is_true(wait_until(function() return not alive(running.pid) end))
            assert.is_nil(read_file(running.ca_file))
            running.stop()
        end
    end)

    it("ends although another child holds its stdin", function()
        local running = assert(sandbox.start())
        os.execute("sleep 9 >/dev/null 2>&1 &")
        local started = os.time()
        running.stop()
        assert.is_false(alive(running.pid))
        assert.truthy(os.time() - started < 8)
    end)

    it("ends with the program that started it", function()
        local script = 'io.write(assert(require("cloudcal.sandbox").start()).pid)'
        for _, ending in ipairs { "", "; io.flush() os.execute('kill -9 $PPID')" } do
            local pipe = io.popen(lua.command() .. (" -e '%s' 2>/dev/null"):format(
                (script .. ending):gsub("'", "'\\''")))
            local pid = pipe:read("*n")
            pipe:close()
            assert.is_true(wait_until(function() return not alive(pid) end))
        end
    end)

    it("ends with the program that started it although another child holds its stdin", function()
        local script = 'io.write(assert(require("cloudcal.sandbox").start()).pid) '
            .. 'os.execute("sleep 12 >/dev/null 2>&1 &")'
        local started = os.time()
        local pipe = io.popen(("%s -e '%s' 2>/dev/null"):format(lua.command(), script))
        local pid = pipe:read("*n")
        pipe:close()
        assert.is_false(alive(pid))
        assert.truthy(os.time() - started < 12)
    end)

    it("ends while a client is connected", function()
        local running = assert(sandbox.start())
        local con = connect(running.feishu.base_url, trusting(read_file(running.ca_file)))
        con:write("POST / HT")
        running.stop()
        assert.is_false(alive(running.pid))
        con:close()
    end)

    it("takes faults, credentials and limits as options", function()
        local running = assert(sandbox.start {
            faults = { "190004:2", "html_502" }, user_access_token = "u-o'clock",
            rate = { per_second = 1, per_minute = 2 }, token_seconds = 60,
        })
        local con = connect(running.lark.base_url, trusting(read_file(running.ca_file)))
        local seen = {}
        for i = 1, 4 do
            con:write(request_bytes("POST", PRIMARY, { Authorization = "Bearer u-o'clock" }))
            seen[i] = read_answer(con).status
        end
        assert.are.same({ 429, 429, 502, 502 }, seen)
        for i = 1, 2 do
            con:write(request_bytes("POST", PRIMARY, {
                Authorization = "Bearer u-o'clock", ["X-Sandbox-Fault"] = "none",
            }))
            seen[i] = read_answer(con).status
        end
        assert.are.same({ 200, 429 }, { seen[1], seen[2] })
        con:close()
        running.stop()
    end)

    it("takes the settings of the token life as options", function()
        local running = assert(sandbox.start {
            app_ticket = "ticket", tenant_key = "key", token_error_status = 200,
            refresh_seconds = 50, device_seconds = 40, device_interval = 7,
            device_approval = "never",
        })
        assert.are.same({ "ticket", "key" }, { running.lark.app_ticket, running.lark.tenant_key })
        local con = connect(running.lark.base_url, trusting(read_file(running.ca_file)))
        local function post(target, headers, body)
            con:write(request_bytes("POST", target, headers, body))
            return read_answer(con)
        end
        local refused = post(PRIMARY, { Authorization = "Bearer u-unknown" })
        assert.are.same({ 200, 99991668 }, { refused.status, refused.value.code })
        local begun = post("/oauth/v1/device_authorization", {
            ["Content-Type"] = "application/x-www-form-urlencoded",
            Authorization = "Basic " .. require("cloudcal.sandbox.text").base64(
                running.lark.app_id .. ":" .. running.lark.app_secret),
        }, "scope=offline_access&client_id=" .. running.lark.app_id).value
        assert.are.same({ 40, 7 }, { begun.expires_in, begun.interval })
        local page = begun.verification_uri_complete:match("^https://127%.0%.0%.1(/.*)$")
        local function poll()
            return post("/open-apis/authen/v2/oauth/token", nil, json.encode {
                grant_type = "urn:ietf:params:oauth:grant-type:device_code",
                device_code = begun.device_code, client_id = running.lark.app_id,
                client_secret = running.lark.app_secret,
            }).value
        end
        assert.are.equal("authorization_pending", poll().error)
        con:write(request_bytes("GET", page))
        assert.are.equal(200, read_answer(con).status)
        assert.are.equal(50, poll().refresh_token_expires_in)
        con:close()
        running.stop()
    end)

    it("has a clock that may be ahead", function()
        local running = assert(sandbox.start { clock_skew = 86400 })
        local con = connect(running.lark.base_url, trusting(read_file(running.ca_file)))
        con:write(request_bytes("POST", PRIMARY))
        local date = read_answer(con).headers.date
        assert.are.equal(os.date("!%d %b", os.time() + 86400), date:match("%d+ %a+"))
        con:close()
        running.stop()
    end)

    it("can show a certificate that must be refused", function()
        for _, kind in ipairs { "expired", "wrong_host", "self_signed" } do
            local running = assert(sandbox.start { certificate = kind })
            assert.is_nil(answers(running), kind)
            running.stop()
        end
    end)

    it("raises for a wrong option, at the caller's line", function()
        for _, given in ipairs {
            { unknown = 1 }, { port = 70000 }, { port = "x" }, { rate = "fast" },
            { rate = { per_second = 0, per_minute = 1 } }, { faults = { "unknown" } },
            { sync_seconds = -1 }, { certificate = "none" }, { app_id = "a b" },
            { refresh_seconds = 0 }, { token_error_status = 401 }, { device_approval = "soon" },
            { device_approval = -1 }, { device_interval = 0.5 }, { device_interval = 0 },
            { device_seconds = 0 }, { caldav_server = "a b" }, { caldav_password = "" },
            { caldav_password = "a\nb" },
        } do
            local ok, problem = pcall(function()
                local running = sandbox.start(given)
                return running
            end)
            assert.is_false(ok)
            assert.truthy(problem:find("sandbox_server_spec.lua:%d+: sandbox: "), problem)
        end
    end)

    it("says why it did not start", function()
        local running, problem = sandbox.start { interpreter = "false" }
        assert.is_nil(running)
        assert.truthy(problem:find("the sandbox did not start: ended 1", 1, true))
    end)
end)

describe("sandbox command line", function()
    local function shell(arguments)
        local pipe = io.popen(lua_command() .. "examples/sandbox.lua " .. arguments
            .. " 2>&1; echo rc=$?")
        local output = pipe:read("*a")
        pipe:close()
        return output
    end

    it("prints help that names each fault", function()
        local output = shell "--help"
        assert.truthy(output:find("rc=0", 1, true))
        for _, row in ipairs(require("cloudcal.sandbox.faults").list()) do
            assert.truthy(output:find(row.name, 1, true), row.name)
        end
    end)

    it("prints help that names each credential and each control", function()
        local output = shell "--help"
        for _, name in ipairs {
            "--app-id", "--app-ticket", "--tenant-key", "--profile-id", "--refresh-seconds N",
            "--token-error-status 200|400", "--device-approval S", "--device-interval N",
            "--device-seconds N", "/_sandbox/revoke", "/_sandbox/ticket", "/_sandbox/state",
            "/_sandbox/calendars",
            "99991663_as_200", '{"path":',
        } do
            assert.truthy(output:find(name, 1, true), name)
        end
    end)

    it("refuses a wrong option with one line and status 2", function()
        for _, arguments in ipairs {
            "--unknown", "--port", "--port x", "--port=70000", "--fault unknown", "--rate 5",
            "--verbose=1", "stray", "--fault slow:x", "--fault reset:x",
        } do
            local output = shell(arguments)
            assert.truthy(output:find("^sandbox: [^\n]+\nrc=2\n$"), output)
        end
    end)

    it("takes three ports in a row, and says when one is taken", function()
        local holder = assert(sandbox.start())
        local taken = tonumber(holder.lark.base_url:match(":(%d+)$"))
        local output = shell("--port " .. taken .. " </dev/null")
        assert.truthy(output:find("^sandbox: cannot listen on 127.0.0.1 port " .. taken
            .. "\nrc=1\n$"), output)
        holder.stop()
        local first, ready = taken
        for _ = 1, 20 do -- a neighbouring port may belong to another program
            ready = json.decode(shell("--port " .. first .. " </dev/null"):match("^(.-)\n"))
            if ready then break end
            first = first < 60000 and first + 101 or 20001
        end
        for i, service in ipairs { "feishu", "lark", "youkong" } do
            assert.are.equal("https://127.0.0.1:" .. first + i - 1, ready[service].base_url)
        end
    end)

    it("ends at once when stdin is closed or empty", function()
        for _, input in ipairs { "</dev/null", "<&-" } do
            local output = shell(input)
            assert.truthy(output:find('^{"ca_file"') and output:find("rc=0", 1, true), output)
        end
    end)

    it("keeps running without stdin when told so, and logs requests without secrets", function()
        local out, log = os.tmpname(), os.tmpname()
        os.execute(lua_command() .. "examples/sandbox.lua --no-stdin --verbose </dev/null"
            .. (" >%s 2>%s &"):format(out, log))
        local line
        assert.is_true(wait_until(function()
            line = read_file(out):match("^(.-)\n")
            return line ~= nil
        end))
        local running = json.decode(line)
        local con = connect(running.feishu.base_url, trusting(read_file(running.ca_file)))
        con:write(request_bytes("POST", PRIMARY .. "?user_id_type=open_id", {
            Authorization = "Bearer " .. running.feishu.user_access_token,
        }))
        assert.are.equal(200, read_answer(con).status)
        con:write(request_bytes("POST", "/open-apis/authen/v2/oauth/token?code=hush",
            { Authorization = "Basic hush" }, "client_secret=hush"))
        assert.are.equal(400, read_answer(con).status)
        con:close()
        os.execute("kill -TERM " .. running.pid)
        assert.is_true(wait_until(function() return not alive(running.pid) end))
        local logged = read_file(log)
        assert.truthy(logged:find("^sandbox: feishu POST " .. PRIMARY:gsub("%-", "%%-")
            .. " 200 [%d.]+ ms\nsandbox: feishu POST /open%-apis/authen/v2/oauth/token 400 "
            .. "[%d.]+ ms\n$"), logged)
        os.remove(out)
        os.remove(log)
    end)
end)

describe("sandbox module", function()
    it("loads neither cqueues nor luaossl", function()
        local script = 'require("cloudcal.sandbox"); require("cloudcal.sandbox.options"); '
            .. 'for name in pairs(package.loaded) do '
            .. 'assert(not name:find("cqueues") and not name:find("openssl"), name) end'
        assert.is_true(lua.succeeds(lua_command() .. ("-e '%s'"):format(script)))
    end)
end)
