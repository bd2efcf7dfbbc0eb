-- A service that answers with the primary calendar. HAProxy goes on meanwhile: each request steps
-- the loop and sleeps in HAProxy's way.

local cloudcal = require "cloudcal.all"
local json = require "cjson"

local PAUSE = 2 -- milliseconds

local function read(path)
    local file = assert(io.open(path))
    local text = file:read "a"
    file:close()
    return text
end

-- This runs before the chroot. Later no file can be read: hence cloudcal.all, and the CA as text.
local client = cloudcal.feishu {
    base_url = os.getenv "CLOUDCAL_BASE_URL", -- nil: the real service
    ca_pem = read(os.getenv "CLOUDCAL_CA_FILE" or "/etc/ssl/certs/ca-certificates.crt"),
    user_access_token = os.getenv "FEISHU_USER_ACCESS_TOKEN",
}

local loop = cloudcal.loop()

local function await(task)
    while not task:done() do
        loop:step(0)
        core.msleep(PAUSE)
    end
    return task:result()
end

local function send(applet, status, body)
    local text = json.encode(body)
    applet:set_status(status)
    applet:add_header("content-type", "application/json")
    applet:add_header("content-length", tostring(#text))
    applet:start_response()
    applet:send(text)
end

core.register_service("primary_calendar", "http", function(applet)
    local primary, err = await(loop:spawn(function() return client:primary_calendar() end))
    if primary then return send(applet, 200, primary) end
    send(applet, 502, { error = tostring(err) })
end)
