-- nvim --headless --clean -u NONE -i NONE +"luafile examples/neovim/test.lua" +qa
-- Holds the command against the sandbox, half a second slow: a timer of 10 ms has to go on.

local SLOW = 500 -- milliseconds
local FEW_TICKS = 10 -- of 50; an editor that is held up has none

local uv = vim.loop

local function set_fault(sandbox, fault)
    local output = vim.fn.system { "curl", "-sS", "--fail", "--noproxy", "*",
        "--cacert", sandbox.ca_file, "-d", vim.fn.json_encode { fault },
        sandbox.feishu.base_url .. "/_sandbox/faults" }
    assert(vim.v.shell_error == 0, output)
end

local function start_ticking()
    local ticks = { count = 0, longest = 0, last = uv.hrtime() }
    local timer = uv.new_timer()
    timer:start(10, 10, function()
        local now = uv.hrtime()
        ticks.count, ticks.longest = ticks.count + 1, math.max(ticks.longest, now - ticks.last)
        ticks.last = now
    end)
    function ticks.stop() timer:close() end
    return ticks
end

local function window_text()
    for _, window in ipairs(vim.api.nvim_list_wins()) do
        if vim.api.nvim_win_get_config(window).relative ~= "" then
            local buffer = vim.api.nvim_win_get_buf(window)
            return table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), "\n")
        end
    end
end

local function load_plugin()
    local folder = vim.fn.fnamemodify(debug.getinfo(1, "S").source:sub(2), ":p:h")
    vim.opt.runtimepath:prepend(folder)
    vim.cmd("source " .. vim.fn.fnameescape(folder .. "/plugin/cloudcal_calendar.lua"))
end

local function test()
    load_plugin()
    local sandbox = assert(require("cloudcal.sandbox").start {})
    local calendar = require "cloudcal_calendar"
    calendar.setup { base_url = sandbox.feishu.base_url, ca_file = sandbox.ca_file,
        user_access_token = sandbox.feishu.user_access_token }
    set_fault(sandbox, ("slow:%g"):format(SLOW / 1000))

    local ticks, began = start_ticking(), uv.hrtime()
    vim.cmd "CloudcalCalendar"
    local returned = (uv.hrtime() - began) / 1e6
    assert(not window_text(), "the command waited for the answer")
    assert(vim.wait(10000, window_text, 5), "no window came up")
    local waited = (uv.hrtime() - began) / 1e6
    ticks.stop()
    sandbox.stop()

    local text = window_text()
    assert(text:find("primary", 1, true) and text:find("使用开放接口创建日历", 1, true), text)
    assert(waited >= SLOW, "the call was not slow")
    assert(ticks.count >= FEW_TICKS, "the timer did not go on: " .. ticks.count)
    return ("%d ticks of 10 ms in %.0f ms, longest pause %.1f ms; command returned in %.1f ms")
        :format(ticks.count, waited, ticks.longest / 1e6, returned)
end

local ok, message = xpcall(test, debug.traceback)
io.stdout:write(message, "\n")
if not ok then vim.cmd "cquit 1" end
