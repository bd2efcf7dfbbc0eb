--- A store in a shared dictionary of nginx: all workers see the same tokens and limits.
-- The interface is described in stores/memory.lua.
--
-- A full dictionary keeps what it has: nothing live is evicted for what comes later.

local clock = require "cloudcal.clock"
local sliding = require "cloudcal.stores.sliding"

local nginx = {}
nginx.__index = nginx
nginx.__metatable = "cloudcal.store"

local PREFIX = "cloudcal:"
local SWEEP = 1 -- seconds between two looks at all entries for those that have expired

--- Makes a store.
-- @param dict a lua_shared_dict such as ngx.shared.cloudcal
function nginx.new(dict)
    if type(dict) ~= "table" or type(dict.safe_set) ~= "function" then
        error("dict must be a shared dictionary of nginx, not a " .. type(dict), 3)
    end
    return setmetatable({ dict = dict, next_sweep = -math.huge }, nginx)
end

-- By itself nginx removes what has expired only if nothing live was unused for longer.
local function put(self, method, key, value, seconds)
    local stored, problem = self.dict[method](self.dict, key, value, seconds)
    if problem ~= "no memory" or clock.now() < self.next_sweep then return stored, problem end
    self.next_sweep = clock.now() + SWEEP
    self.dict:flush_expired()
    return self.dict[method](self.dict, key, value, seconds)
end

function nginx:get(key)
    local value = self.dict:get(PREFIX .. key)
    if value == nil then return nil end
    local left = self.dict:ttl(PREFIX .. key)
    if not left or left <= 0 then return nil end
    return value, left
end

function nginx:set(key, value, seconds)
    if value == nil then
        self.dict:delete(PREFIX .. key)
        return true
    end
    local stored, message = put(self, "safe_set", PREFIX .. key, value, seconds)
    return stored or nil, message
end

-- Where there is no room for a lock nobody can hold it: better two of them than none.
function nginx:try_lock(key, seconds)
    local added, problem = put(self, "safe_add", PREFIX .. "lock:" .. key, true, seconds)
    return added == true or problem ~= "exists"
end

function nginx:unlock(key)
    self.dict:delete(PREFIX .. "lock:" .. key)
end

-- {======================================================
-- Each call gets a number by one atomic step, and its slot is kept under that number: below 0
-- as long as it is not settled. Workers share the monotonic clock of the machine. The number lasts
-- as long as the last slot; were it lost before, the calls until then would not count any more.
-- =======================================================}

local LONGEST_OPEN = sliding.longest_open

local function time_of(self, key, number, now)
    local slot = number >= 1 and self.dict:get(key .. number) or 0
    if slot >= 0 then return slot end
    return math.max(-slot, math.min(now, -slot + LONGEST_OPEN))
end

local function slot_for(self, key, limits, number, now)
    local slot = now
    for _, limit in ipairs(limits) do
        slot = math.max(slot, time_of(self, key, number - limit.count, now) + limit.seconds)
    end
    return slot
end

local function longest(limits)
    local seconds = 0
    for _, limit in ipairs(limits) do seconds = math.max(seconds, limit.seconds) end
    return seconds
end

local function lifetime(limits, most)
    return longest(limits) + LONGEST_OPEN + most
end

local function keep(self, key, limits, number, slot, most)
    local seconds = lifetime(limits, most)
    put(self, "safe_set", key .. number, slot, seconds)
    local left = self.dict:ttl(key .. "n")
    if left and left < seconds then self.dict:expire(key .. "n", seconds) end
end

local function next_number(self, key, seconds)
    local number = self.dict:incr(key .. "n", 1)
    if number then return number end
    put(self, "safe_add", key .. "n", 0, seconds) -- if no other worker was faster
    return (self.dict:incr(key .. "n", 1))
end

local function prefix_of(key)
    return PREFIX .. "slot:" .. key .. ":"
end

-- A full dictionary counts nothing: better an answer of the service than no call at all.
function nginx:reserve(key, limits, most)
    key = prefix_of(key)
    local now = clock.now()
    local slot = slot_for(self, key, limits, (self.dict:get(key .. "n") or 0) + 1, now)
    if slot - now > most then return nil, slot - now end
    local number = next_number(self, key, lifetime(limits, most))
    if not number then return 0 end
    slot = slot_for(self, key, limits, number, now)
    if slot - now > most then
        -- other workers were faster: what is not used stands for the call before it
        keep(self, key, limits, number, time_of(self, key, number - 1, now), most)
        return nil, slot - now
    end
    keep(self, key, limits, number, -slot, most)
    return slot - now, number
end

function nginx:check(key, limits, number)
    local now = clock.now()
    return slot_for(self, prefix_of(key), limits, number, now) - now
end

function nginx:settle(key, limits, number, time)
    keep(self, prefix_of(key), limits, number, time, 0)
end

return nginx
