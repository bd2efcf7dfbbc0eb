--- Where log lines go. A logger is a function(level, message, fields); it never gets a secret.

local log = {}

local LEVELS = { debug = 1, info = 2, warn = 3, error = 4 }

log.levels = LEVELS

-- Seconds to the millisecond.
local function text_of(value)
    if type(value) ~= "number" then return tostring(value) end
    return (("%.3f"):format(value):gsub("%.?0+$", ""))
end

local function fields_text(fields)
    local parts = {}
    for key, value in pairs(fields) do parts[#parts + 1] = key .. "=" .. text_of(value) end
    table.sort(parts)
    return table.concat(parts, " ")
end

--- A logger that writes lines to standard error.
-- @param level "debug", "info", "warn" or "error"
-- @param message one line
-- @param fields details by name
function log.stderr(level, message, fields)
    io.stderr:write(("cloudcal %s: %s %s\n"):format(level, message, fields_text(fields)))
end

--- A logger that writes to nginx's error log.
-- @param level "debug", "info", "warn" or "error"
-- @param message one line
-- @param fields details by name
function log.nginx(level, message, fields)
    local ngx = rawget(_G, "ngx")
    local names = { debug = ngx.DEBUG, info = ngx.INFO, warn = ngx.WARN, error = ngx.ERR }
    ngx.log(names[level], "cloudcal: ", message, " ", fields_text(fields))
end

--- Tells whether a client wants to hear of a level.
function log.is_wanted(options, level)
    return options.logger ~= nil and LEVELS[level] >= LEVELS[options.log_level or "warn"]
end

--- Calls the logger of a client, if it has one and the level is reached. A logger that fails
-- is ignored: what it is told about matters more.
function log.write(options, level, message, fields)
    if log.is_wanted(options, level) then pcall(options.logger, level, message, fields) end
end

return log
