--- Requests that no client would send, into the sandbox's parser, through a true socket: never a
-- raise, a request that keeps its form and its ceilings, or a refusal that is documented, and no
-- time that grows faster than the request.
-- fuzz_requests.lua COUNT [SEED]

local http = require "cloudcal.sandbox.http"
local mutate = require "spec.torture.mutate"
local socket = require "cqueues.socket"

local count, seed = ...
count, seed = tonumber(count), tonumber(seed) or os.time()

local MOST_SECONDS = 0.5 -- of one request; a hundredth of a second is much
local MOST_HEADERS, MOST_BYTES = 200, 160000 -- what a pair of sockets holds

local REFUSALS = { [400] = true, [413] = true, [431] = true, [501] = true }

local CORPUS = {
    "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "POST /open-apis/calendar/v4/x?a=b&c=%20 HTTP/1.1\r\nHost: 127.0.0.1:1\r\n"
        .. "Authorization: Bearer u-1\r\nContent-Type: application/json; charset=utf-8\r\n"
        .. 'Content-Length: 21\r\nUser-Agent: a b\r\n\r\n{"device_name":"phone"',
    "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        .. "5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nTrailer: x\r\n\r\n",
    "DELETE /a/b HTTP/1.0\r\nConnection: close\r\n\r\n",
    "\r\nPATCH /p HTTP/1.1\nHost: x\nContent-Length: 3\n\nabc",
    "POST /e HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
    "PUT /twice HTTP/1.1\r\nHost: x\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 0\r\n\r\n"
        .. "GET /next HTTP/1.1\r\nHost: x\r\n\r\n",
}

local WORDS = {
    " ", "\t", "\r", "\n", "\r\n", "\r\n\r\n", "\0", "\127", "\128", "\255", ":", ": ", "a",
    "a: b\r\n", "0\r\n", "1\r\nx\r\n", "fffffff\r\n", "10000001\r\n", "-1", "0x1", "99999999",
    "Host: x\r\n",
    "Host: y\r\n", "Content-Length: 5\r\n", "Content-Length: 99999999999\r\n",
    "content-length: +1\r\n",
    "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: gzip\r\n", "Connection: close\r\n",
    "HTTP/1.1", "HTTP/2", "GET ", "/", "?", "%00", "#", "..", ";", "=", "\11", " folded\r\n",
}

local function check(request, status)
    if not request then
        assert(status == nil or REFUSALS[status], "status " .. tostring(status))
        return status or "ended"
    end
    assert(request.method:find "^%u+$" and request.path:find "^/[!-~]*$", "request line")
    assert(request.query:find "^[!-~]*$" and not request.path:find("?", 1, true), "query")
    assert(request.minor == 0 or request.headers.host, "no host")
    local headers = 0
    for name, value in pairs(request.headers) do
        headers = headers + 1
        assert(name == name:lower() and name:find "^[^%c%s:]+$", "the name of a header")
        assert(not value:find "[%z\1-\8\10-\31\127]", "the value of a header")
    end
    assert(headers <= MOST_HEADERS, "headers")
    local length = tonumber(request.headers["content-length"] or 0)
    assert(request.headers["transfer-encoding"] or #request.body == length, "body")
    assert(type(request.close) == "boolean", "close")
    return "request"
end

local outcomes = {}

-- As much of it as the parser takes for requests
local function feed(bytes)
    local client, server = assert(socket.pair())
    client:setmode("bn", "bn")
    http.prepare(server)
    client:settimeout(0)
    client:write(bytes)
    client:shutdown "w"
    repeat
        local request, status = http.read(server)
        local outcome = check(request, status)
        outcomes[outcome] = (outcomes[outcome] or 0) + 1
    until not request
    client:close()
    server:close()
end

local wrong, slowest = mutate.each(count, seed, MOST_SECONDS, function(random)
    feed(mutate.new(random, WORDS)(CORPUS):sub(1, MOST_BYTES))
end)

for _, wanted in ipairs { 400, 413, 431, 501, "ended", "request" } do
    if not outcomes[wanted] then
        wrong = wrong + 1
        print("never met: " .. wanted)
    end
end
print(("%d texts, %d requests, %.2f s at most|%d"):format(count, outcomes.request or 0, slowest,
    wrong))
os.exit(wrong == 0 and 0 or 1, true)
