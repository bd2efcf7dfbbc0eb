--- What PROPFIND asks, and what comes back: 207 Multi-Status (RFC 4918, section 13).

local url = require "cloudcal.caldav.url"
local xml = require "cloudcal.caldav.xml"

local multistatus = {}

local DAV, CALDAV = "DAV:", "urn:ietf:params:xml:ns:caldav"
local ICAL, CALENDARSERVER = "http://apple.com/ns/ical/", "http://calendarserver.org/ns/"

local function dav(name) return xml.name(DAV, name) end
local function caldav(name) return xml.name(CALDAV, name) end

local HREF, PROP, STATUS = dav "href", dav "prop", dav "status"

local function question(properties)
    return ('<?xml version="1.0" encoding="utf-8"?>\n'
        .. '<d:propfind xmlns:d="%s" xmlns:c="%s" xmlns:i="%s" xmlns:s="%s"><d:prop>%s</d:prop>'
        .. "</d:propfind>\n"):format(DAV, CALDAV, ICAL, CALENDARSERVER, properties)
end

multistatus.ASK_PRINCIPAL = question "<d:current-user-principal/>"
multistatus.ASK_HOME = question "<c:calendar-home-set/>"
multistatus.ASK_CALENDARS = question("<d:displayname/><d:resourcetype/>"
    .. "<c:supported-calendar-component-set/><i:calendar-color/><s:getctag/>")

-- {======================================================
-- Elements
-- =======================================================}

local function child(element, name)
    for _, one in ipairs(element) do
        if one.name == name then return one end
    end
end

local function trimmed(element)
    local text = element and url.trimmed(element.text)
    return text ~= "" and text or nil
end

local function hrefs_of(element)
    local hrefs = {}
    for _, one in ipairs(element) do
        if one.name == HREF then hrefs[#hrefs + 1] = trimmed(one) end
    end
    return hrefs
end

-- The properties that the server has; those that it has not are in another propstat.
local function add_properties(properties, propstat)
    local status = trimmed(child(propstat, STATUS))
    if status and not status:find("^HTTP/%S+%s+2%d%d") then return end
    for _, property in ipairs(child(propstat, PROP) or {}) do
        properties[property.name] = property
    end
end

local function response_of(element)
    local properties = {}
    for _, one in ipairs(element) do
        if one.name == dav "propstat" then add_properties(properties, one) end
    end
    return { href = trimmed(child(element, HREF)), properties = properties }
end

-- =======================================================}

--- Reads an answer.
-- @return a list of { href, properties }; or nil, the name of an error, and why
function multistatus.read(text)
    local root, name, message = xml.parse(text)
    if not root then return nil, name, message end
    if root.name ~= dav "multistatus" then
        return nil, "not_multistatus", "the answer is XML, but no list of properties"
    end
    local responses = {}
    for _, element in ipairs(root) do
        if element.name == dav "response" then
            responses[#responses + 1] = response_of(element)
        end
    end
    return responses
end

local function find(responses, name)
    for _, response in ipairs(responses) do
        local property = response.properties[name]
        if property then return property end
    end
end

--- The principal in an answer.
-- @return its href or nil, and whether the server says that nobody has logged in
function multistatus.principal(responses)
    local property = find(responses, dav "current-user-principal")
    if not property then return nil, false end
    return hrefs_of(property)[1], child(property, dav "unauthenticated") ~= nil
end

--- The hrefs of the calendar homes in an answer.
function multistatus.homes(responses)
    local property = find(responses, caldav "calendar-home-set")
    return property and hrefs_of(property) or {}
end

local function components_of(properties)
    local components = {}
    local set = properties[caldav "supported-calendar-component-set"] or {}
    for _, one in ipairs(set) do
        if one.name == caldav "comp" then components[#components + 1] = one.label end
    end
    return components
end

--- The calendars in an answer: { href, name, components, color, ctag }.
function multistatus.calendars(responses)
    local calendars = {}
    for _, response in ipairs(responses) do
        local properties = response.properties
        local kind = properties[dav "resourcetype"]
        if response.href and kind and child(kind, caldav "calendar") then
            calendars[#calendars + 1] = {
                href = response.href, name = trimmed(properties[dav "displayname"]),
                components = components_of(properties),
                color = trimmed(properties[xml.name(ICAL, "calendar-color")]),
                ctag = trimmed(properties[xml.name(CALENDARSERVER, "getctag")]),
            }
        end
    end
    return calendars
end

return multistatus
