--- Runs the programs of the benchmark, and reads what they print.

local process = {}

local unpack = table.unpack or unpack -- luacheck: ignore 113 143

local function output_of(command)
    local pipe = assert(io.popen(command .. " 2>&1"))
    local text = pipe:read "*a"
    return text, pipe:close()
end

local function first_line(command)
    return output_of(command):match "[^\n]*"
end

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

local function env_of(program, ca_file)
    return program.env and program.env:gsub("$CA_FILE", ca_file) or nil
end

--- Runs a program to its end.
-- @param program { command, env }: texts for the shell; env, which may be absent, is NAME=value
-- @return calls, wall and cpu (seconds), failed, first (milliseconds), rss (KiB)
function process.run(program, url, ca_file, ...)
    local command = join(env_of(program, ca_file), "build/bench/launch", process.client_cpu or -1,
        program.command, url, ca_file, ...)
    local text, ok = output_of(command)
    local calls, wall, cpu, failed = text:match "steady (%d+) ([%d.]+) ([%d.]+) (%d+)"
    local first, rss = text:match "launch ([%d.]+) (%d+)"
    if not (ok and calls and first) then fail(command, text) end
    return {
        calls = tonumber(calls), wall = tonumber(wall), cpu = tonumber(cpu),
        failed = tonumber(failed), first = tonumber(first), rss = tonumber(rss),
    }
end

-- Starts a program under callgrind, which counts the calls that follow the warm ones.
-- @return function that waits for its end, and returns their instructions
local function callgrind(out, program, url, ca_file, ...)
    local command = join(env_of(program, ca_file), "valgrind --tool=callgrind --instr-atstart=no",
        "--callgrind-out-file=" .. out, program.command, url, ca_file, ...)
    local pipe = assert(io.popen(command .. " 2>&1"))
    return function()
        local text = pipe:read "*a"
        local ok, count = pipe:close(), tonumber(text:match "Collected : (%d+)")
        if not (ok and count and text:find "steady ") then fail(command, text) end
        return count
    end
end

--- Counts the instructions of one call in user space, two programs at a time: others do not
-- change the count.
-- @param jobs by any key: { program, url, ca_file, at_once, warm, calls, … }
-- @return the counts by the same keys
function process.instructions(jobs)
    local counts, keys, waits = {}, {}, {}
    for key in pairs(jobs) do keys[#keys + 1] = key end
    for i = 1, #keys + 1 do
        local key, before = keys[i], keys[i - 1]
        if key then waits[key] = callgrind("/dev/null", unpack(jobs[key])) end
        if before then counts[before] = waits[before]() / jobs[before][6] end
    end
    return counts
end

--- Finds which libraries execute the instructions of one call.
-- @return by the name of the file
function process.libraries(program, url, ca_file, at_once, warm, calls)
    local out, found = os.tmpname(), {}
    callgrind(out, program, url, ca_file, at_once, warm, calls)()
    local text = output_of("callgrind_annotate --threshold=100 " .. out)
    os.remove(out)
    for count, path in text:gmatch "\n%s*([%d,]+) %b()[^\n]*%[([^%]\n]+)%]" do
        local name = path:match "[^/]+$"
        found[name] = (found[name] or 0) + tonumber((count:gsub(",", ""))) / calls
    end
    assert(next(found), "callgrind_annotate names no library")
    return found
end

--- What a program prints that is run on the CPU of the programs.
function process.output(env, ...)
    local cpu = process.client_cpu
    local command = join(env, cpu and "taskset -c " .. cpu, ...)
    local text, ok = output_of(command)
    if not ok then fail(command, text) end
    return text
end

local function version_of(package)
    return output_of("dpkg-query -W -f '${Version}' " .. package .. " 2>/dev/null")
end

--- How many processes want a CPU, as a text.
function process.load()
    return first_line "cut -d' ' -f1 /proc/loadavg"
end

--- What the figures were measured on.
function process.machine()
    return {
        cpu = first_line "sed -n 's/^model name[^:]*: //p' /proc/cpuinfo",
        cpus = tonumber(first_line "nproc"),
        system = first_line "sed -n 's/^PRETTY_NAME=\"\\(.*\\)\"/\\1/p' /etc/os-release",
        kernel = first_line "uname -r",
        load = process.load(),
        date = first_line "date -u +%Y-%m-%d",
        lua = first_line "lua5.4 -v", luajit = first_line "luajit -v",
        libcurl = version_of "libcurl4", openssl = first_line "openssl version",
        nginx = first_line "nginx -v",
    }
end

return process
