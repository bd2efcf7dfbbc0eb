-- Writes the reference, the editor types and the rockspecs anew: ./run docs.
--
--   lua5.4 docs/generate.lua [DIRECTORY]
--
-- Ends with 1, naming the files, if one was not as it is now. DIRECTORY is where the files are;
-- "." if absent.

package.path = "./?.lua;" .. package.path

local directory = arg[1] or "."

local function read(path)
    local file = io.open(path, "rb")
    if not file then return nil end
    local content = file:read("a")
    file:close()
    return content
end

local function write(path, content)
    local file = assert(io.open(path, "wb"))
    assert(file:write(content))
    assert(file:close())
end

local function pages()
    local all = require("docs.generator.facts").gather()
    local codes = require "docs.generator.codes"
    local reference = require "docs.generator.reference"
    local rockspec = require "docs.generator.rockspec"
    local types = require "docs.generator.types"
    return {
        rockspec(require "cloudcal.version"),
        rockspec "scm",
        { "docs/codes.md", codes "en" },
        { "docs/codes.zh-CN.md", codes "zh" },
        { "docs/reference.md", reference(all, "en") },
        { "docs/reference.zh-CN.md", reference(all, "zh") },
        { "library/cloudcal.lua", types.module(all) },
        { "library/cloudcal/sandbox.lua", types.sandbox(all) },
    }
end

local function replace(list)
    local changed = 0
    for _, page in ipairs(list) do
        local path = directory .. "/" .. page[1]
        if read(path) ~= page[2] then
            changed = changed + 1
            os.execute(("mkdir -p '%s'"):format((path:match("^(.*)/"):gsub("'", "'\\''"))))
            write(path, page[2])
            io.stderr:write(page[1], " was not up to date; it is now\n")
        end
    end
    return changed
end

local fine, result = pcall(pages)
if not fine then
    io.stderr:write(tostring(result), "\n")
    os.exit(1)
end
if replace(result) > 0 then os.exit(1) end
print(("%d files, all up to date"):format(#result))
