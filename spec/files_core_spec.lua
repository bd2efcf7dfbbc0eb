--- Private files and locks of the core, with real processes.

local core = require "cloudcal.core"
local files = require "spec.files"
local lua = require "spec.lua"
local peer = require "spec.peer"

local MEBIBYTE = 1024 * 1024

local directory, path

before_each(function()
    directory = peer.shell("mktemp -d"):match("[^\n]+")
    path = directory .. "/file"
end)

after_each(function() peer.shell("chmod -R u+rwx " .. directory .. "; rm -rf " .. directory) end)

local function put(name, text)
    peer.shell("chmod 600 " .. files.write(name, text))
end

local content_of = files.read

local function mode_of(name) return peer.shell("stat -c %a " .. name):match("%d+") end

local function names() return (peer.shell("ls -A " .. directory):gsub("%s+", " ")) end

local function is_root() return peer.shell("id -u") == "0\n" end

-- What a file must not be, by a command that makes it so.
local REFUSED = {
    { "chmod 644 %s", "others can read it (mode 0644); chmod 600" },
    { "chmod 640 %s", "others can read it (mode 0640); chmod 600" },
    { "chmod 602 %s", "others can write or run it (mode 0602); chmod 600" },
    { "chmod 610 %s", "others can write or run it (mode 0610); chmod 600" },
    { "mv %s %s.real; ln -s %s.real %s", "is a symbolic link" },
    { "rm -f %s; ln -s /nonexistent/x %s", "is a symbolic link" },
    { "rm -f %s; ln -s /dev/zero %s", "is a symbolic link" },
    { "rm -f %s; mkdir %s", "is not a regular file" },
    { "rm -f %s; mkfifo %s; chmod 600 %s", "is not a regular file" },
}
if is_root() then
    table.insert(REFUSED, { "chown 12345 %s", "belongs to another user (uid 12345)" })
    table.insert(REFUSED, { "rm -f %s; mknod %s c 1 5; chmod 600 %s", "is not a regular file" })
end

local function each_refusal(use)
    for _, row in ipairs(REFUSED) do
        put(path, "content")
        local output, ok = peer.shell((row[1]:gsub("%%s", path)))
        assert(ok, output)
        use(path .. ": " .. row[2])
        peer.shell("rm -rf " .. path .. " " .. path .. ".real")
    end
end

describe("read_private", function()
    it("gives the bytes, and the stamp that file_stamp gives", function()
        for _, text in ipairs { "", "a", "a\0b\255", ("x"):rep(4096), ("yz"):rep(50000) } do
            put(path, text)
            local read, stamp, changed = core.read_private(path)
            assert.equal(text, read)
            assert.same({ stamp, changed }, { core.file_stamp(path) })
            assert.is_true(math.abs(changed - core.time()) < 5)
        end
    end)

    it("gives nothing where no file is, and says that there is no directory", function()
        assert.same({ n = 1 }, lua.pack(core.read_private(path)))
        assert.same({ n = 2, nil, directory .. "/no/file: the directory does not exist" },
            lua.pack(core.read_private(directory .. "/no/file")))
        put(path, "a")
        assert.same({ n = 2, nil, path .. "/file: Not a directory" },
            lua.pack(core.read_private(path .. "/file")))
        assert.same({ n = 1 }, lua.pack(core.read_private("no-such-file-here")))
        assert.same({ n = 1 }, lua.pack(core.read_private("/no-such-file-here")))
    end)

    it("takes no file that others can reach, and names the reason", function()
        each_refusal(function(message)
            assert.same({ n = 2, nil, message }, lua.pack(core.read_private(path)))
        end)
    end)

    it("has a ceiling", function()
        put(path, ("x"):rep(MEBIBYTE))
        assert.equal(MEBIBYTE, #core.read_private(path))
        put(path, ("x"):rep(MEBIBYTE + 1))
        assert.same({ n = 2, nil, path .. ": is larger than 1 MiB" },
            lua.pack(core.read_private(path)))
    end)

    it("takes paths only", function()
        for _, name in ipairs { "read_private", "file_stamp", "lock_file", "write_private" } do
            for _, wrong in ipairs { "", "a\0b", {}, true } do
                assert.error(function() core[name](wrong, "text") end)
            end
            assert.error(function() core[name]() end)
        end
        assert.error(function() core.write_private(path) end)
        assert.equal("", names())
    end)
end)

describe("write_private", function()
    it("makes and replaces a file that is its user's alone", function()
        for _, text in ipairs { "", "one", "t\0wo", ("x"):rep(MEBIBYTE) } do
            assert.is_true((core.write_private(path, text)))
            assert.equal(text, content_of(path))
            assert.equal("600", mode_of(path))
            assert.equal("file ", names())
        end
    end)

    it("does so under any umask", function()
        for _, mask in ipairs { "0", "022", "077", "0777" } do
            local output = peer.script([[
                print(require("cloudcal.core").write_private(given.path, "x"))
            ]], { path = path }, "umask " .. mask .. "; %s")
            assert.equal("true\n", output)
            assert.equal("600", mode_of(path))
        end
    end)

    it("changes the stamp", function()
        local seen = {}
        for i = 1, 20 do
            assert(core.write_private(path, tostring(i)))
            local stamp = core.file_stamp(path)
            assert.equal(stamp, (core.file_stamp(path)))
            seen[stamp] = i
        end
        assert.is_nil((core.file_stamp(directory .. "/other")))
        assert.equal(20, seen[core.file_stamp(path)])
    end)

    it("clears away what a killed process left, and follows no link", function()
        put(directory .. "/victim", "untouched")
        for _, left in ipairs { "echo left >%s.new", "ln -s victim %s.new", "mkfifo %s.new" } do
            peer.shell(left:format(path))
            assert.is_true((core.write_private(path, "content")))
            assert.equal("content", content_of(path))
            assert.equal("file victim ", names())
        end
        assert.equal("untouched", content_of(directory .. "/victim"))
    end)

    it("says what went wrong, and leaves nothing behind", function()
        assert.same({ nil, directory .. "/no/file: the directory does not exist" },
            { core.write_private(directory .. "/no/file", "x") })
        assert.same({ nil, path .. ": would be larger than 1 MiB" },
            { core.write_private(path, ("x"):rep(MEBIBYTE + 1)) })
        peer.shell("mkdir " .. path)
        assert.same({ nil, path .. ": Is a directory" }, { core.write_private(path, "x") })
        assert.equal("file ", names())
    end)

    it("keeps the old content when there is no room", function()
        assert(core.write_private(path, "old"))
        local output, ok = peer.script([[
            local core = require "cloudcal.core"
            for _, size in ipairs { 4000, 100000 } do
                print(core.write_private(given.path, ("x"):rep(size)))
            end]], { path = path }, "trap '' XFSZ; ulimit -f 8; %s")
        assert.is_true(ok)
        assert.equal(("true\nnil\t%s: File too large\n"):format(path), output)
        assert.equal(("x"):rep(4000), content_of(path))
        assert.equal("file ", names())
    end)
end)

describe("lock_file", function()
    it("is held by one at a time", function()
        local lock = core.lock_file(path)
        assert.is_userdata(lock)
        assert.equal("600", mode_of(path))
        assert.is_false((core.lock_file(path)))
        assert.is_userdata((core.lock_file(path .. "2")))
        lock:unlock()
        local second = core.lock_file(path)
        assert.is_userdata(second)
        lock:unlock()
        assert.is_false((core.lock_file(path)))
        second:unlock()
        collectgarbage()
        collectgarbage()
        assert.equal("", names())
    end)

    it("ends with its collection, and with its Lua state", function()
        assert(core.lock_file(path))
        collectgarbage()
        collectgarbage()
        assert.equal("", names())
        local output = peer.host([[
            lock = assert(require("cloudcal.core").lock_file(given.path))
            print "taken"
        ]], { path = path }, 3)
        assert.equal(3, select(2, output:gsub("taken", "")), output)
        assert.equal("", names())
    end)

    it("takes no file that others can reach, and makes none without a directory", function()
        each_refusal(function(message)
            assert.same({ nil, message }, { core.lock_file(path) })
        end)
        assert.same({ nil, directory .. "/no/file: the directory does not exist" },
            { core.lock_file(directory .. "/no/file") })
    end)

    it("takes what a killed process left, and not what another has put there", function()
        put(path, "")
        local lock = core.lock_file(path)
        assert.is_userdata(lock)
        os.remove(path)
        local other = core.lock_file(path)
        assert.is_userdata(other)
        lock:unlock()
        assert.is_false((core.lock_file(path)))
        other:unlock()
        assert.equal("", names())
    end)

    it("ends with its process, even by SIGKILL", function()
        local output = peer.script([[
            lock = assert(require("cloudcal.core").lock_file(given.path))
            print(lock and "taken")
            io.stdout:flush()
            require("cloudcal.core").sleep(60)
        ]], { path = path }, "%s & while ! [ -e " .. path .. " ]; do sleep 0.01; done; "
            .. "sleep 0.2; kill -STOP $!; " .. lua.command() .. " -e " .. peer.quote(
            ("print(require('cloudcal.core').lock_file(%q))"):format(path))
            .. "; kill -KILL $!; wait $! 2>/dev/null; true")
        assert.equal("taken\nfalse\n", output)
        local lock = core.lock_file(path)
        assert.is_userdata(lock)
        lock:unlock()
    end)

    it("is the parent's after a fork, until the parent gives it back", function()
        local output = peer.host([[
            local core = require "cloudcal.core"
            local lock = assert(core.lock_file(given.path))
            local pid = fork()
            if pid == 0 then
                lock:unlock()
                leave(core.lock_file(given.path) == false and 7 or 8)
            end
            print("unlocked by the child", wait(pid), core.lock_file(given.path))
            pid = fork()
            if pid == 0 then leave(7) end
            print("closed by the child", wait(pid), core.lock_file(given.path))
            pid = fork()
            if pid == 0 then
                core.sleep(3)
                vanish(7)
            end
            lock:unlock()
            lock = core.lock_file(given.path)
            print("given back", type(lock))
            lock:unlock()
            wait(pid)
        ]], { path = path })
        assert.truthy(output:find("unlocked by the child\t7\tfalse\nclosed by the child\t7\tfalse\n"
            .. "given back\tuserdata\n", 1, true), output)
        assert.equal("", names())
    end)

    it("is not handed to programs that are started", function()
        local lock = core.lock_file(path)
        local output = peer.shell("ls -l /proc/self/fd")
        lock:unlock()
        assert.is_nil(output:find(directory, 1, true))
    end)

    it("excludes, however many processes come and go", function()
        put(path .. ".count", "0")
        local output = peer.script([[
            local core = require "cloudcal.core"
            local done = 0
            while done < 200 do
                local lock = core.lock_file(given.path)
                if lock then
                    local file = io.open(given.path .. ".count")
                    local count = tonumber(file:read("*a"))
                    file:close()
                    file = io.open(given.path .. ".count", "w")
                    file:write(count + 1)
                    file:close()
                    done = done + 1
                    lock:unlock()
                end
            end]], { path = path }, "set -- env %s; for i in 1 2 3 4; do \"$@\" & done; wait")
        assert.equal("", output)
        assert.equal("800", content_of(path .. ".count"))
        assert.equal("file.count ", names())
    end)
end)

describe("the files of the core", function()
    it("leave no descriptor open, whatever goes wrong", function()
        local before = peer.descriptors()
        for _ = 1, 20 do
            each_refusal(function()
                core.read_private(path)
                core.lock_file(path)
            end)
            core.read_private(path)
            core.write_private(path, "x")
            core.read_private(path)
            core.write_private(directory .. "/no/file", "x")
            local lock = core.lock_file(path .. ".lock")
            core.lock_file(path .. ".lock")
            lock:unlock()
        end
        peer.expect_descriptors(before)
    end)

    it("say that there are no more descriptors", function()
        assert(core.write_private(path, "x"))
        local output = peer.script([[
            local core = require "cloudcal.core"
            local held = {}
            while true do
                local file = io.open("/dev/null")
                if not file then break end
                held[#held + 1] = file
            end
            print(core.read_private(given.path))
            print(core.write_private(given.path, "y"))
            print(core.lock_file(given.path .. ".lock"))
        ]], { path = path }, "ulimit -n 32; %s")
        assert.equal(("nil\t%s: Too many open files\nnil\t%s: Too many open files\n"
            .. "nil\t%s.lock: Too many open files\n"):format(path, path, path), output)
        assert.equal("x", content_of(path))
    end)
end)
