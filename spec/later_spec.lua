--- A module that is read when it is first used, and is stopped on the way.

local later = require "cloudcal.later"

describe("a module that is required later", function()
    local function forget()
        for _, name in ipairs { "cloudcal.spec_outer", "cloudcal.spec_inner" } do
            package.loaded[name], package.preload[name] = nil, nil
        end
    end

    before_each(forget)
    after_each(forget)

    it("is there after all when what interrupted it is over", function()
        local is_stopped = true
        package.preload["cloudcal.spec_inner"] = function()
            if is_stopped then error("interrupted!", 0) end
            return { name = "inner" }
        end
        package.preload["cloudcal.spec_outer"] = function()
            return { inner = require "cloudcal.spec_inner" }
        end
        for _ = 1, 2 do
            local fine, message = pcall(later, "cloudcal.spec_outer")
            assert.is_false(fine)
            assert.equal("interrupted!", message)
        end
        is_stopped = false
        assert.equal("inner", later "cloudcal.spec_outer".inner.name)
        assert.equal(later "cloudcal.spec_outer", package.loaded["cloudcal.spec_outer"])
    end)
end)
