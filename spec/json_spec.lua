local lua = require "spec.lua"
local real = require "cjson"

-- What the current fork of lua-cjson does otherwise, on top of the installed one.
local fork = setmetatable({}, { __index = real })

local BIGGEST = 2 ^ 63
local MOST = 9223372036854775807
local LEAST = -MOST - 1

local function fork_integer(digits)
    local number = tonumber(digits .. ".0")
    if number >= BIGGEST then return MOST end
    if number < -BIGGEST then return LEAST end
    return tonumber(digits == "-0" and "0" or digits)
end

-- Every integer of a JSON text as a marked string, so that it can be found after decoding.
local function mark_integers(text)
    local out, at = {}, 1
    while at <= #text do
        local piece = text:match('^"[^"\\]*"', at) or text:match('^"', at) and text:sub(at)
        local number = not piece and text:match("^%-?%d[%d.eE+-]*", at)
        if number and number:match("^%-?%d+$") then
            out[#out + 1] = '"\\u0001' .. number .. '"'
        else
            out[#out + 1] = piece or number or text:sub(at, at)
        end
        at = at + #(piece or number or " ")
    end
    return table.concat(out)
end

local function unmark(value)
    local digits = type(value) == "string" and value:match("^\1(.*)$")
    if digits then return fork_integer(digits) end
    if type(value) ~= "table" then return value end
    for key, member in pairs(value) do value[key] = unmark(member) end
    return value
end

local function ask_lengths(value)
    if type(value) ~= "table" then return end
    local _ = #value -- the fork honours __len
    for _, member in pairs(value) do ask_lengths(member) end
end

function fork.new()
    local inner = real.new()
    return {
        decode_invalid_numbers = inner.decode_invalid_numbers,
        decode_max_depth = inner.decode_max_depth,
        encode_max_depth = inner.encode_max_depth,
        decode = function(text) return unmark(inner.decode(mark_integers(text))) end,
        encode = function(value)
            ask_lengths(value)
            return inner.encode(value)
        end,
    }
end

local function load_with(cjson)
    local loaded = package.loaded
    local before_cjson, before_json = loaded["cjson"], loaded["cloudcal.json"]
    loaded["cjson"], loaded["cloudcal.json"] = cjson, nil
    local json = require "cloudcal.json"
    loaded["cjson"], loaded["cloudcal.json"] = before_cjson, before_json
    return json
end

local function nested(depth, open, close)
    return open:rep(depth) .. close:rep(depth)
end

local hostile = {
    __index = function() error "__index was called" end,
    __pairs = function() error "__pairs was called" end,
    __len = function() error "__len was called" end,
    __tostring = function() error "__tostring was called" end,
}

describe("the stand-in of the fork", function()
    it("differs where the fork differs", function()
        local codec = fork.new()
        local list = codec.decode '[1,-0,18446744073709551616,-18446744073709551616,1.5,"1 2"]'
        assert.equal("1", tostring(list[1]))
        assert.equal("0", tostring(list[2]))
        assert.equal(MOST, list[3])
        assert.equal(LEAST, list[4])
        assert.equal(1.5, list[5])
        assert.equal("1 2", list[6])
        -- a table has no __len on Lua 5.1
        local takes_hostile = pcall(codec.encode, setmetatable({}, hostile))
        assert.equal(#setmetatable({}, { __len = function() return 1 end }) == 0, takes_hostile)
        assert.equal(lua.version > "5.2" and "1.0" or "1", tostring(real.new().decode "[1]"[1]))
    end)
end)

for name, cjson in pairs { ["Debian's lua-cjson"] = real, ["the fork of lua-cjson"] = fork } do
    describe("json over " .. name, function()
        local json = load_with(cjson)

        describe("decode", function()
            local function reads(wanted, text)
                local value, reason = json.decode(text)
                assert.same(wanted, value, text)
                assert.is_nil(reason)
            end

            local function refuses(reason, text)
                local value, given = json.decode(text)
                assert.is_nil(value, text)
                assert.equal(reason, given, text)
            end

            it("drops null from objects and keeps it in arrays", function()
                reads({ b = { c = 1 } }, '{"a":null,"b":{"c":1,"d":null}}')
                local list = json.decode '[null,1,null]'
                assert.equal(json.null, list[1])
                assert.equal(json.null, list[3])
                assert.equal(real.null, json.null)
                assert.equal(3, #list)
                assert.same({}, json.decode '{"a":null}')
                assert.same({ { { x = 1 } } }, json.decode '[[{"a":null,"x":1}]]')
            end)

            it("gives integers that print as integers", function()
                local body = json.decode '{"code":0,"a":[1,-1,-0],"b":190004,"c":-11034625,"d":1e2}'
                assert.equal("0", tostring(body.code))
                assert.equal("1 -1 0", table.concat(body.a, " "))
                assert.equal("190004", tostring(body.b))
                assert.equal("-11034625", tostring(body.c))
                assert.equal("100", tostring(body.d))
                for _, text in ipairs { "0", "5", "-7" } do
                    assert.equal(text, tostring(json.decode(text)))
                end
            end)

            it("keeps what 2^53 can hold, and refuses what it cannot", function()
                reads({ 9007199254740991 }, "[9007199254740991]")
                assert.equal("9007199254740992",
                    ("%.0f"):format(json.decode "[9007199254740992]"[1]))
                assert.equal("-9007199254740992",
                    ("%.0f"):format(json.decode "[-9007199254740992]"[1]))
                for _, number in ipairs { "9007199254740993", "-9007199254740993",
                    "9223372036854775807", "9223372036854775808", "12345678901234567890",
                    "-9223372036854775809", "1" .. ("0"):rep(30) } do
                    refuses("inexact_integer", "[" .. number .. "]")
                    refuses("inexact_integer", '{"a":{"b":' .. number .. "}}")
                    refuses("inexact_integer", number)
                end
                reads({ 0.5, -1.25, 1e20 }, "[0.5,-1.25,1e20]")
            end)

            it("refuses what is not JSON", function()
                for _, text in ipairs { "", " ", "{", "}", "[", "[1,]", "{,}", '{"a"}', '{"a":}',
                    "{a:1}", "{'a':1}", "nul", "True", "NaN", "-NaN", "Infinity", "-Infinity",
                    "inf", "nan", "[0x10]", "[01]", "[+1]", "[1.]", "[.5]", "[1e]", "[--1]",
                    "[1e999]", "1e999", '{"a":-1e999}', '"a', '"\\x"', '"\\ud800"', "[1]]",
                    "[1] x", "{}{}", "// c\n{}", '["a\nb"]', '["a\0b"]', "\0", "[1]\0",
                    "\239\187\191{}" } do
                    refuses("not_json", text)
                end
            end)

            it("refuses every sort of invalid UTF-8", function()
                for _, bytes in ipairs { "\128", "\191", "\192\128", "\193\191", "\194",
                    "\224\128\128", "\224\159\191", "\237\160\128", "\237\191\191", "\226\130",
                    "\240\128\128\128",
                    "\240\143\191\191", "\244\144\128\128", "\245\128\128\128", "\255", "\254",
                    "\240\159\146" } do
                    refuses("not_utf8", '{"a":"' .. bytes .. '"}')
                    refuses("not_utf8", '{"' .. bytes .. '":1}')
                    refuses("not_utf8", bytes)
                end
                local edges = "\194\128\223\191\224\160\128\237\159\191\238\128\128\244\143\191\191"
                reads({ a = edges }, '{"a":"' .. edges .. '"}')
            end)

            it("refuses what is too deep, and takes 100 levels", function()
                assert.equal("table", type(json.decode(nested(100, "[", "]"))))
                refuses("not_json", nested(101, "[", "]"))
                refuses("not_json", nested(100000, "[", "]"))
                refuses("not_json", ('{"a":'):rep(200000) .. "1" .. ("}"):rep(200000))
            end)

            it("takes every JSON value at the top", function()
                reads("text", '"text"')
                reads(true, "true")
                reads(false, "false")
                reads({}, "{}")
                reads({}, " [ ] ")
                assert.equal(json.null, json.decode "null")
            end)
        end)

        describe("encode", function()
            local function writes(wanted, value)
                assert.equal(wanted, (json.encode(value)))
            end

            local function refuses(path, value)
                local text, at, reason = json.encode(value)
                assert.is_nil(text)
                assert.equal(path, at)
                assert.is_true(type(reason) == "string" and #reason > 4)
            end

            it("writes plain values", function()
                writes('{"a":[1,2,{"b":true}]}', { a = { 1, 2, { b = true } } })
                writes('{"a":null}', { a = json.null })
                writes("[null]", { json.null })
                writes("{}", {})
                writes('"有空😀"', "有空😀")
                writes('{"a":"x\\ny\\"\\\\\\u0000"}', { a = 'x\ny"\\\0' })
                writes("false", false)
            end)

            it("writes integers without a fraction", function()
                writes("[0,1,-1,1560390163]", { 0, 1, -1, 1560390163 })
                writes("[1,1560390163]", { 1.0, 1560390163.0 })
                writes("[99999999999999,-99999999999999]", { 99999999999999, -99999999999999 })
                writes("[0.5,0.1]", { 0.5, 0.1 })
            end)

            it("refuses numbers that do not arrive as they are", function()
                for _, number in ipairs { 0 / 0, 1 / 0, -1 / 0, 123456789012345, 2 ^ 53 - 1,
                    2 ^ 53, -2 ^ 53, 9007199254740993, 1 / 3, 0.1 + 0.2, MOST } do
                    refuses("a[2].b", { a = { 1, { b = number } } })
                    refuses("", number)
                end
            end)

            it("refuses tables that are neither object nor array", function()
                for _, value in ipairs { { 1, 2, [4] = 4 }, { [2] = 1 }, { 1, 2, a = 3 },
                    { [0] = 1 }, { [1.5] = 1 }, { [-1] = 1 }, { [true] = 1 }, { [{}] = 1 },
                    { [1000000] = 1 } } do
                    refuses("", value)
                    refuses("a", { a = value })
                    refuses("[1].a", { { a = value } })
                end
            end)

            it("refuses what JSON has no word for", function()
                for _, value in ipairs { print, coroutine.create(function() end), io.stdout } do
                    refuses("a", { a = value })
                    refuses("", value)
                end
                refuses("", nil)
            end)

            it("refuses every sort of invalid UTF-8, in keys too", function()
                for _, bytes in ipairs { "\128", "\192\128", "\237\160\128", "\244\144\128\128",
                    "\255", "\226\130", "a\240\159\146" } do
                    refuses("a.b", { a = { b = bytes } })
                    assert.is_nil((json.encode { [bytes] = 1 }))
                end
            end)

            it("ends on cycles and on too great depth", function()
                local cycle = {}
                cycle.a, cycle.b = cycle, { cycle }
                assert.is_nil((json.encode(cycle)))
                local _, path, reason = json.encode(cycle)
                assert.is_truthy(path:find("^[ab]"))
                assert.equal("is nested too deep", reason)
                local value = 1
                for _ = 1, 100 do value = { value } end
                writes(("["):rep(100) .. "1" .. ("]"):rep(100), value)
                assert.is_nil((json.encode { value }))
            end)

            it("never looks at a metatable", function()
                local value = setmetatable({ a = setmetatable({ 1, 2 }, hostile) }, hostile)
                writes('{"a":[1,2]}', value)
                writes("{}", setmetatable({}, hostile))
                refuses("a", { a = { [setmetatable({}, hostile)] = 1 } })
            end)

            it("writes what it reads", function()
                for _, text in ipairs { '{"a":[1,2.5,"x",null,true,{"b":"\\"\\\\"}]}', "[]", "{}",
                    '[[["深"]]]', '"\\u0002"' } do
                    local value = json.decode(text)
                    assert.same(value, json.decode((json.encode(value))))
                end
            end)
        end)
    end)
end
