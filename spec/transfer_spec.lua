local certificates = require "cloudcal.sandbox.certificates"
local context = require "openssl.ssl.context"
local core = require "cloudcal.core"
local files = require "spec.files"
local lua = require "spec.lua"
local cqueues = require "cqueues"
local peer = require "spec.peer"
local socket = require "cqueues.socket"
local support = require "spec.support"

local PRIMARY = "/open-apis/calendar/v4/calendars/primary"
local BINDING = "/open-apis/calendar/v4/exchange_bindings/x"

-- One exchange with the Feishu door of the sandbox.
local function fetch(changes, path)
    return support.exchange(support.exchange_options("feishu", path or PRIMARY, changes))
end

local function faulty(fault, changes)
    local options = { method = "POST", body = "{}", content_type = "application/json",
                      headers = { "X-Sandbox-Fault: " .. fault } }
    for name, value in pairs(changes or {}) do options[name] = value end
    return fetch(options)
end

local function last_request()
    local requests = support.requests "feishu"
    return requests[#requests]
end

local function failure(...)
    local status, code, text, sent, http, head = ...
    assert.is_nil(status)
    assert.equal("string", type(text))
    assert.equal("string", type(head))
    return { code = code, text = text, sent = sent, status = http, head = head }
end

local function success(status, head, body)
    assert.equal("number", type(status), tostring(head) .. " " .. tostring(body))
    return { status = status, head = head, body = body }
end

-- The first handshake of a process is the slow one, above all under a memory checker.
setup(function() fetch { timeout = 60, connect_timeout = 60 } end)

describe("libcurl does not send twice:", function()
    -- What happens to a request on a kept connection that dies unanswered.
    -- Returns the outcome and how often the server saw it, on which connections.
    local function on_a_kept_connection(fault, changes, path)
        core.engine():close() -- so that there is one kept connection, that of clear
        support.clear "feishu"
        changes.headers = { "X-Sandbox-Fault: " .. fault }
        local outcome = { fetch(changes, path) }
        local kept = fetch { method = "GET" }
        assert.equal("number", type(kept))
        local requests = support.requests "feishu"
        requests[#requests] = nil
        return outcome, requests
    end

    for _, fault in ipairs { "reset_reused", "close_reused" } do
        for _, size in ipairs { 1, 100, 70000 } do
            it(("%s, POST of %d bytes"):format(fault, size), function()
                local outcome, requests = on_a_kept_connection(fault, {
                    method = "POST", body = ("b"):rep(size), content_type = "text/plain" })
                local failed = failure(lua.unpack(outcome, 1, 6))
                assert.equal(65, failed.code)
                assert.is_true(failed.sent)
                assert.equal(1, #requests)
            end)
        end

        for _, method in ipairs { "PUT", "PATCH", "DELETE" } do
            it(("%s, %s with a body"):format(fault, method), function()
                local outcome, requests = on_a_kept_connection(fault, {
                    method = method, body = "{}", content_type = "application/json" }, BINDING)
                assert.equal(65, failure(lua.unpack(outcome, 1, 6)).code)
                assert.equal(1, #requests)
                assert.equal(method, requests[1].method)
            end)
        end

        for _, method in ipairs { "GET", "POST", "DELETE", "PUT" } do
            it(("%s, %s without a body, or by a fresh connection"):format(fault, method), function()
                local path = method ~= "POST" and BINDING or nil
                local outcome, requests = on_a_kept_connection(fault, { method = method }, path)
                local failed = failure(lua.unpack(outcome, 1, 6))
                assert.equal(65, failed.code)
                assert.is_true(failed.sent)
                assert.equal(1, #requests)
                outcome, requests = on_a_kept_connection(fault, { method = method, fresh = true },
                    path)
                assert.equal("number", type(outcome[1]))
                assert.equal(1, #requests)
                assert.equal(method, requests[1].method)
            end)
        end
    end

    -- A server that answers the first request, reads the second, and lets nobody in again.
    local function that_goes_away(ctx)
        local requests, connections = 0, 0
        return peer.listen(function(con, server)
            connections = connections + 1
            if connections > 1 or ctx and not con:starttls(ctx, 10) then return end
            while peer.read_request(con) do
                requests = requests + 1
                server.requests = requests
                if requests == 2 then
                    server.open = ctx ~= nil
                    cqueues.sleep(0.2) -- the listener is closed by then
                    return
                end
                con:write "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
            end
        end)
    end

    for _, secure in ipairs { false, true } do
        it(secure and "nor in a handshake that fails" or "nor where nobody listens any more",
            function()
                core.engine():close()
                local pem, ctx = certificates.new("good", os.time())
                local server = that_goes_away(secure and ctx or nil)
                local options = peer.options((secure and "https" or "http") .. "://127.0.0.1:"
                    .. server.port .. "/", { method = "POST", body = ("b"):rep(100),
                    ca_pem = secure and pem or nil, plain_http = not secure })
                success(peer.exchange(options))
                local failed = failure(peer.exchange(options))
                server.close()
                assert.equal(2, server.requests)
                assert.same({ 65, true }, { failed.code, failed.sent })
                -- nothing of it is left in what libcurl keeps
                local other = peer.listen(peer.answering(
                    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
                options.url, options.plain_http, options.ca_pem = other.url, true, nil
                success(peer.exchange(options))
                other.close()
            end)
    end

    it("a fresh request leaves the kept connection to others", function()
        core.engine():close()
        support.clear "feishu"
        fetch {}
        fetch { method = "POST", fresh = true }
        fetch {}
        local requests = support.requests "feishu"
        assert.not_equal(requests[1].connection, requests[2].connection)
        local third = requests[3].connection
        assert.is_true(third == requests[1].connection or third == requests[2].connection)
    end)

    for _, fault in ipairs { "reset_reused", "close_reused" } do
        it("a client's create, " .. fault, function()
            local client = support.client "feishu"
            support.clear "feishu"
            local before = support.state "feishu"
            support.faults("feishu", fault, fault, fault)
            local conf, err = client:generate_caldav_conf { device_name = "once" }
            local requests = support.requests "feishu"
            support.clear "feishu"
            assert.is_nil(conf)
            assert.same({ "network", "maybe", false }, { err.kind, err.acted, err.retryable })
            assert.equal(1, #requests)
            assert.not_same(before, support.state "feishu", "the server has acted")
        end)

        it("a Youkong client's create, " .. fault, function()
            local client = support.client "youkong"
            support.clear "youkong"
            support.faults("youkong", fault, fault, fault)
            local data, err = client:create_calendar("once", { CalendarName = "once" })
            local requests = support.requests "youkong"
            support.clear "youkong"
            assert.is_nil(data)
            assert.same({ "network", "maybe" }, { err.kind, err.acted })
            assert.equal(1, #requests)
        end)

        it("a client's raw POST without a body, " .. fault, function()
            local client = support.client "feishu"
            support.clear "feishu"
            support.faults("feishu", fault, fault, fault)
            local kept = support.requests "feishu"
            assert.same({}, kept)
            local body = client:request { method = "POST", path = PRIMARY }
            local requests = support.requests "feishu"
            support.clear "feishu"
            assert.equal("table", type(body))
            assert.equal(1, #requests)
        end)
    end
end)

describe("a request on the wire", function()
    it("has the method, path, body and headers that were given", function()
        support.clear "feishu"
        local body = '{"a":"日历"}'
        fetch({ method = "POST", body = body, content_type = "application/json; charset=utf-8",
                token = "u-secret", headers = { "X-One: 1", "X-Empty;" } }, PRIMARY .. "?q=%20a")
        local seen = last_request()
        assert.same({ "POST", PRIMARY, "q=%20a", body },
            { seen.method, seen.path, seen.query, seen.body })
        assert.equal("application/json; charset=utf-8", seen.headers["content-type"])
        assert.equal(tostring(#body), seen.headers["content-length"])
        assert.equal("Bearer u-***", seen.headers.authorization)
        assert.equal("spec", seen.headers["user-agent"])
        assert.equal("1", seen.headers["x-one"])
        assert.equal("", seen.headers["x-empty"])
        assert.is_nil(seen.headers.expect)
        assert.is_nil(seen.headers["accept-encoding"])
    end)

    it("has Content-Length: 0 and no Content-Type when a POST has no body", function()
        for _, body in ipairs { false, "" } do
            support.clear "feishu"
            fetch { method = "POST", body = body or nil }
            local seen = last_request()
            assert.equal("POST", seen.method)
            assert.equal("0", seen.headers["content-length"])
            assert.is_nil(seen.headers["content-type"])
            assert.is_nil(seen.headers.expect)
            assert.is_nil(seen.headers["transfer-encoding"])
        end
    end)

    it("has neither where a GET or a DELETE has no body", function()
        for _, method in ipairs { "GET", "DELETE" } do
            support.clear "feishu"
            fetch({ method = method }, BINDING)
            local seen = last_request()
            assert.equal(method, seen.method)
            assert.is_nil(seen.headers["content-length"])
            assert.is_nil(seen.headers["content-type"])
        end
    end)

    it("asks for no 100 Continue, however large its body is", function()
        for _, size in ipairs { 1000, 1025, 70000, 2000000 } do
            support.clear "feishu"
            success(fetch { method = "POST", body = ("x"):rep(size), content_type = "text/plain" })
            local seen = last_request()
            assert.is_nil(seen.headers.expect)
            assert.equal(tostring(size), seen.headers["content-length"])
        end
    end)

    it("carries a body with NUL and every other byte", function()
        local all = {}
        for byte = 0, 255 do all[#all + 1] = string.char(byte) end
        local body, received = table.concat(all):rep(20), nil
        local server = peer.listen(function(con)
            local _, bytes = peer.read_request(con)
            received = bytes
            con:write "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        end)
        success(peer.exchange(peer.options(server.url, { plain_http = true, method = "POST",
            body = body, content_type = "application/octet-stream" })))
        server.close()
        assert.equal(body, received)
    end)

    it("does not carry the token to the next request", function()
        support.clear "feishu"
        fetch { token = "u-one" }
        fetch {}
        local requests = support.requests "feishu"
        assert.equal("Bearer u-***", requests[1].headers.authorization)
        assert.is_nil(requests[2].headers.authorization)
    end)

    it("has nothing of the one before on the same transport", function()
        local engine = core.engine()
        local transport = support.exchange_options("feishu", "", { id = engine:new_transport() })
        local function send(changes, path)
            changes.transport, changes.timeout = transport, 5
            changes.url = transport.url .. (path or PRIMARY)
            return success(support.exchange(changes))
        end
        engine:close()
        support.clear "feishu"
        send { method = "PUT", body = "{}", content_type = "text/plain", token = "u-one",
               headers = { "X-One: 1" }, fresh = true }
        send({ method = "GET" }, BINDING)
        send { method = "POST" }
        send({ method = "DELETE" }, BINDING)
        send { method = "POST", body = "[1]", content_type = "application/json" }
        send({ method = "GET" }, BINDING)
        local seen = support.requests "feishu"
        local function column(name)
            local list = {}
            for i = 1, 6 do list[i] = seen[i].headers[name] or seen[i][name] or false end
            return list
        end
        assert.same({ "PUT", "GET", "POST", "DELETE", "POST", "GET" }, column "method")
        assert.same({ "2", false, "0", false, "3", false }, column "content-length")
        assert.same({ "text/plain", false, false, false, "application/json", false },
            column "content-type")
        assert.same({ "Bearer u-***", false, false, false, false, false }, column "authorization")
        assert.same({ "1", false, false, false, false, false }, column "x-one")
    end)

    it("has nothing of another transport", function()
        local engine = core.engine()
        local function send(user_agent, transport)
            transport.id = engine:new_transport()
            transport.user_agent = user_agent
            fetch { transport = support.exchange_options("feishu", "", transport) }
            assert.equal(user_agent, last_request().headers["user-agent"])
        end
        send("first", {})
        send("second", { max_response_bytes = 100 })
        send("third", {})
    end)

    it("keeps dots and percent signs in a path as they are", function()
        support.clear "feishu"
        fetch({}, "/open-apis/a/../b/%2e%2E/./c%2Fd")
        assert.equal("/open-apis/a/../b/%2e%2E/./c%2Fd", last_request().path)
    end)
end)

describe("what libcurl must not do:", function()
    it("follow a redirect", function()
        local second = peer.listen(peer.answering "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        for _, status in ipairs { 301, 302, 303, 307, 308 } do
            for _, target in ipairs { second.url .. "/stolen", "/elsewhere", "//127.0.0.1/",
                                      "file:///etc/passwd" } do
                local first = peer.listen(peer.answering(("HTTP/1.1 %d Moved\r\nLocation: %s\r\n"
                    .. "Content-Length: 2\r\n\r\n{}"):format(status, target)))
                local answer = success(peer.exchange(peer.options(first.url, {
                    plain_http = true, token = "u-secret" })))
                assert.same({ status, "{}" }, { answer.status, answer.body })
                assert.equal(1, first.accepted)
                first.close()
            end
        end
        assert.equal(0, second.accepted)
        success(peer.exchange(peer.options(second.url, { plain_http = true }))) -- it was up
        assert.equal(1, second.accepted)
        second.close()
    end)

    it("speak anything but https", function()
        local server = peer.listen(peer.answering "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        for _, url in ipairs { server.url, "file:///etc/passwd", "ftp://127.0.0.1/",
                               "gopher://127.0.0.1/", "dict://127.0.0.1/", "smb://127.0.0.1/a" } do
            local failed = failure(peer.exchange(peer.options(url)))
            assert.same({ 1, false, 0 }, { failed.code, failed.sent, failed.status }, url)
        end
        assert.equal(0, server.accepted)
        success(peer.exchange(peer.options(server.url, { plain_http = true })))
        for _, url in ipairs { "file:///etc/passwd", "ftp://127.0.0.1/" } do
            assert.equal(1, failure(peer.exchange(peer.options(url, { plain_http = true }))).code)
        end
        server.close()
    end)

    it("take HTTP/0.9, or what is no HTTP, for an answer", function()
        for _, fault in ipairs { "http_09", "garbage" } do
            local failed = failure(faulty(fault))
            assert.same({ 1, true }, { failed.code, failed.sent }, fault)
        end
    end)

    it("unpack what nobody asked to be packed", function()
        local answer = success(faulty "gzip")
        assert.equal("\31\139", answer.body:sub(1, 2))
    end)
end)

describe("an answer", function()
    it("is status, head and body", function()
        local answer = success(fetch { method = "POST",
            token = support.sandbox().feishu.user_access_token })
        assert.equal(200, answer.status)
        assert.matches("^HTTP/1.1 200 OK\r\n", answer.head)
        assert.matches("\r\n\r\n$", answer.head)
        assert.matches('^{"code":0', answer.body)
    end)

    it("that was cut, or whose end is unknown, is none", function()
        local cases = {
            reset = { 56, 0 }, close = { 52, 0 }, truncated = { 18, 400 },
            cut_headers = { 1003, 200 }, eof_body = { 1004, 400 },
            eof_body_bare = { 1004, 400 }, two_lengths = { 1005, 400 },
            huge_length = { 63, 400 }, lengths_and_chunked = { 1005, 400 }, bad_chunk = { 56, 400 },
            cut_chunk = { 18, 400 }, huge_headers = { 1002, 400 },
        }
        for fault, expected in pairs(cases) do
            core.engine():close()
            local failed = failure(faulty(fault))
            assert.same({ fault, true, expected[1], expected[2] },
                { fault, failed.sent, failed.code, failed.status })
        end
        local code = failure(faulty "reset_body").code
        assert.is_true(code == 56 or code == 18)
    end)

    it("that is merely strange is one", function()
        assert.equal(999, success(faulty "bad_status").status)
        assert.equal("", success(faulty "empty").body)
        assert.equal(400, success(faulty "close_after").status)
        core.engine():close() -- a connection that is about to end could be taken for a kept one
        assert.is_true(#success(faulty "many_headers").head > 90000)
        local flooded = success(faulty "continue_flood")
        assert.equal(400, flooded.status)
        assert.matches("^HTTP/1.1 400", flooded.head)
        assert.is_nil(flooded.head:find("100 Continue", 1, true))
    end)

    local function answered(bytes, changes)
        local server = peer.listen(function(con)
            peer.read_request(con)
            con:write(bytes)
        end)
        local options = { plain_http = true }
        for name, value in pairs(changes or {}) do options[name] = value end
        local result = { peer.exchange(peer.options(server.url, options)) }
        server.close()
        return lua.unpack(result, 1, 6)
    end

    it("may come in chunks, with trailers, which are not headers", function()
        local answer = success(answered("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            .. "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nContent-Length: 99\r\nX-Trailer: t\r\n\r\n"))
        assert.equal("abcde", answer.body)
        assert.is_nil(answer.head:find("X-Trailer", 1, true))
        assert.is_nil(answer.head:find("99", 1, true))
    end)

    it("may have no body where HTTP says so", function()
        for status, line in pairs { [204] = "204 No Content", [304] = "304 Not Modified" } do
            local answer = success(answered("HTTP/1.1 " .. line .. "\r\n\r\n"))
            assert.same({ status, "" }, { answer.status, answer.body })
        end
        assert.equal(200, (answered "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
    end)

    it("may repeat its length, and say it in any letter case", function()
        local twice = "content-length: 2\r\nCONTENT-LENGTH:2  \r\n"
        assert.equal("{}", success(answered("HTTP/1.1 200 OK\r\n" .. twice .. "\r\n{}")).body)
        assert.equal("{}", success(answered(
            "HTTP/1.1 200 OK\r\nTRANSFER-ENCODING: Chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")).body)
    end)

    it("may have spaces and tabs around values, and lines without a CR", function()
        for _, lines in ipairs { "Content-Length: \t 2 \t", "Content-Length:2\nX-A: b" } do
            local head = "HTTP/1.1 200 OK\r\n" .. lines .. "\r\n\r\n"
            assert.equal("{}", success(answered(head .. "{}")).body, lines)
        end
        local bare = "HTTP/1.1 200 OK\nContent-Length: 2\n\n{}"
        assert.equal("{}", success(answered(bare)).body)
    end)

    it("must not contradict itself about its length", function()
        for _, lines in ipairs { "Content-Length: 2\r\nContent-Length: 3", "Content-Length: 2, 2",
                                 "Content-Length: 0x2", "Content-Length: +2",
                                 "Content-Length: 2\r\nTransfer-Encoding: chunked",
                                 "Transfer-Encoding: chunked\r\nContent-Length: 2",
                                 "Content-Length: 2 2" } do
            local failed = failure(answered("HTTP/1.1 200 OK\r\n" .. lines .. "\r\n\r\n{}"))
            assert.equal(1005, failed.code, lines)
        end
        for _, length in ipairs { "-2", "", "x" } do -- libcurl itself refuses some of these
            local code = failure(answered("HTTP/1.1 200 OK\r\nContent-Length: " .. length
                .. "\r\n\r\n{}")).code
            assert.is_true(code == 1005 or code == 8, length)
        end
    end)

    it("must not hide its length in an interim answer", function()
        local answer = success(answered("HTTP/1.1 103 Early Hints\r\nContent-Length: 7\r\n\r\n"
            .. "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"))
        assert.same({ 200, "{}" }, { answer.status, answer.body })
        local failed = failure(answered("HTTP/1.1 103 Early Hints\r\nContent-Length: 2\r\n\r\n"
            .. "HTTP/1.1 200 OK\r\n\r\n{}"))
        assert.equal(1004, failed.code)
    end)

    it("cut anywhere in its headers is refused", function()
        local whole = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-A: b\r\n\r\n"
        for length = 12, #whole - 1, 3 do
            local failed = failure(answered(whole:sub(1, length)))
            assert.is_true(failed.code >= 1 and failed.sent, whole:sub(1, length))
        end
        assert.equal(200, (answered(whole)))
    end)

    it("has a ceiling for all its headers together", function()
        local line = "X-Line: " .. ("l"):rep(1000) .. "\r\n"
        local function headers(count)
            return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" .. line:rep(count) .. "\r\n"
        end
        assert.is_true(#success(answered(headers(250))).head > 250000)
        assert.equal(1002, failure(answered(headers(264))).code)
        local hint = "HTTP/1.1 103 Early Hints\r\n" .. line:rep(100) .. "\r\n"
        assert.equal(1002, failure(answered(hint:rep(3) .. headers(1))).code)
    end)

    it("has no control over the status", function()
        assert.equal(599, (answered "HTTP/1.1 599 Odd\r\nContent-Length: 0\r\n\r\n"))
        assert.is_nil((answered "HTTP/1.1 abc Odd\r\nContent-Length: 0\r\n\r\n"))
        assert.is_nil((answered "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n"))
    end)
end)

describe("time:", function()
    it("a timeout ends what stalls, early and late", function()
        for _, fault in ipairs { "stalled", "stalled_body", "drip" } do
            local started = core.now()
            local failed = failure(faulty(fault, { timeout = 0.4 }))
            local took = core.now() - started
            assert.same({ fault, 28, true }, { fault, failed.code, failed.sent })
            assert.is_true(took >= 0.39 and took < 4.5, fault .. " took " .. took)
        end
    end)

    it("a connect timeout ends a handshake that stalls, and nothing was sent", function()
        local server = peer.listen(function(con) con:read(1000000) end)
        local started = core.now()
        local failed = failure(peer.exchange(peer.options("https://127.0.0.1:" .. server.port,
            { connect_timeout = 0.3 })))
        local took = core.now() - started
        server.close()
        assert.equal(1, server.accepted)
        assert.same({ 28, false }, { failed.code, failed.sent })
        assert.is_true(took >= 0.29 and took < 8)
    end)

    it("a timeout of zero, or less, or of no number, is the shortest", function()
        for _, timeout in ipairs { 0, -1, 1e-9, 0 / 0 } do
            local started = core.now()
            failure(faulty("stalled", { timeout = timeout }))
            assert.is_true(core.now() - started < 3)
        end
        success(fetch { timeout = 1e300, connect_timeout = math.huge })
    end)

    it("is measured", function()
        core.engine():close()
        local function measured()
            local transfer = assert(core.engine():submit(
                support.exchange_options("feishu", PRIMARY)))
            while not transfer:done() do core.engine():step(1) end
            local before = { transfer:timings() }
            local status, _, _, latency = transfer:take()
            assert.equal("number", type(status))
            assert.near(before[5] - math.max(before[2], before[3]), latency, 1e-6)
            assert.same(before, { transfer:timings() })
            return before
        end
        local first, second = measured(), measured()
        assert.equal(5, #first)
        for i = 2, 5 do assert.is_true(first[i] >= first[i - 1]) end
        assert.is_true(first[3] > 0 and first[5] < 5)
        assert.is_true(second[2] < first[5] and second[5] > 0)
    end)
end)

describe("TLS:", function()
    local OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

    -- A server with this kind of certificate, and its authority.
    local function tls_server(kind)
        local ca, ctx = certificates.new(kind, os.time())
        return peer.listen(peer.answering(OK), ctx), ca
    end

    -- Proves that a server answers whom it should answer.
    local function control(server, ctx)
        local answered
        peer.spawn(function()
            local con = socket.connect("127.0.0.1", server.port)
            con:onerror(function(_, _, code) return code end)
            con:setmode("b", "bn")
            local ok = con:starttls(ctx or context.new("TLS", false))
            if ok then
                con:write "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
                answered = con:read "*L"
            end
            con:close()
            answered = answered or "nothing"
        end)
        peer.drive(function() return answered end)
        return answered
    end

    local function verdict(server, changes, host)
        local url = ("https://%s:%d/"):format(host or "127.0.0.1", server.port)
        return peer.exchange(peer.options(url, changes))
    end

    it("a good certificate is accepted, its authority as text or as file", function()
        local server, ca = tls_server "good"
        local path = files.temporary(ca)
        assert.equal(200, (verdict(server, { ca_pem = ca })))
        core.engine():close()
        assert.equal(200, (verdict(server, { ca_file = path })))
        core.engine():close()
        assert.equal(200, (verdict(server, { ca_pem = ca }, "localhost")))
        os.remove(path)
        server.close()
    end)

    it("a bad one is refused before anything is sent", function()
        local good_ca = certificates.new("good", os.time())
        for _, kind in ipairs { "expired", "wrong_host", "self_signed", "good" } do
            local server, ca = tls_server(kind)
            assert.equal("HTTP/1.1 200 OK\r\n", control(server), kind)
            local seen = server.seen
            local trusted = kind == "good" and good_ca or ca -- a good one of another authority
            local failed = failure(verdict(server, { ca_pem = trusted, token = "u-secret" }))
            assert.same({ kind, 60, false }, { kind, failed.code, failed.sent })
            assert.equal("GET / HTTP/1.1\r\nHost: x\r\n\r\n", server.head)
            assert.is_true(server.seen <= seen + 1)
            server.close()
        end
    end)

    it("the name in the URL is the one that counts", function()
        local server, ca = tls_server "good"
        assert.equal(200, (verdict(server, { ca_pem = ca })))
        server.close()
        local failed = failure(support.exchange(support.exchange_options("feishu", PRIMARY, {
            url = support.sandbox().feishu.base_url:gsub("127.0.0.1", "ip6-localhost.invalid") })))
        assert.equal(6, failed.code)
        local wrong, wrong_ca = tls_server "wrong_host"
        assert.equal("HTTP/1.1 200 OK\r\n", control(wrong))
        for _, host in ipairs { "127.0.0.1", "localhost" } do
            assert.equal(60, failure(verdict(wrong, { ca_pem = wrong_ca }, host)).code)
        end
        wrong.close()
    end)

    it("the system's authorities do not vouch for the sandbox", function()
        local options = support.exchange_options("feishu", PRIMARY)
        options.ca_file = nil
        core.engine():close()
        local failed = failure(support.exchange(options))
        assert.is_true(failed.code == 60 or failed.code == 77)
        assert.is_false(failed.sent)
    end)

    it("a kept connection is not lent to a client that trusts another authority", function()
        local other = certificates.new("good", os.time())
        core.engine():close()
        success(fetch {})
        local options = support.exchange_options("feishu", PRIMARY)
        options.ca_file, options.ca_pem = nil, other
        assert.equal(60, failure(support.exchange(options)).code)
        success(fetch {})
    end)

    it("an authority that cannot be read ends the call", function()
        for _, changes in ipairs { { ca_file = "/nowhere/ca.pem" }, { ca_pem = "no PEM" },
                                   { ca_pem = "" }, { ca_pem = "\0" },
                                   { ca_file = "/etc/hostname" } } do
            core.engine():close()
            local options = support.exchange_options("feishu", PRIMARY)
            options.ca_file = nil
            for name, value in pairs(changes) do options[name] = value end
            local failed = failure(support.exchange(options))
            assert.is_true(failed.code == 77 or (failed.code == 60 and options.ca_pem == ""),
                tostring(failed.code))
            assert.is_false(failed.sent)
        end
        local client = support.client("feishu", { ca_file = "/nowhere/ca.pem",
            user_access_token = "u-x" })
        local _, err = client:primary_calendar()
        assert.same({ "tls", "no" }, { err.kind, err.acted })
    end)

    it("versions before 1.2 are refused", function()
        local key = os.tmpname()
        local output, made = peer.shell(("openssl req -x509 -nodes -days 2 -newkey ec"
            .. " -pkeyopt ec_paramgen_curve:prime256v1 -subj /CN=localhost"
            .. " -addext subjectAltName=IP:127.0.0.1 -keyout %s.k -out %s.c")
            :format(key, key))
        assert(made, output)
        -- what openssl's own client says, with its guards down
        local function try(version, port)
            return peer.shell(("openssl s_client -connect 127.0.0.1:%d -%s -cipher"
                .. " ALL:@SECLEVEL=0 </dev/null"):format(port, version))
        end
        for version, good in pairs { tls1 = false, tls1_1 = false, tls1_2 = true, tls1_3 = true } do
            local probe = peer.listen(function() end)
            local port = probe.port
            probe.close()
            peer.pause(0.2)
            local pipe = io.popen(("exec openssl s_server -accept 127.0.0.1:%d -key %s.k -cert %s.c"
                .. " -%s -cipher ALL:@SECLEVEL=0 -www -quiet 2>/dev/null & echo $!; wait")
                :format(port, key, key, version))
            local pid = pipe:read "*n"
            local up
            for _ = 1, 100 do
                local said = try(version, port)
                up = said:match "Protocol *: *TLSv1[.%d]*" or said:match "New, TLSv1[.%d]*, Cipher"
                if up then break end
                core.sleep(0.05)
            end
            local status, code, _, sent = support.exchange(peer.options(
                "https://127.0.0.1:" .. port .. "/", { ca_file = key .. ".c" }))
            os.execute("kill " .. pid)
            pipe:close()
            assert.is_truthy(up, version .. " server is not up")
            if good then
                -- s_server ends its page by EOF: that TLS was fine is what counts
                assert.is_true(status == 200 or code == 1004, version .. " " .. tostring(code))
            else
                assert.same({ version, 35, false }, { version, code, sent })
            end
        end
        for _, suffix in ipairs { "", ".k", ".c" } do os.remove(key .. suffix) end
    end)

    it("plain HTTP on the TLS port is no TLS", function()
        local server = peer.listen(function(con) con:write(OK) con:read(1) end)
        local failed = failure(peer.exchange(peer.options("https://127.0.0.1:" .. server.port)))
        server.close()
        assert.equal(1, server.accepted)
        assert.same({ 35, false }, { failed.code, failed.sent })
    end)

    it("a handshake that is cut could be tried again", function()
        local function fin(con) con:read(-1) end
        local function reset(con)
            con:read(-1)
            local handle = require("socket").tcp()
            handle:setfd(con:pollfd())
            handle:setoption("linger", { on = true, timeout = 0 })
            handle:setfd(-1)
        end
        for name, ending in pairs { fin = fin, reset = reset } do
            local server = peer.listen(ending)
            local failed = failure(peer.exchange(peer.options(
                "https://127.0.0.1:" .. server.port)))
            server.close()
            assert.equal(1, server.accepted)
            assert.same({ name, 1006, false }, { name, failed.code, failed.sent })
        end
    end)

    it("a server without HTTP/2 is spoken to in HTTP/1.1", function()
        core.engine():close()
        assert.matches("^HTTP/1.1 ", success(fetch { http2 = true }).head)
    end)
end)

describe("the user's .netrc", function()
    it("gives no credentials to a request", function()
        local home = peer.shell("mktemp -d"):match("[^\n]+")
        local file = assert(io.open(home .. "/.netrc", "w"))
        file:write("default login somebody password canary\n")
        file:close()
        local output = peer.script([[
            local peer = require "spec.peer"
            local server = peer.listen(peer.answering(
                "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
            local status = peer.exchange(peer.options(server.url, { plain_http = true }))
            io.write(tostring(status), " ", tostring(server.head))]], {}, "HOME=" .. home .. " %s")
        peer.shell("rm -rf " .. home)
        assert.matches("^200 GET / HTTP/1.1", output)
        assert.is_nil(output:lower():find("authorization", 1, true), output)
    end)
end)

describe("proxies:", function()
    local OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

    -- A CONNECT proxy; `refuse`: what it answers instead of opening a tunnel.
    local function new_proxy(refuse)
        return peer.listen(function(con, server)
            local head = peer.read_request(con)
            if not head then return end
            server.head = head
            if refuse then
                if refuse ~= "" then con:write(refuse) end
                return
            end
            local target = socket.connect("127.0.0.1", tonumber(head:match("^CONNECT [^:]+:(%d+)")))
            target:onerror(function(_, _, code) return code end)
            target:setmode("b", "bn")
            con:write "HTTP/1.1 200 Connection established\r\nX-Proxy: p\r\n\r\n"
            local function pump(from, to)
                local bytes = from:read(-4096)
                while bytes do -- Lua 5.1 cannot wait inside an iterator
                    to:write(bytes)
                    bytes = from:read(-4096)
                end
                to:shutdown "w"
            end
            local left = 2
            for from, to in pairs { [con] = target, [target] = con } do
                cqueues.running():wrap(function()
                    pump(from, to)
                    left = left - 1
                end)
            end
            while left > 0 do cqueues.sleep(0.01) end
            target:close()
        end)
    end

    local function through(proxy, changes)
        local options = support.exchange_options("feishu", PRIMARY, {
            proxy = "http://127.0.0.1:" .. proxy.port })
        for name, value in pairs(changes or {}) do options[name] = value end
        return peer.exchange(options)
    end

    before_each(function() core.engine():close() end)

    it("one that is asked for is used, and its headers are not the answer's", function()
        local proxy = new_proxy()
        local answer = success(through(proxy, {
            proxy = ("http://name:word@127.0.0.1:%d"):format(proxy.port), token = "u-secret" }))
        assert.equal(1, proxy.accepted)
        assert.matches("^HTTP/1.1 4", answer.head)
        assert.is_nil(answer.head:find("X-Proxy", 1, true))
        assert.matches("Proxy%-Authorization: Basic bmFtZTp3b3Jk", proxy.head)
        assert.is_nil(proxy.head:find("Bearer", 1, true))
        proxy.close()
    end)

    it("one that refuses has not sent the request on", function()
        for _, status in ipairs { 407, 403, 502 } do
            local proxy = new_proxy(("HTTP/1.1 %d No\r\nContent-Length: 0\r\n"
                .. "Proxy-Authenticate: Basic realm=x\r\n\r\n"):format(status))
            support.clear "feishu"
            core.engine():close()
            local failed = failure(through(proxy, { method = "POST", body = "{}",
                content_type = "application/json" }))
            assert.equal(1, proxy.accepted)
            proxy.close()
            assert.is_false(failed.sent)
            assert.is_true(failed.code == 56 or failed.code == 7, tostring(failed.code))
            assert.same({}, support.requests "feishu")
        end
    end)

    it("one that is dead fails, and nothing goes round it", function()
        local proxy = new_proxy()
        proxy.close()
        peer.pause(0.2)
        support.clear "feishu"
        local failed = failure(through(proxy))
        assert.same({ 7, false }, { failed.code, failed.sent })
        assert.same({}, support.requests "feishu")
    end)

    it("no_proxy names hosts that are reached directly", function()
        local proxy = new_proxy()
        success(through(proxy, { no_proxy = "127.0.0.1" }))
        assert.equal(0, proxy.accepted)
        core.engine():close()
        success(through(proxy, { no_proxy = "other.invalid" }))
        assert.equal(1, proxy.accepted)
        proxy.close()
    end)

    it("a certificate is checked through them, too", function()
        local proxy = new_proxy()
        local other = certificates.new("good", os.time())
        local failed = failure(through(proxy, { ca_pem = other }))
        assert.equal(60, failed.code)
        assert.equal(1, proxy.accepted)
        proxy.close()
    end)

    local SCRIPT = [[
        local core = require "cloudcal.core"
        local transfer = assert(core.engine():submit {
            url = given.url, ca_file = given.ca_file, proxy = given.proxy, method = "GET",
            no_proxy = given.no_proxy, plain_http = given.plain == "yes",
            user_agent = "spec", timeout = 10, connect_timeout = 10, max_response_bytes = 1e6,
            max_connections = 1 }
        )
        while not transfer:done() do core.engine():step(1) end
        local status, code = transfer:take()
        print(status or "failed", status and "" or code)
    ]]

    it("the environment's are used when asked, and only then", function()
        local sandbox = support.sandbox()
        local dead = "https_proxy=http://127.0.0.1:1 HTTPS_PROXY=http://127.0.0.1:1 "
            .. "all_proxy=http://127.0.0.1:1 http_proxy=http://127.0.0.1:1 %s"
        local function run(proxy, environment, changes)
            local values = { url = sandbox.feishu.base_url .. PRIMARY, ca_file = sandbox.ca_file,
                             proxy = proxy }
            for name, value in pairs(changes or {}) do values[name] = value end
            return (peer.script(SCRIPT, values, environment))
        end
        assert.matches("^40%d", run(nil, dead))
        assert.equal("failed\t7\n", run("env", dead))
        assert.matches("^40%d", run("env", "no_proxy=127.0.0.1 " .. dead))
        assert.matches("^40%d", run("env", dead, { no_proxy = "127.0.0.1" }))
        assert.equal("failed\t7\n",
            run("http://127.0.0.1:1", "no_proxy=127.0.0.1 NO_PROXY=* %s"))
        assert.equal("failed\t7\n", run(nil, dead, { url = "http://127.0.0.1:1/", plain = "yes" }))
    end)

    it("plain HTTP goes through them whole", function()
        local proxy = peer.listen(peer.answering(OK))
        success(through(proxy, { url = "http://127.0.0.1:1/path", plain_http = true }))
        assert.matches("^GET http://127.0.0.1:1/path HTTP/1.1\r\n", proxy.head)
        proxy.close()
    end)
end)

describe("a wrong option", function()
    local function submit(changes, without)
        local options = support.exchange_options("feishu", PRIMARY, changes)
        if without then options[without] = nil end
        return core.engine():submit(options)
    end

    local function refused(pattern, changes, without)
        local ok, message = pcall(submit, changes, without)
        assert.is_false(ok, pattern)
        assert.matches(pattern, message)
    end

    it("of the wrong type raises and is named", function()
        for _, name in ipairs { "url", "method", "user_agent", "token", "content_type", "body",
                                "ca_file", "ca_pem", "proxy", "no_proxy" } do
            for _, wrong in ipairs { {}, true, print, 12 } do
                refused(name .. " is not a string", { [name] = wrong })
            end
        end
        for _, name in ipairs { "timeout", "connect_timeout", "max_response_bytes",
                                "max_connections" } do
            for _, wrong in ipairs { {}, true, print, "much" } do
                refused(name .. " is not a number", { [name] = wrong })
            end
            refused(name .. " is not a number", nil, name)
        end
        for _, wrong in ipairs { "X: y", true, 12 } do
            refused("headers is not a table", { headers = wrong })
        end
        refused("header 2 is not one line of text", { headers = { "A: b", {} } })
        refused("url is missing", nil, "url")
        refused("method is missing", nil, "method")
    end)

    it("with a control character raises and is named", function()
        for _, name in ipairs { "url", "method", "user_agent", "token", "content_type", "ca_file",
                                "proxy", "no_proxy" } do
            for byte = 0, 31 do
                refused(name .. " holds a control character",
                    { [name] = "a" .. string.char(byte) .. "b" })
            end
            refused(name .. " holds a control character", { [name] = "a\127" })
        end
        for byte = 0, 31 do
            refused("header 1 is not one line of text",
                { headers = { "X-A: b" .. string.char(byte) .. "X-Injected: c" } })
        end
    end)

    it("that no ceiling can be raises", function()
        for _, wrong in ipairs { -1, 0 / 0, 1 / 0, 1e300, -1e300 } do
            refused("max_response_bytes is out of range", { max_response_bytes = wrong })
            refused("max_connections is out of range", { max_connections = wrong })
        end
    end)

    it("is looked for in the table itself, where it stays put", function()
        local options = setmetatable({}, {
            __index = support.exchange_options("feishu", PRIMARY) })
        assert.error(function() core.engine():submit(options) end)
    end)

    it("that is no table raises", function()
        for _, wrong in ipairs { "x", 1, true } do
            assert.error(function() core.engine():submit(wrong) end)
        end
        assert.error(function() core.engine():submit() end)
    end)

    it("leaves nothing behind", function()
        core.engine():close()
        success(fetch {})
        collectgarbage()
        collectgarbage()
        local before = peer.descriptors()
        for i = 1, 200 do
            assert.is_false((pcall(submit, { method = i % 2 == 0 and "\n" or {} })))
        end
        assert.equal(0, core.engine():step(0))
        collectgarbage()
        collectgarbage()
        peer.expect_descriptors(before)
        success(fetch {})
    end)
end)

describe("a transfer", function()
    local function start(changes)
        return assert(core.engine():submit(support.exchange_options("feishu", PRIMARY, changes)))
    end

    local function finish(transfer)
        while not transfer:done() do core.engine():step(1) end
    end

    it("is taken once, and not before it is done", function()
        local transfer = start { headers = { "X-Sandbox-Fault: slow:0.3" } }
        assert.is_false(transfer:done())
        assert.equal(0, select("#", transfer:take()))
        core.engine():step(0)
        assert.equal(0, select("#", transfer:take()))
        finish(transfer)
        assert.is_true(transfer:done())
        assert.equal(4, select("#", transfer:take()))
        assert.is_false(transfer:done())
        assert.equal(0, select("#", transfer:take()))
        local failed = start { url = "https://127.0.0.1:1/" }
        finish(failed)
        assert.equal(6, select("#", failed:take()))
        assert.equal(0, select("#", failed:take()))
    end)

    it("says how it stands", function()
        local transfer = start()
        assert.equal("cloudcal.transfer (queued)", tostring(transfer))
        finish(transfer)
        assert.equal("cloudcal.transfer (done)", tostring(transfer))
        transfer:take()
        assert.equal("cloudcal.transfer (closed)", tostring(transfer))
        local other = start { headers = { "X-Sandbox-Fault: stalled" } }
        for _ = 1, 10 do core.engine():step(0.01) end
        assert.equal("cloudcal.transfer (running)", tostring(other))
        other:cancel()
        assert.equal("cloudcal.transfer (done)", tostring(other))
        other:take()
        assert.equal("cloudcal.transfer (closed)", tostring(other))
    end)

    it("can be cancelled wherever it stands, and more than once", function()
        support.clear "feishu"
        local queued, done = start(), start()
        queued:cancel()
        finish(done)
        done:cancel() -- too late: its answer stays
        local running = start { headers = { "X-Sandbox-Fault: stalled" } }
        support.await_requests("feishu", 2)
        running:cancel()
        for transfer, wanted in pairs { [queued] = false, [running] = true } do
            transfer:cancel()
            assert.is_true(transfer:done())
            local status, code, _, sent = transfer:take()
            assert.same({ nil, 42, wanted }, { status, code, sent })
            transfer:cancel()
            assert.equal(0, select("#", transfer:take()))
        end
        assert.equal("number", type((done:take())))
        assert.equal(0, core.engine():step(0))
        success(fetch {})
    end)

    it("that is cancelled closes its connection", function()
        core.engine():close()
        local before = peer.descriptors()
        core.engine():fd()
        local idle = peer.descriptors()
        local transfer = start { headers = { "X-Sandbox-Fault: stalled" } }
        for _ = 1, 10 do core.engine():step(0.02) end
        assert.is_true(peer.descriptors() > idle)
        transfer:cancel()
        assert.is_true(peer.descriptors() <= idle + 4) -- what the multi itself keeps
        core.engine():close()
        peer.expect_descriptors(before)
    end)

    it("that nobody holds any more is ended", function()
        core.engine():close()
        local before = peer.descriptors()
        for _ = 1, 5 do start { headers = { "X-Sandbox-Fault: stalled" } } end
        for _ = 1, 30 do core.engine():step(0.01) end
        assert.is_true(peer.descriptors() >= before)
        collectgarbage()
        collectgarbage()
        assert.equal(0, core.engine():step(0))
        core.engine():close()
        peer.expect_descriptors(before)
    end)

    it("hides its metatable, and its methods take nothing else", function()
        local transfer = start()
        assert.is_false(getmetatable(transfer))
        assert.error(function() transfer.done {} end)
        assert.error(function() transfer.take(io.stdout) end)
        assert.error(function() transfer.cancel(core.engine()) end)
        transfer:cancel()
    end)

    local function block(attribute)
        return lua.load(([[
            local start = ...
            do local transfer%s = start { headers = { "X-Sandbox-Fault: stalled" } } end
        ]]):format(attribute))
    end

    if lua.version == "5.4" then
        it("ends with its block, as this Lua closes variables", function()
            collectgarbage "stop"
            block " <close>"(start)
            local left = core.engine():step(0)
            collectgarbage "restart"
            assert.equal(0, left)
        end)
    else
        it("outlives its block until it is collected, as this Lua closes no variables", function()
            assert.is_nil((block " <close>"))
            collectgarbage "stop"
            block ""(start)
            local left = core.engine():step(0)
            collectgarbage "restart"
            assert.equal(1, left)
            collectgarbage()
            collectgarbage()
            assert.equal(0, core.engine():step(0))
        end)
    end
end)
