--- The house: who may require whom, what C may know, and the habits that hold everywhere.

local core = require "cloudcal.core"
local lua = require "spec.lua"
local peer = require "spec.peer"

local read = require("spec.files").read

local function files(pattern)
    local list = {}
    for path in peer.shell("find " .. pattern .. " | sort"):gmatch("[^\n]+") do
        list[#list + 1] = path
    end
    assert(#list > 0, "no file fits " .. pattern)
    return list
end

local function lines_of(path)
    local list = {}
    for line in io.lines(path) do list[#list + 1] = line end
    return list
end

local function module_name(path)
    return (path:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", "."))
end

local LUA = files "lua -name '*.lua'"
local C = files "src -name '*.[ch]'"

-- {======================================================
-- Arrows
-- =======================================================}

-- A module requires modules of lower layers only.
local LAYERS = {
    [[core version log redact retry later endpoints codes caldav.xml stores.sliding]],
    [[json clock wait.block wait.nginx wait.yieldable]],
    [[schema pretty errors wait.tasks sweep stores.nginx
        stores.redis_scripts]],
    [[wait wait.loop identity stores.memory stores.redis_link]],
    [[map journal stores.file]],
    [[stores]],
    [[options response limiter renewal]],
    [[request app_tokens stores.redis caldav.url]],
    [[caldav.multistatus]],
    [[logins caldav.account caldav.discovery]],
    [[caldav.profile]],
    [[caldav.session]],
    [[caldav]],
    [[tokens]],
    [[client]],
    [[services.base]],
    [[services.feishu services.youkong]],
    [[cloudcal]],
    [[all]],
}

local SANDBOX_MAY = { endpoints = true, schema = true, json = true, codes = true }

-- Modules of others, and who may require them.
local FOREIGN = {
    json = { cjson = true }, ["caldav.xml"] = { lxp = true },
    ["wait.nginx"] = { ["ngx.semaphore"] = true },
}

local layer_of = {}
for number, names in ipairs(LAYERS) do
    for name in names:gmatch("%S+") do layer_of[name] = number end
end

-- "cloudcal.services.base" -> "services.base"; the data modules count by their folder
local function short(name)
    if name == "cloudcal" then return name end
    local rest = name:match("^cloudcal%.(.+)$")
    return rest and (rest:match("^(endpoints)%.") or rest:match("^(codes)%.") or rest)
end

local function is_sandbox(name) return name:find("^cloudcal%.sandbox") ~= nil end

local function without_comments(text)
    return (text:gsub("%-%-[^\n]*", ""))
end

local function requires(path)
    local list = {}
    local text = without_comments(read(path))
    for _, word in ipairs { "require", "later" } do
        for name in text:gmatch("%f[%w_]" .. word .. "%s*%(?%s*\"([%w_.]+)\"") do
            list[#list + 1] = name
        end
    end
    return list
end

local function wrong_arrow(from, to)
    if is_sandbox(from) then
        if is_sandbox(to) or not to:find("^cloudcal") then return nil end
        return not SANDBOX_MAY[short(to)] and "is above what the sandbox may know"
    end
    if is_sandbox(to) then return "is the sandbox" end
    local own, other = short(from), short(to)
    if not other then
        return not (FOREIGN[own] and FOREIGN[own][to]) and "is not of this house"
    end
    if not layer_of[own] or not layer_of[other] then return "stands in no layer" end
    local is_data = own == "endpoints" or own == "codes"
    if is_data then return own ~= other and other ~= "later" and "is required by pure data" end
    return layer_of[other] >= layer_of[own] and "is not below"
end

describe("the arrows of the house", function()
    it("point down", function()
        local found = {}
        for _, path in ipairs(LUA) do
            for _, name in ipairs(requires(path)) do
                local problem = wrong_arrow(module_name(path), name)
                if problem then found[#found + 1] = ("%s -> %s: %s"):format(path, name, problem) end
            end
        end
        assert.same({}, found)
    end)

    it("know every module", function()
        local found = {}
        for _, path in ipairs(LUA) do
            local name = module_name(path)
            if not is_sandbox(name) and not layer_of[short(name)] then found[#found + 1] = name end
        end
        assert.same({}, found)
    end)

    it("are all written as plain names", function()
        local found = {}
        for _, path in ipairs(LUA) do
            local text = without_comments(read(path))
            for after in text:gmatch("%f[%w_]require%f[^%w_]([^\n]?[^\n]?)") do
                local plain = after:find("^%s*%(?%s*\"") or short(module_name(path)) == "later"
                if not plain then found[#found + 1] = path .. ": require" .. after end
            end
        end
        assert.same({}, found)
    end)

    it("end at pure data, which knows only its shapes", function()
        for _, path in ipairs(LUA) do
            if path:find("/endpoints/") and not path:find("/init%.lua$") then
                for _, name in ipairs(requires(path)) do
                    assert.equal("cloudcal.endpoints.shapes", name, path)
                end
            elseif path:find("/codes/") and not path:find("/init%.lua$") then
                assert.same({}, requires(path), path)
            end
        end
    end)

    it("have no circle in the sandbox", function()
        local arrows, state = {}, {}
        for _, path in ipairs(LUA) do
            local name = module_name(path)
            if is_sandbox(name) then arrows[name] = requires(path) end
        end
        local function visit(name)
            assert.not_equal("open", state[name], name .. " is in a circle")
            if state[name] or not arrows[name] then return end
            state[name] = "open"
            for _, other in ipairs(arrows[name]) do visit(other) end
            state[name] = "closed"
        end
        for name in pairs(arrows) do visit(name) end
    end)
end)

-- {======================================================
-- C
-- =======================================================}

-- The functions of a C file: { name, first, last, body (lines) }. A definition's opening brace
-- ends a line, its closing brace stands alone in column 0.
local function functions_of(path)
    local found, head, open = {}, "", nil
    for number, line in ipairs(lines_of(path)) do
        if open then
            if line:sub(1, 1) == "}" then
                open.last = number
                found[#found + 1], open, head = open, nil, ""
            else
                table.insert(open.body, line)
            end
        elseif line:find("^#") or line:find("[;}]%s*$") or line:find("^%s*$") then
            head = ""
        else
            head = head .. " " .. line
            local name = line:find("%)%s*{%s*$") and head:match("([%a_][%w_]*)%s*%b()%s*{%s*$")
            if name then open = { name = name, first = number, body = {} } end
        end
    end
    assert(not open, path .. ": a function without an end")
    return found
end

local function all_functions()
    local list = {}
    for _, path in ipairs(C) do
        for _, fn in ipairs(functions_of(path)) do
            fn.path = path
            list[#list + 1] = fn
        end
    end
    assert(#list > 50, "the functions of src were not found")
    return list
end

-- All that are there; a Lua that is not every developer's answers for itself only.
local function lua_versions()
    if lua.package ~= "lua5.4" then return { lua.package } end
    local list = {}
    for _, name in ipairs { "lua5.1", "lua5.2", "lua5.3", "lua5.4", "luajit" } do
        local _, exists = peer.shell("pkg-config --exists " .. name)
        if exists then list[#list + 1] = name end
    end
    return list
end

local function temporary_directory(use)
    local directory = peer.shell("mktemp -d"):match("[^\n]+")
    local ok, problem = pcall(use, directory)
    peer.shell("rm -rf " .. peer.quote(directory))
    if not ok then error(problem, 0) end
end

-- core.h, seen by a compiler that finds these headers only
local function preprocess(...)
    local headers, output = { "lua.h", "lauxlib.h", ... }, nil
    temporary_directory(function(directory)
        for _, name in ipairs(headers) do
            peer.shell(("cd %s && mkdir -p $(dirname %s) && : >%s"):format(directory, name, name))
        end
        output = peer.shell(("cc -E -nostdinc -I %s src/core.h"):format(directory))
    end)
    return output
end

describe("src", function()
    it("knows no service", function()
        local words = { "feishu", "lark", "youkong", "caldav", "calendar", "tenant", "binding",
            "user_code", "open_id", "timer%.cn" }
        for _, path in ipairs(C) do
            local text = read(path):lower()
            for _, word in ipairs(words) do
                assert.is_nil(text:find(word), path .. ": " .. word)
            end
        end
    end)

    it("exports one symbol", function()
        local output = peer.shell("nm -D --defined-only build/5.4/cloudcal/core.so")
        local names = {}
        for name in output:gmatch("%x+ %a ([^\n]+)") do names[#names + 1] = name end
        assert.same({ "luaopen_cloudcal_core" }, names)
    end)

    for _, version in ipairs(lua_versions()) do
        it("compiles without a warning for " .. version, function()
            temporary_directory(function(directory)
                local root = peer.shell("pwd"):match("[^\n]+")
                local output, ok = peer.shell(("cd %s && cc -std=c11 -O2 -fPIC -Wall -Wextra "
                    .. "-Werror $(pkg-config --cflags %s libcurl openssl) -c %s/src/*.c"):format(
                    directory, version, peer.quote(root)))
                assert.equal("", output)
                assert.is_true(ok)
            end)
        end)
    end

    it("calls no Lua in a callback, nor in what a callback calls", function()
        local list, todo, seen = all_functions(), {}, {}
        for _, fn in ipairs(list) do
            if fn.name:find("^on_") then todo[#todo + 1] = fn end
        end
        assert.is_true(#todo >= 5)
        while #todo > 0 do
            local fn = table.remove(todo)
            local body = table.concat(fn.body, "\n")
            assert.is_nil(body:find("lua_") or body:find("luaL_"), fn.path .. ": " .. fn.name)
            seen[fn] = true
            for _, other in ipairs(list) do
                local is_called = body:find("%f[%w_]" .. other.name .. "%s*%(")
                if is_called and not seen[other] then todo[#todo + 1] = other end
            end
        end
        for _, name in ipairs { "bytes_append", "engine_socket", "remember" } do
            local is_seen = false
            for fn in pairs(seen) do is_seen = is_seen or fn.name == name end
            assert.is_true(is_seen, name)
        end
    end)

    it("gives libcurl no function that is not named as a callback", function()
        for _, path in ipairs(C) do
            for option, value in read(path):gmatch("(CURLM?OPT_%w*FUNCTION),%s*([%w_]+)") do
                assert.truthy(value:find("^on_") or value == "NULL", path .. ": " .. option)
            end
        end
    end)

    it("has small functions", function()
        local sizes = {}
        for _, fn in ipairs(all_functions()) do
            sizes[#sizes + 1] = #fn.body
            assert.is_true(#fn.body <= 60, ("%s: %s"):format(fn.path, fn.name))
        end
        table.sort(sizes)
        assert.is_true(sizes[math.ceil(#sizes / 2)] <= 10)
        assert.is_true(sizes[math.ceil(#sizes * 0.9)] <= 30)
    end)

    it("has lines of at most 80 columns", function()
        for _, path in ipairs(C) do
            for number, line in ipairs(lines_of(path)) do
                assert.is_true(#line <= 80 or line:find("^#error") ~= nil, path .. ":" .. number)
            end
        end
    end)

    it("names the package of a header that is missing", function()
        local output = preprocess()
        assert.truthy(output:find("#error[^\n]*libcurl4%-openssl%-dev"), output)
        assert.truthy(output:find("#error[^\n]*libssl%-dev"), output)
        output = preprocess "curl/curl.h"
        assert.is_nil(output:find("#error[^\n]*libcurl4"), output)
        assert.truthy(output:find("#error[^\n]*libssl%-dev"), output)
    end)

    it("never exits, aborts, prints or handles signals", function()
        for _, fn in ipairs(all_functions()) do
            local body = table.concat(fn.body, "\n")
            for _, name in ipairs { "exit", "_exit", "abort", "printf", "fprintf", "puts", "signal",
                "sigaction", "atexit", "curl_global_cleanup" } do
                assert.is_nil(body:find("%f[%w_]" .. name .. "%s*%("), fn.path .. ": " .. fn.name)
            end
        end
    end)
end)

-- {======================================================
-- Lua
-- =======================================================}

describe("lua", function()
    it("passes luacheck, with specs and examples", function()
        local output, ok = peer.shell("luacheck --no-color -q lua spec examples docs")
        assert.is_true(ok, output)
    end)

    it("has lines of at most 100 characters", function()
        local rows = { ["lua/cloudcal/codes/generic.lua"] = true }
        for _, name in ipairs { "functions", "options", "results", "words" } do
            rows["docs/generator/" .. name .. ".lua"] = true
        end
        for _, path in ipairs(files "lua examples spec docs -name '*.lua'") do
            for number, line in ipairs(lines_of(path)) do
                local table_of_rows = rows[path] or path:find("^spec/golden/") ~= nil
                local length = core.utf8_length(line)
                assert.is_true(table_of_rows or (length ~= nil and length <= 100),
                    path .. ":" .. number)
            end
        end
    end)

    it("has small functions", function()
        local sizes = {}
        local listing = peer.shell(
            "for path in $(find lua -name '*.lua'); do luac5.4 -l -p $path | grep ^function; done")
        for path, first, last in listing:gmatch("function <([^>]-):(%d+),(%d+)>") do
            local size = math.max(1, last - first - 1)
            assert.is_true(size <= 60, path .. ":" .. first)
            sizes[#sizes + 1] = size
        end
        assert.is_true(#sizes > 300)
        table.sort(sizes)
        assert.is_true(sizes[math.ceil(#sizes / 2)] <= 10)
        assert.is_true(sizes[math.ceil(#sizes * 0.9)] <= 30)
    end)

    it("never exits or prints, except for the sandbox's process and log.stderr", function()
        for _, path in ipairs(LUA) do
            if not is_sandbox(module_name(path)) and not path:find("/log%.lua$") then
                local text = without_comments(read(path))
                for _, word in ipairs { "os%.exit", "io%.write", "io%.stdout", "io%.stderr",
                    "%f[%w_.:]print%s*%(" } do
                    assert.is_nil(text:find(word), path .. ": " .. word)
                end
            end
        end
    end)

    it("makes no global", function()
        local names = {}
        for i, path in ipairs(LUA) do names[i] = module_name(path) end
        local output, ok = peer.script([[
            local before = {}
            for name in pairs(_G) do before[name] = true end
            for name in given.names:gmatch("%S+") do require(name) end
            for name in pairs(_G) do
                if not before[name] then print(name) end
            end]], { names = table.concat(names, " ") })
        assert.equal("", output)
        assert.is_true(ok)
    end)
end)

-- {======================================================
-- The torture suite
-- =======================================================}

describe("the rows of the torture suite", function()
    local rows = read("spec/torture/run.sh"):match("\nall='([^']+)'")

    it("have a planted bug each, and a line in the table that the suite writes", function()
        local count, document = 0, read "docs/reliability.md"
        for row in rows:gmatch("%S+") do
            count = count + 1
            read("spec/torture/planted/" .. row .. ".patch")
            assert.truthy(document:find("\n| `" .. row .. "` | [^\n]+ | passed |\n"), row)
        end
        assert.is_true(count > 20)
    end)

    it("have bugs that fit what they are planted in", function()
        local hunks = 0
        for _, path in ipairs(files "spec/torture/planted -name '*.patch'") do
            local target, old = nil, nil
            local function check()
                if not old then return end
                hunks = hunks + 1
                local text = "\n" .. read(target)
                assert.truthy(text:find("\n" .. table.concat(old, "\n") .. "\n", 1, true), path)
            end
            for line in io.lines(path) do
                if line:find "^%-%-%- a/" then
                    check()
                    target, old = line:match "^%-%-%- a/(%S+)", nil
                elseif line:find "^@@" then
                    check()
                    old = {}
                elseif old and not line:find "^%+" and not line:find "^diff" then
                    if not line:find "^index" then old[#old + 1] = line:sub(2) end
                end
            end
            check()
        end
        assert.is_true(hunks > 20)
    end)
end)

describe("require \"cloudcal\" and the constructors", function()
    local CONSTRUCT = [[
        local cloudcal = require "cloudcal"
        local feishu = cloudcal.feishu { user_access_token = "u-1", ca_file = "/no/such/file" }
        cloudcal.lark { app_id = "cli_1", app_secret = "s" }:with { user = "alice" }
        cloudcal.youkong { environment = "sandbox" }
        cloudcal.youkong { environment = "production", client_key = "UK1", secret = "s" }
    ]]

    it("load no code table, no sandbox and no wrapper of the operating system", function()
        local output, ok = peer.script(CONSTRUCT .. [[
            for name in pairs(package.loaded) do
                if name:find("^cloudcal%.codes%.") or name:find("^cloudcal%.sandbox")
                    or name == "socket" or name == "cqueues" or name == "cloudcal.pretty" then
                    print(name)
                end
            end]])
        assert.equal("", output)
        assert.is_true(ok)
    end)

    it("open no file and make no connection", function()
        local output, ok = peer.script([[
            local function descriptors()
                local open = {}
                for number = 0, 1023 do
                    local file = io.open("/proc/self/fdinfo/" .. number)
                    if file then
                        file:close()
                        open[#open + 1] = number
                    end
                end
                return table.concat(open, " ")
            end
            local before = descriptors()
            ]] .. CONSTRUCT .. [[
            local after = descriptors()
            assert(before:find("^0 1 2"), before)
            assert(before == after, before .. " became " .. after)
            io.write("the same")]])
        assert.equal("the same", output)
        assert.is_true(ok)
    end)

    it("start no thread and no process", function()
        local output = peer.script(CONSTRUCT .. [[
            local threads = 0
            for line in io.lines("/proc/self/status") do
                threads = tonumber(line:match("^Threads:%s*(%d+)")) or threads
            end
            io.write(threads, " ", feishu and "client")]])
        assert.equal("1 client", output)
    end)
end)
