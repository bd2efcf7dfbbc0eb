-- :CloudcalCalendar shows the primary calendar in a floating window. The editor goes on meanwhile:
-- its own event loop tells when the next step is due.

local cloudcal = require "cloudcal"

local uv = vim.loop

local calendar = {}

local client, loop
local poll, timer -- while something is under way

-- {======================================================
-- The loop in Neovim's loop
-- =======================================================}

local function rest()
    poll:close()
    timer:close()
    poll, timer = nil, nil
end

local function step()
    if loop:step(0) == 0 then return rest() end
    local due = loop:timeout()
    timer:stop()
    if due then timer:start(math.ceil(due * 1000), 0, step) end
end

local function drive()
    if not poll then
        poll, timer = uv.new_poll(loop:fd()), uv.new_timer()
        poll:start("r", step)
    end
    timer:start(0, 0, step)
end

-- {======================================================
-- The window
-- =======================================================}

local function lines_of(primary)
    local lines = {}
    for _, name in ipairs { "summary", "description", "type", "role", "calendar_id" } do
        local value = primary.calendar[name]
        if value then lines[#lines + 1] = (" %-12s %s"):format(name, value:gsub("%s+", " ")) end
    end
    return lines
end

local function show(lines)
    local width = 0
    for _, line in ipairs(lines) do width = math.max(width, vim.fn.strdisplaywidth(line) + 1) end
    local buffer = vim.api.nvim_create_buf(false, true)
    vim.api.nvim_buf_set_lines(buffer, 0, -1, false, lines)
    vim.bo[buffer].modifiable = false
    vim.bo[buffer].bufhidden = "wipe"
    vim.keymap.set("n", "q", "<cmd>close<cr>", { buffer = buffer })
    vim.api.nvim_open_win(buffer, true, {
        relative = "editor", row = 2, col = 4, style = "minimal", border = "rounded",
        width = math.max(1, math.min(width, vim.o.columns - 8)), height = #lines,
    })
end

local function answer(primary, err)
    if primary then return show(lines_of(primary)) end
    vim.notify(tostring(err), vim.log.levels.ERROR)
end

-- =======================================================}

--- Says which client to use: the options of cloudcal.feishu.
function calendar.setup(options)
    client = cloudcal.feishu(options)
end

--- Fetches the calendar and shows it when it is there.
function calendar.show()
    local token = os.getenv "FEISHU_USER_ACCESS_TOKEN"
    if not client then calendar.setup { user_access_token = token } end
    loop = loop or cloudcal.loop()
    loop:spawn(function()
        local primary, err = client:primary_calendar()
        vim.schedule(function() answer(primary, err) end) -- no vim.api in a callback of vim.loop
    end)
    drive()
end

return calendar
