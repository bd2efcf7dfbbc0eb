local shape = require "cloudcal.endpoints.shapes"

return {
    operation = "calendar.v4.exchange_binding.create",
    services = { "feishu", "lark" },
    summary = {
        en = "Bind an Exchange account to a Feishu or Lark user, which imports its calendars.",
        zh = "将 Exchange 账户绑定到飞书用户，从而导入其日历。",
    },
    doc = "https://open.feishu.cn/document/server-docs/calendar-v4/exchange_binding/create",
    method = "POST",
    path = "/open-apis/calendar/v4/exchange_bindings",
    content_type = "application/json; charset=utf-8",
    tokens = { "user" },
    app_types = { "custom", "store" },
    scopes = { "calendar:calendar", "calendar:calendar:readonly",
               "calendar:exchange.bindings:create" },
    field_scopes = shape.field_scopes,
    preconditions = shape.preconditions,
    rate_limit = { per_second = 50, per_minute = 1000 },
    repeatable = false,
    request = {
        query = { shape.user_id_type },
        body = {
            {
                name = "admin_account", type = "string", min = 1, max = 500,
                example = "email_admin_example@outlook.com",
                about = { en = "The Exchange administrator's account.",
                          zh = "Exchange 的管理员账户。" },
            },
            {
                name = "exchange_account", type = "string", min = 1, max = 500,
                example = "email_account_example@outlook.com",
                about = { en = "The Exchange account to bind.",
                          zh = "要绑定的 Exchange 账户。" },
            },
            {
                name = "user_id", type = "string", example = "ou_xxxxxxxxxxxxxxxxxx",
                about = { en = "The Feishu or Lark user who gets the calendars.",
                          zh = "接收日历的飞书用户 ID。" },
            },
        },
    },
    response = { shape.data },
    codes = shape.codes,
}
