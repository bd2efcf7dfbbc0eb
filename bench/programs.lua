--- The programs that are measured: each takes BASE_URL CA_FILE AT_ONCE WARM CALLS [MODE].
-- env: variables for the shell; share: how many calls it gets, of those that libcurl gets, so
-- that all take a similar time; needs: a file without which it was not installed; single: it
-- knows no calls at once; slow: it takes seconds to start; inside: it runs in nginx, see
-- bench/cosocket.lua.

-- suffix: _5_4 for the variables that Lua 5.4 prefers
local function lua_env(version, suffix, more)
    return ("LUA_PATH%s='lua/?.lua;lua/?/init.lua;%s;' "
        .. "LUA_CPATH%s='build/%s/?.so;build/bench/%s/?.so;;'")
        :format(suffix, more or "", suffix, version, version)
end

-- Debian has the files of lua-http for 5.1 to 5.3 only
local LUA_HTTP = "/usr/share/lua/5.4/?.lua;/usr/share/lua/5.3/?.lua;/usr/share/lua/5.1/?.lua;"
    .. "/usr/share/lua/5.1/?/init.lua;"

return {
    libcurl = { label = "libcurl in C", command = "build/bench/libcurl", share = 1 },
    cloudcal = {
        label = "cloudcal, Lua 5.4", command = "lua5.4 bench/programs/cloudcal.lua",
        env = lua_env("5.4", "_5_4"), share = 0.7,
    },
    cloudcal_jit = {
        label = "cloudcal, LuaJIT", command = "luajit bench/programs/cloudcal.lua",
        env = lua_env("5.1", ""), share = 0.7,
    },
    stages = { command = "lua5.4 bench/programs/stages.lua", env = lua_env("5.4", "_5_4") },
    stages_jit = { command = "luajit bench/programs/stages.lua", env = lua_env("5.1", "") },
    cloudcal_nginx = { label = "cloudcal in nginx", inside = "cloudcal", share = 0.7 },
    cosocket = { label = "nginx cosocket, by hand", inside = "cosocket", share = 1 },
    luasec = {
        label = "LuaSec, by hand", command = "lua5.4 bench/programs/luasec.lua",
        env = lua_env("5.4", "_5_4"), share = 1, single = true,
    },
    lua_http = {
        label = "lua-http", command = "lua5.4 bench/programs/lua-http.lua",
        env = lua_env("5.4", "_5_4", LUA_HTTP), share = 0.3,
    },
    go = {
        label = "official SDK, Go", command = "build/bench/go-sdk", share = 0.7,
        needs = "build/bench/go-sdk",
    },
    node = {
        label = "official SDK, Node", command = "node build/bench/node/node-sdk.mjs",
        env = "NODE_EXTRA_CA_CERTS=$CA_FILE", share = 0.1,
        needs = "build/bench/node/installed",
    },
    python = {
        label = "official SDK, Python",
        command = "build/bench/python/bin/python bench/programs/python-sdk.py",
        slow = true, env = "REQUESTS_CA_BUNDLE=$CA_FILE SSL_CERT_FILE=$CA_FILE", share = 0.01,
        needs = "build/bench/python/installed",
    },
}
