--- HTTP/2 servers that do what none should: streams and connections that end, bodies that are not
-- what was said of them, frames that break the rules. Each is shown to be up, and to speak
-- HTTP/2, by a good call before and after.

local certificates = require "cloudcal.sandbox.certificates"
local cloudcal = require "cloudcal"
local core = require "cloudcal.core"
local cqueues = require "cqueues"
local peer = require "spec.peer"
local pipeline = require "spec.pipeline"
local starved = require "spec.torture.starved"

local pack, unpack = string.pack, string.unpack -- luacheck: ignore 143

local SECONDS = 20 -- that a call may take
local SOON = 0.3 -- one that has no end
local LATE = 0.25 -- beyond that
local CEILING = 1024 * 1024 -- bytes of a body
local BODY = '{"code":0,"msg":"success","data":{}}'

local wrong, tried = 0, 0

local function complain(name, text)
    wrong = wrong + 1
    print(("%s: %s"):format(name, tostring(text)))
end

-- {======================================================
-- Frames (RFC 9113), and header fields that need no state (RFC 7541)
-- =======================================================}

local DATA, HEADERS, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, MORE = 0, 1, 3, 4, 5, 6, 7, 8, 9
local END_STREAM, END_HEADERS, ACK = 1, 4, 1

local function frame(kind, flags, stream, payload)
    return pack(">I3BBI4", #payload, kind, flags, stream) .. payload
end

local function number(n) return pack(">I4", n) end

local OK = "\x88" -- :status 200
local JSON = "\x0f\x10\x10application/json"

local function length(n) return "\x0f\x0d" .. pack("s1", tostring(n)) end

local function field(name, value) return "\0" .. pack("s1s1", name, value) end

local function head(stream, fields, flags)
    return frame(HEADERS, END_HEADERS | (flags or 0), stream, fields)
end

local function data(stream, bytes, flags) return frame(DATA, flags or 0, stream, bytes) end

local function answer(stream)
    return head(stream, OK .. JSON .. length(#BODY)) .. data(stream, BODY, END_STREAM)
end

local function rst(stream, code) return frame(RST, 0, stream, number(code)) end

local function goaway(last, code) return frame(GOAWAY, 0, 0, number(last) .. number(code)) end

-- {======================================================
-- What a server does with a request: it returns bytes, after which it goes on; or "close" beside
-- them. What has to come of it: "fine", or kind and acted; and how often a GET is sent.
-- =======================================================}

local HALF = BODY:sub(1, 10)
local REFUSED, INTERNAL, CANCEL, PROTOCOL, CALM, USE_1_1 = 7, 2, 8, 1, 11, 13

local function continued(stream, frames)
    local parts = { frame(HEADERS, 0, stream, OK .. JSON) }
    for _ = 1, frames do
        parts[#parts + 1] = frame(MORE, 0, stream, field("x-more", ("m"):rep(120)):rep(100))
    end
    parts[#parts + 1] = frame(MORE, END_HEADERS, stream, length(#BODY))
    return table.concat(parts) .. data(stream, BODY, END_STREAM)
end

local function endless(stream, con)
    local going = con:write(head(stream, OK .. JSON))
    local piece = data(stream, (" "):rep(16384))
    for _ = 1, 2 * CEILING / 16384 do going = going and con:write(piece) end
    return ""
end

local LOST = { "network", "maybe", 2 }

local BEHAVIOURS = {
    { "a good answer", answer, { "fine" } },
    { "an unknown frame first", function(id) return frame(99, 0, id, "?") .. answer(id) end,
        { "fine" } },
    { "RST_STREAM after the answer", function(id) return answer(id) .. rst(id, 0) end, { "fine" } },
    { "GOAWAY, then the answer", function(id) return goaway(id, 0) .. answer(id) end, { "fine" } },
    { "trailers", function(id)
        return head(id, OK .. JSON) .. data(id, BODY) .. head(id, field("x-t", "t"), END_STREAM)
    end, { "fine" } },
    { "RST_STREAM: refused", function(id) return rst(id, REFUSED) end, LOST },
    { "RST_STREAM: internal error", function(id) return rst(id, INTERNAL) end, LOST },
    { "RST_STREAM: cancel", function(id) return rst(id, CANCEL) end, LOST },
    { "RST_STREAM: calm down", function(id) return rst(id, CALM) end, LOST },
    { "RST_STREAM: HTTP/1.1 required", function(id) return rst(id, USE_1_1) end, LOST },
    { "RST_STREAM: no error", function(id) return rst(id, 0) end, LOST },
    { "RST_STREAM after the headers", function(id)
        return head(id, OK .. JSON) .. rst(id, INTERNAL)
    end, LOST },
    { "RST_STREAM in the body", function(id)
        return head(id, OK .. JSON .. length(#BODY)) .. data(id, HALF) .. rst(id, CANCEL)
    end, LOST },
    { "RST_STREAM in a body without a length", function(id)
        return head(id, OK .. JSON) .. data(id, BODY) .. rst(id, 0)
    end, LOST },
    { "GOAWAY, request not seen", function() return goaway(0, 0), "close" end, LOST },
    { "GOAWAY: error", function(id) return goaway(id, PROTOCOL), "close" end, LOST },
    { "GOAWAY in the body", function(id)
        return head(id, OK .. JSON) .. data(id, HALF) .. goaway(id, INTERNAL), "close"
    end, LOST },
    { "closed", function() return "", "close" end, LOST },
    { "closed in a frame's head", function() return "\0\0", "close" end, LOST },
    { "closed in the headers", function(id) return head(id, OK .. JSON):sub(1, 15), "close" end,
        LOST },
    { "closed after the headers", function(id) return head(id, OK .. JSON), "close" end, LOST },
    { "closed in the body", function(id)
        return head(id, OK .. JSON .. length(#BODY)) .. data(id, HALF), "close"
    end, LOST },
    { "closed in a body without a length", function(id)
        return head(id, OK .. JSON) .. data(id, BODY), "close"
    end, LOST },
    { "silence", function() return "" end, { "timeout", "maybe", 1 }, SOON },
    { "silence in the body", function(id) return head(id, OK .. JSON) .. data(id, HALF) end,
        { "timeout", "maybe", 1 }, SOON },
    { "a length too great", function(id)
        return head(id, OK .. JSON .. length(#BODY + 9)) .. data(id, BODY, END_STREAM)
    end, LOST },
    { "a length too small", function(id)
        return head(id, OK .. JSON .. length(#BODY - 9)) .. data(id, BODY, END_STREAM)
    end, LOST },
    { "two lengths", function(id)
        return head(id, OK .. JSON .. length(#BODY) .. length(#BODY + 1)) .. data(id, BODY, 1)
    end, LOST },
    { "no status", function(id) return head(id, JSON) .. data(id, BODY, END_STREAM) end, LOST },
    { "two statuses", function(id) return head(id, OK .. OK) .. data(id, BODY, END_STREAM) end,
        LOST },
    { "a name in capitals", function(id)
        return head(id, OK .. field("X-Capital", "c")) .. data(id, BODY, END_STREAM)
    end, LOST },
    { "a NUL in a header", function(id)
        return head(id, OK .. field("x-nul", "a\0b")) .. data(id, BODY, END_STREAM)
    end, LOST },
    { "a header index that is none", function(id) return head(id, OK .. "\xff\x7f") end, LOST },
    -- of more than 32 KiB libcurl 7.88 leaves some in its own buffer, and waits for ever
    { "headers of 25 kB", function(id) return continued(id, 2) end, { "fine" } },
    { "headers of 400 kB", function(id) return continued(id, 32) end, LOST },
    { "a body without an end", endless, { "too_large", "maybe", 1 } },
    { "an empty body", function(id) return head(id, OK .. JSON, END_STREAM) end,
        { "bad_response", "maybe", 1 } },
    { "the body before the headers", function(id) return data(id, BODY, END_STREAM) end, LOST },
    -- libcurl 7.88 takes what came before for the whole answer
    { "a frame over the limit", function(id)
        return head(id, OK .. JSON) .. data(id, BODY .. (" "):rep(20000), END_STREAM)
    end, { "bad_response", "maybe", 1 } },
    { "a push", function(id)
        return frame(PUSH, END_HEADERS, id, number(2) .. "\x82\x87\x84") .. answer(id)
    end, LOST },
    { "a window beyond 2^31", function(id)
        return frame(WINDOW, 0, id, number(0x7fffffff)):rep(2) .. answer(id)
    end, LOST },
    { "a PING of 5 bytes", function(id) return frame(PING, 0, 0, "12345") .. answer(id) end, LOST },
    { "SETTINGS on a stream", function(id) return frame(SETTINGS, 0, id, "") .. answer(id) end,
        LOST },
    { "500 PINGs", function(id) return frame(PING, 0, 0, "12345678"):rep(500) .. answer(id) end,
        { "fine" } },
    { "not HTTP/2", function() return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "close" end,
        LOST },
}

-- {======================================================
-- The server
-- =======================================================}

local pem, ctx = certificates.new("good", os.time())
ctx:setAlpnSelect(function() return "h2" end)

local behaviour, requests = answer, 0

local function reply(con, id)
    requests = requests + 1
    local bytes, ending = behaviour(id, con)
    con:write(bytes)
    if ending == "close" then con:shutdown "w" end
    return ending ~= "close"
end

local function serve(con)
    if con:read(24) ~= "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" then return end
    con:write(frame(SETTINGS, 0, 0, ""))
    while true do
        local top = con:read(9)
        if not top then return end
        local size, kind, flags, id = unpack(">I3BBI4", top)
        local payload = size > 0 and con:read(size) or ""
        if not payload then return end
        if kind == SETTINGS and flags & ACK == 0 then con:write(frame(SETTINGS, ACK, 0, "")) end
        if kind == PING and flags & ACK == 0 then con:write(frame(PING, ACK, 0, payload)) end
        local is_request = (kind == HEADERS or kind == DATA) and flags & END_STREAM ~= 0
        if is_request and not reply(con, id) then
            cqueues.sleep(0.02)
            return
        end
    end
end

local server = peer.listen(serve, ctx)

-- {======================================================
-- Cases
-- =======================================================}

local client = cloudcal.feishu {
    base_url = "https://127.0.0.1:" .. server.port, ca_pem = pem, user_access_token = "u-1",
    http_version = "2", rate_limit = false, max_response_bytes = CEILING,
    retry = { max_attempts = 2, max_delay = 0 },
}

local function call(method, timeout)
    local tasks, waited, started = cloudcal.loop(), starved(), core.now()
    local late
    local task = tasks:spawn(function()
        local body, err, meta = client:request { method = method, path = "/open-apis/x",
            body = method == "POST" and { a = 1 } or nil, timeout = timeout }
        late = core.now() - started - timeout - (starved() - waited)
        return body, err, meta
    end)
    peer.drive(function() return tasks:step(0) == 0 end, 3 * SECONDS)
    local body, err, meta = task:result()
    return body, err, meta, late
end

local function expect_up(name)
    behaviour = answer
    local body, err, meta = call("POST", SECONDS)
    if not body then complain(name, "a good call: " .. tostring(err)) end
    if body and meta.status ~= 200 then complain(name, "no good status") end
end

local function try(method, name, act, expected, timeout)
    expect_up(name)
    pipeline.fill_budgets()
    tried, requests, behaviour = tried + 1, 0, act
    local body, err, _, late = call(method, timeout or SECONDS)
    if late > LATE then complain(name, ("%.3f s late"):format(late)) end
    local wanted = method == "GET" and expected[3] or 1
    if requests ~= wanted then complain(name, ("%d requests, not %d"):format(requests, wanted)) end
    if expected[1] == "fine" then
        if not body then complain(name, err) end
    elseif body then
        complain(name, "it has a result")
    elseif err.kind ~= expected[1] or err.acted ~= expected[2] then
        complain(name, ("%s %s: %s"):format(err.kind, err.acted, tostring(err)))
    elseif method == "POST" and err.retryable then
        complain(name, "it may be sent again")
    end
    expect_up(name)
end

for _, row in ipairs(BEHAVIOURS) do
    for _, method in ipairs { "GET", "POST" } do
        local ran, problem = pcall(try, method, row[1] .. ", " .. method, row[2], row[3], row[4])
        if not ran then complain(row[1], problem) end
    end
end

print(("%d answers of %d kinds|%d"):format(tried, #BEHAVIOURS, wrong))
os.exit(wrong == 0 and 0 or 1, true)
