--- Sliding windows: what the real services count for each endpoint, app and tenant.
local limits = {}
limits.__index = limits

-- `count` moments ago lies `seconds` back at least, or there is no room.
local function wait_for(log, count, seconds, now)
    local oldest = log[log.last - count + 1]
    if not oldest then return 0 end
    return oldest + seconds - now
end

local function forget(log, keep)
    while log.first <= log.last - keep do
        log[log.first] = nil
        log.first = log.first + 1
    end
end

--- A set of windows of `rate.per_second` and `rate.per_minute` calls; false counts nothing.
function limits.new(rate)
    return setmetatable({ rate = rate, logs = {} }, limits)
end

function limits:log_of(key)
    local log = self.logs[key]
    if not log then
        log = { first = 1, last = 0 }
        self.logs[key] = log
    end
    return log
end

--- Count one call. Returns true, or nil, the limit that was hit and the seconds until there
-- is room. A refused call does not count.
function limits:take(key, now)
    local rate = self.rate
    if not rate then return true end
    local log = self:log_of(key)
    for _, window in ipairs { { rate.per_second, 1 }, { rate.per_minute, 60 } } do
        local wait = wait_for(log, window[1], window[2], now)
        if wait > 0 then return nil, window[1], wait end
    end
    log.last = log.last + 1
    log[log.last] = now
    forget(log, math.max(rate.per_second, rate.per_minute))
    return true
end

return limits
