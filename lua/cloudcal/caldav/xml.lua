--- XML from a server that nobody vouches for, by lua-expat: elements with their namespaces, text
-- and children. What can grow without end is refused: document types (and with them every
-- entity), depth, the number of elements, and names that are longer than any of DAV.

local xml = {}

local SEPARATOR = "|" -- between a namespace and a name; no URI holds it

local MAX_DEPTH, MAX_ELEMENTS, MAX_NAME = 32, 50000, 256

--- Finds lua-expat, which only this module needs.
-- @return it; or nil
function xml.library()
    local found, lxp = pcall(function() return require "lxp" end)
    return found and lxp or nil
end

--- The name of an element in the tree.
function xml.name(namespace, name)
    return namespace .. SEPARATOR .. name
end

local function refuse(parser, state, message)
    state.refused = state.refused or message
    parser:stop()
end

local function limit_problem(state, name)
    if #state.path > MAX_DEPTH then return "it is nested too deep" end
    if state.count > MAX_ELEMENTS then return "it has too many elements" end
    if #name > MAX_NAME then return "it has a name that is too long" end
end

local function callbacks_for(state)
    local path = state.path
    return {
        StartDoctypeDecl = function(parser)
            refuse(parser, state, "it has a document type")
        end,
        StartElement = function(parser, name, attributes)
            state.count = state.count + 1
            local problem = limit_problem(state, name)
            if problem then return refuse(parser, state, problem) end
            local element = { name = name, label = attributes.name, parts = {} }
            table.insert(path[#path], element)
            path[#path + 1] = element
        end,
        EndElement = function()
            if state.refused then return end -- some calls still come
            local element = path[#path]
            element.text, element.parts = table.concat(element.parts), nil
            path[#path] = nil
        end,
        CharacterData = function(_, text)
            if state.refused then return end
            local parts = path[#path].parts
            parts[#parts + 1] = text
        end,
    }
end

--- Reads a document.
-- @return its root: { name, text, label (its attribute "name"), and its children in order }; or
-- nil, the name of an error, and why
function xml.parse(text)
    local root = { parts = {} }
    local state = { path = { root }, count = 0 }
    local parser = xml.library().new(callbacks_for(state), SEPARATOR)
    local fine, problem, line = parser:parse(text)
    if fine then fine, problem, line = parser:parse() end
    pcall(parser.close, parser)
    if state.refused then return nil, "xml_refused", "the XML was not read: " .. state.refused end
    if fine then return root[1] end
    return nil, "not_xml", ("the answer is not XML: %s in line %s"):format(
        tostring(problem), tostring(line))
end

return xml
