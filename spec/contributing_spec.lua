--- CONTRIBUTING.md: its endpoint is added to a copy of the tree, step by step, and works.

local files = require "spec.files"
local lua = require "spec.lua"
local peer = require "spec.peer"

local quote = peer.quote
local read, write = files.read, files.write

local root = peer.shell("pwd"):match("[^\n]+")
local blocks, copy = {}, nil

setup(function()
    for block in read("CONTRIBUTING.md"):gmatch("\n```lua\n(.-\n)```") do
        blocks[#blocks + 1] = block
    end
    copy = peer.shell("mktemp -d"):match("[^\n]+")
    peer.must("cp -R lua src docs library *.rockspec %s && ln -s %s/build %s", copy, quote(root),
        copy)
end)

teardown(function() peer.shell("rm -rf " .. copy) end)

local function insert_before(path, place, text)
    local content = read(path)
    local at = assert(content:find(place, 1, true), path .. ": " .. place)
    write(path, content:sub(1, at - 1) .. text .. content:sub(at))
end

-- A program in the copy; the sandbox that it starts is the copy's, too.
local function run(program)
    write(copy .. "/program.lua", program)
    return peer.shell(("cd %s && %s program.lua"):format(copy, lua.command()))
end

local function generate()
    return peer.shell(("cd %s && %s docs/generate.lua"):format(copy, lua.command_54()))
end

local CLIENT = [[
local cloudcal = require "cloudcal"
local sandbox = assert(require("cloudcal.sandbox").start {})
local feishu = cloudcal.feishu {
    app_id = sandbox.feishu.app_id, app_secret = sandbox.feishu.app_secret,
    base_url = sandbox.feishu.base_url, ca_file = sandbox.ca_file,
}
local id = "a/b 有@group.calendar.feishu.cn"
]]

describe("an endpoint that is added as CONTRIBUTING.md says", function()
    it("is a table, a wrapper and a row", function()
        assert.equal(3, #blocks)
    end)

    it("works with its table as a mirror and raw, and is checked", function()
        write(copy .. "/lua/cloudcal/endpoints/calendar_get.lua", blocks[1])
        insert_before(copy .. "/lua/cloudcal/endpoints/init.lua", '"putcalendar",',
            '"calendar_get", ')
        local output, ok = run(CLIENT .. [[
            local body = cloudcal.assert(
                feishu.calendar.v4.calendar.get { path = { calendar_id = id } })
            assert(body.code == 0 and body.data.calendar_id == id)
            assert(body.data.summary == "测试日历")
            body = cloudcal.assert(feishu:request { method = "GET",
                path = "/open-apis/calendar/v4/calendars/abc" })
            assert(body.data.calendar_id == "abc")
            local _, err = feishu.calendar.v4.calendar.get { path = { calender_id = id } }
            assert(err.field == "path.calender_id" and err.message:find "calendar_id%?$")
            _, err = feishu.calendar.v4.calendar.get { path = { calendar_id = id },
                headers = { ["X-Sandbox-Fault"] = "191000" }, retry = false }
            assert(err.code == 191000 and err.kind == "not_found", err)]])
        assert.equal("", output)
        assert.is_true(ok)
    end)

    it("is in the reference, in the types and in the rockspecs", function()
        local output, ok = generate()
        assert.is_false(ok)
        for _, name in ipairs { "docs/reference.zh-CN.md", "cloudcal-scm-1.rockspec" } do
            assert.truthy(output:find(name .. " was not up to date; it is now", 1, true), output)
        end
        output, ok = generate()
        assert.is_true(ok, output)
        for name, text in pairs {
            ["docs/reference.md"] = "calendar.v4.calendar.get",
            ["docs/reference.zh-CN.md"] = "calendar.v4.calendar.get",
            ["library/cloudcal.lua"] = "calendar.v4.calendar.get",
            ["cloudcal-scm-1.rockspec"] = '["cloudcal.endpoints.calendar_get"]',
        } do
            assert.truthy(read(copy .. "/" .. name):find(text, 1, true), name)
        end
    end)

    it("works by its wrapper, when its row is there", function()
        insert_before(copy .. "/lua/cloudcal/services/feishu.lua",
            "-- {======================================================\n-- Following",
            blocks[2] .. "\n")
        local output, ok = run(CLIENT .. [[
            local calendar, _, meta = feishu:get_calendar(id, { timeout = 10 })
            assert(calendar.calendar_id == id and meta.status == 200)
            local fine, problem = pcall(feishu.get_calendar, feishu, 1)
            assert(not fine and problem:find "calendar_id must be a string")]])
        assert.equal("", output)
        assert.is_true(ok)
        output, ok = generate()
        assert.is_false(ok)
        assert.truthy(output:find('add a row { "platform", "get_calendar"', 1, true), output)
        insert_before(copy .. "/docs/generator/functions.lua",
            '    { "platform", "generate_caldav_conf"', blocks[3])
        generate()
        output, ok = generate()
        assert.is_true(ok, output)
        assert.truthy(read(copy .. "/library/cloudcal.lua"):find("get_calendar", 1, true))
    end)
end)
