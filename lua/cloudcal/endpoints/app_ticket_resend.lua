local shape = require "cloudcal.endpoints.shapes"

return {
    operation = "auth.v3.app_ticket.resend",
    services = { "feishu", "lark" },
    summary = {
        en = "Have the platform push the ticket of a store app again.",
        zh = "请求平台重新推送商店应用的 app_ticket。",
    },
    doc = "https://open.feishu.cn/document/server-docs/authentication-management/access-token/"
        .. "app_ticket_resend",
    method = "POST",
    path = "/open-apis/auth/v3/app_ticket/resend",
    content_type = "application/json; charset=utf-8",
    tokens = {},
    app_types = { "store" },
    repeatable = true,
    internal = true,
    request = { body = { shape.app_id, shape.app_secret } },
    response = {},
    codes = { 10003, 10014, 10015 },
}
