--- From a server's address to the calendars of a user, as RFC 6764 and RFC 4791 find them.

local multistatus = require "cloudcal.caldav.multistatus"
local url = require "cloudcal.caldav.url"

local discovery = {}

local MOST_HOMES = 10

local WELL_KNOWN = "/.well-known/caldav"

-- {======================================================
-- Who am I?
-- =======================================================}

-- Where to ask, one after the other: the path that came with the address, then the agreed one,
-- then the root.
local function entrances(server)
    local origin, list = url.origin(server), {}
    if server.path ~= "/" then list[1] = origin .. server.path end
    list[#list + 1] = origin .. WELL_KNOWN
    list[#list + 1] = origin .. "/"
    return list
end

-- After these another entrance may still be open.
local CLOSED = {
    no_caldav_here = true, not_multistatus = true, not_xml = true, no_principal = true,
    caldav_forbidden = true,
}

local function ask_principal(session, address)
    local responses, found = session:propfind(address, 0, multistatus.ASK_PRINCIPAL,
        "no_caldav_here")
    if not responses then return nil, found end
    local href, is_nobody = multistatus.principal(responses)
    if href then return session:resolve(found, href) end
    return nil, session:fail {
        name = is_nobody and "caldav_unauthorized" or "no_principal", acted = "yes",
        http_status = 207, message = is_nobody and "the server says that nobody has logged in"
            or "the server does not name a principal at " .. address,
    }
end

local function find_principal(session)
    local forbidden, last
    for _, address in ipairs(entrances(session.server)) do
        local principal, err = ask_principal(session, address)
        if principal then return principal end
        if not CLOSED[err.name] then return nil, err end
        if err.name == "caldav_forbidden" then forbidden = forbidden or err end
        last = err
    end
    return nil, forbidden or last
end

-- {======================================================
-- Where are my calendars, and which?
-- =======================================================}

local function find_homes(session, principal)
    local responses, found = session:propfind(principal, 0, multistatus.ASK_HOME,
        "caldav_collection_missing")
    if not responses then return nil, found end
    local homes = {}
    for i, href in ipairs(multistatus.homes(responses)) do
        if i > MOST_HOMES then break end
        local home, err = session:resolve(found, href)
        if not home then return nil, err end
        homes[i] = home
    end
    if homes[1] then return homes end
    return nil, session:fail { name = "no_calendar_home", acted = "yes", http_status = 207,
                               message = "the server names no calendar home of " .. principal }
end

local function add_calendars(session, home, calendars, seen)
    local responses, found = session:propfind(home, 1, multistatus.ASK_CALENDARS,
        "caldav_collection_missing")
    if not responses then return found end
    for _, calendar in ipairs(multistatus.calendars(responses)) do
        local address, err = session:resolve(found, calendar.href)
        if not address then return err end
        calendar.href = address
        calendar.name = calendar.name or url.last_name(address)
        if not seen[address] then calendars[#calendars + 1] = calendar end
        seen[address] = true
    end
end

--- Finds the calendars.
-- @return { principal, home, calendars }; or nil and an error
function discovery.run(session)
    local principal, err = find_principal(session)
    if not principal then return nil, err end
    local homes
    homes, err = find_homes(session, principal)
    if not homes then return nil, err end
    local calendars, seen = {}, {}
    for _, home in ipairs(homes) do
        err = add_calendars(session, home, calendars, seen)
        if err then return nil, err end
    end
    return { principal = principal, home = homes[1], calendars = calendars }
end

return discovery
