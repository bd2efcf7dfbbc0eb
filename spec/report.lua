-- The report of a run: a line for each spec file, what failed in full, and as the last line
-- "N passed, N failed". What did not run to its end has failed, pending tests too.
local busted = require "busted"
local new_base = require "busted.outputHandlers.base"

local function write(format, ...)
    io.stdout:write(format:format(...), "\n")
    io.stdout:flush()
end

local function text_of(message)
    if message == nil then return "no message" end
    if type(message) == "string" then return message end
    local shown, text = pcall(require "pl.pretty".write, message)
    return shown and text or tostring(message)
end

local function indented(text)
    return (text:gsub("[^\n]+", "    %0"))
end

local function show(number, kind, result)
    local trace = result.trace or {}
    local place = result.element.trace or trace
    write("\n%d) %s: %s", number, kind, result.name)
    write("    %s:%s", place.short_src or "?", tostring(place.currentline or "?"))
    write("%s", indented(text_of(result.message)))
    if kind ~= "pending" and trace.traceback then
        write("%s", indented((trace.traceback:gsub("^\n", ""))))
    end
end

local KINDS = {
    { name = "failed", list = "failures" },
    { name = "error", list = "errors" },
    { name = "pending", list = "pendings" },
}

local total = { passed = 0, failed = 0 }

local function count(handler)
    return handler.successesCount,
        handler.failuresCount + handler.errorsCount + handler.pendingsCount
end

local function show_all(handler)
    local number = 0
    for _, kind in ipairs(KINDS) do
        for _, result in ipairs(handler[kind.list]) do
            number = number + 1
            show(number, kind.name, result)
        end
    end
end

return function(options)
    options.suppressPending = false
    local handler = new_base()
    local before

    local function on_file_start()
        local passed, failed = count(handler)
        before = { passed = passed, failed = failed }
        return nil, true
    end

    local function on_file_end(file)
        local passed, failed = count(handler)
        passed, failed = passed - before.passed, failed - before.failed
        write("%-6s %-44s %5d passed%s %8.2f s", failed == 0 and "ok" or "FAILED", file.name,
            passed, failed == 0 and "" or (", %d failed"):format(failed), file.duration or 0)
        return nil, true
    end

    local function on_suite_end()
        show_all(handler)
        local passed, failed = count(handler)
        total.passed, total.failed = total.passed + passed, total.failed + failed
        return nil, true
    end

    -- busted's own exit status is the number of failures, which 256 of them make 0
    local function on_exit()
        if total.passed + total.failed == 0 then
            write("no test was found")
            total.failed = 1
        end
        write("\n%d passed, %d failed", total.passed, total.failed)
        os.exit(total.failed == 0 and 0 or 1, true)
    end

    busted.subscribe({ "file", "start" }, on_file_start)
    busted.subscribe({ "file", "end" }, on_file_end)
    busted.subscribe({ "suite", "end" }, on_suite_end)
    busted.subscribe({ "exit" }, on_exit)
    return handler
end
