local endpoints = require "cloudcal.endpoints"
local json = require "cloudcal.json"
local schema = require "cloudcal.schema"

local CREATE = endpoints.by_operation["calendar.v4.exchange_binding.create"]
local PUT = endpoints.by_operation["allinone.putcalendar"]

local toy = {
    request = {
        query = { { name = "kind", type = "string", enum = { "a", "b" } } },
        body = {
            { name = "text", type = "string", min = 1, max = 3 },
            { name = "whole", type = "integer" },
            { name = "flag", type = "boolean" },
            { name = "object", type = "object" },
            { name = "must", type = "string", required = true },
        },
    },
    response = {
        { name = "data", type = "object", required = true, fields = {
            { name = "list", type = "array", fields = {
                { name = "n", type = "integer", required = true },
            } },
            { name = "text", type = "string" },
            { name = "flag", type = "boolean" },
        } },
    },
}

local function problem(body, query)
    body.must = body.must == nil and "x" or body.must
    local clean, found = schema.check(toy, { body = body, query = query })
    assert.is_nil(clean)
    assert.equal(found.field, found.message:sub(1, #found.field))
    return found.name .. " " .. found.field, found.message
end

describe("schema.check", function()
    it("copies what is to be sent", function()
        local body = { must = "m", text = "abc", whole = 5, flag = false }
        local given = { body = body, query = { kind = "b" }, other = 1 }
        local clean = schema.check(toy, given)
        assert.same({ body = { must = "m", text = "abc", whole = 5, flag = false },
                      query = { kind = "b" } }, clean)
        assert.is_false(rawequal(clean.body, body))
        assert.is_false(rawequal(clean.query, given.query))
    end)

    it("takes a missing section for an empty one", function()
        assert.same({ body = {}, query = {} }, schema.check(CREATE, {}))
        local _, found = schema.check(toy, {})
        assert.same({ "missing_field", "body.must", "body.must is required" },
            { found.name, found.field, found.message })
    end)

    it("names each mistake and its field", function()
        assert.equal("unknown_field body.txt", (problem { txt = "x" }))
        assert.equal("wrong_type body.text", (problem { text = 1 }))
        assert.equal("wrong_type body.whole", (problem { whole = 1.5 }))
        assert.equal("wrong_type body.whole", (problem { whole = "1" }))
        assert.equal("wrong_type body.whole", (problem { whole = 0 / 0 }))
        assert.equal("wrong_type body.whole", (problem { whole = 1 / 0 }))
        assert.equal("wrong_type body.flag", (problem { flag = 0 }))
        assert.equal("wrong_type body.object", (problem { object = "x" }))
        assert.equal("too_long body.text", (problem { text = "abcd" }))
        assert.equal("too_short body.text", (problem { text = "" }))
        assert.equal("invalid_utf8 body.text", (problem { text = "\255" }))
        assert.equal("unknown_value query.kind", (problem({}, { kind = "c" })))
        assert.equal("wrong_type query.kind", (problem({}, { kind = json.null })))
        assert.equal("wrong_type query", (problem({}, "kind=a")))
        assert.equal("wrong_type body.must", (problem { must = json.null }))
        assert.equal("wrong_type body.must", (problem { must = false }))
    end)

    it("tells length, bound, values, and the nearest name", function()
        local _, message = problem { text = "有空日程" }
        assert.equal("body.text has 4 characters; at most 3 are allowed", message)
        _, message = problem({}, { kind = "c" })
        assert.equal("query.kind must be one of a, b", message)
        _, message = problem { Text = "x" }
        assert.equal("body.Text is not a field; did you mean text?", message)
        _, message = problem { elsewhere = "x" }
        assert.equal("body.elsewhere is not a field", message)
    end)

    it("finds the same problem first, again and again", function()
        local first
        for _ = 1, 50 do
            local _, found = schema.check(PUT, { Calendar = { CalendarName = "" , Tags = 1 } })
            first = first or found.message
            assert.equal(first, found.message)
            assert.equal("Client.UserCode", found.field)
        end
    end)

    it("takes null for an optional field, and \"\" for an absent id", function()
        local clean = schema.check(CREATE, { body = { user_id = json.null } })
        assert.equal(json.null, clean.body.user_id)
        clean = schema.check(PUT, { Client = { UserCode = "u" },
            Calendar = { CalendarName = "n", CalendarId = "", ProfileId = "" } })
        assert.same({ CalendarName = "n" }, clean.Calendar)
    end)

    it("refuses what cloudcal fills in", function()
        for _, name in ipairs { "ClientKey", "Timestamp", "Sign" } do
            local _, found = schema.check(PUT, { Client = { UserCode = "u", [name] = "x" } })
            assert.same({ "filled_by_cloudcal", "Client." .. name }, { found.name, found.field })
        end
    end)

    it("has no field called names, which its index uses", function()
        assert.equal("unknown_field body.names", (problem { names = "x" }))
    end)
end)

describe("schema.nearest", function()
    local names = { "device_name", "admin_account", "exchange_account", "user_id", "Tags" }

    it("finds what was probably meant", function()
        for wrong, meant in pairs { devicename = "device_name", DEVICE_NAME = "device_name",
            device_nmae = "device_name", admin_acount = "admin_account", userid = "user_id",
            user_Id = "user_id", tag = "Tags", exchnge_acount = "exchange_account" } do
            assert.equal(meant, schema.nearest(wrong, names))
        end
    end)

    it("finds nothing for what is far, and does not take long for it", function()
        for _, wrong in ipairs { "", "x", "completely_different", ("a"):rep(1e6), "有空" } do
            assert.is_nil(schema.nearest(wrong, names))
        end
        assert.is_nil(schema.nearest("device_name", {}))
    end)
end)

describe("schema.lookup", function()
    it("follows a mirror path", function()
        local values = { Calendar = { CalendarId = "i" }, x = 1 }
        assert.equal("i", schema.lookup(values, "Calendar.CalendarId"))
        assert.equal(1, schema.lookup(values, "x"))
        assert.is_nil(schema.lookup(values, "Calendar.Other"))
        assert.is_nil(schema.lookup(values, "x.y.z"))
        assert.is_nil(schema.lookup(values, "Other.CalendarId"))
    end)
end)

describe("schema.text_of", function()
    it("never asks a metatable", function()
        local key = setmetatable({}, { __tostring = function() error "called" end })
        assert.equal("(a table)", schema.text_of(key))
        assert.equal("(a function)", schema.text_of(print))
        assert.equal("1", schema.text_of(1))
        assert.equal("true", schema.text_of(true))
        assert.equal("name", schema.text_of "name")
    end)
end)

describe("schema.check_answer", function()
    it("is content with right types, unknown fields and absent ones", function()
        for _, body in ipairs { { data = {} }, { data = { list = {} } },
            { data = { other = print } },
            { data = { list = { { n = 1, more = "x" }, { n = -2 } }, text = "",
            flag = false } } } do
            assert.is_nil(schema.check_answer(toy, body))
        end
    end)

    it("names the first field that is wrong or missing, and its type", function()
        local function wrong(body) return { schema.check_answer(toy, body) } end
        assert.same({ "data", "object" }, wrong {})
        assert.same({ "data", "object" }, wrong { data = 1 })
        assert.same({ "data.list", "array" }, wrong { data = { list = "x" } })
        assert.same({ "data.list[2]", "object" }, wrong { data = { list = { { n = 1 }, 5 } } })
        assert.same({ "data.list[1].n", "integer" }, wrong { data = { list = { {} } } })
        assert.same({ "data.list[1].n", "integer" }, wrong { data = { list = { { n = 1.5 } } } })
        assert.same({ "data.text", "string" }, wrong { data = { text = 5 } })
        assert.same({ "data.flag", "boolean" }, wrong { data = { flag = 1 } })
        assert.same({ "data.flag", "boolean" }, wrong { data = { flag = json.null } })
    end)
end)
