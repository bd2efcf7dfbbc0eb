-- Creates a calendar in Youkong for each user of a CSV file, once, whatever happens meanwhile.
-- See --help. What makes it safe is the order: a line in the journal, on the disk, says what is
-- about to be sent; then it is sent; then another line says what came of it.

local cloudcal = require "cloudcal"

local provision = {}

local HELP = [[
Creates a calendar in Youkong for each user of a CSV file:

    YOUKONG_SECRET=... lua5.4 examples/provision.lua users.csv \
        --environment production --client-key UK...

The first column is your number of the user, the second one, if there is any, the name of the
calendar; a first row "user_code,calendar_name" is a heading. Nothing is sent before all of the
file has been read and found good.

  --journal FILE         what was sent and what came of it; default: users.csv.journal, and
                         users.csv.sandbox.journal with --sandbox
  --environment NAME     sandbox or production
  --client-key KEY       of your account; its secret is taken from the variable YOUKONG_SECRET
  --calendar-name NAME   for rows without one; default: 日历
  --concurrency N        calls at the same time; default: 8
  --per-second N         at most so many calls each second; default: no limit
  --stop-after N         stop when so many in a row have not succeeded; default: 20; 0: never
  --base-url URL         another address of the service; or the variable YOUKONG_BASE_URL
  --ca-file FILE         your own CA; or the variable CLOUDCAL_CA_FILE
  --sandbox              try it with a sandbox on this machine, which forgets all at the end
  --help

Start it again after a kill, a failure or a lost connection: who has a calendar gets no second
one, who certainly has none is tried again. Where nobody knows whether the service acted, it does
not try again. These users are listed in FILE.unknown.csv. Look them up, write "created" or
"again" into the last column, and start it again. FILE.created.csv lists the calendars.

Exit status: 0 all users have a calendar, 1 some have none, 2 wrong use (nothing was sent), 3 of
some it is not known (whatever else happened), 130 stopped by Ctrl-C, which is safe at any time.
]]

-- CSV, by RFC 4180 ------------------------------------------------------------------------

local function count_lines(text)
    return select(2, text:gsub("\r\n", "\n"):gsub("[\r\n]", ""))
end

-- A quoted field begins at reader.at; what is wrong with it, if anything, is the second result.
local function read_quoted(reader)
    local text, parts, at = reader.text, {}, reader.at + 1
    while true do
        local quote = text:find('"', at, true)
        parts[#parts + 1] = text:sub(at, (quote or #text + 1) - 1)
        if not quote then
            reader.at = #text + 1
            return table.concat(parts), "a quote has no end"
        end
        at = quote + 1
        if text:sub(at, at) ~= '"' then break end
        parts[#parts + 1] = '"'
        at = at + 1
    end
    local rest
    rest, reader.at = text:match("^([^,\r\n]*)()", at)
    return table.concat(parts), rest ~= "" and "something stands behind a closing quote" or nil
end

local function read_plain(reader)
    local field
    field, reader.at = reader.text:match("^([^,\r\n]*)()", reader.at)
    return field, field:find('"', 1, true) and "a quote stands in a field that is not quoted" or nil
end

local function read_row(reader)
    local row, began = { line = reader.line }, reader.at
    repeat
        local quoted = reader.text:find('^"', reader.at) ~= nil
        local field, problem = (quoted and read_quoted or read_plain)(reader)
        row[#row + 1] = field
        row.quoted = row.quoted or quoted
        row.problem = row.problem or problem
        local comma = reader.text:find("^,", reader.at) ~= nil
        if comma then reader.at = reader.at + 1 end
    until not comma
    reader.at = reader.text:match("^\r?\n?()", reader.at)
    reader.line = reader.line + count_lines(reader.text:sub(began, reader.at - 1))
    return row
end

--- The rows of a CSV text: their fields, `line` and, if they are not well-formed, `problem`.
-- Empty lines are none.
function provision.parse_csv(text)
    local rows = {}
    local reader = { text = text:gsub("^\239\187\191", ""), at = 1, line = 1 }
    while reader.at <= #reader.text do
        local row = read_row(reader)
        if #row > 1 or row[1] ~= "" or row.quoted then rows[#rows + 1] = row end
    end
    return rows
end

local function to_csv(rows)
    local lines = {}
    for i, row in ipairs(rows) do
        local fields = {}
        for k, field in ipairs(row) do
            field = tostring(field)
            fields[k] = field:find('[",\r\n]') and '"' .. field:gsub('"', '""') .. '"' or field
        end
        lines[i] = table.concat(fields, ",") .. "\r\n"
    end
    return table.concat(lines)
end

-- Users -----------------------------------------------------------------------------------

-- The number of characters; nil if it is no UTF-8.
local function length(text)
    local plain = text:gsub("[\194-\223][\128-\191]", "?")
        :gsub("[\224-\239][\128-\191][\128-\191]", "?")
        :gsub("[\240-\244][\128-\191][\128-\191][\128-\191]", "?")
    return not plain:find("[\128-\255]") and #plain or nil
end

local function problem_of(what, text, most)
    local characters = length(text)
    if text == "" then return what .. " is empty" end
    if not characters then return what .. " is not UTF-8" end
    if characters > most then return ("%s is longer than %d characters"):format(what, most) end
    if text:find("%c") then return what .. " has a control character" end
    if text:find("^%s") or text:find("%s$") then return what .. " has blanks around it" end
end

local function is_heading(row)
    return row[1]:lower() == "user_code" and (row[2] == nil or row[2]:lower() == "calendar_name")
end

--- The users of a CSV text: { user_code, calendar_name, line }, and a list of what is wrong.
function provision.read_users(text, default_name)
    local users, problems, lines = {}, {}, {}
    local rows = provision.parse_csv(text)
    for i = rows[1] and is_heading(rows[1]) and 2 or 1, #rows do
        local row = rows[i]
        local code, name = row[1], row[2]
        if name == nil or name == "" then name = default_name end
        local problem = row.problem
            or #row > 2 and ("%d columns; a name with a comma is quoted"):format(#row)
            or problem_of("the user code", code, 100) or problem_of("the calendar name", name, 200)
            or lines[code] and ("%s stands in line %d, too"):format(code, lines[code])
        lines[code] = lines[code] or row.line
        if problem then
            problems[#problems + 1] = ("line %d: %s"):format(row.line, problem)
        else
            users[#users + 1] = { user_code = code, calendar_name = name, line = row.line }
        end
    end
    if #rows == 0 then problems[1] = "there is nobody in it" end
    return users, problems
end

-- What the journal knows --------------------------------------------------------------------

-- "intended": it was about to be sent, and nothing says what came of it.
local UNKNOWN = { intended = true, unknown = true }

local STATUS = {
    intention = "intended", created = "created", failed = "failed", unknown = "unknown",
}

local DECISIONS = { created = true, again = true }

local function known_user(book, code)
    local user = book.users[code]
    if not user then
        user = { user_code = code, attempt = 0 }
        book.users[code] = user
        table.insert(book.list, user)
    end
    return user
end

--- Takes an entry of the journal into account; false if it is none of ours.
function provision.learn(book, entry)
    if entry.is == "account" then
        book.account = entry.account
        return true
    end
    local status = STATUS[entry.is]
        or entry.is == "decided" and DECISIONS[entry.decision] and entry.decision
    if not status or type(entry.user_code) ~= "string" then return false end
    local user = known_user(book, entry.user_code)
    user.status, user.reason = status, entry.reason
    user.calendar_id = entry.calendar_id
    if entry.is == "intention" then
        user.attempt, user.since = entry.attempt, entry.at
        user.calendar_name = entry.calendar_name
    end
    return true
end

local function new_book(entries)
    local book = { users = {}, list = {} }
    for _, entry in ipairs(entries) do
        if not provision.learn(book, entry) then return nil end
    end
    return book
end

-- Writes down, and knows it from then on.
local function note(run, entry)
    entry.at = os.time()
    local written, problem = run.journal:write(entry)
    if not written then
        run.broken = run.broken or problem
        return nil, problem
    end
    return provision.learn(run.book, entry)
end

-- Progress --------------------------------------------------------------------------------

local BAR, EVERY = 24, 5 -- characters; seconds between two lines where there is no terminal

local function clock(seconds)
    if seconds < 3600 then return ("%d:%02d"):format(math.floor(seconds / 60), seconds % 60) end
    return ("%d:%02d h"):format(math.floor(seconds / 3600), math.floor(seconds / 60) % 60)
end

--- One line about so many calls in so many seconds.
function provision.progress_line(done, total, seconds, failed)
    local part = total > 0 and done / total or 1
    local words = { ("%d/%d  %d %%"):format(done, total, math.floor(part * 100)) }
    if seconds > 0 and done > 0 then
        words[#words + 1] = ("%.1f/s"):format(done / seconds)
        local left = math.ceil((total - done) * seconds / done)
        if left > 0 then words[#words + 1] = clock(left) .. " left" end
    end
    if failed > 0 then words[#words + 1] = failed .. " without success" end
    return table.concat(words, "  "), ("#"):rep(math.floor(part * BAR))
end

local function is_terminal()
    local answer = os.execute "test -t 2"
    return answer == true or answer == 0
end

-- A function for each call that ends, and one for the end of all.
local function new_progress()
    local began, told, line, bar = os.time(), os.time(), nil, nil
    local terminal = is_terminal()
    local function tell()
        io.stderr:write(terminal and ("\r[%-" .. BAR .. "s] "):format(bar) or "", line,
            terminal and "\27[K" or "\n")
        told = os.time()
    end
    local function on_progress(done, total, failed)
        line, bar = provision.progress_line(done, total, os.time() - began, failed)
        if terminal or os.time() - told >= EVERY then tell() end
    end
    return on_progress, function()
        if line and not terminal then tell() end
        if line and terminal then io.stderr:write "\n" end
    end
end

-- Creating --------------------------------------------------------------------------------

local function outcome_of(data, err)
    if data then return { is = "created", calendar_id = data.CalendarId } end
    local reason = tostring(err)
    if err.acted == "no" then return { is = "failed", reason = reason } end
    if err.acted == "yes" then return { is = "created", reason = reason } end
    return { is = "unknown", reason = reason }
end

-- Nobody will find the outcome in the journal: then a person has to know it from here.
local function mark_unnoted(run, outcome, problem)
    local user = known_user(run.book, outcome.user_code)
    user.status = "unknown"
    user.reason = ("%s, %s; but the journal does not say so: %s"):format(outcome.is,
        outcome.calendar_id or outcome.reason or "without an id", problem)
end

local function create(run, user)
    local attempt = known_user(run.book, user.user_code).attempt + 1
    local written, problem = note(run, { is = "intention", user_code = user.user_code,
        calendar_name = user.calendar_name, attempt = attempt })
    if not written then return nil, problem end
    local data, err = run.client:create_calendar(user.user_code,
        { CalendarName = user.calendar_name })
    local outcome = outcome_of(data, err)
    outcome.user_code, outcome.attempt = user.user_code, attempt
    run.in_a_row = outcome.is == "created" and 0 or run.in_a_row + 1
    written, problem = note(run, outcome)
    if not written then mark_unnoted(run, outcome, problem) end
    if outcome.is == "created" then return true end
    return nil, err
end

local function should_stop(run)
    return run.broken ~= nil
        or run.options.stop_after > 0 and run.in_a_row >= run.options.stop_after
end

-- Whoever has a calendar, or may have one, is left alone.
local function who_is_left(run)
    local left, already = {}, 0
    for _, user in ipairs(run.users) do
        local known = run.book.users[user.user_code]
        local status = known and known.status
        if status == "created" then already = already + 1 end
        if status ~= "created" and not UNKNOWN[status] then left[#left + 1] = user end
    end
    return left, already
end

local function create_all(run)
    local left, already = who_is_left(run)
    run.already = already
    io.stderr:write(("%d users: %d have a calendar, %d are to get one, %d at a time\n"):format(
        #run.users, already, #left, run.options.concurrency))
    local on_progress, finish = new_progress()
    local fine, problem = pcall(cloudcal.map, left, function(user) return create(run, user) end, {
        concurrency = run.options.concurrency, on_progress = on_progress,
        stop_on = function() return should_stop(run) end,
    })
    finish()
    if fine then return end
    if not tostring(problem):find("interrupted!", 1, true) then error(problem, 0) end
    run.interrupted = true
end

-- What a person reads, and decides --------------------------------------------------------------

local UNKNOWN_HEADING = {
    "user_code", "calendar_name", "attempt", "since", "reason", "decision",
}

local function write_list(path, rows)
    if #rows == 1 then return os.remove(path) end
    local file, problem = io.open(path .. ".new", "wb")
    local fine = file ~= nil
    if fine then fine, problem = file:write(to_csv(rows)) end
    if file and not file:close() then fine = nil end
    if fine then fine, problem = os.rename(path .. ".new", path) end
    if not fine then io.stderr:write(("%s: %s\n"):format(path, problem or "not written")) end
end

local function write_lists(run)
    local unknown, created = { UNKNOWN_HEADING }, {
        { "user_code", "calendar_name", "calendar_id" },
    }
    for _, user in ipairs(run.book.list) do
        if UNKNOWN[user.status] then
            unknown[#unknown + 1] = { user.user_code, user.calendar_name, user.attempt,
                os.date("!%Y-%m-%dT%H:%M:%SZ", user.since),
                user.reason or "the program ended before an answer came", "" }
        elseif user.status == "created" then
            created[#created + 1] = { user.user_code, user.calendar_name, user.calendar_id or "" }
        end
    end
    write_list(run.options.journal .. ".unknown.csv", unknown)
    write_list(run.options.journal .. ".created.csv", created)
    return #unknown - 1
end

local function read_file(path)
    local file, problem = io.open(path, "rb")
    if not file then return nil, problem end
    local text
    text, problem = file:read("*a")
    file:close()
    return text, text == nil and path .. ": " .. problem or nil
end

-- A decision is about one attempt: one that was taken before does not count twice.
local function decision_of(book, row)
    if row.problem or #row ~= 6 then return nil, row.problem or "there must be 6 columns" end
    local decision = row[6]:lower()
    if decision == "" then return nil end
    if not DECISIONS[decision] then return nil, "the decision must be created or again" end
    local user = book.users[row[1]]
    if not user or not UNKNOWN[user.status] or tostring(user.attempt) ~= row[3] then
        io.stderr:write(("line %d of the decisions is ignored: there is no unknown attempt %s "
            .. "for %s\n"):format(row.line, row[3], row[1]))
        return nil
    end
    return { is = "decided", user_code = row[1], attempt = user.attempt, decision = decision }
end

local function take_decisions(run)
    local path = run.options.journal .. ".unknown.csv"
    local decisions = {}
    local rows = provision.parse_csv(read_file(path) or "")
    for i = 2, #rows do
        local decision, problem = decision_of(run.book, rows[i])
        if problem then return nil, ("%s: line %d: %s"):format(path, rows[i].line, problem) end
        decisions[#decisions + 1] = decision
    end
    for _, decision in ipairs(decisions) do
        local noted, problem = note(run, decision)
        if not noted then return nil, problem end
    end
    return true
end

local function report(run)
    local counts, failures = { created = 0, failed = 0, none = 0 }, {}
    for _, user in ipairs(run.users) do
        local known = run.book.users[user.user_code] or {}
        local status = counts[known.status] and known.status
            or not UNKNOWN[known.status] and "none"
        if status then counts[status] = counts[status] + 1 end
        if status == "failed" then
            failures[#failures + 1] = ("failed: %s (line %d): %s\n"):format(
                user.user_code, user.line, known.reason)
        end
    end
    local unknown = write_lists(run)
    io.stdout:write(table.concat(failures), ("created %d, already there %d, failed %d, "
        .. "not started %d, unknown %d\n"):format(counts.created - run.already, run.already,
        counts.failed, counts.none, unknown))
    if unknown > 0 then
        io.stdout:write(("whether %d users have a calendar is not known; see %s.unknown.csv\n")
            :format(unknown, run.options.journal))
    end
    return unknown > 0 and 3 or (counts.failed + counts.none > 0) and 1 or 0
end

-- Command line ----------------------------------------------------------------------------

local FLAGS = {
    ["--journal"] = "journal", ["--environment"] = "environment", ["--client-key"] = "client_key",
    ["--calendar-name"] = "calendar_name", ["--concurrency"] = "concurrency",
    ["--per-second"] = "per_second", ["--stop-after"] = "stop_after", ["--base-url"] = "base_url",
    ["--ca-file"] = "ca_file",
}

local LEAST = { concurrency = 1, per_second = 1, stop_after = 0 } -- of whole numbers

local function read_flag(options, flag, value)
    local name = FLAGS[flag]
    if not name then
        return ("unknown option %s%s"):format(flag:match("^[^=]*"), flag:find("secret", 1, true)
            and "; the secret is taken from the variable YOUKONG_SECRET" or "")
    end
    if not value then return flag .. " needs a value" end
    if LEAST[name] then
        value = value:find("^%d%d?%d?%d?%d?%d?$") and tonumber(value)
        if not value or value < LEAST[name] then
            return ("%s must be a whole number from %d"):format(flag, LEAST[name])
        end
    end
    options[name] = value
end

--- The options of a command line; or nil and what is wrong.
function provision.read_options(argv)
    local options, i = { concurrency = 8, stop_after = 20, calendar_name = "日历" }, 1
    while argv[i] do
        local word = argv[i]
        if word == "--help" or word == "--sandbox" then
            options[word:sub(3)] = true
        elseif word:find("^%-%-") then
            local problem = read_flag(options, word, argv[i + 1])
            if problem then return nil, problem end
            i = i + 1
        elseif options.users then
            return nil, "one CSV file at a time"
        else
            options.users = word
        end
        i = i + 1
    end
    if not options.users and not options.help then return nil, "which CSV file? See --help" end
    if options.users and not options.journal then
        options.journal = options.users .. (options.sandbox and ".sandbox.journal" or ".journal")
    end
    return options
end

-- The client's options, and the words by which a journal tells one account from another.
local function account_of(run)
    local options = run.options
    local base_url = options.base_url or os.getenv "YOUKONG_BASE_URL"
    local given = {
        environment = options.environment, client_key = options.client_key,
        secret = options.client_key and os.getenv "YOUKONG_SECRET" or nil,
        base_url = base_url, ca_file = options.ca_file or os.getenv "CLOUDCAL_CA_FILE",
        rate_limit = options.per_second and { per_second = options.per_second } or nil,
        max_connections = options.concurrency, logger = cloudcal.log.stderr,
    }
    if given.client_key and not given.secret then
        return nil, "the secret of the client key is missing in the variable YOUKONG_SECRET"
    end
    if not options.sandbox then
        return given, ("%s, client key %s"):format(base_url or tostring(given.environment),
            given.client_key or "published")
    end
    local problem
    run.sandbox, problem = require("cloudcal.sandbox").start {}
    if not run.sandbox then return nil, problem end
    local known = run.sandbox.youkong
    given.environment, given.client_key, given.secret = "sandbox", known.client_key, known.secret
    given.base_url, given.ca_file = known.base_url, run.sandbox.ca_file
    return given, "a sandbox on this machine"
end

local function open_client(run)
    local given, account = account_of(run)
    if not given then return nil, account end
    local fine, client = pcall(cloudcal.youkong, given)
    if not fine then return nil, (tostring(client):gsub("^%S+:%d+: ", "")) end
    run.client, run.account = client, account
    return true
end

local function open_journal(run)
    local path = run.options.journal
    local journal, problem = cloudcal.journal(path)
    if not journal then return nil, problem end
    run.journal = journal
    run.book = new_book(run.journal.entries)
    if not run.book then return nil, path .. ": is not a journal of this program" end
    if not run.book.account then return note(run, { is = "account", account = run.account }) end
    if run.book.account == run.account then return true end
    return nil, ("%s: is the journal of another account: %s"):format(path, run.book.account)
end

local function open_users(run)
    local path = run.options.users
    local text, problem = read_file(path)
    if not text then return nil, problem end
    local users, problems = provision.read_users(text, run.options.calendar_name)
    for i, found in ipairs(problems) do problems[i] = path .. ": " .. found end
    if #problems > 0 then return nil, table.concat(problems, "\n") end
    run.users = users
    return true
end

local function prepare(run)
    for _, step in ipairs { open_users, open_client, open_journal, take_decisions } do
        local fine, problem = step(run)
        if not fine then return nil, problem end
    end
    return true
end

--- Runs with these arguments.
-- @return the exit status
function provision.main(argv)
    local options, problem = provision.read_options(argv)
    local run = { options = options, in_a_row = 0 }
    if options and options.help then
        io.stdout:write(HELP)
        return 0
    end
    local prepared = options and { prepare(run) } or { nil, problem }
    local status = 2
    if prepared[1] then
        create_all(run)
        status = report(run)
        if run.broken then io.stderr:write("stopped: ", run.broken, "\n") end
        if run.interrupted then status = 130 end
    else
        io.stderr:write(prepared[2], "\nNothing was sent.\n")
    end
    if run.journal then run.journal:close() end
    if run.sandbox then run.sandbox.stop() end
    return status
end

-- A program when it is run, a module when it is required.
if (arg and arg[0] or ""):find("provision%.lua$") then os.exit(provision.main(arg)) end

return provision
