-- What stands above a function in its source: `---` begins it, `--` goes on, @param, @return and
-- Source part it.

local docstrings = {}

local function lines_of(path)
    local lines = {}
    for line in io.lines(path) do lines[#lines + 1] = line end
    return lines
end

local read = {} -- lines by path

local function comment_above(path, number)
    read[path] = read[path] or lines_of(path)
    local lines, found = read[path], {}
    for i = number - 1, 1, -1 do
        local text = lines[i]:match("^%s*%-%-%-?%s?(.*)$")
        if not text then return nil end
        table.insert(found, 1, text)
        if lines[i]:find("^%s*%-%-%-") then return found, lines[number] end
    end
end

local function parameters_of(head)
    local names = {}
    for name in (head:match("function[^(]*%((.-)%)") or ""):gmatch("[%w_%.]+") do
        names[#names + 1] = name
    end
    return names
end

local function new_part(doc, line)
    local name, text = line:match("^@param%s+(%S+)%s*(.*)$")
    if name then
        doc.params[#doc.params + 1] = { name = name, text = text }
        return doc.params[#doc.params]
    end
    text = line:match("^@return%s+(.*)$")
    if text then
        doc.returns = doc.returns or { text = text }
        return doc.returns
    end
    text = line:match("^Source:%s+(.*)$")
    if text then
        doc.source = { text = text }
        return doc.source
    end
end

--- The docstring of a function.
-- @return { text, params = { { name, text } }, returns, source, given (the names in its head),
-- path, line }; or nil and where it should stand
function docstrings.of(fn)
    local info = debug.getinfo(fn, "S")
    local path = info.source:match("^@(.+)$")
    local where = ("%s:%d"):format(path or info.source, info.linedefined)
    local lines, head
    if path then lines, head = comment_above(path, info.linedefined) end
    if not lines then return nil, where end
    local doc = { text = "", params = {}, given = parameters_of(head), where = where }
    local part = doc
    for _, line in ipairs(lines) do
        local begun = new_part(doc, line)
        if begun then
            part = begun
        else
            part.text = part.text == "" and line or part.text .. " " .. line
        end
    end
    doc.returns, doc.source = doc.returns and doc.returns.text, doc.source and doc.source.text
    return doc
end

return docstrings
