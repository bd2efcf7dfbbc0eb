--- lua-http with kept connections, which its request objects do not have: one connection for each
-- of those at once. Called as bench/programs/cloudcal.lua.

local cjson = require "cjson"
local client = require "http.client"
local context = require "openssl.ssl.context"
local cqueues = require "cqueues"
local headers = require "http.headers"
local store = require "openssl.x509.store"

local at_once, warm, calls = tonumber(arg[3]), tonumber(arg[4]), tonumber(arg[5])
local port = tonumber(arg[1]:match ":(%d+)$")

local trust = context.new("TLS", false)
local anchors = store.new()
anchors:add(arg[2])
trust:setStore(anchors)
trust:setVerify(context.VERIFY_PEER)

local function connect()
    return assert(client.connect {
        host = "127.0.0.1", port = port, tls = true, ctx = trust, version = 1.1,
    })
end

local function request_headers()
    local list = headers.new()
    list:append(":method", "POST")
    list:append(":scheme", "https")
    list:append(":authority", "127.0.0.1:" .. port)
    list:append(":path", "/open-apis/calendar/v4/calendars/primary")
    list:append("user-agent", "bench")
    list:append("authorization", "Bearer t-bench")
    list:append("content-length", "0")
    return list
end

local begun, done, failed = 0, 0, 0

local function call(con)
    local stream = con:new_stream()
    assert(stream:write_headers(request_headers(), true, 10))
    assert(stream:get_headers(10))
    local body = cjson.decode(assert(stream:get_body_as_string(10)))
    stream:shutdown()
    if not body.data.calendars[1].calendar.calendar_id then failed = failed + 1 end
    done = done + 1
    if done == 1 then
        io.write("first\n")
        io.flush()
    end
end

local connections = {}

local function run(total)
    local queue = cqueues.new()
    for i = 1, at_once do
        queue:wrap(function()
            connections[i] = connections[i] or connect()
            while begun < total do
                begun = begun + 1
                call(connections[i])
            end
        end)
    end
    assert(queue:loop())
end

run(warm)
local wall, cpu = cqueues.monotime(), os.clock()
run(warm + calls)
print(("steady %d %.6f %.6f %d"):format(calls, cqueues.monotime() - wall, os.clock() - cpu,
    failed))
os.exit(failed == 0 and done == warm + calls)
