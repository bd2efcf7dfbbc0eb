local json = require "cloudcal.json"
local pretty = require "cloudcal.pretty"

describe("pretty", function()
    it("shows plain values", function()
        assert.equal("nil", pretty(nil))
        assert.equal("true", pretty(true))
        assert.equal("190004", pretty(190004))
        assert.equal("null", pretty(json.null))
        assert.equal('"有空"', pretty "有空")
        assert.equal([["a\"b\\c\nd"]], pretty 'a"b\\c\nd')
        assert.equal("{}", pretty {})
    end)

    it("sorts keys and indents", function()
        assert.equal([[
{
  a = {
    "x",
    "y"
  },
  b = false,
  ["c d"] = {
    e = null
  }
}]], pretty { b = false, a = { "x", "y" }, ["c d"] = { e = json.null } })
    end)

    it("masks what is secret by name, at any depth and of any type", function()
        for _, name in ipairs {
            "password", "secret", "Sign", "app_secret", "client_secret", "access_token",
            "refresh_token", "user_access_token", "tenant_access_token", "app_ticket",
        } do
            local text = pretty { { data = { [name] = "hush", ok = 1 } }, [name] = { "hush" } }
            assert.is_nil(text:find("hush", 1, true), name)
            assert.is_truthy(text:find(name .. ' = "***"', 1, true), name)
        end
        assert.is_nil(pretty({ password = 12345 }):find("12345", 1, true))
    end)

    it("takes keys of every type together, again and again in the same order", function()
        local value = { 1, 2, [true] = 3, [false] = 4, [10.5] = 5 }
        for i = 1, 200 do value["k" .. i] = i end
        local text = pretty(value)
        for _ = 1, 20 do
            local copy = {}
            for key, member in pairs(value) do copy[key] = member end
            assert.equal(text, pretty(copy))
        end
        value[{}], value[print] = 1, 2
        assert.is_truthy(pretty(value):find("[true] = 3", 1, true))
    end)

    it("ends on cycles and on great depth", function()
        local cycle = { name = "n" }
        cycle.left, cycle.right = cycle, { cycle }
        local text = pretty(cycle)
        assert.is_truthy(text:find("left = { … }", 1, true))
        assert.is_true(#text < 1000)
        local shared = { 1 }
        assert.is_nil(pretty({ shared, shared }):find("…", 1, true))
        local deep = {}
        for _ = 1, 1000 do deep = { deep } end
        assert.is_true(#pretty(deep) < 10000)
    end)

    it("does not show a client's options", function()
        local cloudcal = require "cloudcal"
        local client = cloudcal.feishu { app_id = "cli_x", app_secret = "hush-hush" }
        assert.equal("{}", cloudcal.pretty(client))
    end)
end)
