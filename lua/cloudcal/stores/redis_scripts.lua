--- What a Redis server runs for stores/redis.lua: each script is atomic, and goes by the server's
-- clock. They are Lua 5.1, for Redis 5 or newer; times are whole microseconds, below 2^53.
--
-- ARGV[1] is the server's time from which on a script does nothing. Who asked has given up by
-- then, and has gone on as if it had not asked: a command that a paused server finds in its queue
-- must not be obeyed any more. Every reply is { time, word, … }.

local core = require "cloudcal.core"
local sliding = require "cloudcal.stores.sliding"

local HEAD = [[
local clock, key = redis.call('TIME'), KEYS[1]
local time = tonumber(clock[1]) * 1e6 + tonumber(clock[2])
if time > tonumber(ARGV[1]) then return { time, 'late' } end
]]

-- {======================================================
-- Sliding windows as in stores/memory.lua, in one hash for each key:
--   epoch         a word that the hash was born with: another one says that calls were forgotten
--   calls         the number of the next call
--   granted       how many of them were let through by this hash, not reported by processes
--   now, offset   what the clock has shown, and what to add to it: it never goes back
--   windows       "count microseconds …"
-- and for each window, named "count/microseconds:",
--   …first        the index of its oldest time
--   …index        the time of each stride-th call; below 0 as long as it is not settled
-- =======================================================}

local WINDOWS = ("local RECORDED, LONGEST_OPEN = %d, %d\n"):format(sliding.recorded,
    sliding.longest_open * 1e6) .. [[

local function get(field)
    return tonumber(redis.call('HGET', key, field) or '')
end

local function set(field, number)
    redis.call('HSET', key, field, string.format('%.0f', number))
end

local offset = get 'offset' or 0
local now = math.max(time + offset, get 'now' or 0)

local function windows_in(text)
    local list = {}
    for count, span in text:gmatch '(%d+) (%d+)' do
        list[#list + 1] = {
            text = count .. ' ' .. span, name = count .. '/' .. span .. ':',
            count = tonumber(count), span = tonumber(span),
            stride = math.ceil(tonumber(count) / RECORDED),
        }
    end
    return list
end

local function time_of(window, index)
    local time = get(window.name .. index)
    if not time or time >= 0 then return time end
    return math.max(-time, math.min(now, -time + LONGEST_OPEN))
end

local function earliest(window, number)
    if number < window.count then return 0 end
    local time = time_of(window, math.ceil((number - window.count) / window.stride))
    return time and time + window.span or 0
end

local function slot_for(windows, number, slot)
    for _, window in ipairs(windows) do slot = math.max(slot, earliest(window, number)) end
    return slot
end
]]

local RESERVE = [[
local known, new_epoch, limits, least, most, report =
    ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]

local epoch = redis.call('HGET', key, 'epoch')
if known ~= '' and known ~= epoch then return { time, 'epoch' } end
local calls, granted = get 'calls' or 0, get 'granted' or 0

local windows, seen, texts = {}, {}, {}
for _, window in ipairs(windows_in((redis.call('HGET', key, 'windows') or '') .. ' ' .. limits)) do
    if not seen[window.text] then
        seen[window.text] = true
        windows[#windows + 1], texts[#texts + 1] = window, window.text
    end
end

local function forget(window, all)
    local first = get(window.name .. 'first') or math.ceil(calls / window.stride)
    local last = math.floor((calls - 1) / window.stride)
    while first <= last and (all or (time_of(window, first) or 0) + window.span < now) do
        redis.call('HDEL', key, window.name .. first)
        first = first + 1
    end
    window.first = all and math.max(first, math.ceil(calls / window.stride)) or first
    set(window.name .. 'first', window.first)
end

local function record(window, first, last, value)
    for index = math.ceil(first / window.stride), math.floor(last / window.stride) do
        set(window.name .. index, value)
    end
end

-- Calls that a process has made without asking. They take the place of those that stand `count`
-- before them, and count as no older than these.
local function add(window, count, at)
    local first = calls
    if count > window.count then
        first = calls + count - window.count
        forget(window, true)
        window.first = math.ceil(first / window.stride)
        set(window.name .. 'first', window.first)
    end
    local before = earliest(window, calls + count - 1) - window.span
    record(window, first, calls + count - 1, math.max(at, before, 1))
end

for _, window in ipairs(windows) do forget(window) end
for age, count in report:gmatch '(%-?%d+) (%d+)' do
    for _, window in ipairs(windows) do add(window, tonumber(count), now - tonumber(age)) end
    calls = calls + tonumber(count)
end

local asked = windows_in(limits)
local slot = slot_for(asked, calls, now + least)
local word = slot - now > most and 'over' or 'slot'
if word == 'slot' then
    for _, window in ipairs(windows) do record(window, calls, calls, -slot) end
    calls, granted = calls + 1, granted + 1
end

local span, recent = 0, 1
for _, window in ipairs(windows) do
    span = math.max(span, window.span)
    recent = math.max(recent, math.min(window.count, calls - window.first * window.stride))
end
redis.call('HSET', key, 'epoch', epoch or new_epoch, 'windows', table.concat(texts, ' '))
set('calls', calls)
set('granted', granted)
set('now', now)
set('offset', now - time)
local life = math.ceil((slot - now + span + LONGEST_OPEN) / 1000)
redis.call('PEXPIRE', key, string.format('%.0f', math.max(life, redis.call('PTTL', key))))
return { time, word, slot - now, epoch or new_epoch, calls - 1, granted, recent }
]]

local CHECK = [[
local epoch, limits, number = ARGV[2], ARGV[3], tonumber(ARGV[4])
if redis.call('HGET', key, 'epoch') ~= epoch then return { time, 'epoch' } end
return { time, 'slot', slot_for(windows_in(limits), number, now) - now }
]]

local SETTLE = [[
local epoch, calls = ARGV[2], ARGV[3]
if redis.call('HGET', key, 'epoch') ~= epoch then return { time, 'epoch' } end
local windows = windows_in(redis.call('HGET', key, 'windows'))
for number, age in calls:gmatch '(%d+) (%d+)' do
    for _, window in ipairs(windows) do
        local field = window.name .. number / window.stride
        if (get(field) or 0) < 0 then set(field, math.max(1, now - age)) end
    end
end
return { time, 'done' }
]]

-- {======================================================
-- Values and locks
-- =======================================================}

local LOOK = [[
return { time, 'here' }
]]

local GET = [[
local value, left = redis.call('GET', key), redis.call('PTTL', key)
if not value or left <= 0 then return { time, 'none' } end
return { time, 'value', value, left }
]]

local SET = [[
redis.call('SET', key, ARGV[2], 'PX', ARGV[3])
return { time, 'done' }
]]

local DELETE = [[
redis.call('DEL', key)
return { time, 'done' }
]]

local LOCK = [[
local taken = redis.call('SET', key, ARGV[2], 'NX', 'PX', ARGV[3])
if taken or redis.call('GET', key) == ARGV[2] then return { time, 'taken' } end
return { time, 'held' }
]]

local UNLOCK = [[
if redis.call('GET', key) == ARGV[2] then redis.call('DEL', key) end
return { time, 'done' }
]]

-- =======================================================}

local function new(...)
    local text = table.concat { HEAD, ... }
    return { text = text, sha1 = core.sha1(text) }
end

return {
    reserve = new(WINDOWS, RESERVE), check = new(WINDOWS, CHECK), settle = new(WINDOWS, SETTLE),
    look = new(LOOK), get = new(GET), set = new(SET), delete = new(DELETE),
    lock = new(LOCK), unlock = new(UNLOCK),
}
