-- A game screen that fetches the primary calendar while it goes on moving: loop:step in
-- love.update is all that the game does for it.

local cloudcal = require "cloudcal"

local BUDGET = 0.004 -- seconds of each frame for calls that are under way
local FIRST = 10 -- the frame that starts the call: the ones before compile shaders
local AFTER = 150 -- frames from the answer to the picture
local GRAPH = 280 -- frames

-- LÖVE's own font has no Chinese glyphs.
local FONTS = {
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
}

local picture_path = os.getenv "CLOUDCAL_PICTURE"

local sandbox, client, loop, task -- the sandbox is held here because it ends with its table
local clock, frame, longest = 0, 0, 0
local answered -- the frame in which the answer was there
local graph = {} -- { seconds of the frame, seconds of loop:step in it }

-- {======================================================
-- The calendar
-- =======================================================}

-- The real service when there is a token, else the services on this machine.
local function connect()
    local token = os.getenv "FEISHU_USER_ACCESS_TOKEN"
    if token then return cloudcal.feishu { user_access_token = token } end
    sandbox = assert(require("cloudcal.sandbox").start {})
    return cloudcal.feishu {
        base_url = sandbox.feishu.base_url, ca_file = sandbox.ca_file,
        user_access_token = sandbox.feishu.user_access_token,
    }
end

local function fetch()
    return client:primary_calendar(sandbox and { headers = { ["X-Sandbox-Fault"] = "slow:0.5" } })
end

local function step()
    if frame == FIRST then task = loop:spawn(fetch) end
    local before = love.timer.getTime()
    loop:step(BUDGET)
    local seconds = love.timer.getTime() - before
    longest = math.max(longest, seconds)
    if task and task:done() then answered = answered or frame end
    return seconds
end

local function summary()
    if not answered then return "fetching the primary calendar …" end
    local primary, err = task:result()
    if not primary then return tostring(err) end
    local calendar = primary.calendar
    return ("%s\n%s\n%s, %s"):format(calendar.summary or "", calendar.description or "",
        calendar.type or "", calendar.role or "")
end

-- {======================================================
-- The screen
-- =======================================================}

local function read(path)
    local file = io.open(path, "rb")
    if not file then return nil end
    local bytes = file:read "*a"
    file:close()
    return bytes
end

local function load_font(size)
    local font = love.graphics.newFont(size)
    for _, path in ipairs(FONTS) do
        local bytes = read(path)
        if bytes then
            font:setFallbacks(love.graphics.newFont(love.filesystem.newFileData(bytes, path), size))
            return font
        end
    end
    return font
end

local function draw_ball()
    local x = 320 + 270 * math.sin(2 * clock)
    local y = 120 - 80 * math.abs(math.sin(5 * clock))
    love.graphics.setColor(0.20, 0.44, 1)
    love.graphics.circle("fill", x, y, 20)
    love.graphics.setColor(1, 1, 1, 0.15)
    love.graphics.line(24, 140, 616, 140)
end

local function draw_graph()
    for i, bar in ipairs(graph) do
        local whole, ours = math.min(bar[1], 0.033) * 2500, math.min(bar[2], 0.033) * 2500
        love.graphics.setColor(1, 1, 1, 0.25)
        love.graphics.rectangle("fill", 336 + i, 330 - whole, 1, whole)
        love.graphics.setColor(0.3, 0.8, 0.45)
        love.graphics.rectangle("fill", 336 + i, 330 - ours, 1, ours)
    end
    love.graphics.setColor(0.7, 0.7, 0.7)
    love.graphics.print(("frame %d\nlongest loop:step %.1f ms"):format(frame, longest * 1000),
        336, 160)
end

-- {======================================================
-- The test: a picture, numbers on stdout, the end
-- =======================================================}

local function leave(image)
    local file = assert(io.open(picture_path, "wb"))
    file:write(image:encode("png"):getString())
    file:close()
    print(summary())
    print(("%d frames while the call was under way, longest loop:step %.1f ms"):format(
        answered - FIRST, longest * 1000))
    love.event.quit(task:result() and 0 or 1)
end

-- =======================================================}

function love.load()
    love.graphics.setFont(load_font(18))
    client = connect()
    client:warm_up() -- reads the CA store and connects, before anything moves
    loop = cloudcal.loop()
end

function love.update(dt)
    clock, frame = clock + dt, frame + 1
    table.insert(graph, { dt, step() })
    if #graph > GRAPH then table.remove(graph, 1) end
end

function love.draw()
    love.graphics.clear(0.09, 0.10, 0.13)
    draw_ball()
    draw_graph()
    love.graphics.setColor(1, 1, 1)
    love.graphics.printf(summary(), 24, 160, 300)
    if picture_path and answered and frame == answered + AFTER then
        love.graphics.captureScreenshot(leave)
    end
end
