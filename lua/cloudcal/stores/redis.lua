--- A store in a Redis server (5 or newer): processes and machines share tokens and rate limits.
-- The interface is described in stores/memory.lua.
--
-- Where Redis is away, tokens are kept nowhere and locks are nobody's. Calls are counted by the
-- process itself, in a mirror: a memory store in which each call that Redis lets through comes
-- together with those of others that it let through since the last one, and each call without
-- Redis counts `processes` times, as if every process made one just then. So nothing is forgotten
-- when Redis goes away, and the processes divide what is left. Be G the calls of all in the last
-- window, K what a process has heard of them, L its calls without Redis: K + processes * L stays
-- within the limit for each; so for all of them G + sum of L does, but for the mean of G - K, what
-- Redis let through since a process heard of it. That is no more than the limit allows in that
-- time: in the second before, one second's worth.
--
-- When Redis is back, each process reports its calls without Redis before it reserves the next;
-- where the data were lost (another epoch) all its calls that still count. Until the others have
-- done so Redis knows too little; hence the mirror has its say, too, for as long as the widest
-- window.

local clock = require "cloudcal.clock"
local core = require "cloudcal.core"
local link = require "cloudcal.stores.redis_link"
local memory = require "cloudcal.stores.memory"
local options = require "cloudcal.options"
local scripts = require "cloudcal.stores.redis_scripts"
local sliding = require "cloudcal.stores.sliding"
local sweep = require "cloudcal.sweep"

local redis = {}
redis.__index = redis
redis.__metatable = "cloudcal.store"

local PREFIX, PROCESSES = "cloudcal:", 4
local RECORDED = 1000 -- entries about own calls; where there may be more, some share one
local LONGEST_OPEN = sliding.longest_open
local LONGEST_ASKED = 60 -- seconds until the answer to one who asks
local ATTEMPTS = 3 -- to tell a server that has lost its data what it should know

-- What a walk over a store must not find: { link, owners, rates, terms, mirror } of each
local hidden = setmetatable({}, { __mode = "k" })

-- What a process knows of a key is of no use any more.
local function is_quiet(rate, now)
    return rate.counts_until + LONGEST_OPEN < now and rate.careful_until < now
end

--- Makes a store. Nothing is connected before it is used.
-- @param given { connect, prefix, processes }
function redis.new(given)
    if type(given) ~= "table" then
        error("cloudcal.redis takes a table of options, not a " .. type(given), 3)
    end
    local problem = options.problem(given, options.redis)
    if not problem and not given.connect then
        problem = "option 'connect' must be a function, not a nil"
    end
    if problem then error("cloudcal.redis: " .. problem, 3) end
    local self = setmetatable({
        prefix = given.prefix or PREFIX, processes = given.processes or PROCESSES,
    }, redis)
    hidden[self] = {
        link = link.new(given.connect), mirror = memory.new(),
        owners = {}, rates = sweep.new(is_quiet), terms = setmetatable({}, { __mode = "k" }),
    }
    return self
end

local function run(self, script, key, ...)
    return hidden[self].link:run(scripts[script], self.prefix .. key, ...)
end

local function in_milliseconds(seconds)
    return ("%.0f"):format(math.max(1, seconds * 1000))
end

--- Gets a value.
-- @return the value and the seconds it has left; nil; or nil, nil and why there is no answer
function redis:get(key)
    local reply, problem = run(self, "get", key)
    if not reply then return nil, nil, problem end
    if reply[2] == "none" then return nil end
    return reply[3], reply[4] / 1000
end

--- Sets a value, a string, or forgets it if there is none.
-- @return true; or nil and a message
function redis:set(key, value, seconds)
    local reply, problem
    if value == nil then
        reply, problem = run(self, "delete", key)
    elseif type(value) == "string" then
        reply, problem = run(self, "set", key, value, in_milliseconds(seconds))
    else
        problem = "Redis keeps strings, not a " .. type(value)
    end
    return reply and true, problem
end

--- Takes a lock if nobody has it. Where Redis is away nobody can have one.
-- @return true or false; and a message where no lock could be made
function redis:try_lock(key, seconds)
    local owner = core.base64url(core.random_bytes(12))
    local reply, problem = run(self, "lock", "lock:" .. key, owner, in_milliseconds(seconds))
    if reply and reply[2] == "held" then return false end
    hidden[self].owners[key] = owner
    return true, problem
end

--- Gives back a lock that this store has taken; nobody else's.
function redis:unlock(key)
    local owners = hidden[self].owners
    local owner = owners[key]
    owners[key] = nil
    if owner then run(self, "unlock", "lock:" .. key, owner) end
end

-- {======================================================
-- What a process knows of a key:
--   epoch, granted   of the hash in Redis when it was asked last
--   own              its calls { time, count, is_known }, the oldest first
--   unsettled        its calls { number, epoch, time } that have ended, and Redis does not know it
--   careful_until    the mirror is asked, too
--   counts_until     its calls do, and somebody may be asking
-- =======================================================}

local function count_until(rate, time)
    rate.counts_until = math.max(rate.counts_until, time)
end

local function rate_of(self, key)
    local rates, now = hidden[self].rates, clock.now()
    rates:look(now)
    local rate = rates.values[key]
    if not rate then
        rate = { own = {}, first = 1, last = 0, unsettled = {}, careful_until = -math.huge,
                 counts_until = -math.huge }
        rates:put(key, rate)
    end
    count_until(rate, now + LONGEST_ASKED)
    return rate
end

local function in_microseconds(seconds)
    return ("%.0f"):format(seconds * 1e6)
end

-- Where fewer calls are allowed than there are processes, each of them waits longer instead.
local function for_mirror(limit, processes)
    return {
        count = math.max(limit.count, processes),
        seconds = limit.seconds * math.max(1, processes / limit.count),
    }
end

local function new_terms(self, limits)
    local terms, texts = { mirror = {}, longest = 0, stride = 1 }, {}
    for i, limit in ipairs(limits) do
        local own = for_mirror(limit, self.processes)
        texts[i] = ("%.0f %s"):format(limit.count, in_microseconds(limit.seconds))
        terms.mirror[i] = own
        terms.longest = math.max(terms.longest, own.seconds)
        terms.stride = math.max(terms.stride, math.ceil(limit.count / RECORDED))
    end
    terms.text = table.concat(texts, " ")
    return terms
end

-- The same limits come again with each call of a client.
local function terms_of(self, limits)
    local known = hidden[self].terms
    known[limits] = known[limits] or new_terms(self, limits)
    return known[limits]
end

local function forget_old(rate, terms)
    local now, own = clock.now(), rate.own
    while rate.first <= rate.last and own[rate.first].time + terms.longest < now do
        own[rate.first] = nil
        rate.first = rate.first + 1
    end
    if rate.first > rate.last and now > rate.careful_until then
        rate.epoch, rate.granted = nil, nil -- nothing is left to tell
    end
end

local function note_own(rate, terms, seconds, is_known)
    local time, entry = clock.now() + seconds, rate.own[rate.last]
    count_until(rate, time + terms.longest)
    if entry and entry.is_known == is_known and entry.count < terms.stride then
        entry.time, entry.count = math.max(entry.time, time), entry.count + 1
        return entry
    end
    rate.last = rate.last + 1
    rate.own[rate.last] = { time = time, count = 1, is_known = is_known }
    return rate.own[rate.last]
end

local function be_careful(rate, seconds)
    rate.careful_until = math.max(rate.careful_until, clock.now() + seconds)
end

-- {======================================================
-- Asking Redis
-- =======================================================}

local function take_unknown(rate)
    local taken, texts, now = {}, {}, clock.now()
    for i = rate.first, rate.last do
        local entry = rate.own[i]
        if not entry.is_known then
            entry.is_known = true
            taken[#taken + 1] = entry
            texts[#taken] = ("%s %d"):format(in_microseconds(now - entry.time), entry.count)
        end
    end
    return taken, table.concat(texts, " ")
end

local function give_back(taken)
    for _, entry in ipairs(taken) do entry.is_known = false end
end

-- The hash has been lost, and somebody has begun another.
local function lose_epoch(rate, terms)
    rate.epoch, rate.granted = nil, 0
    for i = rate.first, rate.last do rate.own[i].is_known = false end
    be_careful(rate, terms.longest)
end

-- How many calls have been let through since this process has heard of any, with its own.
local function count_new(rate, reply)
    local before, granted, recent = rate.granted, reply[6], reply[7]
    rate.granted = math.max(before or 0, granted)
    return math.max(1, math.min(granted - (before or 0), recent))
end

local function ask_once(self, key, rate, terms, most)
    local least = 0
    if clock.now() < rate.careful_until then
        least = math.max(0, hidden[self].mirror:ahead(key, terms.mirror))
    end
    local asked, taken, report = rate.epoch, take_unknown(rate)
    local reply = run(self, "reserve", "rate:" .. key, asked or "",
        core.base64url(core.random_bytes(9)), terms.text, in_microseconds(least),
        in_microseconds(most), report)
    if not reply or reply[2] == "epoch" then give_back(taken) end
    if reply and reply[2] == "epoch" and rate.epoch == asked then lose_epoch(rate, terms) end
    return reply
end

local function ask(self, key, rate, terms, most)
    for _ = 1, ATTEMPTS do
        local reply = ask_once(self, key, rate, terms, most)
        if not reply then return nil end
        if reply[2] ~= "epoch" then
            rate.epoch = reply[4]
            return reply
        end
    end
end

-- =======================================================}

local function settle_text(rate, calls)
    local texts, now = {}, clock.now()
    for _, call in ipairs(calls) do
        if call.epoch == rate.epoch then
            texts[#texts + 1] = ("%.0f %s"):format(call.number,
                in_microseconds(math.max(0, now - call.time)))
        end
    end
    return table.concat(texts, " ")
end

-- Others wait for a call that is not settled: what Redis has not heard while it was away it
-- hears later.
local function settle_all(self, key)
    local rate = rate_of(self, key)
    local calls = rate.unsettled
    if #calls == 0 then return end
    rate.unsettled = {}
    local text = settle_text(rate, calls)
    if text == "" or run(self, "settle", "rate:" .. key, rate.epoch, text) then return end
    for _, call in ipairs(calls) do
        local is_of_use = clock.now() - call.time < LONGEST_OPEN
        if is_of_use then table.insert(rate.unsettled, call) end
    end
end

local function reserve_here(self, key, rate, terms, most)
    local seconds, number =
        hidden[self].mirror:reserve(key, terms.mirror, most, self.processes)
    if not seconds then return nil, number end
    be_careful(rate, seconds + terms.longest)
    return seconds, {
        here = number, count = self.processes, entry = note_own(rate, terms, seconds, false),
    }
end

function redis:reserve(key, limits, most)
    local rate, terms = rate_of(self, key), terms_of(self, limits)
    settle_all(self, key)
    forget_old(rate, terms)
    local reply = ask(self, key, rate, terms, most)
    if not reply then return reserve_here(self, key, rate, terms, most) end
    local seconds = reply[3] / 1e6
    if reply[2] == "over" then return nil, seconds end
    local count = count_new(rate, reply)
    return seconds, {
        number = reply[5], epoch = reply[4], count = count,
        here = hidden[self].mirror:note(key, terms.mirror, count, seconds),
        entry = note_own(rate, terms, seconds, true),
    }
end

-- What Redis can no longer say has been right when the slot was reserved.
function redis:check(key, limits, slot)
    local terms = terms_of(self, limits)
    if not slot.number then return hidden[self].mirror:check(key, terms.mirror, slot.here) end
    settle_all(self, key)
    local reply = run(self, "check", "rate:" .. key, slot.epoch, terms.text,
        ("%.0f"):format(slot.number))
    return reply and reply[2] == "slot" and reply[3] / 1e6 or 0
end

function redis:settle(key, limits, slot, time)
    local rate, terms = rate_of(self, key), terms_of(self, limits)
    hidden[self].mirror:settle(key, terms.mirror, slot.here, time, slot.count)
    slot.entry.time = math.max(slot.entry.time, time)
    count_until(rate, slot.entry.time + terms.longest)
    if not slot.number then return end
    local unsettled = rate.unsettled
    unsettled[#unsettled + 1] = { number = slot.number, epoch = slot.epoch, time = time }
    settle_all(self, key)
end

return redis
