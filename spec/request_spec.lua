local cloudcal = require "cloudcal"
local endpoints = require "cloudcal.endpoints"
local request = require "cloudcal.request"
local wire = require "spec.wire"

local GET = endpoints.by_operation["calendar.v4.exchange_binding.get"]
local PUT = endpoints.by_operation["allinone.putcalendar"]

local function refuses_header(name, value)
    local lines, problem = request.header_lines { [name] = value }
    assert.is_nil(lines)
    assert.equal("invalid_header", problem.name)
    assert.equal("headers." .. tostring(name), problem.field)
    assert.equal(problem.field, problem.message:sub(1, #problem.field))
end

describe("headers of a request", function()
    it("become sorted lines", function()
        assert.same({ "X-A: 1", "X-B: two words", "x-c: 有空" },
            request.header_lines { ["X-B"] = "two words", ["X-A"] = "1", ["x-c"] = "有空" })
        assert.same({}, request.header_lines {})
    end)

    it("without a value are sent, not left out", function()
        assert.same({ "X-A;" }, request.header_lines { ["X-A"] = "" })
        assert.same({ "X-A;" }, request.header_lines { ["X-A"] = "  " })
    end)

    it("hold no control character, at any place of name or value", function()
        local count = 0
        for byte = 0, 32 + 1 do
            local char = string.char(byte <= 32 and byte or 127)
            for _, text in ipairs { char, char .. "b", "a" .. char .. "b", "a" .. char } do
                refuses_header(text, "v")
                if char ~= " " then refuses_header("X-A", text) end
                count = count + 2
            end
        end
        assert.equal(272, count)
    end)

    it("hold no line end and no folding", function()
        for _, text in ipairs { "a\r\nX-B: 1", "a\nX-B: 1", "a\rX-B: 1", "a\r\n b", "a\n\tb",
                                "\r\n", "a\r\n\r\nGET / HTTP/1.1" } do
            refuses_header("X-A", text)
            refuses_header(text, "v")
        end
    end)

    it("have names of RFC 9110 only", function()
        for _, char in ipairs { ":", ";", ",", "(", ")", "<", ">", "@", "\\", '"', "/", "[", "]",
                                "?", "=", "{", "}", "\128", "有" } do
            refuses_header("X" .. char .. "A", "v")
        end
        refuses_header("", "v")
        refuses_header(1, "v")
        refuses_header(true, "v")
        local lines = request.header_lines { ["!#$%&'*+.^_`|~-aZ09"] = "v" }
        assert.same({ "!#$%&'*+.^_`|~-aZ09: v" }, lines)
    end)

    it("have text as values, in UTF-8", function()
        for _, value in ipairs { 1, true, {}, print, "\255", "a\192\128", "\237\160\128" } do
            refuses_header("X-A", value)
        end
    end)

    it("with a name that cannot be text are refused without asking it", function()
        local name = setmetatable({}, { __tostring = function() error "called" end })
        local lines, problem = request.header_lines { [name] = "v" }
        assert.is_nil(lines)
        assert.equal("headers.(a table)", problem.field)
    end)

    it("that are reserved are refused in any letter case", function()
        local count = 0
        for name in ([[Authorization Host Content-Length Content-Type Transfer-Encoding Connection
            Expect TE Trailer Upgrade User-Agent Accept-Encoding Proxy-Authorization Keep-Alive
            Proxy-Connection X-Request-Id Request-Id]]):gmatch("%S+") do
            local mixed = name:gsub("%a", function(c)
                count = count + 1
                return count % 2 == 0 and c:upper() or c:lower()
            end)
            for _, one in ipairs { name, name:lower(), name:upper(), mixed } do
                refuses_header(one, "v")
            end
        end
        assert.is_true(count > 150)
    end)

    it("in a hostile table are read all the same", function()
        local function raise() error "called" end
        local given = setmetatable({ ["X-A"] = "1" },
            { __pairs = raise, __index = raise, __len = raise })
        assert.same({ "X-A: 1" }, request.header_lines(given))
    end)

    it("that are wrong are refused before anything is sent", function()
        local client = cloudcal.feishu { user_access_token = "u-x" }
        local seen, result, err, meta = wire.play({ { status = 200, body = "{}" } }, function()
            return client:primary_calendar { headers = { ["X-A"] = "1\r\nX-B: 2" } }
        end)
        assert.is_nil(result)
        assert.same({ "invalid_request", "check", "no", "headers.X-A", 0, 0 },
            { err.kind, err.stage, err.acted, err.field, meta.attempts, #seen.sent })
    end)
end)

describe("a path", function()
    local function path_of(id)
        return request.path(GET, { exchange_binding_id = id })
    end

    it("holds ids percent-encoded", function()
        local root = "/open-apis/calendar/v4/exchange_bindings/"
        for id, encoded in pairs {
            ["plain-1._~"] = "plain-1._~", ["a/b"] = "a%2Fb", ["a+b="] = "a%2Bb%3D",
            ["a%2Fb"] = "a%252Fb", ["../x"] = "..%2Fx", ["..%2f"] = "..%252f", ["..."] = "...",
            [".a"] = ".a", ["a?b#c"] = "a%3Fb%23c", ["a b"] = "a%20b", ["a\\b"] = "a%5Cb",
            ["有"] = "%E6%9C%89", ["😀"] = "%F0%9F%98%80", ["a\r\nb"] = "a%0D%0Ab",
            ["a\0b"] = "a%00b", ["%"] = "%25", ["%1"] = "%251", [":exchange_binding_id"] =
            "%3Aexchange_binding_id", ["a&b;c@d"] = "a%26b%3Bc%40d", ["\127"] = "%7F",
        } do
            assert.equal(root .. encoded, path_of(id))
        end
    end)

    it("holds no dot segment", function()
        for _, id in ipairs { ".", ".." } do
            local path, problem = path_of(id)
            assert.is_nil(path)
            assert.same({ "invalid_path", "path.exchange_binding_id" }, { problem.name,
                problem.field })
        end
    end)

    it("escapes each byte but the unreserved ones", function()
        for byte = 0, 255 do
            local char = string.char(byte)
            local wanted = char:match("[%w._~-]") and char or ("%%%02X"):format(byte)
            assert.equal("x" .. wanted, path_of("x" .. char):match("[^/]*$"))
        end
    end)
end)

describe("a query", function()
    it("is sorted and percent-encoded", function()
        assert.equal("", request.query {})
        assert.equal("?a=1&b=x%20y&c=true", request.query { c = true, b = "x y", a = 1 })
        assert.equal("?%E6%9C%89=%26%3D%2B%25%23%3F", request.query { ["有"] = "&=+%#?" })
        assert.equal("?a=", request.query { a = "" })
        assert.equal("?a=%0D%0AX%3A%201", request.query { a = "\r\nX: 1" })
    end)

    it("has whole numbers without a fraction", function()
        assert.equal("?a=50&b=-1&c=9007199254740992&d=0",
            request.query { a = 50.0, b = -1, c = 2 ^ 53, d = 0 })
    end)

    it("repeats a name for a list", function()
        assert.equal("?a=1&a=2&a=x%2Fy&b=false", request.query { a = { 1, 2, "x/y" }, b = false })
        assert.equal("", request.query { a = {} })
    end)
end)

describe("what may be repeated", function()
    it("is a matter of the table, or of what the request holds", function()
        local repeatable = {
            ["calendar.v4.setting.generate_caldav_conf"] = false,
            ["calendar.v4.exchange_binding.create"] = false,
            ["calendar.v4.exchange_binding.get"] = true,
            ["calendar.v4.exchange_binding.delete"] = true,
            ["calendar.v4.calendar.primary"] = true,
            ["auth.v3.tenant_access_token.internal"] = true,
        }
        for operation, wanted in pairs(repeatable) do
            assert.equal(wanted, request.is_repeatable(endpoints.by_operation[operation], {}))
        end
        local function put(calendar) return request.is_repeatable(PUT, { Calendar = calendar }) end
        assert.is_false(put { CalendarName = "n" })
        assert.is_true(put { CalendarName = "n", CalendarId = "i" })
        assert.is_false(put { CalendarName = "n", ProfileId = "p" })
        assert.is_false(put { CalendarName = "n", CalendarId = "i", ProfileId = "p" })
        assert.is_false(request.is_repeatable({}, {}))
    end)
end)

describe("variants and refusals", function()
    it("create refuses an id, update needs one", function()
        local function problem(variant, calendar)
            local found = request.variant_problem(PUT, variant, { Calendar = calendar })
            return found and found.name .. " " .. found.field
        end
        assert.is_nil(problem("create", { CalendarName = "n" }))
        assert.is_nil(problem("create", { CalendarId = "" }))
        assert.equal("unwanted_field Calendar.CalendarId", problem("create", { CalendarId = "i" }))
        assert.is_nil(problem("update", { CalendarId = "i" }))
        assert.equal("missing_field Calendar.CalendarId", problem("update", {}))
        assert.equal("missing_field Calendar.CalendarId", problem("update", { CalendarId = "" }))
    end)

    it("a tenant has no user_id", function()
        local primary = endpoints.by_operation["calendar.v4.calendar.primary"]
        local function problem(identity, value)
            local found = request.refusal(primary, identity, { query = { user_id_type = value } })
            return found and found.name .. " " .. found.field
        end
        assert.equal("not_for_tenants query.user_id_type", problem("tenant", "user_id"))
        assert.is_nil(problem("tenant", "open_id"))
        assert.is_nil(problem("tenant", nil))
        assert.is_nil(problem("user", "user_id"))
        assert.is_nil(request.refusal(GET, "tenant", { query = { user_id_type = "user_id" } }))
    end)
end)

describe("the transport of a client", function()
    local function transport(client)
        local made = request.transport(client)
        made.id = nil
        return made
    end

    it("has an id of its own", function()
        assert.equal("number", type(request.transport({}).id))
        assert.are_not.equal(request.transport({}).id, request.transport({}).id)
    end)

    it("has the documented defaults", function()
        assert.same({
            user_agent = "cloudcal/" .. require "cloudcal.version", plain_http = false,
            connect_timeout = 10, max_response_bytes = 8388608, max_connections = 32, http2 = false,
        }, transport {})
    end)

    it("takes the client's options", function()
        assert.same({
            user_agent = "mine/1 cloudcal/" .. require "cloudcal.version", plain_http = true,
            connect_timeout = 3, max_response_bytes = 100, max_connections = 2, http2 = true,
            ca_file = "f", ca_pem = "p", proxy = "env", no_proxy = "*",
        }, transport {
            user_agent = "mine/1", allow_plain_http = true, connect_timeout = 3,
            max_response_bytes = 100, max_connections = 2, http_version = "2",
            ca_file = "f", ca_pem = "p", proxy = "env", no_proxy = "*",
        })
    end)
end)
