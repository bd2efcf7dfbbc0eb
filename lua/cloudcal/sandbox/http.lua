--- HTTP/1.1 over a cqueues socket: reading requests strictly, writing answers.
local http = {}

local MAX_LINE = 16384
local MAX_HEADERS = 200
local MAX_BODY = 16 * 1024 * 1024
local IDLE_SECONDS = 120 -- for the first line; afterwards each read has READ_SECONDS
local READ_SECONDS = 30

local reasons = {
    [200] = "OK", [302] = "Found", [400] = "Bad Request", [401] = "Unauthorized",
    [403] = "Forbidden", [404] = "Not Found", [413] = "Content Too Large",
    [429] = "Too Many Requests", [431] = "Request Header Fields Too Large",
    [500] = "Internal Server Error", [501] = "Not Implemented", [502] = "Bad Gateway",
    [503] = "Service Unavailable",
}

--- Settle how a new connection reads.
function http.prepare(con)
    con:setmaxline(MAX_LINE)
    con:setmode("b", "bn")
end

-- A line without its end; nil when the connection ended; nil, status when it is too long.
local function read_line(con, seconds)
    local line = con:xread("*L", "b", seconds)
    if not line then return nil end
    if line:sub(-1) ~= "\n" then
        if #line >= MAX_LINE - 1 then return nil, 431 end
        return nil
    end
    return (line:gsub("\r?\n$", ""))
end

local function read_first_line(con)
    local line, status = read_line(con, IDLE_SECONDS)
    if line == "" then line, status = read_line(con, READ_SECONDS) end
    if not line then return nil, status end
    local method, target, minor = line:match("^(%u+) (/[!-~]*) HTTP/1%.([01])$")
    if not method then return nil, 400 end
    local path, query = target:match("^([^?]*)%??(.*)$")
    return { method = method, path = path, query = query, minor = tonumber(minor) }
end

local function add_header(request, line)
    local name, value = line:match("^([%w!#$%%&'*+%-.^_`|~]+):[ \t]*(.*)$")
    value = name and (value:match("^.*[^ \t]") or "")
    if not name or value:find("[%z\1-\8\10-\31\127]") then return false end
    name = name:lower()
    local old = request.headers[name]
    if old and (name == "content-length" or name == "host") then return old == value end
    request.headers[name] = old and old .. ", " .. value or value
    return true
end

local function read_headers(con, request)
    request.headers = {}
    for _ = 1, MAX_HEADERS do
        local line, status = read_line(con, READ_SECONDS)
        if not line then return nil, status end
        if line == "" then return true end
        if not add_header(request, line) then return nil, 400 end
    end
    return nil, 431
end

local function read_exactly(con, count)
    if count == 0 then return "" end
    local bytes = con:xread(count, "b", READ_SECONDS)
    if not bytes or #bytes < count then return nil end
    return bytes
end

local function skip_trailers(con)
    for _ = 1, MAX_HEADERS do
        local line, status = read_line(con, READ_SECONDS)
        if not line then return nil, status end
        if line == "" then return true end
    end
    return nil, 431
end

local function read_chunk(con)
    local line, status = read_line(con, READ_SECONDS)
    if not line then return nil, status end
    local digits = line:match("^(%x+)%s*$") or line:match("^(%x+)%s*;")
    if not digits or #digits > 7 then return nil, 400 end
    local size = tonumber(digits, 16)
    if size == 0 then return "" end
    if size > MAX_BODY then return nil, 413 end
    local bytes = read_exactly(con, size)
    if not bytes then return nil end
    if read_line(con, READ_SECONDS) ~= "" then return nil, 400 end
    return bytes
end

local function read_chunked(con)
    local parts, total = {}, 0
    while true do
        local bytes, status = read_chunk(con)
        if not bytes then return nil, status end
        if bytes == "" then break end
        total = total + #bytes
        if total > MAX_BODY then return nil, 413 end
        parts[#parts + 1] = bytes
    end
    local ok, status = skip_trailers(con)
    if not ok then return nil, status end
    return table.concat(parts)
end

local function length_of(headers)
    local length = headers["content-length"] or "0"
    if not length:find("^%d+$") then return nil, 400 end
    if #length > 12 or tonumber(length) > MAX_BODY then return nil, 413 end
    return tonumber(length)
end

local function encourage(con, headers)
    if (headers.expect or ""):lower() == "100-continue" then
        con:xwrite("HTTP/1.1 100 Continue\r\n\r\n", "bn", READ_SECONDS)
    end
end

local function read_body(con, headers)
    local coding = headers["transfer-encoding"]
    if coding and headers["content-length"] then return nil, 400 end
    if coding and coding:lower() ~= "chunked" then return nil, 501 end
    local length, status = length_of(headers)
    if not length then return nil, status end
    encourage(con, headers)
    if coding then return read_chunked(con) end
    return read_exactly(con, length)
end

local function wants_close(request)
    local connection = (request.headers.connection or ""):lower()
    return request.minor == 0 or connection:find("close", 1, true) ~= nil
end

--- Read one request { method, path, query, headers, body, close }. Nil when the connection
-- ended; nil, status when what came is refused with that status.
function http.read(con)
    local request, status = read_first_line(con)
    if not request then return nil, status end
    local ok
    ok, status = read_headers(con, request)
    if not ok then return nil, status end
    if request.minor == 1 and not request.headers.host then return nil, 400 end
    request.body, status = read_body(con, request.headers)
    if not request.body then return nil, status end
    request.close = wants_close(request)
    return request
end

--- The head of an answer. `extra` is a list of further header lines.
function http.head(answer, extra)
    local lines = {
        ("HTTP/1.1 %d %s"):format(answer.status, reasons[answer.status] or "Strange"),
    }
    for _, header in ipairs(answer.headers) do
        lines[#lines + 1] = header[1] .. ": " .. header[2]
    end
    for _, line in ipairs(extra or {}) do lines[#lines + 1] = line end
    return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

--- A whole answer as bytes.
function http.render(answer, close)
    local extra = { "Content-Length: " .. #answer.body }
    if close then extra[2] = "Connection: close" end
    return http.head(answer, extra) .. answer.body
end

return http
