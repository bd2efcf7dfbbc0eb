--- ./run bench: its options, and what makes figures, tables and the picture of what was measured.
--- Nothing is measured here.

local document = require "bench.document"
local lua = require "spec.lua"
local lxp = require "lxp"
local peer = require "spec.peer"
local picture = require "bench.picture"
local report = require "bench.report"
local statistics = require "bench.statistics"

local function main(arguments)
    local output = peer.shell(("{ %s bench/main.lua %s; } 2>&1; echo \"exit $?\"")
        :format(lua.command_54(), arguments))
    local text, status = output:match "^(.*)exit (%d+)\n$"
    return text, tonumber(status)
end

describe("bench/main.lua", function()
    it("tells its options", function()
        local text, status = main "--help"
        assert.equal(0, status)
        for _, word in ipairs { "quick", "--without-peers", "--write", "instructions", "nginx" } do
            assert.truthy(text:find(word, 1, true), word)
        end
    end)

    it("refuses others before it starts anything", function()
        for _, arguments in ipairs { "slow", "--no-such-option", "quick no-such-part" } do
            local text, status = main(arguments)
            assert.equal(2, status, text)
            assert.truthy(text:find("./run bench [quick]", 1, true), text)
        end
    end)

    it("writes no document from some of the parts", function()
        local text, status = main "--write instructions"
        assert.equal(2, status)
        assert.equal("--write goes with all parts\n", text)
    end)
end)

describe("bench/statistics.lua", function()
    it("finds the median and the range, and leaves the list as it was", function()
        local values = { 5, 1, 3 }
        assert.same({ median = 3, low = 1, high = 5 }, statistics.summary(values))
        assert.same({ 5, 1, 3 }, values)
        assert.same({ median = 2.5, low = 1, high = 10 }, statistics.summary { 10, 2, 3, 1 })
        assert.same({ median = 7, low = 7, high = 7 }, statistics.summary { 7 })
        assert.has_error(function() statistics.summary {} end, "no values")
    end)

    it("finds them in what a function reads", function()
        assert.same({ median = 2, low = 1, high = 3 },
            statistics.summary_of({ { n = 3 }, { n = 1 }, { n = 2 } },
                function(one) return one.n end))
    end)

    local order

    local function program(name)
        local runs = 0
        return function()
            runs = runs + 1
            order[#order + 1] = name
            return name .. runs
        end
    end

    before_each(function() order = {} end)

    it("runs each program between two runs of the base", function()
        local base, peers = statistics.interleave(2, program "b",
            { { run = program "x" }, { run = program "y" } })
        assert.equal("b x b y b x b y b", table.concat(order, " "))
        assert.same({ "b1", "b2", "b3", "b4", "b5" }, base)
        assert.same({ { own = "x1", before = "b1", after = "b2" },
                      { own = "x2", before = "b3", after = "b4" } }, peers[1])
        assert.same({ { own = "y1", before = "b2", after = "b3" },
                      { own = "y2", before = "b4", after = "b5" } }, peers[2])
    end)

    it("runs a slow program less often", function()
        local _, peers = statistics.interleave(3, program "b",
            { { run = program "x" }, { run = program "y", rounds = 1 } })
        assert.equal("b x b y b x b x b", table.concat(order, " "))
        assert.equal(3, #peers[1])
        assert.equal(1, #peers[2])
    end)

    local function itself(value) return value end

    local rounds = {
        { own = 6, before = 1, after = 3 }, { own = 8, before = 4, after = 4 },
        { own = 5, before = 6, after = 4 },
    }

    it("compares with the base beside it", function()
        assert.same({ median = 2, low = 1, high = 3 }, statistics.ratio(rounds, itself))
    end)

    it("compares two programs by the base beside each", function()
        local others = { { own = 2, before = 2, after = 2 }, { own = 8, before = 1, after = 1 } }
        assert.same({ median = 1.625, low = 0.25, high = 3 },
            statistics.between(rounds, others, itself))
    end)
end)

describe("bench/report.lua", function()
    local function row(value, target)
        return { what = "w", format = "%.2f×", target = target,
                 figure = value and { median = value, low = value, high = value } }
    end

    it("judges", function()
        for _, case in ipairs {
            { 1.65, { at_most = 1.65 }, "met" }, { 1.66, { at_most = 1.65 }, "missed" },
            { 0.6, { at_least = 0.6 }, "met" }, { 0.59, { at_least = 0.6 }, "missed" },
            { 0.99, { below = 1 }, "met" }, { 1, { below = 1 }, "missed" },
            { 3, nil, "reported" }, { nil, { below = 1 }, "absent" },
        } do
            assert.equal(case[3], report.verdict(row(case[1], case[2])))
        end
        assert.equal("missed", report.verdict(row(0 / 0, { at_most = 1 })))
        assert.equal("missed", report.verdict(row(0 / 0, { at_least = 1 })))
    end)

    it("counts what was met, missed and not measured", function()
        assert.same({ 2, 1, 1 }, { report.count {
            row(1, { at_most = 2 }), row(1, { at_most = 1 }), row(3, { at_most = 2 }), row(5),
            row(nil, { at_most = 1 }),
        } })
    end)

    it("makes cells", function()
        assert.same({ "w", "≤ 2.00×", "1.50×", "met" }, report.cells(row(1.5, { at_most = 2 })))
        assert.same({ "w", "≥ 2.00×", "1.50×", "MISSED" },
            report.cells(row(1.5, { at_least = 2 })))
        assert.same({ "w", "", "1.50×", "" }, report.cells(row(1.5)))
        local absent = row(nil, { below = 1 })
        absent.why = "no Go"
        assert.same({ "w", "< 1.00×", "no Go", "not measured" }, report.cells(absent))
        assert.equal("1.50× (1.25× to 2.00×)", report.cells {
            what = "w", format = "%.2f×", figure = { median = 1.5, low = 1.25, high = 2 } }[3])
    end)

    it("aligns characters, not bytes", function()
        assert.equal("µs×  1\nab   22\n", report.text { { "µs×", "1" }, { "ab", "22" } })
    end)

    it("finds whose instructions they are", function()
        local lines = report.library_lines {
            libcurl = { ["libcurl.so.4.8.0"] = 50, ["libssl.so.3"] = 1, ["libcrypto.so.3"] = 2 },
            cloudcal = {
                ["lua5.4"] = 7, ["liblua5.4-cjson.so.0.0.0"] = 3, ["core.so"] = 4,
                ["libc.so.6"] = 5, ["ld-linux-x86-64.so.2"] = 6,
            },
        }
        assert.same({
            { "libcurl", "50", "0" }, { "OpenSSL", "3", "0" }, { "Lua", "0", "7" },
            { "lua-cjson", "0", "3" }, { "cloudcal's C", "0", "4" },
            { "the C library and the rest", "0", "11" },
        }, lines)
    end)

    it("makes a Markdown table", function()
        assert.equal("| a | b |\n|---|---|\n| 1 | x\\|y |\n",
            report.markdown({ "a", "b" }, { { "1", "x|y" } }))
    end)
end)

-- The elements of an XML text: { name, attributes } each, and all character data.
local function parse(text)
    local elements, data = {}, {}
    local parser = lxp.new {
        StartElement = function(_, name, attributes)
            elements[#elements + 1] = { name = name, attributes = attributes }
        end,
        CharacterData = function(_, chunk) data[#data + 1] = chunk end,
    }
    assert(parser:parse(text))
    assert(parser:parse())
    parser:close()
    return elements, table.concat(data)
end

local function bars_of(elements)
    local bars = {}
    for _, element in ipairs(elements) do
        if element.name == "rect" then bars[#bars + 1] = element.attributes end
    end
    return bars
end

describe("bench/picture.lua", function()
    local BARS = {
        { label = "base", value = 1 }, { label = "a < b & \"c\"", value = 10, own = true },
        { label = "slow", value = 99.6 }, { label = "quick", value = 0.1 },
    }

    it("is well-formed, whatever the labels", function()
        local elements, data = parse(picture.draw("A & B", BARS))
        assert.equal("svg", elements[1].name)
        assert.equal("A & B", elements[1].attributes["aria-label"])
        assert.truthy(data:find('a < b & "c"', 1, true))
        assert.truthy(data:find("100×", 1, true))
        assert.truthy(data:find("prefers-color-scheme: dark", 1, true))
    end)

    it("has bars on a logarithmic scale, our own in another colour, within its width", function()
        local elements = parse(picture.draw("", BARS))
        local bars = bars_of(elements)
        local width = tonumber(elements[1].attributes.viewBox:match "^0 0 (%d+) ")
        assert.equal(4, #bars)
        local wide = {}
        for i, bar in ipairs(bars) do
            wide[i] = tonumber(bar.width)
            assert.equal(BARS[i].own and "own" or "bar", bar.class)
            assert.is_true(bar.x + wide[i] < width)
        end
        -- from 1 to 10 as from 10 to 100
        assert.is_true(math.abs((wide[2] - wide[1]) - (wide[3] - wide[2])) < 1)
        assert.equal(0, wide[4])
    end)

    it("says ratios as people do", function()
        assert.equal("0.85×", picture.ratio(0.85))
        assert.equal("1.4×", picture.ratio(1.38))
        assert.equal("25×", picture.ratio(25.3))
    end)
end)

describe("bench/document.lua", function()
    local function ran(name, at_once, median)
        return { name = name, label = "the " .. name, at_once = at_once,
                 ratio = { median = median } }
    end

    it("draws the calls one at a time, ours as such, and no program that was not there", function()
        assert.same({
            { label = "the libcurl", value = 1, own = false },
            { label = "the cloudcal", value = 2, own = true },
            { label = "the python", value = 60, own = false },
        }, document.bars {
            ran("python", 1, 60), ran("cloudcal", 1, 2), ran("cloudcal", 50, 3),
            ran("libcurl", 1, 1), ran("cloudcal_nginx", 1, 4),
        })
    end)

    it("says what was measured on what", function()
        assert.equal("2026-01-02, `./run bench`; A CPU, 2 CPUs, load 0.1 to 0.2; Debian 12, "
            .. "Linux 6.1; libcurl 7.88, OpenSSL 3.0.22, nginx/1.22.1; Lua 5.4.4; LuaJIT 2.1",
            document.machine_line {
                date = "2026-01-02", command = "`./run bench`", cpu = "A CPU", cpus = 2,
                load = "0.1 to 0.2", system = "Debian 12", kernel = "6.1", libcurl = "7.88",
                openssl = "OpenSSL 3.0.22 25 Aug 2026 (Library: OpenSSL 3.0.22 25 Aug 2026)",
                nginx = "nginx version: nginx/1.22.1", lua = "Lua 5.4.4  Copyright",
                luajit = "LuaJIT 2.1 -- Copyright",
            })
    end)

    it("fills a page between its marks", function()
        local page = "a\n<!-- x -->\nold\n<!-- end of x -->\nb\n<!-- y -->\n<!-- end of y -->\n"
        local filled = document.fill(page, "x", "100 %1 new\n")
        assert.equal("a\n<!-- x -->\n\n100 %1 new\n\n<!-- end of x -->\nb\n"
            .. "<!-- y -->\n<!-- end of y -->\n", filled)
        assert.equal(filled, document.fill(filled, "x", "100 %1 new\n"))
        assert.has_error(function() document.fill(page, "z", "") end,
            "the page has no marks for z")
    end)

    it("finds its marks in docs/performance.md", function()
        local file = assert(io.open "docs/performance.md")
        local page = file:read "*a"
        file:close()
        for _, name in ipairs { "machine", "targets", "programs", "stages", "libraries" } do
            assert.truthy(document.fill(page, name, "new"):find("\nnew\n", 1, true))
        end
    end)

    it("has drawn a picture that is well-formed", function()
        local file = assert(io.open "docs/performance.svg")
        local elements = parse(file:read "*a")
        file:close()
        assert.is_true(#bars_of(elements) >= 3)
    end)
end)
