--- library/ as an editor reads it. By hand, since nothing packages such a program: it wants
-- emmylua_check in the PATH (cargo install --locked emmylua_check: many minutes). It reads the
-- annotations that lua-language-server reads.
--
--   make && ./run test spec/hosts/types.lua

local files = require "spec.files"
local json = require "cloudcal.json"
local peer = require "spec.peer"

local directory

-- Where a call may fail its result may be nil. That cloudcal.assert ends the doubt is written in
-- the way of lua-language-server, which this program does not follow: hence without that check.
local CONFIGURATION = [[{
    "workspace": { "library": ["%s/library"] },
    "diagnostics": { "disable": ["need-check-nil", "unused"] }
}]]

local HEAD = [[
local cloudcal = require "cloudcal"
local feishu = cloudcal.feishu { user_access_token = "u-1", timeout = 5 }
local youkong = cloudcal.youkong { environment = "sandbox", client_key = "UK1", secret = "s" }
local loop = cloudcal.loop()
]]

-- @return the codes of what it finds in library/ and in this text after HEAD
local function check(text)
    files.write(directory .. "/example.lua", HEAD .. text)
    local output = peer.shell(("emmylua_check -f json %s %s/library 2>%s/err"):format(directory,
        directory, directory))
    local codes = {}
    for _, file in ipairs(json.decode(output) or error(output)) do
        for _, found in ipairs(file.diagnostics) do codes[#codes + 1] = found.code end
    end
    return codes
end

setup(function()
    directory = peer.must("mktemp -d"):match "[^\n]+"
    peer.must("command -v emmylua_check")
    peer.must("cp -R library %s", directory)
    files.write(directory .. "/.emmyrc.json", CONFIGURATION:format(directory))
end)

teardown(function() peer.shell("rm -rf " .. directory) end)

describe("the types", function()
    it("let right use pass", function()
        assert.same({}, check [[
            local account, err, meta = feishu:generate_caldav_conf { device_name = "iPhone" }
            if account then
                print(account.user_name, account.server_address, account.password)
                print(cloudcal.caldav.profile(account, { name = "n" }))
            end
            if err then print(err.kind == "rate_limited", err.hint, err.retryable, err.acted) end
            print(meta.status, meta.log_id, meta.timings)
            local primary = feishu:primary_calendar { user_id_type = "open_id", timeout = 3 }
            print(primary.calendar.summary, primary.user_id)
            local query = { user_id_type = "open_id" }
            local body = feishu.calendar.v4.calendar.primary { query = query }
            print(body.code, body.data.calendars[1].calendar.calendar_id)
            print(youkong:create_calendar("cs1", { CalendarName = "n" }).CalendarId)
            local task = loop:spawn(function(a) return a end, 1)
            print(loop:step(0.01), task:done(), cloudcal.explain(190004).hint)
            local sandbox = require("cloudcal.sandbox").start { rate = false }
            print(sandbox.feishu.base_url, sandbox.ca_file)
            sandbox.stop()]])
    end)

    for line, code in pairs {
        ['print(feishu:generate_caldav_konf { device_name = "iPhone" })'] = "undefined-field",
        ["print(feishu:generate_caldav_conf { device_name = 5 })"] = "param-type-mismatch",
        ["local a = feishu:generate_caldav_conf() if a then print(a.nam) end"] = "undefined-field",
        ["local _, e = feishu:primary_calendar() if e then print(e.knd) end"] = "undefined-field",
        ["local _, _, meta = feishu:primary_calendar() print(meta.log)"] = "undefined-field",
        ['print(cloudcal.feishu { timeout = "five" })'] = "assign-type-mismatch",
        ["print(cloudcal.exlain(1))"] = "undefined-field",
        ["print(feishu.calendar.v4.calendar.secondary)"] = "undefined-field",
        ["loop:spawn(5)"] = "param-type-mismatch",
        ['print(youkong:create_calendar("cs1", {}))'] = "missing-fields",
    } do
        it("do not let pass: " .. line, function()
            local codes = check(line)
            assert.equal(code, codes[1])
        end)
    end
end)
