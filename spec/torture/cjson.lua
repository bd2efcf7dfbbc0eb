--- lua-cjson holds memory in C while it calls Lua, and loses it when Lua raises "not enough
-- memory". Here is what it loses by itself, what it loses under our JSON, and that nothing else is
-- lost: each lost block has lua-cjson in its stack, and none has a function of ours.
--   cjson.lua HOST                          every request for memory, in a process of its own
--   cjson.lua HOST NAME NTH LASTING         one: the leak report, and on stdout how it ended

local host = require "torture.host"

local program, name, nth, lasting = ...

local MOST = 500
local TEXT = '{"code":0,"data":["' .. ("x"):rep(2000) .. '",{"a":[1,2.5,true]}]}'

local function ours() return require "cloudcal.json" end

local SCENARIOS = {
    { "cjson.decode alone", function() return require("cjson").decode(TEXT) end },
    { "cjson.encode alone", function() return require("cjson").encode { a = { 1, TEXT } } end },
    { "our decode", function() return assert(ours().decode(TEXT)) end },
    { "our encode", function() return assert(ours().encode { a = { 1, TEXT } }) end },
}

local function body_of(wanted)
    for _, row in ipairs(SCENARIOS) do
        if row[1] == wanted then return row[2] end
    end
end

if name then
    local body = body_of(name)
    body() -- loads the modules
    local _, _, requests = host.under("lua", tonumber(nth), lasting == "true", body)
    print(requests < tonumber(nth) and "past the last request" or "failed one")
    host.leaks()
    os.exit(0, false)
end

-- The stacks of the lost blocks.
local function lost_blocks(report)
    local blocks = {}
    for block in (report .. "\n"):gmatch "leak of [^\n]*\n(.-)\n\n" do
        blocks[#blocks + 1] = block
    end
    return blocks
end

local function run(scenario, number, is_lasting)
    local pipe = assert(io.popen(("ASAN_OPTIONS=leak_check_at_exit=0 %s spec/torture/cjson.lua %s "
        .. "'%s' %d %s 2>&1"):format(program, program, scenario, number, tostring(is_lasting))))
    local report = pipe:read "*a"
    assert(pipe:close(), report)
    return report
end

local tried, leaking, wrong = 0, { alone = 0, ours = 0 }, 0

local function judge(scenario, report)
    local blocks = lost_blocks(report)
    for _, block in ipairs(blocks) do
        if not block:find("cjson", 1, true) or block:find("/src/", 1, true) then
            wrong = wrong + 1
            print(scenario .. " loses what is not lua-cjson's:\n" .. block)
        end
    end
    if #blocks == 0 then return end
    local whose = scenario:find "alone" and "alone" or "ours"
    leaking[whose] = leaking[whose] + 1
end

for _, row in ipairs(SCENARIOS) do
    for _, is_lasting in ipairs { false, true } do
        for number = 1, MOST do
            local report = run(row[1], number, is_lasting)
            if report:find("past the last request", 1, true) then break end
            assert(report:find("failed one", 1, true) and number < MOST, report)
            tried = tried + 1
            judge(row[1], report)
        end
    end
end

assert(tried > 0)
print(("%d points, cjson loses at %d alone, at %d in ours|%d"):format(tried, leaking.alone,
    leaking.ours, wrong))
if wrong > 0 then error "something else is lost" end
