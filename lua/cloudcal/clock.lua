--- Time. Deadlines and expiry use now(), which nobody can set back; signatures use time().

local core = require "cloudcal.core"

local clock = { now = core.now, time = core.time }

local MONTHS = {
    Jan = 1, Feb = 2, Mar = 3, Apr = 4, May = 5, Jun = 6,
    Jul = 7, Aug = 8, Sep = 9, Oct = 10, Nov = 11, Dec = 12,
}

-- Days since 1970-01-01, by counting years from March so that a leap day comes last.
local function days(year, month, day)
    if month <= 2 then year, month = year - 1, month + 12 end
    local leap_days = math.floor(year / 4) - math.floor(year / 100) + math.floor(year / 400)
    return 365 * year + leap_days + math.floor((153 * (month - 3) + 2) / 5) + day - 719469
end

local function is_date(year, month, day)
    local next_month = month == 12 and days(year + 1, 1, 1) or days(year, month + 1, 1)
    return day >= 1 and day <= next_month - days(year, month, 1)
end

-- The 60th second is a leap second.
local function is_time(hour, minute, second)
    return hour <= 23 and minute <= 59 and second <= 60
end

--- Reads an HTTP date, "Sat, 21 Nov 2026 20:37:29 GMT".
-- @return seconds since 1970, or nil
function clock.parse_date(text)
    local day, name, year, hour, minute, second =
        text:match("^%a+, (%d%d) (%a%a%a) (%d%d%d%d) (%d%d):(%d%d):(%d%d) GMT$")
    local month = MONTHS[name]
    if not month then return nil end
    year, day = tonumber(year), tonumber(day)
    hour, minute, second = tonumber(hour), tonumber(minute), tonumber(second)
    if not is_date(year, month, day) or not is_time(hour, minute, second) then return nil end
    return days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second
end

return clock
