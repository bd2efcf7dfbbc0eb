--- cloudcal.caldav against what others made: Radicale as the server, over TLS, and Python's
-- reader of property lists.

local certificates = require "cloudcal.sandbox.certificates"
local cloudcal = require "cloudcal"
local core = require "cloudcal.core"
local files = require "spec.files"
local json = require "cloudcal.json"
local lua = require "spec.lua"
local peer = require "spec.peer"

local caldav = cloudcal.caldav
local PYTHON = "/usr/bin/python3"
local PASSWORD = [[pa:ss <&>"'wörd]]

local directory, radicale

local function write(name, text) return files.write(directory .. "/" .. name, text) end

local function free_port()
    local server = peer.listen(function() end)
    server.close()
    peer.pause(0.2)
    return server.port
end

local function options_of(changes)
    local options = { ca_file = radicale.ca_file }
    for name, value in pairs(changes or {}) do options[name] = value end
    return options
end

local function account_of(changes)
    local account = { server_address = "127.0.0.1:" .. radicale.port, user_name = "alice",
                      password = PASSWORD, device_name = "iPhone" }
    for name, value in pairs(changes or {}) do account[name] = value end
    return account
end

-- One request to it by the core alone.
local function ask(method, path, body, content_type)
    local options = peer.options(radicale.url .. path, { method = method, body = body,
        content_type = content_type, ca_file = radicale.ca_file, basic = "alice:" .. PASSWORD })
    local transfer = assert(core.engine():submit(options))
    while not transfer:done() do core.engine():step(0.1) end
    return transfer:take()
end

local CONFIGURATION = [[
[server]
hosts = 127.0.0.1:%d
ssl = True
certificate = %s
key = %s
[auth]
type = htpasswd
htpasswd_filename = %s
htpasswd_encryption = plain
delay = 0
[rights]
type = owner_only
[storage]
filesystem_folder = %s
[web]
type = none
]]

local function start()
    local authority, _, certificate, key = certificates.new("good", os.time())
    local port = free_port()
    local path = write("config", CONFIGURATION:format(port, write("server.pem", certificate),
        write("key.pem", key), write("users", "alice:" .. PASSWORD .. "\n"),
        directory .. "/collections"))
    local pid = peer.shell(("%s -m radicale --config %s >%s/log 2>&1 & echo $!"):format(
        PYTHON, path, directory)):match("%d+")
    radicale = { port = port, pid = pid, ca_file = write("ca.pem", authority),
                 url = "https://127.0.0.1:" .. port }
    for _ = 1, 300 do
        if ask("OPTIONS", "/") == 200 then return end
        core.sleep(0.05)
    end
    error("Radicale does not start: " .. peer.shell("cat " .. directory .. "/log"))
end

local MKCALENDAR = [[<?xml version="1.0"?>
<c:mkcalendar xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"
    xmlns:i="http://apple.com/ns/ical/"><d:set><d:prop><d:displayname>%s</d:displayname>
<c:supported-calendar-component-set>%s</c:supported-calendar-component-set>
<i:calendar-color>#FF2968FF</i:calendar-color></d:prop></d:set></c:mkcalendar>]]

local EVENT = table.concat({ "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//spec//spec//EN",
    "BEGIN:VEVENT", "UID:1", "DTSTAMP:20260101T000000Z", "DTSTART:20260102T000000Z",
    "SUMMARY:one", "END:VEVENT", "END:VCALENDAR", "" }, "\r\n")

setup(function()
    directory = peer.shell("mktemp -d"):match("[^\n]+")
    start()
    assert.equal(201, (ask("MKCALENDAR", "/alice/work/", MKCALENDAR:format("工作 &amp; Work",
        '<c:comp name="VEVENT"/>'), "application/xml")))
    assert.equal(201, (ask("MKCALENDAR", "/alice/my%20tasks/", MKCALENDAR:format("Tasks",
        '<c:comp name="VTODO"/><c:comp name="VJOURNAL"/>'), "application/xml")))
    assert.equal(201, (ask("PUT", "/alice/work/1.ics", EVENT, "text/calendar")))
end)

teardown(function()
    if radicale then peer.shell("kill " .. radicale.pid) end
    peer.shell("rm -rf " .. directory)
end)

describe("Radicale", function()
    it("is found, and its calendars are listed", function()
        local result, err, meta = caldav.check(account_of(), options_of())
        assert.is_nil(err)
        assert.equal(radicale.url .. "/alice/", result.principal)
        assert.equal(radicale.url .. "/alice/", result.home)
        table.sort(result.calendars, function(a, b) return a.href > b.href end)
        assert.equal(2, #result.calendars)
        local work, tasks = result.calendars[1], result.calendars[2]
        assert.equal(radicale.url .. "/alice/work/", work.href)
        assert.equal("工作 & Work", work.name)
        assert.same({ "VEVENT" }, work.components)
        assert.equal("#FF2968FF", work.color)
        assert.is_string(work.ctag)
        assert.equal(radicale.url .. "/alice/my%20tasks/", tasks.href)
        table.sort(tasks.components)
        assert.same({ "VJOURNAL", "VTODO" }, tasks.components)
        assert.equal(207, meta.status)
    end)

    it("shows by ctag that a calendar has changed", function()
        local function ctag()
            local result = cloudcal.assert(caldav.check(account_of(), options_of()))
            for _, one in ipairs(result.calendars) do
                if one.href:find("/work/$") then return one.ctag end
            end
        end
        local before = ctag()
        assert.equal(before, ctag())
        assert.equal(201, (ask("PUT", "/alice/work/2.ics", EVENT:gsub("UID:1", "UID:2"),
            "text/calendar")))
        assert.not_equal(before, ctag())
    end)

    it("is found by a path, and by its principal", function()
        for _, path in ipairs { "/alice/", "/.well-known/caldav", "/no/such/path/" } do
            local account = account_of { server_address = "127.0.0.1:" .. radicale.port .. path }
            local result, err = caldav.check(account, options_of())
            -- what is another user's is forbidden, whether it is there or not
            assert.equal(2, result and #result.calendars, path .. " " .. tostring(err))
        end
    end)

    it("refuses a wrong password and a wrong user", function()
        for _, changes in ipairs { { password = "wrong" }, { user_name = "bob" } } do
            local result, err, meta = caldav.check(account_of(changes), options_of())
            assert.is_nil(result)
            assert.equal("unauthenticated", err.kind)
            assert.equal("caldav_unauthorized", err.name)
            assert.equal(401, err.http_status)
            assert.equal(401, meta.status)
        end
    end)

    it("is not trusted without its CA", function()
        local _, err = caldav.check(account_of(), {})
        assert.equal("tls", err.kind)
        assert.equal("no", err.acted)
    end)

    it("is asked by many tasks at once", function()
        local loop, tasks = cloudcal.loop(), {}
        for i = 1, 8 do
            tasks[i] = loop:spawn(function() return caldav.check(account_of(), options_of()) end)
        end
        loop:run()
        for i = 1, 8 do assert.equal(2, #cloudcal.assert(tasks[i]:result()).calendars) end
    end)
end)

local READ = [[
import json, plistlib, sys
with open(sys.argv[1], "rb") as file:
    print(json.dumps(plistlib.load(file)))
]]

-- What a device does with a profile, by a CalDAV client of others.
local USE = [[
import caldav, plistlib, sys
with open(sys.argv[1], "rb") as file:
    payload = plistlib.load(file)["PayloadContent"][0]
url = "%s://%s:%d%s" % ("https" if payload["CalDAVUseSSL"] else "http", payload["CalDAVHostName"],
    payload["CalDAVPort"], payload.get("CalDAVPrincipalURL", "/"))
client = caldav.DAVClient(url, username=payload["CalDAVUsername"],
    password=payload["CalDAVPassword"], ssl_verify_cert=sys.argv[2])
calendars = client.principal().calendars()
calendar = [one for one in calendars if one.get_display_name() == "工作 & Work"][0]
calendar.save_event("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//x//EN\r\nBEGIN:VEVENT\r\n"
    "UID:from-the-phone\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260103T000000Z\r\n"
    "SUMMARY:from the phone\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
print(len(calendars), "calendars", len(calendar.events()), "events")
]]

describe("an account of the API", function()
    local sandbox

    setup(function()
        sandbox = assert(require("cloudcal.sandbox").start {
            caldav_server = "127.0.0.1:" .. radicale.port, caldav_user_name = "alice",
            caldav_password = PASSWORD,
        })
    end)

    teardown(function() sandbox.stop() end)

    -- The command with the variables of a user of the sandbox.
    local function command(ca_file, line)
        return ("env FEISHU_USER_ACCESS_TOKEN=%s FEISHU_BASE_URL=%s CLOUDCAL_CA_FILE=%s %s "
            .. "examples/cloudcal.lua %s"):format(sandbox.feishu.user_access_token,
            sandbox.feishu.base_url, peer.quote(ca_file), lua.command(), line)
    end

    it("goes by a profile to a calendar that a client of others fills", function()
        local path = directory .. "/a phone.mobileconfig"
        local output, ok = peer.shell(command(sandbox.ca_file,
            "caldav new --device iPhone --profile " .. peer.quote(path)))
        assert.is_true(ok, output)
        assert.is_nil(output:find(PASSWORD, 1, true))
        output, ok = peer.shell(("%s %s %s %s"):format(PYTHON, write("use.py", USE),
            peer.quote(path), radicale.ca_file))
        assert.is_true(ok, output)
        assert.truthy(output:find("2 calendars %d+ events"), output)
        assert.equal(200, (ask("GET", "/alice/work/from-the-phone.ics")))
    end)

    it("is checked by the command that made it, as the README says", function()
        local output, ok = peer.shell(([[./run sandbox --caldav-server 127.0.0.1:%d \
            --caldav-user-name alice --caldav-password %s -- sh -c 'cloudcal --json caldav new \
            --profile "$0/mac.mobileconfig" | cloudcal --ca-file "$1" caldav check' %s %s]]):format(
            radicale.port, peer.quote(PASSWORD), directory, radicale.ca_file))
        assert.is_true(ok, output)
        assert.truthy(output:find(radicale.url .. "/alice/work/  VEVENT  工作 & Work", 1, true),
            output)
        assert.equal("600\n", (peer.shell("stat -c %a " .. directory .. "/mac.mobileconfig")))
    end)
end)

describe("Python's reader of property lists", function()

    local function read(account, options)
        local path = directory .. "/phone.mobileconfig"
        assert.is_true(caldav.write_profile(account, path, options))
        assert.equal("600\n", (peer.shell("stat -c %a " .. path)))
        local output, ok = peer.shell(("%s %s %s"):format(PYTHON, write("read.py", READ), path))
        assert.is_true(ok, output)
        return json.decode(output)
    end

    it("reads a profile", function()
        local top = read(account_of(), { name = "飞书 <1>", organization = "A & B" })
        assert.equal("Configuration", top.PayloadType)
        assert.equal("飞书 <1>", top.PayloadDisplayName)
        assert.equal("A & B", top.PayloadOrganization)
        assert.is_false(top.PayloadRemovalDisallowed)
        local payload = top.PayloadContent[1]
        assert.equal("com.apple.caldav.account", payload.PayloadType)
        assert.equal("127.0.0.1", payload.CalDAVHostName)
        assert.equal(radicale.port, payload.CalDAVPort)
        assert.is_true(payload.CalDAVUseSSL)
        assert.equal("alice", payload.CalDAVUsername)
        assert.equal(PASSWORD, payload.CalDAVPassword)
    end)

    it("reads whatever a password may be", function()
        for _, value in ipairs { [[<>&"']], "]]>", "</string>", "&amp;", "📅 日历", "a\nb",
                                 "a\r\nb\tc", " a  b ", "<!--", "%s%d\\" } do
            local top = read(account_of { user_name = value, password = value })
            local payload = top.PayloadContent[1]
            assert.equal(value, payload.CalDAVUsername)
            assert.equal(value, payload.CalDAVPassword)
        end
    end)
end)
