--- ./run bench: what a call costs, beside a bare libcurl loop and the clients of others.
--
--   lua5.4 bench/main.lua [quick] [--without-peers] [--write] [PART…]

package.path = "lua/?.lua;lua/?/init.lua;./?.lua;" .. package.path
package.cpath = "build/5.4/?.so;" .. package.cpath

local process = require "bench.process"
local programs = require "bench.programs"
local report = require "bench.report"
local upstream = require "bench.upstream"

local rows = {}

local function add(row)
    if type(row.figure) == "number" then row.figure = { median = row.figure } end
    rows[#rows + 1] = row
    print(table.concat(report.cells(row), "  "))
end

local function instructions(server)
    local function count(name, url, mode)
        return process.instructions(programs[name], url, server.ca_file, 1, 1000, 500, mode)
    end
    local base = count("libcurl", server.kept)
    local own, jit = count("cloudcal", server.kept), count("cloudcal_jit", server.kept)
    local refused = count("cloudcal", server.refusing, "refused")
    add { what = "one at a time: instructions of a call, libcurl", figure = base,
          format = "%.0f" }
    add { what = "one at a time: instructions of a call, Lua 5.4", figure = own, format = "%.0f" }
    add { what = "one at a time: instructions, of libcurl's", figure = own / base,
          format = "%.2f×", target = { at_most = 1.65 } }
    add { what = "one at a time: instructions on LuaJIT, of libcurl's", figure = jit / base,
          format = "%.2f×" }
    add { what = "refused by 429: instructions, of a good call's", figure = refused / own,
          format = "%.2f×", target = { at_most = 1.3 } }
end

local server = upstream.start(process.server_cpu)
local ok, problem = xpcall(instructions, debug.traceback, server)
server.stop()
if not ok then error(problem, 0) end
