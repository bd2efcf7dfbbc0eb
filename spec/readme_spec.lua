--- The READMEs: their Lua blocks, put together, are one program that runs.

local files = require "spec.files"
local lua = require "spec.lua"
local peer = require "spec.peer"

local read = files.read

local function lua_of(path)
    local blocks = {}
    for block in read(path):gmatch("\n```lua\n(.-)\n```") do blocks[#blocks + 1] = block end
    return table.concat(blocks, "\n"), #blocks
end

local function without_comments(code)
    return (code:gsub("%s*%-%-[^\n]*", ""))
end

-- In a directory of its own: the program makes files.
local function run(code)
    local directory = peer.shell("mktemp -d && pwd")
    local here
    directory, here = directory:match("^([^\n]+)\n([^\n]+)")
    local quoted = peer.quote(directory)
    peer.shell(("ln -s %s/lua %s/build %s"):format(peer.quote(here), peer.quote(here), quoted))
    files.write(directory .. "/program.lua", code)
    local output, ok = peer.shell(("cd %s && %s program.lua"):format(quoted, lua.command()))
    local mode = peer.shell(("stat -c %%a %s/tokens.json"):format(quoted))
    peer.shell("rm -rf " .. quoted)
    return output, ok, mode
end

describe("README", function()
    it("has Lua blocks that run as one program against the sandbox", function()
        local code, count = lua_of("README.md")
        assert.is_true(count >= 8)
        local output, ok, mode = run(code)
        assert.is_true(ok, output)
        assert.equal("600\n", mode)
        assert.truthy(output:find("did you mean device_name?", 1, true), output)
        assert.truthy(output:find("sync:%s+done"), output)
        assert.truthy(output:find("service_error%s+502%s+maybe"), output)
        assert.truthy(output:find("and type%s+%x+%-%x+"), output)
        assert.truthy(output:find("not the answer to this browser's login", 1, true), output)
    end)

    it("has the same code in Chinese", function()
        local english, chinese = lua_of("README.md"), lua_of("README.zh-CN.md")
        assert.equal(without_comments(english), without_comments(chinese))
    end)

    it("leads to a page for users of other SDKs, whose code runs, too", function()
        local english = lua_of "docs/coming-from-the-sdk.md"
        assert.equal(without_comments(english),
            without_comments(lua_of "docs/coming-from-the-sdk.zh-CN.md"))
        local output, ok = run(english)
        assert.is_true(ok, output)
        assert.truthy(output:find("机器人.*管理员"), output)
    end)

    it("leads to a page for users of other SDKs that names what there is", function()
        local options = require "cloudcal.options"
        local sets = { options.platform, options.platform_call }
        for _, path in ipairs { "docs/coming-from-the-sdk.md", "docs/coming-from-the-sdk.zh-CN.md" }
        do
            local count = 0
            for line in read(path):gmatch("\n|([^\n]+)") do
                local last = line:match("| ([^|]+) |$") or ""
                for name in last:gmatch("`[{ ]*([%l_]+) = ") do
                    local found = false
                    for _, set in ipairs(sets) do found = found or set[name] ~= nil end
                    assert.is_true(found, path .. ": " .. name)
                    count = count + 1
                end
            end
            assert.is_true(count >= 10, path)
        end
    end)

    it("names every option and every kind of error", function()
        local options = require "cloudcal.options"
        for _, path in ipairs { "README.md", "README.zh-CN.md" } do
            local text = read(path)
            for _, set in ipairs { options.platform, options.youkong, options.platform_call } do
                for name in pairs(set) do
                    assert.truthy(text:find("`" .. name, 1, true)
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
