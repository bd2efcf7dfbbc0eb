--- Who has an account at Feishu or Lark: users, and the bot that an app is in each tenant.
local people = {}

--- Somebody with the three ids of the platform and a calendar.
function people.new(world, name)
    return {
        name = name,
        open_id = "ou_" .. world:hex(32),
        union_id = "on_" .. world:hex(32),
        user_id = world:hex(8),
        calendar = world:hex(32),
    }
end

--- The app's bot in a tenant; it has no user_id. It is made when it is first asked for.
function people.bot(world, place, tenant_key)
    local bot = place.bots[tenant_key]
    if not bot then
        bot = people.new(world, "机器人")
        bot.user_id = nil
        place.bots[tenant_key] = bot
    end
    return bot
end

return people
