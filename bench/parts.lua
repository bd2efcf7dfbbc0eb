--- What ./run bench measures: each part runs programs and adds rows to the report.

local cosocket = require "bench.cosocket"
local process = require "bench.process"
local programs = require "bench.programs"
local report = require "bench.report"
local statistics = require "bench.statistics"

local parts = {}

--- Their names, in the order in which they run.
parts.names = {
    "instructions", "single", "concurrent", "memory", "connections", "cold", "growth", "stages",
    "nginx",
}

local bench -- of parts.run

local function add(row)
    if type(row.figure) == "number" then row.figure = { median = row.figure } end
    bench.rows[#bench.rows + 1] = row
    io.write(report.line(row), "\n")
end

-- A target that needs a program that is not there.
local function add_absent(what, format, target)
    add { what = what, format = format, target = target, why = "the program is not installed" }
end

-- {======================================================
-- Running
-- =======================================================}

local function is_installed(program)
    if not program.needs then return true end
    if bench.without_peers then return false end
    local file = io.open(program.needs)
    if file then file:close() end
    return file ~= nil
end

local function url_of(mode)
    return mode == "2" and bench.server.http2 or bench.server.kept
end

-- One run of a program: enough warm calls for all connections to be there, and enough others to
-- use them.
local function run_once(name, at_once, mode)
    local program, server = programs[name], bench.server
    local calls = math.max(10, 2 * at_once, math.floor(bench.plan.calls * program.share))
    local warm = math.max(2 * at_once, math.floor(calls / 10))
    if program.inside then
        return cosocket.run(program.inside, server.kept, server.ca_file, at_once, warm, calls)
    end
    return process.run(program, url_of(mode), server.ca_file, at_once, warm, calls, mode)
end

local function cpu_per_call(measured) return measured.cpu / measured.calls end
local function calls_per_second(measured) return measured.calls / measured.wall end
local function rss_of(measured) return measured.rss end

local function median_of(list, figure)
    return statistics.summary_of(list, figure).median
end

local function own_of(rounds)
    local list = {}
    for i, one in ipairs(rounds) do list[i] = one.own end
    return list
end

local function note_peer(name, at_once, mode, list, rounds)
    bench.peers[#bench.peers + 1] = {
        name = name, label = programs[name].label, at_once = at_once, mode = mode or "1.1",
        rate = median_of(list, calls_per_second), cpu = median_of(list, cpu_per_call),
        rss = median_of(list, rss_of),
        ratio = rounds and statistics.ratio(rounds, cpu_per_call)
            or { median = 1, low = 1, high = 1 },
    }
    local peer = bench.peers[#bench.peers]
    io.write(report.peer_line(peer), "\n")
end

-- Runs libcurl and the others in turn.
-- @return the rounds of each by name
local function measure(names, at_once, mode)
    local there, runs, result = {}, {}, {}
    for _, name in ipairs(names) do
        local program = programs[name]
        if is_installed(program) and not (program.single and at_once > 1) then
            there[#there + 1] = name
            runs[#runs + 1] = {
                rounds = program.slow and bench.plan.slow_rounds,
                run = function() return run_once(name, at_once, mode) end,
            }
        end
    end
    local base, rounds = statistics.interleave(bench.plan.rounds,
        function() return run_once("libcurl", at_once, mode) end, runs)
    note_peer("libcurl", at_once, mode, base)
    for i, name in ipairs(there) do
        result[name] = rounds[i]
        note_peer(name, at_once, mode, own_of(rounds[i]), rounds[i])
    end
    return result
end

-- }======================================================

-- {======================================================
-- Parts
-- =======================================================}

local ALL = {
    "cloudcal", "cloudcal_jit", "cloudcal_nginx", "cosocket", "luasec", "lua_http", "go", "node",
    "python",
}

local part = {}

-- A program under callgrind, as process.instructions wants it.
local function job(name, url, mode, warm, ...)
    return { programs[name], url, bench.server.ca_file, 1, warm or bench.plan.warm,
             bench.plan.counted, mode, ... }
end

function part.instructions()
    local server = bench.server
    local of = process.instructions {
        base = job("libcurl", server.kept), own = job("cloudcal", server.kept),
        jit = job("cloudcal_jit", server.kept),
        refused = job("cloudcal", server.refusing, "refused"),
        base_2 = job("libcurl", server.http2, "2"), own_2 = job("cloudcal", server.http2, "2"),
    }
    add { what = "libcurl loop, one at a time: instructions", format = "%.0f", figure = of.base }
    add { what = "cloudcal, one at a time: instructions", format = "%.0f", figure = of.own }
    add { what = "one at a time: instructions, of libcurl's", format = "%.2f×",
          figure = of.own / of.base, target = { at_most = 1.65 } }
    add { what = "the same on LuaJIT", format = "%.2f×", figure = of.jit / of.base }
    add { what = "the same over HTTP/2, of libcurl's over HTTP/2", format = "%.2f×",
          figure = of.own_2 / of.base_2 }
    add { what = "refused by 429: instructions, of a good call's", format = "%.2f×",
          figure = of.refused / of.own, target = { at_most = 1.3 } }
end

function part.single()
    local rounds = measure(ALL, 1)
    add { what = "one at a time: CPU, of libcurl's", format = "%.2f×",
          figure = statistics.ratio(rounds.cloudcal, cpu_per_call), target = { at_most = 1.45 } }
    local what, target = "one at a time: CPU, of the Go SDK's", { below = 1 }
    if not rounds.go then return add_absent(what, "%.2f×", target) end
    add { what = what, format = "%.2f×", target = target,
          figure = statistics.between(rounds.cloudcal, rounds.go, cpu_per_call) }
end

local function add_rates(rounds)
    for _, one in ipairs { { "go", "the Go SDK", 1.3 }, { "node", "the Node SDK", 15 },
                           { "python", "the Python SDK", 60 } } do
        local what = ("50 at once: calls per CPU second, of %s's"):format(one[2])
        local target = { at_least = one[3] }
        if rounds[one[1]] then
            add { what = what, format = "%.1f×", target = target,
                  figure = statistics.between(rounds[one[1]], rounds.cloudcal, cpu_per_call) }
        else
            add_absent(what, "%.1f×", target)
        end
    end
end

local function add_throughput(rounds, at_once, version, target)
    add { what = ("%d at once%s: throughput, of C multi with epoll"):format(at_once, version),
          format = "%.2f×", figure = statistics.ratio(rounds.cloudcal, calls_per_second),
          target = target }
end

function part.concurrent()
    local fifty = measure(ALL, 50)
    add_throughput(fifty, 50, "", { at_least = 0.6 })
    add_rates(fifty)
    for _, at_once in ipairs { 10, 200, 500 } do
        local rounds = measure({ "cloudcal", "cloudcal_jit" }, at_once)
        add_throughput(rounds, at_once, "")
    end
    for _, at_once in ipairs { 10, 50, 200, 500 } do
        add_throughput(measure({ "cloudcal" }, at_once, "2"), at_once, " over HTTP/2")
    end
end

-- With an answer at once, a connection is free again before all are open, and fewer do. Here all
-- calls wait at the same time.
function part.memory()
    local server = bench.server
    local function run(name)
        return function()
            return process.run(programs[name], server.late, server.ca_file, 500, 500, 1000)
        end
    end
    local _, rounds = statistics.interleave(bench.plan.slow_rounds, run "libcurl",
        { { run = run "cloudcal" } })
    add { what = "500 at once, each for 0.5 s: memory, of C multi's; none failed",
          format = "%.2f×", figure = statistics.ratio(rounds[1], rss_of),
          target = { at_most = 1.2 } }
    add { what = "the same of cloudcal: MiB", format = "%.1f",
          figure = statistics.summary_of(own_of(rounds[1]),
              function(measured) return measured.rss / 1024 end) }
end

function part.connections()
    local server, calls = bench.server, bench.plan.connections
    local function one(name, ca_file)
        return process.run(programs[name], server.closing, ca_file, 1, 5, calls)
    end
    local function ms(figure)
        return function(measured) return measured[figure] / calls * 1000 end
    end
    local bundle, ratio, libcurl = {}, {}, {}
    for round = 1, bench.plan.rounds do
        bundle[round] = one("cloudcal", server.bundle)
        ratio[round] = bundle[round].cpu / one("cloudcal", server.ca_file).cpu
        libcurl[round] = one("libcurl", server.bundle)
    end
    add { what = ("a call on a new connection, %d certificates: ms"):format(server.bundle_size),
          format = "%.2f", figure = statistics.summary_of(bundle, ms "wall"),
          target = { at_most = 3.5 } }
    add { what = "the same, CPU: ms", format = "%.2f",
          figure = statistics.summary_of(bundle, ms "cpu") }
    add { what = "the same, CPU, of that with one certificate", format = "%.2f×",
          figure = statistics.summary(ratio) }
    add { what = "the same in C, which resumes TLS sessions, CPU: ms", format = "%.2f",
          figure = statistics.summary_of(libcurl, ms "cpu") }
end

local function first_of(measured) return measured.first end

function part.cold()
    local server = bench.server
    local function start(name)
        return process.run(programs[name], server.kept, server.ca_file, 1, 1, 0)
    end
    local runs, names = {}, {}
    for _, name in ipairs { "cloudcal", "cloudcal_jit", "go", "node", "python" } do
        local program = programs[name]
        if is_installed(program) then
            names[#names + 1] = name
            runs[#runs + 1] = {
                rounds = program.slow and bench.plan.slow_rounds,
                run = function() return start(name) end,
            }
        end
    end
    local base, rounds = statistics.interleave(bench.plan.starts,
        function() return start "libcurl" end, runs)
    add { what = "cold start to the first answer, libcurl: ms", format = "%.1f",
          figure = statistics.summary_of(base, first_of) }
    for i, name in ipairs(names) do
        add { what = ("cold start to the first answer, %s: ms"):format(programs[name].label),
              format = "%.1f", figure = statistics.summary_of(own_of(rounds[i]), first_of) }
    end
    add { what = "cold start to the first decoded answer, of libcurl's", format = "%.2f×",
          figure = statistics.ratio(rounds[1], first_of), target = { at_most = 1.35 } }
    local times = {}
    for i = 1, bench.plan.starts do
        local text = process.output(programs.cloudcal.env,
            "lua5.4 bench/programs/require.lua")
        times[i] = tonumber(text:match "require ([%d.]+)")
    end
    add { what = 'require "cloudcal", without libcurl and OpenSSL: ms', format = "%.2f",
          figure = statistics.summary(times), target = { at_most = 2.5 } }
end

function part.growth()
    local server, plan = bench.server, bench.plan
    local of = process.instructions {
        early = job("cloudcal", server.kept, "1.1", 1000),
        late = job("cloudcal", server.kept, "1.1", plan.late),
    }
    add { what = ("instructions at call %d, of those at call 1000"):format(plan.late),
          format = "%.3f×", figure = of.late / of.early, target = { at_most = 1.03 } }
    local text = process.output(programs.cloudcal.env, "lua5.4 bench/programs/growth.lua",
        server.kept, server.ca_file, plan.growth)
    local rss, list = text:match "growth (%-?%d+) ([%d. ]+)"
    local ratios = {}
    for ratio in list:gmatch "%S+" do ratios[#ratios + 1] = tonumber(ratio) end
    add { what = ("CPU at call %d, of that in a new process"):format(plan.growth),
          format = "%.2f×", figure = statistics.summary(ratios), target = { at_most = 1.1 } }
    add { what = ("memory after %d calls, more than after a tenth: KiB"):format(plan.growth),
          format = "%.0f", figure = tonumber(rss), target = { at_most = 512 } }
end

local STAGES = { "check", "build", "token", "rate_limit", "read", "decode" }
local TIMES = 4

-- Instructions of each stage of a call in one Lua.
local function stages_of(program)
    local server, jobs, own = bench.server, {}, {}
    for _, stage in ipairs(STAGES) do
        jobs[stage] = job(program, server.kept, "plain", nil, stage, TIMES)
    end
    jobs.whole = job(program, server.kept, "plain", nil, "none", TIMES)
    jobs.refused = job(program, server.refusing, "refused", nil, "none", TIMES)
    jobs.error = job(program, server.refusing, "refused", nil, "error", TIMES)
    local of = process.instructions(jobs)
    for _, stage in ipairs(STAGES) do own[stage] = (of[stage] - of.whole) / TIMES end
    own.read = own.read - own.decode
    own.send = of.whole
    for _, stage in ipairs(STAGES) do own.send = own.send - own[stage] end
    own.error = (of.error - of.refused) / TIMES
    return own
end

function part.stages()
    for lua, program in pairs { ["5.4"] = "stages", jit = "stages_jit" } do
        bench.stages[lua] = stages_of(program)
    end
    bench.stages.libcurl =
        process.instructions({ base = job("libcurl", bench.server.kept) }).base
    for _, name in ipairs { "libcurl", "cloudcal" } do
        bench.libraries[name] = process.libraries(programs[name], bench.server.kept,
            bench.server.ca_file, 1, bench.plan.warm, bench.plan.counted)
    end
    io.write(report.text(report.stage_lines(bench.stages)),
        report.text(report.library_lines(bench.libraries)))
end

function part.nginx()
    local plan = bench.plan
    local rows = require "bench.nginx".run(plan.seconds, plan.rounds, plan.slow_rounds)
    for _, row in ipairs(rows) do add(row) end
end

-- }======================================================

--- Runs parts.
-- @param given plan: how much of everything; server, as upstream.start returns it;
-- without_peers; rows, peers, stages, libraries: what the parts add to
-- @param chosen names
-- @return how many did not come to their end
function parts.run(given, chosen)
    bench = given
    local broken = 0
    for _, name in ipairs(chosen) do
        io.write("\n", name, "\n")
        local ok, problem = xpcall(part[name], debug.traceback)
        if not ok then
            broken = broken + 1
            io.write("    ", name, " did not come to its end: ", problem, "\n")
        end
    end
    return broken
end

return parts
