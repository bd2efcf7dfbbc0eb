--- A store in this Lua state: tokens and rate limits of all clients that share it.
--
-- The interface of every store:
--   store.locks_last                   a lock does not end by itself after its seconds
--   store.is_private                   nobody outside this Lua state sees what is in it
--   store:get(key)                     value and the seconds it has left; or nil; or nil, nil and
--                                      a message if the store fails
--   store:set(key, value, seconds)     true; or nil and a message
--   store:try_lock(key, seconds)       true if it was taken; it ends by itself after `seconds`,
--                                      or with its process (stores/file.lua)
--   store:unlock(key)
--   store:reserve(key, limits, most)   seconds to wait for the reserved slot, and its number (of
--                                      whatever type); or nil and the seconds that would be
--                                      needed, if that is over `most`
--   store:check(key, limits, number)   seconds that the slot is still away, after that wait: the
--                                      calls before it may have been late
--   store:settle(key, limits, number, time)   the service counted that call at `time` or before
-- limits is an array of { count, seconds }: at most `count` calls in any `seconds`. A call that
-- has not been settled may still be on its way.

local clock = require "cloudcal.clock"

local memory = {}
memory.__index = memory
memory.__metatable = "cloudcal.store"
memory.is_private = true -- to this Lua state

local RECORDED = 1000 -- times that a window remembers; a wider one records each k-th call

-- What a walk over a store must not find: its values
local entries_of = setmetatable({}, { __mode = "k" })

--- Makes a store.
function memory.new()
    local self = setmetatable({ locks = {}, windows = {} }, memory)
    entries_of[self] = {}
    return self
end

function memory:get(key)
    local entry = entries_of[self][key]
    local left = entry and entry.expires - clock.now()
    if not entry or left <= 0 then return nil end
    return entry.value, left
end

function memory:set(key, value, seconds)
    entries_of[self][key] = value ~= nil
        and { value = value, expires = clock.now() + seconds } or nil
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

local LONGEST_OPEN = 5 -- seconds; what is not settled by then was counted, or never left

-- `calls` is the number of the next call of the key.
local function new_window(limit, calls)
    local stride = math.ceil(limit.count / RECORDED)
    return {
        count = limit.count, seconds = limit.seconds, stride = stride,
        times = {}, open = {}, first = math.ceil(calls / stride),
    }
end

local function time_of(window, index, now)
    local time = window.times[index]
    if not window.open[index] then return time end
    return math.max(time, math.min(now, time + LONGEST_OPEN))
end

-- Where each k-th call is recorded, the next recorded one stands for the one that counts. One
-- that is no longer recorded is so old that it does not matter.
local function earliest(window, number, now)
    if number < window.count then return 0 end
    local index = math.ceil((number - window.count) / window.stride)
    if not window.times[index] then return 0 end
    return time_of(window, index, now) + window.seconds
end

local function is_old(window, index, now)
    return window.times[index] and time_of(window, index, now) + window.seconds < now
end

local function forget_old(window, now)
    while is_old(window, window.first, now) do
        window.times[window.first], window.open[window.first] = nil, nil
        window.first = window.first + 1
    end
end

-- What was before so many calls does not matter to any later one.
local function start_over(window, first)
    window.times, window.open = {}, {}
    window.first = math.ceil(first / window.stride)
end

local function record(window, first, last, slot, now)
    forget_old(window, now)
    if last - first >= window.count then
        first = last - window.count + 1
        start_over(window, first)
    end
    for index = math.ceil(first / window.stride), math.floor(last / window.stride) do
        window.times[index], window.open[index] = slot, true
    end
end

local function windows_of(self, key)
    self.windows[key] = self.windows[key] or { calls = 0 }
    return self.windows[key]
end

-- Limits that come up later count from then on.
local function window_for(windows, limit)
    for i = 1, #windows do
        local window = windows[i]
        if window.count == limit.count and window.seconds == limit.seconds then return window end
    end
    windows[#windows + 1] = new_window(limit, windows.calls)
    return windows[#windows]
end

local function slot_for(windows, limits, number, now)
    local slot = now
    for i = 1, #limits do
        slot = math.max(slot, earliest(window_for(windows, limits[i]), number, now))
    end
    return slot
end

local function add(windows, count, slot, now)
    local first = windows.calls
    windows.calls = first + count
    for i = 1, #windows do record(windows[i], first, first + count - 1, slot, now) end
    return windows.calls - 1
end

-- {======================================================
-- Several calls may be taken as one: at one time, under the number of the last. That is for
-- stores/redis.lua, where one call stands for those of other processes, too.
-- =======================================================}

--- Reserves a slot.
-- @param count calls that are taken as one; 1 if absent
function memory:reserve(key, limits, most, count)
    count = count or 1
    local windows, now = windows_of(self, key), clock.now()
    local slot = slot_for(windows, limits, windows.calls + count - 1, now)
    if slot - now > most then return nil, slot - now end
    return slot - now, add(windows, count, slot, now)
end

--- Tells how many seconds the next call would have to wait.
function memory:ahead(key, limits)
    local windows, now = windows_of(self, key), clock.now()
    return slot_for(windows, limits, windows.calls, now) - now
end

--- Takes note of calls that somebody else has let through.
-- @param seconds until they start
-- @return their number
function memory:note(key, limits, count, seconds)
    local windows, now = windows_of(self, key), clock.now()
    for i = 1, #limits do window_for(windows, limits[i]) end
    return add(windows, count, now + seconds, now)
end

function memory:check(key, limits, number)
    local now = clock.now()
    return slot_for(windows_of(self, key), limits, number, now) - now
end

local function settle(window, first, last, time)
    for index = math.ceil(first / window.stride), math.floor(last / window.stride) do
        if window.open[index] then window.times[index], window.open[index] = time, nil end
    end
end

function memory:settle(key, _, number, time, count)
    for _, window in ipairs(windows_of(self, key)) do
        local first = number - math.min(count or 1, window.count) + 1
        settle(window, first, number, time)
    end
end

return memory
