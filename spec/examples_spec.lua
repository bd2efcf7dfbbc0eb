--- The examples that need no host but Lua: each is run as its user would.

local files = require "spec.files"
local lua = require "spec.lua"
local peer = require "spec.peer"
local sandboxes = require "cloudcal.sandbox"
local support = require "spec.support"

local quote = peer.quote

-- The command line of an example for a sandbox's app; nil: the example's own sandbox.
local function command(sandbox, ...)
    local words = { "env -u FEISHU_APP_ID" }
    if sandbox then
        words = {
            "env FEISHU_APP_ID=" .. sandbox.feishu.app_id,
            "FEISHU_APP_SECRET=" .. sandbox.feishu.app_secret,
            "CLOUDCAL_BASE_URL=" .. sandbox.feishu.base_url,
            "CLOUDCAL_CA_FILE=" .. quote(sandbox.ca_file),
        }
    end
    words[#words + 1] = lua.command()
    for _, word in ipairs { ... } do words[#words + 1] = quote(word) end
    return table.concat(words, " ")
end

local function read(path) return files.find(path) or "" end

local function run(line)
    local text = peer.shell(("{ %s; } 2>&1; echo exit $?"):format(line))
    return text, tonumber(text:match("exit (%d+)\n$"))
end

-- Starts a command, which can be read as it goes on.
-- @return its output with "exit N" at the end, and the number of its process
local function start(line)
    local pipe = assert(io.popen(("sh -c %s 2>&1; echo exit $?"):format(
        quote("echo $$; exec " .. line))))
    return pipe, tonumber(pipe:read "*l")
end

describe("examples/login.lua", function()
    local EXAMPLE = "examples/login.lua"
    local sandbox = support.sandbox { device_interval = 1 }
    local directory, file

    before_each(function()
        directory = peer.shell("mktemp -d"):match("[^\n]+")
        file = directory .. "/state/cloudcal/tokens.json"
    end)

    after_each(function() peer.shell("rm -rf " .. quote(directory)) end)

    local function logins()
        return support.state("feishu").device_authorizations or 0
    end

    it("asks the user once, and keeps the login for its user only", function()
        local before = logins()
        local text, status = run(command(sandbox, EXAMPLE, file))
        assert.equal(0, status, text)
        assert.truthy(text:find("type the code %x%x%x%x%-%x%x%x%x"), text)
        assert.equal(before + 1, logins())
        local calendar = assert(text:match("%s(%S+@group%.calendar%.%S+)"), text)
        local again, its_status = run(command(sandbox, EXAMPLE, file))
        assert.equal(0, its_status, again)
        assert.is_nil(again:find("code", 1, true), again)
        assert.truthy(again:find(calendar, 1, true), again)
        assert.equal(before + 1, logins())
        assert.equal("700 700 600 ", (peer.shell(("cd %s && stat -c %%a state state/cloudcal "
            .. "state/cloudcal/tokens.json"):format(quote(directory))):gsub("\n", " ")))
    end)

    it("takes the user's state directory where no file is given", function()
        local line = ("XDG_STATE_HOME=%s %s"):format(quote(directory .. "/state"),
            command(sandbox, EXAMPLE))
        local text, status = run(line)
        assert.equal(0, status, text)
        assert.truthy(read(file):find(sandbox.feishu.app_id, 1, true))
        assert.is_nil((text .. read(EXAMPLE)):find("eyJ", 1, true))
    end)

    it("runs without any app, against a sandbox of its own", function()
        local text, status = run(command(nil, EXAMPLE))
        assert.equal(0, status, text)
        assert.truthy(text:find("@group.calendar.", 1, true), text)
    end)

    it("says what is wrong, and ends with 1 or 2", function()
        local text, status = run(command(sandbox, EXAMPLE, "--help"))
        assert.equal(2, status, text)
        assert.truthy(text:find("use:", 1, true), text)
        peer.shell(("cd %s && umask 022 && echo '{}' >open.json"):format(quote(directory)))
        text, status = run(command(sandbox, EXAMPLE, directory .. "/open.json"))
        assert.equal(1, status, text)
        assert.truthy(text:find("open.json", 1, true), text)
        text, status = run(command(sandbox, EXAMPLE, "/dev/null/tokens.json"))
        assert.equal(1, status, text)
        assert.is_nil(text:find("code", 1, true), text)
    end)

    describe("while the user thinks", function()
        local slow, pipe

        setup(function()
            slow = assert(sandboxes.start { device_approval = "never", device_seconds = 20 })
        end)

        teardown(function() slow.stop() end)

        -- @return the address of the page, and the number of the process that waits
        local function begin()
            local number, seen
            pipe, number = start(command(slow, EXAMPLE, file))
            repeat
                local line = assert(pipe:read "*l", seen)
                seen = (seen or "") .. line .. "\n"
            until line:find "^Waiting"
            return seen:match "or open (%S+)", number
        end

        local function ending()
            local text = pipe:read "*a"
            pipe:close()
            return text
        end

        it("takes no for an answer", function()
            local address = begin()
            assert.equal(200, (support.exchange(support.exchange_options("feishu", "",
                { url = address .. "&deny=1", ca_file = slow.ca_file }))))
            local text = ending()
            assert.truthy(text:find("access_denied", 1, true), text)
            assert.truthy(text:find("exit 1\n", 1, true), text)
        end)

        it("ends by Ctrl-C", function()
            local _, number = begin()
            peer.shell("kill -INT " .. number)
            assert.equal("interrupted\nexit 130\n", ending())
        end)
    end)
end)

-- The command line of an example for the token of a sandbox's user.
local function with_token(sandbox, more, ...)
    local words = {
        "env -u FEISHU_APP_ID -u FEISHU_APP_SECRET",
        "FEISHU_USER_ACCESS_TOKEN=" .. sandbox.feishu.user_access_token,
        "CLOUDCAL_BASE_URL=" .. sandbox.feishu.base_url,
        "CLOUDCAL_CA_FILE=" .. quote(sandbox.ca_file), more, lua.command(),
    }
    for _, word in ipairs { ... } do words[#words + 1] = quote(word) end
    return table.concat(words, " ")
end

describe("examples/primary.lua", function()
    local EXAMPLE = "examples/primary.lua"
    local sandbox = support.sandbox()

    before_each(function() support.clear "feishu" end)

    it("prints the calendars of both in a sandbox of its own", function()
        local text, status = run("env -u FEISHU_USER_ACCESS_TOKEN " .. command(nil, EXAMPLE))
        assert.equal(0, status, text)
        assert.truthy(text:find("user  feishu.cn_%x+@[^\n]* ou_%x+\napp   feishu.cn_%x+@"), text)
    end)

    it("prints that of whom it is given", function()
        local text, status = run("env -u FEISHU_USER_ACCESS_TOKEN " .. command(sandbox, EXAMPLE))
        assert.equal(0, status, text)
        assert.truthy(text:find "^app   %S+@", text)
        text, status = run(with_token(sandbox, "", EXAMPLE))
        assert.equal(0, status, text)
        assert.truthy(text:find "^user  %S+@", text)
    end)

    it("tells that there is none from an error", function()
        support.faults("feishu", "191002")
        local text, status = run(with_token(sandbox, "", EXAMPLE))
        assert.equal(1, status, text)
        assert.truthy(text:find("permission_denied", 1, true), text)
        local none = { feishu = {
            base_url = sandbox.feishu.base_url,
            user_access_token = sandbox.feishu.no_calendar_access_token,
        }, ca_file = sandbox.ca_file }
        text, status = run(with_token(none, "", EXAMPLE))
        assert.equal(0, status, text)
        assert.truthy(text:find("has no primary calendar", 1, true), text)
    end)
end)

describe("examples/wait_for_binding.lua", function()
    local EXAMPLE = "examples/wait_for_binding.lua"
    local sandbox = support.sandbox()

    before_each(function() support.clear "feishu" end)

    it("binds and follows in a sandbox of its own", function()
        local text, status = run("env -u FEISHU_USER_ACCESS_TOKEN " .. command(nil, EXAMPLE))
        assert.equal(0, status, text)
        assert.truthy(text:find("the sync has begun\n.*all events are there\n"), text)
    end)

    it("gives the id, by which the sync can be followed again", function()
        local text, status = run(with_token(sandbox, "MAX_WAIT=0.1", EXAMPLE, "admin@example.com",
            "late@example.com", "ou_1"))
        assert.equal(3, status, text)
        local id = assert(text:match "^(%S+)\n", text)
        text, status = run(with_token(sandbox, "", EXAMPLE, id))
        assert.equal(0, status, text)
        assert.equal(id, text:match "^(%S+)\n")
    end)

    it("tells what failed from what nobody knows", function()
        for _, row in ipairs {
            { 1, "sync-error@example.com", "none" }, { 1, "me@example.com", "195101" },
            { 4, "me@example.com", "reset" },
        } do
            support.faults("feishu", row[3])
            local text, status = run(with_token(sandbox, "", EXAMPLE, "admin@example.com", row[2],
                "ou_2"))
            assert.equal(row[1], status, text)
        end
        local text, status = run(with_token(sandbox, "", EXAMPLE))
        assert.equal(2, status, text)
    end)
end)

describe("examples/cron.sh", function()
    local sandbox = support.sandbox()
    local directory

    before_each(function()
        directory = peer.shell("mktemp -d"):match "[^\n]+"
        support.clear "feishu"
    end)

    after_each(function() peer.shell("rm -rf " .. quote(directory)) end)

    -- @param app a sandbox, or what stands for one
    local function job(app, script)
        local line = command(app, "examples/cloudcal.lua")
        local interpreter = line:gsub("^env ", "exec env XDG_STATE_HOME=" .. quote(directory)
            .. " ") .. ' "$@"\n'
        files.write(directory .. "/cc", "#!/bin/sh\n" .. interpreter)
        peer.shell("chmod +x " .. quote(directory .. "/cc"))
        return run(("XDG_STATE_HOME=%s CLOUDCAL=%s PATIENCE=2 %s"):format(quote(directory),
            quote(directory .. "/cc"), script))
    end

    it("is silent when all is well, and asks for a login when there is none", function()
        local text, status = job(sandbox, "sh examples/cron.sh alice")
        assert.equal(5, status, text)
        assert.truthy(text:find "^alice has to log in again: cloudcal login %-%-user alice\n", text)
        text, status = run(("%s login --user alice"):format(quote(directory .. "/cc")))
        assert.equal(0, status, text)
        assert.equal("exit 0\n", (job(sandbox, "examples/cron.sh alice")))
    end)

    it("reports what passes by itself when it does not", function()
        job(sandbox, ":")
        run(("%s login --user alice"):format(quote(directory .. "/cc")))
        local faults = { "190004", "190004", "190004" }
        for _, expected in ipairs { "exit 9\n", "For 2 times in a row", "For 3 times in a row" } do
            support.faults("feishu", lua.unpack(faults))
            local text, status = job(sandbox, "examples/cron.sh alice")
            assert.equal(9, status, text)
            assert.equal(1, text:find(expected, 1, true), text)
        end
        support.clear "feishu"
        assert.equal("exit 0\n", (job(sandbox, "examples/cron.sh alice")))
        support.faults("feishu", lua.unpack(faults))
        assert.equal("exit 9\n", (job(sandbox, "examples/cron.sh alice")))
    end)

    it("wants one user", function()
        local _, status = job(sandbox, "examples/cron.sh")
        assert.equal(2, status)
    end)
end)

describe("examples/phone.lua", function()
    local directory

    before_each(function() directory = peer.shell("mktemp -d"):match("[^\n]+") end)
    after_each(function() peer.shell("rm -rf " .. quote(directory)) end)

    local function phone(...)
        return run(command(nil, "examples/phone.lua", ...))
    end

    it("writes a profile, and says what to type where", function()
        local path = directory .. "/a phone.mobileconfig"
        for _, name in ipairs { "飞书日历", "Lark Calendar" } do
            local text, status = phone("--sandbox", path, name:find "Lark" and "--lark")
            assert.equal(0, status, text)
            local profile = read(path)
            local password = profile:match("CalDAVPassword</key>%s*<string>([^<]+)<")
            assert.truthy(profile:find(name, 1, true))
            assert.is_nil(text:find(password, 1, true))
            assert.truthy(text:find("https://caldav.sandbox.invalid/\n", 1, true), text)
            assert.equal("600\n", (peer.shell("stat -c %a " .. quote(path))))
        end
        local text = phone("--sandbox", path, "--show-password")
        assert.truthy(text:find(read(path):match("CalDAVPassword</key>%s*<string>([^<]+)<"), 1,
            true), text)
    end)

    it("is for the user whose token there is, else for that of a sandbox", function()
        local path = directory .. "/x.mobileconfig"
        local text, status = run("env -u FEISHU_USER_ACCESS_TOKEN "
            .. command(nil, "examples/phone.lua", path))
        assert.equal(0, status, text)
        assert.truthy(text:find("https://caldav.sandbox.invalid/\n", 1, true), text)
        local sandbox = support.sandbox()
        text, status = run(("env FEISHU_USER_ACCESS_TOKEN=u-nobody %s"):format(
            command(sandbox, "examples/phone.lua", path)))
        assert.equal(1, status, text)
        assert.truthy(text:find("user_token_refused", 1, true), text)
        text, status = run(("env FEISHU_USER_ACCESS_TOKEN=%s %s"):format(
            sandbox.feishu.user_access_token, command(sandbox, "examples/phone.lua", path)))
        assert.equal(0, status, text)
    end)

    it("says what is wrong", function()
        assert.equal(1, select(2, phone "--sandbx"))
        local text, status = phone("--sandbox", directory .. "/no/x")
        assert.equal(1, status)
        assert.truthy(text:find("file_not_written", 1, true), text)
    end)
end)

-- Which file runs each of them, and under what name.
local RUN_BY = {
    ["cloudcal.lua"] = { "spec/cli_spec.lua", "examples/cloudcal.lua" },
    ["cron.sh"] = { "spec/examples_spec.lua", "examples/cron.sh" },
    ["embed"] = { "spec/hosts/run.sh", "examples/embed" },
    ["haproxy"] = { "spec/hosts/run.sh", "examples/haproxy" },
    ["login.lua"] = { "spec/examples_spec.lua", "examples/login.lua" },
    ["loops/copas.lua"] = { "spec/hosts/adapters.lua", "examples/loops/copas.lua" },
    ["loops/cqueues.lua"] = { "spec/hosts/adapters.lua", '"cqueues"' },
    ["loops/luv.lua"] = { "spec/hosts/adapters.lua", '"luv"' },
    ["loops/neovim.lua"] = { "spec/hosts/adapters.lua", "examples/loops/neovim.lua" },
    ["loops/select.lua"] = { "spec/hosts/adapters.lua", '"select"' },
    ["love"] = { "spec/hosts/run.sh", "examples/love" },
    ["neovim"] = { "spec/hosts/run.sh", "examples/neovim" },
    ["nginx"] = { "spec/hosts/nginx.lua", "examples/nginx" },
    ["oauth_callback"] = { "spec/hosts/oauth_callback.lua", "examples/oauth_callback" },
    ["phone.lua"] = { "spec/examples_spec.lua", "examples/phone.lua" },
    ["primary.lua"] = { "spec/examples_spec.lua", "examples/primary.lua" },
    ["provision.lua"] = { "spec/provision_spec.lua", "examples/provision.lua" },
    ["quickstart.lua"] = { "run", "examples/quickstart.lua" }, -- ./run demo, by spec/run_spec.lua
    ["redis.lua"] = { "spec/redis_processes_spec.lua", "examples/redis.lua" },
    ["sandbox.lua"] = { "spec/sandbox_server_spec.lua", "examples/sandbox.lua" },
    ["wait_for_binding.lua"] = { "spec/examples_spec.lua", "examples/wait_for_binding.lua" },
}

describe("examples", function()
    it("are each run by a test", function()
        local found = {}
        local list = peer.shell "cd examples && ls -d * loops/* | grep -vx loops"
        for name in list:gmatch "[^\n]+" do
            found[name] = true
            local row = assert(RUN_BY[name], name .. ": which spec runs it?")
            assert.truthy(read(row[1]):find(row[2], 1, true), name)
        end
        for name in pairs(RUN_BY) do assert.is_true(found[name], name) end
    end)
end)
