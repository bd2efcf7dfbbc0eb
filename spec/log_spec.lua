local log = require "cloudcal.log"

local function recorder()
    local lines = {}
    return lines, function(level, message, fields)
        lines[#lines + 1] = { level, message, fields }
    end
end

describe("log.write", function()
    local LEVELS = { "debug", "info", "warn", "error" }

    for least, wanted in ipairs(LEVELS) do
        it("lets pass what is " .. wanted .. " or above", function()
            local lines, logger = recorder()
            for _, level in ipairs(LEVELS) do
                log.write({ logger = logger, log_level = wanted }, level, "m", { a = 1 })
            end
            assert.equal(#LEVELS - least + 1, #lines)
            for i, line in ipairs(lines) do
                assert.same({ LEVELS[least + i - 1], "m", { a = 1 } }, line)
            end
        end)
    end

    it("is at warn by default, and silent without a logger", function()
        local lines, logger = recorder()
        log.write({ logger = logger }, "info", "m", {})
        assert.same({}, lines)
        log.write({ logger = logger }, "warn", "m", {})
        assert.equal(1, #lines)
        assert.is_nil(log.write({}, "error", "m", {}))
    end)

    it("ignores a logger that fails", function()
        local calls = 0
        for _, mistake in ipairs { "text", {}, 1 } do
            local function logger()
                calls = calls + 1
                error(mistake)
            end
            log.write({ logger = logger }, "error", "m", {})
        end
        assert.equal(3, calls)
    end)
end)

describe("log.stderr", function()
    it("writes one line, fields sorted", function()
        local real, text = io.stderr, nil
        io.stderr = { write = function(_, line) text = line end } -- luacheck: ignore
        log.stderr("warn", "it failed", { operation = "x", attempt = 2, again_in = 0.5,
            elapsed = 12.23937808996927, waited = 0, code = 190000 })
        io.stderr = real -- luacheck: ignore
        assert.equal("cloudcal warn: it failed again_in=0.5 attempt=2 code=190000 elapsed=12.239 "
            .. "operation=x waited=0\n", text)
    end)
end)

describe("log.nginx", function()
    it("uses nginx's levels", function()
        local got = {}
        _G.ngx = { DEBUG = 8, INFO = 7, WARN = 5, ERR = 4, -- luacheck: ignore
                   log = function(...) got[#got + 1] = { ... } end }
        for _, level in ipairs { "debug", "info", "warn", "error" } do
            log.nginx(level, "m", { b = 2, a = 1 })
        end
        _G.ngx = nil -- luacheck: ignore
        for i, number in ipairs { 8, 7, 5, 4 } do
            assert.equal(number, got[i][1])
            assert.equal("cloudcal: m a=1 b=2", table.concat(got[i], "", 2))
        end
        assert.equal(4, #got)
    end)
end)
