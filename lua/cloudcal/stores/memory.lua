--- A store in this Lua state: tokens and rate limits of all clients that share it.
--
-- The interface of every store:
--   store:get(key)                     value and the seconds it has left, or nil
--   store:set(key, value, seconds)     true; or nil and a message
--   store:try_lock(key, seconds)       true if it was taken; it ends by itself after `seconds`
--   store:unlock(key)
--   store:reserve(key, limits, most)   seconds to wait for the reserved slot; or nil and the
--                                      seconds that would be needed, if that is over `most`
-- limits is an array of { count, seconds }: at most `count` calls in any `seconds`.

local clock = require "cloudcal.clock"

local memory = {}
memory.__index = memory
memory.__metatable = "cloudcal.store"

local RECORDED = 1000 -- times that a window remembers; a wider one records each k-th call

--- Makes a store.
function memory.new()
    return setmetatable({ entries = {}, locks = {}, windows = {} }, memory)
end

function memory:get(key)
    local entry = self.entries[key]
    local left = entry and entry.expires - clock.now()
    if not entry or left <= 0 then return nil end
    return entry.value, left
end

function memory:set(key, value, seconds)
    self.entries[key] = value ~= nil and { value = value, expires = clock.now() + seconds } or nil
    return true
end

function memory:try_lock(key, seconds)
    local now = clock.now()
    if (self.locks[key] or 0) > now then return false end
    self.locks[key] = now + seconds
    return true
end

function memory:unlock(key)
    self.locks[key] = nil
end

-- {======================================================
-- Sliding windows: call number n may not start before call n - count is `seconds` old
-- =======================================================}

local function new_window(limit)
    local stride = math.ceil(limit.count / RECORDED)
    return {
        count = limit.count, seconds = limit.seconds, stride = stride,
        size = math.floor(limit.count / stride) + 2, times = {}, calls = 0,
    }
end

-- Where each k-th call is recorded, the next recorded one stands for the one that counts.
local function earliest(window)
    local before = window.calls - window.count
    if before < 0 then return 0 end
    local record = math.ceil(before / window.stride)
    return window.times[record % window.size] + window.seconds
end

local function record(window, slot)
    if window.calls % window.stride == 0 then
        window.times[(window.calls / window.stride) % window.size] = slot
    end
    window.calls = window.calls + 1
end

local function windows_for(self, key, limits)
    local windows = self.windows[key]
    if windows then return windows end
    windows = {}
    for i, limit in ipairs(limits) do windows[i] = new_window(limit) end
    self.windows[key] = windows
    return windows
end

function memory:reserve(key, limits, most)
    local windows, now = windows_for(self, key, limits), clock.now()
    local slot = now
    for _, window in ipairs(windows) do slot = math.max(slot, earliest(window)) end
    if slot - now > most then return nil, slot - now end
    for _, window in ipairs(windows) do record(window, slot) end
    return slot - now
end

return memory
