--- What LuaRocks makes of the rockspecs as they are published: packed, installed with the
--- dependencies that they name, made in a clone, and removed again.

local files = require "spec.files"
local peer = require "spec.peer"
local version = require "cloudcal.version"

local quote, shell = peer.quote, peer.must

-- lua-cjson as its authors released it: Debian keeps that archive beside its own package.
local CJSON = "lua-cjson_2.1.0+dfsg.orig.tar.gz"
local CJSON_SUM = "94f1fce36742cf00e99c5071b309b9f71e6e7daf60a7151f7bf4ac0a97259ac4"

local REPOSITORY = "https://github.com/cloudcal/cloudcal.git"

-- lua-cjson 2.1.0 does not compile with LuaJIT's headers; those of 5.1 describe the same ABI.
local LUAS = {
    { name = "Lua 5.4", version = "5.4", lua = "lua5.4" },
    { name = "Lua 5.1", version = "5.1", lua = "lua5.1" },
    { name = "LuaJIT", version = "5.1", lua = "luajit", variables = "LUA_INTERPRETER=luajit",
      make = "LUA_INCDIR=/usr/include/luajit-2.1" },
}

local directory

local function path_of(name) return quote(directory .. "/" .. name) end

-- Nothing of this clone and of this user is in the environment, and whoever asks the network for
-- the repository gets the one that is here.
local function clean(where, command, ...)
    return ("cd %s && env -i PATH=\"$PATH\" HOME=%s GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=%s "
        .. "GIT_CONFIG_VALUE_0=%s GIT_TERMINAL_PROMPT=0 %s"):format(path_of(where), path_of "home",
        quote("url.file://" .. directory .. "/clone.insteadOf"), REPOSITORY,
        command:format(...))
end

local function luarocks(one, where, command, ...)
    return clean(where, "luarocks --lua-version=%s %s %s", one.version, one.variables or "",
        command:format(...))
end

local function fetch_cjson()
    local archive = "build/rocks/" .. CJSON
    if not files.find(archive) then
        local folder = shell("apt-get download --print-uris lua-cjson"):match "'([^']*/)"
        shell("mkdir -p build/rocks && /usr/lib/apt/apt-helper download-file %s %s SHA256:%s",
            quote(folder .. CJSON), quote(archive), CJSON_SUM)
    end
    shell("echo %s %s | sha256sum -c", CJSON_SUM, quote(archive))
    return shell("realpath " .. quote(archive)):match "[^\n]+"
end

-- The rock as a server has it: a rockspec and what its source.url leads to.
local function pack_cjson(archive)
    shell([[cd %s && mkdir lua-cjson-2.1.0 && tar -xzf %s --strip-components=1 -C lua-cjson-2.1.0 &&
        cp lua-cjson-2.1.0/lua-cjson-2.1.0-1.rockspec . &&
        zip -qr lua-cjson-2.1.0.zip lua-cjson-2.1.0 && mkdir source binary5.4 binary5.1 none &&
        zip -q source/lua-cjson-2.1.0-1.src.rock lua-cjson-2.1.0-1.rockspec lua-cjson-2.1.0.zip]],
        path_of "", quote(archive))
end

local function make_manifest(one, server)
    shell(clean(server, "luarocks-admin --lua-version=%s make-manifest .", one.version))
end

setup(function()
    directory = shell("mktemp -d"):match "[^\n]+"
    pack_cjson(fetch_cjson())
    shell("mkdir %s %s && tar -c --exclude=./build --exclude=./.git . | tar -x -C %s",
        path_of "home", path_of "clone", path_of "clone")
    shell(clean("clone", "sh -c %s", quote("git init -q && git add -A && "
        .. "git -c user.name=spec -c user.email=spec@example.com commit -qm spec && git tag v"
        .. version)))
end)

teardown(function() peer.shell("rm -rf " .. quote(directory)) end)

-- {======================================================
-- What is in a tree
-- =======================================================}

local function paths(one, tree, more)
    local share = ("%s/%s/share/lua/%s/"):format(directory, tree, one.version)
    local lib = ("%s/%s/lib/lua/%s/?.so"):format(directory, tree, one.version)
    return share .. "?.lua;" .. share .. "?/init.lua" .. more, lib .. more
end

-- A script in a place that holds nothing else.
local function run(one, tree, more, script)
    local path, cpath = paths(one, tree, more)
    files.write(directory .. "/none/script.lua", script)
    return shell(clean("none", "LUA_PATH=%s LUA_CPATH=%s %s script.lua", quote(path),
        quote(cpath), one.lua))
end

local CALL = [[
    local sandbox = assert(require("cloudcal.sandbox").start { lua_path = %q, lua_cpath = %q })
    local cloudcal = require "cloudcal"
    local lark = cloudcal.lark {
        app_id = sandbox.lark.app_id, app_secret = sandbox.lark.app_secret,
        base_url = sandbox.lark.base_url, ca_file = sandbox.ca_file,
    }
    print(cloudcal._VERSION, cloudcal.assert(lark:primary_calendar()).calendar.type)
    sandbox.stop()]]

local PRIMARY = ("cloudcal %s\tprimary\n"):format(version)

-- The sandbox needs a Lua 5.4, and Debian's cqueues, luaossl and socket.
local function expect_calls(one, tree)
    local sandbox_tree = one == LUAS[1] and tree or LUAS[1].name
    local path, cpath = paths(LUAS[1], sandbox_tree, ";;")
    assert.equal(PRIMARY, run(one, tree, "", CALL:format(path, cpath)))
    local command = clean("none", "%s/bin/cloudcal ", path_of(tree))
    local output = shell(command .. "explain 190004")
    assert.truthy(output:find "kind +rate_limited\n", output)
    output = peer.shell(command:gsub("env %-i", "%0 FEISHU_TENANT_ACCESS_TOKEN=t-1")
        .. "--base-url https://127.0.0.1:1 --timeout 5 primary; echo $?")
    assert.truthy(output:find "could_not_connect.*\n14\n$", output)
end

local function expect_modules(one, tree)
    local spec = {}
    assert(loadfile(("cloudcal-%s-1.rockspec"):format(version), "t", spec))()
    local names = {}
    for name in pairs(spec.build.modules) do names[#names + 1] = name end
    assert.equal(("%d\n"):format(#names), run(one, tree, ";;", ([[
        local count = 0
        for name in ("%s"):gmatch "%%S+" do
            count = count + (require(name) and 1 or 0)
        end
        print(count)]]):format(table.concat(names, " "))))
end

local function expect_one_symbol(one, tree)
    local output = shell("nm -D --defined-only %s/lib/lua/%s/cloudcal/core.so", path_of(tree),
        one.version)
    assert.matches("^%x+ T luaopen_cloudcal_core\n$", output)
end

local function remove_all(one, tree)
    for _, rock in ipairs { "cloudcal", "lua-cjson" } do
        shell(luarocks(one, "none", "remove %s --tree=%s", rock, path_of(tree)))
    end
    assert.equal((". ./lib ./lib/luarocks ./lib/luarocks/rocks-%s "
        .. "./lib/luarocks/rocks-%s/manifest "):format(one.version, one.version),
        shell("cd %s && find . | LC_ALL=C sort | tr '\\n' ' '", path_of(tree)))
end

-- {======================================================
-- Ways into a tree
-- =======================================================}

describe("LuaRocks", function()
    local SOURCE, BINARY = "source", "binary"

    setup(function()
        shell(luarocks(LUAS[1], SOURCE, "pack ../clone/cloudcal-%s-1.rockspec", version))
        make_manifest(LUAS[1], SOURCE)
    end)

    it("stops where it finds no lua-cjson, unless told to leave that to others", function()
        make_manifest(LUAS[1], "none")
        local make = luarocks(LUAS[1], "clone", "make --only-server=%s --tree=%s", path_of "none",
            path_of "alone")
        local output, ok = peer.shell(make)
        assert.is_false(ok)
        assert.truthy(output:find("Could not satisfy dependency lua-cjson >= 2.1", 1, true), output)
        shell(make .. " --deps-mode=none")
        local path, cpath = paths(LUAS[1], "alone", ";;")
        assert.equal(PRIMARY, run(LUAS[1], "alone", ";;", CALL:format(path, cpath)))
    end)

    for _, one in ipairs(LUAS) do
        local from_source, from_binary = one.name, one.name .. " binary"
        local made = one.name .. " made"
        local binary_server = BINARY .. one.version

        describe("for " .. one.name, function()
            it("installs a packed rock and what it depends on, both from their sources", function()
                shell(luarocks(one, "none", "install cloudcal --only-server=%s --tree=%s",
                    path_of(SOURCE), path_of(from_source)))
                expect_calls(one, from_source)
                expect_modules(one, from_source)
                expect_one_symbol(one, from_source)
            end)

            it("packs what it has, installs that without a compiler, and removes it", function()
                for _, rock in ipairs { "cloudcal", "lua-cjson" } do
                    shell(luarocks(one, binary_server, "pack %s --tree=%s", rock,
                        path_of(from_source)))
                end
                make_manifest(one, binary_server)
                shell(luarocks(one, "none",
                    "CC=false LD=false install cloudcal --only-server=%s --tree=%s",
                    path_of(binary_server), path_of(from_binary)))
                expect_calls(one, from_binary)
                remove_all(one, from_binary)
            end)

            it("makes the newest commit in a clone, which stays as it was", function()
                shell(luarocks(one, "clone", "%s make --only-server=%s --tree=%s",
                    one.make or "", path_of(binary_server), path_of(made)))
                local listed = shell(luarocks(one, "none", "list --porcelain --tree=%s",
                    path_of(made)))
                assert.truthy(listed:find "cloudcal\tscm%-1\tinstalled", listed)
                assert.equal("", shell("cd %s && git status --porcelain", path_of "clone"))
                expect_calls(one, made)
                expect_one_symbol(one, made)
                remove_all(one, made)
            end)
        end)
    end
end)
