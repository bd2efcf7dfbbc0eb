local shape = require "cloudcal.endpoints.shapes"

local calendar = {
    { name = "calendar_id", type = "string",
      example = "larksuite.com_xxxxxxxxxx@group.calendar.larksuite.com" },
    { name = "summary", type = "string", example = "测试日历" },
    { name = "description", type = "string", example = "使用开放接口创建日历" },
    { name = "permissions", type = "string", example = "private",
      enum = { "private", "show_only_free_busy", "public" } },
    { name = "color", type = "integer", example = -1,
      about = { en = "A signed 32-bit ARGB value; -1 is white.",
                zh = "有符号 32 位 ARGB 颜色值，-1 表示白色。" } },
    { name = "type", type = "string", example = "shared",
      enum = { "unknown", "primary", "shared", "google", "resource", "exchange" } },
    { name = "summary_alias", type = "string", example = "日历备注名" },
    { name = "is_deleted", type = "boolean", example = false },
    { name = "is_third_party", type = "boolean", example = false,
      about = { en = "True for a calendar that can only be read.",
                zh = "为 true 时该日历只读。" } },
    { name = "role", type = "string", example = "owner",
      enum = { "unknown", "free_busy_reader", "reader", "writer", "owner" } },
}

return {
    operation = "calendar.v4.calendar.primary",
    services = { "feishu", "lark" },
    summary = {
        en = "Read the primary calendar of the app or of the user.",
        zh = "查询应用或用户的主日历。",
    },
    doc = "https://open.larksuite.com/document/server-docs/calendar-v4/calendar/primary",
    method = "POST", -- with an empty body and no Content-Type
    path = "/open-apis/calendar/v4/calendars/primary",
    tokens = { "tenant", "user" },
    app_types = { "custom", "store" },
    scopes = { "calendar:calendar:read", "calendar:calendar:readonly" },
    field_scopes = { "contact:user.employee_id:readonly" },
    preconditions = { "bot_capability" },
    rate_limit = { per_second = 50, per_minute = 1000 },
    repeatable = true,
    request = { query = { shape.user_id_type } },
    refuse = {
        { identity = "tenant", field = "query.user_id_type", value = "user_id",
          message = "an app has no user_id; ask for open_id or union_id",
          message_zh = "应用没有 user_id，请使用 open_id 或 union_id" },
    },
    response = {
        {
            name = "data", type = "object", required = true, fields = {
                {
                    name = "calendars", type = "array", fields = {
                        { name = "calendar", type = "object", fields = calendar },
                        { name = "user_id", type = "string", example = "ou_xxxxxx" },
                    },
                },
            },
        },
    },
    codes = {
        190002, 190003, 190004, 190005, 190006, 190007, 190010, 195100,
        191000, 191001, 191002, 191003, 191004,
    },
}
