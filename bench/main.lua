--- ./run bench: what a call costs, beside a bare libcurl loop and the clients of others.

package.path = "lua/?.lua;lua/?/init.lua;./?.lua;" .. package.path
package.cpath = "build/5.4/?.so;" .. package.cpath

local USAGE = [[
./run bench [quick] [--without-peers] [--write] [PART…]

    quick             fewer calls and rounds, and no stages unless they are named or written: some
                      two minutes on an idle machine
    --without-peers   without the official SDKs, which are otherwise installed into build/bench
    --write           writes docs/performance.md and docs/performance.svg; goes with all parts
    PART              one of: %s

The last line counts the targets: "N passed, N failed, N not measured".
]]

local document = require "bench.document"
local parts = require "bench.parts"
local process = require "bench.process"
local report = require "bench.report"
local upstream = require "bench.upstream"

-- rounds: of programs in turn; calls: of libcurl in one of them; slow_rounds: of what takes
-- seconds; starts: cold ones; counted: calls under callgrind, after so many warm ones, or late,
-- after so many; seconds: of each load on nginx
local FULL = {
    rounds = 5, calls = 8000, slow_rounds = 5, starts = 15, connections = 200, growth = 1000000,
    warm = 1000, late = 20000, counted = 500, seconds = 3,
}
local QUICK = {
    rounds = 3, calls = 400, slow_rounds = 1, starts = 5, connections = 40, growth = 10000,
    warm = 300, late = 3000, counted = 100, seconds = 1,
}

local function refuse(text)
    io.stderr:write(text)
    os.exit(2)
end

local function read_arguments()
    local given = { plan = FULL, chosen = {}, rows = {}, peers = {}, stages = {}, libraries = {} }
    local usage, is_part = USAGE:format(table.concat(parts.names, ", ")), {}
    for _, name in ipairs(parts.names) do is_part[name] = true end
    for _, word in ipairs(arg) do
        if word == "--help" then
            io.write(usage)
            os.exit(0)
        elseif word == "quick" then given.plan = QUICK
        elseif word == "--without-peers" then given.without_peers = true
        elseif word == "--write" then given.write = true
        elseif is_part[word] then given.chosen[#given.chosen + 1] = word
        else refuse(usage) end
    end
    if given.write and #given.chosen > 0 then refuse "--write goes with all parts\n" end
    if #given.chosen > 0 then return given end
    for _, name in ipairs(parts.names) do
        local is_left_out = name == "stages" and given.plan == QUICK and not given.write
        if not is_left_out then given.chosen[#given.chosen + 1] = name end
    end
    return given
end

local given = read_arguments()
given.machine = process.machine()
given.machine.command = "`./run bench" .. (given.plan == QUICK and " quick`" or "`")
print(document.machine_line(given.machine))
given.server = upstream.start(process.server_cpu)
local ok, broken = xpcall(parts.run, debug.traceback, given, given.chosen)
given.server.stop()
if not ok then error(broken, 0) end

given.machine.load = given.machine.load .. " to " .. process.load()
print("\n" .. report.text(report.lines(given.rows)))
if given.write and broken == 0 then document.write(given) end
local met, missed, absent = report.count(given.rows)
print(("%d passed, %d failed, %d not measured"):format(met, missed + broken, absent))
os.exit(missed + broken == 0 and 0 or 1, true)
