--- The READMEs: their Lua blocks, put together, are one program that runs.

local lua = require "spec.lua"

local function read(path)
    local file = assert(io.open(path))
    local text = file:read("*a")
    file:close()
    return text
end

local function lua_of(path)
    local blocks = {}
    for block in read(path):gmatch("\n```lua\n(.-)\n```") do blocks[#blocks + 1] = block end
    return table.concat(blocks, "\n"), #blocks
end

local function without_comments(code)
    return (code:gsub("%s*%-%-[^\n]*", ""))
end

local function run(code)
    local name = os.tmpname()
    local file = assert(io.open(name, "w"))
    file:write(code)
    file:close()
    local pipe = assert(io.popen(("%s %s 2>&1; echo \"exit $?\""):format(lua.command(), name)))
    local output = pipe:read("*a")
    pipe:close()
    os.remove(name)
    return output
end

describe("README", function()
    it("has Lua blocks that run as one program against the sandbox", function()
        local code, count = lua_of("README.md")
        assert.is_true(count >= 8)
        local output = run(code)
        assert.truthy(output:find("exit 0", 1, true), output)
        assert.truthy(output:find("did you mean device_name?", 1, true), output)
        assert.truthy(output:find("sync:%s+done"), output)
        assert.truthy(output:find("service_error%s+502%s+maybe"), output)
    end)

    it("has the same code in Chinese", function()
        local english, chinese = lua_of("README.md"), lua_of("README.zh-CN.md")
        assert.equal(without_comments(english), without_comments(chinese))
    end)

    it("names every option and every kind of error", function()
        local options = require "cloudcal.options"
        for _, path in ipairs { "README.md", "README.zh-CN.md" } do
            local text = read(path)
            for _, set in ipairs { options.platform, options.youkong, options.platform_call } do
                for name in pairs(set) do
                    local later = name == "accounts_url" or name == "app_type"
                    assert.truthy(later or text:find("`" .. name, 1, true)
                        or text:find(name, 1, true), path .. ": " .. name)
                end
            end
            for kind in ([[invalid_request unauthenticated login_required app_setup
                permission_denied not_found rate_limited quota_exhausted service_error rejected
                bad_response too_large network tls timeout cancelled cannot_wait
                out_of_memory]]):gmatch("%S+") do
                assert.truthy(text:find("`" .. kind .. "`", 1, true), path .. ": " .. kind)
            end
        end
    end)
end)
