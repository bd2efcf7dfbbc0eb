--- Wrong requests made from the endpoint tables, in a program with ASan: each is refused, its
-- field is named, and nobody is called.

local bad = require "spec.wrong_requests"
local cloudcal = require "cloudcal"
local socket = require "cqueues.socket"

local listener = socket.listen { host = "127.0.0.1", port = 0 }
assert(listener:listen())
local _, _, port = listener:localname()

local function client_of(service, options)
    options.base_url = "http://127.0.0.1:" .. port
    options.allow_plain_http, options.timeout, options.retry = true, 0.3, false
    return cloudcal[service](options)
end

local clients = {
    feishu = client_of("feishu", { user_access_token = "u-1" }),
    lark = client_of("lark", { user_access_token = "u-1" }),
    youkong = client_of("youkong", { environment = "sandbox", client_key = "k", secret = "s3cr" }),
}

local wrong = 0

local function complain(text)
    wrong = wrong + 1
    if wrong <= 20 then print((tostring(text):gsub("%c", "?"))) end
end

local function try(by)
    return function(...)
        local fine, problem = pcall(by, clients, ...)
        if not fine then complain(problem) end
    end
end

bad.each(try(bad.by_mirror))
bad.each(try(bad.by_wrapper))
bad.each_odd_key(try(bad.by_mirror))
collectgarbage() -- the hostile ones have finalizers

if listener:accept(0.2) then complain "somebody was called" end
clients.feishu:primary_calendar()
if not listener:accept(1) then complain "a right call is not seen, either" end

print(("%d inputs|%d"):format(bad.counted, wrong))
if wrong > 0 then error "something went wrong" end
