-- The tables of lua/ and the rows of docs/generator, put together. What does not fit is told in
-- one error that says what to add, and where.

local docstrings = require "docs.generator.docstrings"
local endpoints = require "cloudcal.endpoints"
local functions = require "docs.generator.functions"
local option_rows = require "docs.generator.options"
local options = require "cloudcal.options"
local sandbox_rows = require "docs.generator.sandbox"
local walk = require "docs.generator.walk"

local facts = {}

local complaints = {}

local function complain(format, ...)
    complaints[#complaints + 1] = format:format(...)
end

-- {======================================================
-- Functions
-- =======================================================}

local OWNERS = { "cloudcal", "cloudcal.stores", "cloudcal.log", "cloudcal.caldav", "client",
                 "platform", "youkong", "loop", "task", "store", "journal", "sandbox" }

local FUNCTIONS = "docs/generator/functions.lua"

local function set_of(list)
    local set = {}
    for _, one in ipairs(list or {}) do set[one] = true end
    return set
end

local function zh_of(row, name)
    if type(row.zh) == "table" then return row.zh[name] end
    return name == 1 and row.zh or nil
end

local function is_same(typed, given)
    for i = 1, math.max(#typed, #given) do
        if given[i] ~= typed[i] and not (given[i] == "_" and typed[i]) then return false end
    end
    return true
end

local function check_types(row, doc)
    local typed = {}
    for _, param in ipairs(row.params or {}) do typed[#typed + 1] = param[1] end
    if not is_same(typed, doc.given) then
        complain("%s: the row of %s.%s has params (%s), and %s has (%s)", FUNCTIONS, row[1], row[2],
            table.concat(typed, ", "), doc.where, table.concat(doc.given, ", "))
    end
    if not row.result and not row.returns then
        complain('%s: add `result = "TYPE"` (of a call) or `returns = { { "TYPE", "NAME" } }` '
            .. "to the row of %s.%s", FUNCTIONS, row[1], row[2])
    end
end

local function join(row, fn)
    local entry = { owner = row[1], name = row[2], row = row, fn = fn, params = {} }
    local doc, where = docstrings.of(fn)
    if not doc then
        complain("%s: %s.%s has no docstring; put lines that begin with `---` above it", where,
            row[1], row[2])
        return entry
    end
    check_types(row, doc)
    entry.en, entry.zh, entry.doc = doc.text, zh_of(row, 1), doc
    entry.en_returns, entry.zh_returns = doc.returns, zh_of(row, "returns")
    entry.en_params, entry.zh_params = {}, type(row.zh) == "table" and row.zh or {}
    for _, param in ipairs(doc.params) do entry.en_params[param.name] = param.text end
    if not entry.zh then
        complain("%s: add `zh = \"…\"` to the row of %s.%s", FUNCTIONS, row[1], row[2])
    end
    return entry
end

local function check_row(row, found)
    local owner, name = row[1], row[2]
    if not found[name] then
        complain("%s: there is no %s.%s any more; take its row out", FUNCTIONS, owner, name)
    else
        return true
    end
end

local function missing_rows(owner, found, rows)
    local internal, names = set_of(functions.internal[owner]), {}
    for name in pairs(found) do
        if not rows[name] and not internal[name] then names[#names + 1] = name end
    end
    table.sort(names)
    for _, name in ipairs(names) do
        complain("%s: add a row { %q, %q, params = { { NAME, TYPE } }, result = TYPE, zh = TEXT } "
            .. "(or add the name to `internal`)", FUNCTIONS, owner, name)
    end
end

local function functions_of(owner)
    local list, rows, found = {}, {}, walk.functions(owner)
    for _, row in ipairs(functions.rows) do
        if row[1] == owner then
            rows[row[2]] = row
            if check_row(row, found) then list[#list + 1] = join(row, found[row[2]]) end
        end
    end
    missing_rows(owner, found, rows)
    return list
end

-- Tables of the module that are not listed: a new name space needs rows of its own.
local function owners()
    local list, known = { table.unpack(OWNERS) }, set_of(OWNERS)
    local more = {}
    for owner in pairs(walk.objects) do
        if not known[owner] then more[#more + 1] = owner end
    end
    table.sort(more)
    return table.move(more, 1, #more, #list + 1, list)
end

local function values_of()
    local known, list = {}, {}
    for _, row in ipairs(functions.values) do
        known[row[1]] = true
        list[#list + 1] = { name = row[1], type = row[2], en = row.en, zh = row.zh }
    end
    for name, value in pairs(walk.objects.cloudcal) do
        local is_listed = known[name] or type(value) == "function" or type(value) == "table"
        if not is_listed then
            complain("%s: add to `values` a row { %q, TYPE, en = TEXT, zh = TEXT }", FUNCTIONS,
                name)
        end
    end
    return list
end

-- {======================================================
-- Options
-- =======================================================}

local OPTIONS = "docs/generator/options.lua"

local function names_of(set)
    if set.names then return set_of(set.names) end
    local both = set.both or { set[1], set[1] }
    local others, names = set.without and options[set.without] or {}, {}
    for name in pairs(options[both[1]]) do
        if options[both[2]][name] and not others[name] then names[name] = true end
    end
    return names
end

local function rows_by_name()
    local by, order = {}, {}
    for i, row in ipairs(option_rows.rows) do
        if by[row[1]] then complain("%s: there are two rows for %q", OPTIONS, row[1]) end
        by[row[1]], order[row[1]] = row, i
    end
    return by, order
end

local function option_set(set, by, order, used)
    local list = {}
    for name in pairs(names_of(set)) do
        local key = by[set[1] .. "." .. name] and set[1] .. "." .. name or name
        local row = by[key]
        if row then
            used[key] = true
            list[#list + 1] = { name = name, type = row[2], default = row[3], en = row.en,
                                zh = row.zh, required = set.required == name, order = order[key] }
        else
            complain("%s: add a row { %q, TYPE, DEFAULT or nothing, en = TEXT, zh = TEXT } for an "
                .. "option of the set %s", OPTIONS, name, set[1])
        end
    end
    table.sort(list, function(a, b) return a.order < b.order end)
    return { class = set.class, base = set.base, name = set[1], en = set.en, zh = set.zh,
             options = list }
end

local function option_sets()
    local by, order = rows_by_name()
    local list, used = {}, {}
    for i, set in ipairs(option_rows.sets) do list[i] = option_set(set, by, order, used) end
    for key in pairs(by) do
        if not used[key] then
            complain("%s: no set has the option %q; take its row out", OPTIONS, key)
        end
    end
    return list
end

-- {======================================================
-- The sandbox
-- =======================================================}

local SANDBOX = "docs/generator/sandbox.lua"

local function with_chinese(list, chinese, what)
    local known = {}
    for _, row in ipairs(list) do
        row.zh, known[row.name] = chinese[row.name], true
        if not row.zh then
            complain('%s: add to `%s` the line %s = "…"', SANDBOX, what, row.name)
        end
    end
    for name in pairs(chinese) do
        if not known[name] then
            complain("%s: the sandbox has no %s in `%s`; take the line out", SANDBOX, name, what)
        end
    end
    return list
end

local function sandbox_facts()
    local rows, credentials = {}, {}
    for _, row in ipairs(require("cloudcal.sandbox.options").list()) do
        if row.credential then credentials[#credentials + 1] = row.name
        else rows[#rows + 1] = row end
    end
    return {
        options = with_chinese(rows, sandbox_rows.options, "options"), credentials = credentials,
        faults = with_chinese(require("cloudcal.sandbox.faults").list(), sandbox_rows.faults,
            "faults"),
    }
end

-- {======================================================
-- Endpoints
-- =======================================================}

local function add_wrappers(all, endpoint, list)
    for _, entry in ipairs(all) do
        if entry.row.operation == endpoint.operation then list[#list + 1] = entry end
    end
end

local function endpoint_facts(by_owner)
    local public, internal = {}, {}
    for _, endpoint in ipairs(endpoints.all) do
        local wrappers = {}
        add_wrappers(by_owner.platform, endpoint, wrappers)
        add_wrappers(by_owner.youkong, endpoint, wrappers)
        if endpoint.internal then internal[#internal + 1] = endpoint
        else public[#public + 1] = { table = endpoint, wrappers = wrappers } end
    end
    return public, internal
end

-- =======================================================}

--- All of it: { owners, functions (by owner), values, option_sets, sandbox, endpoints, internal }.
-- Raises with a list of what is missing or too much.
function facts.gather()
    complaints = {}
    local all = { owners = owners(), functions = {}, values = values_of() }
    for _, owner in ipairs(all.owners) do all.functions[owner] = functions_of(owner) end
    all.option_sets, all.sandbox = option_sets(), sandbox_facts()
    all.endpoints, all.internal = endpoint_facts(all.functions)
    table.sort(complaints)
    if #complaints > 0 then error(table.concat(complaints, "\n"), 0) end
    return all
end

return facts
