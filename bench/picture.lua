--- Draws docs/performance.svg: a bar for each program, on a logarithmic scale.

local picture = {}

local WIDTH, LEFT, RIGHT = 760, 190, 70
local TOP, STEP, BAR, BOTTOM = 46, 30, 18, 34
local LOWEST = 0.5 -- where the scale begins

local HEAD = [[
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s">
<title>%s</title>
<style>
text { font: 14px system-ui, sans-serif; fill: #1f2328; }
.title { font-weight: 600; }
.small { font-size: 12px; fill: #59636e; }
.line { stroke: #d1d9e0; }
.bar { fill: #8c959f; }
.own { fill: #0969da; }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc; }
.small { fill: #9198a1; }
.line { stroke: #3d444d; }
.bar { fill: #656c76; }
.own { fill: #4493f8; }
}
</style>
]]

local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

local function escape(text)
    return (text:gsub('[&<>"]', ESCAPES))
end

local function number(value)
    return (("%.2f"):format(value):gsub("%.?0+$", ""))
end

--- A ratio as people say it: 0.85×, 1.4×, 25×.
function picture.ratio(value)
    local digits = value < 1 and "%.2f×" or value < 10 and "%.1f×" or "%.0f×"
    return digits:format(value)
end

-- The power of ten at which the scale ends.
local function ending(bars)
    local most = 10
    for _, bar in ipairs(bars) do
        while bar.value > most do most = most * 10 end
    end
    return most
end

local function scale(most)
    local wide = WIDTH - LEFT - RIGHT
    return function(value)
        local part = math.log(math.max(value, LOWEST) / LOWEST) / math.log(most / LOWEST)
        return LEFT + wide * part
    end
end

local function text(x, y, what, more)
    return ('<text x="%s" y="%s"%s>%s</text>\n'):format(number(x), number(y), more or "",
        escape(what))
end

local function grid(most, at, height)
    local out, value = {}, 1
    while value <= most do
        local x = number(at(value))
        out[#out + 1] = ('<line class="line" x1="%s" y1="%d" x2="%s" y2="%d"/>\n')
            :format(x, TOP - 8, x, height - BOTTOM + 4)
        out[#out + 1] = text(at(value), height - BOTTOM + 20, value .. "×",
            ' class="small" text-anchor="middle"')
        value = value * 10
    end
    return table.concat(out)
end

local function row(bar, i, at)
    local y = TOP + (i - 1) * STEP
    local right = at(bar.value)
    return text(LEFT - 10, y + 14, bar.label, ' text-anchor="end"')
        .. ('<rect class="%s" x="%d" y="%d" width="%s" height="%d" rx="2"/>\n'):format(
            bar.own and "own" or "bar", LEFT, y, number(right - LEFT), BAR)
        .. text(right + 8, y + 14, picture.ratio(bar.value))
end

--- Makes the picture.
-- @param title a line
-- @param bars array of { label, value, own }; own: of cloudcal
-- @return SVG, which has colours for light and dark
function picture.draw(title, bars)
    local height = TOP + #bars * STEP + BOTTOM
    local most = ending(bars)
    local at = scale(most)
    local name = escape(title)
    local out = { HEAD:format(WIDTH, height, name, name), grid(most, at, height),
                  text(10, 22, title, ' class="title"') }
    for i, bar in ipairs(bars) do out[#out + 1] = row(bar, i, at) end
    out[#out + 1] = "</svg>\n"
    return table.concat(out)
end

return picture
