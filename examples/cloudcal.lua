#!/usr/bin/env lua
--- The command `cloudcal`: the calendar services of Feishu, Lark and Youkong from a shell.
-- LuaRocks installs it; in a clone it is `lua5.4 examples/cloudcal.lua`. See --help.
--
-- No option takes a secret: what stands on a command line can be seen by every user of the
-- machine. Secrets come from variables, from a file, or from the terminal, without echo.

local cloudcal -- loaded by the commands that need it: `explain` works without the C core

-- {======================================================
-- Exit status: the only place that says which
-- =======================================================}

local OTHER, USAGE, INTERRUPTED = 1, 2, 130

-- These numbers are never changed; a kind that is new gets a new one.
local STATUS = {
    { 0, {}, "it worked" },
    { OTHER, { "cancelled", "cannot_wait", "out_of_memory" }, "anything that is not in this list" },
    { USAGE, {}, "wrong use: an option, a variable or a secret that is missing or no good" },
    { 3, { "invalid_request" }, "the request is wrong" },
    { 4, { "unauthenticated" }, "a token or a password is missing, or was refused" },
    { 5, { "login_required" }, "only the user can help: cloudcal login" },
    { 6, { "app_setup" }, "the app has to be changed in its console, or its secret is wrong" },
    { 7, { "permission_denied" }, "this identity may not do that" },
    { 8, { "not_found" }, "what the call names is not there" },
    { 9, { "rate_limited" }, "too many calls: try again later" },
    { 10, { "quota_exhausted" }, "the quota of calls is used up" },
    { 11, { "service_error" }, "the service failed" },
    { 12, { "rejected" }, "the service refused for another reason" },
    { 13, { "bad_response", "too_large" }, "the answer is not what was agreed" },
    { 14, { "network" }, "the service was not reached, or the connection was cut" },
    { 15, { "tls" }, "the certificate or the TLS connection is no good" },
    { 16, { "timeout" }, "the time was over" },
    { INTERRUPTED, {}, "Ctrl-C" },
}

local function status_of(kind)
    for _, row in ipairs(STATUS) do
        for _, one in ipairs(row[2]) do
            if one == kind then return row[1] end
        end
    end
    return OTHER
end

-- {======================================================
-- Texts
-- =======================================================}

local NO_ARGPARSE = "cloudcal: the command needs argparse for Lua: apt-get install lua-argparse, "
    .. "or luarocks install argparse"

local ABOUT = [[
The calendar services of Feishu, Lark and Youkong.
Results go to stdout, everything else to stderr.]]

local EPILOG = [[
Secrets are never arguments: see "cloudcal help environment".
What the exit status means: see "cloudcal help exit-codes".]]

local ENVIRONMENT = [[
Who calls. With --service lark the names begin with LARK_ instead of FEISHU_.

  FEISHU_USER_ACCESS_TOKEN    the token of a user
  FEISHU_TENANT_ACCESS_TOKEN  the token of an app in a tenant
  FEISHU_APP_ID               of your app, from the developer console; or --app-id
  FEISHU_APP_SECRET           of your app
  YOUKONG_CLIENT_KEY          of your account at Youkong; or --client-key
  YOUKONG_SECRET              of your account at Youkong
  YOUKONG_ENVIRONMENT         sandbox or production; or --environment

A secret of an app or of Youkong is taken from --secret-file FILE (- is stdin) if that is given,
else from its variable, else it is asked for on the terminal, where it is not shown.

  FEISHU_BASE_URL, LARK_BASE_URL, YOUKONG_BASE_URL
                              another address of one service, and
  CLOUDCAL_BASE_URL           of whichever is called; or --base-url
  CLOUDCAL_CA_FILE            your own CA; or --ca-file
  CLOUDCAL_STORE              where logins are kept; or --store. Default:
                              ${XDG_STATE_HOME:-~/.local/state}/cloudcal/tokens.json
]]

-- What a person does with a CalDAV account.
local ENTER = {
    en = {
        apple = "iPhone, iPad: Settings, Apps, Calendar, Calendar Accounts, Add Account, Other, "
            .. "Add CalDAV Account. Mac: Calendar, Add Account, Other CalDAV Account, Manual.",
        others = "DAVx5, Thunderbird and others: a new account with the address and the user name.",
        once = "The password is shown only this once.",
        profile = "%s holds the password: send it to the device, open it there, install it under "
            .. "Settings, then remove the file.",
    },
    zh = {
        apple = "iPhone、iPad：设置 → App → 日历 → 日历账户 → 添加账户 → 其他 → 添加 CalDAV 账户。"
            .. "Mac：日历 → 添加账户 → 其他 CalDAV 账户 → 手动。",
        others = "DAVx5、Thunderbird 等：用下列地址与用户名新建账户。",
        once = "密码只显示这一次。",
        profile = "%s 含有密码：发送到设备，在设备上打开，到“设置”中安装，然后删除该文件。",
    },
}

-- {======================================================
-- Ends: raised from wherever it goes wrong, caught once
-- =======================================================}

local function finish_with(status, message)
    error({ status = status, message = message }, 0)
end

local function wrong_use(...)
    finish_with(USAGE, string.format(...))
end

-- The first of what a call returned; an error of the services ends the program.
local function must(result, err)
    if result == nil or result == false then error({ err = err }, 0) end
    return result
end

-- What the module raises is about what was given here: without its place in a file.
local function calling(fn, ...)
    local results = { pcall(fn, ...) }
    if results[1] then return results[2], results[3], results[4] end
    local problem = results[2]
    if type(problem) ~= "string" then error(problem, 0) end
    local plain = problem:match("^%S-:%d+: (.*)$") or problem
    if plain:find("^option") or plain:find("^unknown option") then
        wrong_use("%s", (plain:gsub("^option '([%w_]+)'", "%1")))
    end
    error(plain, 0)
end

-- {======================================================
-- The terminal
-- =======================================================}

local function succeeds(command)
    local result = os.execute(command)
    return result == true or result == 0
end

local function is_terminal(descriptor)
    return succeeds("test -t " .. descriptor)
end

-- No text of others moves the cursor or changes the colour.
local function plain(value)
    return (tostring(value):gsub("%c", "?"):gsub("\194[\128-\159]", "?"))
end

local function say(...)
    io.stderr:write(plain(string.format(...)), "\n")
end

local function quote(text)
    return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function output_of(command)
    local pipe = assert(io.popen(command))
    local text = pipe:read "*a"
    pipe:close()
    return text
end

-- Switches the echo off until the returned function is called, or this process ends, in whatever
-- way: then the pipe closes, and who reads it switches the echo on again.
local function without_echo()
    local before = output_of("stty -g </dev/tty"):match "^%S+"
    if not before then wrong_use "the terminal cannot hide what is typed" end
    local guard = assert(io.popen(("trap '' INT QUIT TERM HUP TSTP TTOU; read -r end_of_life; "
        .. "stty %s </dev/tty"):format(before), "w"))
    if not succeeds "stty -echo </dev/tty" then
        guard:close()
        wrong_use "the terminal cannot hide what is typed"
    end
    return function() guard:close() end
end

-- Read by a child, which Ctrl-C ends: a read of our own would go on.
local function typed_line()
    return output_of("IFS= read -r line </dev/tty && printf '%s.' \"$line\""):match "^(.*)%.$"
end

local function show_on_terminal(text)
    local terminal = assert(io.open("/dev/tty", "w"))
    terminal:write(text)
    terminal:close()
end

local function ask(what)
    show_on_terminal(what .. ": ")
    return typed_line() or finish_with(INTERRUPTED, "interrupted")
end

local function ask_secret(what)
    local restore = without_echo()
    local fine, line = pcall(ask, what)
    restore()
    show_on_terminal "\n"
    if not fine then error(line, 0) end
    return line
end

-- {======================================================
-- What is given: options, variables, files
-- =======================================================}

local function variable(name)
    local value = os.getenv(name)
    return value ~= "" and value or nil
end

local function read_secret_file(path)
    local file, problem = io.stdin, nil
    if path ~= "-" then file, problem = io.open(path, "rb") end
    if not file then wrong_use("--secret-file: %s", problem) end
    local line = file:read "*l"
    if path ~= "-" then file:close() end
    line = line and line:match "^%s*(.-)%s*$"
    if not line or line == "" then wrong_use("--secret-file: %s has no first line", path) end
    return line
end

-- @param what for people; name: of the variable
local function find_secret(args, what, name)
    if args.secret_file then return read_secret_file(args.secret_file) end
    local value = variable(name)
    if value then return value end
    if is_terminal(0) then return ask_secret(what) end
    wrong_use("no %s: set %s, or give --secret-file FILE", what, name)
end

local function default_store()
    local state = variable "XDG_STATE_HOME"
    if not state then
        local home = variable "HOME" or wrong_use "HOME is not set: where is --store?"
        state = home .. "/.local/state"
    end
    return state .. "/cloudcal/tokens.json"
end

-- For the user alone, before somebody is asked to log in: a login that cannot be kept is lost.
local function make_directory(file)
    local directory = file:match "^(.+)/[^/]*$"
    if directory and not succeeds("umask 077; mkdir -p -- " .. quote(directory)) then
        wrong_use("--store: there is no directory for %s", file)
    end
end

local function store_of(args, is_for_login)
    local file = args.store or variable "CLOUDCAL_STORE"
    if not file and not is_for_login then return nil end
    file = file or default_store()
    make_directory(file)
    return cloudcal.stores.file(file)
end

-- What is logged may quote a service.
local function log_plainly(level, message, fields)
    local copy = {}
    for name, value in pairs(fields) do
        copy[name] = type(value) == "number" and value or plain(value)
    end
    cloudcal.log.stderr(level, plain(message), copy)
end

-- @param prefix of the service's variables
local function common_options(args, prefix)
    return {
        base_url = args.base_url or variable(prefix .. "BASE_URL")
            or variable "CLOUDCAL_BASE_URL",
        ca_file = args.ca_file or variable "CLOUDCAL_CA_FILE",
        timeout = args.timeout, language = args.language,
        logger = log_plainly, log_level = args.verbose and "debug" or "warn",
    }
end

-- @param instead what else would do, for people
local function add_app(given, args, prefix, instead)
    given.app_id = args.app_id or variable(prefix .. "APP_ID")
    if not given.app_id then
        wrong_use("no app: set %sAPP_ID and %sAPP_SECRET%s", prefix, prefix, instead)
    end
    given.app_secret = find_secret(args, "app secret", prefix .. "APP_SECRET")
end

-- A login that is asked for by name is what is meant, whatever token lies around.
local function platform(args, identity)
    local prefix = args.service:upper() .. "_"
    local given = common_options(args, prefix)
    local tokens = not args.user and identity ~= "login"
    if tokens and identity ~= "tenant" then
        given.user_access_token = variable(prefix .. "USER_ACCESS_TOKEN")
    end
    if tokens and identity ~= "user" then
        given.tenant_access_token = variable(prefix .. "TENANT_ACCESS_TOKEN")
    end
    if not (given.user_access_token or given.tenant_access_token) then
        local other = identity == "tenant" and "TENANT" or "USER"
        add_app(given, args, prefix,
            tokens and (", or %s%s_ACCESS_TOKEN"):format(prefix, other) or "")
    end
    local of_user = identity == "login" or identity == "user" or args.user ~= nil
    if given.app_id then given.store = store_of(args, of_user) end
    return calling(cloudcal[args.service], given)
end

-- {======================================================
-- Results
-- =======================================================}

local function put(...)
    local fine, problem = io.stdout:write(...)
    if fine then fine, problem = io.stdout:flush() end
    if not fine then finish_with(OTHER, "stdout: " .. tostring(problem)) end
end

-- An empty table could be either; these are arrays.
local function to_json(value)
    local text = assert(require("cloudcal.json").encode(value))
    return (text:gsub('"(calendars)":{}', '"%1":[]'):gsub('"(components)":{}', '"%1":[]'))
end

-- Lines of two columns: { name, value }; a value that is nil has no line.
local function put_rows(rows)
    local width, lines = 0, {}
    for _, row in ipairs(rows) do
        if row[2] ~= nil then width = math.max(width, #row[1]) end
    end
    for _, row in ipairs(rows) do
        if row[2] ~= nil then
            lines[#lines + 1] = ("%-" .. width .. "s  %s\n"):format(row[1], plain(row[2]))
        end
    end
    put(table.concat(lines))
end

-- @param names of the fields that people see, in order
local function show(args, result, names)
    if args.json then return put(to_json(result), "\n") end
    local rows = {}
    for i, name in ipairs(names) do rows[i] = { name, result[name] } end
    put_rows(rows)
end

-- {======================================================
-- Commands
-- =======================================================}

local commands = {}

function commands.login(args)
    local client = platform(args, "login")
    local login = must(calling(client.login, client, {
        user = args.user, scope = args.scope and table.concat(args.scope, " ") or nil,
        on_prompt = function(shown)
            say("Open %s on any device, and type the code %s", shown.verification_uri,
                shown.user_code)
            if shown.verification_uri_complete then
                say("or open %s", shown.verification_uri_complete)
            end
            say("Waiting for %d minutes at most ...", math.ceil(shown.expires_in / 60))
        end,
    }))
    show(args, login, { "user", "scope", "expires_in", "refresh_expires_in" })
end

function commands.primary(args)
    local identity = args.identity or args.user and "user"
    local client = platform(args, identity)
    local primary = must(calling(client.primary_calendar, client, {
        identity = identity, user = args.user, user_id_type = args.user_id_type,
    }))
    if args.json then return put(to_json(primary), "\n") end
    local calendar = primary.calendar or {}
    put_rows {
        { "calendar_id", calendar.calendar_id }, { "summary", calendar.summary },
        { "description", calendar.description ~= "" and calendar.description or nil },
        { "type", calendar.type }, { "role", calendar.role },
        { "permissions", calendar.permissions }, { "user_id", primary.user_id },
    }
end

-- CalDAV ------------------------------------------------------------------------------------

local function can_write(path)
    local directory = path:match "^(.+)/[^/]*$" or path:find "^/" and "/" or "."
    return succeeds(("test -d %s && test -w %s && ! test -d %s"):format(
        quote(directory .. "/"), quote(directory .. "/"), quote(path)))
end

-- Before the account is made: its password is in one answer, and must have somewhere to go.
local function expect_place_for_password(args)
    if args.profile and not can_write(args.profile) then
        wrong_use("--profile: %s cannot be written", args.profile)
    end
    if not (args.json or args.profile or is_terminal(1)) then
        wrong_use "the password is shown on a terminal only: give --json or --profile FILE"
    end
end

-- @return whether the file has it; if not, stderr says why
local function write_profile(args, account)
    if not args.profile then return false end
    local written, err = cloudcal.caldav.write_profile(account, args.profile,
        { language = args.language })
    if not written then say("%s", tostring(err)) end
    return written
end

local function show_account(args, account, is_in_file)
    local text = ENTER[args.language or "en"]
    local is_shown = not is_in_file and is_terminal(1)
    put_rows {
        { "server_address", account.server_address }, { "user_name", account.user_name },
        { "password", is_shown and account.password or nil },
        { "address", (cloudcal.caldav.address(account)) },
        { "device_name", account.device_name },
    }
    if is_in_file then say(text.profile, args.profile) end
    if not is_shown then return end
    say("%s", text.apple)
    say("%s", text.others)
    say("%s", text.once)
end

commands.caldav = {}

function commands.caldav.new(args)
    expect_place_for_password(args)
    local client = platform(args, "user")
    local account = must(calling(client.generate_caldav_conf, client,
        { device_name = args.device }, { identity = "user", user = args.user }))
    local written = write_profile(args, account)
    if args.json then put(to_json(account), "\n") else show_account(args, account, written) end
    if args.profile and not written then
        finish_with(OTHER, "the account was made, but its profile was not written")
    end
end

local function read_account()
    if not is_terminal(0) then
        local account = require("cloudcal.json").decode(io.stdin:read "*a")
        if type(account) ~= "table" then
            wrong_use "stdin holds no account; what cloudcal --json caldav new prints is one"
        end
        return account
    end
    return {
        server_address = ask "server address", user_name = ask "user name",
        password = ask_secret "password",
    }
end

-- The base URL is that of the API, and the server's address stands in the account.
function commands.caldav.check(args)
    local found = must(calling(cloudcal.caldav.check, read_account(), {
        timeout = args.timeout, language = args.language, logger = log_plainly,
        log_level = args.verbose and "debug" or "warn",
        ca_file = args.ca_file or variable "CLOUDCAL_CA_FILE",
    }))
    if args.json then return put(to_json(found), "\n") end
    put_rows { { "principal", found.principal }, { "home", found.home } }
    for _, calendar in ipairs(found.calendars) do
        put(("calendar   %s  %s  %s\n"):format(plain(calendar.href),
            plain(table.concat(calendar.components, ",")), plain(calendar.name)))
    end
end

-- Exchange -------------------------------------------------------------------------------------

commands.exchange = {}

local BINDING = { "exchange_binding_id", "status", "admin_account", "exchange_account", "user_id" }

local function call_options(args)
    return { identity = "user", user = args.user, user_id_type = args.user_id_type }
end

local function follow(args, client, id)
    local opts, last = call_options(args), nil
    opts.max_wait, opts.interval = args.max_wait, args.interval
    function opts.on_progress(binding)
        if binding.status ~= last then say("%s", tostring(binding.status)) end
        last = binding.status
    end
    return must(calling(client.wait_exchange_binding, client, id, opts))
end

function commands.exchange.bind(args)
    local client = platform(args, "user")
    local binding = must(calling(client.create_exchange_binding, client, {
        admin_account = args.admin, exchange_account = args.exchange, user_id = args.user_id,
    }, call_options(args)))
    if args.wait then
        say("bound as %s", tostring(binding.exchange_binding_id)) -- if the wait fails, it is known
        binding = follow(args, client, binding.exchange_binding_id)
    end
    show(args, binding, BINDING)
end

function commands.exchange.show(args)
    local client = platform(args, "user")
    show(args, must(calling(client.get_exchange_binding, client, args.id, call_options(args))),
        BINDING)
end

function commands.exchange.wait(args)
    show(args, follow(args, platform(args, "user"), args.id), BINDING)
end

commands.exchange["delete"] = function(args)
    local client = platform(args, "user")
    local opts = call_options(args)
    opts.user_id_type = nil
    must(calling(client.delete_exchange_binding, client, args.id, opts))
    show(args, { exchange_binding_id = args.id, deleted = true },
        { "exchange_binding_id", "deleted" })
end

-- Youkong --------------------------------------------------------------------------------------

local function youkong(args)
    local given = common_options(args, "YOUKONG_")
    given.environment = args.environment or variable "YOUKONG_ENVIRONMENT"
    given.client_key = args.client_key or variable "YOUKONG_CLIENT_KEY"
    if given.client_key then given.secret = find_secret(args, "secret", "YOUKONG_SECRET") end
    if not (given.environment or given.base_url) then
        wrong_use "which one? --environment sandbox or --environment production"
    end
    if not given.client_key and given.environment ~= "sandbox" then
        wrong_use "no account: set YOUKONG_CLIENT_KEY and YOUKONG_SECRET"
    end
    return calling(cloudcal.youkong, given)
end

local function put_calendar(method)
    return function(args)
        local client = youkong(args)
        local data, err, meta = calling(client[method], client, args.user_code, {
            CalendarName = args.name, CalendarId = args.id, ProfileId = args.profile_id,
        })
        must(data, err)
        if meta.id_changed then say "the service answered another id than it was sent" end
        show(args, data, { "CalendarId" })
    end
end

commands.youkong = {
    put = put_calendar "put_calendar", create = put_calendar "create_calendar",
    update = put_calendar "update_calendar",
}

-- What needs no network ------------------------------------------------------------------------

-- @return what is known of a number, of the name of an error that has none, or of a kind
local function knowledge(what)
    local found = require("cloudcal.errors").explain(what)
    if found then return found end
    local codes = require "cloudcal.codes"
    local row = codes.named(what)
    if row then return { name = what, kind = row.kind, hint = row.hint, hint_zh = row.hint_zh } end
    row = codes.kind(what)
    return row and { kind = what, meaning = row.en, meaning_zh = row.zh }
end

-- Here without the core, which the JSON of the module needs.
local function quoted(text)
    return '"' .. text:gsub('[%c"\\]', function(character)
        return ("\\u%04x"):format(character:byte())
    end) .. '"'
end

local function flat_json(value)
    local members = {}
    for name, member in pairs(value) do
        members[#members + 1] = quoted(name) .. ":"
            .. (type(member) == "number" and ("%d"):format(member) or quoted(tostring(member)))
    end
    table.sort(members)
    return "{" .. table.concat(members, ",") .. "}"
end

function commands.explain(args)
    local found = knowledge(args.code)
    if not found then
        finish_with(OTHER, ("nothing is known of %s; this is about codes of Feishu and Lark, and "
            .. "names and kinds of errors"):format(args.code))
    end
    found.exit_status = status_of(found.kind)
    if args.json then return put(flat_json(found), "\n") end
    put_rows {
        { "code", found.code }, { "name", found.name }, { "kind", found.kind },
        { "meaning", args.language == "zh" and found.meaning_zh or found.meaning },
        { "http status", found.http_status }, { "exit status", found.exit_status },
        { "the service", found.msg },
        { "what to do", args.language == "zh" and found.hint_zh or found.hint },
    }
end

local function help_status(args)
    local by_kind = {}
    if not args.json then put "The exit status, by what went wrong (kind of error):\n\n" end
    for _, row in ipairs(STATUS) do
        for _, kind in ipairs(row[2]) do by_kind[kind] = row[1] end
        if not args.json then
            local kinds = #row[2] > 0 and " (" .. table.concat(row[2], ", ") .. ")" or ""
            put(("%5d  %s%s\n"):format(row[1], row[3], kinds))
        end
    end
    if args.json then put(flat_json(by_kind), "\n") end
end

function commands.help(args, parser)
    if args.topic == "exit-codes" then return help_status(args) end
    put(args.topic == "environment" and ENVIRONMENT or parser:get_help() .. "\n")
end

-- {======================================================
-- The command line
-- =======================================================}

local function a_number(text)
    local number = tonumber(text)
    if number and number > 0 and number < math.huge then return number end
    return nil, "a number of seconds above 0 is needed, not '" .. text .. "'"
end

local function add_global_options(parser)
    parser:option("--service", "Whose service it is.")
        :choices { "feishu", "lark" }:default "feishu"
    parser:flag("--json", "Print JSON: the result on stdout, an error on stderr.")
    parser:option("--language", "Of errors and advice.", "en"):choices { "en", "zh" }
    parser:option("--app-id", "Of your app; else a variable has it.")
    parser:option("--secret-file", "A file whose first line is the secret; - is stdin.")
        :argname "FILE"
    parser:option("--store", "The file in which logins are kept."):argname "FILE"
    parser:option("--base-url", "Another address of the service."):argname "URL"
    parser:option("--ca-file", "Your own CA."):argname "FILE"
    parser:option("--timeout", "Seconds for each call; default: 30."):argname "SECONDS"
        :convert(a_number)
    parser:flag("--verbose", "Tell on stderr what happens, without secrets.")
    parser:flag("--version", "Print the version."):action(function()
        put("cloudcal ", require "cloudcal.version", "\n")
        os.exit(0, true)
    end)
end

local function command(parent, name, about)
    return parent:command(name, about)
end

local function group(parent, name, about)
    local parser = command(parent, name, about)
    parser:require_command(true)
    parser:command_target "subcommand"
    return parser
end

local function add_user(parser)
    parser:option("--user", "Whose login; default: the one without a name."):argname "NAME"
    return parser
end

local function add_id_type(parser)
    parser:option("--user-id-type", "The kind of user ID."):choices {
        "open_id", "union_id", "user_id" }
    return parser
end

local function add_waiting(parser)
    parser:option("--max-wait", "Seconds; default: 600."):convert(a_number):argname "SECONDS"
    parser:option("--interval", "Seconds between two looks; default: 2."):convert(a_number)
        :argname "SECONDS"
end

local function add_platform_commands(parser)
    local login = add_user(command(parser, "login", "Log a user in, and keep the login."))
    login:option("--scope", "What the app may do; several: once for each."):count "*"
    local primary = add_id_type(add_user(command(parser, "primary",
        "Print the primary calendar of a user or of the app.")))
    primary:option("--identity", "Who calls."):choices { "user", "tenant" }
end

local function add_caldav_commands(parser)
    local caldav = group(parser, "caldav", "CalDAV accounts, to sync devices.")
    local new = add_user(command(caldav, "new", "Make an account for a device."))
    new:option("--device", "Its name, shown in the settings of the calendar."):argname "NAME"
    new:option("--profile", "Write a profile for Apple's devices into this file.")
        :argname "FILE"
    command(caldav, "check", "Log in with an account, and list its calendars. The account is read "
        .. "from stdin, as JSON, or asked for.")
end

local function add_exchange_commands(parser)
    local exchange = group(parser, "exchange", "Exchange accounts, bound to users.")
    local bind = add_id_type(add_user(command(exchange, "bind", "Bind an account to a user.")))
    bind:option("--admin", "The account of Exchange's administrator."):count "1"
    bind:option("--exchange", "The account to bind."):count "1"
    bind:option("--user-id", "The user who gets the calendars."):count "1"
    bind:flag("--wait", "Wait until the first sync is done.")
    add_waiting(bind)
    for _, row in ipairs {
        { "show", "Print a binding." }, { "wait", "Wait until the first sync is done." },
        { "delete", "Unbind an account." },
    } do
        local one = add_user(command(exchange, row[1], row[2]))
        one:argument("id", "The exchange_binding_id.")
        if row[1] ~= "delete" then add_id_type(one) end
        if row[1] == "wait" then add_waiting(one) end
    end
end

local function add_youkong_commands(parser)
    local parent = group(parser, "youkong", "Calendars in Youkong.")
    for _, row in ipairs {
        { "put", "Create or update a calendar, by whether --id is given.", "?" },
        { "create", "Create a calendar.", nil }, { "update", "Update a calendar.", "1" },
    } do
        local one = command(parent, row[1], row[2])
        one:option("--user-code", "Your number of the user."):count "1"
        one:option("--name", "Of the calendar."):count "1"
        if row[3] then one:option("--id", "The CalendarId."):count(row[3]) end
        one:option("--profile-id", "The third-party channel.")
        one:option("--environment", "Which service."):choices { "sandbox", "production" }
        one:option("--client-key", "Of your account; else a variable has it.")
    end
end

local function new_parser(argparse)
    local parser = argparse("cloudcal", ABOUT, EPILOG)
    parser:require_command(true)
    parser:command_target "command"
    add_global_options(parser)
    add_platform_commands(parser)
    add_caldav_commands(parser)
    add_exchange_commands(parser)
    add_youkong_commands(parser)
    command(parser, "explain", "Tell what a code, or a name or kind of error, means; asks nobody.")
        :argument("code", "Such as 190004.")
    command(parser, "help", "Print a help text."):argument("topic", "exit-codes or environment.")
        :args "?":choices { "exit-codes", "environment" }
    return parser
end

local function parse(parser, argv)
    local fine, args = parser:pparse(argv)
    if fine then return args end
    local hint = args:find "secret" or args:find "token" or args:find "password"
    wrong_use("%s\n%s", args, hint and "Secrets are never arguments: see cloudcal help environment"
        or "See cloudcal --help")
end

local OFFLINE = { explain = true, help = true }

local function run(argparse, state)
    local parser = new_parser(argparse)
    local args = parse(parser, arg)
    state.json, state.args = args.json, args
    if not OFFLINE[args.command] then cloudcal = require "cloudcal" end
    local chosen = commands[args.command]
    if args.subcommand then chosen = chosen[args.subcommand] end
    chosen(args, parser)
end

local ERROR_FIELDS = {
    "kind", "code", "name", "message", "msg", "hint", "hint_zh", "acted", "retryable", "stage",
    "field", "http_status", "log_id", "retry_after", "service", "operation",
}

-- The hints are for programs in Lua; here a login is a command.
local function add_login(err, args)
    if err.kind ~= "login_required" or args.command == "login" then return end
    local words = { "cloudcal" }
    if args.service ~= "feishu" then words[2] = "--service " .. args.service end
    local function add(option, value)
        words[#words + 1] = option .. (value:find "[^%w_./@-]" and quote(value) or value)
    end
    if args.store then add("--store ", args.store) end
    words[#words + 1] = "login"
    if args.user then add("--user ", args.user) end
    local is_first = err.name == "not_logged_in"
    local typed = table.concat(words, " ")
    err.hint = (is_first and "" or err.hint .. " ") .. "Log in with: " .. typed
    err.hint_zh = (is_first and "" or err.hint_zh) .. "登录命令：" .. typed
end

local function report(err, state)
    local status = status_of(err.kind)
    add_login(err, state.args)
    if not state.json then
        say("%s", tostring(err))
        if err.acted == "maybe" then say "cloudcal: nobody knows whether the service acted" end
        return status
    end
    local shown = { exit_status = status }
    for _, name in ipairs(ERROR_FIELDS) do shown[name] = err[name] end
    io.stderr:write(to_json { error = shown }, "\n")
    return status
end

local function ending(problem, state)
    if type(problem) == "table" and problem.err then return report(problem.err, state) end
    if type(problem) == "table" and problem.status then
        for line in problem.message:gmatch "[^\n]+" do say("cloudcal: %s", line) end
        return problem.status
    end
    local is_interrupted = tostring(problem):find("interrupted!", 1, true)
    say("cloudcal: %s", is_interrupted and "interrupted" or tostring(problem):match "^[^\n]*")
    return is_interrupted and INTERRUPTED or OTHER
end

local has_argparse, argparse = pcall(require, "argparse")
if not has_argparse then
    io.stderr:write(NO_ARGPARSE, "\n")
    os.exit(OTHER, true)
end

local state = {}
local fine, problem = pcall(run, argparse, state)
os.exit(fine and 0 or ending(problem, state), true)
