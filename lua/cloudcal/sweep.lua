--- Tables whose keys may never be asked for again: what is over goes, a little whenever a value
-- comes, or somebody looks. A walk by next() would pass what has gone before, again and again;
-- hence a queue.

local clock = require "cloudcal.clock"

local sweep = {}
sweep.__index = sweep

local LIVE = 4 -- values that one look finds at most, more than the one that comes with it
local OVER = 500 -- values that one look drops at most
local PAUSE = 1 -- second after a look that found nothing more to drop

--- Makes a table.
-- @param is_over function(value, now)
-- @return it; its values may be read at any time, and set to nil
function sweep.new(is_over)
    return setmetatable({
        values = {}, is_over = is_over, queue = {}, first = 1, last = 0, next_look = 0,
    }, sweep)
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

local function drop_some(self, now)
    local live, over = 0, 0
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
    self.next_look = over < OVER and now + PAUSE or now
end

--- Drops some of what is over: for those who use values without putting new ones.
-- @param now in seconds of the monotonic clock
function sweep:look(now)
    if now >= self.next_look then drop_some(self, now) end
end

--- Sets a value that is not nil.
function sweep:put(key, value)
    if self.values[key] == value then return end
    drop_some(self, clock.now())
    append(self, key, value)
    self.values[key] = value
end

return sweep
