--- Random failures of calls on a simulated clock: retries.lua COUNT [SEED].

local random_of = require "spec.random"
local simulated = require "spec.simulated"

local count, seed = ...
count, seed = tonumber(count), tonumber(seed) or os.time()

local wrong, attempts = 0, 0
for own = seed, seed + count - 1 do
    local kept, problem = pcall(simulated, random_of(own))
    if kept then attempts = attempts + problem
    else
        wrong = wrong + 1
        if wrong <= 20 then print(("seed %d: %s"):format(own, tostring(problem))) end
    end
end
if attempts < 1.2 * count then wrong = wrong + 1 end -- hardly anything was sent again
print(("%d sequences, %d attempts|%d"):format(count, attempts, wrong))
os.exit(wrong == 0 and 0 or 1)
