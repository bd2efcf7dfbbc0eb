--- Addresses of one server: which ones are its own, and how they are written.

local core = require "cloudcal.core"
local options = require "cloudcal.options"

local url = {}

local DEFAULT_PORTS = { https = 443, http = 80 }

local function port_number(scheme, text)
    if text == "" then return DEFAULT_PORTS[scheme] end
    return tonumber(text:match("^:(%d+)$"))
end

--- Parts an absolute URL.
-- @return { scheme, host, port, path }, host and scheme in lower case; or nil
function url.parse(text)
    local scheme, host, port, path = options.split_url(text)
    port = scheme and port_number(scheme, port)
    if not port then return nil end
    return { scheme = scheme, host = host:lower(), port = port, path = path == "" and "/" or path }
end

--- Scheme, host and port, as one writes them.
function url.origin(parts)
    local port = parts.port ~= DEFAULT_PORTS[parts.scheme] and ":" .. parts.port or ""
    return ("%s://%s%s"):format(parts.scheme, parts.host, port)
end

--- Writes the bytes that no URL holds as it holds them; some servers do not.
function url.escape(text)
    return (text:gsub("[^%w._~:/?#%[%]@!$&'()*+,;=%%-]", function(byte)
        return ("%%%02X"):format(byte:byte())
    end))
end

-- The path without its segments "." and ".."; a path begins with a slash.
local function without_dots(path)
    local kept, last = {}, nil
    for segment in path:gmatch("/([^/]*)") do
        last = segment:gsub("%%2[eE]", ".")
        if last == ".." then
            kept[#kept] = nil
        elseif last ~= "." then
            kept[#kept + 1] = segment
        end
    end
    if last == "." or last == ".." then kept[#kept + 1] = "" end
    return "/" .. table.concat(kept, "/")
end

local function is_same_origin(a, b)
    return a.scheme == b.scheme and a.host == b.host and a.port == b.port
end

-- The path that a reference names on the server; nil if it names another server.
local function path_on(base, reference)
    if reference:find("^//") then reference = base.scheme .. ":" .. reference end
    if reference:find("^%a[%w+.-]*:") then
        local parts = url.parse(reference)
        return parts and is_same_origin(parts, base) and parts.path or nil
    end
    if reference:find("^/") then return reference end
    local folder = base.path:gsub("%?.*$", ""):match("^.*/")
    return folder .. reference
end

--- A text without the spaces around it. ("^%s*(.-)%s*$" tries each space of a long run.)
function url.trimmed(text)
    local first = text:find("%S")
    return first and text:match("^.*%S", first) or ""
end

--- Reads a reference that a server gave, as RFC 3986 resolves it.
-- @param base the parts of the URL of which the server answered
-- @param reference an absolute URL, a path, or a relative one
-- @return the URL, if it is of the same scheme, host and port; or nil
function url.resolve(base, reference)
    local text = url.escape(url.trimmed(reference)):gsub("#.*$", "")
    local path = text ~= "" and path_on(base, text)
    if not path then return nil end
    local plain, query = path:match("^([^?]*)(.*)$")
    return url.origin(base) .. without_dots(plain) .. query
end

--- The last name in a URL's path, for people.
function url.last_name(text)
    local path = text:match("^[^?]*"):match("^.*[^/]") or ""
    local name = path:match("^.*/(.*)$") or path
    local plain = name:gsub("%%(%x%x)", function(digits)
        return string.char(tonumber(digits, 16))
    end)
    return core.utf8_length(plain) and core.is_line(plain) and plain or name
end

return url
