--- examples/oauth_callback in a real nginx with two workers: what a browser sees on its way.

local core = require "cloudcal.core"
local files = require "spec.files"
local server = require "spec.hosts.nginx_server"
local sandboxes = require "cloudcal.sandbox"

local eventually = server.eventually

local sandbox, example

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

-- @return { pid (of run.sh), log (a file), url }
local function start(public_url)
    local port = server.free_port()
    local pipe = io.popen(([[
        export LUA_PATH="$PWD/lua/?.lua;$PWD/lua/?/init.lua;;" LUA_CPATH="$PWD/build/5.1/?.so;;"
        export FEISHU_APP_ID=%s FEISHU_APP_SECRET=%s CLOUDCAL_BASE_URL=%s CLOUDCAL_CA_FILE=%s
        export PUBLIC_URL=%s
        log=$(mktemp)
        PORT=%d sh examples/nginx/run.sh examples/oauth_callback >$log 2>&1 &
        echo $! $log]]):format(sandbox.feishu.app_id, sandbox.feishu.app_secret,
            sandbox.feishu.base_url, quote(sandbox.ca_file), public_url or "", port))
    local pid, log = pipe:read("*l"):match("^(%d+) (.+)$")
    pipe:close()
    return { pid = tonumber(pid), log = log, url = "http://127.0.0.1:" .. port }
end

local function log_of(host) return files.read(host.log) end

-- {======================================================
-- A browser: it keeps one cookie, and follows no redirect by itself
-- =======================================================}

-- @param form the body of a POST; nil: GET
local function fetch(url, cookie, form)
    local is_plain = not url:find("^https")
    local transfer = assert(core.engine():submit {
        url = url, method = form and "POST" or "GET", body = form,
        content_type = form and "application/x-www-form-urlencoded" or nil,
        user_agent = "spec", timeout = 20, connect_timeout = 10,
        max_response_bytes = 65536, max_connections = 10, plain_http = is_plain,
        ca_file = not is_plain and sandbox.ca_file or nil, fresh = is_plain,
        headers = cookie and { "Cookie: session=" .. cookie } or nil,
    })
    while not transfer:done() do core.engine():step(1) end
    local status, head, body = transfer:take()
    if not status then return nil end
    return {
        status = status, body = body, all = head .. body,
        location = head:match("\n[Ll]ocation: *([^\r\n]+)"),
        cookie = head:match("\n[Ss]et%-[Cc]ookie: *([^\r\n]+)"), head = head,
    }
end

local function new_browser()
    local browser = { seen = {} }
    function browser.visit(path, form)
        local url = path:find("^http") and path or example.url .. path
        local answer = assert(fetch(url, url:find(example.url, 1, true) and browser.cookie,
            form))
        browser.seen[#browser.seen + 1] = answer.all
        if answer.cookie then
            browser.cookie = assert(answer.cookie:match("^session=(%x+);"), answer.cookie)
        end
        return answer
    end
    -- Goes to the service and says yes there; the address that it is sent back to.
    function browser.begin()
        local answer = browser.visit "/login"
        assert.equal(302, answer.status)
        assert.equal(1, answer.location:find(sandbox.feishu.base_url, 1, true))
        return browser.visit(answer.location).location
    end
    return browser
end

-- =======================================================}

local function children(pid)
    local file = io.open(("/proc/%d/task/%d/children"):format(pid, pid))
    local pids = {}
    for child in (file and file:read("*a") or ""):gmatch("%d+") do
        pids[#pids + 1] = tonumber(child)
    end
    if file then file:close() end
    return pids
end

-- The workers of run.sh's nginx.
local function workers()
    return eventually(function()
        for _, child in ipairs(children(example.pid)) do
            local found = children(child)
            if #found == 2 then return found end
        end
    end, 10, "looked for two workers")
end

local function signal(name, pid) os.execute(("kill -%s %d"):format(name, pid)) end

-- Runs fn while one worker only can answer.
local function without_worker(pid, fn)
    signal("STOP", pid)
    -- until it has, the kernel may hand it a connection that the other one then never sees
    eventually(function() return server.state_of(pid) == "T" end, 10, "stopped a worker")
    local ok, result = pcall(fn)
    signal("CONT", pid)
    if not ok then error(result, 0) end
    return result
end

local function await(host)
    eventually(function()
        local answer = fetch(host.url .. "/alive")
        return answer and answer.status == 200
    end, 15, "started the example")
end

local function stop(host)
    signal("TERM", host.pid)
    eventually(function() return not server.is_running(host.pid) end, 10, "ended the example")
    os.remove(host.log)
end

describe("examples/oauth_callback", function()
    setup(function()
        sandbox = assert(sandboxes.start { rate = false })
        example = start()
        await(example)
    end)

    teardown(function()
        stop(example)
        sandbox.stop()
    end)

    it("shows the calendar after a login, whichever worker is asked", function()
        local browser, first, second = new_browser(), workers()[1], workers()[2]
        assert.equal(401, browser.visit("/calendar").status)
        local back = without_worker(second, browser.begin)
        assert.equal(1, back:find(example.url .. "/callback?code=", 1, true), back)
        local before = browser.cookie
        local answer = without_worker(first, function() return browser.visit(back) end)
        assert.equal(302, answer.status, answer.body)
        assert.equal("/calendar", answer.location)
        assert.not_equal(before, browser.cookie)
        for _, pid in ipairs { first, second } do
            answer = without_worker(pid, function() return browser.visit "/calendar" end)
            assert.equal(200, answer.status, answer.body)
            assert.truthy(answer.body:find("<p>[^<]+</p>"), answer.body)
        end
        for _, text in ipairs(browser.seen) do assert.is_nil(text:find("eyJ", 1, true)) end
        browser.cookie = before
        assert.equal(401, browser.visit("/calendar").status)
    end)

    it("gives a cookie that scripts and other sites do not get", function()
        local browser = new_browser()
        local cookie = browser.visit("/login").cookie
        assert.truthy(cookie:find("; Path=/; HttpOnly; SameSite=Lax", 1, true), cookie)
        assert.equal(64, #browser.cookie)
        assert.not_equal(browser.cookie, new_browser().visit("/login").cookie:match("=(%x+)"))
    end)

    it("goes by its public address, and never gives the cookie away in the clear there", function()
        local host = start "https://calendar.example"
        await(host)
        local answer = fetch(host.url .. "/login")
        stop(host)
        assert.truthy(answer.cookie:find("; Secure$"), answer.cookie)
        assert.truthy(answer.location:find("redirect_uri=https%3A%2F%2Fcalendar.example%2Fcallback",
            1, true), answer.location)
    end)

    it("refuses another browser's answer, and one without a state", function()
        local victim, attacker = new_browser(), new_browser()
        local back = attacker.begin()
        assert.equal(403, victim.visit(back).status)
        victim.begin()
        assert.equal(403, victim.visit(back).status)
        assert.equal(401, victim.visit("/calendar").status)
        back = victim.begin()
        assert.equal(403, victim.visit((back:gsub("state=[^&]+", ""))).status)
        assert.equal(403, victim.visit(back).status) -- its one use is over
        assert.equal(401, victim.visit("/calendar").status)
    end)

    it("refuses the same answer again", function()
        local browser = new_browser()
        local back = browser.begin()
        local pending = browser.cookie
        assert.equal(302, browser.visit(back).status)
        assert.equal(403, browser.visit(back).status)
        assert.equal(200, browser.visit("/calendar").status)
        browser.cookie = pending
        assert.equal(403, browser.visit(back).status)
    end)

    it("says so when the user refuses", function()
        local browser = new_browser()
        local address = browser.visit("/login").location:gsub("scope=", "scope=deny%%20")
        local back = browser.visit(address).location
        assert.truthy(back:find("error=access_denied", 1, true), back)
        local answer = browser.visit(back)
        assert.equal(403, answer.status)
        assert.truthy(answer.body:find("You did not allow it.", 1, true), answer.body)
    end)

    it("says what the service says of a code that is none", function()
        local browser = new_browser()
        local back = browser.begin()
        local answer = browser.visit((back:gsub("code=[^&]+", "code=<b>none")))
        assert.equal(401, answer.status)
        assert.truthy(answer.body:find("login_required", 1, true), answer.body)
        assert.is_nil(answer.body:find("<b>", 1, true))
    end)

    it("takes no id that it did not make", function()
        local browser = new_browser()
        for _, id in ipairs { "x", ("0"):rep(64), ("g"):rep(64), ("0"):rep(5000) } do
            browser.cookie = id
            assert.equal(401, browser.visit("/calendar").status)
            assert.equal(403, browser.visit("/callback?code=1&state=1").status)
        end
    end)

    it("hands a profile to the user who is logged in, and to nobody else", function()
        local browser = new_browser()
        assert.equal(401, browser.visit("/profile", "device=iPhone").status)
        browser.visit(browser.begin())
        assert.truthy(browser.visit("/calendar").body:find("action=/profile", 1, true))
        local refused = browser.visit "/profile"
        assert.equal(405, refused.status)
        assert.truthy(refused.head:find "\nAllow: POST\r\n")
        local answer = browser.visit("/profile", "device=My+iPhone")
        assert.equal(200, answer.status, answer.body)
        assert.truthy(answer.head:find "\nContent%-Type: application/x%-apple%-aspen%-config\r\n")
        assert.truthy(answer.head:find "\nCache%-Control: no%-store\r\n")
        assert.truthy(answer.body:find "<key>CalDAVPassword</key>%s*<string>[^<]+</string>")
        local password = answer.body:match "<key>CalDAVPassword</key>%s*<string>([^<]+)"
        assert.is_nil(log_of(example):find(password, 1, true))
        assert.equal(400, browser.visit("/profile", "device=" .. ("x"):rep(101)).status)
    end)

    it("writes no error", function()
        assert.is_nil(log_of(example):find("[error]", 1, true), log_of(example))
    end)
end)
