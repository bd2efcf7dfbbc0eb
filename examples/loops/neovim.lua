-- Neovim: the same as luv.lua with the libuv that Neovim has.
-- Run it: nvim --headless --clean -u NONE +"luafile examples/loops/neovim.lua" +qa

local cloudcal = require "cloudcal"
local uv = vim.loop

-- Copy this. It steps the loop while Neovim waits for keys; `when_done` may use all of vim.api.
local function attach(loop, when_done)
    local poll, timer = uv.new_poll(loop:fd()), uv.new_timer()
    local function step()
        if loop:step(0) == 0 then
            poll:close()
            timer:close()
            return vim.schedule(when_done)
        end
        local seconds = loop:timeout()
        timer:stop()
        if seconds then timer:start(math.ceil(seconds * 1000), 0, step) end
    end
    poll:start("r", step)
    timer:start(0, 0, step)
end

local sandbox = assert(require("cloudcal.sandbox").start { faults = "slow:0.2" })
local client = cloudcal.feishu {
    base_url = sandbox.feishu.base_url, ca_file = sandbox.ca_file,
    user_access_token = sandbox.feishu.user_access_token,
}

local loop, tasks, ticks, started = cloudcal.loop(), {}, 0, uv.hrtime()
for i = 1, 5 do tasks[i] = loop:spawn(client.primary_calendar, client) end

local ticker, done = uv.new_timer(), false
ticker:start(10, 10, function() ticks = ticks + 1 end)

attach(loop, function()
    for _, task in ipairs(tasks) do cloudcal.assert(task:result()) end
    print(("5 calls of 200 ms in %.0f ms, %d ticks of 10 ms meanwhile")
        :format((uv.hrtime() - started) / 1e6, ticks))
    ticker:close()
    done = true
end)
vim.wait(10000, function() return done end, 5) -- only because the script ends Neovim
