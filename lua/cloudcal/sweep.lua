--- Tables whose keys may never be asked for again: what is over goes, a little at each look.
-- A walk by next() would pass what has gone before, again and again; hence a queue.

local clock = require "cloudcal.clock"

local sweep = {}
sweep.__index = sweep

local LIVE = 4 -- values that one look finds at most, more than the one that came with it
local OVER = 500 -- values that one look drops at most

--- Makes a table.
-- @param is_over function(value, now)
-- @return it; its values may be read at any time, and set to nil
function sweep.new(is_over)
    return setmetatable({ values = {}, is_over = is_over, queue = {}, first = 1, last = 0 }, sweep)
end

local function append(self, key, value)
    self.last = self.last + 1
    self.queue[self.last] = { key, value }
end

local function take(self)
    local entry = self.queue[self.first]
    self.queue[self.first] = nil
    self.first = self.first + 1
    return entry[1], entry[2]
end

--- Sets a value that is not nil.
function sweep:put(key, value)
    if self.values[key] ~= value then append(self, key, value) end
    self.values[key] = value
end

--- Drops some of what is over. Each operation that may put a value looks once.
function sweep:look()
    local now, live, over = clock.now(), 0, 0
    while self.first <= self.last and live < LIVE and over < OVER do
        local key, value = take(self)
        if self.values[key] ~= value then
            over = over + 1 -- another one has its place
        elseif self.is_over(value, now) then
            self.values[key], over = nil, over + 1
        else
            append(self, key, value)
            live = live + 1
        end
    end
end

return sweep
