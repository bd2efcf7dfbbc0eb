local shape = require "cloudcal.endpoints.shapes"

return {
    operation = "calendar.v4.exchange_binding.get",
    services = { "feishu", "lark" },
    summary = {
        en = "Read a binding, with the state of its first sync.",
        zh = "查询绑定关系及其同步状态。",
    },
    doc = "https://open.feishu.cn/document/server-docs/calendar-v4/exchange_binding/get",
    method = "GET",
    path = "/open-apis/calendar/v4/exchange_bindings/:exchange_binding_id",
    tokens = { "user" },
    app_types = { "custom", "store" },
    scopes = { "calendar:calendar:readonly", "calendar:exchange.bindings:read" },
    field_scopes = shape.field_scopes,
    preconditions = shape.preconditions,
    rate_limit = { per_second = 50, per_minute = 1000 },
    repeatable = true,
    request = { path = { shape.binding_id }, query = { shape.user_id_type } },
    response = { shape.data },
    codes = shape.codes,
}
