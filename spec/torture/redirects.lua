--- Redirections, to wherever: none is followed, no byte of what is secret arrives elsewhere, and
-- the caller is told. That the other servers are up and trusted is shown by calls straight to them.

local certificates = require "cloudcal.sandbox.certificates"
local cloudcal = require "cloudcal"
local core = require "cloudcal.core"
local peer = require "spec.peer"

local SECONDS = 60 -- for anything
local TOKEN, SECRET = "u-canary-1", "canary-secret-1"
local BODY = '{"code":0,"msg":"success","data":{}}'
local ANSWER = ("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
    .. "Content-Length: %d\r\n\r\n%s"):format(#BODY, BODY)
local STATUSES = { 301, 302, 303, 307, 308 }

local pem, ctx = certificates.new("good", os.time())
local wrong, tried = 0, 0

local function check(name, condition, text)
    if condition then return end
    wrong = wrong + 1
    print(("%s: %s"):format(name, tostring(text)))
end

-- {======================================================
-- The servers
-- =======================================================}

local redirection -- what the first one answers

local first = peer.listen(function(con, server)
    while peer.read_request(con) do
        server.requests = server.requests + 1
        con:write(redirection)
    end
end, ctx)

-- Counts every byte, and answers only what looks like a request.
local function elsewhere(secure)
    return peer.listen(function(con, server)
        local head = peer.read_request(con)
        server.bytes = (server.bytes or "") .. (head or "?")
        if head then con:write(ANSWER) end
    end, secure and ctx or nil)
end

local other, plain = elsewhere(true), elsewhere(false)
local outside = { other, plain }

local function at(host, server) return ("%s:%d"):format(host, server.port) end

local LOCATIONS = {
    { "same host", "https://" .. at("127.0.0.1", first) .. "/elsewhere" },
    { "another host", "https://" .. at("localhost", other) .. "/elsewhere" },
    { "another port", "https://" .. at("127.0.0.1", other) .. "/elsewhere" },
    { "in the clear", "http://" .. at("127.0.0.1", plain) .. "/elsewhere" },
    { "a file", "file:///etc/hostname" },
    { "//host", "//" .. at("localhost", other) .. "/elsewhere" },
    { "relative", "elsewhere?a=b" },
}

-- {======================================================
-- The calls
-- =======================================================}

local function client_of(base_url, credentials)
    return cloudcal.feishu {
        base_url = base_url, ca_pem = pem, timeout = SECONDS, rate_limit = false, store = false,
        allow_plain_http = base_url:find "^http:" and true or nil,
        user_access_token = credentials == "token" and TOKEN or nil,
        app_id = credentials == "app" and "cli_1" or nil,
        app_secret = credentials == "app" and SECRET or nil,
    }
end

local function call(base_url, credentials)
    local client = client_of(base_url, credentials)
    local tasks = cloudcal.loop()
    local task = tasks:spawn(function()
        return client:request { method = "POST", path = "/open-apis/x", body = { a = 1 } }
    end)
    peer.drive(function() return tasks:step(0) == 0 end, SECONDS)
    return task:result()
end

local function reset()
    first.requests = 0
    for _, server in ipairs(outside) do server.accepted, server.bytes = 0, "" end
end

local function prove_up(base_url, server)
    reset()
    local body, err = call(base_url, "token")
    check(base_url, body, "it is not up: " .. tostring(err))
    check(base_url, server.bytes:find(TOKEN, 1, true), "the token does not arrive there")
end

local function try(name, status, location, credentials)
    redirection = ("HTTP/1.1 %d Elsewhere\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n"):format(
        status, location)
    reset()
    local body, err = call("https://" .. at("127.0.0.1", first), credentials)
    check(name, not body, "it has a result")
    check(name, err and err.kind == "bad_response", tostring(err))
    local stage = credentials == "app" and "token" or "call"
    check(name, err and err.stage == stage, err and err.stage)
    check(name, first.requests == 1, tostring(first.requests) .. " requests")
    for _, server in ipairs(outside) do
        check(name, server.accepted == 0, server.accepted .. " connections elsewhere")
        check(name, server.bytes == "", #server.bytes .. " bytes elsewhere")
    end
    tried = tried + 1
end

prove_up("https://" .. at("localhost", other), other)
prove_up("https://" .. at("127.0.0.1", other), other)
prove_up("http://" .. at("127.0.0.1", plain), plain)
core.engine():close()

for _, location in ipairs(LOCATIONS) do
    for _, status in ipairs(STATUSES) do
        for _, credentials in ipairs { "token", "app" } do
            local name = ("%d to %s, %s"):format(status, location[1], credentials)
            local ran, problem = pcall(try, name, status, location[2], credentials)
            check(name, ran, problem)
        end
    end
end

print(("%d redirections of %d kinds|%d"):format(tried, #LOCATIONS * #STATUSES, wrong))
os.exit(wrong == 0 and 0 or 1, true)
