--- Park and Miller's generator: the same numbers in every Lua.

--- @return a function of (low, high) or (high), which gives whole numbers
return function(seed)
    local state = seed % 2147483646 + 1
    return function(low, high)
        if not high then low, high = 1, low end
        state = state * 16807 % 2147483647
        return low + state % (high - low + 1)
    end
end
