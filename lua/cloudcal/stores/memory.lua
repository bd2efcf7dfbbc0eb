--- A store in this Lua state: tokens and rate limits of all clients that share it.
--
-- The interface of every store is described at the functions of this one. Beside them:
--   store.is_private                   nobody outside this Lua state sees what is in it
-- limits is an array of { count, seconds }: at most `count` calls in any `seconds`. A call that
-- has not been settled may still be on its way.

local clock = require "cloudcal.clock"
local sliding = require "cloudcal.stores.sliding"
local sweep = require "cloudcal.sweep"

local ceil, floor, max = math.ceil, math.floor, math.max

local memory = {}
memory.__index = memory
memory.__metatable = "cloudcal.store"
memory.is_private = true -- to this Lua state

local RECORDED, LONGEST_OPEN = sliding.recorded, sliding.longest_open

-- What a walk over a store must not find: its values
local entries_of = setmetatable({}, { __mode = "k" })

local function is_over(entry, now)
    return entry.expires <= now
end

local function is_quiet(windows, now)
    return windows.last_slot + LONGEST_OPEN + windows.seconds < now
end

--- Makes a store.
function memory.new()
    local self = setmetatable({
        locks = sweep.new(is_over), windows = sweep.new(is_quiet),
        calls = 0, -- of all keys; a window that comes anew has no number of one that was dropped
    }, memory)
    entries_of[self] = sweep.new(is_over)
    return self
end

--- Gets a value.
-- @param key a string
-- @return the value and the seconds it has left; nil; or nil, nil and a message if the store
-- fails
function memory:get(key)
    local entry = entries_of[self].values[key]
    local left = entry and entry.expires - clock.now()
    if not entry or left <= 0 then return nil end
    return entry.value, left
end

--- Sets a value, or forgets it if there is none.
-- @param key a string
-- @param value a string or a number
-- @param seconds how long it is kept
-- @param deadline until when the store may wait, in seconds of the monotonic clock; only one in a
-- file waits for others
-- @return true; or nil and a message
function memory:set(key, value, seconds, deadline) -- luacheck: ignore 212
    local entries = entries_of[self]
    if value == nil then
        entries.values[key] = nil
    else
        entries:put(key, { value = value, expires = clock.now() + seconds })
    end
    return true
end

--- Takes a lock if nobody has it. It ends by itself after `seconds`, or with its process where
-- the store is a file, or when that goes on after `seconds`.
-- @param key a string
-- @param seconds how long it lasts at most
-- @return true if it was taken, else false; and a message where no lock could be made
function memory:try_lock(key, seconds)
    local now, lock = clock.now(), self.locks.values[key]
    if lock and not is_over(lock, now) then return false end
    self.locks:put(key, { expires = now + seconds })
    return true
end

--- Gives back a lock.
-- @param key a string
function memory:unlock(key)
    self.locks.values[key] = nil
end

-- {======================================================
-- Sliding windows: call number n may not start before call n - count is `seconds` old
-- =======================================================}

-- `calls` is the number of the next call of the key.
local function new_window(limit, calls)
    local stride = ceil(limit.count / RECORDED)
    return {
        count = limit.count, seconds = limit.seconds, stride = stride,
        times = {}, open = {}, first = ceil(calls / stride),
    }
end

local function time_of(window, index, now)
    local time = window.times[index]
    if not window.open[index] then return time end
    return max(time, math.min(now, time + LONGEST_OPEN))
end

-- Where each k-th call is recorded, the next recorded one stands for the one that counts. One
-- that is no longer recorded is so old that it does not matter.
local function earliest(window, number, now)
    local index = ceil((number - window.count) / window.stride)
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
    window.first = ceil(first / window.stride)
end

-- Some of these calls are recorded: a single one is if its number is a multiple of the stride.
local function record(window, first, last, slot, now)
    local from, to = ceil(first / window.stride), floor(last / window.stride)
    forget_old(window, now)
    if last - first >= window.count then
        first = last - window.count + 1
        start_over(window, first)
        from = ceil(first / window.stride)
    end
    for index = from, to do window.times[index], window.open[index] = slot, true end
end

local function windows_of(self, key, now)
    self.windows:look(now)
    local windows = self.windows.values[key]
    if not windows then
        windows = { calls = self.calls, last_slot = -math.huge, seconds = 0 }
        self.windows:put(key, windows)
    end
    return windows
end

-- Limits that come up later count from then on.
local function window_for(windows, limit)
    for i = 1, #windows do
        local window = windows[i]
        if window.count == limit.count and window.seconds == limit.seconds then return window end
    end
    windows[#windows + 1] = new_window(limit, windows.calls)
    windows.seconds = max(windows.seconds, limit.seconds)
    return windows[#windows]
end

-- Whose limits they are asks again and again with the same table.
local function windows_for(windows, limits)
    local list = {}
    for i, limit in ipairs(limits) do list[i] = window_for(windows, limit) end
    windows.limits, windows.of_limits = limits, list
    return list
end

local function slot_for(windows, limits, number, now)
    local slot = now
    local list = windows.limits == limits and windows.of_limits or windows_for(windows, limits)
    for i = 1, #list do
        local window = list[i]
        if number >= window.count then slot = max(slot, earliest(window, number, now)) end
    end
    return slot
end

local function add(self, windows, count, slot, now)
    local first = windows.calls
    windows.calls, self.calls = first + count, self.calls + count
    windows.last_slot = max(windows.last_slot, slot)
    for i = 1, #windows do
        local window = windows[i]
        if count > 1 or first % window.stride == 0 then
            record(window, first, first + count - 1, slot, now)
        end
    end
    return windows.calls - 1
end

-- {======================================================
-- Several calls may be taken as one: at one time, under the number of the last. That is for
-- stores/redis.lua, where one call stands for those of other processes, too.
-- =======================================================}

--- Reserves the slot of the next call, or of several that are taken as one.
-- @param key a string
-- @param limits an array of { count, seconds }: at most `count` calls in any `seconds`
-- @param most seconds that the caller would wait
-- @param count calls that are taken as one; 1 if absent. Of the store in memory only
-- @return seconds to wait for the slot, and its number (of whatever type); or nil and the seconds
-- that would be needed, if that is over `most`
function memory:reserve(key, limits, most, count)
    count = count or 1
    local now = clock.now()
    local windows = windows_of(self, key, now)
    local slot = slot_for(windows, limits, windows.calls + count - 1, now)
    if slot - now > most then return nil, slot - now end
    return slot - now, add(self, windows, count, slot, now)
end

--- Tells how many seconds the next call would have to wait.
-- @param key a string
-- @param limits as in reserve
function memory:ahead(key, limits)
    local now = clock.now()
    local windows = windows_of(self, key, now)
    return slot_for(windows, limits, windows.calls, now) - now
end

--- Takes note of calls that somebody else has let through.
-- @param key a string
-- @param limits as in reserve
-- @param count how many
-- @param seconds until they start
-- @return their number
function memory:note(key, limits, count, seconds)
    local now = clock.now()
    local windows = windows_of(self, key, now)
    windows_for(windows, limits)
    return add(self, windows, count, now + seconds, now)
end

--- Looks again after the wait: the calls before may have been later than their slots.
-- @param key a string
-- @param limits as in reserve
-- @param number the one from reserve
-- @return seconds that the slot is still away; none if it is there
function memory:check(key, limits, number)
    local now = clock.now()
    return slot_for(windows_of(self, key, now), limits, number, now) - now
end

local function settle(window, first, last, time)
    for index = ceil(first / window.stride), floor(last / window.stride) do
        if window.open[index] then window.times[index], window.open[index] = time, nil end
    end
end

--- Notes that the service counted a call at `time` or before. One that is not settled may still
-- be on its way.
-- @param key a string
-- @param limits as in reserve
-- @param number the one from reserve
-- @param time in seconds of the monotonic clock
-- @param count as in reserve
function memory:settle(key, _, number, time, count)
    local windows = self.windows.values[key]
    if not windows then return end -- nobody came for so long that they were dropped
    windows.last_slot = max(windows.last_slot, time)
    for i = 1, #windows do
        local window = windows[i]
        if count then
            settle(window, number - math.min(count, window.count) + 1, number, time)
        elseif number % window.stride == 0 then
            settle(window, number, number, time)
        end
    end
end

return memory
