--- A journal: entries that the disk has before the program goes on. A batch that notes what it
-- is about to do, and then what came of it, knows after whatever end where it was.
-- One entry is one line: eight digits of a checksum, a blank, and the entry as JSON.

local core = require "cloudcal.core"
local json = require "cloudcal.json"
local tasks = require "cloudcal.wait.tasks"

local journal = {}
journal.__index = journal
journal.__name = "cloudcal.journal"
journal.__metatable = "cloudcal.journal"

-- {======================================================
-- Lines
-- =======================================================}

local function checksum(text)
    return core.sha256(text):sub(1, 8)
end

local function line_of(entry)
    local text, path, message = json.encode(entry)
    if not text then return nil, ("the entry cannot be written: %s %s"):format(path, message) end
    return ("%s %s\n"):format(checksum(text), text)
end

local function parse(line)
    local sum, text = line:match("^(%x%x%x%x%x%x%x%x) (.*)$")
    if not sum or sum ~= checksum(text) then return nil end
    local entry = json.decode(text)
    return type(entry) == "table" and entry or nil
end

-- A writer that was stopped leaves a last line without its end, and has gone on with nothing that
-- stands there. Any other line that cannot be read was damaged by somebody else.
-- @return the entries, and how many bytes they take; or nil and a message
local function read(text)
    local entries, size = {}, 0
    for line, after in text:gmatch("([^\n]*)\n()") do
        local entry = parse(line)
        if not entry then return nil, ("line %d is damaged"):format(#entries + 1) end
        entries[#entries + 1], size = entry, after - 1
    end
    return entries, size
end

-- What stands behind the last end of a line: an entry that lacks no more than that, or a part of
-- one, which is cut off.
-- @return how many bytes were cut off; or nil and a message
local function mend(file, entries, rest, size)
    if rest == "" then return 0 end
    local entry = parse(rest)
    if entry then entries[#entries + 1] = entry end
    local fine, problem
    if entry then fine, problem = file:append "\n" else fine, problem = file:cut(size) end
    if not fine then return nil, problem end
    return entry and 0 or #rest
end

-- =======================================================}

--- Opens a journal; there it is made if there is none, for its user alone. Nobody else can
-- open it meanwhile, on this machine.
-- @param path of the file, in a directory that exists
-- @return a journal: `entries` holds what was written before, in order, and `torn` the bytes of an
-- unfinished end that was cut off; or nil and a message
function journal.open(path)
    if type(path) ~= "string" or path == "" or path:find("\0", 1, true) then
        error("path must be the name of a file", 2)
    end
    local file, text = core.open_journal(path)
    if file == false then return nil, path .. ": is open already, here or in another process" end
    if not file then return nil, text end
    local entries, size = read(text)
    local torn, problem = nil, entries == nil and path .. ": " .. size or nil
    if entries then torn, problem = mend(file, entries, text:sub(size + 1), size) end
    if torn then
        return setmetatable({ path = path, entries = entries, torn = torn, file = file }, journal)
    end
    file:close()
    return nil, problem
end

local function flush(self, batch)
    self.batch = nil
    batch.written, batch.problem = self.file:append(table.concat(batch.lines))
end

--- Writes an entry. In a task of a loop, those of all tasks that are ready to write get to the
-- disk together. The disk's time, some milliseconds each, is the loop's: nothing else runs.
-- @param entry a table that JSON can hold
-- @return true when the disk has it; or nil and a message. After a failure of the disk nothing
-- more is written
function journal:write(entry)
    if type(entry) ~= "table" then error("the entry must be a table, not a " .. type(entry), 2) end
    if self.closed then error("the journal is closed", 2) end
    local line, problem = line_of(entry)
    if not line then return nil, problem end
    local batch = self.batch or { lines = {} }
    self.batch = batch
    table.insert(batch.lines, line)
    local task = tasks.here()
    if task then task.way.park(task, core.now()) end -- until the others had their turn
    if batch == self.batch then flush(self, batch) end
    if batch.written then return true end
    return nil, batch.problem
end

--- Closes the journal, so that it can be opened again.
function journal:close()
    if self.batch then flush(self, self.batch) end
    self.closed = true
    self.file:close()
end

return journal
