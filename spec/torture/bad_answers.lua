--- Servers that answer as none should, in every way of waiting: the faults of the sandbox and what
-- has to come of each (spec/misbehaviour.lua), in a call that blocks, in a task of a loop, and in
-- a worker of nginx. The server counts the requests.

local json = require "cjson"
local cloudcal = require "cloudcal"
local core = require "cloudcal.core"
local faults = require "cloudcal.sandbox.faults"
local files = require "spec.files"
local misbehaviour = require "spec.misbehaviour"
local nginx_server = require "spec.hosts.nginx_server"
local pipeline = require "spec.pipeline"
local support = require "spec.support"

local LATE = 0.25 -- seconds
-- Bytes: a buffer is copied when it grows, and a worker loads some things with its first call.
local GROWTH = 2 * misbehaviour.ceiling + 2 * 1024 * 1024

local wrong, tried, most_late, most_growth = 0, 0, 0, 0

local function complain(name, text)
    wrong = wrong + 1
    print(("%s: %s"):format(name, tostring(text)))
end

-- {======================================================
-- Ways of waiting: each makes misbehaviour.attempt and returns what that returns
-- =======================================================}

local sandbox = support.sandbox()

local given = {
    base_url = sandbox.feishu.base_url, user_access_token = sandbox.feishu.user_access_token,
    ca_pem = files.read(sandbox.ca_file),
}

local nginx = nginx_server.start {
    http = [[
init_by_lua_block {
    json = require "cjson"
    misbehaviour = require "spec.misbehaviour"
    given = json.decode(%(given))
}]],
    server = [[
location / { content_by_lua_block {
    local ran, seen = pcall(misbehaviour.attempt, given, ngx.var.arg_fault,
        ngx.unescape_uri(ngx.var.arg_kind))
    ngx.print(json.encode(ran and seen or { problem = tostring(seen) }))
} }]],
    values = {
        given = ("%q"):format(json.encode(given)):gsub("\\\n", "\\n"),
        lua_path = os.getenv "LUA_PATH",
    },
}

local function by_nginx(fault, kind)
    local status, _, body = support.exchange {
        url = ("%s/?fault=%s&kind=%s"):format(nginx.base_url, fault, core.escape(kind)),
        method = "GET", plain_http = true, user_agent = "torture", timeout = 60,
        connect_timeout = 60, max_response_bytes = 65536, max_connections = 8,
    }
    assert(status == 200, "nginx answers " .. tostring(status))
    return json.decode(body)
end

local WAYS = {
    blocking = function(fault, kind) return misbehaviour.attempt(given, fault, kind) end,
    task = function(fault, kind)
        local loop = cloudcal.loop()
        local task = loop:spawn(misbehaviour.attempt, given, fault, kind)
        loop:run()
        local seen, err = task:result()
        return seen or { problem = err.message }
    end,
    ["nginx worker"] = by_nginx,
}

-- {======================================================
-- Cases
-- =======================================================}

local function judge(name, fault, kind, seen)
    if seen.problem then return complain(name, seen.problem) end
    local problem = misbehaviour.problem(fault, kind, seen)
    if problem then complain(name, problem .. " " .. tostring(seen.message)) end
    if seen.late > LATE then complain(name, ("%.3f s late"):format(seen.late)) end
    if seen.growth > GROWTH then complain(name, seen.growth .. " bytes larger") end
    if not seen.again then complain(name, "the next call does not work") end
    -- one request prepares the call, one shows that the client is as good as new
    local count, wanted = #support.requests "feishu" - 2, misbehaviour.requests(fault, kind)
    if count ~= wanted then complain(name, ("%d requests, not %d"):format(count, wanted)) end
    most_late = math.max(most_late, seen.late)
    most_growth = math.max(most_growth, seen.growth)
end

local function try(way, fault, kind)
    local name = ("%s, %s, %s"):format(way, fault, kind)
    support.clear "feishu"
    pipeline.fill_budgets()
    tried = tried + 1
    local ran, seen = pcall(WAYS[way], fault, kind)
    if not ran then return complain(name, seen) end
    judge(name, fault, kind, seen)
end

for way in pairs(WAYS) do
    for _, fault in ipairs(faults.list()) do
        for kind in pairs(misbehaviour.calls) do try(way, fault.name, kind) end
    end
end

nginx:stop()
print(("at most %.3f s after the deadline, %d KiB larger"):format(most_late, most_growth / 1024))
print(("%d answers in 3 ways of waiting|%d"):format(tried, wrong))
os.exit(wrong == 0 and 0 or 1, true)
