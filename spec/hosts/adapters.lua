--- The examples of other loops: each is run as its user would, and says what happened.

local is_jit = rawget(_G, "jit") ~= nil
local version = _VERSION:match("[%d.]+$")
local interpreter = is_jit and "luajit" or "lua" .. version

local ONE_AFTER_THE_OTHER = 5 * 200 -- milliseconds
local FEW_TICKS = 5 -- of about 20; a host that is held up has one

local function quote(text)
    return "'" .. text:gsub("'", "'\\''") .. "'"
end

-- Runs a command with the paths of this process, in which `number` is the version of Lua.
local function run(command, number, more)
    local path = (package.path .. (more or "")):gsub("/" .. version .. "/", "/" .. number .. "/")
    local cpath = package.cpath:gsub("/" .. version .. "/", "/" .. number .. "/")
    local suffix = number == "5.1" and "" or "_" .. number:gsub("%.", "_")
    local line = ("LUA_PATH%s=%s LUA_CPATH%s=%s timeout -k 5 20 %s 2>&1 </dev/null"):format(
        suffix, quote(path), suffix, quote(cpath), command)
    local pipe = assert(io.popen(line))
    local output = pipe:read("*a")
    pipe:close()
    return output
end

-- The calls side by side, and ticks meanwhile.
local function assert_went_well(output)
    local ms, ticks = output:match("^5 calls of 200 ms in (%d+) ms, (%d+) ticks of 10 ms meanwhile")
    assert.is_string(ms, output)
    ms, ticks = tonumber(ms), tonumber(ticks)
    assert.is_true(ms >= 200 and ms < ONE_AFTER_THE_OTHER, output)
    assert.is_true(ticks >= FEW_TICKS, output)
end

describe("the loop in", function()
    for _, name in ipairs { "luv", "cqueues", "select" } do
        it(name, function()
            assert_went_well(run(interpreter .. " examples/loops/" .. name .. ".lua", version))
        end)
    end

    it("copas", function() -- which Debian has for 5.1, and which runs on every Lua
        assert_went_well(run(interpreter .. " examples/loops/copas.lua", version,
            ";/usr/share/lua/5.1/?.lua"))
    end)

    it("neovim", function()
        local built = os.execute "make -s LUA=5.1 >/dev/null"
        assert.is_true(built == true or built == 0)
        assert_went_well(run("nvim --headless --clean -u NONE -i NONE "
            .. "+'luafile examples/loops/neovim.lua' +qa", "5.1"))
    end)
end)
