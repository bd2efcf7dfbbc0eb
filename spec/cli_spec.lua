--- examples/cloudcal.lua, the command: what it prints where, how it ends, and what it never shows.

local certificates = require "cloudcal.sandbox.certificates"
local core = require "cloudcal.core"
local files = require "spec.files"
local json = require "cloudcal.json"
local lua = require "spec.lua"
local peer = require "spec.peer"
local support = require "spec.support"

local COMMAND = "examples/cloudcal.lua"

-- Every secret has this word in it.
local WORD = "CANARY"

local SECRETS = {
    app_secret = WORD .. "app", user_access_token = "u-" .. WORD .. "user",
    tenant_access_token = "t-" .. WORD .. "tenant", secret = WORD .. "youkong",
}

local sandbox = support.sandbox {
    sync_seconds = 0.3, app_secret = SECRETS.app_secret, secret = SECRETS.secret,
    user_access_token = SECRETS.user_access_token,
    tenant_access_token = SECRETS.tenant_access_token,
}

local quote = peer.quote

local folder, environment

local function read(path) return files.find(path) or "" end

local write = files.write

-- The variables of a person who has this service; no others.
local function variables(service)
    local known = sandbox[service]
    if service == "youkong" then
        return {
            YOUKONG_CLIENT_KEY = known.client_key, YOUKONG_SECRET = known.secret,
            CLOUDCAL_BASE_URL = known.base_url, CLOUDCAL_CA_FILE = sandbox.ca_file,
        }
    end
    local prefix = service:upper() .. "_"
    return {
        [prefix .. "APP_ID"] = known.app_id, [prefix .. "APP_SECRET"] = known.app_secret,
        CLOUDCAL_BASE_URL = known.base_url, CLOUDCAL_CA_FILE = sandbox.ca_file,
    }
end

local function with_token()
    environment.FEISHU_APP_ID, environment.FEISHU_APP_SECRET = nil, nil
    environment.FEISHU_USER_ACCESS_TOKEN = sandbox.feishu.user_access_token
end

local function line_of(words)
    local list = { 'env -i PATH="$PATH" HOME=' .. quote(folder) }
    for name, value in pairs(environment) do list[#list + 1] = name .. "=" .. quote(value) end
    list[#list + 1] = lua.command() .. " " .. COMMAND
    for _, word in ipairs(words) do list[#list + 1] = quote(word) end
    return table.concat(list, " ")
end

local function words_of(text, ...)
    local words = {}
    for word in text:gmatch "%S+" do words[#words + 1] = word end
    for _, word in ipairs { ... } do words[#words + 1] = word end
    return words
end

-- A line of the shell that runs the command and says how it ended.
local function job(words)
    local input = folder .. "/in"
    return ("%s >%s/out 2>%s/err <%s; echo $?"):format(line_of(words), folder, folder,
        read(input) ~= "" and input or "/dev/null")
end

-- @param text the words of the command line; each of the others is one word, too
-- @return the exit status, stdout, stderr
local function run(text, ...)
    local status = tonumber((peer.shell(job(words_of(text, ...)))))
    return status, read(folder .. "/out"), read(folder .. "/err")
end

-- The same beside the servers of this process.
local function run_beside(text, ...)
    local status = folder .. "/status"
    os.remove(status)
    peer.shell(("{ { %s; } >%s.new && mv %s.new %s; } >/dev/null 2>&1 &"):format(
        job(words_of(text, ...)), status, status, status))
    peer.drive(function() return read(status) ~= "" end)
    return tonumber(read(status)), read(folder .. "/out"), read(folder .. "/err")
end

local function run_json(text, ...)
    local status, out, err = run("--json " .. text, ...)
    assert.equal(0, status, err)
    assert.equal(1, select(2, out:gsub("\n", "")), out)
    return assert(json.decode(out)), err
end

before_each(function()
    folder = peer.shell("mktemp -d"):match "[^\n]+"
    environment = variables "feishu"
    for _, name in ipairs { "feishu", "lark", "youkong" } do support.clear(name) end
end)

after_each(function() peer.shell("rm -rf " .. quote(folder)) end)

-- {======================================================
-- What works
-- =======================================================}

describe("cloudcal primary", function()
    it("prints the calendar of the app, for people and as JSON", function()
        local status, out, err = run "primary"
        assert.equal(0, status, err)
        assert.equal("", err)
        local id = assert(out:match "^calendar_id  (%S+)\n", out)
        local primary = run_json "primary --user-id-type open_id"
        assert.equal(id, primary.calendar.calendar_id)
        assert.equal("ou_", primary.user_id:sub(1, 3))
    end)

    it("prints that of a user, whose token is in a variable", function()
        local of_app = run_json "primary"
        with_token()
        local of_user = run_json "primary"
        assert.not_equal(of_app.user_id, of_user.user_id)
    end)

    it("knows Lark, too", function()
        environment = variables "lark"
        assert.is_table(run_json("primary --service lark").calendar)
        environment.LARK_APP_ID, environment.LARK_APP_SECRET = nil, nil
        environment.LARK_TENANT_ACCESS_TOKEN = sandbox.lark.tenant_access_token
        assert.is_table(run_json("--service lark primary --identity tenant").calendar)
    end)

    it("takes the address and the CA from options, too", function()
        local base_url, ca_file = environment.CLOUDCAL_BASE_URL, environment.CLOUDCAL_CA_FILE
        local app_id = environment.FEISHU_APP_ID
        environment = { FEISHU_APP_SECRET = environment.FEISHU_APP_SECRET }
        local status, _, err = run("primary --base-url", base_url, "--ca-file", ca_file,
            "--app-id", app_id, "--timeout", "10")
        assert.equal(0, status, err)
    end)

    it("prefers the address of the service to that of whichever is called", function()
        local environments = { feishu = variables "feishu", youkong = variables "youkong" }
        for service, line in pairs {
            feishu = "primary", youkong = "youkong create --user-code u1 --name n",
        } do
            environment = environments[service]
            environment[service:upper() .. "_BASE_URL"] = environment.CLOUDCAL_BASE_URL
            environment.CLOUDCAL_BASE_URL = "https://127.0.0.1:1"
            local status, _, err = run(line)
            assert.equal(0, status, err)
        end
    end)

    it("takes the secret from a file, and from stdin", function()
        local secret = environment.FEISHU_APP_SECRET
        environment.FEISHU_APP_SECRET = nil
        write(folder .. "/secret", secret .. "\n")
        local status, _, err = run("primary --secret-file", folder .. "/secret")
        assert.equal(0, status, err)
        write(folder .. "/in", secret)
        status, _, err = run "primary --secret-file -"
        assert.equal(0, status, err)
    end)
end)

describe("cloudcal login", function()
    it("keeps the login in a file of the user's, where other commands find it", function()
        local status, _, err = run "primary --user alice"
        assert.equal(5, status, err)
        local login
        login, err = run_json("login --user alice --scope", "calendar:calendar:readonly")
        assert.equal("alice", login.user)
        assert.truthy(err:find "type the code %x%x%x%x%-%x%x%x%x")
        local file = folder .. "/.local/state/cloudcal/tokens.json"
        assert.equal("600\n", (peer.shell("stat -c %a " .. quote(file))))
        local primary = run_json "primary --user alice"
        environment.FEISHU_USER_ACCESS_TOKEN = "u-not-this-one"
        assert.equal(primary.user_id, run_json("primary --user alice").user_id)
        status = run "primary --identity user --store /dev/null/nowhere"
        assert.equal(4, status) -- the token is what counts
    end)

    it("takes another file", function()
        local status, out, err = run("login --store", folder .. "/deep/er/tokens.json")
        assert.equal(0, status, err)
        assert.truthy(out:find "\nexpires_in +%d+\n" or out:find "^expires_in +%d+\n", out)
        environment.CLOUDCAL_STORE = folder .. "/deep/er/tokens.json"
        assert.is_table(run_json("primary --identity user").calendar)
        local _
        status, _, err = run "login --store /dev/null/tokens.json"
        assert.equal(2, status)
        assert.is_nil(err:find("type the code", 1, true))
    end)

    it("says no when the user does", function()
        local status, out, err = run("login --scope", "deny:this")
        assert.equal(5, status, err)
        assert.equal("", out)
        assert.truthy(err:find "access_denied", err)
    end)
end)

describe("cloudcal caldav", function()
    before_each(with_token)

    it("gives the account as JSON", function()
        local account = run_json "caldav new --device iPhone"
        assert.equal("iPhone", account.device_name)
        assert.is_string(account.password)
    end)

    it("writes a profile that only its user can read, and shows the password nowhere else",
        function()
            local path = folder .. "/out.mobileconfig"
            local status, out, err = run("caldav new --device iPad --profile", path)
            assert.equal(0, status, err)
            local password = assert(read(path):match
                "<key>CalDAVPassword</key>%s*<string>([^<]+)</string>")
            assert.is_nil((out .. err):find(password, 1, true))
            assert.truthy(out:find "server_address +%S+\n")
            assert.truthy(out:find "address +https://%S+/\n")
            assert.equal("600\n", (peer.shell("stat -c %a " .. quote(path))))
            local _
            status, _, err = run("--language zh caldav new --profile", path)
            assert.equal(0, status, err)
            assert.truthy(err:find("含有密码", 1, true), err)
        end)

    it("makes no account whose password nobody would see", function()
        for _, more in ipairs { "", "--profile /nowhere/x.mobileconfig", "--profile " .. folder } do
            local status, out, err = run("caldav new " .. more)
            assert.equal(2, status, err)
            assert.equal("", out)
        end
        assert.equal(0, #support.requests "feishu")
    end)

    it("shows the password on a terminal, with what to do", function()
        local text = peer.shell(("script -qec %s /dev/null </dev/null"):format(
            quote(line_of { "caldav", "new", "--device", "Mac" })))
        assert.truthy(text:find "password +%w+", text)
        assert.truthy(text:find("Add CalDAV Account", 1, true), text)
    end)

    it("checks an account that stdin holds", function()
        write(folder .. "/in", "no JSON")
        local status, _, err = run "caldav check"
        assert.equal(2, status, err)
        write(folder .. "/in", json.encode {
            server_address = "127.0.0.1:1", user_name = "someone", password = WORD .. "dav",
        })
        local out
        status, out, err = run "caldav check --verbose --json --timeout 5"
        assert.equal(14, status, err)
        assert.equal("", out)
        assert.is_nil(err:find(WORD, 1, true), err)
    end)
end)

-- To each question the whole answer: who and where, and one calendar.
local CALENDARS = [[<?xml version="1.0" encoding="utf-8"?>
<D:multistatus xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">
<D:response><D:href>/</D:href><D:propstat><D:prop>
<D:current-user-principal><D:href>/me/</D:href></D:current-user-principal>
<C:calendar-home-set><D:href>/home/</D:href></C:calendar-home-set>
</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>
%s</D:multistatus>]]

local CALENDAR = [[<D:response><D:href>/home/work/</D:href><D:propstat><D:prop>
<D:resourcetype><D:collection/><C:calendar/></D:resourcetype>
<D:displayname>Work%s</D:displayname>
</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>]]

describe("cloudcal caldav check", function()
    local pem, ctx, server

    setup(function() pem, ctx = certificates.new("good", os.time()) end)

    after_each(function() server.close() end)

    -- A CalDAV server with these calendars, and its account on stdin.
    local function serve(calendars)
        local body = CALENDARS:format(calendars)
        server = peer.listen(peer.answering(("HTTP/1.1 207 Multi-Status\r\nContent-Type: "
            .. "application/xml\r\nContent-Length: %d\r\n\r\n%s"):format(#body, body)), ctx)
        write(folder .. "/ca.pem", pem)
        environment = { CLOUDCAL_CA_FILE = folder .. "/ca.pem" }
        write(folder .. "/in", json.encode { password = WORD, user_name = "me",
            server_address = "127.0.0.1:" .. server.port })
    end

    it("lists the calendars, and lets no name move the cursor", function()
        serve(CALENDAR:format "\194\155A")
        local status, out, err = run_beside "caldav check --verbose"
        assert.equal(0, status, err)
        assert.truthy(out:find("principal  " .. server.url .. "/me/\n", 1, true), out)
        assert.truthy(out:find(server.url .. "/home/work/", 1, true), out)
        assert.truthy(out:find("Work?A\n", 1, true), out)
        assert.is_nil((out .. err):find(WORD, 1, true), err)
    end)

    it("gives a list as JSON, even of none", function()
        serve(CALENDAR:format "")
        local _, out, err = run_beside "--json caldav check"
        assert.equal("Work", (json.decode(out) or error(err)).calendars[1].name)
        assert.truthy(out:find('"components":[]', 1, true), out)
        server.close()
        serve ""
        _, out = run_beside "--json caldav check"
        assert.truthy(out:find('"calendars":[]', 1, true), out)
    end)
end)

describe("cloudcal exchange", function()
    before_each(with_token)

    local BIND = "exchange bind --admin admin@example.com --exchange me@example.com "
        .. "--user-id ou_someone"

    it("binds, shows, waits and deletes", function()
        local binding = run_json(BIND)
        assert.equal("doing", binding.status)
        local id = binding.exchange_binding_id
        local status, out, err = run("exchange wait --interval 0.1", id)
        assert.equal(0, status, err)
        assert.truthy(err:find "done\n$", err)
        assert.truthy(out:find("^exchange_binding_id  " .. id:gsub("%p", "%%%0") .. "\n"), out)
        assert.equal("done", run_json("exchange show", id).status)
        assert.is_true(run_json("exchange delete", id).deleted)
        assert.equal(8, (run("exchange show", id)))
    end)

    it("binds and waits at once", function()
        local status, out, err = run(BIND .. " --wait --interval 0.1 --max-wait 20")
        assert.equal(0, status, err)
        assert.truthy(err:find "^bound as ", err)
        assert.truthy(out:find "status +done\n", out)
    end)

    it("ends with 16 when the sync takes too long, with 12 when it fails", function()
        local status, _, err = run(BIND:gsub("me@", "late@")
            .. " --wait --interval 0.1 --max-wait 0.15")
        assert.equal(16, status, err)
        status, _, err = run(BIND:gsub("me@", "sync-error@") .. " --wait --interval 0.1")
        assert.equal(12, status, err)
    end)
end)

describe("cloudcal youkong", function()
    before_each(function() environment = variables "youkong" end)

    it("creates and updates", function()
        local created = run_json "youkong create --user-code cli1 --name 本地日历"
        local id = created.CalendarId
        local again = run_json("youkong update --user-code cli1 --name 新的 --id", id)
        assert.equal(id, again.CalendarId)
        again = run_json("youkong put --user-code cli1 --name 新的 --environment sandbox --id", id)
        assert.equal(id, again.CalendarId)
        local status, out, err = run "youkong put --user-code cli1 --name 第二个"
        assert.equal(0, status, err)
        assert.truthy(out:find "^CalendarId  %x+\n$", out)
        local names = {}
        for _, calendar in ipairs(support.calendars()) do
            if calendar.user_code == "cli1" then names[#names + 1] = calendar.calendar_name end
        end
        table.sort(names)
        assert.same({ "新的", "第二个" }, names)
    end)

    it("asks which one is meant", function()
        environment.CLOUDCAL_BASE_URL = nil
        local status, _, err = run "youkong create --user-code cli2 --name x"
        assert.equal(2, status)
        assert.truthy(err:find("--environment", 1, true), err)
        environment.YOUKONG_CLIENT_KEY = nil
        status, _, err = run "youkong create --user-code cli2 --name x --environment production"
        assert.equal(2, status)
        assert.truthy(err:find("YOUKONG_CLIENT_KEY", 1, true), err)
    end)
end)

-- {======================================================
-- What asks nobody
-- =======================================================}

describe("cloudcal explain", function()
    it("tells what a code means, in two languages", function()
        environment = {}
        local status, out = run "explain 190004"
        assert.equal(0, status)
        assert.truthy(out:find "kind +rate_limited\n", out)
        assert.truthy(out:find "exit status +9\n", out)
        status, out = run "explain --language zh 190004"
        assert.equal(0, status)
        assert.truthy(out:find("频率限制", 1, true), out)
        local known = run_json "explain 190004"
        assert.equal(190004, known.code)
        assert.equal("rate_limited", known.kind)
        assert.equal("login_required", run_json("explain login_lost").kind)
        status = run "explain 123456789"
        assert.equal(1, status)
    end)

    it("tells what each kind of error means", function()
        environment = {}
        local status, out = run "explain login_required"
        assert.equal(0, status)
        assert.truthy(out:find("meaning +Only a new login"), out)
        assert.truthy(out:find "exit status +5\n", out)
        status, out = run "explain --language zh login_required"
        assert.equal(0, status)
        assert.truthy(out:find("重新登录", 1, true), out)
        local by_kind = run_json "help exit-codes"
        local count = 0
        for kind, exit_status in pairs(by_kind) do
            local known = run_json("explain " .. kind)
            assert.same({ kind, exit_status }, { known.kind, known.exit_status })
            count = count + 1
        end
        assert.equal(18, count)
    end)

    it("needs neither the core nor lua-cjson", function()
        environment = {}
        local line = line_of { "explain", "190004", "--json" }
        line = line:gsub("(LUA_CPATH[%w_]*)='[^']*'", "%1=/nowhere/?.so")
        local text, ok = peer.shell(line)
        assert.is_true(ok, text)
        assert.equal("rate_limited", json.decode(text).kind)
    end)
end)

describe("cloudcal help", function()
    it("prints on stdout", function()
        local status, out, err = run "help"
        assert.equal(0, status, err)
        assert.truthy(out:find("exchange", 1, true))
        status, out = run "--help"
        assert.equal(0, status)
        assert.truthy(out:find("help exit-codes", 1, true))
        status, out = run "--version"
        assert.equal(0, status)
        assert.equal("cloudcal " .. require "cloudcal.version" .. "\n", out)
        status, out = run "help environment"
        assert.equal(0, status)
        assert.truthy(out:find("YOUKONG_SECRET", 1, true))
    end)

    it("has an exit status for each kind of error", function()
        local status, out = run "help exit-codes"
        assert.equal(0, status)
        assert.truthy(out:find "\n +9  [^\n]*%(rate_limited%)\n", out)
        local numbers = run_json "help exit-codes"
        assert.same({
            invalid_request = 3, unauthenticated = 4, login_required = 5, app_setup = 6,
            permission_denied = 7, not_found = 8, rate_limited = 9, quota_exhausted = 10,
            service_error = 11, rejected = 12, bad_response = 13, too_large = 13, network = 14,
            tls = 15, timeout = 16, cancelled = 1, cannot_wait = 1, out_of_memory = 1,
        }, numbers)
        for _, name in ipairs { "calendar", "categories", "local_errors", "token", "transport" } do
            for _, row in pairs(require("cloudcal.codes." .. name)) do
                assert.is_number(numbers[row.kind], row.kind)
            end
        end
    end)
end)

-- {======================================================
-- How it ends
-- =======================================================}

describe("the exit status of cloudcal", function()
    local function refused(expected, kind, text, ...)
        local status, out, err = run("--json " .. text, ...)
        assert.equal(expected, status, err)
        assert.equal("", out)
        local found = assert(json.decode(err:match "[^\n]*\n$"), err).error
        assert.equal(kind, found.kind)
        assert.equal(expected, found.exit_status)
        return found
    end

    it("says what kind of error it was", function()
        with_token()
        local NEW = "caldav new --device iPhone"
        refused(3, "invalid_request", "caldav new --device", ("x"):rep(101))
        for _, row in ipairs {
            { 7, "permission_denied", "191002" }, { 10, "quota_exhausted", "99991403" },
            { 11, "service_error", "190003" }, { 12, "rejected", "195100" },
            { 13, "bad_response", "bad_json" },
        } do
            support.faults("feishu", row[3])
            refused(row[1], row[2], NEW)
        end
        support.faults("feishu", "190004", "190004", "190004")
        refused(9, "rate_limited", NEW)
        support.faults("feishu", "stalled")
        local late = refused(16, "timeout", NEW .. " --timeout 0.5")
        assert.equal("maybe", late.acted)
        refused(8, "not_found", "exchange show nobody")
        environment.FEISHU_USER_ACCESS_TOKEN = "u-" .. WORD
        refused(4, "unauthenticated", NEW)
        environment.CLOUDCAL_CA_FILE = nil
        refused(15, "tls", NEW)
        environment.CLOUDCAL_BASE_URL = "https://127.0.0.1:1"
        refused(14, "network", NEW .. " --timeout 5")
    end)

    it("names the command that logs in", function()
        local err = refused(5, "login_required", "primary --user nobody")
        for _, hint in ipairs { err.hint, err.hint_zh } do
            assert.truthy(hint:find("cloudcal login --user nobody", 1, true), hint)
            assert.is_nil(hint:find("client:", 1, true), hint)
        end
        environment.LARK_APP_ID, environment.LARK_APP_SECRET = "cli_x", "s"
        err = refused(5, "login_required", "--service lark primary",
            "--store=" .. folder .. "/it's", "--user=no body")
        assert.truthy(err.hint:find("cloudcal --service lark --store '" .. folder
            .. "/it'\\''s' login --user 'no body'", 1, true), err.hint)
    end)

    it("rounds the seconds that it tells", function()
        support.faults("feishu", "190004")
        local status, _, err = run "primary --verbose"
        assert.equal(0, status, err)
        local seconds = err:match "again_in=(%S+)"
        assert.truthy(seconds and seconds:find "^%d+%.?%d?%d?%d?$", err)
    end)

    it("tells the app from the user", function()
        refused(5, "login_required", "primary --user nobody")
        environment.FEISHU_APP_SECRET = "not-the-secret"
        refused(6, "app_setup", "primary")
    end)

    it("comes with a line in the language of the user", function()
        with_token()
        local status, out, err = run "exchange show nobody --language zh"
        assert.equal(8, status)
        assert.equal("", out)
        assert.truthy(err:find("对象不存在", 1, true), err)
        support.faults("feishu", "reset")
        local _
        status, _, err = run "--json caldav new"
        assert.equal(14, status, err)
        support.faults("feishu", "reset")
        status, _, err = run("caldav new --profile", folder .. "/x.mobileconfig")
        assert.equal(14, status, err)
        assert.truthy(err:find("nobody knows whether the service acted", 1, true), err)
    end)

    it("is 2 for wrong use, with a word about it, and nothing is sent", function()
        environment.YOUKONG_CLIENT_KEY = "UK"
        for _, text in ipairs {
            "", "nothing", "primary --nothing", "primary too many", "caldav", "exchange bind",
            "exchange show", "youkong update --user-code 1 --name x", "primary --timeout 0",
            "primary --timeout soon", "primary --identity robot", "--service moon primary",
            "--language fr primary", "primary --base-url http://example.com",
            "primary --base-url moon", "primary --secret-file /nowhere/at/all",
            "primary --secret-file /dev/null", "youkong put --user-code 1 --name x",
            "primary --timeout 1e9", "help everything",
        } do
            local status, out, err = run(text)
            assert.equal(2, status, text .. ": " .. err)
            assert.equal("", out)
            assert.truthy(err:find "^cloudcal: ", err)
            assert.is_nil(err:find("%.lua:%d"), err)
        end
        environment.FEISHU_APP_SECRET = nil
        local status, _, err = run "primary"
        assert.equal(2, status)
        assert.truthy(err:find("set FEISHU_APP_SECRET", 1, true), err)
        environment.FEISHU_APP_ID = nil
        status, _, err = run "primary --user alice"
        assert.equal(2, status)
        assert.truthy(err:find("FEISHU_APP_ID", 1, true), err)
        assert.equal(0, #support.requests "feishu")
    end)

    it("is 1 where argparse or the rest of stdout is missing", function()
        local line = line_of { "explain", "190004" }
        local status = peer.shell(line .. " >/dev/full; echo $?")
        assert.truthy(status:find "stdout", status)
        assert.truthy(status:find "\n1\n$", status)
        write(folder .. "/argparse.lua", "error 'not here'")
        line = line:gsub("(LUA_PATH[%w_]*)='", "%1='" .. folder .. "/?.lua;")
        status = peer.shell(line .. "; echo $?")
        assert.equal("cloudcal: the command needs argparse for Lua: apt-get install lua-argparse, "
            .. "or luarocks install argparse\n1\n", status)
    end)
end)

-- {======================================================
-- Secrets
-- =======================================================}

describe("the secrets of cloudcal", function()
    local function assert_clean(text, what)
        assert.is_nil(text:find(WORD, 1, true), what .. ": " .. text)
    end

    it("are in no output, whatever is asked for and whatever goes wrong", function()
        local lines = {}
        local function collect(text, ...)
            local _, out, err = run("--verbose " .. text, ...)
            lines[#lines + 1] = text .. "\n" .. out .. err
        end
        collect "login --user alice"
        collect "primary --user alice"
        collect "primary --identity tenant"
        for _, fault in ipairs { "echo_secrets", "99991663", "bad_json", "html_502", "190003" } do
            support.faults("feishu", fault)
            collect "primary"
        end
        with_token()
        for _, fault in ipairs { "none", "echo_secrets", "99991668", "reset" } do
            support.faults("feishu", fault)
            collect("caldav new --profile", folder .. "/x.mobileconfig")
        end
        environment = variables "youkong"
        for _, fault in ipairs { "none", "echo_secrets", "html_502" } do
            support.faults("youkong", fault)
            collect "youkong create --user-code cs1 --name x"
        end
        local all = table.concat(lines)
        assert.truthy(all:find("cloudcal debug: ", 1, true), all)
        assert_clean(all, "output")
        assert.is_nil(all:find("eyJ", 1, true), all)
        assert_clean(peer.shell("cat " .. quote(folder) .. "/.local/state/cloudcal/tokens.json"),
            "the store")
    end)

    it("have no option", function()
        for _, text in ipairs { "--app-secret=%s primary", "--app-secret %s primary",
            "primary --secret %s", "primary --secret=%s", "caldav check --password %s",
            "youkong put --secret=%s", "primary --token %s", "primary -p%s" } do
            local status, out, err = run((text:gsub("%%s", WORD)))
            assert.equal(2, status)
            assert_clean(out .. err, text)
        end
        local _, _, err = run("primary --app-secret " .. WORD)
        assert.truthy(err:find("help environment", 1, true), err)
    end)
end)

-- {======================================================
-- The prompt, on a terminal of its own
-- =======================================================}

describe("the prompt of cloudcal", function()
    local screen, number

    before_each(function()
        screen, number = folder .. "/screen", folder .. "/number"
        environment.FEISHU_APP_SECRET = nil
    end)

    -- Runs the command on a terminal, does something when it asks, and tells how the terminal is
    -- left.
    -- @return what was seen
    local function on_terminal(words, action)
        write(folder .. "/inner", ("echo $$ >%s\nexec %s\n"):format(number, line_of(words)))
        write(folder .. "/outer", ("trap : INT\nsh %s/inner\necho status $?\n"
            .. "sleep 0.5\nstty -a | grep -ow -e '-echo'\necho end\n"):format(folder))
        peer.shell(([[
            : >%s
            ( i=0
            while ! grep -q 'secret: ' %s && [ $i -lt 200 ]; do i=$((i+1)); sleep 0.05; done
            sleep 0.3 # until it reads
            %s
            i=0
            while ! grep -q '^end' %s && [ $i -lt 200 ]; do i=$((i+1)); sleep 0.05; done
            ) | SHELL=/bin/sh script -qefc 'sh %s/outer' /dev/null >%s]]):format(
                screen, screen, action, screen, folder, screen))
        return (read(screen):gsub("\r", ""))
    end

    it("shows nothing of what is typed", function()
        local seen = on_terminal({ "primary" }, ("printf '%s\\n'"):format(SECRETS.app_secret))
        assert.truthy(seen:find "^app secret: \ncalendar_id", seen)
        assert.truthy(seen:find("status 0\nend\n", 1, true), seen)
        assert.is_nil(seen:find(WORD, 1, true), seen)
    end)

    it("leaves the terminal as it was after Ctrl-C and after a kill", function()
        local seen = on_terminal({ "primary" }, "printf '\\003'")
        assert.truthy(seen:find("status 130\nend\n", 1, true), seen)
        for name, status in pairs { TERM = 143, KILL = 137 } do
            seen = on_terminal({ "primary" }, ("kill -%s $(cat %s)"):format(name, number))
            assert.truthy(seen:find(("status %d\n"):format(status), 1, true), seen)
            assert.truthy(seen:find "\nend\n$", seen)
            assert.is_nil(seen:find("-echo", 1, true), seen)
        end
    end)

    it("is not there where stdin is no terminal", function()
        local started = core.now()
        assert.equal(2, (run "primary"))
        assert.is_true(core.now() - started < 10)
    end)
end)
