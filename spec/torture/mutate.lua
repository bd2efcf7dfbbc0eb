--- Texts made of others by a seeded generator: bytes and ranges changed, doubled, lost, cut, words
-- of a dictionary put in, and now and then one of them very often.

local random_of = require "spec.random"

local mutate = {}

local LONG = 40000 -- bytes of a long run
local RARE = 100 -- one in so many texts has one
local MOST_WRONG = 20 -- are enough

--- Makes a mutator.
-- @param random a generator
-- @param words an array, the dictionary
-- @return function(corpus): a text made of one of an array
function mutate.new(random, words)
    local changes = {
        function(text, at)
            return text:sub(1, at - 1) .. string.char(random(0, 255)) .. text:sub(at + 1)
        end,
        function(text, at) return text:sub(1, at - 1) .. words[random(#words)] .. text:sub(at) end,
        function(text, at) return text:sub(1, at - 1) .. text:sub(at + random(0, 20)) end,
        function(text, at) return text:sub(1, at + random(0, 20)) .. text:sub(at) end,
        function(text, at) return text:sub(1, at - 1) end,
        function(text, at)
            local from = random(1, #text + 1)
            return text:sub(1, at - 1) .. text:sub(from, from + random(0, 40)) .. text:sub(at)
        end,
        function(text, at)
            local word = words[random(#words)]
            return text:sub(1, at - 1) .. word:rep(random(2, 9)) .. text:sub(at)
        end,
    }

    return function(corpus)
        local text = corpus[random(#corpus)]
        for _ = 1, random(0, 4) do
            text = changes[random(#changes)](text, random(1, #text + 1))
        end
        if random(RARE) == 1 then
            local word, at = words[random(#words)], random(1, #text + 1)
            local value = random(2) == 1 and text:find(":", at, true)
            if value then at = value + 2 end
            local run = word:rep(math.ceil(LONG / random(8) / #word))
            text = text:sub(1, at - 1) .. run .. words[random(#words)] .. text:sub(at)
        end
        return text
    end
end

--- Tries `count` seeds, and prints those that raise or take too long.
-- @param most seconds of CPU that one may take
-- @param one function(random, own seed)
-- @return how many went wrong, and the seconds of the slowest
function mutate.each(count, seed, most, one)
    local wrong, slowest = 0, 0
    print("seed " .. seed)
    for own = seed, seed + count - 1 do
        local started = os.clock()
        local fine, problem = pcall(one, random_of(own), own)
        local took = os.clock() - started
        slowest = math.max(slowest, took)
        if not fine or took >= most then
            wrong = wrong + 1
            print(("seed %d: %s, %.1f s"):format(own, tostring(problem), took))
        end
        if wrong > MOST_WRONG then break end
    end
    return wrong, slowest
end

return mutate
