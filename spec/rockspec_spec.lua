--- The rockspecs: they list what the tree holds, and agree with what else says the version.

local cloudcal = require "cloudcal"
local lua = require "spec.lua"
local peer = require "spec.peer"
local version = require "cloudcal.version"

local RELEASE, SCM = ("cloudcal-%s-1.rockspec"):format(version), "cloudcal-scm-1.rockspec"

local function load_rockspec(file)
    local spec = {}
    lua.load_file(file, spec)()
    return spec
end

local function find(what)
    local list = {}
    for path in peer.shell("find " .. what .. " | sort"):gmatch("[^\n]+") do
        list[#list + 1] = path
    end
    return list
end

local shell = peer.must

describe("the version", function()
    it("is that of the rockspec of the release, the only one beside scm", function()
        assert.same({ RELEASE, SCM }, find "*.rockspec")
        local release, scm = load_rockspec(RELEASE), load_rockspec(SCM)
        assert.equal(version .. "-1", release.version)
        assert.equal("scm-1", scm.version)
        assert.equal("v" .. version, release.source.tag)
        assert.is_nil(scm.source.tag)
        release.version, release.source.tag, scm.version = nil, nil, nil
        assert.same(scm, release)
    end)

    it("is the newest of the changelog, and what the module and its calls say", function()
        local changelog = shell "cat CHANGELOG.md"
        assert.equal(version, changelog:match "\n## %[([^%]]+)%]")
        assert.matches("^%d+%.%d+%.%d+$", version)
        assert.equal("cloudcal " .. version, cloudcal._VERSION)
    end)

    it("is written nowhere else", function()
        local output = peer.shell(("grep -rlFw -e %s lua src examples docs library Makefile run"
            .. " README.md README.zh-CN.md"):format(version))
        assert.equal("lua/cloudcal/version.lua\n", output)
    end)
end)

describe("a rockspec", function()
    local spec = load_rockspec(SCM)

    it("lists every Lua file under the name by which it is required", function()
        local expected = {}
        for _, path in ipairs(find "lua -name '*.lua'") do
            local name = path:match("^lua/(.+)%.lua$"):gsub("/init$", ""):gsub("/", ".")
            expected[name] = path
        end
        local listed = {}
        for name, source in pairs(spec.build.modules) do
            if type(source) == "string" then listed[name] = source end
        end
        assert.same(expected, listed)
    end)

    it("lists every C file", function()
        assert.same(find "src -name '*.c'", spec.build.modules["cloudcal.core"].sources)
    end)

    it("asks for libraries, and not for headers, which LuaRocks does not find on Debian", function()
        for name, wanted in pairs(spec.external_dependencies) do
            assert.is_nil(wanted.header, name)
            assert.is_string(wanted.library, name)
        end
    end)

    it("takes every Lua from 5.1 on", function()
        assert.same({ "lua >= 5.1", "lua-cjson >= 2.1" }, spec.dependencies)
    end)

    it("copies directories that are there", function()
        for _, name in ipairs(spec.build.copy_directories) do shell("test -d " .. name) end
        shell("test -f " .. spec.test.script)
    end)

    it("passes luarocks lint", function()
        for _, file in ipairs { RELEASE, SCM } do
            shell("env -u LUA_PATH -u LUA_CPATH luarocks --lua-version=5.4 lint " .. file)
        end
    end)
end)
