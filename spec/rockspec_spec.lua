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

local function shell(command)
    local output, ok = peer.shell(command)
    assert(ok, output)
    return output
end

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

describe("what LuaRocks builds", function()
    local CLEAN = "unset LUA_PATH LUA_CPATH LUA_PATH_5_4 LUA_CPATH_5_4; "
    local root

    setup(function()
        root = shell("mktemp -d"):match("[^\n]+")
        shell(("cp -R --parents lua src examples library spec/run.lua %s %s"):format(SCM, root))
        shell(("%s cd %s && luarocks --lua-version=5.4 make --deps-mode=none --tree=%s/tree")
            :format(CLEAN, root, root))
    end)

    teardown(function() peer.shell("rm -rf " .. root) end)

    -- The installed module in a directory that holds nothing else.
    local function run(script)
        local path = root .. "/script.lua"
        local file = assert(io.open(path, "w"))
        file:write(script)
        file:close()
        return peer.shell(([[{ %s cd /
            eval "$(luarocks --lua-version=5.4 --tree=%s/tree path)" && lua5.4 %s; }]]):format(
            CLEAN, root, path))
    end

    it("answers a call of the sandbox from outside the clone", function()
        local output, ok = run([[
            local cloudcal = require "cloudcal"
            print(package.searchpath("cloudcal", package.path))
            print(package.searchpath("cloudcal.core", package.cpath))
            local sandbox = assert(require("cloudcal.sandbox").start())
            local lark = cloudcal.lark {
                app_id = sandbox.lark.app_id, app_secret = sandbox.lark.app_secret,
                base_url = sandbox.lark.base_url, ca_file = sandbox.ca_file,
            }
            print(cloudcal.assert(lark:primary_calendar()).calendar.type)
            sandbox.stop()]])
        assert.is_true(ok, output)
        assert.equal(root .. "/tree/share/lua/5.4/cloudcal/init.lua\n"
            .. root .. "/tree/lib/lua/5.4/cloudcal/core.so\nprimary\n", output)
    end)

    it("has the command, which works from outside the clone and says what it misses", function()
        local function shell_with_tree(command)
            return peer.shell(([[{ %s cd /
                eval "$(luarocks --lua-version=5.4 --tree=%s/tree path)"; %s; }]]):format(
                    CLEAN, root, command))
        end
        local output, ok = shell_with_tree "cloudcal explain 190004 && cloudcal --version"
        assert.is_true(ok, output)
        assert.truthy(output:find "kind +rate_limited\n", output)
        assert.truthy(output:find "\ncloudcal [^\n]+\n$", output)
        output = shell_with_tree("CLOUDCAL_BASE_URL=https://127.0.0.1:1 "
            .. "FEISHU_TENANT_ACCESS_TOKEN=t-1 cloudcal primary --timeout 5; echo $?")
        assert.truthy(output:find "could_not_connect.*\n14\n$", output)
    end)

    it("loads every module", function()
        local names = {}
        for name in pairs(load_rockspec(SCM).build.modules) do names[#names + 1] = name end
        local output, ok = run(("for name in ([[%s]]):gmatch('%%S+') do require(name) end"):format(
            table.concat(names, " ")))
        assert.equal("", output)
        assert.is_true(ok)
    end)
end)
