local cjson = require "cjson"
local core = require "cloudcal.core"
local lua = require "spec.lua"

local function verdict(text)
    local fine, reason = core.json_check(text)
    assert(fine == true or fine == nil)
    return fine and "fine" or reason
end

local function check_all(expected, texts)
    for _, text in ipairs(texts) do
        assert.equal(expected, verdict(text), ("%q"):format(text:sub(1, 60)))
    end
end

describe("json_check", function()
    it("takes numbers as RFC 8259 writes them", function()
        check_all("fine", { "0", "-0", "1", "-1", "10", "1234567890", "0.5", "-0.5", "1.0",
            "1.25e3", "1E3", "1e+3", "1e-3", "0e0", "0.0e-0", "-0.0", "1e400", "1.5E-10" })
    end)

    it("refuses all other numbers", function()
        check_all("not_json", { "-", "+1", "01", "-01", "00", "1.", ".5", "-.5", "1.e3", "1e",
            "1e+", "1E-", "0x10", "0X1F", "1_000", "NaN", "nan", "-NaN", "Infinity", "-Infinity",
            "inf", "-inf", "1e1.5x", "1d5", "0b1", "--1", "1.2.3", "[1.]", "[-]", "1e5.", "0.e1",
            "[01,2]", "\239\188\145" })
    end)

    it("refuses integers beyond 2^53 in either direction, and no smaller one", function()
        check_all("fine", { "9007199254740992", "-9007199254740992", "9007199254740991",
            "-9007199254740991", "[9007199254740992]", "999999999999999", "8999999999999999",
            "1e300", "12345678901234567890.5", "9007199254740993e0", '"9007199254740993"',
            '{"9007199254740993":1}' })
        check_all("inexact_integer", { "9007199254740993", "-9007199254740993",
            "10000000000000000", "-10000000000000000", "9100000000000000", "[1,9007199254740994]",
            '{"a":18446744073709551615}', ("9"):rep(400), "-" .. ("1"):rep(17) })
    end)

    it("takes strings with every escape, and leaves their meaning to the decoder", function()
        check_all("fine", { '""', '"a"', '"\\""', '"\\\\"', '"\\\\\\""', '"\\/\\b\\f\\n\\r\\t"',
            '"\\u0000\\u20AC\\uD83D\\uDE00"', '"本地日历"', '"\127"', '["a","b"]',
            '{"a\\"b":"c"}' })
    end)

    it("refuses strings without an end, and raw control characters in them", function()
        check_all("not_json", { '"', '"a', '"a\\', '"a\\"', '"\\', '["a]', '{"a":"b}', "'a'" })
        for byte = 0, 31 do
            check_all("not_json", { '"' .. string.char(byte) .. '"',
                '["ab", "a' .. string.char(byte) .. 'b"]' })
        end
    end)

    it("refuses NUL and every other character that begins no token", function()
        local tokens = '{}[]:, \t\r\n"-0123456789tfn'
        for byte = 0, 127 do
            local c = string.char(byte)
            if not tokens:find(c, 1, true) then check_all("not_json", { c, "[" .. c, "1" .. c }) end
        end
        check_all("not_json", { "{}\0", "\0{}", "[1,\0 2]", "tru", "truE", "nul", "falsy", "True",
            "undefined", "// a", "/* a */", "\v1", "\f1" })
    end)

    it("refuses what is not UTF-8 before all else, inside strings and outside", function()
        check_all("not_utf8", { "\255", '"\192\128"', '{"a":"\237\160\128"}', '["\226\130"]',
            "[1,2]\128", "01\255", '{"\244\144\128\128":1}' })
        check_all("not_json", { "\239\187\191{}", "\194\160{}" }) -- a byte order mark, a blank
    end)

    it("looks at tokens only", function()
        check_all("fine", { "", " ", "{", "]", ",,", "true false", "{}{}", "[1 2]" })
    end)

    it("does not mind size or nesting", function()
        check_all("fine", { ("["):rep(1000000), '"' .. ("x"):rep(1000000) .. '"',
            ('{"a":'):rep(200000), (" "):rep(1000000) })
    end)

    it("takes a string only", function()
        assert.error(function() core.json_check() end)
        assert.error(function() core.json_check {} end)
    end)
end)

describe("json_check beside lua-cjson", function()
    local seed = 20240601
    local function random(n)
        seed = (seed * 1103515245 + 12345) % 2147483648
        return math.floor(seed / 65536) % n + 1
    end

    local texts = { "", "a", "日历", "é\n\t\"\\/", "\0", "😀 line\226\128\168", "1e5" }

    local function value(depth)
        local kind = random(depth > 4 and 5 or 7)
        if kind == 1 then return texts[random(#texts)] end
        if kind == 2 then return (random(2) == 1 and -1 or 1) * random(30000) * random(30000) end
        if kind == 3 then return random(30000) / 1024 end
        if kind == 4 then return random(2) == 1 end
        if kind == 5 then return cjson.null end
        local result = {}
        for i = 1, random(5) do
            result[kind == 6 and i or texts[random(#texts)] .. i] = value(depth + 1)
        end
        return result
    end

    it("takes all that it encodes", function()
        for _ = 1, 2000 do
            local text = cjson.encode { value(0) }
            assert.equal("fine", verdict(text), text)
        end
    end)

    it("and with it refuses all that is not JSON", function()
        for _, text in ipairs { "", "{", "[1 2]", "{}{}", "[1,]", "{,}", '{"a"}', '{"a":}', '"\\x"',
                                '"\\u12"', "{1:2}", "true false", "1 2", "[1", '{"a":1', "nullnull",
                                "1true", "[-1-2]", '"\\\n"' } do
            assert.is_false(verdict(text) == "fine" and (pcall(cjson.decode, text)), text)
        end
    end)

    it("survives 20,000 mutations and never takes what is not UTF-8", function()
        local seeds = {}
        for i = 1, 40 do seeds[i] = cjson.encode { value(0) } end
        seeds[41] = '{"code":0,"msg":"success","data":{"n":-12.5e-3,"s":"日历\\u20AC"}}'
        local pieces = { '"', "\\", "{", "}", "[", "]", ",", ":", "-", "e", ".", "0", "9", "\0",
                         "\128", "\255", "\226", "\237\160\128", "null", "true", "\\u", "\n" }
        local function mutate(text)
            local at, kind = random(#text + 1), random(4)
            if kind == 1 then return text:sub(1, at - 1) .. text:sub(at + random(3)) end
            if kind == 2 then return text:sub(1, at - 1) .. string.char(random(256) - 1)
                .. text:sub(at + 1) end
            if kind == 3 then return text:sub(1, at) end
            return text:sub(1, at - 1) .. pieces[random(#pieces)] .. text:sub(at)
        end
        local taken, decoded_count, refused = 0, 0, 0
        for _ = 1, 20000 do
            local text = seeds[random(#seeds)]
            for _ = 1, random(4) do text = mutate(text) end
            local is_utf8 = lua.is_utf8(text)
            local reason = verdict(text)
            if reason == "fine" then
                taken = taken + 1
                assert(is_utf8, ("%q"):format(text))
                local decoded, result = pcall(cjson.decode, text)
                if decoded and type(result) == "table" then
                    decoded_count = decoded_count + 1
                    core.json_mend(result)
                end
            else
                refused = refused + 1
                assert(is_utf8 == (reason ~= "not_utf8"), ("%q"):format(text))
            end
        end
        assert(taken > 1000 and decoded_count > 100 and refused > 1000)
    end)
end)

describe("json_mend", function()
    it("makes whole numbers integers, up to 2^53", function()
        local t = { 1.0, -0.0, 2 ^ 53, -2 ^ 53, 1.5, 2 ^ 53 + 2, 1e300, 7, "1.0", true,
                    inner = { deep = { 3.0 } } }
        assert.is_true(core.json_mend(t))
        local types = {}
        for i = 1, 8 do types[i] = lua.math_type(t[i]) end
        assert.same({ "integer", "integer", "integer", "integer", "float", "float", "float",
            "integer" }, types)
        assert.equal("1 0", table.concat(t, " ", 1, 2))
        assert.same({ 2 ^ 53, -2 ^ 53 }, { t[3], t[4] })
        assert.equal("1.0", t[9])
        assert.equal(true, t[10])
        assert.equal("3", tostring(t.inner.deep[1]))
    end)

    it("takes null out of objects and leaves it in arrays", function()
        local t = cjson.decode '{"a":null,"b":[null,1,null],"c":{"d":null,"e":{"f":null}},"g":0}'
        assert.is_true(core.json_mend(t))
        assert.same({ b = { cjson.null, 1, cjson.null }, c = { e = {} }, g = 0 }, t)
        assert.is_nil(rawget(t, "a"))
        local many = {}
        for i = 1, 1000 do many["k" .. i] = i % 2 == 0 and cjson.null or i + 0.0 end
        assert.is_true(core.json_mend(many))
        local left = 0
        for _, member in pairs(many) do
            left = left + 1
            assert.equal("integer", lua.math_type(member))
        end
        assert.equal(500, left)
    end)

    it("tells whether all numbers are finite, wherever they are", function()
        assert.is_false(core.json_mend { 1 / 0 })
        assert.is_false(core.json_mend { a = { b = { -1 / 0 } } })
        assert.is_false(core.json_mend { 0 / 0, 1 })
        assert.is_false(core.json_mend { { 1 / 0 }, { 1 }, { 2 } })
        assert.is_true(core.json_mend {})
    end)

    it("runs no metamethod and touches no other value", function()
        local other = function() end
        local t = setmetatable({ 1.0, other }, {
            __index = error, __newindex = error, __pairs = error, __len = error })
        assert.is_true(core.json_mend(t))
        assert.equal("integer", lua.math_type(rawget(t, 1)))
        assert.equal(other, rawget(t, 2))
    end)

    it("raises where a table is nested too deep or holds itself", function()
        local deep = {}
        for _ = 1, 1000000 do deep = { deep } end
        local ok, message = pcall(core.json_mend, deep)
        assert.is_false(ok)
        assert.matches("nested too deep", message)
        local ring = {}
        ring[1] = ring
        assert.is_false((pcall(core.json_mend, ring)))
        local fine = {}
        for _ = 1, 100 do fine = { fine } end
        assert.is_true(core.json_mend(fine))
    end)

    it("takes a table only", function()
        for _, wrong in ipairs { 1, "x", true } do
            assert.error(function() core.json_mend(wrong) end)
        end
        assert.error(function() core.json_mend() end)
    end)
end)

describe("json_misfit", function()
    local point = { "x", "integer", true, false, "label", "string", false, false }
    local shape = {
        "points", "array", false, point, "origin", "object", true, point,
        "open", "boolean", false, false,
    }

    it("is content with the right types, and with members that no shape names", function()
        for _, object in ipairs {
            { origin = { x = 0 } }, { origin = { x = -1, label = "" }, open = false, more = print },
            { origin = { x = 2 ^ 53 }, points = {} },
            { origin = { x = 1 }, points = { { x = 1 }, { x = 2, y = 3 } } },
        } do
            assert.is_nil(core.json_misfit(shape, object))
        end
        assert.is_nil(core.json_misfit({}, { 1, 2, 3 }))
    end)

    it("names the first member that does not fit, and its type", function()
        local function misfit(object)
            return table.concat({ core.json_misfit(shape, object) }, " ")
        end
        assert.equal("origin object", misfit {})
        assert.equal("origin object", misfit { origin = "x" })
        assert.equal("origin.x integer", misfit { origin = {}, open = 1 })
        assert.equal("origin.x integer", misfit { origin = { x = 0.5 } })
        assert.equal("origin.x integer", misfit { origin = { x = "1" } })
        assert.equal("origin.label string", misfit { origin = { x = 1, label = 2 } })
        assert.equal("points array", misfit { points = 1, origin = 1 })
        assert.equal("points[2] object", misfit { points = { { x = 1 }, 5 }, origin = { x = 1 } })
        assert.equal("points[1].x integer", misfit { points = { {} }, origin = { x = 1 } })
        assert.equal("open boolean", misfit { origin = { x = 1 }, open = cjson.null })
    end)

    it("raises for anything but two tables", function()
        for _, wrong in ipairs { 1, "x", true, print } do
            assert.error(function() core.json_misfit(wrong, {}) end)
            assert.error(function() core.json_misfit({}, wrong) end)
        end
        assert.error(function() core.json_misfit() end)
    end)

    it("raises for a shape that is none", function()
        for _, wrong in ipairs { { "a" }, { "a", {} }, { "a", "array", true, { "b" } },
                                 { "a", "array", true, "bbbbbbbb" } } do
            assert.error(function() core.json_misfit(wrong, { a = { { b = 1 } } }) end)
        end
    end)
end)
