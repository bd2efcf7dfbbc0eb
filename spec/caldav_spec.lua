--- From the API to the phone: profiles, addresses, and visits to a CalDAV server that the spec
-- plays. A true one is in spec/hosts/caldav.lua.

local certificates = require "cloudcal.sandbox.certificates"
local cloudcal = require "cloudcal"
local core = require "cloudcal.core"
local cqueues = require "cqueues"
local files = require "spec.files"
local lua = require "spec.lua"
local lxp = require "lxp"
local peer = require "spec.peer"
local pipeline = require "spec.pipeline"
local support = require "spec.support"

local caldav = cloudcal.caldav

local function with(changes)
    local account = {
        server_address = "caldav.example.com", user_name = "ZhangSan", password = "A67h23sd8",
        device_name = "iPhone",
    }
    for name, value in pairs(changes or {}) do account[name] = value end
    return account
end

local function without(name)
    local account = with()
    account[name] = nil
    return account
end

-- A property list as Lua values: each <dict> a table by key, each <array> a list.
local function read_plist(text)
    local stack, key, words = { {} }, nil, {}
    local function put(value)
        local top = stack[#stack]
        if key then top[key], key = value, nil else top[#top + 1] = value end
        return value
    end
    local function open(_, name)
        words = {}
        if name == "dict" or name == "array" then stack[#stack + 1] = put {} end
        if name == "true" or name == "false" then put(name == "true") end
    end
    local function close(_, name)
        local word = table.concat(words)
        if name == "dict" or name == "array" then stack[#stack] = nil end
        if name == "key" then key = word end
        if name == "string" then put(word) end
        if name == "integer" then put(tonumber(word)) end
    end
    local parser = lxp.new { StartElement = open, EndElement = close,
        CharacterData = function(_, word) words[#words + 1] = word end }
    assert(parser:parse(text))
    assert(parser:parse())
    parser:close()
    return stack[1][1]
end

local function refused(result, err)
    assert.is_nil(result)
    assert.equal("caldav", err.service)
    assert.equal("invalid_request", err.kind)
    assert.equal("invalid_account", err.name)
    assert.equal("check", err.stage)
    assert.equal("no", err.acted)
    return err.field
end

-- What no function takes for an account.
local WRONG = {
    { "server_address", without "server_address" },
    { "server_address", with { server_address = 5 } },
    { "server_address", with { server_address = "" } },
    { "server_address", with { server_address = "a b" } },
    { "server_address", with { server_address = "user@host.com" } },
    { "server_address", with { server_address = "host.com:99999" } },
    { "server_address", with { server_address = "host.com/?x" } },
    { "server_address", with { server_address = "host.com/../x" } },
    { "server_address", with { server_address = "ftp://host.com" } },
    { "server_address", with { server_address = "http://host.com" } },
    { "server_address", with { server_address = "http://127.0.0.1" } },
    { "server_address", with { server_address = "<host>" } },
    { "user_name", without "user_name" }, { "user_name", with { user_name = "" } },
    { "user_name", with { user_name = "a\0b" } }, { "user_name", with { user_name = "\255" } },
    { "password", without "password" }, { "password", with { password = {} } },
    { "password", with { password = "a\27b" } },
}

describe("cloudcal.caldav", function()
    it("is read when it is first used", function()
        local output, ok = peer.script [[
            local cloudcal = require "cloudcal"
            local function loaded(name) return tostring(package.loaded[name] ~= nil) end
            print(loaded "cloudcal.caldav", loaded "lxp")
            print(type(cloudcal.caldav.profile), cloudcal.caldav.nothing)
            print(loaded "cloudcal.caldav", loaded "lxp")]]
        assert.equal("false\tfalse\nfunction\tnil\ntrue\tfalse\n", output)
        assert.is_true(ok)
    end)

    it("raises what is a mistake in the program", function()
        pipeline.raises(function() caldav.address() end, "the account must be a table")
        pipeline.raises(function() caldav.profile "text" end, "the account must be a table")
        pipeline.raises(function() caldav.check(nil) end, "the account must be a table")
        pipeline.raises(function() caldav.profile(with(), 5) end, "the options must be a table")
        pipeline.raises(function() caldav.profile(with(), { nam = "x" }) end, "'name'")
        pipeline.raises(function() caldav.profile(with(), { name = "a\0" }) end, "'name'")
        pipeline.raises(function() caldav.profile(with(), { name = "\239\191\191" }) end, "XML")
        pipeline.raises(function() caldav.profile(with(), { principal = "/x" }) end, "principal")
        pipeline.raises(function() caldav.check(with(), { ca_fil = "x" }) end, "'ca_file'")
        pipeline.raises(function() caldav.check(with(), { timeout = 0 }) end, "'timeout'")
        pipeline.raises(function() caldav.check(with(), { ca_file = "x", ca_pem = "x" }) end,
            "ca_file", "ca_pem")
        for _, path in ipairs { 5, "", "a\0b" } do
            pipeline.raises(function() caldav.write_profile(with(), path) end, "path")
        end
    end)

    it("says in one line what check needs", function()
        local output = peer.script [[
            package.preload.lxp = function() error "no such library" end
            local caldav = require "cloudcal".caldav
            print(type(caldav.profile { server_address = "a.com", user_name = "u",
                password = "p" }))
            print(pcall(function() return caldav.check {} end))]]
        assert.truthy(output:find("^string\nfalse\t[^\n]+needs lua%-expat: apt%-get install "
            .. "lua%-expat, or luarocks install luaexpat\n$"), output)
    end)
end)

describe("cloudcal.caldav.address", function()
    it("is what apps ask for", function()
        local cases = {
            ["caldav.example.com"] = "https://caldav.example.com/",
            ["CalDAV.Example.com"] = "https://caldav.example.com/",
            ["caldav.example.com:443"] = "https://caldav.example.com/",
            ["caldav.example.com:8443"] = "https://caldav.example.com:8443/",
            ["caldav.example.com/dav/"] = "https://caldav.example.com/dav/",
            ["caldav.example.com:8443/dav"] = "https://caldav.example.com:8443/dav",
            ["https://caldav.example.com"] = "https://caldav.example.com/",
            ["https://caldav.example.com:8443/x"] = "https://caldav.example.com:8443/x",
            ["192.0.2.7:8443"] = "https://192.0.2.7:8443/",
            ["[2001:DB8::1]"] = "https://[2001:db8::1]/",
            ["[2001:db8::1]:8443"] = "https://[2001:db8::1]:8443/",
            ["2001:db8::1"] = "https://[2001:db8::1]/",
            ["::1"] = "https://[::1]/",
        }
        for given, expected in pairs(cases) do
            assert.equal(expected, caldav.address(with { server_address = given }))
        end
    end)

    it("needs a server", function()
        for _, case in ipairs(WRONG) do
            if case[1] == "server_address" then
                assert.equal("account.server_address", refused(caldav.address(case[2])))
            end
        end
    end)
end)

describe("cloudcal.caldav.profile", function()
    local function plist(account, given)
        return read_plist(assert(caldav.profile(account, given)))
    end

    it("is a configuration profile with a CalDAV account", function()
        local top = plist(with())
        assert.equal("Configuration", top.PayloadType)
        assert.equal(1, top.PayloadVersion)
        assert.equal("CalDAV caldav.example.com", top.PayloadDisplayName)
        assert.is_false(top.PayloadRemovalDisallowed)
        assert.equal(1, #top.PayloadContent)
        local account = top.PayloadContent[1]
        assert.equal("com.apple.caldav.account", account.PayloadType)
        assert.equal(1, account.PayloadVersion)
        assert.equal("caldav.example.com", account.CalDAVHostName)
        assert.equal(443, account.CalDAVPort)
        assert.is_true(account.CalDAVUseSSL)
        assert.equal("ZhangSan", account.CalDAVUsername)
        assert.equal("A67h23sd8", account.CalDAVPassword)
        assert.equal("CalDAV caldav.example.com", account.CalDAVAccountDescription)
        assert.is_nil(account.CalDAVPrincipalURL)
        assert.equal(top.PayloadIdentifier .. ".account", account.PayloadIdentifier)
    end)

    it("takes its texts from the options", function()
        local top = plist(with(), { name = "飞书日历", organization = "ACME & Co", identifier =
            "com.example.calendar", description = "<b>", principal = "https://h.com/p/" })
        local account = top.PayloadContent[1]
        assert.equal("飞书日历", top.PayloadDisplayName)
        assert.equal("飞书日历", account.PayloadDisplayName)
        assert.equal("飞书日历", account.CalDAVAccountDescription)
        assert.equal("ACME & Co", top.PayloadOrganization)
        assert.equal("ACME & Co", account.PayloadOrganization)
        assert.equal("com.example.calendar", top.PayloadIdentifier)
        assert.equal("com.example.calendar.account", account.PayloadIdentifier)
        assert.equal("<b>", top.PayloadDescription)
        assert.equal("https://h.com/p/", account.CalDAVPrincipalURL)
    end)

    it("knows ports, paths and IPv6", function()
        local account = plist(with { server_address = "[::1]:8443/dav/" }).PayloadContent[1]
        assert.equal("[::1]", account.CalDAVHostName)
        assert.equal(8443, account.CalDAVPort)
        assert.equal("https://[::1]:8443/dav/", account.CalDAVPrincipalURL)
    end)

    it("replaces the one before, and no other", function()
        local function ids(changes, given)
            local top = plist(with(changes), given)
            local account = top.PayloadContent[1]
            for _, id in ipairs { top.PayloadUUID, account.PayloadUUID } do
                assert.truthy(id:find("^%x%x%x%x%x%x%x%x%-%x%x%x%x%-8%x%x%x%-[89AB]%x%x%x%-"
                    .. ("%x"):rep(12) .. "$"), id)
            end
            assert.not_equal(top.PayloadUUID, account.PayloadUUID)
            return ("%s %s %s"):format(top.PayloadIdentifier, top.PayloadUUID,
                account.PayloadUUID)
        end
        local first = ids()
        assert.equal(first, ids({ password = "another", device_name = "x" }, { name = "n" }))
        assert.equal(first, ids { server_address = "https://CALDAV.example.com:443" })
        local seen = { [first] = true }
        for _, changes in ipairs { { user_name = "LiSi" }, { server_address = "b.com" },
                                   { server_address = "caldav.example.com:8443" } } do
            local other = ids(changes)
            assert.is_nil(seen[other])
            seen[other] = true
        end
    end)

    it("holds any text that XML holds", function()
        local values = {
            [[<>&"']], "]]>", "</string><key>x</key>", "&amp;", "&#10;", "日历 📅", " a  b ",
            "a\nb", "a\r\nb\tc", "-- %d %1", "\127", "<!--", "<?x?>",
        }
        for _, value in ipairs(values) do
            local account = plist(with { user_name = value, password = value .. "x" })
                .PayloadContent[1]
            assert.equal(value, account.CalDAVUsername)
            assert.equal(value .. "x", account.CalDAVPassword)
        end
    end)

    it("is not made of less", function()
        for _, case in ipairs(WRONG) do
            assert.equal("account." .. case[1], refused(caldav.profile(case[2])))
        end
        assert.equal("account.password",
            refused(caldav.profile(with { password = "\239\191\190" })))
        local _, err = caldav.profile({}, { language = "zh" })
        assert.truthy(tostring(err):find("请求无效", 1, true))
        assert.equal("profile", err.operation)
    end)
end)

describe("cloudcal.caldav.write_profile", function()
    local directory

    before_each(function() directory = peer.shell("mktemp -d"):match("[^\n]+") end)
    after_each(function() peer.shell("rm -rf " .. directory) end)

    it("writes a file for its user only", function()
        local path = directory .. "/a phone.mobileconfig"
        peer.shell(("echo old >'%s'; chmod 666 '%s'"):format(path, path))
        assert.is_true(caldav.write_profile(with(), path, { name = "n" }))
        assert.equal("600\n", (peer.shell(("umask 0; stat -c %%a '%s'"):format(path))))
        assert.equal(caldav.profile(with(), { name = "n" }), files.read(path))
        assert.equal("1\n", (peer.shell("ls -A " .. directory .. " | wc -l")))
    end)

    it("says why there is no file", function()
        local result, err = caldav.write_profile(with(), directory .. "/no/x.mobileconfig")
        assert.is_nil(result)
        assert.equal("file_not_written", err.name)
        assert.equal("invalid_request", err.kind)
        assert.truthy(err.message:find("/no/x.mobileconfig", 1, true))
        assert.equal("account.password",
            refused(caldav.write_profile(without "password", directory .. "/x")))
        assert.equal("0\n", (peer.shell("ls -A " .. directory .. " | wc -l")))
    end)
end)

describe("a reference in an answer", function()
    local url = require "cloudcal.caldav.url"
    local HOST = "https://host.com"

    it("is read as RFC 3986 reads it, on the same server", function()
        local cases = {
            ["/x"] = "/x", ["x"] = "/a/b/x", ["./x/"] = "/a/b/x/", ["../x"] = "/a/x",
            ["../../../x"] = "/x", [".."] = "/a/", ["."] = "/a/b/", ["/a/./b/../c"] = "/a/c",
            ["/a/%2e%2E/c"] = "/c", ["/x?y=/../z"] = "/x?y=/../z", ["/x#y"] = "/x",
            ["//host.com/x"] = "/x", ["//HOST.com:443"] = "/", ["https://host.com"] = "/",
            ["HTTPS://Host.COM:443/x"] = "/x", ["/a//b"] = "/a//b", [" /x\n"] = "/x",
            ["/a b"] = "/a%20b", ["/日"] = "/%E6%97%A5", ["/a%20b"] = "/a%20b",
            ["/a\0\127\\"] = "/a%00%7F%5C", ["https://host.com/../x"] = "/x",
        }
        for reference, path in pairs(cases) do
            assert.equal(HOST .. path, url.resolve(url.parse(HOST .. "/a/b/c?d=/e/"), reference))
        end
    end)

    it("is nothing where it names another one", function()
        for _, reference in ipairs { "", " ", "#x", "http://host.com/", "https://host.com:444/",
            "https://host.com.evil.com/", "https://evil.com/host.com", "//evil.com/", "//",
            "https://host.com@evil.com/", "https://u@host.com/", "https://host.com:443@evil.com/",
            "https://host.com\\@evil.com/", "https://host.com%2eevil.com/", "https://host.com./",
            "https:/x", "https:x", "mailto:a@host.com", "file:///etc/passwd", "a:b",
            "https://host.com?@evil.com/", "https://host.com#@evil.com/x", "https://[::1]/",
            "https://host.com:/", "https://host.com:-443/", "https://host.com:443x/" } do
            local result = url.resolve(url.parse(HOST .. "/a/"), reference)
            -- what follows "#" is no part of the address
            local expected = reference:find "#@" and HOST .. "/" or nil
            assert.equal(expected, result, reference)
        end
    end)

    it("is read in a time that grows no faster than it does", function()
        local base = url.parse(HOST .. "/a/")
        for _, char in ipairs { " ", "/", ".", "#", "?", "%2e", "../", "\n" } do
            local text = "/a" .. char:rep(support.MANY) .. "b"
            assert.is_true(support.cost(url.resolve, base, text) < 1, char)
            assert.is_true(support.cost(url.last_name, text) < 1, char)
            assert.is_true(support.cost(url.trimmed, char:rep(support.MANY)) < 1, char)
        end
        assert.same({ "", "", "a", "a b", "a" }, { url.trimmed "", url.trimmed " \n\t",
            url.trimmed "a", url.trimmed " a b\n", url.trimmed "a " })
        assert.same({ "", "c", "c", "b" }, { url.last_name "/", url.last_name "/a/b/c",
            url.last_name "/a/b/c//", url.last_name "/a/b?c/d" })
    end)
end)

-- {======================================================
-- A CalDAV server of the spec's own
-- =======================================================}

local function answer(status, body, headers)
    return ("HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n"):format(status, #body, headers or "")
        .. body -- %s of an old Lua ends at a zero
end

local function redirect(status, location)
    return answer(status .. " Moved", "", location and "Location: " .. location .. "\r\n")
end

local XMLNS = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" '
    .. 'xmlns:I="http://apple.com/ns/ical/" xmlns:S="http://calendarserver.org/ns/"'

local function multistatus(responses)
    return answer("207 Multi-Status", ('<?xml version="1.0" encoding="utf-8"?>\n'
        .. "<D:multistatus %s>%s</D:multistatus>"):format(XMLNS, responses),
        "Content-Type: application/xml\r\n")
end

local function response(href, properties, status)
    return ("<D:response><D:href>%s</D:href><D:propstat><D:prop>%s</D:prop><D:status>HTTP/1.1 %s"
        .. "</D:status></D:propstat></D:response>"):format(href, properties, status or "200 OK")
end

local function principal_is(href)
    return multistatus(response("/", ("<D:current-user-principal><D:href>%s</D:href>"
        .. "</D:current-user-principal>"):format(href)))
end

local function home_is(...)
    local hrefs = {}
    for i, href in ipairs { ... } do hrefs[i] = ("<D:href>%s</D:href>"):format(href) end
    return multistatus(response("/me/", "<C:calendar-home-set>" .. table.concat(hrefs)
        .. "</C:calendar-home-set>"))
end

local CALENDAR = "<D:resourcetype><D:collection/><C:calendar/></D:resourcetype>"

local function calendar(href, name, more)
    return response(href, CALENDAR .. "<D:displayname>" .. name .. "</D:displayname>"
        .. (more or ""))
end

local NOTHING = answer("404 Not Found", "")

-- The routes of a good server, changed.
local function routes(changes)
    local set = {
        ["/.well-known/caldav"] = redirect(301, "/dav/"), ["/dav/"] = principal_is "/me/",
        ["/me/"] = home_is "/home/",
        ["/home/"] = multistatus(response("/home/", "<D:resourcetype><D:collection/>"
            .. "</D:resourcetype>") .. calendar("/home/work/", "Work")),
    }
    for path, bytes in pairs(changes or {}) do set[path] = bytes end
    return set
end

local ca_file, ctx

setup(function()
    local pem
    pem, ctx = certificates.new("good", os.time())
    ca_file = files.temporary(pem)
end)

teardown(function() os.remove(ca_file) end)

-- Answers by path: bytes, a list of bytes of which the last is repeated, or
-- function(con, head, body). It notes what it is asked.
local function serve(set, log)
    return function(con)
        while true do
            local head, body = peer.read_request(con)
            if not head then return end
            local method, path = head:match("^(%S+) (%S+)")
            log[#log + 1] = { method = method, path = path, head = head, body = body }
            local bytes = set[path] or NOTHING
            if type(bytes) == "table" then
                bytes = #bytes > 1 and table.remove(bytes, 1) or bytes[1]
            end
            if type(bytes) == "function" then bytes = bytes(con, head, body) end
            if not bytes then return end
            con:write(bytes)
        end
    end
end

local function finish(loop, ...)
    local deadline = core.now() + 20
    repeat
        loop:step(0.002)
        assert(peer.loop:step(0))
        assert(core.now() < deadline, "it does not end")
    until loop:step(0) == 0
    local results = {}
    for i, task in ipairs { ... } do results[i] = lua.pack(task:result()) end
    return lua.unpack(results)
end

-- One visit in a task, to a server with these routes.
local function visit(set, given, changes, tls)
    local log = {}
    local server = peer.listen(serve(set, log), tls ~= false and ctx or nil)
    local account = with { server_address = "127.0.0.1:" .. server.port, password = "pass:wörd" }
    for name, value in pairs(changes or {}) do
        account[name] = type(value) == "string" and value:gsub("PORT", tostring(server.port))
            or value
    end
    local options = { ca_file = ca_file, retry = { max_delay = 0.01 } }
    if given and given.ca_pem then options.ca_file = nil end
    for name, value in pairs(given or {}) do options[name] = value end
    local loop = cloudcal.loop()
    local values = finish(loop, loop:spawn(function() return caldav.check(account, options) end))
    server.close()
    assert.equal(3, values.n)
    assert.is_table(values[3])
    assert.equal(values[1] == nil, values[2] ~= nil)
    return { result = values[1], err = values[2], meta = values[3], log = log, server = server,
             origin = (tls == false and "http" or "https") .. "://127.0.0.1:" .. server.port }
end

local function fails(set, kind, name, given, changes, tls)
    local seen = visit(set, given, changes, tls)
    assert.is_nil(seen.result)
    assert.equal(name, seen.err.name, tostring(seen.err))
    assert.equal(kind, seen.err.kind)
    assert.equal("caldav", seen.err.service)
    assert.equal("check", seen.err.operation)
    assert.is_true(#seen.err.hint > 10)
    return seen
end

describe("cloudcal.caldav.check", function()
    it("lists the calendars", function()
        local seen = visit(routes { ["/home/"] = multistatus(
            response("/home/", "<D:resourcetype><D:collection/></D:resourcetype>")
            .. calendar("/home/work/", " W\195\182rk &amp; 会议\n", [[
                <C:supported-calendar-component-set><C:comp name="VEVENT"/> <C:comp name="VTODO"/>
                </C:supported-calendar-component-set><I:calendar-color>#FF2968FF</I:calendar-color>
                <S:getctag>"17"</S:getctag>]])
            .. response("/home/my%20own/", CALENDAR)
            .. response("/home/inbox/", "<D:resourcetype><D:collection/><C:schedule-inbox/>"
                .. "</D:resourcetype>")
            .. response("/home/a.ics", "<D:resourcetype/>"))
        })
        assert.is_nil(seen.err)
        local origin = seen.origin
        assert.same({
            principal = origin .. "/me/", home = origin .. "/home/",
            calendars = {
                { href = origin .. "/home/work/", name = "Wörk & 会议", color = "#FF2968FF",
                  components = { "VEVENT", "VTODO" }, ctag = '"17"' },
                { href = origin .. "/home/my%20own/", name = "my own", components = {} },
            },
        }, seen.result)
        assert.equal(207, seen.meta.status)
        assert.equal(4, seen.meta.attempts)
        assert.equal("application/xml", seen.meta.headers["content-type"])
        assert.is_true(seen.meta.elapsed > 0 and seen.meta.timings.total > 0)
        assert.equal(0, seen.meta.waited)
    end)

    it("asks by PROPFIND, with the password, the right depth and the right length", function()
        local seen = visit(routes(), { user_agent = "phones" })
        local depths = {}
        for i, request in ipairs(seen.log) do
            assert.equal("PROPFIND", request.method)
            depths[i] = request.head:match("\r\nDepth: (%d)\r\n")
            assert.truthy(request.head:find(
                "\r\nAuthorization: Basic WmhhbmdTYW46cGFzczp3w7ZyZA==\r\n", 1, true))
            assert.truthy(request.head:find("\r\nContent-Type: application/xml", 1, true))
            assert.truthy(request.head:find("\r\nUser-Agent: phones cloudcal/", 1, true))
            assert.equal(#request.body, tonumber(request.head:match("Content%-Length: (%d+)")))
            assert.is_nil(request.head:find("Expect", 1, true))
            assert.truthy(request.body:find("^<%?xml.*</d:propfind>\n$"))
        end
        assert.equal("0 0 0 1", table.concat(depths, " "))
        assert.equal(1, seen.server.accepted)
    end)

    it("blocks in a script", function()
        pipeline.with_scripted("feishu", { principal_is "/me/", home_is "/home/",
            multistatus(calendar("work/", "Work")) }, {}, function(_, server)
            local result, err, meta = caldav.check(with { server_address = server.base_url },
                { allow_plain_http = true })
            assert.is_nil(err)
            assert.equal(server.base_url .. "/home/work/", result.calendars[1].href)
            assert.equal(3, meta.attempts)
            assert.truthy(server.requests()[1].head:find("^PROPFIND /.well%-known/caldav "))
        end)
    end)

    it("lets others work in a loop", function()
        local log = {}
        local server = peer.listen(serve(routes {
            ["/.well-known/caldav"] = function() -- nobody gets on before all have begun
                while #log < 5 do cqueues.sleep(0.01) end
                return redirect(301, "/dav/")
            end,
        }, log), ctx)
        local loop = cloudcal.loop()
        local tasks = {}
        for i = 1, 5 do
            tasks[i] = loop:spawn(function()
                return caldav.check(with { server_address = "localhost:" .. server.port },
                    { ca_file = ca_file })
            end)
        end
        local results = { finish(loop, lua.unpack(tasks)) }
        server.close()
        for i = 1, 5 do assert.equal("Work", results[i][1].calendars[1].name) end
        assert.equal(20, #log)
    end)

    it("is cancelled with its task", function()
        local server = peer.listen(function(con) con:read("*a") end, ctx)
        local loop = cloudcal.loop()
        local task = loop:spawn(function()
            return caldav.check(with { server_address = "127.0.0.1:" .. server.port },
                { ca_file = ca_file })
        end)
        local deadline = core.now() + 0.2
        while core.now() < deadline do
            loop:step(0.002)
            peer.loop:step(0)
        end
        task:cancel()
        local values = finish(loop, task)
        server.close()
        assert.equal("cancelled", values[2].kind)
    end)

    it("follows every kind of redirect on the server", function()
        for _, status in ipairs { 301, 302, 303, 307, 308 } do
            for _, location in ipairs { "/dav/", "../dav/", "https://127.0.0.1:PORT/dav/",
                                        "HTTPS://127.0.0.1:PORT/x/../dav/", "//127.0.0.1:PORT/dav/",
                                        "/dav/#x" } do
                local set = routes()
                set["/.well-known/caldav"] = function(_, head)
                    return redirect(status,
                        (location:gsub("PORT", head:match("Host: [^:]+:(%d+)"))))
                end
                assert.equal("Work", visit(set).result.calendars[1].name)
            end
        end
        local seen = visit(routes { ["/me/"] = redirect(302, "/you/?a=1"),
            ["/you/?a=1"] = home_is "home/", ["/you/home/"] = multistatus "" })
        assert.equal(seen.origin .. "/you/home/", seen.result.home)
        assert.same({}, seen.result.calendars)
    end)

    it("tries the root where nothing is agreed", function()
        for _, bytes in ipairs { NOTHING, answer("405 No", ""), answer("501 No", ""),
                                 answer("403 No", ""), answer("410 Gone", ""),
                                 answer("200 OK", "<html><body>hi<br></body></html>"),
                                 multistatus "", multistatus(response("/", "", "404 No")) } do
            local seen = visit(routes { ["/.well-known/caldav"] = bytes,
                ["/"] = principal_is "/me/" })
            assert.equal("Work", seen.result.calendars[1].name)
            assert.equal("/", seen.log[2].path)
        end
    end)

    it("tries a path that came with the address first", function()
        local seen = visit(routes(), nil, { server_address = "127.0.0.1:PORT/dav/" })
        assert.equal("/dav/", seen.log[1].path)
        assert.equal("Work", seen.result.calendars[1].name)
        seen = visit(routes(), nil, { server_address = "https://localhost:PORT/no" })
        assert.equal("/.well-known/caldav", seen.log[2].path)
        assert.equal("Work", seen.result.calendars[1].name)
    end)

    it("reads hrefs in every form, and every prefix", function()
        local seen = visit(routes {
            ["/dav/"] = answer("207 Multi-Status", [[
                <multistatus xmlns="DAV:"><response><href>/</href><propstat>
                <prop><current-user-principal><href> ../me/ </href></current-user-principal></prop>
                <status>HTTP/1.1 200 OK</status></propstat></response></multistatus>]]),
            ["/me/"] = home_is("/home/", "/other/"),
            ["/home/"] = multistatus(calendar("work/", "One") .. calendar("/home/work/", "Again")
                .. calendar("/home/a b/日/", "Two")),
            ["/other/"] = multistatus(calendar("./x/../three/?y", "Three")),
        })
        assert.equal(seen.origin .. "/home/", seen.result.home)
        local found = {}
        for i, one in ipairs(seen.result.calendars) do
            found[i] = one.href:sub(#seen.origin + 1) .. " " .. one.name
        end
        assert.same({ "/home/work/ One", "/home/a%20b/%E6%97%A5/ Two", "/other/three/?y Three" },
            found)
    end)

    it("is not taken in by other namespaces, or by properties that are not there", function()
        local fake = '<x:current-user-principal xmlns:x="urn:x"><D:href>/x/</D:href>'
            .. "</x:current-user-principal>"
        local seen = visit(routes { ["/dav/"] = multistatus(response("/", fake)
            .. response("/", "<D:current-user-principal><D:href>/x/</D:href>"
                .. "</D:current-user-principal>", "403 No")
            .. response("/", "<D:current-user-principal><D:href>/me/</D:href>"
                .. "</D:current-user-principal>")) })
        assert.equal(seen.origin .. "/me/", seen.result.principal)
    end)
end)

describe("the password", function()
    -- A second server that must hear nothing; `use` gets its port.
    local function with_stranger(use)
        local log = {}
        local stranger = peer.listen(serve(routes(), log), ctx)
        use(stranger.port)
        peer.pause(0.02)
        stranger.close()
        assert.equal(0, stranger.accepted)
        assert.equal(0, #log)
    end

    it("goes to no other host, port or scheme that a redirect names", function()
        with_stranger(function(port)
            for _, location in ipairs { "https://127.0.0.1:OTHER/dav/", "//127.0.0.1:OTHER/dav/",
                "https://localhost:PORT/dav/", "https://localhost/", "http://127.0.0.1:PORT/dav/",
                "https://127.0.0.1/dav/", "ftp://127.0.0.1:PORT/", "javascript:alert(1)",
                "https://127.0.0.1:PORT@localhost:OTHER/", "https://u:p@127.0.0.1:PORT/dav/",
                "https://127.0.0.1:PORT\\@localhost:OTHER/", "https://127.0.0.1:PORT.x.com/",
                "https:127.0.0.1", "https:///dav/", "https://127.0.0.1:0PORT0/" } do
                for _, path in ipairs { "/.well-known/caldav", "/me/", "/home/" } do
                    local set = routes()
                    set[path] = function(_, head)
                        return redirect(302, (location:gsub("OTHER", tostring(port))
                            :gsub("PORT", head:match("Host: [^:]+:(%d+)"))))
                    end
                    local seen = fails(set, "bad_response", "foreign_address")
                    assert.equal(302, seen.err.http_status)
                    assert.equal(1, seen.server.accepted)
                end
            end
        end)
    end)

    it("is not sent where a backslash would lead others", function()
        local seen = visit(routes { ["/me/"] = redirect(302, "\\\\localhost/"),
            ["/me/%5C%5Clocalhost/"] = home_is "/home/" })
        assert.equal("Work", seen.result.calendars[1].name)
    end)

    it("goes to no other host that an answer names", function()
        with_stranger(function(port)
            local other = ("https://127.0.0.1:%d/x/"):format(port)
            local found = fails(routes { ["/dav/"] = principal_is(other) }, "bad_response",
                "foreign_address")
            assert.truthy(found.err.message:find(other, 1, true))
            fails(routes { ["/me/"] = home_is(other) }, "bad_response", "foreign_address")
            fails(routes { ["/me/"] = home_is("/home/", other) }, "bad_response",
                "foreign_address")
            fails(routes { ["/home/"] = multistatus(calendar(other, "x")) }, "bad_response",
                "foreign_address")
        end)
    end)

    it("goes over plain HTTP to this machine only, when that is asked for", function()
        local seen = visit(routes(), { allow_plain_http = true },
            { server_address = "http://127.0.0.1:PORT" }, false)
        assert.equal(seen.origin .. "/home/work/", seen.result.calendars[1].href)
        for _, case in ipairs { { "http://127.0.0.1:PORT" }, { "http://example.com", true } } do
            seen = visit(routes(), { allow_plain_http = case[2] },
                { server_address = case[1] }, false)
            assert.equal("account.server_address", refused(seen.result, seen.err))
            assert.equal(0, #seen.log)
        end
    end)

    it("is not what HTTP cannot send", function()
        for field, value in pairs { user_name = "a:b", password = "a\nb" } do
            local seen = visit(routes(), nil, { [field] = value })
            assert.equal("account." .. field, refused(seen.result, seen.err))
            assert.equal(0, seen.server.accepted)
        end
        for _, case in ipairs(WRONG) do
            local result, err, meta = caldav.check(case[2])
            assert.equal("account." .. case[1], refused(result, err))
            assert.equal(0, meta.attempts)
        end
    end)
end)

describe("a CalDAV server that refuses", function()
    it("the password is told so, with what to do", function()
        for _, path in ipairs { "/.well-known/caldav", "/dav/", "/me/", "/home/" } do
            local seen = fails(routes { [path] = answer("401 Unauthorized", "no",
                'WWW-Authenticate: Basic realm="x"\r\n') }, "unauthenticated",
                "caldav_unauthorized")
            assert.equal(401, seen.err.http_status)
            assert.equal("no", seen.err.acted)
            assert.is_false(seen.err.retryable)
            assert.equal(path, seen.log[#seen.log].path)
            assert.truthy(seen.err.hint:find("generate_caldav_conf", 1, true))
        end
        fails(routes { ["/dav/"] = multistatus(response("/", "<D:current-user-principal>"
            .. "<D:unauthenticated/></D:current-user-principal>")) }, "unauthenticated",
            "caldav_unauthorized")
    end)

    it("in Chinese, where that is asked for", function()
        local seen = fails({ ["/.well-known/caldav"] = answer("401 No", "") }, "unauthenticated",
            "caldav_unauthorized", { language = "zh" })
        assert.truthy(tostring(seen.err):find("身份验证失败", 1, true))
    end)

    it("the user", function()
        local no = answer("403 Forbidden", "no")
        fails({ ["/.well-known/caldav"] = no, ["/"] = no }, "permission_denied",
            "caldav_forbidden")
        fails({ ["/.well-known/caldav"] = no }, "permission_denied", "caldav_forbidden")
        fails(routes { ["/me/"] = no }, "permission_denied", "caldav_forbidden")
    end)

    it("the protocol", function()
        for _, status in ipairs { "404 Not Found", "405 Method Not Allowed", "501 No" } do
            local no = answer(status, "no")
            fails({ ["/.well-known/caldav"] = no, ["/"] = no }, "bad_response", "no_caldav_here")
            fails(routes { ["/me/"] = no }, "not_found", "caldav_collection_missing")
            fails(routes { ["/home/"] = no }, "not_found", "caldav_collection_missing")
        end
        fails({ ["/"] = answer("200 OK", "<html/>") }, "bad_response", "not_multistatus")
        fails({ ["/"] = multistatus "" }, "bad_response", "no_principal")
        fails(routes { ["/me/"] = multistatus "" }, "bad_response", "no_calendar_home")
        fails(routes { ["/me/"] = home_is() }, "bad_response", "no_calendar_home")
        fails(routes { ["/me/"] = redirect(302) }, "bad_response", "not_multistatus")
        fails(routes { ["/me/"] = answer("304 Same", "") }, "bad_response", "not_multistatus")
    end)

    it("to stop redirecting", function()
        local set = routes { ["/me/"] = redirect(302, "/r1") }
        for i = 1, 4 do set["/r" .. i] = redirect(307, "/r" .. i + 1) end
        set["/r5"] = home_is "/home/"
        assert.equal("Work", visit(set).result.calendars[1].name)
        set["/r5"], set["/r6"] = redirect(302, "/r6"), home_is "/home/"
        local seen = fails(set, "bad_response", "too_many_redirects")
        assert.equal("/r5", seen.log[#seen.log].path)
        fails(routes { ["/dav/"] = redirect(302, "/dav/") }, "bad_response",
            "too_many_redirects")
    end)

    it("for a while is asked again", function()
        local busy = answer("503 Busy", "")
        local lines = {}
        local seen = visit(routes { ["/me/"] = { busy, answer("429 No", "", "Retry-After: 0\r\n"),
            home_is "/home/" } }, { logger = function(...) lines[#lines + 1] = { ... } end })
        assert.equal("Work", seen.result.calendars[1].name)
        assert.equal(6, seen.meta.attempts)
        assert.equal(2, #lines)
        assert.equal("warn", lines[1][1])
        seen = fails(routes { ["/me/"] = busy }, "service_error", "http_server_error")
        assert.equal(5, #seen.log)
        assert.is_true(seen.err.retryable)
        seen = fails(routes { ["/me/"] = busy }, "service_error", "http_server_error",
            { retry = false })
        assert.equal(3, #seen.log)
        seen = fails(routes { ["/me/"] = answer("429 No", "", "Retry-After: 60\r\n") },
            "rate_limited", "http_too_many_requests")
        assert.equal(60, seen.err.retry_after)
        assert.equal(3, #seen.log)
    end)
end)

describe("a CalDAV server that misbehaves", function()
    local function dav(body)
        return fails(routes { ["/me/"] = answer("207 Multi-Status", body) }, "bad_response",
            body:find("DOCTYPE") and "xml_refused" or "not_xml")
    end

    it("is told from one that does not", function()
        for _, body in ipairs { "", "nonsense", "<a>", "<a></b>", "<a/><b/>", "\0", "{}",
            '<?xml version="1.0" encoding="x-unknown"?><a/>', "<a:b/>", "<a>\255</a>",
            '<D:multistatus xmlns:D="DAV:"><D:response><D:href>/me', "<a>&undefined;</a>" } do
            local seen = dav(body)
            assert.equal(207, seen.err.http_status)
            assert.equal("yes", seen.err.acted)
            assert.is_false(seen.err.retryable)
            assert.equal(body, seen.err.raw)
        end
    end)

    it("gets no document type and no entity", function()
        local laughs = '<!ENTITY a "ha">'
        for i = 1, 30 do
            laughs = laughs .. ('<!ENTITY a%d "%s">'):format(i, ("&a" .. (i > 1 and i - 1 or "")
                .. ";"):rep(10))
        end
        local started = core.now()
        dav("<!DOCTYPE x [" .. laughs .. "]><x>&a30;</x>")
        dav '<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>'
        dav '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'
        dav '<?xml version="1.0"?>\n<!DOCTYPE html><html/>'
        assert.is_true(core.now() - started < 5)
    end)

    it("gets no endless depth, number or name", function()
        local open, close = ("<a>"):rep(33), ("</a>"):rep(33)
        for _, body in ipairs { open .. close, ("<a>"):rep(100000),
            "<a>" .. ("<b/>"):rep(50001) .. "</a>", "<" .. ("a"):rep(257) .. "/>",
            '<a xmlns:x="' .. ("n"):rep(100000) .. '">' .. ("<x:b/>"):rep(100000) .. "</a>" } do
            local seen = fails(routes { ["/me/"] = answer("207 Multi-Status", body) },
                "bad_response", "xml_refused")
            assert.truthy(#seen.err.message < 200)
        end
        fails(routes { ["/me/"] = answer("207 Multi-Status", ("<a>"):rep(32) .. ("</a>"):rep(32)) },
            "bad_response", "not_multistatus")
    end)

    it("reads other encodings of XML", function()
        local seen = visit(routes { ["/home/"] = answer("207 Multi-Status",
            '<?xml version="1.0" encoding="iso-8859-1"?><D:multistatus ' .. XMLNS .. ">"
            .. calendar("/home/x/", "W\246rk") .. "</D:multistatus>") })
        assert.equal("Wörk", seen.result.calendars[1].name)
    end)

    it("by size is cut off", function()
        local huge = answer("207 Multi-Status", "<a>" .. ("x"):rep(2100000) .. "</a>")
        fails(routes { ["/me/"] = huge }, "too_large", "filesize_exceeded")
        fails(routes(), "too_large", "filesize_exceeded", { max_response_bytes = 10 })
        fails(routes { ["/me/"] = huge }, "bad_response", "not_multistatus",
            { max_response_bytes = 3000000 })
    end)

    it("by cutting is asked again, then given up", function()
        local cut = function(con)
            con:write("HTTP/1.1 207 Multi-Status\r\nContent-Length: 500\r\n\r\n<?xml")
        end
        local seen = fails(routes { ["/me/"] = cut }, "network", "partial_file")
        assert.equal(5, #seen.log)
        assert.is_true(seen.err.retryable)
        seen = visit(routes { ["/me/"] = { cut, home_is "/home/" } })
        assert.equal("Work", seen.result.calendars[1].name)
    end)

    it("by being slow meets one deadline for all", function()
        local function slow(bytes)
            return function()
                cqueues.sleep(0.25)
                return bytes
            end
        end
        local set = routes()
        for path, bytes in pairs(set) do set[path] = slow(bytes) end
        local seen = fails(set, "timeout", "operation_timed_out", { timeout = 0.6 })
        assert.is_true(seen.meta.elapsed > 0.55 and seen.meta.elapsed < 1.5)
        assert.is_true(#seen.log >= 2 and #seen.log <= 3)
    end)

    it("by TLS is not spoken to", function()
        fails(routes(), "tls", "ssl_cacert_badfile", { ca_file = "/no/such/file" })
        local pem = certificates.new("good", os.time())
        local seen = fails(routes(), "tls", "peer_failed_verification",
            { ca_pem = pem })
        assert.equal(0, #seen.log)
        assert.equal("no", seen.err.acted)
    end)

    it("by not being there", function()
        local result, err, meta = caldav.check(with { server_address = "127.0.0.1:1" },
            { retry = false })
        assert.is_nil(result)
        assert.equal("network", err.kind)
        assert.equal("could_not_connect", err.name)
        assert.equal(1, meta.attempts)
    end)

    it("by an unknown name is told where that name stands", function()
        local _, err = caldav.check(with { server_address = "nowhere.invalid" },
            { retry = false, timeout = 4 })
        assert.equal("network", err.kind)
        for _, hint in ipairs { err.hint, err.hint_zh, tostring(err) } do
            assert.truthy(hint:find("server_address", 1, true), hint)
            assert.is_nil(hint:find("base_url", 1, true), hint)
        end
    end)
end)
