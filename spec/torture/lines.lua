--- The lines of lua/ that can run, and those of them that did (lines.c).
--   lines.lua --files          the paths, in the order of the map's rows
--   lines.lua --map ROWS       an empty map for so many files
--   lines.lua FILES MAP LEAST  what did not run, and as the last line "Lua lines N %|0"; 1 in the
--                              place of 0 if that is less than LEAST

local ROW = 8192
local MOST_SHOWN = 100

local function read(path)
    local file = assert(io.open(path, "rb"))
    local text = file:read "*a"
    file:close()
    return text
end

local function output(command)
    local pipe = assert(io.popen(command))
    local text = pipe:read "*a"
    assert(pipe:close(), command)
    return text
end

-- Each function ends with a return of its own, which the compiler adds, and may begin with an
-- instruction for "...", for which no hook is called.
local function runnable(path)
    local lines, last = {}, nil
    for row in output("luac5.4 -l -p " .. path):gmatch "[^\n]+" do
        local line, instruction = row:match "^%s+%d+%s+%[(%d+)%]%s+(%u%w*)"
        if row:find "^%a+ <" then last = nil end
        if line then
            if last then lines[last] = true end
            last = instruction ~= "VARARGPREP" and tonumber(line) or nil
        end
    end
    return lines
end

local function sorted(set)
    local list = {}
    for line in pairs(set) do list[#list + 1] = line end
    table.sort(list)
    return list
end

local function report(files, map, least)
    local bytes, number, all, ran = read(map), 0, 0, 0
    for path in io.lines(files) do
        local lines, missed = sorted(runnable(path)), {}
        for _, line in ipairs(lines) do
            if bytes:byte(number * ROW + line + 1) == 0 then missed[#missed + 1] = line end
        end
        number, all, ran = number + 1, all + #lines, ran + #lines - #missed
        if #missed > 0 then
            print(("%s: %d of %d lines did not run: %s"):format(path, #missed, #lines,
                table.concat(missed, " ", 1, math.min(#missed, MOST_SHOWN))))
        end
    end
    local share = math.floor(ran / all * 1000) / 10
    print(("Lua lines %.1f %%|%d"):format(share, share < tonumber(least) and 1 or 0))
end

if arg[1] == "--files" then
    io.write(output "find lua -name '*.lua' | sort")
elseif arg[1] == "--map" then
    io.write(("\0"):rep(ROW * tonumber(arg[2])))
else
    report(arg[1], arg[2], arg[3])
end
