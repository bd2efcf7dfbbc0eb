--- Files that the specs read and write.

local files = {}

--- What is in a file; nil if there is none.
function files.find(path)
    local file = io.open(path, "rb")
    if not file then return nil end
    local text = file:read "*a"
    file:close()
    return text
end

--- What is in a file that has to be there.
function files.read(path)
    return files.find(path) or error("there is no " .. path, 2)
end

--- Writes a file anew.
-- @return its path
function files.write(path, text)
    local file = assert(io.open(path, "wb"))
    assert(file:write(text))
    assert(file:close())
    return path
end

--- Writes a file that nobody else has.
-- @return its path
function files.temporary(text)
    return files.write(os.tmpname(), text)
end

return files
