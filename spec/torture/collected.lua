--- Specs of the core while the garbage collector never rests, in a program with ASan:
-- collected.lua SPEC…

collectgarbage "incremental"
collectgarbage("setpause", 0)
collectgarbage("setstepmul", 1000)

arg = { [-1] = "lua5.4", [0] = "busted", "--no-auto-insulate", "-o", "TAP", ... } -- luacheck: ignore 121
require "busted.runner" { standalone = false }
