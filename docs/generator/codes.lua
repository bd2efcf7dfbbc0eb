-- docs/codes.md and docs/codes.zh-CN.md.

local codes = require "cloudcal.codes"
local text = require "docs.generator.text"
local words = require "docs.generator.words"

local code = text.code

local function sorted_keys(rows)
    local keys = {}
    for key in pairs(rows) do keys[#keys + 1] = key end
    table.sort(keys)
    return keys
end

local function hint_of(row, language)
    local hint = language == "zh" and row.hint_zh or row.hint
    if not row.sole then return hint end
    return hint .. words[language].sole_token[row.sole.token] .. hint_of(row.sole, language)
end

local function msg_of(row)
    return row.msg and row.msg ~= "" and code(row.msg) or ""
end

local function add_numbers(page, title, rows, language)
    local w, cells = words[language], {}
    page("## %s\n", title)
    for _, number in ipairs(sorted_keys(rows)) do
        local row = rows[number]
        cells[#cells + 1] = { number, code(row.kind), code(row.name), row.http or "", msg_of(row),
                              hint_of(row, language) }
    end
    page(text.table({ w.code, w.kind, w.name, w.status, "msg", w.hint }, cells))
end

local function add_names(page, title, rows, language, has_numbers)
    local w, cells = words[language], {}
    page("## %s\n", title)
    if has_numbers then page(w.transport_intro .. "\n") end
    for _, key in ipairs(sorted_keys(rows)) do
        local row = rows[key]
        cells[#cells + 1] = { code(row.name or key), code(row.kind), hint_of(row, language),
                              has_numbers and key or nil }
    end
    local head = { w.name, w.kind, w.hint }
    if has_numbers then head[4] = w.code end
    page(text.table(head, cells))
end

local function add_generic(page, language)
    local w, cells, categories = words[language], {}, {}
    page("## %s\n\n%s\n\n### %s\n", w.generic_codes, w.generic_intro, w.categories)
    local by_name = require "cloudcal.codes.categories"
    for _, name in ipairs(sorted_keys(by_name)) do
        local row = by_name[name]
        categories[#categories + 1] = { code(name), code(row.kind), hint_of(row, language) }
    end
    page(text.table({ w.category, w.kind, w.hint }, categories))
    page("### %s\n", w.codes)
    local generic = require "cloudcal.codes.generic"
    for _, number in ipairs(sorted_keys(generic)) do
        local row = codes.find(number)
        cells[#cells + 1] = { number, code(row.kind), code(generic[number][1]), code(row.name),
                              row.http or "", msg_of(row) }
    end
    page(text.table({ w.code, w.kind, w.category, w.name, w.status, "msg" }, cells))
end

--- All code tables.
-- @param language "en" or "zh"
return function(language)
    local page, w = text.page(), words[language]
    page("# cloudcal: %s\n", w.codes)
    page("<!-- %s -->\n", w.generated)
    page("[%s](%s) · %s\n", w.reference, language == "zh" and "reference.zh-CN.md"
        or "reference.md", w.codes_other)
    page(w.codes_intro .. "\n")
    add_numbers(page, w.calendar_codes, require "cloudcal.codes.calendar", language)
    add_numbers(page, w.token_codes, require "cloudcal.codes.token", language)
    add_generic(page, language)
    add_names(page, w.transport_codes, require "cloudcal.codes.transport", language, true)
    add_names(page, w.local_codes, require "cloudcal.codes.local_errors", language)
    return page()
end
