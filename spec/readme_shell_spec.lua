--- What the documents tell people to type: every line of their sh blocks is run, and what they name
-- in passing exists.

local files = require "spec.files"
local peer = require "spec.peer"

local quote = peer.quote
local read, write = files.read, files.write

local PAGES = { "README.md", "README.zh-CN.md", "CONTRIBUTING.md", "docs/coming-from-the-sdk.md",
                "docs/coming-from-the-sdk.zh-CN.md" }

-- Of this tree, where a path in backticks begins with them.
local FOLDERS = { bench = true, docs = true, examples = true, library = true, lua = true,
                  spec = true, src = true }

local NEW = "lua/cloudcal/endpoints/calendar_get.lua" -- is added by who follows CONTRIBUTING.md

-- The lines of all sh blocks, without comments; a line that ends in a backslash goes on.
local function lines_of(path)
    local lines = {}
    for block in read(path):gmatch("\n```sh\n(.-)\n```") do
        for line in (block:gsub("\\\n%s*", "") .. "\n"):gmatch("([^\n]*)\n") do
            line = line:gsub("%s%s+#.*$", "")
            if line:find("%S") then lines[#lines + 1] = line end
        end
    end
    return lines
end

-- The sh block that begins with these words, as it stands.
local function block_of(path, beginning)
    for block in read(path):gmatch("\n```sh\n(.-)\n```") do
        if block:find(beginning, 1, true) == 1 then return block end
    end
end

-- What a person has of their own, by that of the sandbox in the environment.
local function filled(line)
    return (line:gsub("([A-Z_]+)=[%w_]*…", '%1="$%1"'):gsub("ou_…", "ou_1")
        :gsub("%-%-client%-key UK…", '--client-key "$YOUKONG_CLIENT_KEY"')
        :gsub("your_program%.lua", "program.lua"):gsub("%-%-port %d+", "--port 0"))
end

-- Nobody answers as the CalDAV server here; spec/hosts/caldav.lua has the line with Radicale.
local EXPECTED = {
    ["cloudcal --json caldav new --user alice --device Mac --profile mac.mobileconfig "
        .. "| cloudcal caldav check"] = 14,
}

-- Run elsewhere: by ./run and .ci/run, or in a tree of their own by the specs of the rock.
local ELSEWHERE = { "^%./run demo", "^%./run test", "^sudo ", "^make" }

local function is_elsewhere(line)
    for _, pattern in ipairs(ELSEWHERE) do
        if line:find(pattern) then return true end
    end
end

local root = peer.shell("pwd"):match("[^\n]+")
local directory

before_each(function()
    directory = peer.shell("mktemp -d"):match("[^\n]+")
    peer.must("cd %s && for name in run Makefile lua src examples build; do ln -s %s/$name; done",
        directory, quote(root))
    -- ./run goes where its link leads to; the program is this directory's
    write(directory .. "/program.lua", 'print(require("cloudcal")._VERSION)')
    write(directory .. "/users.csv", "user_code,calendar_name\nu1,one\nu2,two\n")
end)

after_each(function() peer.shell("rm -rf " .. directory) end)

-- A script that does all lines, one after the other in one shell, and tells how each ended.
local function script_of(lines)
    local words = {}
    for number, line in ipairs(lines) do
        words[#words + 1] = ("echo 'line %d'\n{ %s\n}\necho \"line %d ended $?\""):format(number,
            filled(line), number)
    end
    return table.concat(words, "\n") .. "\n"
end

describe("the shell lines of the READMEs", function()
    it("are the same in both", function()
        local english, chinese = lines_of "README.md", lines_of "README.zh-CN.md"
        for i, line in ipairs(chinese) do chinese[i] = line:gsub(" %-%-language zh$", "") end
        assert.same(english, chinese)
    end)

    it("work where the sandbox is the service", function()
        local inside = {}
        for _, line in ipairs(lines_of "README.md") do
            local is_sandbox = line:find "^%./run sandbox"
            if not is_sandbox and not is_elsewhere(line) then inside[#inside + 1] = line end
        end
        assert.is_true(#inside >= 10)
        write(directory .. "/all.sh", script_of(inside))
        local output = peer.shell(("cd %s && ./run sandbox --sync-seconds 0.2 "
            .. "--caldav-server 127.0.0.1:1 -- sh all.sh </dev/null"):format(directory))
        for number, line in ipairs(inside) do
            local status = tonumber(output:match(("\nline %d ended (%%d+)"):format(number)))
            assert.equal(EXPECTED[line] or 0, status, line .. "\n" .. output)
        end
    end)

    it("work as they stand where the text says so", function()
        for _, page in ipairs { "README.md", "README.zh-CN.md" } do
            local block = assert(block_of(page, "cloudcal login"), page)
            write(directory .. "/typed.sh", "set -e\n" .. block .. "\n")
            peer.must("cd %s && ./run sandbox -- sh typed.sh </dev/null", directory)
        end
    end)

    it("work where they are the sandbox", function()
        local count = 0
        for _, line in ipairs(lines_of "README.md") do
            if line:find "^%./run sandbox" then
                count = count + 1
                local input = "{ sleep 0.5; echo cloudcal explain 190004; }"
                local output = peer.shell(("cd %s && %s | %s; echo \"ended $?\""):format(
                    directory, input, filled(line)))
                assert.equal("0", output:match "ended (%d+)\n$", line .. "\n" .. output)
            end
        end
        assert.is_true(count >= 4)
    end)
end)

describe("what the documents name", function()
    it("is there: files", function()
        for _, page in ipairs(PAGES) do
            local count, base = 0, page:match("^(.*/)") or ""
            local text = read(page):gsub("\n```.-\n```", "")
            local function expect(path)
                assert.truthy(io.open(path), page .. " names " .. path)
                count = count + 1
            end
            for path in text:gmatch("%]%(([^)#:]+)[^)]*%)") do expect(base .. path) end
            for path in text:gmatch("`(%l+/[%w_/.]+)`") do
                if FOLDERS[path:match "^%l+"] and path ~= NEW then expect(path) end
            end
            assert.is_true(count >= 2, page)
        end
    end)

    it("is there: headings", function()
        for _, page in ipairs(PAGES) do
            for path, anchor in read(page):gmatch("%]%(([^)#:]*)#([^)]+)%)") do
                local base = page:match("^(.*/)") or ""
                local text = read(path == "" and page or (base .. path):gsub("[^/]+/%.%./", ""))
                local found = false
                for heading in text:gmatch("\n#+ ([^\n]+)") do
                    local name = heading:lower():gsub("：", ""):gsub("[:,.()/]", "")
                        :gsub(" ", "-")
                    found = found or name == anchor
                end
                assert.is_true(found, page .. " names #" .. anchor)
            end
        end
    end)

    it("is there: help of the command", function()
        local count = 0
        for _, page in ipairs(PAGES) do
            for words in read(page):gmatch("cloudcal (help [%l-]+)") do
                peer.must("./run cloudcal " .. words)
                count = count + 1
            end
        end
        assert.is_true(count >= 4)
    end)

    it("is there: commands of ./run", function()
        local help = peer.shell "./run help"
        for _, page in ipairs(PAGES) do
            for command in read(page):gmatch("%./run ([%l]+)") do
                assert.truthy(help:find("./run " .. command, 1, true), page .. ": " .. command)
            end
        end
    end)
end)
