-- From the API to the phone: makes a CalDAV account, writes a profile for iPhone, iPad and Mac, and
-- says what to type elsewhere.
--   FEISHU_USER_ACCESS_TOKEN=u-… lua5.4 examples/phone.lua [--lark] [FILE]
-- CLOUDCAL_BASE_URL and CLOUDCAL_CA_FILE are those of another server. Without the token, and with
-- --sandbox, the service is a sandbox on this machine.
-- FILE is calendar.mobileconfig unless it is given. --show-password prints the password, which is
-- in the file only otherwise.
local cloudcal = require "cloudcal"

local KNOWN = { ["--sandbox"] = true, ["--lark"] = true, ["--show-password"] = true }

local given, path = {}, "calendar.mobileconfig"
for _, word in ipairs(arg) do
    if KNOWN[word] then
        given[word] = true
    elseif word:find("^%-") then
        error("there is no option " .. word, 0)
    else
        path = word
    end
end

local service = given["--lark"] and "lark" or "feishu"
local options = {
    user_access_token = os.getenv "FEISHU_USER_ACCESS_TOKEN",
    base_url = os.getenv "CLOUDCAL_BASE_URL", ca_file = os.getenv "CLOUDCAL_CA_FILE",
}
if given["--sandbox"] or not options.user_access_token then
    local sandbox = assert(require("cloudcal.sandbox").start {})
    local known = sandbox[service]
    options = { user_access_token = known.user_access_token, base_url = known.base_url,
                ca_file = sandbox.ca_file }
end

local client = cloudcal[service](options)
local account = cloudcal.assert(client:generate_caldav_conf { device_name = "phone" })

local names = { feishu = "飞书日历", lark = "Lark Calendar" }
cloudcal.assert(cloudcal.caldav.write_profile(account, path, { name = names[service] }))

print(([[
%s holds the password: hand it to nobody but its user, and delete it
when it is installed. It replaces a profile of the same user.

iPhone, iPad   send it by AirDrop, or open it there; then Settings > General >
               VPN & Device Management > the profile > Install
Mac            open it; then install it in System Settings, under Profiles
Android        DAVx5: add an account, "Login with URL and user name"
Thunderbird    New Calendar > On the Network

    URL, location   %s
    user name       %s
    password        %s
]]):format(path, cloudcal.assert(cloudcal.caldav.address(account)), account.user_name,
    given["--show-password"] and account.password or "--show-password prints it"))

-- Does it work? The sandbox has no CalDAV server behind it.
if not account.server_address:find "%.invalid$" then
    local found = cloudcal.assert(cloudcal.caldav.check(account))
    print("The account works. Its calendars:")
    for _, calendar in ipairs(found.calendars) do print("    " .. calendar.name) end
end
