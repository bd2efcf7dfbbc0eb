--- OpenSSL out of memory in the very first call of a process, in which it fetches and reads what
-- it keeps: each point in a child of its own. Whatever happens then is the right result or an
-- error; afterwards the same works, unless OpenSSL itself has lost what it takes.
-- firsts.lua STRIDE PLAIN-PORT TLS-PORT CA-FILE

local cloudcal = require "cloudcal"
local core = require "cloudcal.core"
local host = require "torture.host"

local stride, _, tls, ca_file = ...
stride = tonumber(stride)

local MOST = 60000 -- requests that a first call could make
local RIGHT, LOST, BEYOND, WRONG = 0, 1, 2, 3 -- how a child ends

local client = cloudcal.feishu { base_url = "https://127.0.0.1:" .. tls, ca_file = ca_file,
    user_access_token = "u-1", rate_limit = false, retry = false }

local function digest(name)
    return function() return assert(core[name] "a") end
end

local function call()
    local body, err = client:request { method = "POST", path = "/open-apis/x", body = {} }
    if not body then error(err.kind, 0) end
    return #body.data
end

-- what is done, its result, and what of OpenSSL it takes: there are points after which OpenSSL
-- does not find that again, whoever asks
local FIRSTS = {
    { "md5", digest "md5", "0cc175b9c0f1b6a831c399e269772661", "MD5" },
    { "sha1", digest "sha1", "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8", "SHA1" },
    { "sha256", digest "sha256",
      "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb", "SHA256" },
    { "random bytes", function() return #core.random_bytes(16) end, 16, "random" },
    -- they make pauses differ, and have no way to fail
    { "random", function() return core.random() ~= core.random() end, true },
    { "a call", call, 3000 },
}

local ERRORS = { tls = true, network = true, out_of_memory = true }

local function is_error(row, ok, value)
    if ok or row[1] == "random" then return false end
    return ERRORS[value] or tostring(value):find("OpenSSL", 1, true) ~= nil
end

-- libcurl keeps its CA store; one that OpenSSL left broken is replaced after a second
local function once_more(body)
    local ok, value = pcall(body)
    if value ~= "tls" then return ok, value end
    core.sleep(1.1)
    return pcall(body)
end

local function is_lost(row)
    return row[1] == "a call" or row[4] and not host.openssl_has(row[4])
end

local function judge(row, nth, lasting)
    local ok, value, requests = host.under("openssl", nth, lasting, row[2])
    if requests < nth then return BEYOND end
    local fine, after = once_more(row[2])
    if (ok and value == row[3]) or is_error(row, ok, value) then
        if fine and after == row[3] then return RIGHT end
        if is_error(row, fine, after) and is_lost(row) then return LOST end
    end
    io.stderr:write(("%s, request %d%s: %s, and then %s\n"):format(row[1], nth,
        lasting and " and all after it" or "", tostring(value), tostring(after)))
    return WRONG
end

local tried, wrong, lost = 0, 0, 0

local function torture(row, lasting)
    for nth = 1, MOST, stride do
        local ended = host.apart(function() return judge(row, nth, lasting) end)
        if ended == BEYOND then return end
        tried = tried + 1
        if ended == LOST then lost = lost + 1
        elseif ended ~= RIGHT then wrong = wrong + 1 end
    end
    wrong = wrong + 1
    print(row[1] .. " has no end of requests")
end

for _, row in ipairs(FIRSTS) do
    local before = tried
    for _, lasting in ipairs { false, true } do torture(row, lasting) end
    print(("%-16s %6d points"):format(row[1], tried - before))
end
print(("%d points, %d with an OpenSSL lost|%d"):format(tried, lost, wrong))
if wrong > 0 then error(wrong .. " points went wrong", 0) end
