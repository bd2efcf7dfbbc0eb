--- A store in one file, which the processes of one user on one machine share: tokens outlive the
-- process, and the machine's restart. The interface is described in stores/memory.lua; calls are
-- not counted here. Values are what JSON carries: strings, numbers, booleans, tables of them.
--
-- The file is created for its user only (mode 0600), and refused if others can reach it. It is
-- replaced as a whole: a reader finds the old or the new content, whenever a writer ends.
--
-- Locks are the kernel's, by flock on files beside it. One ends by unlock, or with the process or
-- Lua state that took it. After `seconds` it ends with the next get, set or try_lock of the store
-- object that took it: a process that is stopped keeps its locks.

local clock = require "cloudcal.clock"
local core = require "cloudcal.core"
local json = require "cloudcal.json"
local wait = require "cloudcal.wait"

local file = {}
file.__index = file
file.__metatable = "cloudcal.store"

local VERSION = 1 -- of the format: { version =, entries = { [key] = { value =, expires = } } }

-- Seconds that a write waits for those of others at most; each takes milliseconds.
local PATIENCE = 2
local LAST_PATIENCE = 0.2 -- of a task that is cancelled
local STEP = 0.001 -- seconds between two looks at a lock

-- Seconds after a change in which another one may leave the same stamp: file systems count time
-- in steps of up to a second, and inodes are used again.
local FRESH = 2

local LATEST = 99999999999 -- seconds since 1970; no later time is told from "never"

-- What a walk over a store must not find: { entries, stamp, locks, wrote_at } of each
local hidden = setmetatable({}, { __mode = "k" })

--- Makes a store. Nothing is opened before it is used.
-- @param path of the file, in a directory that exists
function file.new(path)
    if type(path) ~= "string" or path == "" or path:find("\0", 1, true) then
        error("path must be the name of a file, not " ..
            (type(path) == "string" and ("%q"):format(path) or "a " .. type(path)), 3)
    end
    local self = setmetatable({ path = path }, file)
    hidden[self] = { locks = {}, wrote_at = 0 }
    return self
end

-- {======================================================
-- The file
-- =======================================================}

-- Milliseconds: what is written has to be exact with every lua-cjson.
local function rounded(time)
    return math.min(math.floor(time * 1000 + 0.5) / 1000, LATEST)
end

local function is_entry(entry)
    return type(entry) == "table" and entry.value ~= nil and type(entry.expires) == "number"
end

local function problem_of(content)
    if type(content) ~= "table" or type(content.version) ~= "number" then
        return "is not a store of cloudcal"
    end
    if content.version > VERSION then
        return ("is of a newer cloudcal (format %s; this one knows %d)"):format(
            tostring(content.version), VERSION)
    end
    if content.version ~= VERSION or type(content.entries) ~= "table" then
        return "is not a store of cloudcal"
    end
    for _, entry in pairs(content.entries) do
        if not is_entry(entry) then return "is not a store of cloudcal" end
    end
end

local function parse(path, text)
    if text == "" then return {} end
    local content, reason = json.decode(text)
    local problem = reason and "is damaged (" .. reason .. ")" or problem_of(content)
    if problem then return nil, path .. ": " .. problem end
    for _, entry in pairs(content.entries) do entry.expires = rounded(entry.expires) end
    return content.entries
end

-- The entries, nil, and a stamp if it will tell the next content from this one; or nil and a
-- message.
local function read(path)
    local text, stamp, changed = core.read_private(path)
    if not text then
        if stamp then return nil, stamp end -- the message
        return {}
    end
    local entries, problem = parse(path, text)
    local age = clock.time() - changed
    return entries, problem, age > FRESH and stamp or nil
end

local function drop_expired(entries)
    local now = clock.time()
    for key, entry in pairs(entries) do
        if entry.expires <= now then entries[key] = nil end
    end
end

local function write(path, entries)
    local text, _, reason = json.encode { version = VERSION, entries = entries }
    if not text then return nil, ("%s: a value %s"):format(path, reason) end
    return core.write_private(path, text)
end

local function update(path, key, entry)
    local entries, problem = read(path)
    if not entries then return nil, problem end
    if not entry and not entries[key] then return true end
    entries[key] = entry
    drop_expired(entries)
    return write(path, entries)
end

-- Of writers one works at a time, and it may be stopped. Who has just written lets others in.
local function lock_file(path, wrote_at, deadline)
    if core.now() - wrote_at < STEP and not wait.problem() then wait.sleep(STEP) end
    deadline = math.min(deadline or math.huge, core.now() + PATIENCE)
    repeat
        local lock, problem = core.lock_file(path)
        if lock ~= false then return lock, problem end
        if wait.problem() then break end
        if not wait.sleep(STEP) then
            core.sleep(STEP)
            deadline = math.min(deadline, core.now() + LAST_PATIENCE)
        end
    until core.now() >= deadline
    return nil, path .. ": another process holds this lock"
end

-- =======================================================}

-- Who took a lock may be a task that was cancelled, and never goes on.
local function free_locks(self)
    local locks, now = hidden[self].locks, core.now()
    for key, held in pairs(locks) do
        if held.till <= now then
            held.lock:unlock()
            locks[key] = nil
        end
    end
end

-- Entries are kept as long as the file's stamp is the same.
local function entries_of(self)
    local own = hidden[self]
    if own.stamp and own.stamp == core.file_stamp(self.path) then return own.entries end
    local entries, problem, stamp = read(self.path)
    own.entries, own.stamp = stamp and entries, stamp
    return entries, problem
end

--- Gets a value, as the file has it now.
-- @return the value and the seconds it has left; nil; or nil, nil and why the file is not read
function file:get(key)
    free_locks(self)
    local entries, problem = entries_of(self)
    if not entries then return nil, nil, problem end
    local entry = entries[key]
    local left = entry and entry.expires - clock.time()
    if not entry or left <= 0 then return nil end
    return entry.value, left
end

--- Sets a value, or forgets it if there is none. A file that cannot be read is left as it is.
-- @param deadline of the monotonic clock: until when it waits for the writes of others, 2 seconds
-- at most
-- @return true; or nil and a message
function file:set(key, value, seconds, deadline)
    free_locks(self)
    local entry = value ~= nil
        and { value = value, expires = rounded(clock.time() + seconds) } or nil
    local own = hidden[self]
    local lock, problem = lock_file(self.path .. ".lock", own.wrote_at, deadline)
    if not lock then return nil, problem end
    local fine, done, message = pcall(update, self.path, key, entry)
    lock:unlock()
    own.wrote_at = core.now()
    if not fine then error(done, 0) end
    return done, message
end

--- Takes a lock if nobody has it. Where no lock can be made nobody can hold one: better two
-- holders than none.
-- @return true or false; and a message where no lock could be made
function file:try_lock(key, seconds)
    free_locks(self)
    local path = ("%s.lock.%s"):format(self.path, core.sha256(key):sub(1, 16))
    local lock, problem = core.lock_file(path)
    if lock == false then return false end
    if lock then hidden[self].locks[key] = { lock = lock, till = core.now() + seconds } end
    return true, problem
end

--- Gives back a lock that this store has taken; nobody else's.
function file:unlock(key)
    local locks = hidden[self].locks
    local held = locks[key]
    locks[key] = nil
    if held then held.lock:unlock() end
end

return file
