-- The calendar services of Feishu, Lark and Youkong on this machine:
--   lua5.4 examples/sandbox.lua [--port N] [--fault NAME] [--rate 50/1000] [--verbose] …
-- --help lists everything.
require("cloudcal.sandbox.server").main(arg)
