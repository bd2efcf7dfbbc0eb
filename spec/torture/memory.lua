--- Memory that runs out, at every request for it: memory.lua WHOSE STRIDE. Under the host of this
-- folder, which fails one request, or that one and all after it. Whatever happens then must be
-- the right result or an error that says so; afterwards everything works.

local codes = require "cloudcal.codes"
local core = require "cloudcal.core"
local host = require "torture.host"

local whose, stride = ...
stride = tonumber(stride)

local MOST = 60000 -- requests that any scenario could make
local BODY = ('{"code":0,"msg":"success","data":"%s"}'):format(("0123456789"):rep(300))

local wrong, tried = 0, 0

local function complain(scenario, nth, lasting, text)
    wrong = wrong + 1
    if wrong <= 20 then
        io.stderr:write(("%s, request %d%s: %s\n"):format(scenario, nth,
            lasting and " and all after it" or "", tostring(text):sub(1, 200)))
    end
end

-- {======================================================
-- The server
-- =======================================================}

local ready = os.tmpname()
-- its stdin is a pipe of ours: it ends when we do
local server = assert(io.popen(("exec lua5.4 spec/torture/server.lua >%s"):format(ready), "w"))

local function addresses()
    for _ = 1, 1000 do
        for line in io.lines(ready) do
            local plain, tls, ca_file = line:match "^(%d+) (%d+) (%S+)$"
            if plain then
                os.remove(ready)
                return plain, tls, ca_file
            end
        end
        core.sleep(0.02)
    end
    error "the server does not start"
end

local plain, tls, ca_file = addresses()

local function options(secure, changes)
    local made = {
        url = secure and "https://127.0.0.1:" .. tls .. "/" or "http://127.0.0.1:" .. plain .. "/",
        method = "POST", body = ("b"):rep(2000), content_type = "application/json",
        token = "t-1", headers = { "X-One: 1", "X-Two: 2" }, user_agent = "torture",
        timeout = 30, connect_timeout = 30, max_response_bytes = 1e6, max_connections = 4,
        plain_http = not secure, ca_file = secure and ca_file or nil,
    }
    for name, value in pairs(changes or {}) do made[name] = value end
    return made
end

-- {======================================================
-- Scenarios: `body` fails somewhere; its result is text, "failed NUMBER" for an exchange that
-- ended with an error. `before` and `after` have all the memory they want.
-- =======================================================}

local function outcome(status, code, body)
    if status == 200 and body == BODY then return "200" end
    if not status and code then return "failed " .. tostring(code) end
    return ("status %s with %s bytes"):format(tostring(status), body and #body or "no")
end

local function exchange(given)
    local engine = core.engine()
    local transfer, code = engine:submit(given)
    if not transfer then return outcome(nil, code) end
    for _ = 1, 200 do
        if transfer:done() then return outcome(transfer:take()) end
        engine:step(1)
    end
    return "it does not end"
end

-- libcurl keeps its CA store; one that OpenSSL left broken is replaced after a second
local function works_again(secure)
    local got = exchange(options(secure))
    if (got == "failed 35" or got == "failed 60") and whose == "openssl" then
        core.sleep(1.1)
        got = exchange(options(secure))
    end
    return got == "200" or "the next call: " .. got
end

local function an_exchange(secure)
    local given
    return {
        before = function()
            given = options(secure)
            core.engine():close() -- each time from the start
        end,
        body = function() return exchange(given) end,
        after = function() return works_again(secure) end,
    }
end

local function a_close(secure)
    local given
    return {
        before = function() given = options(secure) end,
        body = function()
            local engine = core.engine()
            local one, code = engine:submit(given)
            local two = engine:submit(given)
            for _ = 1, 3 do engine:step(0) end
            if two then two:cancel() end
            engine:close()
            if not one then return outcome(nil, code) end
            return outcome(one:take())
        end,
        after = function() return works_again(secure) end,
        may = function(value) return value == "failed 42" or value == "200" end,
    }
end

local directory = os.tmpname()
os.remove(directory)
assert(os.execute("mkdir -m 700 " .. directory))

local OLD, NEW = ("old "):rep(500), ("new "):rep(2000)

local function private_files()
    local path = directory .. "/private"
    return {
        before = function() assert(core.write_private(path, OLD)) end,
        body = function()
            local lock = assert(core.lock_file(path .. ".lock"))
            local old = assert(core.read_private(path))
            local done, problem = core.write_private(path, NEW)
            if not done then error(problem, 0) end
            local new, stamp = core.read_private(path)
            if not new then error(stamp, 0) end
            lock:unlock()
            return tostring(old == OLD and new == NEW and stamp == core.file_stamp(path))
        end,
        after = function()
            collectgarbage()
            local text = core.read_private(path)
            local lock = core.lock_file(path .. ".lock")
            if lock then lock:unlock() end
            return (text == OLD or text == NEW) and lock and true or "a file or a lock is lost"
        end,
    }
end

local function journals()
    local path = directory .. "/journal"
    return {
        before = function() os.remove(path) end,
        body = function()
            local journal, old = core.open_journal(path)
            if not journal then error(old, 0) end
            assert(journal:append "one\n")
            assert(journal:append "two\n")
            assert(journal:cut(4))
            journal:close()
            local again, text = core.open_journal(path)
            if not again then error(text, 0) end
            again:close()
            return old .. text
        end,
        after = function()
            collectgarbage()
            local journal, text = core.open_journal(path)
            if not journal then return "the journal stays closed: " .. tostring(text) end
            local whole = text == "" or text == "one\n" or text == "one\ntwo\n"
            journal:close()
            return whole or "the journal holds " .. text
        end,
    }
end

local function texts()
    local long = ("中文 a/b?"):rep(400)
    local head = "HTTP/1.1 200 OK\r\nX-A: " .. ("v"):rep(300) .. "\r\n\r\n"
    return {
        body = function()
            return table.concat({
                tostring(core.utf8_length(long)), tostring(core.is_line "a\nb"),
                tostring(core.is_visible "abc"), core.escape(long),
                tostring(core.is_url "https://127.0.0.1:1/x?y=z"), core.header(head, "x-a"),
                tostring(core.engine()),
            }, " ")
        end,
    }
end

local function json()
    local text = '{"a":[1,2.5,"' .. ("x"):rep(100) .. '"],"b":9007199254740993}'
    local shape = { "list", "array", true, { "n", "integer", true, false } }
    return {
        body = function()
            local deep = {}
            for _ = 1, 50 do deep = { deep, 1.0, 2.5, key = 3.0 } end
            local fine, problem = core.json_check(text)
            return tostring(fine) .. tostring(problem) .. tostring(core.json_mend(deep))
                .. deep[2] .. deep[3] .. deep.key
                .. table.concat({ core.json_misfit(shape, { list = { { n = 1 }, {} } }) }, " ")
        end,
    }
end

local function digests()
    local text = ("secret"):rep(1000)
    return {
        body = function()
            return assert(core.md5(text)) .. assert(core.md5(text, "raw"))
                .. assert(core.sha1(text)) .. assert(core.sha256(text))
                .. core.base64url(text) .. #core.random_bytes(256)
        end,
    }
end

-- {======================================================
-- One scenario, to its last request
-- =======================================================}

local function is_error(value, ok)
    if whose == "lua" then
        return not ok and tostring(value):find("not enough memory", 1, true) ~= nil
    end
    local number = ok and tostring(value):match "^failed (%d+)$"
    if number then
        local row = codes.transport(tonumber(number))
        return not row or row.kind ~= "invalid_request"
    end
    return not ok and (tostring(value):find("memory", 1, true) ~= nil
        or tostring(value):find("OpenSSL", 1, true) ~= nil)
end

local function judge(name, scenario, nth, lasting, expected)
    if scenario.before then scenario.before() end
    local ok, value, requests = host.under(whose, nth, lasting, scenario.body)
    local right = ok and value == expected or ok and scenario.may and scenario.may(value)
    if not right and not is_error(value, ok) then complain(name, nth, lasting, value) end
    if scenario.after then
        local fine, problem = pcall(scenario.after)
        if problem ~= true then complain(name, nth, lasting, problem or fine) end
    end
    if scenario.before then scenario.before() end
    local again, same = host.under("nobody", 1, false, scenario.body)
    local fine = again and (same == expected or scenario.may and scenario.may(same))
    if not fine then complain(name, nth, lasting, "once more: " .. tostring(same)) end
    return requests < nth
end

local function check_rest(name, descriptors)
    core.engine():close()
    collectgarbage()
    collectgarbage()
    local now = host.descriptors()
    if now ~= descriptors then
        complain(name, 0, false, ("%d descriptors, before %d"):format(now, descriptors))
    end
    if host.leaks() then complain(name, 0, false, "memory that nothing points at") end
end

local function expected_of(scenario)
    for _ = 1, 2 do -- the first makes what is made once
        if scenario.before then scenario.before() end
        scenario.expected = assert(select(2, assert(host.under("nobody", 1, false,
            scenario.body))))
        if scenario.after then assert(scenario.after() == true) end
    end
    return scenario.expected
end

local function torture(name, scenario)
    local expected = expected_of(scenario)
    core.engine():close()
    collectgarbage()
    collectgarbage()
    local descriptors = host.descriptors()
    local before = tried
    for _, lasting in ipairs { false, true } do
        for nth = 1, MOST, stride do
            if judge(name, scenario, nth, lasting, expected) then break end
            tried = tried + 1
            if nth + stride > MOST then complain(name, nth, lasting, "no end of requests") end
        end
    end
    check_rest(name, descriptors)
    print(("%-16s %6d points"):format(name, tried - before))
end

local function torture_open()
    local before = tried
    for _, lasting in ipairs { false, true } do
        for nth = 1, MOST do
            local ok, text, requests, good = host.open(nth, lasting)
            if requests < nth then break end
            tried = tried + 1
            if not ok and not text:find("not enough memory", 1, true) then
                complain("open", nth, lasting, text)
            end
            if not good then complain("open", nth, lasting, "cannot be used then") end
        end
    end
    if host.leaks() then complain("open", 0, false, "memory that nothing points at") end
    print(("%-16s %6d points"):format("open", tried - before))
end

local SCENARIOS = {
    { "exchange", an_exchange(false), lua = true, ours = true, curl = true },
    { "exchange, TLS", an_exchange(true), lua = true, ours = true, curl = true, openssl = true },
    { "close", a_close(false), lua = true, ours = true, curl = true },
    { "private files", private_files(), lua = true, ours = true },
    { "journals", journals(), lua = true, ours = true },
    { "text", texts(), lua = true, curl = true },
    { "JSON", json(), lua = true },
    { "digests", digests(), lua = true, openssl = true },
}

if whose == "lua" then torture_open() end
for _, row in ipairs(SCENARIOS) do
    if row[whose] then torture(row[1], row[2]) end
end

os.execute("rm -rf " .. directory)
server:close()
print(("%d points|%d"):format(tried, wrong))
if wrong > 0 then error(wrong .. " points went wrong", 0) end
