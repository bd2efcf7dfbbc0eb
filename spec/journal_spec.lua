--- Journals: what is written is there after whatever end, and one process at a time writes.

local cloudcal = require "cloudcal"
local core = require "cloudcal.core"
local files = require "spec.files"
local lua = require "spec.lua"
local peer = require "spec.peer"

local directory, path

before_each(function()
    directory = peer.shell("mktemp -d"):match("[^\n]+")
    path = directory .. "/journal"
end)

after_each(function() peer.shell("rm -rf " .. directory) end)

local function put(text)
    peer.shell("chmod 600 " .. files.write(path, text))
end

local function content() return files.read(path) end

local function open() return assert(cloudcal.journal(path)) end

local function write(...)
    local journal = open()
    for _, entry in ipairs { ... } do assert.is_true((journal:write(entry))) end
    journal:close()
end

local function entries()
    local journal = open()
    journal:close()
    return journal.entries, journal.torn
end

local function line_ends(text)
    local ends = { [0] = 0 }
    for after in text:gmatch("\n()") do ends[#ends + 1] = after - 1 end
    return ends
end

describe("a journal", function()
    it("has what was written, in order", function()
        write({ code = "cs001", n = 1 }, { name = "日历\n\"\0", list = { 1, 2 } })
        write({ n = 3 })
        local found, torn = entries()
        assert.same({ { code = "cs001", n = 1 }, { name = "日历\n\"\0", list = { 1, 2 } },
            { n = 3 } }, found)
        assert.equal(0, torn)
        assert.equal("600", peer.shell("stat -c %a " .. path):match("%d+"))
        assert.equal("journal\n", peer.shell("ls -A " .. directory))
    end)

    it("is one line of JSON for each entry, behind a checksum", function()
        write({ n = 1 })
        assert.equal(core.sha256('{"n":1}'):sub(1, 8) .. ' {"n":1}\n', content())
    end)

    it("is open once at a time", function()
        local journal = open()
        local refusal = path .. ": is open already, here or in another process"
        assert.same({ nil, refusal }, { cloudcal.journal(path) })
        local output = peer.script([[print(require("cloudcal").journal(given.path))]],
            { path = path })
        assert.equal("nil\t" .. refusal .. "\n", output)
        journal:close()
        open():close()
    end)

    it("is free again after SIGKILL, and its lines are there", function()
        local output = peer.script([[
            local journal = assert(require("cloudcal").journal(given.path))
            for i = 1, 3 do assert(journal:write { n = i }) end
            print "written"
            io.stdout:flush()
            os.execute("kill -KILL $PPID")
        ]], { path = path }, "{ %s; true; } 2>/dev/null")
        assert.equal("written\n", output)
        assert.same({ { n = 1 }, { n = 2 }, { n = 3 } }, (entries()))
    end)

    it("cuts off an end that was not finished, wherever it was cut", function()
        write({ n = 1 }, { n = 2 }, { user_code = "测试" }, { last = true })
        local whole = content()
        local ends = line_ends(whole)
        for size = 0, #whole do
            local count = 0 -- a line that lacks only its end is whole
            while ends[count + 1] and ends[count + 1] <= size + 1 do count = count + 1 end
            put(whole:sub(1, size))
            local found, torn = entries()
            assert.equal(count, #found)
            assert.equal(math.max(0, size - ends[count]), torn)
            assert.equal(whole:sub(1, ends[count]), content())
        end
    end)

    it("goes on behind a cut", function()
        write({ n = 1 }, { n = 2 })
        put(content():sub(1, -4))
        write({ n = 3 })
        assert.same({ { n = 1 }, { n = 3 } }, (entries()))
    end)

    it("cuts off the zeros that a lost power leaves behind", function()
        write({ n = 1 })
        put(content() .. ("\0"):rep(4096))
        local found, torn = entries()
        assert.same({ { n = 1 } }, found)
        assert.equal(4096, torn)
    end)

    it("is refused, and left as it is, when it is damaged", function()
        write({ n = 1 }, { n = 2 }, { n = 3 })
        local whole = content()
        local ends = line_ends(whole)
        for at = 1, ends[2] do
            local byte = whole:sub(at, at)
            for _, other in ipairs { "0", "z", "" } do
                if other ~= byte then
                    local damaged = whole:sub(1, at - 1) .. other .. whole:sub(at + 1)
                    put(damaged)
                    local journal, problem = cloudcal.journal(path)
                    assert.is_nil(journal)
                    assert.truthy(problem:find(path .. ": line [12] is damaged"), problem)
                    assert.equal(damaged, content())
                end
            end
        end
        put("something else\n" .. whole)
        assert.same({ nil, path .. ": line 1 is damaged" }, { cloudcal.journal(path) })
        for _, rest in ipairs { "\0\0\n", "x\n", "\n", '00000000 {"n":4}\n', "12345678 \n" } do
            put(whole .. rest)
            assert.same({ nil, path .. ": line 4 is damaged" }, { cloudcal.journal(path) })
        end
    end)

    it("takes no file that others can reach, and makes none without a directory", function()
        put ""
        peer.shell("chmod 644 " .. path)
        assert.same({ nil, path .. ": others can read it (mode 0644); chmod 600" },
            { cloudcal.journal(path) })
        peer.shell("mv " .. path .. " " .. path .. "2; ln -s " .. path .. "2 " .. path)
        assert.same({ nil, path .. ": is a symbolic link" }, { cloudcal.journal(path) })
        assert.same({ nil, directory .. "/no/file: the directory does not exist" },
            { cloudcal.journal(directory .. "/no/file") })
    end)

    it("writes nothing more after the disk has failed", function()
        local output = peer.script([[
            local journal = assert(require("cloudcal").journal(given.path))
            for i = 1, 4 do
                print(journal:write { n = i, text = ("x"):rep(i == 3 and 9000 or 9) })
            end
            journal:close()
        ]], { path = path }, "trap '' XFSZ; ulimit -f 8; %s")
        local failure = ("nil\t%s: File too large\n"):format(path)
        assert.equal("true\ntrue\n" .. failure .. failure, output)
        assert.is_true(#content() > 4000) -- a part of what failed
        local found, torn = entries()
        assert.equal(2, #found)
        assert.is_true(torn > 3000)
    end)

    it("says what cannot be written", function()
        local journal = open()
        local fine, problem = journal:write { user = { print } }
        assert.is_nil(fine)
        assert.equal("the entry cannot be written: user[1] is a function", problem)
        assert.is_true(journal:write { n = 1 })
        journal:close()
        assert.equal(1, #entries())
    end)

    it("raises at the caller's line for a wrong use", function()
        local journal = open()
        local function refuses(text, fn)
            local ok, message = pcall(fn)
            assert.is_false(ok)
            assert.truthy(message:find(text, 1, true), message)
            assert.truthy(message:find("spec/journal_spec.lua", 1, true), message)
        end
        for _, wrong in ipairs { "", "a\0b", 3, {} } do
            refuses("path must be the name of a file",
                function() local opened = cloudcal.journal(wrong); return opened end)
        end
        refuses("the entry must be a table, not a string", function() journal:write "x" end)
        journal:close()
        journal:close()
        refuses("the journal is closed", function() journal:write {} end)
    end)

    it("is closed when it is collected, and leaves no descriptor open", function()
        open():close()
        local before = peer.descriptors()
        for _ = 1, 20 do
            cloudcal.journal(path)
            collectgarbage()
            collectgarbage()
            open():close()
            put "damaged\n"
            cloudcal.journal(path)
            cloudcal.journal(directory .. "/no/file")
            put ""
        end
        peer.expect_descriptors(before)
    end)

    it("is the parent's after a fork", function()
        local output = peer.host([[
            local journal = assert(require("cloudcal").journal(given.path))
            assert(journal:write { n = 1 })
            local pid = fork()
            if pid == 0 then
                local ok = pcall(journal.write, journal, { n = 2 })
                journal:close()
                leave(ok and 8 or 7)
            end
            print(wait(pid), require("cloudcal").journal(given.path) == nil)
            assert(journal:write { n = 3 })
        ]], { path = path })
        assert.truthy(output:find("7\ttrue\n", 1, true), output)
        assert.same({ { n = 1 }, { n = 3 } }, (entries()))
    end)
end)

describe("a journal that tasks share", function()
    it("has every entry before its writer goes on", function()
        local journal, numbers = open(), {}
        for i = 1, 200 do numbers[i] = i end
        local _, errors = cloudcal.map(numbers, function(n)
            local mark = ('"n":%d}\n'):format(n)
            if n % 3 == 0 then cloudcal.sleep(n % 7 / 1000) end
            assert(journal:write { n = n })
            assert.truthy(content():find(mark, 1, true))
            return true
        end)
        assert.is_nil(errors)
        journal:close()
        local seen = {}
        for _, entry in ipairs((entries())) do seen[entry.n] = (seen[entry.n] or 0) + 1 end
        for n = 1, 200 do assert.equal(1, seen[n]) end
    end)

    it("asks the disk once for those that are ready together", function()
        local journal, appends = open(), 0
        local file = journal.file
        journal.file = {
            append = function(_, text)
                appends = appends + 1
                return file:append(text)
            end,
            close = function() file:close() end,
        }
        cloudcal.map({ 1, 2, 3, 4, 5, 6, 7, 8 }, function(n) return journal:write { n = n } end)
        journal:close()
        assert.equal(1, appends)
        assert.equal(8, #entries())
    end)

    it("writes for a task that is cancelled, and for one in another coroutine", function()
        local journal, loop = open(), cloudcal.loop()
        local results = {}
        local task = loop:spawn(function()
            cloudcal.sleep(60)
            results[1] = journal:write { n = 1 }
        end)
        loop:spawn(function()
            task:cancel()
            coroutine.wrap(function() results[2] = journal:write { n = 2 } end)()
        end)
        loop:run()
        assert.same({ true, true }, results)
        journal:close()
        assert.equal(2, #entries())
    end)

    it("tells each of them of a failure", function()
        local output = peer.script([[
            local cloudcal = require "cloudcal"
            local journal = assert(cloudcal.journal(given.path))
            local _, errors = cloudcal.map({ 1, 2, 3 }, function(n)
                return journal:write { n = n, text = ("x"):rep(9000) }
            end)
            print(#errors, errors[1] == errors[3] and errors[2])
        ]], { path = path }, "trap '' XFSZ; ulimit -f 8; %s")
        assert.equal(("3\t%s: File too large\n"):format(path), output)
        assert.same({}, (entries()))
    end)
end)

describe("open_journal of the core", function()
    it("has a handle that knows its bounds", function()
        local journal, text = core.open_journal(path)
        assert.equal("", text)
        assert.is_true((journal:append "one\ntwo\n"))
        for _, wrong in ipairs { -1, 9, 0 / 0, math.huge, "x" } do
            assert.error(function() journal:cut(wrong) end)
        end
        assert.is_true((journal:cut(4)))
        assert.is_true((journal:append "2\n"))
        assert.same({ false }, { core.open_journal(path) })
        journal:close()
        journal:close()
        assert.error(function() journal:append "x" end)
        assert.error(function() journal:cut(0) end)
        journal, text = core.open_journal(path)
        assert.equal("one\n2\n", text)
        journal:close()
        assert.error(function() journal.append(io.stdout, "x") end)
        assert.error(function() core.open_journal "" end)
        assert.same({ n = 2, nil, "/dev/null: is not a regular file" },
            lua.pack(core.open_journal "/dev/null"))
    end)

    it("has a ceiling", function()
        peer.shell(("head -c %d /dev/zero >%s; chmod 600 %s"):format(64 * 2 ^ 20, path, path))
        local journal = core.open_journal(path)
        assert.same({ nil, path .. ": would be larger than 64 MiB" }, { journal:append "x" })
        assert.is_true((journal:cut(64 * 2 ^ 20 - 1)))
        assert.is_true((journal:append "x"))
        journal:close()
        peer.shell("echo >>" .. path)
        assert.same({ nil, path .. ": is larger than 64 MiB" }, { core.open_journal(path) })
    end)
end)
