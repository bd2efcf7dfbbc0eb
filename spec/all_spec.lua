--- require "cloudcal.all": nothing is left to be read from files later.

local function modules()
    local names = {}
    local pipe = assert(io.popen "find lua -name '*.lua' -not -path '*/sandbox/*' | sort")
    for path in pipe:lines() do
        local name = path:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", ".")
        names[#names + 1] = name
    end
    pipe:close()
    return names
end

local function forget(names)
    for _, name in ipairs(names) do package.loaded[name] = nil end
end

describe("require \"cloudcal.all\"", function()
    it("loads every module but the sandbox, and returns cloudcal", function()
        local names, missing = modules(), {}
        assert.is_true(#names > 20)
        forget(names)
        assert.equal(require "cloudcal.all", require "cloudcal")
        for _, name in ipairs(names) do
            if not package.loaded[name] then missing[#missing + 1] = name end
        end
        assert.same({}, missing)
    end)
end)
