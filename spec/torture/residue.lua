--- What stays of secrets in the memory of a process, after clients and connections are gone: no
-- copy in any block that the core ever had, freed or not. What libcurl, OpenSSL and Lua leave is
-- shown; there the count is the most it can be, since no block is given out twice.
-- residue.lua PLAIN-PORT TLS-PORT CA-FILE

local cloudcal = require "cloudcal"
local core = require "cloudcal.core"
local residue = require "torture.residue"

local _, tls, ca_file = ...

local base_url = "https://127.0.0.1:" .. tls
local names, secrets = {}, {}

local function secret(name)
    names[#names + 1] = name
    secrets[name] = ("CANARY-%s-%d"):format(name, os.time())
    return secrets[name]
end

local function client_of(service, options)
    options.base_url, options.ca_file, options.retry = base_url, ca_file, false
    return cloudcal[service](options)
end

local function submit(changes)
    local options = { url = base_url .. "/", method = "POST", ca_file = ca_file, body = "b",
        user_agent = "torture", timeout = 30, connect_timeout = 30, max_response_bytes = 1e6,
        max_connections = 4 }
    for name, value in pairs(changes) do options[name] = value end
    return core.engine():submit(options)
end

local function finish(transfer)
    for _ = 1, 200 do
        if transfer:done() then return transfer:take() end
        core.engine():step(1)
    end
    error "an exchange does not end"
end

-- The same needle in a table and on the stack is Lua's.
local function in_core(name)
    return residue.find(secrets[name]).core
end

local wrong = 0

local function expect(what, fine)
    if fine then return end
    wrong = wrong + 1
    print("not as it has to be: " .. what)
end

-- {======================================================
-- All that the core does with a secret
-- =======================================================}

local function of_users()
    local client = client_of("feishu", { user_access_token = secret "token" })
    expect("a call", client:request { method = "POST", path = "/open-apis/x",
        headers = { ["X-Own"] = secret "header" }, body = { b = secret "body" } })
end

local function of_apps()
    local client = client_of("lark", { app_id = "cli_1", app_secret = secret "app_secret" })
    local _, err = client:primary_calendar()
    expect("an answer that is no token", err and err.stage == "token")
end

local function of_youkong()
    local client = client_of("youkong", { client_key = "k", environment = "sandbox",
        secret = secret "signing" })
    expect("an answer of another service",
        not client:create_calendar("u", { CalendarName = "n" }))
end

local function of_basic()
    local name, password = secret "user", secret "password"
    -- base64 of whole groups of three, as they stand in the header
    secrets.basic = core.base64url(("%s:%s"):format(name, password)):sub(9, 56)
    names[#names + 1] = "basic"
    expect("basic", finish(submit { basic = name .. ":" .. password }) == 200)
end

local function of_proxies()
    local _, code = finish(submit { proxy = ("http://u:%s@127.0.0.1:1"):format(secret "proxy") })
    expect("a proxy that is not there", code == 7)
end

local function of_ends()
    local held = { submit { token = secret "cancelled", body = secret "cancelled body" },
                   submit { token = secret "collected", body = secret "collected body" } }
    expect("the scan finds what is in flight",
        in_core "cancelled body" > 0 and in_core "collected body" > 0)
    core.engine():step(0)
    held[1]:cancel()
    expect("cancel", held[1]:done())
    held = nil -- luacheck: ignore 311
    collectgarbage()
    expect("a mistake raises", not pcall(submit,
        { token = secret "raised", body = secret "raised body", headers = { {} } }))
    local _, code = finish(submit { url = "https://127.0.0.1:1/", token = secret "refused" })
    expect("nobody is there", code == 7)
    expect("a long body", finish(submit { body = ("x"):rep(3000) .. secret "long" }) == 200)
end

local function of_files()
    local path = os.tmpname()
    os.remove(path)
    assert(core.write_private(path, ("x"):rep(5000) .. secret "file"))
    expect("a private file", #assert(core.read_private(path)) > 5000)
    local journal = assert(core.open_journal(path .. ".journal"))
    journal:append(secret "journal" .. "\n")
    journal:close()
    local again, text = core.open_journal(path .. ".journal")
    expect("a journal", text == secrets.journal .. "\n")
    again:close()
    os.remove(path)
    os.remove(path .. ".journal")
end

local function of_text()
    local text = secret "text"
    core.md5(text)
    core.sha256(text, "raw")
    core.base64url(text)
    core.escape(text)
    core.is_line(text)
    core.json_check(('{"a":"%s"}'):format(text))
    local bytes = core.random_bytes(32)
    names[#names + 1], secrets.random = "random", bytes
end

for _, fill in ipairs { of_users, of_apps, of_youkong, of_basic, of_proxies, of_ends, of_files,
                        of_text } do fill() end
names[#names + 1], secrets.answer = "answer", '"success","data":"0123456789' -- of every body

-- {======================================================
-- What is left
-- =======================================================}

core.engine():close()
collectgarbage()
collectgarbage()

local sums = { core = 0, stack = 0, lua = 0, curl = 0, openssl = 0, others = 0 }
for _, name in ipairs(names) do
    local found = residue.find(secrets[name])
    for place, count in pairs(found) do sums[place] = sums[place] + count end
    expect("Lua's own string is found: " .. name, found.lua > 0)
    if found.core > 0 then
        wrong = wrong + 1
        print(("%s: %d copies in the core's memory"):format(name, found.core))
    end
    print(("%-12s core %d, stack %d, Lua %d, libcurl %d, OpenSSL %d, others %d"):format(name,
        found.core, found.stack, found.lua, found.curl, found.openssl, found.others))
end
expect("the core's blocks are kept", residue.allocations "core" > 20)
print(("%d secrets; libcurl %d, OpenSSL %d, Lua %d|%d"):format(#names, sums.curl, sums.openssl,
    sums.lua, wrong))
if wrong > 0 then error "secrets are left" end
