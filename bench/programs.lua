--- The programs that are measured: each takes BASE_URL CA_FILE AT_ONCE WARM CALLS [MODE].

-- suffix: _5_4 for the variables that Lua 5.4 prefers
local function lua_env(version, suffix)
    return ("LUA_PATH%s='lua/?.lua;lua/?/init.lua;;' "
        .. "LUA_CPATH%s='build/%s/?.so;build/bench/%s/?.so;;'")
        :format(suffix, suffix, version, version)
end

return {
    libcurl = { label = "libcurl in C", command = "build/bench/libcurl" },
    cloudcal = {
        label = "cloudcal, Lua 5.4", env = lua_env("5.4", "_5_4"),
        command = "lua5.4 bench/programs/cloudcal.lua",
    },
    cloudcal_jit = {
        label = "cloudcal, LuaJIT", env = lua_env("5.1", ""),
        command = "luajit bench/programs/cloudcal.lua",
    },
}
