--- A store in a shared dictionary of nginx: all workers see the same tokens and limits.
-- The interface is described in stores/memory.lua.

local clock = require "cloudcal.clock"

local nginx = {}
nginx.__index = nginx
nginx.__metatable = "cloudcal.store"

local PREFIX = "cloudcal:"

--- Makes a store.
-- @param dict a lua_shared_dict such as ngx.shared.cloudcal
function nginx.new(dict)
    if type(dict) ~= "table" or type(dict.safe_set) ~= "function" then
        error("dict must be a shared dictionary of nginx, not a " .. type(dict), 3)
    end
    return setmetatable({ dict = dict }, nginx)
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
    local stored, message = self.dict:safe_set(PREFIX .. key, value, seconds)
    return stored or nil, message
end

function nginx:try_lock(key, seconds)
    return (self.dict:safe_add(PREFIX .. "lock:" .. key, true, seconds)) == true
end

function nginx:unlock(key)
    self.dict:delete(PREFIX .. "lock:" .. key)
end

-- {======================================================
-- Each call gets a number by one atomic step, and its slot is kept under that number. Workers
-- share the monotonic clock of the machine.
-- =======================================================}

local function slot_of(self, key, number)
    return number >= 1 and self.dict:get(key .. number) or 0
end

local function earliest(self, key, number, limits)
    local slot = 0
    for _, limit in ipairs(limits) do
        slot = math.max(slot, slot_of(self, key, number - limit.count) + limit.seconds)
    end
    return slot
end

local function longest(limits)
    local seconds = 0
    for _, limit in ipairs(limits) do seconds = math.max(seconds, limit.seconds) end
    return seconds
end

function nginx:reserve(key, limits, most)
    key = PREFIX .. "slot:" .. key .. ":"
    local number = self.dict:incr(key .. "n", 1, 0)
    local now = clock.now()
    -- a full dictionary counts nothing: better an answer of the service than no call at all
    if not number then return 0 end
    local slot = math.max(now, earliest(self, key, number, limits))
    local granted = slot - now <= most
    -- a number that is not used stands for the call before it
    local kept = granted and slot or slot_of(self, key, number - 1)
    self.dict:set(key .. number, kept, longest(limits) + most + 1)
    if granted then return slot - now end
    return nil, slot - now
end

return nginx
