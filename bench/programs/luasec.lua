--- LuaSec by hand: one kept connection and as much of HTTP as this one answer needs. A floor for
-- what Lua can do, not a client: no time limit, no check of the host name, nothing chunked.
-- Called as bench/programs/cloudcal.lua, one at a time.

local cjson = require "cjson"
local socket = require "socket"
local ssl = require "ssl"

local ca_file, warm, calls = arg[2], tonumber(arg[4]), tonumber(arg[5])
local port = tonumber(arg[1]:match ":(%d+)$")

local REQUEST = "POST /open-apis/calendar/v4/calendars/primary HTTP/1.1\r\n"
    .. "Host: 127.0.0.1:" .. port .. "\r\nUser-Agent: bench\r\nAccept: */*\r\n"
    .. "Authorization: Bearer t-bench\r\nContent-Length: 0\r\n\r\n"

local con = assert(socket.connect("127.0.0.1", port))
con:setoption("tcp-nodelay", true)
con = assert(ssl.wrap(con, { mode = "client", protocol = "tlsv1_3", cafile = ca_file,
    verify = "peer" }))
assert(con:dohandshake())

local failed = 0

local function call()
    assert(con:send(REQUEST))
    local length
    repeat
        local line = assert(con:receive "*l")
        length = length or tonumber(line:match "^[Cc]ontent%-[Ll]ength: (%d+)")
    until line == ""
    local body = cjson.decode((assert(con:receive(length))))
    if not body.data.calendars[1].calendar.calendar_id then failed = failed + 1 end
end

call()
io.write("first\n")
io.flush()
for _ = 2, warm do call() end
local wall, cpu = socket.gettime(), os.clock()
for _ = 1, calls do call() end
print(("steady %d %.6f %.6f %d"):format(calls, socket.gettime() - wall, os.clock() - cpu, failed))
