--- What a stage of a call costs: it is done TIMES more often, and the difference to a plain call
-- is so many times its cost.
--
--   lua5.4 bench/programs/stages.lua BASE_URL CA_FILE AT_ONCE WARM CALLS MODE STAGE TIMES
--
-- MODE is "plain" or "refused"; STAGE "none" or one of these:

local STAGES = {
    check = {
        schema = { "check" },
        identity = { "choose" }, request = { "refusal", "is_repeatable" },
    },
    build = { request = { "url" } },
    token = { tokens = { "get" } },
    rate_limit = { limiter = { "acquire" } },
    read = { response = { "read" } },
    decode = { json = { "decode" } },
    error = { errors = { "new" } },
    none = {},
}

local limiter = require "cloudcal.limiter"

local stage, times = arg[7], tonumber(arg[8])
local repeated = 0

local function repeat_it(module, name)
    local once = assert(module[name], "there is no function " .. name)
    module[name] = function(...)
        repeated = repeated + 1
        for _ = 1, times do
            once(...)
            -- a slot is given back, as after an answer
            if module == limiter then limiter.settle((...)) end
        end
        return once(...)
    end
end

for name, functions in pairs(assert(STAGES[stage], "no such stage")) do
    local module = require("cloudcal." .. name)
    for _, fn in ipairs(functions) do repeat_it(module, fn) end
end

local exit = os.exit
function os.exit(...) -- luacheck: ignore 122
    if stage ~= "none" then assert(repeated > 0, "no call came through " .. stage) end
    exit(...)
end

dofile "bench/programs/cloudcal.lua"
