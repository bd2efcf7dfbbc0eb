--- Everything that can go wrong between a client and a service, by name.
-- A fault gets the situation after the whole request was read: { wire, served (requests
-- that the connection answered before), argument, answer() (the world acts, and says what it
-- would answer), refuse(code, msg, http, headers) (the world does not act), request }.
-- It returns true when the connection may go on.
local http = require "cloudcal.sandbox.http"
local schema = require "cloudcal.schema"

local faults = {}

local rows, order = {}, {}

-- `argument` is the kind of what may stand behind the name: seconds, bytes or location.
local function define(name, about, run, argument, default)
    order[#order + 1] = name
    rows[name] = { name = name, about = about, run = run, argument = argument, default = default }
end

local function length(answer) return "Content-Length: " .. #answer.body end

local function halves(body)
    local middle = math.floor(#body / 2)
    return body:sub(1, middle), body:sub(middle + 1)
end

local function html(status, title)
    local body = ("<html>\r\n<head><title>%s</title></head>\r\n<body>%s</body>\r\n</html>\r\n")
        :format(title, title)
    return { status = status, headers = { { "Content-Type", "text/html" } }, body = body }
end

local function send(s, answer)
    s.status = answer.status
    return s.wire:send(http.render(answer))
end

-- The world's answer with another body.
local function define_body(name, about, change)
    define(name, about, function(s)
        local answer = s:answer()
        answer.body = change(answer.body)
        return send(s, answer)
    end)
end

-- The world's answer, written by `write(wire, answer, situation)`; then FIN.
local function define_cut(name, about, write, ending)
    define(name, about, function(s)
        write(s.wire, s:answer(), s)
        s.wire[ending or "finish"](s.wire)
    end)
end

-- Nothing comes, or not in time -------------------------------------------------------

define("none", "no fault: a place holder in a queue", function(s) return send(s, s:answer()) end)

define("slow", "answer late", function(s)
    local answer = s:answer()
    s.wire:sleep(s.argument)
    return send(s, answer)
end, "seconds", 1)

define("stalled", "never answer, keep the connection open", function(s)
    s:answer()
    s.wire:stall()
    s.wire:abandon()
end)

define("stalled_body", "headers and half the body, then nothing", function(s)
    local answer = s:answer()
    s.wire:send(http.head(answer, { length(answer) }) .. halves(answer.body))
    s.wire:stall()
    s.wire:abandon()
end)

define("drip", "one byte each 50 ms", function(s)
    local answer = s:answer()
    for byte in http.render(answer):gmatch(".") do
        if not s.wire:send(byte) then return end
        s.wire:sleep(0.05)
    end
    s.status = answer.status
    return true
end)

-- The connection ends -----------------------------------------------------------------

define("reset", "RST instead of an answer", function(s)
    s:answer()
    s.wire:reset()
end)

define("close", "FIN instead of an answer", function(s)
    s:answer()
    s.wire:finish()
end)

local function define_reused(name, about, ending)
    define(name, about, function(s)
        local answer = s:answer()
        if s.served == 0 then return send(s, answer) end
        s.wire[ending](s.wire)
    end)
end

define_reused("reset_reused", "RST, only on a connection that served before", "reset")
define_reused("close_reused", "FIN, only on a connection that served before", "finish")

define_cut("close_after", "a good answer, then FIN without notice", function(wire, answer, s)
    s.status = answer.status
    wire:send(http.render(answer))
end)

define_cut("reset_body", "half the body, then RST", function(wire, answer)
    wire:send(http.head(answer, { length(answer) }) .. halves(answer.body))
    wire:sleep(0.02)
end, "reset")

define_cut("truncated", "fewer bytes than Content-Length says, then FIN", function(wire, answer)
    wire:send(http.head(answer, { "Content-Length: " .. #answer.body + 100 }) .. answer.body)
end)

define_cut("cut_headers", "the status line and half a header, then FIN", function(wire)
    wire:send("HTTP/1.1 200 OK\r\nContent-Le")
end)

define_cut("eof_body", "no length: the body ends with the connection", function(wire, answer)
    wire:send(http.head(answer) .. answer.body)
end)

define_cut("eof_body_bare", "the same, without a TLS goodbye", function(wire, answer)
    wire:send(http.head(answer) .. answer.body)
    wire:sleep(0.02)
end, "abandon")

-- The framing is wrong ----------------------------------------------------------------

define_cut("two_lengths", "two different Content-Length", function(wire, answer)
    local wrong = "Content-Length: " .. #answer.body + 7
    wire:send(http.head(answer, { wrong, length(answer) }) .. answer.body)
end)

define_cut("huge_length", "a Content-Length of 20 digits", function(wire, answer)
    wire:send(http.head(answer, { "Content-Length: 99999999999999999999" }) .. answer.body)
end)

local function chunk(bytes) return ("%x\r\n%s\r\n"):format(#bytes, bytes) end

local CHUNKED = "Transfer-Encoding: chunked"

define_cut("negative_length", "a Content-Length below 0", function(wire, answer)
    wire:send(http.head(answer, { "Content-Length: -" .. #answer.body }) .. answer.body)
end)

define_cut("long_length", "a Content-Length of 1 GiB, and as many bytes", function(wire, answer)
    local going = wire:send(http.head(answer, { "Content-Length: 1073741824" }))
    local piece = (" "):rep(65536)
    for _ = 1, 16384 do
        going = going and wire:send(piece)
        if not going then break end
    end
end, "abandon")

define_cut("lengths_and_chunked", "Content-Length beside chunks", function(wire, answer)
    local body = chunk(answer.body) .. "0\r\n\r\n"
    wire:send(http.head(answer, { "Content-Length: 5", CHUNKED }) .. body)
end)

define_cut("bad_chunk", "a chunk size that is no number", function(wire, answer)
    wire:send(http.head(answer, { CHUNKED }) .. "zz\r\n" .. answer.body .. "\r\n0\r\n\r\n")
end)

define_cut("huge_chunk", "a chunk size of 17 digits", function(wire, answer)
    wire:send(http.head(answer, { CHUNKED }) .. "fffffffffffffffff\r\n" .. answer.body)
end)

define_cut("cut_chunk", "half a chunk, then FIN", function(wire, answer)
    local head = http.head(answer, { CHUNKED })
    wire:send(head .. ("%x\r\n"):format(#answer.body) .. halves(answer.body))
end)

define_cut("garbage", "not HTTP", function(wire)
    wire:send("\1\2\3 this is no HTTP \255\254\r\n\r\n" .. ("\0garbage"):rep(50))
end)

define_cut("http_09", "a body without status line and headers", function(wire, answer)
    wire:send(answer.body)
end)

define("bad_status", "status 999", function(s)
    local answer = s:answer()
    answer.status = 999
    return send(s, answer)
end)

define_cut("status_000", "status 000", function(wire, answer)
    wire:send(("HTTP/1.1 000 None\r\n%s\r\n\r\n%s"):format(length(answer), answer.body))
end)

define("body_of_204", "status 204 with a body all the same", function(s)
    local answer = s:answer()
    answer.status = 204
    return send(s, answer)
end)

define("switch", "status 101, to a protocol that nobody asked for", function(s)
    local answer = s:answer()
    answer.status = 101
    answer.headers[#answer.headers + 1] = { "Upgrade", "other" }
    return send(s, answer)
end)

define("nul_header", "a header with a NUL in its value", function(s)
    local answer = s:answer()
    answer.headers[#answer.headers + 1] = { "X-Nul", "a\0b" }
    return send(s, answer)
end)

define("no_colon", "a header line without a colon", function(s)
    local answer = s:answer()
    return s.wire:send(http.head(answer, { "X-No-Colon", length(answer) }) .. answer.body)
end)

define("huge_headers", "a header of 400 kB", function(s)
    local answer = s:answer()
    answer.headers[#answer.headers + 1] = { "X-Huge", ("h"):rep(400000) }
    return send(s, answer)
end)

define("many_headers", "6000 headers", function(s)
    local answer = s:answer()
    for i = 1, 6000 do answer.headers[#answer.headers + 1] = { "X-Many-" .. i, "m" } end
    return send(s, answer)
end)

define("continue_flood", "2000 times 100 Continue, then the answer", function(s)
    local answer = s:answer()
    s.wire:send(("HTTP/1.1 100 Continue\r\n\r\n"):rep(2000))
    return send(s, answer)
end)

-- The body is wrong -------------------------------------------------------------------

define("endless_body", "a body without end, in chunks", function(s)
    local piece = chunk((" "):rep(65536))
    local going = s.wire:send(http.head(s:answer(), { CHUNKED }))
    for _ = 1, 65536 do -- 4 GiB: more than anybody takes
        going = going and s.wire:send(piece)
        if not going then break end
    end
    s.wire:abandon()
end)

define("big_body", "an answer padded to this many bytes", function(s)
    local answer = s:answer()
    answer.body = answer.body .. (" "):rep(s.argument - #answer.body)
    return send(s, answer)
end, "bytes", 10 * 1024 * 1024)

define_body("empty", "status 200 and no body", function() return "" end)
define_body("bad_json", "a body that is no JSON", function() return '{"code":0,"msg":success,}' end)
define_body("half_json", "half the JSON, with a right length", function(body)
    return (halves(body))
end)
define_body("trailing_json", "JSON followed by something else", function(body)
    return body .. "}garbage"
end)
define_body("not_utf8", "a string that is not UTF-8", function()
    return '{"code":0,"msg":"\255\254\192","data":{},"Success":true}'
end)
define_body("not_object", "an array instead of an object", function() return "[]" end)
define_body("no_code", "an object without a verdict", function() return "{}" end)
define_body("no_data", "success without data", function(body)
    if body:find('"Success"', 1, true) then return '{"Success":true,"Error":null}' end
    return '{"code":0,"msg":"success"}'
end)
define_body("success_string", 'the code is the string "0"', function(body)
    return (body:gsub('^{"code":0,', '{"code":"0",', 1))
end)
define_body("big_integer", "an integer beyond 2^53", function(body)
    return (body:gsub("^{", '{"big":9007199254740993,', 1))
end)

-- {"code":0,"msg":"success","data":{}} by gzip.
local GZIPPED = "\031\139\008\000\000\000\000\000\002\003\171\086\074\206\079\073\085\178\050\208"
    .. "\081\202\045\078\087\178\082\042\046\077\078\078\045\046\086\210\081\074\073\044"
    .. "\073\084\178\170\174\173\005\000\050\034\009\006\036\000\000\000"

define("gzip", "a compressed body that nobody asked for", function(s)
    local answer = s:answer()
    answer.body = GZIPPED
    answer.headers[#answer.headers + 1] = { "Content-Encoding", "gzip" }
    return send(s, answer)
end)

local function packed(bits)
    return (bits:gsub("........", function(byte)
        return string.char(tonumber(byte:reverse(), 2))
    end))
end

-- A space, and then the last byte 258 times in 13 bits, again and again.
local SAME = "11000101" .. "00000"
local BOMB = GZIPPED:sub(1, 10) .. packed("110" .. "01010000" .. SAME)
    .. packed(SAME:rep(8)):rep(8192)

define("gzip_bomb", "a compressed body that nobody asked for: 16 MiB in 104 KiB", function(s)
    local answer = s:answer()
    answer.body = BOMB
    answer.headers[#answer.headers + 1] = { "Content-Encoding", "gzip" }
    return send(s, answer)
end)

-- Another answer: the service does not act --------------------------------------------

local function define_page(name, status, title)
    define(name, "an HTML page with status " .. status, function(s)
        return send(s, html(status, title))
    end)
end

define_page("html_502", 502, "502 Bad Gateway")
define_page("html_503", 503, "503 Service Temporarily Unavailable")

define("plain_404", "404 in text/plain, as for an unknown path", function(s)
    return send(s, {
        status = 404, headers = { { "Content-Type", "text/plain; charset=utf-8" } },
        body = "404 page not found",
    })
end)

define("redirect", "302 to this location", function(s)
    local answer = html(302, "302 Found")
    answer.headers[2] = { "Location", s.argument }
    return send(s, answer)
end, "location", "https://127.0.0.1:1/elsewhere")

local function rate_limited(status)
    return function(s)
        return send(s, s:refuse(99991400, nil, status, {
            { "x-ogw-ratelimit-limit", "100" },
            { "x-ogw-ratelimit-reset", ("%.14g"):format(s.argument) },
        }))
    end
end

define("rate_limited", "429 and 99991400, with x-ogw-ratelimit-reset", rate_limited(429),
    "seconds", 1)
define("rate_limited_as_400", "the same with status 400, as some old endpoints do",
    rate_limited(400), "seconds", 1)

define("echo_secrets", "an error that repeats the request's secrets everywhere", function(s)
    local token = s.request.headers.authorization or "none"
    local echo = ("refused: Authorization %s, body %s"):format(token, s.request.body)
    local header = echo:sub(1, 4096):gsub("[%c\128-\255]", "?")
    return send(s, s:refuse(190002, echo, 400, { { "X-Echo", header } }))
end)

-- Names -------------------------------------------------------------------------------

local function code_fault(name, code, status)
    return { name = name, about = "the code of the tables", run = function(s)
        return send(s, s:refuse(code, nil, status))
    end }
end

-- 99991663, or 99991663_as_200: with another HTTP status than the table says.
local function code_and_status(name)
    local digits, status = name:match("^(%d+)_as_([2-5]%d%d)$")
    return tonumber(digits or name:match("^%d+$")), tonumber(status)
end

local function row_of(name)
    if rows[name] then return rows[name] end
    local code, status = code_and_status(name)
    if code and require("cloudcal.sandbox.answers").row(code) then
        return code_fault(name, code, status)
    end
end

local readers = {
    location = function(value)
        if not value:find("[%s%c]") then return value end
    end,
    seconds = function(value)
        local number = tonumber(value)
        if number and number >= 0 and number <= 86400 then return number end
    end,
    bytes = function(value)
        local number = tonumber(value)
        if number and number >= 0 and number <= 2 ^ 30 and number % 1 == 0 then return number end
    end,
}

-- NAME, NAME:ARGUMENT, NAME:COUNT, NAME:ARGUMENT:COUNT. A location takes all the rest.
local function split(row, rest)
    if row.argument == "location" then return rest end
    if not row.argument then return nil, rest end
    local argument, count = rest:match("^([^:]*):(.*)$")
    return argument or rest, count
end

local function read_argument(row, argument)
    if argument == nil or argument == "" then return row.default or false end
    return readers[row.argument](argument)
end

local function read_count(count)
    if count == nil then return false end
    local number = count:find("^%d+$") and tonumber(count)
    return number and number <= 1000000 and number or nil
end

local function unknown(spec)
    local near = schema.nearest(spec:match "^[^:]*", order)
    return ("unknown fault %q"):format(spec) .. (near and ("; did you mean %q?"):format(near) or "")
end

--- Understand a fault as people write it: { name, row, argument, count (false: always) },
-- or nil and what is wrong.
function faults.parse(spec)
    spec = tostring(spec)
    local name, rest = spec:match("^([%w_]+):?(.*)$")
    local row = name and row_of(name)
    if not row then return nil, unknown(spec) end
    if rest == "" then rest = nil end
    local argument, count
    if rest then argument, count = split(row, rest) end
    argument, count = read_argument(row, argument), read_count(count)
    if argument == nil or count == nil then
        return nil, ("fault %q: what stands behind the colon is not understood"):format(spec)
    end
    return { name = name, row = row, argument = argument, count = count }
end

--- Let a parsed fault happen. True when the connection may go on.
function faults.run(fault, situation)
    situation.argument = fault.argument
    return fault.row.run(situation)
end

--- All names with what they do, in order.
function faults.list()
    local list = {}
    for i, name in ipairs(order) do
        list[i] = { name = name, about = rows[name].about, argument = rows[name].argument }
    end
    return list
end

return faults
