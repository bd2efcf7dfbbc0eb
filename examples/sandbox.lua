-- The calendar services of Feishu, Lark and Youkong on this machine:
--   lua5.4 examples/sandbox.lua [--port N] [--fault NAME] [--rate 50/1000] [--verbose] …
--   lua5.4 examples/sandbox.lua [--fault NAME] … -- COMMAND…
-- The second line runs a command for which they are the services: it finds their addresses and
-- credentials in its environment, under the names that `cloudcal help environment` lists, and
-- logins that it makes end with it. --help lists everything.

local function split(words)
    local options, command = {}, nil
    for _, word in ipairs(words) do
        if command then
            command[#command + 1] = word
        elseif word == "--" then
            command = {}
        else
            options[#options + 1] = word
        end
    end
    return options, command
end

local options, command = split(arg)
local values = require("cloudcal.sandbox.options").parse(options)
if not command or not values or values.help then
    require("cloudcal.sandbox.server").main(options) -- does not return
end
if #command == 0 then
    io.stderr:write("sandbox: no command after --\n")
    os.exit(2)
end

local sandbox, problem = require("cloudcal.sandbox").start(options)
if not sandbox then
    io.stderr:write(problem, "\n")
    os.exit(1)
end

local pipe = io.popen "mktemp -d"
local directory = pipe:read "*l"
pipe:close()

-- What the caller has of their own would come before what is set here.
local words = { "unset CLOUDCAL_STORE FEISHU_TENANT_ACCESS_TOKEN LARK_TENANT_ACCESS_TOKEN; env" }

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function set(name, value) words[#words + 1] = name .. "=" .. quote(value) end

set("CLOUDCAL_CA_FILE", sandbox.ca_file)
set("XDG_STATE_HOME", directory) -- where logins are kept
for _, name in ipairs { "feishu", "lark", "youkong" } do
    local prefix = name:upper() .. "_"
    for _, field in ipairs { "base_url", "app_id", "app_secret", "user_access_token",
                             "client_key", "secret" } do
        local value = sandbox[name][field]
        if value then set(prefix .. field:upper(), value) end
    end
end
set("CLOUDCAL_BASE_URL", sandbox.feishu.base_url) -- of the examples
set("YOUKONG_ENVIRONMENT", "sandbox")

for _, word in ipairs(command) do words[#words + 1] = quote(word) end
local _, how, status = os.execute(table.concat(words, " "))
os.execute("rm -rf " .. quote(directory))
sandbox.stop()
os.exit(how == "signal" and 128 + status or status, true)
