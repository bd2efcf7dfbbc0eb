--- Reads the annotations of a file for lua-language-server, and says what is wrong with them.

local annotations = {}

local BUILT_IN = {}
for _, name in ipairs { "string", "integer", "number", "boolean", "table", "any", "nil", "userdata",
    "true", "false", "self", "function" } do
    BUILT_IN[name] = true
end

-- {======================================================
-- Types: each function takes a text and a position, adds the names that it finds to `names`, and
-- returns the position behind; or nil
-- =======================================================}

local union

local function separated(text, at, names, one)
    repeat
        at = one(text, at, names)
        local after = at and text:match("^,%s*()", at)
        at = after or at
    until not after
    return at
end

local function parameter(text, at, names)
    at = text:match("^[%a_][%w_]*%??()", at) or text:match("^%.%.%.()", at)
    local after = at and text:match("^:%s*()", at)
    return after and union(text, after, names) or at
end

local function result(text, at, names)
    return union(text, text:match("^%.%.%.:%s*()", at) or at, names)
end

local function a_function(text, at, names)
    local after = text:match("^%)()", at)
    if not after then
        at = separated(text, at, names, parameter)
        after = at and text:match("^%)()", at)
    end
    local results = after and text:match("^:%s*()", after)
    return results and separated(text, results, names, result) or after
end

local function closed(text, at, names, one, ending)
    at = separated(text, at, names, one)
    return at and text:match("^" .. ending .. "()", at)
end

local function primary(text, at, names)
    local after = text:match("^%(()", at)
    if after then return closed(text, after, names, union, "%)") end
    after = text:match("^fun%(()", at)
    if after then return a_function(text, after, names) end
    after = text:match('^"[^"]*"()', at)
    if after then return after end
    local name
    name, after = text:match("^([%a_][%w_.]*)()", at)
    if not name or name:find("%.$") then return nil end
    names[#names + 1] = name
    local inner = text:match("^<()", after)
    return inner and closed(text, inner, names, union, ">") or after
end

local function suffixes(text, at)
    local after = at and (text:match("^%[%]()", at) or text:match("^%?()", at))
    return after and suffixes(text, after) or at
end

function union(text, at, names)
    repeat
        at = suffixes(text, primary(text, at, names))
        local after = at and text:match("^|()", at)
        at = after or at
    until not after
    return at
end

--- Reads a type at the beginning of a text.
-- @return the names in it, and what stands behind it; nil if it is none
function annotations.type(text)
    local names = {}
    local at = union(text, 1, names)
    local rest = at and text:sub(at)
    if not at or not (rest == "" or rest:find("^ ")) then return nil end
    return names, rest
end

-- {======================================================
-- Files
-- =======================================================}

local function complain(found, format, ...)
    found.problems[#found.problems + 1] = ("%d: "):format(found.line) .. format:format(...)
end

local function read_type(found, text)
    local names, rest = annotations.type(text)
    if not names then complain(found, "this is no type: %s", text) end
    for _, name in ipairs(names or {}) do
        if name ~= found.generic then
            found.used[#found.used + 1] = { name = name, line = found.line }
        end
    end
    return rest
end

local function define(found, name)
    if found.defined[name] then complain(found, "there are two of %s", name) end
    found.defined[name] = true
end

local tags = {}

function tags.meta() end

function tags.class(found, text)
    local name, bases = text:match("^([%w_.]+):%s*(.+)$")
    name = name or text
    define(found, name)
    found.class = { name = name, fields = {}, order = {} }
    found.classes[name] = found.class
    for base in (bases or ""):gmatch("[^,%s]+") do
        found.used[#found.used + 1] = { name = base, line = found.line }
    end
end

function tags.alias(found, text)
    local name, rest = text:match("^(%S+)%s*(.*)$")
    define(found, name)
    if rest ~= "" then read_type(found, rest) end
end

function tags.field(found, text)
    local name, kind = text:match("^([%a_][%w_]*)%??%s+(.+)$")
    local class = found.class
    if not name or not class then return complain(found, "this is no field: %s", text) end
    if class.fields[name] then complain(found, "two fields %s in %s", name, class.name) end
    class.fields[name] = kind
    class.order[#class.order + 1] = name
    read_type(found, kind)
end

function tags.param(found, text)
    local name, kind = text:match("^([%w_.]+)%??%s+(.+)$")
    if not name then return complain(found, "this is no parameter: %s", text) end
    found.params[#found.params + 1] = name
    read_type(found, kind)
end

tags["return"] = function(found, text)
    local rest = read_type(found, text)
    local named = rest and rest:find("^ [%a_]")
    if rest and not named then complain(found, "a result without a name: %s", text) end
end

function tags.type(found, text) read_type(found, text) end

function tags.generic(found, text) found.generic = text end

local function read_function(found, name, given)
    if found.functions[name] then complain(found, "there are two of %s", name) end
    found.functions[name] = true
    local typed = table.concat(found.params, ", ")
    if typed ~= given then
        complain(found, "%s takes (%s), and what is said is (%s)", name, given, typed)
    end
    found.params, found.generic = {}, nil
end

local function read_line(found, line)
    local tag, text = line:match("^%-%-%-@(%a+)%s*(.*)$")
    if tag then
        if not tags[tag] then return complain(found, "there is no @%s", tag) end
        return tags[tag](found, text)
    end
    if line:find("^%-%-") then return end
    local name, given = line:match("^function ([%w_.:]+)%((.-)%) end$")
    if name then return read_function(found, name, given) end
    local variable = line:match("^local ([%a_]+) = {}$")
    if variable and found.class then found.variables[variable] = found.class.name end
    found.class = nil
end

--- Reads files that know each other's classes.
-- @return { problems, classes by name = { fields (types by name), order }, functions (a set: as
-- they are defined), variables (classes by the name of the variable) }
function annotations.read(paths)
    local found = { problems = {}, classes = {}, functions = {}, variables = {}, defined = {},
                    used = {}, params = {}, line = 0 }
    for _, path in ipairs(paths) do
        assert(loadfile(path))
        found.line = 0
        for line in io.lines(path) do
            found.line = found.line + 1
            read_line(found, line)
        end
    end
    for _, use in ipairs(found.used) do
        if not BUILT_IN[use.name] and not found.defined[use.name] then
            found.problems[#found.problems + 1] = ("%d: nobody knows %s"):format(use.line, use.name)
        end
    end
    return found
end

return annotations
