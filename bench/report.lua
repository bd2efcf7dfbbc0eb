--- What was measured beside what was asked for: rows with a verdict, as text for a terminal and
-- as Markdown.

local report = {}

report.HEAD = { "what", "target", "measured", "" }

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
    return text .. (" "):rep(math.max(0, columns - width(text)))
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

--- All rows as lines of cells, with a head.
function report.lines(rows)
    local lines = { report.HEAD }
    for i, row in ipairs(rows) do lines[i + 1] = report.cells(row) end
    return lines
end

--- A row as it is known.
function report.line(row)
    local cells = report.cells(row)
    return ("    %s  %s  %s %s"):format(padded(cells[1], 64), padded(cells[3], 24), cells[2],
        cells[4])
end

--- The cells of a program that was run in turn with libcurl.
function report.peer_cells(peer)
    local ratio = peer.ratio
    return {
        peer.label, ("%d"):format(peer.at_once), peer.mode, ("%.0f"):format(peer.rate),
        ("%.1f"):format(peer.cpu * 1e6),
        ("%.2f (%.2f to %.2f)"):format(ratio.median, ratio.low, ratio.high),
        ("%.0f"):format(peer.rss / 1024),
    }
end

local PEER_WIDTHS = { 24, 4, 4, 7, 8, 24, 4 }

report.PEERS_HEAD = {
    "program", "at once", "HTTP", "calls/s", "µs CPU per call", "CPU, of libcurl's", "MiB",
}

--- The same in columns, as it is known.
function report.peer_line(peer)
    local cells = report.peer_cells(peer)
    for i, cell in ipairs(cells) do cells[i] = padded(cell, PEER_WIDTHS[i]) end
    return "    " .. table.concat(cells, "  ")
end

report.STAGES_HEAD = { "stage", "Lua 5.4", "LuaJIT" }

local STAGES = {
    { "check", "check" }, { "build", "build: the address" }, { "token", "token" },
    { "rate_limit", "rate limit" },
    { "send", "send and receive, and what holds the call together" },
    { "read", "read: the verdict, the shape of the answer" }, { "decode", "decode: JSON" },
    { "error", "error: its object, in a call that is refused" },
}

--- What each stage of a call costs, as lines of cells.
-- @param stages ["5.4"] and jit: instructions by stage; libcurl: those of its loop
function report.stage_lines(stages)
    local lines, lua, jit = {}, stages["5.4"], stages.jit
    for i, stage in ipairs(STAGES) do
        lines[i] = { stage[2], ("%.0f"):format(lua[stage[1]]), ("%.0f"):format(jit[stage[1]]) }
    end
    lines[#lines + 1] = { "for comparison: all of the libcurl loop",
        ("%.0f"):format(stages.libcurl), "" }
    return lines
end

report.LIBRARIES_HEAD = { "in", "libcurl loop", "cloudcal, Lua 5.4" }

-- What a file belongs to; the first pattern that fits.
local OWNERS = {
    { "cjson", "lua-cjson" }, { "^core%.so", "cloudcal's C" },
    { "^lua", "Lua" }, { "^liblua", "Lua" }, { "^libcurl", "libcurl" }, { "^libssl", "OpenSSL" },
    { "^libcrypto", "OpenSSL" }, { "", "the C library and the rest" },
}

local OWNERS_IN_ORDER = {
    "libcurl", "OpenSSL", "Lua", "lua-cjson", "cloudcal's C", "the C library and the rest",
}

local function owner_of(file)
    for _, owner in ipairs(OWNERS) do
        if file:find(owner[1]) then return owner[2] end
    end
end

local function by_owner(files)
    local sums = {}
    for file, count in pairs(files) do
        local owner = owner_of(file)
        sums[owner] = (sums[owner] or 0) + count
    end
    return sums
end

--- Whose instructions a call executes, as lines of cells.
-- @param libraries libcurl and cloudcal: instructions by file
function report.library_lines(libraries)
    local lines, base, own = {}, by_owner(libraries.libcurl), by_owner(libraries.cloudcal)
    for i, owner in ipairs(OWNERS_IN_ORDER) do
        lines[i] = { owner, ("%.0f"):format(base[owner] or 0), ("%.0f"):format(own[owner] or 0) }
    end
    return lines
end

return report
