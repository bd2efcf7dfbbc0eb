-- The rockspecs, from one template and the files that are there.

local TEMPLATE = [=[
rockspec_format = "3.0"
package = "cloudcal"
version = "$version-1"

source = { url = "git+https://github.com/cloudcal/cloudcal.git"$tag }

description = {
    summary = "Client of the Feishu, Lark and Youkong calendar services",
    detailed = [[
A Lua module with a C core that calls the calendar services of Feishu, Lark and Youkong from any
program that hosts Lua: call a function that is named like the endpoint, get the answer as a
table, or nil and an error that says what went wrong and what to do about it. A sandbox of the
services is included; it needs cqueues, luaossl and luasocket, which nothing else here does.
The command `cloudcal` calls the services from a shell; it needs the rock argparse.]],
    homepage = "https://github.com/cloudcal/cloudcal",
    issues_url = "https://github.com/cloudcal/cloudcal/issues",
    license = "MIT",
    labels = { "calendar", "caldav", "feishu", "lark", "http", "api" },
}

-- What only the sandbox, the command or one function needs is not listed: LuaRocks knows no
-- optional dependencies, and a program that requires the module should get nothing else with it.
-- Each says in one line what it misses.
dependencies = {
    "lua >= 5.1",
    "lua-cjson >= 2.1",
}

-- Libraries only: LuaRocks looks for headers in fewer places than the compiler, and would miss
-- Debian's. src/core.h names the package when a header is not there.
external_dependencies = {
    CURL = { library = "curl" },
    CRYPTO = { library = "crypto" },
}

test = { type = "command", script = "spec/run.lua" }

build = {
    type = "builtin",
    modules = {
        ["cloudcal.core"] = {
            sources = {
$sources            },
            libraries = { "curl", "crypto", "pthread" },
            incdirs = { "$(CURL_INCDIR)", "$(CRYPTO_INCDIR)" },
            libdirs = { "$(CURL_LIBDIR)", "$(CRYPTO_LIBDIR)" },
        },

$modules    },
    install = { bin = { cloudcal = "examples/cloudcal.lua" } },
    copy_directories = { "examples", "library" },
}
]=]

local function find(what)
    local list = {}
    local pipe = assert(io.popen("find " .. what))
    for path in pipe:lines() do list[#list + 1] = path end
    pipe:close()
    return list
end

local function rows(list)
    table.sort(list)
    return table.concat(list)
end

local function sources()
    local list = {}
    for i, path in ipairs(find "src -name '*.c'") do
        list[i] = ('                "%s",\n'):format(path)
    end
    return rows(list)
end

local function modules()
    local list = {}
    for i, path in ipairs(find "lua -name '*.lua'") do
        local name = path:match("^lua/(.+)%.lua$"):gsub("/init$", ""):gsub("/", ".")
        list[i] = ('        ["%s"] = "%s",\n'):format(name, path)
    end
    return rows(list)
end

--- Where the rockspec of a version is, and what it says.
-- @param version "scm", the newest commit; or a release, whose tag is v and the version
return function(version)
    local values = {
        version = version, sources = sources(), modules = modules(),
        tag = version == "scm" and "" or (', tag = "v%s"'):format(version),
    }
    return { ("cloudcal-%s-1.rockspec"):format(version), (TEMPLATE:gsub("%$(%l+)", values)) }
end
