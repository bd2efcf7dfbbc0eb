--- What a store needs of a shared dictionary of nginx, on a clock that specs can set.

local clock = require "cloudcal.clock"

local fake_dict = {}
fake_dict.__index = fake_dict

--- A dictionary.
-- @param room how many keys it takes; nil: any number
function fake_dict.new(room)
    return setmetatable({ entries = {}, count = 0, room = room or math.huge }, fake_dict)
end

local function find(dict, key)
    local entry = dict.entries[key]
    if entry and entry.expires <= clock.now() then
        dict.entries[key], dict.count = nil, dict.count - 1
        return nil
    end
    return entry
end

local function put(dict, key, value, seconds)
    if not find(dict, key) then
        if dict.count >= dict.room then return nil, "no memory" end
        dict.count = dict.count + 1
    end
    local expires = seconds and seconds > 0 and clock.now() + seconds or math.huge
    dict.entries[key] = { value = value, expires = expires }
    return true
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

fake_dict.set = fake_dict.safe_set

function fake_dict:safe_add(key, value, seconds)
    if find(self, key) then return false, "exists" end
    return put(self, key, value, seconds)
end

function fake_dict:incr(key, by, init)
    local entry = find(self, key)
    if not entry then
        if not init then return nil, "not found" end
        local ok, problem = put(self, key, init + by)
        return ok and init + by, problem
    end
    entry.value = entry.value + by
    return entry.value
end

function fake_dict:delete(key)
    if find(self, key) then self.entries[key], self.count = nil, self.count - 1 end
end

return fake_dict
