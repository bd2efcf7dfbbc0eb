--- Runs the programs of the benchmark, and reads what they print.

local process = {}

local function output_of(command)
    local pipe = assert(io.popen(command .. " 2>&1"))
    local text = pipe:read "*a"
    return text, pipe:close()
end

local function first_line(command)
    return output_of(command):match "[^\n]*"
end

process.output_of, process.first_line = output_of, first_line

local has_two_cpus = tonumber(first_line "nproc") >= 2

--- The CPUs of the programs and of the servers; nil where there is only one.
process.client_cpu = has_two_cpus and 0 or nil
process.server_cpu = has_two_cpus and 1 or nil

local function fail(command, text)
    error(("failed: %s\n%s"):format(command, text), 0)
end

-- One word of a shell command for each argument, which have no blanks and no quotes.
local function join(...)
    local words = {}
    for i = 1, select("#", ...) do
        local word = select(i, ...)
        if word ~= nil then words[#words + 1] = tostring(word) end
    end
    return table.concat(words, " ")
end

--- Runs a program to its end.
-- @param program { command, env }: texts for the shell; env, which may be absent, is NAME=value
-- @return calls, wall and cpu (seconds), failed, first (milliseconds), rss (KiB)
function process.run(program, ...)
    local command = join(program.env, "build/bench/launch", process.client_cpu or -1,
        program.command, ...)
    local text, ok = output_of(command)
    local calls, wall, cpu, failed = text:match "steady (%d+) ([%d.]+) ([%d.]+) (%d+)"
    local first, rss = text:match "launch ([%d.]+) (%d+)"
    if not (ok and calls and first) then fail(command, text) end
    return {
        calls = tonumber(calls), wall = tonumber(wall), cpu = tonumber(cpu),
        failed = tonumber(failed), first = tonumber(first), rss = tonumber(rss),
    }
end

--- Counts the instructions of one call in user space: the program has callgrind count the calls
-- that follow the warm ones.
-- @param program as for run
-- @param calls how many, which are the fifth argument of the program
function process.instructions(program, url, ca_file, at_once, warm, calls, mode)
    local command = join(program.env, "valgrind --tool=callgrind --instr-atstart=no",
        "--callgrind-out-file=/dev/null", program.command, url, ca_file, at_once, warm, calls,
        mode)
    local text, ok = output_of(command)
    local count = text:match "Collected : (%d+)"
    if not (ok and count and text:find "steady ") then fail(command, text) end
    return tonumber(count) / calls
end

return process
