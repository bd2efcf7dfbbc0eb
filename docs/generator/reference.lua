-- docs/reference.md and docs/reference.zh-CN.md.

local codes = require "cloudcal.codes"
local examples = require "docs.generator.examples"
local results = require "docs.generator.results"
local shapes = require "docs.generator.shapes"
local text = require "docs.generator.text"
local words = require "docs.generator.words"

local code, codes_of = text.code, text.codes

-- How a function of an owner is called.
local PREFIX = {
    client = "client:", platform = "feishu:", youkong = "youkong:", loop = "loop:",
    task = "task:", store = "store:", journal = "journal:",
    sandbox = "require(\"cloudcal.sandbox\").",
}

local function prefix_of(owner)
    return PREFIX[owner] or owner .. "."
end

local function separator(language)
    return language == "zh" and "；" or "; "
end

local function signature(entry)
    local names = {}
    for _, param in ipairs(entry.row.params) do
        local optional = param[2]:find("%?$") ~= nil
        names[#names + 1] = optional and "[" .. param[1] .. "]" or param[1]
    end
    return ("%s%s(%s)"):format(prefix_of(entry.owner), entry.name, table.concat(names, ", "))
end

-- {======================================================
-- Functions
-- =======================================================}

local function add_parameters(page, entry, language)
    local w, texts, is_any = words[language], entry[language .. "_params"], false
    for _, param in ipairs(entry.row.params or {}) do
        local about = texts[param[1]]
        if about and about ~= "" then
            page("- %s%s%s", code(param[1]), w.colon, about)
            is_any = true
        end
    end
    local returns = entry[language .. "_returns"]
    if returns then
        page("- %s%s%s", w.returns, w.colon, returns)
        is_any = true
    end
    if is_any then page "" end
end

local function add_example(page, key, language)
    local example = examples[key]
    if not example then return end
    local w = words[language]
    page("%s%s\n\n```lua\n%s\n```\n", w.example_is, (w.colon:gsub(" $", "")), example)
end

local function add_function(page, entry, language, level)
    page("%s %s\n", ("#"):rep(level), code(signature(entry)))
    page(entry[language] .. "\n")
    add_parameters(page, entry, language)
    add_example(page, entry.owner .. "." .. entry.name, language)
end

-- {======================================================
-- Endpoints
-- =======================================================}

local function range(field, w)
    if not field.min and not field.max then return nil end
    if field.min and field.min > 0 and field.max then
        return w.from_to:format(field.min, field.max) .. w.characters
    end
    if field.max then return w.at_most:format(field.max) .. w.characters end
    return w.at_least:format(field.min) .. w.characters
end

local function type_text(field, w)
    return field.type == "array" and w.array_of or w.types[field.type]
end

local function field_notes(field, language)
    local w, notes = words[language], {}
    local function note(value) notes[#notes + 1] = value end
    note(range(field, w))
    if field.enum then note(w.one_of .. " " .. codes_of(field.enum)) end
    if field.default ~= nil then note(w.default_is:format(code(field.default))) end
    if field.empty_is_absent then note(w.empty_is_absent) end
    if field.field_scope then note(w.needs_scope:format(code(field.field_scope))) end
    if field.secret then note(w.secret) end
    if field.example ~= nil then note(w.example:format(code(field.example))) end
    local about = field.about and field.about[language]
    local rest = table.concat(notes, separator(language)):gsub("^%l", string.upper)
    if not about or rest == "" then return about or rest end
    return about .. (language == "zh" and "" or " ") .. rest
end

local function field_row(prefix, field, language)
    local w = words[language]
    local kind = type_text(field, w)
    if field.required then kind = kind .. (language == "zh" and "，" or ", ") .. w.required end
    if field.filled then return { code(prefix .. field.name), kind, w.filled } end
    return { code(prefix .. field.name), kind, field_notes(field, language) }
end

local function add_rows(rows, prefix, fields, language, is_answer)
    for _, field in ipairs(fields) do
        local shown = field
        if is_answer then
            shown = setmetatable({ required = false }, { __index = field })
        end
        rows[#rows + 1] = field_row(prefix, shown, language)
        if field.fields then
            local inner = prefix .. field.name .. (field.type == "array" and "[]." or ".")
            add_rows(rows, inner, field.fields, language, is_answer)
        end
    end
end

local function field_table(rows, w)
    if #rows == 0 then return w.no_fields .. "\n" end
    return text.table({ w.field, w.type, w.about }, rows)
end

local function mirror_call(endpoint)
    local service = endpoint.services[1]
    local sections = {}
    for _, name in ipairs(shapes.sections(endpoint)) do
        local fields = {}
        for _, field in ipairs(endpoint.request[name]) do
            if not field.filled then fields[#fields + 1] = field.name .. " = …" end
            if #fields == 3 then break end
        end
        local more = #fields < #endpoint.request[name] and #fields == 3 and ", …" or ""
        sections[#sections + 1] = ("%s = { %s%s }"):format(name, table.concat(fields, ", "), more)
    end
    return ("%s.%s { %s }"):format(service, endpoint.operation, table.concat(sections, ", "))
end

local function translated(list, by)
    local found = {}
    for i, one in ipairs(list) do
        assert(by[one], "docs/generator/words.lua: add a text for " .. one)
        found[i] = by[one]
    end
    return found
end

local function rate_text(endpoint, w)
    local rate = endpoint.rate_limit
    return rate and w.rates:format(rate.per_second, rate.per_minute) or w.no_rate
end

local function again_text(endpoint, w)
    if type(endpoint.repeatable) == "table" then return w.again_put end
    return endpoint.repeatable and w.again_yes or w.again_no
end

local function refusals(endpoint, language)
    local list = {}
    for _, rule in ipairs(endpoint.refuse or {}) do
        list[#list + 1] = ("%s + %s%s%s"):format(code("identity = \"" .. rule.identity .. "\""),
            code(rule.field .. " = \"" .. rule.value .. "\""), words[language].colon,
            language == "zh" and rule.message_zh or rule.message)
    end
    return list
end

local function facts_rows(endpoint, language)
    local w, rows = words[language], {}
    local comma = language == "zh" and "、" or ", "
    local function row(name, value)
        if value and value ~= "" then rows[#rows + 1] = { name, value } end
    end
    row(w.operation, code(endpoint.operation))
    row(w.services, table.concat(translated(endpoint.services, w.service_names), comma))
    row(w.http, code(endpoint.method .. " " .. endpoint.path))
    row(w.tokens, #endpoint.tokens == 0 and w.no_token
        or table.concat(translated(endpoint.tokens, w.token_kinds), comma))
    row(w.apps, table.concat(translated(endpoint.app_types or {}, w.app_types), comma))
    row(w.scopes, codes_of(endpoint.scopes or {}))
    row(w.field_scopes, codes_of(endpoint.field_scopes or {}))
    row(w.preconditions,
        table.concat(translated(endpoint.preconditions or {}, w.conditions), separator(language)))
    row(w.refused_here, table.concat(refusals(endpoint, language), separator(language)))
    row(w.rate_limit, rate_text(endpoint, w))
    row(w.again, again_text(endpoint, w))
    row(w.document, "<" .. endpoint.doc .. ">")
    return rows
end

local function add_codes(page, endpoint, language)
    local w, rows = words[language], {}
    page("**%s**\n", w.errors_here)
    if #endpoint.codes == 0 then
        page(w.no_codes .. "\n")
        return
    end
    for _, number in ipairs(endpoint.codes) do
        local row = assert(codes.find(number), "no code table has " .. number)
        rows[#rows + 1] = { number, code(row.kind), code(row.name), row.http or "",
                            language == "zh" and row.hint_zh or row.hint }
    end
    page(text.table({ w.code, w.kind, w.name, w.status, w.hint }, rows))
    page(w.errors_also .. "\n")
end

local function add_endpoint(page, entry, language)
    local endpoint, w = entry.table, words[language]
    page("### %s\n", endpoint.operation)
    page(endpoint.summary[language] .. "\n")
    page(text.table({ "", "" }, facts_rows(endpoint, language)))
    page("%s%s%s\n", w.mirror, w.colon, code(mirror_call(endpoint)))
    local sent, answered = {}, {}
    for _, section in ipairs(shapes.sections(endpoint)) do
        add_rows(sent, section .. ".", endpoint.request[section], language)
    end
    add_rows(answered, "", endpoint.response, language, true)
    page("**%s**\n", w.fields)
    page(field_table(sent, w))
    page("**%s**\n", w.answer)
    page(field_table(answered, w))
    add_codes(page, endpoint, language)
    for _, wrapper in ipairs(entry.wrappers) do add_function(page, wrapper, language, 4) end
end

local function add_internal(page, all, language)
    local w, rows = words[language], {}
    page("### %s\n", w.internal)
    for _, endpoint in ipairs(all.internal) do
        rows[#rows + 1] = { code(endpoint.operation),
                            code(endpoint.method .. " " .. endpoint.path),
                            endpoint.summary[language] }
    end
    page(text.table({ w.operation, w.http, w.summary }, rows))
end

-- {======================================================
-- Tables of rows
-- =======================================================}

local function type_code(kind)
    return code(kind:match("^%((.*)%)$") or kind)
end

local function add_fields(page, fields, language)
    local w, rows = words[language], {}
    for _, field in ipairs(fields) do
        rows[#rows + 1] = { code(field[1]), type_code(field[2]), field[language] }
    end
    page(text.table({ w.field, w.type, w.about }, rows))
end

local function add_option_set(page, set, language)
    local w, rows = words[language], {}
    page("### %s\n", set[language])
    if set.name == "view" then page(w.view_note .. "\n") end
    for _, option in ipairs(set.options) do
        rows[#rows + 1] = { code(option.name), type_code(option.type),
                            option.required and w.required or option.default or "",
                            option[language] }
    end
    page(text.table({ w.option, w.type, w.default, w.about }, rows))
end

local function add_results(page, language)
    local w, kinds = words[language], {}
    page("## %s\n\n%s\n\n### %s\n", w.results, w.results_intro, w.error_fields)
    add_fields(page, results.error, language)
    add_example(page, "errors", language)
    page("### %s\n", w.kinds)
    for _, row in ipairs(results.kinds) do kinds[#kinds + 1] = { code(row[1]), row[language] } end
    page(text.table({ w.kind, w.about }, kinds))
    page("### %s\n", w.meta)
    add_fields(page, results.meta, language)
end

local function add_caldav(page, language)
    local w = words[language]
    for _, one in ipairs {
        { w.caldav_account, results.caldav_account }, { w.caldav_found, results.caldav_found },
        { w.caldav_calendar, results.caldav_calendar },
    } do
        page(one[1] .. "\n")
        add_fields(page, one[2], language)
    end
end

local function add_sandbox(page, all, language)
    local w, rows, faults = words[language], {}, {}
    page("## %s\n", w.sandbox)
    page(w.sandbox_intro:gsub("%%s", function() return codes_of(all.sandbox.credentials) end)
        .. "\n")
    for _, entry in ipairs(all.functions.sandbox) do add_function(page, entry, language, 3) end
    for _, row in ipairs(all.sandbox.options) do
        local flag = row.flag .. (row.show and " " .. row.show or "")
        rows[#rows + 1] = { code(row.name), code(flag), language == "zh" and row.zh or row.about }
    end
    page(text.table({ w.option, w.command_line, w.about }, rows))
    page("### %s\n", w.ready)
    add_fields(page, results.ready, language)
    page("### %s\n", w.faults)
    page(w.faults_intro .. "\n")
    for _, row in ipairs(all.sandbox.faults) do
        faults[#faults + 1] = { code(row.name), row.argument and code(row.argument) or "",
                                language == "zh" and row.zh or row.about }
    end
    page(text.table({ w.fault, w.argument, w.about }, faults))
    add_example(page, "sandbox", language)
end

-- {======================================================
-- The page
-- =======================================================}

local function add_functions(page, list, language)
    for _, entry in ipairs(list) do
        if not entry.row.operation then add_function(page, entry, language, 3) end
    end
end

local OWN_SECTION = { client = true, platform = true, youkong = true, loop = true, task = true,
                      store = true, journal = true, sandbox = true, ["cloudcal.stores"] = true,
                      ["cloudcal.log"] = true, ["cloudcal.caldav"] = true }

local function add_module(page, all, language)
    local w = words[language]
    page("## %s\n", w.module)
    for _, owner in ipairs(all.owners) do
        if not OWN_SECTION[owner] then add_functions(page, all.functions[owner], language) end
    end
    for _, value in ipairs(all.values) do
        page("### %s\n\n%s\n", code("cloudcal." .. value.name), value[language])
    end
end

local function add_head(page, language)
    local w = words[language]
    page("# cloudcal: %s\n", w.reference)
    page("<!-- %s -->\n", w.generated)
    page("%s · [%s](%s) · %s\n", w.readme, w.codes, w.codes_page, w.other)
    page("%s\n\n```lua\n%s\n```\n", w.intro, examples.setup)
end

local function add_contents(page, w)
    for _, title in ipairs { w.endpoints, w.methods, w.caldav, w.module, w.loops, w.stores,
        w.journals, w.loggers, w.options, w.results, w.sandbox } do
        page("- [%s](#%s)", title, (title:lower():gsub(" ", "-")))
    end
    page ""
end

--- The reference.
-- @param all what facts.gather returns
-- @param language "en" or "zh"
return function(all, language)
    local page, w = text.page(), words[language]
    add_head(page, language)
    add_contents(page, w)
    page("## %s\n", w.endpoints)
    for _, entry in ipairs(all.endpoints) do add_endpoint(page, entry, language) end
    add_internal(page, all, language)
    for _, section in ipairs {
        { w.methods, "client", "platform", "youkong" }, { w.caldav, "cloudcal.caldav" },
        { w.loops, "loop", "task" }, { w.stores, "cloudcal.stores", "store" },
        { w.journals, "journal" }, { w.loggers, "cloudcal.log" },
    } do
        if section[1] == w.loops then add_module(page, all, language) end
        page("## %s\n", section[1])
        if section[1] == w.caldav then add_caldav(page, language) end
        if section[1] == w.journals then add_fields(page, results.journal, language) end
        for i = 2, #section do add_functions(page, all.functions[section[i]], language) end
    end
    page("## %s\n", w.options)
    for _, set in ipairs(all.option_sets) do add_option_set(page, set, language) end
    add_results(page, language)
    add_sandbox(page, all, language)
    return page()
end
