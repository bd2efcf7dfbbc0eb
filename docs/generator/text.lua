-- Pieces of Markdown.

local text = {}

--- One cell of a table.
function text.cell(value)
    return (tostring(value):gsub("\n", " "):gsub("|", "\\|"))
end

--- A code span, whatever the value holds.
function text.code(value)
    value = tostring(value)
    if not value:find("`", 1, true) then return "`" .. value .. "`" end
    return "`` " .. value .. " ``"
end

--- The values as code spans, with a separator.
function text.codes(values, separator)
    local spans = {}
    for i, value in ipairs(values) do spans[i] = text.code(value) end
    return table.concat(spans, separator or " ")
end

--- A table: names of the columns, and rows of cells.
function text.table(head, rows)
    local lines, rule = {}, {}
    for i = 1, #head do rule[i] = "---" end
    lines[1] = "| " .. table.concat(head, " | ") .. " |"
    lines[2] = "|" .. table.concat(rule, "|") .. "|"
    for _, row in ipairs(rows) do
        local cells = {}
        for i = 1, #head do cells[i] = text.cell(row[i] or "") end
        lines[#lines + 1] = "| " .. table.concat(cells, " | ") .. " |"
    end
    return table.concat(lines, "\n") .. "\n"
end

--- Breaks a text into lines of at most `width` characters.
function text.wrap(value, width)
    local lines, line = {}, ""
    for word in value:gmatch("%S+") do
        if line ~= "" and #line + 1 + #word > width then
            lines[#lines + 1], line = line, word
        else
            line = line == "" and word or line .. " " .. word
        end
    end
    lines[#lines + 1] = line
    return lines
end

--- An array of parts that grows, and its text.
function text.page()
    local parts = {}
    return function(part, ...)
        if part then
            parts[#parts + 1] = select("#", ...) > 0 and part:format(...) or part
            return
        end
        return table.concat(parts, "\n")
    end
end

return text
