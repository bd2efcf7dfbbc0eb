local core = require "cloudcal.core"
local lua = require "spec.lua"

local function bytes(...) return string.char(...) end

-- UTF-8 by its definition: the number that a sequence stands for, and whether it is the
-- shortest way to write it.
local function is_character(s)
    local b = { s:byte(1, -1) }
    local n = #b
    if n == 1 then return b[1] < 0x80 end
    local lead, least = ({ nil, 0xC0, 0xE0, 0xF0 })[n], ({ nil, 0x80, 0x800, 0x10000 })[n]
    if b[1] < lead or b[1] > lead + (2 ^ (7 - n)) - 1 then return false end
    local value = b[1] - lead
    for i = 2, n do
        if b[i] < 0x80 or b[i] > 0xBF then return false end
        value = value * 64 + b[i] - 0x80
    end
    return value >= least and value <= 0x10FFFF and not (value >= 0xD800 and value <= 0xDFFF)
end

describe("utf8_length", function()
    it("counts characters", function()
        assert.equal(0, core.utf8_length "")
        assert.equal(3, core.utf8_length "abc")
        assert.equal(4, core.utf8_length "本地日历")
        assert.equal(4, core.utf8_length "a£€😀")
        assert.equal(2, core.utf8_length "\0\0")
        assert.equal(100000, core.utf8_length(("é"):rep(100000)))
        for length = 0, 40 do
            local text = ("a"):rep(length)
            assert.equal(length * 2 + 1, core.utf8_length(text .. "日" .. text))
            assert.is_nil(core.utf8_length(text .. "\128" .. text))
        end
    end)

    it("accepts the first and the last of each length, and round the surrogates", function()
        for _, code in ipairs { 0, 0x7F, 0x80, 0x7FF, 0x800, 0xFFF, 0x1000, 0xCFFF, 0xD000,
                                0xD7FF, 0xE000, 0xFFFD, 0xFFFE, 0xFFFF, 0x10000, 0x3FFFF,
                                0x40000, 0xFFFFF, 0x100000, 0x10FFFF } do
            assert.equal(1, core.utf8_length(lua.utf8_char(code)), ("U+%04X"):format(code))
        end
    end)

    it("tells the position of the first wrong byte", function()
        local cases = {
            { "\128", 1 }, { "ab\191c", 3 }, { "a\255", 2 }, { "a\254b", 2 },
            { "\192\128", 1 }, { "\193\191", 1 }, -- overlong
            { "\224\128\128", 1 }, { "\224\159\191", 1 }, { "\240\128\128\128", 1 },
            { "\240\143\191\191", 1 },
            { "\237\160\128", 1 }, { "x\237\191\191", 2 }, -- surrogates
            { "\244\144\128\128", 1 }, { "\245\128\128\128", 1 }, -- beyond U+10FFFF
            { "\248\136\128\128\128", 1 }, { "\252\132\128\128\128\128", 1 },
            { "ab\195", 3 }, { "\226\130", 1 }, { "\240\159\152", 1 }, -- cut
            { "\195\40", 1 }, { "\226\40\161", 1 }, { "\226\130\40", 1 },
            { "\240\159\40\128", 1 }, { "\240\159\152\40", 1 },
            { "本\229\156", 4 }, { "本地\0\128", 8 },
        }
        for _, case in ipairs(cases) do
            local count, position = core.utf8_length(case[1])
            assert.is_nil(count)
            assert.equal(case[2], position, ("%q"):format(case[1]))
        end
    end)

    it("agrees with the definition on every one and every two bytes", function()
        for first = 0, 255 do
            assert.equal(first < 0x80, core.utf8_length(bytes(first)) == 1)
            for second = 0, 255 do
                local s = bytes(first, second)
                local good = is_character(s) or (first < 0x80 and second < 0x80)
                assert(good == (core.utf8_length(s) ~= nil), ("%q"):format(s))
            end
        end
    end)

    it("agrees with the definition on three and four bytes round each edge", function()
        local leads = { 0x7F, 0x80, 0xBF, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF,
                        0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF }
        local follow = { 0x00, 0x7F, 0x80, 0xBF, 0xC0, 0xFF }
        for _, lead in ipairs(leads) do
            for second = 0, 255 do
                for _, third in ipairs(follow) do
                    local s = bytes(lead, second, third)
                    if is_character(s) then assert(core.utf8_length(s) == 1, ("%q"):format(s)) end
                    if lead >= 0xE0 and lead < 0xF0 then
                        assert(is_character(s) == (core.utf8_length(s) ~= nil), ("%q"):format(s))
                    end
                    for _, fourth in ipairs(follow) do
                        local longer = s .. bytes(fourth)
                        if lead >= 0xF0 then
                            assert(is_character(longer) == (core.utf8_length(longer) ~= nil),
                                ("%q"):format(longer))
                        end
                    end
                end
            end
        end
    end)

    it("takes a string only", function()
        assert.error(function() core.utf8_length() end)
        assert.error(function() core.utf8_length {} end)
    end)
end)

describe("is_line and is_visible", function()
    it("judge each byte, alone and inside a text", function()
        for byte = 0, 255 do
            local control = byte < 0x20 or byte == 0x7F
            for _, s in ipairs { bytes(byte), "a" .. bytes(byte) .. "b", "ab" .. bytes(byte) } do
                assert.equal(not control, core.is_line(s), ("%q"):format(s))
                assert.equal(byte > 0x20 and byte < 0x7F, core.is_visible(s), ("%q"):format(s))
            end
        end
    end)

    it("find nothing wrong with nothing", function()
        assert.is_true(core.is_line "")
        assert.is_true(core.is_visible "")
    end)
end)

describe("escape", function()
    it("keeps RFC 3986's unreserved characters, and nothing else", function()
        for byte = 0, 255 do
            local c = bytes(byte)
            local expected = c:match("[%w%-._~]") and byte < 128 and c or ("%%%02X"):format(byte)
            assert.equal(expected, core.escape(c))
        end
    end)

    it("can be undone", function()
        local all = {}
        for byte = 0, 255 do all[#all + 1] = bytes(byte) end
        local text = table.concat(all)
        local back = core.escape(text):gsub("%%(%x%x)", function(hex)
            return string.char(tonumber(hex, 16))
        end)
        assert.equal(text, back)
        assert.equal("", core.escape "")
        assert.equal("%E6%97%A5%2F..%3F", core.escape "日/..?")
        assert.equal(300000, #core.escape(("/"):rep(100000)))
    end)
end)

describe("is_url", function()
    it("says what libcurl reads as a URL", function()
        for _, url in ipairs { "https://open.feishu.cn", "https://127.0.0.1:443/a?b=c",
                               "http://localhost/", "https://[::1]:8443/x" } do
            assert.is_true(core.is_url(url), url)
        end
        for _, url in ipairs { "", "open.feishu.cn", "https://", "https://host:port/",
                               "https://host:65536/", "https://ho st/", "https://host/\n",
                               "https://host/\0", "https://[::1/", "://x" } do
            assert.is_false(core.is_url(url), url)
        end
    end)
end)

describe("header", function()
    local LINES = "HTTP/1.1 200 X-One: status\r\nX-Oneself: no\r\nx-ONE:\t a: b \v\r\nX-One: 2\r\n"
        .. "X-Empty: \r\nX-Empty: late\r\nX-Bare\r\nX-Last:end"

    it("gives the first value of a name in any case, without spaces around it", function()
        assert.equal("a: b", core.header(LINES, "x-one"))
        assert.equal("no", core.header(LINES, "x-oneself"))
        assert.equal("end", core.header(LINES, "X-LAST"))
    end)

    it("gives nil for one that is absent, empty, or has no colon", function()
        for _, name in ipairs { "x-empty", "x-bare", "x-on", "one", "http/1.1 200 x-one", "" } do
            assert.is_nil(core.header(LINES, name), name)
        end
        for _, lines in ipairs { "", "\n", "\nx-one", "\nx-one:", "\nx-one: \t", "x-one: 1" } do
            assert.is_nil(core.header(lines, "x-one"), lines)
        end
    end)

    it("ends at the end of the line, whatever is in it", function()
        assert.equal("a\0b", core.header("\nA: a\0b\rc\r\n", "a"))
        assert.equal("1", core.header("\r\nA:1\nB:2", "a"))
    end)
end)
