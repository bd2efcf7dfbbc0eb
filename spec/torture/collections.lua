--- A full garbage collection at every VM instruction of a call, over TLS and in the clear: whatever
-- the core holds without an anchor is gone by the next instruction.
-- collections.lua PLAIN-PORT TLS-PORT CA-FILE

local cloudcal = require "cloudcal"
local host = require "torture.host"

local plain, tls, ca_file = ...

local collections = 0

local function collect()
    collections = collections + 1
    collectgarbage()
end

local function call(client)
    local body, err = client:request { method = "POST", path = "/open-apis/x",
        body = { a = { 1, 2 } }, headers = { ["X-One"] = "1" } }
    return body and body.code == 0 and #body.data == 3000 and "right" or tostring(err)
end

local function client_of(options)
    options.user_access_token, options.rate_limit, options.timeout = "u-1", false, 300
    options.connect_timeout = 300
    return cloudcal.feishu(options)
end

local tried, wrong = 0, 0

for _, options in ipairs {
    { base_url = "http://127.0.0.1:" .. plain, allow_plain_http = true },
    { base_url = "https://127.0.0.1:" .. tls, ca_file = ca_file },
} do
    local client = client_of(options)
    call(client) -- what is loaded once
    client:request { path = "/open-apis/y", method = "GET" }
    for _ = 1, 2 do -- a new connection, and a kept one
        debug.sethook(collect, "", 1)
        local got = call(client)
        debug.sethook()
        tried = tried + 1
        if got ~= "right" then
            wrong = wrong + 1
            print(got)
        end
        require("cloudcal.core").engine():close()
    end
end

collectgarbage()
if host.leaks() then wrong = wrong + 1 end
print(("%d calls, %d collections|%d"):format(tried, collections, wrong))
if wrong > 0 then error "something went wrong" end
