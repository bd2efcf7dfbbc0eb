--- What a store needs of a shared dictionary of nginx, on a clock that specs can set.

local clock = require "cloudcal.clock"

local fake_dict = {}
fake_dict.__index = fake_dict

--- A dictionary.
-- @param room how many keys it takes; nil: any number
function fake_dict.new(room)
    return setmetatable({ entries = {}, count = 0, uses = 0, room = room or math.huge },
        fake_dict)
end

local function remove(dict, key)
    dict.entries[key], dict.count = nil, dict.count - 1
end

local function find(dict, key)
    local entry = dict.entries[key]
    if not entry then return nil end
    if entry.expires <= clock.now() then return remove(dict, key) end
    dict.uses = dict.uses + 1
    entry.used = dict.uses
    return entry
end

local function put(dict, key, value, seconds)
    if not find(dict, key) then
        if dict.count >= dict.room then return nil, "no memory" end
        dict.count = dict.count + 1
    end
    local expires = seconds and seconds > 0 and clock.now() + seconds or math.huge
    dict.uses = dict.uses + 1
    dict.entries[key] = { value = value, expires = expires, used = dict.uses }
    return true
end

-- Makes room as set, add and incr with a first value do: by what was not used for longest.
local function evict(dict, key)
    if find(dict, key) or dict.count < dict.room then return end
    local oldest
    for other, entry in pairs(dict.entries) do
        if not oldest or entry.used < dict.entries[oldest].used then oldest = other end
    end
    if oldest then remove(dict, oldest) end
end

function fake_dict:get(key)
    local entry = find(self, key)
    return entry and entry.value
end

function fake_dict:ttl(key)
    local entry = find(self, key)
    if not entry then return nil, "not found" end
    return entry.expires == math.huge and 0 or entry.expires - clock.now()
end

function fake_dict:safe_set(key, value, seconds)
    return put(self, key, value, seconds)
end

function fake_dict:set(key, value, seconds)
    evict(self, key)
    return put(self, key, value, seconds)
end

function fake_dict:safe_add(key, value, seconds)
    if find(self, key) then return false, "exists" end
    return put(self, key, value, seconds)
end

function fake_dict:incr(key, by, init)
    local entry = find(self, key)
    if not entry then
        if not init then return nil, "not found" end
        evict(self, key)
        local ok, problem = put(self, key, init + by)
        return ok and init + by, problem
    end
    entry.value = entry.value + by
    return entry.value
end

function fake_dict:delete(key)
    if find(self, key) then remove(self, key) end
end

function fake_dict:expire(key, seconds)
    local entry = find(self, key)
    if not entry then return nil, "not found" end
    entry.expires = clock.now() + seconds
    return true
end

function fake_dict:flush_expired()
    for key, entry in pairs(self.entries) do
        if entry.expires <= clock.now() then remove(self, key) end
    end
end

return fake_dict
