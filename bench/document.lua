--- Puts what was measured into docs/performance.md, between its marks, and draws the picture.

local files = require "spec.files"
local picture = require "bench.picture"
local report = require "bench.report"

local document = {}

local PAGE, PICTURE = "docs/performance.md", "docs/performance.svg"

local TITLE = "CPU per call, one at a time (libcurl in C = 1×, logarithmic)"

-- In the picture, where they were measured.
local BARS = { "libcurl", "cloudcal_jit", "cloudcal", "go", "lua_http", "node", "python" }

--- The machine, and what ran on it, in one line.
function document.machine_line(machine)
    return ("%s, %s; %s, %d CPUs, load %s; %s, Linux %s; libcurl %s, %s, %s; %s; %s"):format(
        machine.date, machine.command, machine.cpu, machine.cpus, machine.load, machine.system,
        machine.kernel, machine.libcurl, (machine.openssl:gsub(" %d+ %a+ %d+.*", "")),
        (machine.nginx:gsub("^nginx version: ", "")), machine.lua:match "^Lua [%d.]+",
        machine.luajit:match "^LuaJIT %S+")
end

--- The bars of the picture.
-- @param peers as bench/parts.lua notes them
function document.bars(peers)
    local bars, by_name = {}, {}
    for _, peer in ipairs(peers) do
        if peer.at_once == 1 then by_name[peer.name] = peer end
    end
    for _, name in ipairs(BARS) do
        local peer = by_name[name]
        if peer then
            bars[#bars + 1] = { label = peer.label, value = peer.ratio.median,
                                own = name:find "^cloudcal" ~= nil }
        end
    end
    return bars
end

local function targets(given)
    local lines = report.lines(given.rows)
    return report.markdown(table.remove(lines, 1), lines)
end

local function programs(given)
    local lines = {}
    for i, peer in ipairs(given.peers) do lines[i] = report.peer_cells(peer) end
    return report.markdown(report.PEERS_HEAD, lines)
end

local function stages(given)
    return report.markdown(report.STAGES_HEAD, report.stage_lines(given.stages))
end

local function libraries(given)
    return report.markdown(report.LIBRARIES_HEAD, report.library_lines(given.libraries))
end

--- Puts a text between two marks of a page: <!-- NAME --> and <!-- end of NAME -->.
function document.fill(page, name, text)
    local begins, ends = "<!-- " .. name .. " -->\n", "<!-- end of " .. name .. " -->"
    local _, first = page:find(begins, 1, true)
    local last = page:find(ends, first, true)
    assert(first and last, "the page has no marks for " .. name)
    return page:sub(1, first) .. "\n" .. text .. "\n" .. page:sub(last)
end

--- Writes both.
-- @param given rows, peers, stages, libraries, machine
function document.write(given)
    local page = files.read(PAGE)
    page = document.fill(page, "machine", document.machine_line(given.machine) .. ".\n")
    page = document.fill(page, "targets", targets(given))
    page = document.fill(page, "programs", programs(given))
    page = document.fill(page, "stages", stages(given))
    page = document.fill(page, "libraries", libraries(given))
    files.write(PAGE, page)
    files.write(PICTURE, picture.draw(TITLE, document.bars(given.peers)))
end

return document
