---@meta cloudcal.sandbox

-- Types for lua-language-server: add this folder to its workspace.library.
-- Made by ./run docs from the tables in lua/cloudcal and docs/generator: change those.

---@class cloudcal.sandbox.options
---@field port? number ports N, N+1 and N+2 for feishu, lark and youkong; 0 takes any free ones
---@field faults? string[] misbehave, at each request or at the first COUNT of each port
---@field rate? table|false calls each second and minute (default 50/1000), or off
---@field sync_seconds? number how long an Exchange binding takes until it is done (default 3)
---@field token_seconds? number life of the tokens that are given out (default 7200)
---@field refresh_seconds? number life of the refresh tokens that are given out (default 604800)
---@field token_error_status? string|number HTTP status of the codes that refuse a token, 9999166x (default 400)
---@field device_approval? number seconds until the user approves a device login (default 0), or never: then by opening its page
---@field device_interval? number seconds between two polls of a device login (default 1)
---@field device_seconds? number life of a device code (default 240)
---@field clock_skew? number seconds that the services' clock is ahead of this machine's
---@field certificate? string|number the server's certificate: good, expired, wrong_host or self_signed
---@field caldav_server? string|number server_address of the CalDAV accounts that are made (default caldav.sandbox.invalid, where nothing is)
---@field caldav_user_name? string|number user_name of these accounts, one that the server knows (default: random)
---@field caldav_password? string|number password of these accounts (default: random)
---@field verbose? boolean one line on stderr for each request
---@field no_stdin? boolean keep running when stdin closes (./run sandbox adds it when stdin is /dev/null)
---@field help? boolean print this and end
---@field app_id? string
---@field app_secret? string
---@field app_ticket? string
---@field tenant_key? string
---@field user_access_token? string
---@field member_access_token? string
---@field no_calendar_access_token? string
---@field tenant_access_token? string
---@field client_key? string
---@field secret? string
---@field profile_id? string
---@field interpreter? string
---@field lua_path? string
---@field lua_cpath? string

---@class cloudcal.sandbox.ready
---@field ca_file string Path of its CA, for the option ca_file.
---@field pid integer Number of its process.
---@field feishu table<string, string> base_url and credentials: app_id, app_secret, user_access_token, tenant_access_token, app_ticket, tenant_key, open_id, and the tokens of users who are no administrator or have no calendar.
---@field lark table<string, string> The same for Lark.
---@field youkong table<string, string> base_url, client_key, secret, profile_id.
---@field stop fun() Ends it.

---@class cloudcal.sandbox
local sandbox = {}

---Start a sandbox and wait until it is ready. A wrong option raises.
---@param given? cloudcal.sandbox.options options: those of the command line by name (port, faults, rate, sync_seconds, token_seconds, refresh_seconds, token_error_status, device_approval, device_interval, device_seconds, clock_skew, certificate, caldav_server, caldav_user_name, caldav_password, verbose, and credentials such as app_id), and in its array part words of that line; interpreter (default "lua5.4"; lua5.3 and luajit need their lua_path and lua_cpath)
---@return cloudcal.sandbox.ready? sandbox what its ready line says (ca_file, pid, feishu, lark, youkong) with stop(); or nil and a message
---@return string? problem
function sandbox.start(given) end

return sandbox
