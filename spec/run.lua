-- Runs the specs with busted under this Lua: ./run test, or luarocks test.
require "busted.runner" { standalone = false, output = "spec/report.lua" }
