--- examples/provision.lua: a calendar for each user of a list, once, whoever is killed.

local cloudcal = require "cloudcal"
local core = require "cloudcal.core"
local files = require "spec.files"
local lua = require "spec.lua"
local peer = require "spec.peer"
local provision = require "examples.provision"
local support = require "spec.support"

local USERS, KILLS = 1000, 50
local LINES = 260 -- bytes that a user takes in the journal, about

-- A little time between what the service does and its answer: a kill shall hit it.
support.sandbox { rate = false, faults = { "slow:0.003" } }

local known, ca_file = support.sandbox().youkong, support.sandbox().ca_file

local folder, users, journal

before_each(function()
    folder = peer.shell("mktemp -d"):match("[^\n]+")
    users, journal = folder .. "/users.csv", folder .. "/journal"
    support.clear "youkong"
end)

after_each(function() peer.shell("rm -rf " .. folder) end)

local put = files.write

local content = files.find

local series = 0

-- Codes of users that nobody has had before.
local function new_users(count)
    series = series + 1
    local codes, lines = {}, { "user_code,calendar_name" }
    for i = 1, count do
        codes[i] = ("s%d-%04d"):format(series, i)
        lines[i + 1] = codes[i] .. ",日历 " .. i
    end
    put(users, table.concat(lines, "\r\n"))
    return codes
end

local function arguments(more)
    return ("%s --journal %s --base-url %s --ca-file %s --client-key %s %s"):format(
        users, journal, known.base_url, ca_file, known.client_key, more or "")
end

local function command(more)
    return ("env YOUKONG_SECRET=%s %s examples/provision.lua %s"):format(
        known.secret, lua.command(), arguments(more))
end

local function run(more)
    local output = peer.shell(command(more) .. "; echo \"exit $?\"")
    local text, status = output:match("^(.*)exit (%d+)\n$")
    return tonumber(status), text
end

-- How many calendars each user has.
local function counts()
    local found = {}
    for _, calendar in ipairs(support.calendars()) do
        found[calendar.user_code] = (found[calendar.user_code] or 0) + 1
    end
    return found
end

-- What the list of unknown outcomes holds, by user.
local function unknown()
    local rows, found = provision.parse_csv(content(journal .. ".unknown.csv") or ""), {}
    for i = 2, #rows do found[rows[i][1]] = rows[i] end
    return found
end

local function size(list)
    local n = 0
    for _ in pairs(list) do n = n + 1 end
    return n
end

-- Writes into the list what a person would who has looked.
local function decide()
    local text, have = content(journal .. ".unknown.csv"), counts()
    text = text:gsub("\n([^,]+)(,[^\r]*,)\r", function(code, rest)
        return "\n" .. code .. rest .. (have[code] and "created" or "again") .. "\r"
    end)
    put(journal .. ".unknown.csv", text)
end

-- {======================================================
-- CSV
-- =======================================================}

describe("the CSV of provision", function()
    local function fields(text)
        local list = {}
        for i, row in ipairs(provision.parse_csv(text)) do
            list[i] = row.line .. ":" .. table.concat(row, "|") .. (row.problem and "!" or "")
        end
        return table.concat(list, " ")
    end

    it("is read by RFC 4180", function()
        for text, expected in pairs {
            [""] = "", ["\n\r\n\r"] = "", ["\239\187\191"] = "",
            ["a"] = "1:a", ["a\n"] = "1:a", ["a\r\n"] = "1:a", ["a\rb"] = "1:a 2:b",
            ["a,b\nc,d"] = "1:a|b 2:c|d", ["a\n\n\nb"] = "1:a 4:b",
            ["\239\187\191a,b"] = "1:a|b", ["a,"] = "1:a|", [",a"] = "1:|a", [","] = "1:|",
            ['"a"'] = "1:a", ['"a","b"\r\n"c"'] = "1:a|b 2:c", ['""'] = "1:", ['"",""'] = "1:|",
            ['"a,b"'] = "1:a,b", ['"a""b"'] = '1:a"b', ['""""'] = '1:"', ['"a""","b"'] = '1:a"|b',
            ['"a\nb"\nc'] = "1:a\nb 3:c", ['"a\r\nb\rc"\r\nd'] = "1:a\r\nb\rc 4:d",
            [" a , b "] = "1: a | b ", ['a"b'] = '1:a"b!', ['a""'] = '1:a""!', [' "a"'] = '1: "a"!',
            ['"a"b,c\nd'] = "1:a|c! 2:d", ['"a'] = "1:a!", ['"a""'] = '1:a"!', ['x\n"'] = "1:x 2:!",
            ['"a" ,b'] = "1:a|b!", ["a\0b,c"] = "1:a\0b|c",
        } do
            assert.equal(expected, fields(text), text)
        end
    end)

    it("names users, with or without a heading and a second column", function()
        for _, text in ipairs { "user_code,calendar_name\ncs1,A\n测试,\n", "cs1,A\n测试\n",
            '"User_Code"\r\ncs1,A\r\n测试', "\239\187\191user_code,Calendar_Name\ncs1,A\n测试" } do
            local list, problems = provision.read_users(text, "日历")
            assert.same({}, problems)
            assert.equal("cs1 A", list[1].user_code .. " " .. list[1].calendar_name)
            assert.equal("测试 日历", list[2].user_code .. " " .. list[2].calendar_name)
            assert.equal(2, #list)
        end
    end)

    it("takes what is exactly as long as it may be", function()
        local text = ("字"):rep(100) .. "," .. ("名"):rep(200)
        local list, problems = provision.read_users(text, "x")
        assert.same({}, problems)
        assert.equal(1, #list)
    end)

    it("has each bad row named by its line", function()
        for text, expected in pairs {
            [""] = "there is nobody in it",
            ["a\n,b"] = "line 2: the user code is empty",
            ["a\n" .. ("字"):rep(101)] = "line 2: the user code is longer than 100 characters",
            ["a," .. ("b"):rep(201)] = "line 1: the calendar name is longer than 200 characters",
            ["a\n\nb\na"] = "line 4: a stands in line 1, too",
            ["a\nuser_code"] = false,
            ["a,b,c"] = "line 1: 3 columns; a name with a comma is quoted",
            [" a"] = "line 1: the user code has blanks around it",
            ["a,b "] = "line 1: the calendar name has blanks around it",
            ["a,\t"] = "line 1: the calendar name has a control character",
            ['x\n"a\nb"'] = "line 2: the user code has a control character",
            ["a\0"] = "line 1: the user code has a control character",
            ["\200\213"] = "line 1: the user code is not UTF-8", -- as Excel writes GBK
            ["\255\254a\0"] = "line 1: the user code is not UTF-8",
            ['"a" b'] = "line 1: something stands behind a closing quote",
            ['x\n"a'] = "line 2: a quote has no end",
        } do
            local list, problems = provision.read_users(text, "x")
            assert.equal(expected or nil, problems[1], text)
            assert.is_true(#problems == (expected and 1 or 0) and #list < 4)
        end
    end)
end)

describe("the progress of provision", function()
    it("has a rate, and the time that is left", function()
        local line = provision.progress_line
        assert.equal("0/4  0 %", (line(0, 4, 0, 0)))
        assert.equal("0/4  0 %", (line(0, 4, 9, 0)))
        assert.equal("50/200  25 %  5.0/s  0:30 left", (line(50, 200, 10, 0)))
        assert.equal("1/100  1 %  1.0/s  1:39 left  1 without success", (line(1, 100, 1, 1)))
        assert.equal("1/8000  0 %  1.0/s  2:13 h left", (line(1, 8000, 1, 0)))
        assert.equal("200/200  100 %  20.0/s", (line(200, 200, 10, 0)))
        assert.equal(("#"):rep(12), select(2, line(1, 2, 1, 0)))
    end)

    it("is a bar in a terminal, and plain lines elsewhere", function()
        local codes = new_users(3)
        local status, output = run()
        assert.equal(0, status)
        assert.truthy(output:find("3 users: 0 have a calendar, 3 are to get one, 8 at a time\n"
            .. "3/3  100 %%[^\n\r\27]*\ncreated 3, "), output)
        os.remove(journal)
        put(users, table.concat(codes, "\n"))
        output = peer.shell(("script -qec %s /dev/null"):format(peer.quote(command())))
        assert.truthy(output:find("\r%[" .. ("#"):rep(24) .. "%] 3/3  100 %%"), output)
    end)
end)

-- {======================================================
-- Runs
-- =======================================================}

describe("provision", function()
    it("creates a calendar for each, and nothing when it is started again", function()
        local codes = new_users(12)
        local status, output = run "--concurrency 4"
        assert.equal(0, status)
        assert.truthy(output:find("created 12, already there 0, failed 0, not started 0, unknown 0",
            1, true), output)
        local have = counts()
        for _, code in ipairs(codes) do assert.equal(1, have[code]) end
        local listed = provision.parse_csv(content(journal .. ".created.csv"))
        assert.equal(13, #listed)
        local ids = {}
        for _, calendar in ipairs(support.calendars()) do ids[calendar.calendar_id] = calendar end
        for i = 2, 13 do
            assert.equal(listed[i][1], ids[listed[i][3]].user_code)
            assert.equal(listed[i][2], ids[listed[i][3]].calendar_name)
        end
        support.clear "youkong"
        status, output = run()
        assert.equal(0, status)
        assert.truthy(output:find("created 0, already there 12, failed 0", 1, true), output)
        assert.same({}, support.requests "youkong")
        assert.is_nil(content(journal .. ".unknown.csv"))
    end)

    it("creates for those who were added to the list", function()
        new_users(2)
        assert.equal(0, (run()))
        put(users, content(users) .. "\nadded-to-" .. series)
        support.clear "youkong"
        local status, output = run()
        assert.equal(0, status)
        assert.truthy(output:find("created 1, already there 2", 1, true), output)
        assert.equal(1, #support.requests "youkong")
        assert.equal(1, counts()["added-to-" .. series])
    end)

    it("tries again what certainly failed, and leaves alone what is unknown", function()
        local codes = new_users(6)
        support.faults("youkong", "none", "html_502", "190004", "close", "truncated", "190004")
        local status, output = run "--concurrency 1"
        assert.equal(3, status)
        assert.truthy(output:find("failed: " .. codes[3] .. " (line 4): youkong ", 1, true), output)
        assert.truthy(output:find("created 1, already there 0, failed 2, not started 0, unknown 3",
            1, true), output)
        assert.equal(3, size(unknown()))
        local have = counts()
        assert.same({ 1, nil, nil, 1, 1 }, { have[codes[1]], have[codes[2]], have[codes[3]],
            have[codes[4]], have[codes[5]] })
        assert.truthy(unknown()[codes[2]][5]:find("502", 1, true))
        support.clear "youkong"
        status, output = run()
        assert.equal(3, status)
        assert.truthy(output:find("created 2, already there 1, failed 0, not started 0, unknown 3",
            1, true), output)
        assert.equal(2, #support.requests "youkong")
        -- a person decides, once
        decide()
        local decisions = content(journal .. ".unknown.csv")
        support.clear "youkong"
        support.faults("youkong", "html_502")
        status, output = run()
        assert.equal(3, status)
        assert.truthy(output:find("already there 5, failed 0, not started 0, unknown 1", 1, true),
            output)
        assert.equal("2", unknown()[codes[2]][3])
        put(journal .. ".unknown.csv", decisions) -- what was decided before is no decision now
        assert.equal(3, (run()))
        assert.equal(1, #support.requests "youkong")
        decide()
        assert.equal(0, (run()))
        have = counts()
        for _, code in ipairs(codes) do assert.equal(1, have[code]) end
        assert.is_nil(content(journal .. ".unknown.csv"))
    end)

    it("takes no decision that it does not understand", function()
        local codes = new_users(2)
        support.faults("youkong", "close", "close")
        assert.equal(3, (run "--concurrency 1"))
        local list = content(journal .. ".unknown.csv")
        for change, expected in pairs {
            ["yes"] = ".unknown.csv: line 2: the decision must be created or again\n",
            ["again,x"] = ".unknown.csv: line 2: there must be 6 columns\n",
            ['a"gain'] = ".unknown.csv: line 2: a quote stands in a field that is not quoted\n",
        } do
            put(journal .. ".unknown.csv", (list:gsub(",\r\n", "," .. change .. "\r\n", 1)))
            local status, output = run()
            assert.equal(2, status)
            assert.truthy(output:find(journal .. expected, 1, true), output)
        end
        local other = list:gsub(codes[1]:gsub("%-", "%%-"), "nobody"):gsub(",\r\n", ",again\r\n", 1)
        put(journal .. ".unknown.csv", other)
        local status, output = run()
        assert.equal(3, status)
        assert.truthy(output:find("there is no unknown attempt 1 for nobody", 1, true), output)
        assert.equal(2, #support.requests "youkong")
        assert.equal(list, content(journal .. ".unknown.csv"))
    end)

    it("ends with 1 when some certainly failed", function()
        new_users(3)
        support.faults("youkong", "none", "190004")
        local status, output = run "--concurrency 1"
        assert.equal(1, status)
        assert.truthy(output:find("created 2, already there 0, failed 1", 1, true), output)
        assert.equal(0, (run()))
    end)

    it("stops when too many in a row have not succeeded", function()
        new_users(10)
        support.faults("youkong", "190004", "190004", "none", "190004", "190004", "190004")
        local status, output = run "--concurrency 1 --stop-after 3"
        assert.equal(1, status)
        assert.truthy(output:find("created 1, already there 0, failed 5, not started 4, unknown 0",
            1, true), output)
        assert.equal(6, #support.requests "youkong")
        assert.equal(0, (run()))
    end)

    it("is not stopped by a try with a sandbox of its own", function()
        new_users(2)
        local line = ("env YOUKONG_SECRET=%s YOUKONG_BASE_URL=%s CLOUDCAL_CA_FILE=%s %s "
            .. "examples/provision.lua %s "):format(known.secret, known.base_url, ca_file,
            lua.command(), users)
        for _, flags in ipairs { "--sandbox", "--client-key " .. known.client_key } do
            local output, ok = peer.shell(line .. flags)
            assert.is_true(ok, output)
            assert.truthy(output:find("created 2, already there 0", 1, true), output)
        end
        assert.equal(2, #support.requests "youkong")
    end)

    it("sends nothing where the service cannot be reached", function()
        new_users(2)
        local status, output = run "--base-url https://127.0.0.1:1"
        assert.equal(1, status)
        assert.truthy(output:find("could_not_connect", 1, true), output)
        assert.is_nil(content(journal .. ".unknown.csv"))
    end)

    it("does not start twice with one journal", function()
        new_users(2)
        local other = assert(cloudcal.journal(journal))
        local status, output = run()
        other:close()
        assert.equal(2, status)
        assert.truthy(output:find(journal .. ": is open already", 1, true), output)
        assert.same({}, support.requests "youkong")
        assert.equal(0, (run()))
    end)

    it("sends nothing before the disk has the intention", function()
        new_users(9)
        local output = peer.shell("trap '' XFSZ; ulimit -f 2; " .. command "--concurrency 2")
        assert.truthy(output:find("stopped: " .. journal .. ": File too large", 1, true), output)
        local have, sent = counts(), #support.requests "youkong"
        local mine = 0
        for code in pairs(have) do
            if code:find("s" .. series .. "-", 1, true) then mine = mine + 1 end
        end
        assert.equal(sent, mine)
        assert.is_true(mine >= 1 and mine < 9)
        assert.equal(3, (run()))
        have = counts()
        local listed = unknown()
        for i = 1, 9 do
            local code = ("s%d-%04d"):format(series, i)
            assert.is_true(have[code] == 1 or have[code] == nil and listed[code] ~= nil)
        end
    end)

    it("refuses wrong use before it sends anything", function()
        new_users(1)
        local good = content(users)
        for more, expected in pairs {
            ["--concurrency 0"] = "--concurrency must be a whole number from 1",
            ["--concurrency 1.5"] = "--concurrency must be a whole number from 1",
            ["--stop-after x"] = "--stop-after must be a whole number from 0",
            ["--secret abc"] = "unknown option --secret; the secret is taken from the variable "
                .. "YOUKONG_SECRET\n",
            ["--secret=abc"] = "unknown option --secret; the secret is taken",
            ["--journal"] = "--journal needs a value",
            ["second.csv"] = "one CSV file at a time",
            ["--base-url http://example.com"] = "base_url",
            ["--journal /no/such/journal"] = "/no/such/journal: the directory does not exist",
        } do
            local status, output = run(more)
            assert.equal(2, status, more)
            assert.truthy(output:find(expected, 1, true), output)
            assert.is_nil(output:find("abc", 1, true))
        end
        put(users, good .. "\na,b,c\n\nd\n\"")
        local status, output = run()
        assert.equal(2, status)
        assert.truthy(output:find(users .. ": line 3: 3 columns; a name with a comma is quoted\n"
            .. users .. ": line 6: a quote has no end\nNothing was sent.\n", 1, true), output)
        os.remove(users)
        assert.equal(2, (run()))
        assert.same({}, support.requests "youkong")
        output = peer.shell(lua.command() .. " examples/provision.lua --help")
        assert.truthy(output:find("Exit status:", 1, true))
    end)

    it("refuses a journal that is not its own, or of another account", function()
        new_users(1)
        local other = assert(cloudcal.journal(journal))
        assert(other:write { is = "something else" })
        other:close()
        local _, output = run()
        assert.truthy(output:find("is not a journal of this program", 1, true), output)
        os.remove(journal)
        assert.equal(0, (run()))
        local status
        status, output = run "--client-key other"
        assert.equal(2, status)
        assert.truthy(output:find("is the journal of another account: " .. known.base_url, 1, true))
        local text = content(journal)
        put(journal, text:gsub("created", "Created", 1))
        status, output = run()
        assert.equal(2, status)
        assert.truthy(output:find(journal .. ": line 3 is damaged", 1, true), output)
    end)

    it("ends by Ctrl-C, and goes on from there", function()
        local codes = new_users(40)
        support.faults("youkong", "none", "slow:0.3:39")
        local pipe = io.popen("echo $$; exec env --default-signal=INT "
            .. command("--concurrency 4"):gsub("^env ", "") .. " 2>&1")
        local pid = pipe:read("*l")
        support.await_requests("youkong", 6)
        peer.shell("kill -INT " .. pid)
        local output = pipe:read("*a")
        pipe:close()
        assert.truthy(output:find "unknown [1-4]\n", output)
        support.clear "youkong"
        assert.equal(3, (run()))
        decide()
        assert.equal(0, (run()))
        local have = counts()
        for _, code in ipairs(codes) do assert.equal(1, have[code]) end
    end)

    it("shows no secret", function()
        new_users(3)
        support.faults("youkong", "190004", "echo_secrets", "html_502")
        local _, output = run "--concurrency 1"
        for _, path in ipairs { "", ".unknown.csv", ".created.csv" } do
            output = output .. (content(journal .. path) or "")
        end
        assert.is_nil(output:find(known.secret, 1, true))
    end)
end)

-- {======================================================
-- Kills
-- =======================================================}

-- Runs in this process: a start takes no time.
local function run_here()
    local written, argv = {}, {}
    local sink = { write = function(_, ...)
        for _, text in ipairs { ... } do written[#written + 1] = text end
    end }
    for word in arguments():gmatch("%S+") do argv[#argv + 1] = word end
    local stdout, stderr, getenv = io.stdout, io.stderr, os.getenv
    -- luacheck: push ignore 122
    io.stdout, io.stderr, os.getenv = sink, sink, function() return known.secret end
    local fine, status = pcall(provision.main, argv)
    io.stdout, io.stderr, os.getenv = stdout, stderr, getenv
    -- luacheck: pop
    if not fine then error(status, 0) end
    return status, table.concat(written)
end

describe("a journal that is cut", function()
    local client = support.client "youkong"

    local function entries(code, i)
        local user = code .. "-" .. i
        return { is = "intention", user_code = user, calendar_name = "日历", attempt = 1, at = 1 },
            { is = "created", user_code = user, calendar_id = "x", attempt = 1, at = 1 }
    end

    -- A journal of two users, of which the second one's lines are cut.
    local function prepare(code)
        os.remove(journal)
        local book = assert(cloudcal.journal(journal))
        local account = ("%s, client key %s"):format(known.base_url, known.client_key)
        local list = { { is = "account", account = account } }
        list[2], list[3] = entries(code, 1)
        list[4], list[5] = entries(code, 2)
        cloudcal.map(list, function(entry) return assert(book:write(entry)) end)
        book:close()
        put(users, code .. "-1\n" .. code .. "-2\n")
        local text, ends = content(journal), {}
        for after in text:gmatch("\n()") do ends[#ends + 1] = after - 1 end
        return text, ends
    end

    it("at any byte of its last two lines makes no second calendar, and loses nobody", function()
        local _, ends = prepare "cut-0000"
        local seen = {}
        for at = ends[3], ends[5] do
            local code = ("cut-%04d"):format(at)
            local text
            text, ends = prepare(code)
            put(journal, text:sub(1, at))
            local is_intended, is_known = at >= ends[4] - 1, at >= ends[5] - 1
            -- only what was on the disk was sent, if that
            local acted = is_known or is_intended and at % 2 == 0
            if acted then
                assert(client:create_calendar(code .. "-2", { CalendarName = "日历" }))
            end
            support.clear "youkong"
            local status, output = run_here()
            local sent, listed = #support.requests "youkong", unknown()
            if is_known then
                assert.same({ 0, 0 }, { status, sent }, output)
            elseif is_intended then
                assert.same({ 3, 0 }, { status, sent }, output)
                assert.is_table(listed[code .. "-2"])
                assert.is_nil(listed[code .. "-1"])
            else
                assert.same({ 0, 1 }, { status, sent }, output)
            end
            os.remove(journal .. ".unknown.csv")
            seen[code] = acted or not is_intended
        end
        local have = counts()
        for code, is_there in pairs(seen) do
            assert.equal(is_there and 1 or nil, have[code .. "-2"])
            assert.is_nil(have[code .. "-1"])
        end
    end)
end)

describe(("%d users and %d kills"):format(USERS, KILLS), function()
    local function bytes()
        local file = io.open(journal, "rb")
        if not file then return 0 end
        local length = file:seek("end")
        file:close()
        return length
    end

    local function start()
        local pipe = io.popen("echo $$; exec " .. command() .. " 2>&1")
        return pipe, pipe:read("*l")
    end

    -- Waits for as long as it should live: until the journal has grown, or for a time.
    local function let_live(growth, seconds)
        local deadline, before = core.now() + seconds, bytes()
        while core.now() < deadline and bytes() - before < growth do core.sleep(0.001) end
        core.sleep(math.random() * 0.008)
    end

    it("leave each user with one calendar, or on the list of those who may have one", function()
        local began = core.now()
        local seed = math.floor(core.random() * 2 ^ 31)
        math.randomseed(seed)
        local where = "seed " .. seed
        local codes = new_users(USERS)
        for round = 1, KILLS do
            -- it goes on while it is being killed: some are left for that
            local _, sent = (content(journal) or ""):gsub('"is":"intention"', "")
            local growth = math.random() * 2 * (USERS - 100 - sent) / (KILLS - round + 2)
            local pipe, pid = start()
            let_live(growth * LINES, math.random(3) == 1 and math.random() * 0.4 or 10)
            peer.shell("kill -KILL " .. pid)
            local output = pipe:read("*a")
            pipe:close()
            assert.is_nil(output:find("\ncreated ", 1, true), where .. ": it was not killed")
            assert.is_nil(output:find("lua", 1, true), where .. ": " .. output)
        end
        local status, output = run()
        assert.is_true(status == 3 or status == 0, where .. output)
        local have, listed, asked = counts(), unknown(), {}
        local total, most = 0, 0
        for _, code in ipairs(codes) do
            local count = have[code] or 0
            total, most = total + count, math.max(most, count)
            assert.is_true(count == 1 or count == 0 and listed[code] ~= nil, where .. " " .. code)
        end
        assert.equal(1, most)
        for _, request in ipairs(support.requests "youkong") do
            local code = request.body:match('"UserCode":"(s[%d-]+)"')
            assert.is_nil(asked[code], where) -- nobody was asked for twice
            asked[code] = true
        end
        assert.equal(total, size(asked), where)
        local open = size(listed)
        if open > 0 then decide() end
        status, output = run()
        assert.equal(0, status, where .. output)
        have = counts()
        for _, code in ipairs(codes) do assert.equal(1, have[code], where .. " " .. code) end
        print(("# %s: %d calendars after %d kills, %d unknown outcomes, %.1f s"):format(
            where, total, KILLS, open, core.now() - began))
    end)
end)
