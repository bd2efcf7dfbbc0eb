--- Which Lua runs the specs, and what the Luas call by different names.

local lua = {}

lua.is_luajit = rawget(_G, "jit") ~= nil
lua.version = _VERSION:match("[%d.]+$") -- "5.1" for LuaJIT
lua.package = lua.is_luajit and "luajit" or "lua" .. lua.version -- for pkg-config

lua.unpack = rawget(table, "unpack") or rawget(_G, "unpack")

function lua.pack(...)
    return { n = select("#", ...), ... }
end

--- As math.type; where there is only one type of number, by the value.
lua.math_type = rawget(math, "type") or function(value)
    return value % 1 == 0 and math.abs(value) <= 2 ^ 53 and "integer" or "float"
end

-- {======================================================
-- Commands
-- =======================================================}

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function interpreter()
    local first = -1
    while arg[first - 1] do first = first - 1 end
    return arg[first]
end

local function with_paths(path, cpath, command)
    local words = {}
    for _, suffix in ipairs { "", "_5_2", "_5_3", "_5_4" } do
        words[#words + 1] = ("LUA_PATH%s=%s LUA_CPATH%s=%s"):format(suffix, path, suffix, cpath)
    end
    return table.concat(words, " ") .. " " .. command
end

local function for_54(path)
    return (path:gsub("/" .. lua.version:gsub("%.", "%%.") .. "/", "/5.4/"))
end

--- A command line that begins with this Lua, for the same modules.
-- @param other another interpreter with the same modules
function lua.command(other)
    return with_paths(quote(package.path), quote(package.cpath), other or interpreter())
end

--- A command line that begins with Lua 5.4, which runs the sandbox.
function lua.command_54()
    return with_paths(quote(for_54(package.path)), quote(for_54(package.cpath)), "lua5.4")
end

--- Tells whether a command succeeds, as os.execute of Lua 5.4 does.
function lua.succeeds(command)
    local result = os.execute(command)
    return result == true or result == 0
end

--- As load of a text.
lua.load = rawget(_G, "loadstring") or load

--- Loads a file with its own globals.
function lua.load_file(path, globals)
    local setfenv = rawget(_G, "setfenv")
    if not setfenv then return assert(loadfile(path, "t", globals)) end
    return setfenv(assert(loadfile(path)), globals)
end

--- Runs fn when what it returns is collected.
function lua.at_end(fn)
    local newproxy = rawget(_G, "newproxy")
    if not newproxy then return setmetatable({}, { __gc = fn }) end
    local proxy = newproxy(true)
    getmetatable(proxy).__gc = fn
    return proxy
end

-- {======================================================
-- UTF-8: utf8.len of 5.3 takes surrogates, 5.1 and 5.2 have none
-- =======================================================}

local FORMS = {
    "^[%z\1-\127]()", "^[\194-\223][\128-\191]()", "^\224[\160-\191][\128-\191]()",
    "^[\225-\236\238\239][\128-\191][\128-\191]()", "^\237[\128-\159][\128-\191]()",
    "^\240[\144-\191][\128-\191][\128-\191]()",
    "^[\241-\243][\128-\191][\128-\191][\128-\191]()", "^\244[\128-\143][\128-\191][\128-\191]()",
}

local function next_character(text, at)
    for _, form in ipairs(FORMS) do
        local after = text:match(form, at)
        if after then return after end
    end
end

function lua.is_utf8(text)
    local at = 1
    while at and at <= #text do at = next_character(text, at) end
    return at ~= nil
end

--- As utf8.char, for one character.
function lua.utf8_char(code)
    if code < 0x80 then return string.char(code) end
    local bytes, first = "", code < 0x800 and 0xC0 or code < 0x10000 and 0xE0 or 0xF0
    local limit = code < 0x800 and 0x20 or code < 0x10000 and 0x10 or 0x08
    repeat
        bytes = string.char(0x80 + code % 64) .. bytes
        code = math.floor(code / 64)
    until code < limit
    return string.char(first + code) .. bytes
end

return lua
