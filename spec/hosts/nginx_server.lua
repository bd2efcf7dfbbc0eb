--- A real nginx as a child process, for the specs and the benchmark: Debian's, with its Lua
-- module, on free ports of 127.0.0.1.

local core = require "cloudcal.core"
local files = require "spec.files"
local socket = require "socket"

local server = {}
server.__index = server

local MAIN = [[
load_module /usr/lib/nginx/modules/ndk_http_module.so;
load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;
daemon off;
user root;
worker_processes %(workers);
pid %(dir)/pid;
error_log %(dir)/error.log %(log_level);
worker_rlimit_nofile 8192;
%(main)
events { worker_connections 4096; }
http {
    access_log off;
    client_body_temp_path %(dir)/body;
    proxy_temp_path %(dir)/proxy;
    fastcgi_temp_path %(dir)/fastcgi;
    uwsgi_temp_path %(dir)/uwsgi;
    scgi_temp_path %(dir)/scgi;
    lua_package_path "%(lua_path)";
    lua_package_cpath "%(lua_cpath)";
    %(http)
    server {
        listen 127.0.0.1:%(port) %(listen);
        keepalive_requests 1000000;
        %(server)
    }
}
]]

local DEFAULTS = {
    workers = 1, log_level = "notice", main = "", http = "", listen = "", server = "",
}

local function fill(text, values)
    return (text:gsub("%%%((%w+_?%w*)%)", function(name) return tostring(values[name]) end))
end

local function output_of(command)
    local pipe = assert(io.popen(command))
    local text = pipe:read("*a")
    pipe:close()
    return text
end

local write = files.write

local function read(path) return files.find(path) or "" end

--- A port that was free a moment ago.
function server.free_port()
    local probe = assert(socket.bind("127.0.0.1", 0))
    local _, port = probe:getsockname()
    probe:close()
    return tonumber(port)
end

--- Calls `ask` until it answers, for at most so many seconds.
function server.eventually(ask, seconds, what)
    local deadline = core.now() + (seconds or 10)
    repeat
        local answer = ask()
        if answer then return answer end
        core.sleep(0.02)
    until core.now() >= deadline
    error("in vain: " .. (what or "waited"), 2)
end

local function is_listening(port)
    local con = socket.connect("127.0.0.1", port)
    if con then con:close() end
    return con ~= nil
end

--- Starts nginx.
-- @param given workers, log_level, listen, and the text of the main, http and server blocks, in
-- which %(dir), %(port), %(lua_path) and names in given.values are filled in; also `under`, a
-- command that runs nginx, and `patience`, seconds to wait for it
function server.start(given)
    local dir = os.tmpname()
    os.remove(dir)
    assert(os.execute("mkdir " .. dir))
    local here = output_of("pwd"):gsub("%s+$", "")
    local values = {
        dir = dir, port = server.free_port(),
        lua_path = here .. "/lua/?.lua;" .. here .. "/lua/?/init.lua;;",
        lua_cpath = here .. "/build/5.1/?.so;;",
    }
    for name, value in pairs(DEFAULTS) do values[name] = given[name] or value end
    for name, value in pairs(given.values or {}) do values[name] = value end
    for _, name in ipairs { "main", "http", "server" } do
        values[name] = fill(values[name], values)
    end
    write(dir .. "/nginx.conf", fill(MAIN, values))
    local pid = output_of(("%s nginx -p %s -c nginx.conf >%s/out 2>&1 & echo $!"):format(
        given.under or "", dir, dir))
    local self = setmetatable({ dir = dir, port = values.port, pid = tonumber(pid),
        base_url = "http://127.0.0.1:" .. values.port }, server)
    server.eventually(function()
        assert(self:is_alive(), "nginx ended: " .. read(dir .. "/out") .. self:log())
        return is_listening(self.port) and #self:workers() == values.workers
    end, given.patience or 15, "started nginx")
    return self
end

function server:log()
    return read(self.dir .. "/error.log")
end

--- The state of a process, a letter of ps; nil: there is none.
function server.state_of(pid)
    return read(("/proc/%d/stat"):format(pid)):match("%) (%a)")
end

--- Tells whether a process runs.
function server.is_running(pid)
    local state = server.state_of(pid)
    return state ~= nil and state ~= "Z"
end

function server:is_alive()
    return server.is_running(self.pid)
end

--- The process numbers of the workers, those that are about to exit included.
function server:workers()
    local pids = {}
    local path = ("/proc/%d/task/%d/children"):format(self.pid, self.pid)
    for pid in read(path):gmatch("%d+") do pids[#pids + 1] = tonumber(pid) end
    return pids
end

function server:signal(name, pid)
    os.execute(("kill -%s %d 2>/dev/null"):format(name, pid or self.pid))
end

--- Seconds of CPU that a process has used, and those it waited for a CPU.
function server.cpu(pid)
    local used, waited = read(("/proc/%d/schedstat"):format(pid)):match("^(%d+) (%d+)")
    return tonumber(used) / 1e9, tonumber(waited) / 1e9
end

--- How many descriptors a process has open.
function server.descriptors(pid)
    local _, count = output_of(("ls /proc/%d/fd"):format(pid)):gsub("\n", "\n")
    return count
end

--- Ends it and removes what it wrote.
function server:stop(signal)
    self:signal(signal or "TERM")
    local ok = pcall(server.eventually, function() return not self:is_alive() end, 10)
    if not ok then self:signal "KILL" end
    os.execute("rm -rf " .. self.dir)
end

return server
