local shape = require "cloudcal.endpoints.shapes"

return {
    operation = "calendar.v4.exchange_binding.delete",
    services = { "feishu", "lark" },
    summary = {
        en = "Unbind an Exchange account; only then can it be bound to another user.",
        zh = "解除 Exchange 账户的绑定；解除后才能绑定到其他用户。",
    },
    doc = "https://open.feishu.cn/document/server-docs/calendar-v4/exchange_binding/delete",
    method = "DELETE",
    path = "/open-apis/calendar/v4/exchange_bindings/:exchange_binding_id",
    tokens = { "user" },
    app_types = { "custom", "store" },
    scopes = { "calendar:calendar", "calendar:exchange.bindings:delete" },
    preconditions = shape.preconditions,
    rate_limit = { per_second = 50, per_minute = 1000 },
    repeatable = true,
    gone = 195103,
    request = { path = { shape.binding_id } },
    response = { { name = "data", type = "object", fields = {} } },
    codes = shape.codes,
}
