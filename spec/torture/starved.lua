--- How long this process was ready to run and had no CPU: on a busy machine nobody is to blame
-- for that time.
-- @return seconds since the process began; 0 where the kernel does not count them
return function()
    local file = io.open "/proc/self/schedstat"
    if not file then return 0 end
    local nanoseconds = file:read("*l"):match "^%d+ (%d+)"
    file:close()
    return tonumber(nanoseconds) / 1e9
end
