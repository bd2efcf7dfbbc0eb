--- The reference, the editor types and the rockspecs: made anew they are what is committed. The
--- first two name what is there and nothing else, and their examples run.

local annotations = require "spec.annotations"
local cloudcal = require "cloudcal"
local docstrings = require "docs.generator.docstrings"
local endpoints = require "cloudcal.endpoints"
local files = require "spec.files"
local functions = require "docs.generator.functions"
local lua = require "spec.lua"
local options = require "cloudcal.options"
local peer = require "spec.peer"
local results = require "docs.generator.results"
local walk = require "docs.generator.walk"

local REFERENCES = { "docs/reference.md", "docs/reference.zh-CN.md" }
local PAGES = { "docs/codes.md", "docs/codes.zh-CN.md" }
local TYPES = { "library/cloudcal.lua", "library/cloudcal/sandbox.lua" }

-- The names of the contract, typed here a second time.
local CONTRACT = {
    cloudcal = [[feishu lark youkong null explain pretty assert sleep map loop redis journal]],
    ["cloudcal.caldav"] = "address profile write_profile check", journal = "write close",
    ["cloudcal.stores"] = "memory file nginx", ["cloudcal.log"] = "stderr nginx",
    client = "request with warm_up",
    platform = [[generate_caldav_conf create_exchange_binding get_exchange_binding
        delete_exchange_binding wait_exchange_binding primary_calendar authorization_url
        exchange_code login set_app_ticket resend_app_ticket]],
    youkong = "put_calendar create_calendar update_calendar",
    loop = "spawn step run fd timeout pollfd events getfd dirty", task = "done result cancel",
    sandbox = "start",
}

local ERROR_FIELDS = [[kind code name message msg hint hint_zh http_status log_id retry_after field
    acted retryable gave_up stage service operation violations helps troubleshooter body raw
    traceback]]

local META_FIELDS = [[status headers log_id request_id attempts elapsed waited timings id_changed
    clock_skew already_gone raw state code_verifier]]

local KINDS = [[invalid_request unauthenticated login_required app_setup permission_denied not_found
    rate_limited quota_exhausted service_error rejected bad_response too_large network tls timeout
    cancelled cannot_wait out_of_memory]]

local function words_of(text)
    local list = {}
    for word in text:gmatch("%S+") do list[#list + 1] = word end
    return list
end

local read, write = files.read, files.write

local function shell(command, ...)
    local output, ok = peer.shell(command:format(...))
    return output, ok
end

local directory

setup(function() directory = shell("mktemp -d"):match("[^\n]+") end)

teardown(function() shell("rm -rf " .. directory) end)

-- {======================================================
-- ./run docs
-- =======================================================}

-- Generates into a directory that holds what is committed. `before` is Lua that runs first.
local function generate(before)
    return shell("%s -e %s docs/generate.lua %s", lua.command_54(), peer.quote(before or ""),
        directory)
end

describe("docs/generate.lua", function()
    before_each(function()
        shell("rm -rf %s/docs %s/library; cp -r docs library *.rockspec %s", directory, directory,
            directory)
    end)

    it("makes what is committed: else ./run docs, and commit", function()
        local output, ok = generate()
        assert.is_true(ok, output)
        assert.equal("8 files, all up to date\n", output)
    end)

    it("names a file that was not up to date, and the second time it is", function()
        write(directory .. "/docs/codes.md", "something else\n")
        write(directory .. "/cloudcal-scm-1.rockspec", "")
        shell("rm -r %s/library/cloudcal", directory)
        local output, ok = generate()
        assert.is_false(ok)
        assert.equal("cloudcal-scm-1.rockspec was not up to date; it is now\n"
            .. "docs/codes.md was not up to date; it is now\n"
            .. "library/cloudcal/sandbox.lua was not up to date; it is now\n", output)
        assert.equal(read "docs/codes.md", read(directory .. "/docs/codes.md"))
        output, ok = generate()
        assert.is_true(ok, output)
    end)

    it("says what to add for a new name, and where", function()
        for before, wanted in pairs {
            ['require("cloudcal").brand_new = function() end'] =
                'docs/generator/functions.lua: add a row { "cloudcal", "brand_new", ',
            ['require("cloudcal").stores.brand_new = function() end'] =
                'docs/generator/functions.lua: add a row { "cloudcal.stores", "brand_new", ',
            ['require("cloudcal").brand_new = { name = function() end }'] =
                'docs/generator/functions.lua: add a row { "cloudcal.brand_new", "name", ',
            ['require("cloudcal").brand_new = 1'] =
                'docs/generator/functions.lua: add to `values` a row { "brand_new", ',
            ['require("cloudcal").sleep = nil'] =
                "docs/generator/functions.lua: there is no cloudcal.sleep any more",
            ['require("cloudcal").pretty = load("return function(value) end")()'] =
                "cloudcal.pretty has no docstring",
            ['require("cloudcal.options").platform.brand_new = 1'] =
                'docs/generator/options.lua: add a row { "brand_new", ',
            ['require("cloudcal.options").login.scope = nil '
                .. 'require("cloudcal.options").authorization_url.scope = nil'] =
                'docs/generator/options.lua: no set has the option "scope"',
        } do
            local output, ok = generate(before)
            assert.is_false(ok)
            assert.truthy(output:find(wanted, 1, true), output)
        end
    end)
end)

describe("./run docs", function()
    it("works in a clone", function()
        local clone = directory .. "/a clone"
        shell("mkdir %s && cp -a run Makefile lua src docs library build *.rockspec %s",
            peer.quote(clone), peer.quote(clone))
        local output, ok = shell("cd / && %s docs </dev/null", peer.quote(clone .. "/run"))
        assert.is_true(ok, output)
        assert.equal("8 files, all up to date\n", output)
        write(clone .. "/docs/reference.md", "")
        output, ok = shell("cd / && %s docs </dev/null", peer.quote(clone .. "/run"))
        assert.is_false(ok)
        assert.equal("docs/reference.md was not up to date; it is now\n", output)
    end)
end)

-- {======================================================
-- Names
-- =======================================================}

local PREFIX = { client = "client:", platform = "feishu:", youkong = "youkong:", loop = "loop:",
                 task = "task:", store = "store:", journal = "journal:",
                 sandbox = 'require("cloudcal.sandbox").' }

local function written(owner, name)
    return (PREFIX[owner] or owner .. ".") .. name
end

local function internal(owner)
    local set = {}
    for _, name in ipairs(functions.internal[owner] or {}) do set[name] = true end
    return set
end

-- Each public name: owner, name, function
local function each_function(visit)
    for owner in pairs(walk.objects) do
        local hidden = internal(owner)
        for name, fn in pairs(walk.functions(owner)) do
            if not hidden[name] then visit(owner, name, fn) end
        end
    end
end

local types = annotations.read(TYPES)

-- How the types file writes an owner: the variable, and what parts it from the name.
local function typed(owner, name)
    if owner:find("^cloudcal") or owner == "sandbox" then return owner .. "." .. name end
    return owner .. ":" .. name
end

describe("the reference and the types", function()
    it("have the names of the contract", function()
        for owner, names in pairs(CONTRACT) do
            for _, name in ipairs(words_of(names)) do
                for _, path in ipairs(REFERENCES) do
                    local heading = "# `" .. written(owner, name)
                    assert.truthy(read(path):find(heading, 1, true), path .. ": " .. heading)
                end
                local fields = types.classes[owner] and types.classes[owner].fields or {}
                assert.truthy(types.functions[typed(owner, name)] or fields[name]
                    or read(TYPES[1]):find("\ncloudcal." .. name .. " = ", 1, true), name)
            end
        end
    end)

    it("have every public function", function()
        each_function(function(owner, name)
            local heading = "# `" .. written(owner, name) .. "("
            for _, path in ipairs(REFERENCES) do
                assert.truthy(read(path):find(heading, 1, true), path .. ": " .. heading)
            end
            assert.is_true(types.functions[typed(owner, name)], typed(owner, name))
        end)
    end)

    it("have no other function", function()
        local names = {}
        each_function(function(owner, name)
            names[written(owner, name)], names[typed(owner, name)] = true, true
        end)
        for name in pairs(types.functions) do assert.is_true(names[name], name) end
        for _, path in ipairs(REFERENCES) do
            for name in read(path):gmatch("\n#+ `([^`]-)%(") do
                if name ~= "require" then assert.is_true(names[name], path .. ": " .. name) end
            end
        end
    end)

    it("have every field of errors and of meta, and every kind", function()
        for class, wanted in pairs {
            ["cloudcal.error"] = ERROR_FIELDS, ["cloudcal.meta"] = META_FIELDS,
        } do
            assert.same(words_of(wanted), types.classes[class].order)
            for _, path in ipairs(REFERENCES) do
                local text = read(path)
                for _, name in ipairs(words_of(wanted)) do
                    assert.truthy(text:find("\n| `" .. name .. "` |", 1, true), name)
                end
            end
        end
        for _, kind in ipairs(words_of(KINDS)) do
            assert.truthy(read(TYPES[1]):find('\n---| "' .. kind .. '" #', 1, true), kind)
            for _, path in ipairs(REFERENCES) do
                assert.truthy(read(path):find("\n| `" .. kind .. "` |", 1, true), kind)
            end
        end
    end)

    it("have every endpoint that can be called, and the codes of its table", function()
        for _, path in ipairs(REFERENCES) do
            local text = read(path)
            for _, endpoint in ipairs(endpoints.all) do
                local heading = "\n### " .. endpoint.operation .. "\n"
                local at = text:find(heading, 1, true)
                assert.equal(not endpoint.internal, at ~= nil)
                assert.truthy(text:find(endpoint.method .. " " .. endpoint.path, 1, true))
                for _, code in ipairs(endpoint.codes) do
                    assert.truthy(endpoint.internal or text:find("\n| " .. code .. " |", at, true))
                end
            end
        end
    end)

    it("have every code", function()
        for _, path in ipairs(PAGES) do
            local text = read(path)
            for _, name in ipairs { "calendar", "token", "generic" } do
                for code in pairs(require("cloudcal.codes." .. name)) do
                    assert.truthy(text:find("\n| " .. code .. " |", 1, true), code)
                end
            end
            for name in pairs(require "cloudcal.codes.local_errors") do
                assert.truthy(text:find("\n| `" .. name .. "` |", 1, true), name)
            end
            for _, row in pairs(require "cloudcal.codes.transport") do
                assert.truthy(text:find("\n| `" .. row.name .. "` |", 1, true), row.name)
            end
        end
    end)

    it("have the same rows in both languages", function()
        for _, pair in ipairs { REFERENCES, PAGES } do
            local first, second = {}, {}
            for cell in read(pair[1]):gmatch("\n(| `?[%w_.]+`? |)") do first[#first + 1] = cell end
            for cell in read(pair[2]):gmatch("\n(| `?[%w_.]+`? |)") do
                second[#second + 1] = cell
            end
            local function named(list)
                local kept = {}
                for _, cell in ipairs(list) do
                    if cell:find("`", 1, true) then kept[#kept + 1] = cell end
                end
                return kept
            end
            assert.same(named(first), named(second))
        end
    end)
end)

-- {======================================================
-- Types
-- =======================================================}

describe("the types", function()
    it("are well formed: no type is unknown, nothing is there twice", function()
        assert.same({}, types.problems)
    end)

    it("would not pass with a mistake", function()
        local path = directory .. "/wrong.lua"
        for _, line in ipairs {
            "---@field a string\n", "---@class c\n---@field a strin\n", "---@class c: d\n",
            "---@class c\n---@field a string|\n", "---@class c\n---@field a fun(b: string\n",
            "---@class c\n---@field a (string\n", "---@class c\n---@class c\n", "---@clas c\n",
            "---@class c\n---@field a string\n---@field a string\n", "---@return string\n",
            "---@class c\n---@field a table<string, integer\n", "---@param a string[ b\n",
            "local c = {}\n---@param b string\nfunction c.a(d) end\n",
            "local c = {}\nfunction c.a() end\nfunction c.a() end\n",
        } do
            write(path, line)
            assert.truthy(annotations.read({ path }).problems[1], line)
        end
        for _, text in ipairs {
            "string", '"a"|"b"|string', "(fun(a: string, b?: integer): string?, string?)",
            "table<string, any>", "integer[]", "fun(...: any): ...: any", "string and more",
        } do
            assert.truthy(annotations.type(text), text)
        end
    end)

    it("have the mirror that the clients have", function()
        local count = 0
        local function visit(class, object)
            for name, kind in pairs(types.classes[class].fields) do
                local inner = kind:match("^cloudcal%.mirror%.[%w_.]+")
                assert.equal(inner and "table" or "function", type(object[name]), class .. name)
                if inner then visit(inner, object[name]) else count = count + 1 end
            end
            for name in pairs(object) do assert.truthy(types.classes[class].fields[name], name) end
        end
        local wanted = 0
        for _, endpoint in ipairs(endpoints.all) do
            if not endpoint.internal then wanted = wanted + 1 end
        end
        visit("cloudcal.mirror.calendar", walk.clients.lark.calendar)
        visit("cloudcal.mirror.allinone", walk.clients.youkong.allinone)
        assert.equal(wanted, count)
    end)

    it("have the fields of the endpoint tables", function()
        for _, endpoint in ipairs(endpoints.all) do
            for section, fields in pairs(endpoint.internal and {} or endpoint.request) do
                local wanted = {}
                for _, field in ipairs(fields) do
                    if not field.filled then wanted[#wanted + 1] = field.name end
                end
                local class = "cloudcal." .. endpoint.operation .. "." .. section
                assert.same(wanted, types.classes[class].order)
            end
        end
    end)

    it("have the options that are taken", function()
        local function check(class, ...)
            for name in pairs(types.classes[class].fields) do
                for _, set in ipairs { ... } do assert.truthy(set[name], class .. ": " .. name) end
            end
        end
        local function check_all(class, set)
            check(class, set)
            for name in pairs(set) do assert.truthy(types.classes[class].fields[name], name) end
        end
        check_all("cloudcal.redis_options", options.redis)
        check_all("cloudcal.caldav.profile_options", options.caldav_profile)
        check_all("cloudcal.caldav.check_options", options.caldav_check)
        check("cloudcal.client_options", options.platform, options.youkong)
        check("cloudcal.platform_options", options.platform)
        check("cloudcal.youkong_options", options.youkong)
        check("cloudcal.call_options", options.call, options.platform_call)
        check("cloudcal.platform_call_options", options.platform_call)
        for _, name in ipairs { "authorization_url", "exchange_code", "login" } do
            check("cloudcal." .. name .. "_options", options[name])
        end
        for name in pairs(types.classes["cloudcal.wait_options"].fields) do
            local fine, problem = pcall(walk.clients.feishu.wait_exchange_binding,
                walk.clients.feishu, "id", { [name] = {} })
            assert.truthy(not fine and problem:find(name .. "' must be", 1, true), problem)
        end
        for name in pairs(types.classes["cloudcal.map_options"].fields) do
            local fine, problem = pcall(cloudcal.map, {}, print, { [name] = {} })
            assert.truthy(not fine and problem:find(name .. "' must be", 1, true), problem)
        end
    end)
end)

-- {======================================================
-- Examples
-- =======================================================}

local function examples_of(path)
    local blocks = {}
    for block in read(path):gmatch("\n```lua\n(.-)\n```") do blocks[#blocks + 1] = block end
    return table.concat(blocks, "\n"), #blocks
end

describe("the examples of the reference", function()
    it("run as one program against the sandbox", function()
        local code, count = examples_of "docs/reference.md"
        assert.is_true(count >= 25)
        local path = directory .. "/examples.lua"
        write(path, code)
        local output, ok = shell("%s %s", lua.command(), path)
        assert.is_true(ok, output)
        assert.truthy(output:find("service_error%s+502%s+maybe"), output)
        assert.truthy(output:find("method_rate_limited", 1, true), output)
    end)

    it("are the same in Chinese", function()
        assert.equal(examples_of "docs/reference.md", examples_of "docs/reference.zh-CN.md")
    end)

    it("show each call of a client", function()
        local code = examples_of "docs/reference.md"
        for _, owner in ipairs { "client", "platform", "youkong" } do
            for _, name in ipairs(words_of(CONTRACT[owner])) do
                assert.truthy(code:find(":" .. name, 1, true), name)
            end
        end
    end)

    it("meet a sandbox that is as the reference says", function()
        local sandbox = assert(require("cloudcal.sandbox").start {
            lua_path = package.path, interpreter = "lua5.4",
            lua_cpath = package.cpath:gsub("/" .. lua.version:gsub("%.", "%%.") .. "/", "/5.4/"),
        })
        local seen = {}
        for _, row in ipairs(results.ready) do
            assert.truthy(sandbox[row[1]], row[1])
            seen[row[1]] = true
        end
        for name in pairs(sandbox) do assert.is_true(seen[name], name) end
        sandbox.stop()
    end)
end)

describe("the rows of docs/generator", function()
    it("have the same words in both languages", function()
        local words = require "docs.generator.words"
        local function compare(first, second, path)
            for key, value in pairs(first) do
                assert.equal(type(value), type(second[key]), path .. tostring(key))
                if type(value) == "table" then compare(value, second[key], path .. key .. ".") end
            end
        end
        compare(words.en, words.zh, "en ")
        compare(words.zh, words.en, "zh ")
    end)

    it("repeat defaults of the code as they are there", function()
        for path, line in pairs {
            ["lua/cloudcal/map.lua"] = "local CONCURRENCY = 8\n",
            ["lua/cloudcal/caldav/session.lua"] = "local MAX_RESPONSE = 2 * 1024 * 1024 --",
            ["lua/cloudcal/stores/redis.lua"] = 'local PREFIX, PROCESSES = "cloudcal:", 4\n',
            ["lua/cloudcal/limiter.lua"] = "local MAX_WAIT, MAX_WAIT_IN_NGINX = 60, 5 --",
        } do
            assert.truthy(read(path):find(line, 1, true), path .. ": see docs/generator")
        end
    end)

    it("give an example to each function that has one, and to no other", function()
        local known = { setup = true, errors = true, sandbox = true }
        each_function(function(owner, name) known[owner .. "." .. name] = true end)
        for name in pairs(require "docs.generator.examples") do
            assert.is_true(known[name], name)
        end
    end)
end)

-- {======================================================
-- Docstrings
-- =======================================================}

describe("the docstrings", function()
    it("stand above every public function, and tell of each parameter", function()
        local missing = {}
        local function note(owner, name, problem)
            missing[#missing + 1] = ("%s: %s"):format(written(owner, name), problem)
        end
        each_function(function(owner, name, fn)
            local doc, where = docstrings.of(fn)
            if not doc then return note(owner, name, "none at " .. where) end
            local told = {}
            for _, param in ipairs(doc.params) do told[param.name] = true end
            for i, given in ipairs(doc.given) do
                local known = told[given] or given == "..." or doc.params[i]
                if not known then note(owner, name, "nothing about " .. given) end
            end
        end)
        table.sort(missing)
        assert.same({}, missing)
    end)

    it("of calls to a service name their source", function()
        local missing = {}
        each_function(function(owner, name, fn)
            if owner ~= "platform" and owner ~= "youkong" then return end
            local doc = docstrings.of(fn)
            local by_others = name == "wait_exchange_binding" -- get_exchange_binding says it
            if not by_others and not doc.source then missing[#missing + 1] = name end
        end)
        assert.same({}, missing)
    end)
end)
