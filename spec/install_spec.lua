--- make install: what it writes where, that it works from there, and that uninstall takes it away.

local files = require "spec.files"
local lua = require "spec.lua"
local peer = require "spec.peer"
local support = require "spec.support"

local quote, shell = peer.quote, peer.must
local sandbox = support.sandbox()

local directory, root, prefix

-- As from a tarball, with a mask that would hide everything, and relative to where make runs.
local function make(words)
    local output, ok = peer.shell(("cd %s && umask 077 && make LUA=%s %s"):format(
        quote(directory .. "/source"), lua.version, words))
    return ok, output
end

local function installed(words)
    local ok, output = make("install " .. words)
    assert(ok, output)
    return output
end

-- Mode and name of each file and directory that is in there.
local function listing(path)
    return shell("cd %s && find . -printf '%%M %%P\\n' | LC_ALL=C sort -k 2", quote(path))
end

-- With nothing of this clone in the environment.
local function run(command)
    return peer.shell(("cd / && env -i PATH=\"$PATH\" %s"):format(command))
end

local function executable(path) return quote(path .. "/bin/cloudcal") end

local read, write = files.read, files.write

setup(function()
    directory = shell("mktemp -d"):match "[^\n]+"
    root, prefix = directory .. "/a root", directory .. "/it's a prefix"
    shell("mkdir %s && cp -R Makefile lua src examples %s", quote(directory .. "/source"),
        quote(directory .. "/source"))
end)

teardown(function() peer.shell("rm -rf " .. quote(directory)) end)

describe("make install", function()
    local MODULES, CORE = "usr/share/lua/" .. lua.version, "usr/lib/lua/" .. lua.version

    it("writes modules, core and command under DESTDIR, for all to read, and nothing else",
        function()
            installed "DESTDIR='../a root' PREFIX=/usr"
            local expected = { "-rwxr-xr-x usr/bin/cloudcal", "drwxr-xr-x usr/bin",
                "-rwxr-xr-x " .. CORE .. "/cloudcal/core.so" }
            for path in shell "cd lua && find cloudcal -name '*.lua'":gmatch "[^\n]+" do
                expected[#expected + 1] = ("-rw-r--r-- %s/%s"):format(MODULES, path)
            end
            for path in shell "cd lua && find cloudcal -type d":gmatch "[^\n]+" do
                expected[#expected + 1] = ("drwxr-xr-x %s/%s"):format(MODULES, path)
            end
            for _, path in ipairs { "", "usr", "usr/share", "usr/share/lua", MODULES, "usr/lib",
                "usr/lib/lua", CORE, CORE .. "/cloudcal" } do
                expected[#expected + 1] = "drwxr-xr-x " .. path
            end
            local found = {}
            for line in listing(root):gmatch "[^\n]+" do found[#found + 1] = line end
            table.sort(expected)
            table.sort(found)
            assert.same(expected, found)
            local script = read(root .. "/usr/bin/cloudcal")
            assert.matches("^#!/%S*lua%S*\n", script)
            assert.is_nil(script:find(directory, 1, true))
            assert.equal(read "examples/cloudcal.lua":gsub("^[^\n]+\n", ""),
                (script:gsub("^[^\n]+\n[^\n]+\n[^\n]+\n", "")))
        end)

    it("gives a command and a module that work from there", function()
        installed("PREFIX=" .. quote(prefix))
        local output, ok = run(executable(prefix) .. " explain 190004")
        assert.is_true(ok, output)
        assert.truthy(output:find "kind +rate_limited\n", output)
        local known = sandbox.lark
        output, ok = run(("CLOUDCAL_BASE_URL=%s CLOUDCAL_CA_FILE=%s LARK_TENANT_ACCESS_TOKEN=%s "
            .. "%s --service lark primary"):format(known.base_url, quote(sandbox.ca_file),
            known.tenant_access_token, executable(prefix)))
        assert.is_true(ok, output)
        assert.truthy(output:find "\ntype +primary\n", output)
        write(directory .. "/script.lua", ([[
            local cloudcal = require "cloudcal"
            local lark = cloudcal.lark {
                app_id = %q, app_secret = %q, base_url = %q, ca_file = %q,
            }
            print(cloudcal.assert(lark:primary_calendar()).calendar.type)]]):format(known.app_id,
            known.app_secret, known.base_url, sandbox.ca_file))
        output, ok = run(("LUA_PATH=%s LUA_CPATH=%s $(head -n 1 %s | tail -c +3) %s"):format(
            quote(("%s/share/lua/%s/?.lua;%s/share/lua/%s/?/init.lua;;"):format(prefix,
            lua.version, prefix, lua.version)),
            quote(("%s/lib/lua/%s/?.so;;"):format(prefix, lua.version)), executable(prefix),
            quote(directory .. "/script.lua")))
        assert.is_true(ok, output)
        assert.equal("primary\n", output)
    end)

    it("ends with what a program needs to find it, where this Lua does not look", function()
        local output = installed("PREFIX=" .. quote(prefix))
        local exports = assert(output:match "\n%s*(export LUA_PATH=[^\n]+)\n$", output)
        write(directory .. "/typed.sh", exports .. "\nexec $1 "
            .. "-e 'print(require(\"cloudcal\")._VERSION)'\n")
        local version, ok = run(("sh %s $(head -n 1 %s | tail -c +3)"):format(
            quote(directory .. "/typed.sh"), executable(prefix)))
        assert.is_true(ok, version)
        assert.equal(require "cloudcal"._VERSION .. "\n", version)
        output = installed "DESTDIR='../a third root' PREFIX=/usr/local"
        assert.is_nil(output:find("LUA_PATH", 1, true), output)
    end)

    it("says so where there is no Lua for the command, and writes nothing", function()
        local ok, output = make "install INTERPRETER= DESTDIR=../nowhere"
        assert.is_false(ok)
        assert.truthy(output:find("INTERPRETER=/path/to/lua names it", 1, true), output)
        assert.is_false(lua.succeeds("test -e " .. quote(directory .. "/nowhere")))
    end)
end)

describe("make uninstall", function()
    it("takes away what was installed, and nothing that others have there", function()
        local place = root .. "/shared"
        shell("mkdir -p %s/share/lua/%s %s/bin && touch %s/share/lua/%s/cloudcal_other.lua "
            .. "%s/bin/other", quote(place), lua.version, quote(place), quote(place), lua.version,
            quote(place))
        local before = shell("cd %s && find . -type f | sort", quote(place))
        installed("PREFIX=" .. quote(place))
        assert.not_equal(before, shell("cd %s && find . -type f | sort", quote(place)))
        for _ = 1, 2 do -- the second one finds nothing
            local ok, output = make("uninstall PREFIX=" .. quote(place))
            assert.is_true(ok, output)
            assert.equal(before, shell("cd %s && find . -type f | sort", quote(place)))
            assert.equal("", shell("find %s -name cloudcal", quote(place)))
        end
    end)

    it("leaves the command of another Lua", function()
        installed("PREFIX=" .. quote(prefix))
        assert.is_true((make("uninstall LUA=9.9 PREFIX=" .. quote(prefix))))
        local output, ok = run(executable(prefix) .. " --version")
        assert.is_true(ok, output)
    end)
end)
