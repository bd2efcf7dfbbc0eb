--- ./run: its commands, what it installs, and how it counts tests.

local files = require "spec.files"
local json = require "cloudcal.json"
local peer = require "spec.peer"

local quote = peer.quote

local function shell(command, ...)
    local output = peer.shell(("{ %s\n} 2>&1; echo \"exit $?\""):format(command:format(...)))
    local text, status = output:match("^(.*)exit (%d+)\n$")
    return text, tonumber(status)
end

local write = files.write

local root = peer.shell("pwd"):match("[^\n]+")
local directory

setup(function() directory = peer.shell("mktemp -d"):match("[^\n]+") end)

teardown(function() peer.shell("rm -rf " .. directory) end)

describe("./run", function()
    it("is a script for every POSIX shell", function()
        assert.equal("#!/bin/sh", io.open("run"):read("*l"))
        assert.same({ "", 0 }, { shell("sh -n run && test -x run && bash -n .ci/run") })
    end)

    it("may be called through a link, from anywhere", function()
        local text, status = shell("ln -s %s/run %s/link && cd / && %s/link help", quote(root),
            quote(directory), quote(directory))
        assert.equal(0, status)
        assert.truthy(text:find("./run demo", 1, true))
    end)

    it("helps", function()
        local text, status = shell("./run help")
        assert.equal(0, status)
        for _, command in ipairs { "demo", "test", "sandbox", "cloudcal", "interop", "docs",
                                   "torture", "bench", "help" } do
            assert.truthy(text:find("./run " .. command, 1, true), command)
        end
    end)

    it("prints its usage for anything else", function()
        for _, command in ipairs { "", "no-such-command", "--demo", "need", "usage" } do
            local text, status = shell("./run %s 2>&1 >/dev/null", command)
            assert.equal(2, status)
            assert.truthy(text:find("./run demo", 1, true), command)
        end
    end)
end)

describe("./run demo", function()
    it("shows every endpoint, and works in a path with spaces from any directory", function()
        local clone = directory .. "/a clone; of it's"
        shell("mkdir %s && cp -a run Makefile lua src examples build %s", quote(clone),
            quote(clone))
        local text, status = shell("cd / && %s demo </dev/null", quote(clone .. "/run"))
        assert.equal(0, status, text)
        for _, call in ipairs { "feishu:generate_caldav_conf", "feishu:create_exchange_binding",
            "feishu:wait_exchange_binding", "lark:primary_calendar", "youkong:create_calendar",
            "youkong:update_calendar" } do
            assert.truthy(text:find("\n    " .. call, 1, true), call)
        end
        assert.truthy(text:find('password = "***"', 1, true))
        assert.truthy(text:find("status: doing\n.*status: done\n"))
        local refused = select(2, text:gsub('\nkind = "[%w_]+", acted = "no", ', ""))
        assert.equal(4, refused)
    end)
end)

describe("./run sandbox", function()
    it("is ready with one line on stdout, and ends when its stdin closes", function()
        local text, status = shell("cd / && sleep 1 | %s/run sandbox --app-id cli_mine 2>/dev/null",
            quote(root))
        assert.equal(0, status)
        assert.equal(1, select(2, text:gsub("\n", "")))
        local ready = json.decode(text)
        for _, service in ipairs { "feishu", "lark", "youkong" } do
            assert.truthy(ready[service].base_url:find("^https://127%.0%.0%.1:%d+$"))
        end
        assert.equal("cli_mine", ready.lark.app_id)
    end)

    it("stays when stdin is /dev/null, until it is told to end", function()
        local text = shell([[
            { timeout 20 ./run sandbox </dev/null & } >%s/ready; pid=$!
            while ! [ -s %s/ready ]; do sleep 0.1; done
            sleep 0.5; kill -TERM $pid && echo alive; wait $pid]], directory, directory)
        assert.equal("alive\n", text)
    end)

    it("passes options on", function()
        local text, status = shell("./run sandbox --no-such-option")
        assert.equal(2, status)
        assert.truthy(text:find("--no-such-option", 1, true))
        text, status = shell("./run sandbox --help </dev/null")
        assert.equal(0, status)
        assert.truthy(text:find("--fault", 1, true))
    end)
end)

describe("./run sandbox -- COMMAND", function()
    it("gives it the services, the command cloudcal, and its own directory and stdin", function()
        write(directory .. "/try it.sh", [[
            set -e
            test "$(pwd)" = "$1"
            echo "stdin: $(cat)"
            cloudcal login --user alice 2>/dev/null >login
            for call in "primary --user alice" "primary --identity tenant" \
                "--service lark primary" "caldav new --profile x.mobileconfig" \
                "youkong create --user-code cs001 --name work"; do
                cloudcal $call >out && echo "fine: $call"
            done
            ls; echo "$XDG_STATE_HOME" >state
            exit 7]])
        local text, status = shell([[cd %s && echo words |
            %s/run sandbox --rate off -- sh 'try it.sh' "$(pwd)" 2>&1]], directory, quote(root))
        assert.equal(7, status, text)
        assert.equal(5, select(2, text:gsub("fine: ", "")), text)
        assert.truthy(text:find("stdin: words\n", 1, true), text)
        assert.truthy(text:find("\nx.mobileconfig\n", 1, true), text)
        local _, is_there = peer.shell(("ls $(cat %s/state)"):format(directory))
        assert.is_false(is_there)
    end)

    it("keeps what the caller has for the real services out of it", function()
        local text, status = shell([[cd %s && CLOUDCAL_STORE="$PWD/store.json" \
            FEISHU_TENANT_ACCESS_TOKEN=t-own LARK_TENANT_ACCESS_TOKEN=t-own \
            %s/run sandbox --rate off -- sh -c 'cloudcal login --user alice >&2 &&
                cloudcal primary --user alice >&2; env | grep -c t-own; test ! -e store.json' \
            2>/dev/null]], directory, quote(root))
        assert.same({ "0\n", 0 }, { text, status })
    end)

    it("ends as it does, or with 2 when it is used wrongly", function()
        for command, expected in pairs {
            ["-- sh -c 'kill -9 $$'"] = 137, ["--"] = 2, ["--no-such-option -- true"] = 2,
            ["--fault 190004 -- sh -c 'cloudcal --timeout 1 primary'"] = 9,
            ["--help -- false"] = 0,
        } do
            local text, status = shell("./run sandbox %s </dev/null", command)
            assert.equal(expected, status, command .. ": " .. text)
        end
    end)
end)

describe("./run cloudcal", function()
    it("is the command, wherever it is called", function()
        for _, line in ipairs {
            "cd / && %s/run cloudcal explain 190004",
            "ln -sf %s/run " .. directory .. "/cloudcal && " .. directory
                .. "/cloudcal explain 190004",
        } do
            local text, status = shell(line, quote(root))
            assert.equal(0, status, text)
            assert.truthy(text:find("method_rate_limited", 1, true), text)
        end
        assert.equal(2, select(2, shell "./run cloudcal no-such-command"))
    end)
end)

-- A world of commands in which the packages of a command are missing: the few that ./run
-- itself needs, and an apt-get that notes what it is asked and brings nothing.
describe("what ./run installs", function()
    local APT = "apt-get install -y --no-install-recommends --no-remove "
    local world, log

    local function add(name, text)
        write(world .. "/" .. name, "#!/bin/sh\n" .. text)
        shell("chmod +x %s/%s", world, name)
    end

    before_each(function()
        world, log = directory .. "/world", directory .. "/log"
        shell("rm -rf %s %s; mkdir %s; : >%s", world, log, world, log)
        for _, name in ipairs { "sh", "cat", "rm", "mktemp", "dirname", "env", "find" } do
            shell("ln -s $(command -v %s) %s", name, world)
        end
    end)

    local function run(command)
        local text, status = shell("env PATH=%s ./run %s </dev/null", world, command)
        return text, status, files.read(log)
    end

    local function add_apt(user, sudo)
        add("apt-get", ('echo "$DEBIAN_FRONTEND apt-get $*" >>%s\n'):format(log))
        add("id", "echo " .. user)
        if sudo then add("sudo", sudo) end
    end

    it("is printed as a line where there is no apt", function()
        add("id", "echo 1000")
        local text, status = run "demo"
        assert.equal(1, status)
        assert.truthy(text:find("\n    sudo apt-get update && sudo " .. APT .. "gcc libc6-dev make "
            .. "pkg-config lua5.4 liblua5.4-dev libcurl4-openssl-dev libssl-dev lua-cjson "
            .. "lua-cqueues lua-luaossl lua-socket\n", 1, true), text)
    end)

    it("is printed as a line for a user who may not install", function()
        add_apt(1000, "exit 1")
        local text, status, asked = run "test"
        assert.equal(1, status)
        assert.truthy(text:find("\n    sudo apt-get update && sudo " .. APT .. "gcc ", 1, true))
        assert.truthy(text:find("lua-busted", 1, true))
        assert.equal("", asked)
    end)

    it("is installed by root, with a word about it, and checked", function()
        add_apt(0)
        local text, status, asked = run "interop"
        assert.equal(1, status)
        assert.truthy(text:find("installing by apt-get, for ./run interop: gcc ", 1, true))
        assert.truthy(asked:find("^noninteractive apt%-get update\n"))
        assert.truthy(asked:find("\nnoninteractive " .. APT:gsub("%-", "%%-")))
        assert.truthy(asked:find(" nodejs npm", 1, true), asked)
        assert.truthy(text:find("\n    apt-get update && " .. APT .. "gcc ", 1, true))
    end)

    it("names what the benchmark needs, with its headers and servers", function()
        add_apt(0)
        local text, status, asked = run "bench quick"
        assert.equal(1, status)
        assert.truthy(text:find("installing by apt-get, for ./run bench: ", 1, true), text)
        for _, package in ipairs { "valgrind", "nginx", "libnginx-mod-http-lua", "luajit2" } do
            assert.truthy(asked:find(" " .. package, 1, true), package)
        end
    end)

    it("is installed with sudo where that asks for no password", function()
        add_apt(1000, '[ "$1" = -n ] && shift && [ "$1" = true ] || exec "$@"\n')
        local text, status, asked = run "sandbox"
        assert.equal(1, status)
        assert.truthy(text:find("installing by apt-get", 1, true))
        assert.truthy(asked:find("lua-cqueues", 1, true), asked)
        assert.is_nil(asked:find("lua-busted", 1, true))
    end)

    it("fails with apt's own words", function()
        add_apt(0)
        add("apt-get", "echo the mirror is away >&2; exit 100\n")
        local text, status = run "demo"
        assert.equal(1, status)
        assert.truthy(text:find("the mirror is away", 1, true))
    end)
end)

describe("./run test", function()
    local function test(text, arguments)
        local path = directory .. "/some_spec.lua"
        write(path, text)
        return shell("lua5.4 spec/run.lua %s %s", arguments or "", path)
    end

    it("ends with a line that counts", function()
        local text, status = test [[it("a", function() end) it("b", function() end)]]
        assert.equal(0, status)
        assert.truthy(text:find("\n2 passed, 0 failed\n$"), text)
    end)

    it("shows a failure with its name, place and message", function()
        local text, status = test [[
            it("fine", function() end)
            describe("sums", function()
                it("add up", function() assert.equal(4, 2 + 3) end)
            end)]]
        assert.equal(1, status)
        assert.truthy(text:find("failed: sums add up", 1, true), text)
        assert.truthy(text:find("some_spec.lua:3", 1, true))
        assert.truthy(text:find("Expected", 1, true))
        assert.truthy(text:find("\n1 passed, 1 failed\n$"))
    end)

    it("counts what was not run as failed", function()
        for _, line in ipairs {
            [[it("raises", function() error "oh" end)]],
            [[it("raises a table", function() error {} end)]],
            [[pending("later", function() end)]],
            [[it("gives up", function() pending "later" end)]],
            [[describe("group", function() error "oh" end)]],
            [[error "the file"]],
            [[this is no Lua]],
        } do
            local text, status = test(line)
            assert.equal(1, status, line)
            assert.truthy(text:find("\n0 passed, 1 failed\n$"), text)
        end
        local text, status = test [[
            describe("group", function()
                setup(function() error "oh" end)
                it("a", function() end)
            end)]]
        assert.equal(1, status)
        assert.truthy(text:find("\n%d passed, [1-9] failed\n$"), text)
    end)

    it("fails when 256 tests fail, and when there is none", function()
        local text, status = test [[for i = 1, 256 do it("n" .. i, function() error "oh" end) end]]
        assert.equal(1, status)
        assert.truthy(text:find("\n0 passed, 256 failed\n$"))
        text, status = test ""
        assert.equal(1, status)
        assert.truthy(text:find("no test was found\n\n0 passed, 1 failed\n$"), text)
    end)

    it("passes arguments to busted", function()
        local text = test([[it("one", function() end) it("two", function() end)]], "--filter one")
        assert.truthy(text:find("\n1 passed, 0 failed\n$"), text)
        text = test([[it("one", function() end)]], "-o TAP")
        assert.truthy(text:find("ok 1 - one", 1, true), text)
    end)
end)

describe("spec/torture/run.sh", function()
    it("runs no row on what was built before when it cannot build", function()
        write(directory .. "/make", "#!/bin/sh\necho no make\nexit 1\n")
        peer.must("chmod +x %s/make", directory)
        local text, status = shell("PATH=%s:$PATH sh spec/torture/run.sh redirects retries",
            directory)
        assert.equal(1, status)
        assert.equal("no make\nthe programs were not built\n\n0 passed, 2 failed\n", text)
    end)
end)

describe("spec/torture/static.sh", function()
    it("fails where clang-tidy, whose stderr it does not show, ends badly", function()
        for _, name in ipairs { "gcc", "clang-tidy", "cppcheck", "pmccabe", "lua5.4" } do
            write(directory .. "/" .. name, "#!/bin/sh\nexit " .. (name == "clang-tidy" and 3 or 0))
            peer.must("chmod +x %s/%s", directory, name)
        end
        local text, status = shell("PATH=%s:$PATH sh spec/torture/static.sh", directory)
        assert.equal(1, status)
        assert.truthy(text:find("clang_tidy:\nit ended with 3\n", 1, true), text)
        assert.matches("|1\n$", text)
    end)
end)
