-- library/cloudcal.lua: what lua-language-server shows and completes.

local results = require "docs.generator.results"
local shapes = require "docs.generator.shapes"
local text = require "docs.generator.text"

local WIDTH = 95

local function plain(value)
    return (value:gsub("`", ""):gsub("\n", " "))
end

local function add_comment(page, value)
    if not value or value == "" then return end
    for _, line in ipairs(text.wrap(plain(value), WIDTH)) do page("---" .. line) end
end

local function add_field(page, name, kind, optional, about)
    page("---@field %s%s %s%s", name, optional and "?" or "", kind,
        about and " " .. plain(about) or "")
end

-- A type that ends in "?" is that of something that may be absent.
local function part_type(kind)
    local base = kind:gsub("%?$", "")
    return base, base ~= kind
end

local function add_fields(page, fields)
    for _, field in ipairs(fields) do
        if field.name then
            add_field(page, field.name, field.type, field.optional, field.about)
        else
            local kind, optional = part_type(field[2])
            add_field(page, field[1], kind, optional, field.en)
        end
    end
end

local function add_class(page, name, base, fields)
    page("---@class %s%s", name, base and ": " .. base or "")
    add_fields(page, fields)
    page ""
end

-- {======================================================
-- Functions
-- =======================================================}

local function returns_of(entry)
    local row = entry.row
    if not row.result then return row.returns or {} end
    local kind = shapes.type(row.result, row.operation)
    return { { kind .. "?", "result" }, { "cloudcal.error?", "err" }, { "cloudcal.meta", "meta" } }
end

local function add_params(page, entry)
    local names, texts = {}, entry.en_params or {}
    for i, param in ipairs(entry.row.params or {}) do
        local kind, optional = part_type(shapes.type(param[2], entry.row.operation))
        local about = texts[param[1]]
        page("---@param %s%s %s%s", param[1], optional and "?" or "", kind,
            about and about ~= "" and " " .. plain(about) or "")
        names[i] = param[1]
    end
    return names
end

local function add_function(page, entry, variable, mark)
    local row = entry.row
    add_comment(page, entry.en)
    if row.generic then page("---@generic %s", row.generic) end
    local names = add_params(page, entry)
    for i, one in ipairs(returns_of(entry)) do
        local about = i == 1 and entry.en_returns
        page("---@return %s %s%s", one[1], one[2], about and " " .. plain(about) or "")
    end
    page("function %s%s%s(%s) end\n", variable, mark, entry.name, table.concat(names, ", "))
end

local function add_functions(page, list, variable, mark)
    for _, entry in ipairs(list) do add_function(page, entry, variable, mark) end
end

local function add_object(page, class, base, variable, list, fields)
    page("---@class %s%s", class, base and ": " .. base or "")
    add_fields(page, fields or {})
    page("local %s = {}\n", variable)
    add_functions(page, list, variable, ":")
end

-- {======================================================
-- The mirror
-- =======================================================}

local function children_of(all, service)
    local tree = {}
    for _, entry in ipairs(all.endpoints) do
        local endpoint = entry.table
        if endpoint.services[1] == service then
            local at = tree
            for name in endpoint.operation:gmatch("([^.]+)%.") do
                at[name] = at[name] or {}
                at = at[name]
            end
            at[endpoint.operation:match("[^.]+$")] = endpoint
        end
    end
    return tree
end

local function sorted_keys(tree)
    local keys = {}
    for key in pairs(tree) do keys[#keys + 1] = key end
    table.sort(keys)
    return keys
end

local function mirror_type(endpoint)
    return ("fun(request: %s): %s?, cloudcal.error?, cloudcal.meta"):format(
        shapes.class(endpoint.operation, "request"), shapes.class(endpoint.operation, "response"))
end

local function add_mirror(page, name, tree)
    page("---@class %s", name)
    for _, key in ipairs(sorted_keys(tree)) do
        local node = tree[key]
        if node.operation then
            page("---@field %s %s %s", key, mirror_type(node), node.summary.en)
        else
            page("---@field %s %s", key, name .. "." .. key)
        end
    end
    page ""
    for _, key in ipairs(sorted_keys(tree)) do
        if not tree[key].operation then add_mirror(page, name .. "." .. key, tree[key]) end
    end
end

-- The first names of the mirror, as fields of the client.
local function roots(tree, name)
    local fields = {}
    for _, key in ipairs(sorted_keys(tree)) do fields[#fields + 1] = { key, name .. "." .. key } end
    return fields
end

local function add_mirrors(page, tree, name)
    for _, key in ipairs(sorted_keys(tree)) do
        add_mirror(page, name .. "." .. key, tree[key])
    end
end

-- {======================================================
-- Tables
-- =======================================================}

local function add_kinds(page)
    page "---@alias cloudcal.kind"
    for _, row in ipairs(results.kinds) do page("---| %q # %s", row[1], plain(row.en)) end
    page "\n---@alias cloudcal.log_level \"debug\"|\"info\"|\"warn\"|\"error\"\n"
end

local function add_option_sets(page, all)
    for _, set in ipairs(all.option_sets) do
        local fields = {}
        for i, option in ipairs(set.options) do
            fields[i] = { name = option.name, type = option.type, optional = not option.required,
                          about = option.en }
        end
        add_class(page, set.class, set.base, fields)
    end
    add_class(page, "cloudcal.platform_view", "cloudcal.platform_options, cloudcal.view_options",
        {})
    add_class(page, "cloudcal.youkong_view", "cloudcal.youkong_options, cloudcal.view_options", {})
    add_class(page, "cloudcal.raw_request", "cloudcal.platform_call_options", {
        { "method", '"GET"|"POST"|"PUT"|"PATCH"|"DELETE"?',
          en = "GET if absent; Youkong's is POST." },
        { "path", "string" }, { "query", "table<string, any>?" }, { "body", "table|string?" },
        { "repeatable", "boolean?", en = "Safe to send again." },
        { "user_code", "string?", en = "Youkong: goes into the signed Client." },
    })
end

local SANDBOX_TYPES = { faults = "string[]", rate = "table|false", help = "boolean" }

local function sandbox_type(row)
    if SANDBOX_TYPES[row.name] then return SANDBOX_TYPES[row.name] end
    if row.switch then return "boolean" end
    return type(row.default) == "number" and "number" or "string|number"
end

local function add_sandbox(page, all)
    local fields = {}
    for _, row in ipairs(all.sandbox.options) do
        fields[#fields + 1] = { row.name, sandbox_type(row) .. "?", en = row.about }
    end
    for _, name in ipairs(all.sandbox.credentials) do fields[#fields + 1] = { name, "string?" } end
    for _, name in ipairs { "interpreter", "lua_path", "lua_cpath" } do
        fields[#fields + 1] = { name, "string?" }
    end
    add_class(page, "cloudcal.sandbox.options", nil, fields)
    add_class(page, "cloudcal.sandbox.ready", nil, results.ready)
end

local function add_tables(page, all)
    add_kinds(page)
    add_class(page, "cloudcal.error", nil, results.error)
    add_class(page, "cloudcal.meta", nil, results.meta)
    for _, record in ipairs(results.records) do add_class(page, record[1], nil, record.fields) end
    for _, entry in ipairs(all.endpoints) do
        for _, class in ipairs(shapes.of(entry.table)) do
            if class.alias then page("---@alias %s %s\n", class.name, class.alias)
            else add_class(page, class.name, class.base, class.fields) end
        end
    end
    add_option_sets(page, all)
end

-- {======================================================
-- Objects
-- =======================================================}

local function add_clients(page, all)
    local platform, youkong = children_of(all, "feishu"), children_of(all, "youkong")
    add_mirrors(page, platform, "cloudcal.mirror")
    add_mirrors(page, youkong, "cloudcal.mirror")
    add_object(page, "cloudcal.client", nil, "client", all.functions.client)
    add_object(page, "cloudcal.platform", "cloudcal.client", "platform", all.functions.platform,
        roots(platform, "cloudcal.mirror"))
    page "---@class cloudcal.feishu: cloudcal.platform\n"
    page "---@class cloudcal.lark: cloudcal.platform\n"
    add_object(page, "cloudcal.youkong", "cloudcal.client", "youkong", all.functions.youkong,
        roots(youkong, "cloudcal.mirror"))
    add_object(page, "cloudcal.task", nil, "task", all.functions.task)
    add_object(page, "cloudcal.loop", nil, "loop", all.functions.loop)
    add_object(page, "cloudcal.store", nil, "store", all.functions.store)
    add_object(page, "cloudcal.journal", nil, "journal", all.functions.journal, results.journal)
end

local DONE = { client = true, platform = true, youkong = true, task = true, loop = true,
               store = true, journal = true, sandbox = true, cloudcal = true }

local function add_module(page, all)
    page "---@class cloudcal"
    for _, value in ipairs(all.values) do
        add_field(page, value.name, value.type, false, value.en)
    end
    page "local cloudcal = {}\n"
    for _, owner in ipairs(all.owners) do
        if not DONE[owner] then
            page("%s = {}\n", owner)
            add_functions(page, all.functions[owner], owner, ".")
        end
    end
    add_functions(page, all.functions.cloudcal, "cloudcal", ".")
    page "return cloudcal\n"
end

local HEAD = "-- Types for lua-language-server: add this folder to its workspace.library.\n"
    .. "-- Made by ./run docs from the tables in lua/cloudcal and docs/generator: change those.\n"

local types = {}

--- library/cloudcal.lua
function types.module(all)
    local page = text.page()
    page("---@meta cloudcal\n\n" .. HEAD)
    add_tables(page, all)
    add_clients(page, all)
    add_module(page, all)
    return page()
end

--- library/cloudcal/sandbox.lua
function types.sandbox(all)
    local page = text.page()
    page("---@meta cloudcal.sandbox\n\n" .. HEAD)
    add_sandbox(page, all)
    page "---@class cloudcal.sandbox\nlocal sandbox = {}\n"
    add_functions(page, all.functions.sandbox, "sandbox", ".")
    page "return sandbox\n"
    return page()
end

return types
