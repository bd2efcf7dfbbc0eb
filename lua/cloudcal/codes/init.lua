--- Looks up what is known of a code. The tables are read when they are first needed.

local codes = {}

local function generic_row(number)
    local row = require("cloudcal.codes.generic")[number]
    if not row then return nil end
    local category = require("cloudcal.codes.categories")[row[1]]
    local name = row[2]:lower():gsub("%%%a", ""):gsub("[^%w]+", "_"):gsub("^_+", "")
    name = name:sub(1, 48):gsub("_+$", "")
    return {
        name = name ~= "" and name or row[1], kind = category.kind, msg = row[2], http = row[3],
        hint = category.hint, hint_zh = category.hint_zh,
    }
end

--- Finds a code of Feishu or Lark.
-- @param code a number, or a string of digits
-- @return a table with name, kind, msg, http, hint, hint_zh, token_refused; nil if unknown
function codes.find(code)
    local number = tonumber(code)
    return require("cloudcal.codes.calendar")[number]
        or require("cloudcal.codes.token")[number]
        or generic_row(number)
end

--- Finds how an exchange can fail: libcurl's numbers, and from 1001 on those of src/core.h.
function codes.transport(number)
    return require("cloudcal.codes.transport")[number]
end

--- Finds an error that has a name but no number.
function codes.named(name)
    return require("cloudcal.codes.local_errors")[name]
end

--- Finds what a kind of error means: { name, label_zh, en, zh }; nil if there is no such kind.
function codes.kind(name)
    for _, row in ipairs(require "cloudcal.codes.kinds") do
        if row[1] == name then return row end
    end
end

return codes
