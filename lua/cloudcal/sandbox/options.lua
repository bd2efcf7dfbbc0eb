--- The options of the sandbox: one table for the command line and for start{}.
local faults = require "cloudcal.sandbox.faults"

local options = {}

local function number_between(least, most, whole)
    return function(value)
        local number = tonumber(value)
        if not number or number < least or number > most or whole and number % 1 ~= 0 then
            return nil, ("must be a%s number from %.14g to %.14g"):format(
                whole and " whole" or "", least, most)
        end
        return whole and math.floor(number) or number
    end
end

local function one_of(names)
    return function(value)
        for _, name in ipairs(names) do
            if name == value then return value end
        end
        return nil, "must be one of " .. table.concat(names, ", ")
    end
end

local function visible(value)
    if value:find("^[!-~]+$") then return value end
    return nil, "must be visible ASCII without spaces"
end

local function printable(value)
    if value:find("[^%c]") and not value:find("%c") then return value end
    return nil, "must be text without control characters"
end

local function read_rate(value)
    if value == "off" then return false end
    local second, minute = value:match("^(%d+)/(%d+)$")
    second, minute = tonumber(second), tonumber(minute)
    if not second or second < 1 or minute < 1 or second > 1e6 or minute > 1e6 then
        return nil, "must look like 50/1000 (calls each second/minute) or be off"
    end
    return { per_second = second, per_minute = minute }
end

local seconds = number_between(0, 1e9)

local function read_approval(value)
    if value == "never" then return value end
    local number, problem = seconds(value)
    return number, problem and problem .. ", or never"
end

local function read_status(value)
    local number = tonumber(value)
    if number == 200 or number == 400 then return number end
    return nil, "must be 200 or 400"
end

local function write_rate(value)
    if value == false then return "off" end
    if type(value) ~= "table" then return tostring(value) end
    return ("%s/%s"):format(tostring(value.per_second), tostring(value.per_minute))
end

local rows = {
    { name = "port", show = "N", read = number_between(0, 65533, true), default = 0,
      about = "ports N, N+1 and N+2 for feishu, lark and youkong; 0 takes any free ones" },
    { name = "faults", flag = "fault", show = "NAME[:ARGUMENT][:COUNT]", list = true,
      read = faults.parse,
      about = "misbehave, at each request or at the first COUNT of each port" },
    { name = "rate", show = "S/M", read = read_rate, write = write_rate,
      default = { per_second = 50, per_minute = 1000 },
      about = "calls each second and minute (default 50/1000), or off" },
    { name = "sync_seconds", show = "S", read = number_between(0, 1e6), default = 3,
      about = "how long an Exchange binding takes until it is done (default 3)" },
    { name = "token_seconds", show = "N", read = number_between(1, 1e9, true), default = 7200,
      about = "life of the tokens that are given out (default 7200)" },
    { name = "refresh_seconds", show = "N", read = number_between(1, 1e9, true), default = 604800,
      about = "life of the refresh tokens that are given out (default 604800)" },
    { name = "token_error_status", show = "200|400", read = read_status,
      about = "HTTP status of the codes that refuse a token, 9999166x (default 400)" },
    { name = "device_approval", show = "S", read = read_approval, default = 0,
      about = "seconds until the user approves a device login (default 0), or never: then by "
          .. "opening its page" },
    { name = "device_interval", show = "N", read = number_between(1, 3600, true), default = 1,
      about = "seconds between two polls of a device login (default 1)" },
    { name = "device_seconds", show = "N", read = number_between(1, 1e9, true), default = 240,
      about = "life of a device code (default 240)" },
    { name = "clock_skew", show = "S", read = number_between(-1e9, 1e9), default = 0,
      about = "seconds that the services' clock is ahead of this machine's" },
    { name = "certificate", show = "KIND", default = "good",
      read = one_of { "good", "expired", "wrong_host", "self_signed" },
      about = "the server's certificate: good, expired, wrong_host or self_signed" },
    { name = "caldav_server", show = "HOST[:PORT]", read = visible,
      default = "caldav.sandbox.invalid",
      about = "server_address of the CalDAV accounts that are made (default "
          .. "caldav.sandbox.invalid, where nothing is)" },
    { name = "caldav_user_name", show = "TEXT", read = visible,
      about = "user_name of these accounts, one that the server knows (default: random)" },
    { name = "caldav_password", show = "TEXT", read = printable,
      about = "password of these accounts (default: random)" },
    { name = "verbose", switch = true, about = "one line on stderr for each request" },
    { name = "no_stdin", switch = true,
      about = "keep running when stdin closes (./run sandbox adds it when stdin is /dev/null)" },
    { name = "help", switch = true, about = "print this and end" },
}

local credential_names = {
    "app_id", "app_secret", "app_ticket", "tenant_key", "user_access_token", "member_access_token",
    "no_calendar_access_token", "tenant_access_token", "client_key", "secret", "profile_id",
}

for _, name in ipairs(credential_names) do
    rows[#rows + 1] = { name = name, show = "TEXT", read = visible, credential = true }
end

local by_flag, by_name = {}, {}
for _, row in ipairs(rows) do
    row.flag = "--" .. (row.flag or row.name):gsub("_", "-")
    by_flag[row.flag], by_name[row.name] = row, row
end

local function defaults()
    local values = { faults = {}, verbose = false, no_stdin = false, help = false }
    for _, row in ipairs(rows) do
        if row.default ~= nil then values[row.name] = row.default end
    end
    return values
end

local function put(values, row, given)
    local value, problem = row.read(given)
    if value == nil then return row.flag .. ": " .. problem end
    if row.list then
        table.insert(values[row.name], value)
    else
        values[row.name] = value
    end
end

local function read_one(values, argv, i)
    local flag, given = argv[i]:match("^(%-%-[%w-]+)=(.*)$")
    local row = by_flag[flag or argv[i]]
    if not row then return nil, ("unknown option %s (--help lists them)"):format(argv[i]) end
    if row.switch then
        if given then return nil, row.flag .. " takes no value" end
        values[row.name] = true
        return i + 1
    end
    local following = i + (given and 1 or 2)
    given = given or argv[i + 1]
    if not given then return nil, row.flag .. " needs a value" end
    local problem = put(values, row, given)
    if problem then return nil, problem end
    return following
end

--- Read a command line: a table of values by name, or nil and what is wrong.
function options.parse(argv)
    local values, i = defaults(), 1
    while argv[i] do
        local following, problem = read_one(values, argv, i)
        if not following then return nil, problem end
        i = following
    end
    return values
end

local function list_of(row, value)
    if row.list and type(value) == "table" then return value end
    return { value }
end

local function append(argv, row, value)
    if row.switch then
        if value then argv[#argv + 1] = row.flag end
        return
    end
    for _, item in ipairs(list_of(row, row.write and row.write(value) or value)) do
        argv[#argv + 1] = row.flag
        argv[#argv + 1] = tostring(item)
    end
end

--- The command line that says the same as a table of options, whose array part holds words of a
-- command line; nil and what is wrong when an option is unknown or has a bad value.
function options.arguments(given)
    local names, argv = {}, {}
    for i, word in ipairs(given) do argv[i] = tostring(word) end
    for name in pairs(given) do
        if by_name[name] then
            names[#names + 1] = name
        elseif not argv[name] then
            return nil, "unknown option " .. tostring(name)
        end
    end
    table.sort(names)
    for _, name in ipairs(names) do append(argv, by_name[name], given[name]) end
    local ok, problem = options.parse(argv)
    if not ok then return nil, problem end
    return argv
end

--- All options, in order: { name, flag, show, switch, default, credential, about }.
function options.list()
    local list = {}
    for i, row in ipairs(rows) do
        list[i] = { name = row.name, flag = row.flag, show = row.show, switch = row.switch,
                    default = row.default, credential = row.credential, about = row.about }
    end
    return list
end

--- The credentials among the values, as the world takes them.
function options.credentials(values)
    local given = {}
    for _, name in ipairs(credential_names) do given[name] = values[name] end
    return given
end

local function fault_lines()
    local lines = {}
    for _, fault in ipairs(faults.list()) do
        local name = fault.name .. (fault.argument and ":" .. fault.argument:upper() or "")
        lines[#lines + 1] = ("  %-24s %s"):format(name, fault.about)
    end
    return table.concat(lines, "\n")
end

local function option_lines()
    local lines = {}
    for _, row in ipairs(rows) do
        if not row.credential then
            local head = row.flag .. (row.show and " " .. row.show or "")
            lines[#lines + 1] = ("  %s\n      %s"):format(head, row.about)
        end
    end
    return table.concat(lines, "\n")
end

local USAGE = [[
The calendar services of Feishu, Lark and Youkong on this machine, over HTTPS.
Prints one JSON line when it is ready; ends on SIGTERM, SIGINT, or when stdin closes.
./run sandbox [OPTION] ... -- COMMAND runs a command instead, for which they are the services.

Options:
%s
  --app-id, --app-secret, --app-ticket, --tenant-key, --user-access-token,
  --member-access-token, --no-calendar-access-token, --tenant-access-token, --client-key,
  --secret, --profile-id TEXT
      credentials to use instead of random ones

Faults (the same names in the request header X-Sandbox-Fault, and in
POST /_sandbox/faults ["NAME", ...], which holds one for each of the next requests, or
{"path":"/...","names":["NAME", ...]} for the next requests of that path):
%s
  190004, 99991663, ...    any code of the code tables, with its HTTP status
  99991663_as_200, ...     any code, with this HTTP status

Names that ask for something: admin_account containing "unknown" (195106),
"other-tenant" (195104) or "refused" (195105); user_id containing "dismissed" (195100);
exchange_account containing "sync-error" (the sync ends in err); an OAuth scope containing
"deny" (the user refuses, in the browser and on another device). The store app is installed
in its own tenant and in those whose tenant_key begins with "tenant".

For tests: GET or DELETE /_sandbox/requests, DELETE /_sandbox/faults, GET /_sandbox/state,
GET /_sandbox/calendars (Youkong: which user has which), GET /_sandbox/ticket (the app_ticket
that is good now), and POST /_sandbox/revoke {"kind":"user"}, or tenant, app, refresh, ticket:
what was given out stops working, with "all":true also the tokens of the ready line.
]]

--- The text of --help.
function options.usage() return USAGE:format(option_lines(), fault_lines()) end

return options
