--- A server of the torture suite: answers every request with the same body, on a plain port and
-- on a TLS port, and ends when its stdin does. Prints: plain port, TLS port, CA file.
-- The header X-Torture tells how many requests of the same ?point=NUMBER, the last it knows of,
-- have arrived.

local certificates = require "cloudcal.sandbox.certificates"
local cqueues = require "cqueues"
local socket = require "cqueues.socket"

local BODY = ('{"code":0,"msg":"success","data":"%s"}'):format(("0123456789"):rep(300))
local ANSWER = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Torture: %d\r\n"
    .. ("Content-Length: %d\r\n\r\n%s"):format(#BODY, BODY)

local loop = cqueues.new()
local point, arrived = nil, 0

local function on_error(_, _, code) return code end

local function count(own)
    if own ~= point then point, arrived = own, 0 end
    arrived = arrived + 1
end

local function read_request(con)
    local length, own = 0, nil
    while true do
        local line = con:read "*L"
        if not line then return false end
        own = own or line:match "[?&]point=(%d+)"
        length = tonumber(line:lower():match "^content%-length: *(%d+)") or length
        if line == "\r\n" then break end
    end
    if length > 0 and not con:read(length) then return false end
    count(own)
    return true
end

local function serve(con, ctx)
    con:onerror(on_error)
    con:setmode("b", "bn")
    if not ctx or con:starttls(ctx, 10) then
        while read_request(con) and con:write(ANSWER:format(arrived)) do end
    end
    con:close()
end

local function listen(ctx)
    local listener = socket.listen { host = "127.0.0.1", port = 0, nodelay = true }
    assert(listener:listen())
    local _, _, port = listener:localname()
    loop:wrap(function()
        while true do
            local con = listener:accept()
            if con then loop:wrap(serve, con, ctx) end
        end
    end)
    return port
end

local pem, ctx = certificates.new("good", os.time())
local ca_file = os.tmpname()
local file = assert(io.open(ca_file, "w"))
file:write(pem)
file:close()

local plain, tls = listen(nil), listen(ctx)
io.stdout:write(plain, " ", tls, " ", ca_file, "\n")
io.stdout:flush()

local ended = false
loop:wrap(function()
    local stdin = socket.fdopen(0)
    stdin:onerror(on_error)
    stdin:read "*a"
    ended = true
end)
while not ended do loop:step(1) end
os.remove(ca_file)
os.exit(0)
