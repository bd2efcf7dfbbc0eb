-- What the program runs: the primary calendar, from the sandbox if there is no token.

local cloudcal = require "cloudcal"

local token = os.getenv "FEISHU_USER_ACCESS_TOKEN"
local sandbox = not token and cloudcal.assert(require("cloudcal.sandbox").start {})

local client = cloudcal.feishu {
    base_url = sandbox and sandbox.feishu.base_url, ca_file = sandbox and sandbox.ca_file,
    user_access_token = token or sandbox.feishu.user_access_token,
}

local primary = cloudcal.assert(client:primary_calendar())
print(primary.calendar.type, primary.calendar.summary)
