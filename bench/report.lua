--- What was measured beside what was asked for: rows with a verdict, as text for a terminal and
-- as Markdown.

local report = {}

local VERDICTS = { met = "met", missed = "MISSED", reported = "", absent = "not measured" }

local function figure_of(row, value)
    return row.format:format(value)
end

-- { at_most = 1.65 } -> "≤ 1.65×"
local function target_text(row)
    local target = row.target
    if not target then return "" end
    if target.at_most then return "≤ " .. figure_of(row, target.at_most) end
    if target.at_least then return "≥ " .. figure_of(row, target.at_least) end
    return "< " .. figure_of(row, target.below)
end

local function holds(target, value)
    if target.at_most then return value <= target.at_most end
    if target.at_least then return value >= target.at_least end
    return value < target.below
end

--- Judges a row.
-- @return "met", "missed"; "reported": nothing was asked for; "absent": nothing was measured
function report.verdict(row)
    if not row.figure then return "absent" end
    if not row.target then return "reported" end
    return holds(row.target, row.figure.median) and "met" or "missed"
end

local function figure_text(row)
    local figure = row.figure
    if not figure then return row.why or "" end
    local text = figure_of(row, figure.median)
    if not figure.low or figure.low == figure.high then return text end
    return ("%s (%s to %s)"):format(text, figure_of(row, figure.low),
        figure_of(row, figure.high))
end

--- The cells of a row: what, target, figure, verdict.
function report.cells(row)
    return { row.what, target_text(row), figure_text(row), VERDICTS[report.verdict(row)] }
end

--- Counts verdicts.
-- @return how many were met, missed, not measured although a target is there
function report.count(rows)
    local count = { met = 0, missed = 0, absent = 0, reported = 0 }
    for _, row in ipairs(rows) do
        local verdict = report.verdict(row)
        if verdict == "absent" and not row.target then verdict = "reported" end
        count[verdict] = count[verdict] + 1
    end
    return count.met, count.missed, count.absent
end

-- Characters, not bytes: each has one byte that does not continue another.
local function width(text)
    return select(2, text:gsub("[^\128-\191]", ""))
end

local function padded(text, columns)
    return text .. (" "):rep(columns - width(text))
end

--- Rows of cells in columns, for a terminal.
function report.text(lines)
    local widths, out = {}, {}
    for _, cells in ipairs(lines) do
        for i, cell in ipairs(cells) do widths[i] = math.max(widths[i] or 0, width(cell)) end
    end
    for i, cells in ipairs(lines) do
        local parts = {}
        for column, cell in ipairs(cells) do parts[column] = padded(cell, widths[column]) end
        out[i] = table.concat(parts, "  "):gsub("%s+$", "") .. "\n"
    end
    return table.concat(out)
end

--- Rows of cells as a Markdown table.
function report.markdown(head, lines)
    local out = { "| " .. table.concat(head, " | ") .. " |\n", ("|---"):rep(#head) .. "|\n" }
    for _, cells in ipairs(lines) do
        local escaped = {}
        for i, cell in ipairs(cells) do escaped[i] = cell:gsub("|", "\\|") end
        out[#out + 1] = "| " .. table.concat(escaped, " | ") .. " |\n"
    end
    return table.concat(out)
end

return report
