local shape = require "cloudcal.endpoints.shapes"

return {
    operation = "auth.v3.app_access_token.create",
    services = { "feishu", "lark" },
    summary = {
        en = "Get the app token of a store app, by its ticket.",
        zh = "商店应用凭 app_ticket 获取 app_access_token。",
    },
    doc = "https://open.feishu.cn/document/server-docs/authentication-management/access-token/"
        .. "app_access_token",
    method = "POST",
    path = "/open-apis/auth/v3/app_access_token",
    content_type = "application/json; charset=utf-8",
    tokens = {},
    app_types = { "store" },
    repeatable = true,
    internal = true,
    request = {
        body = {
            shape.app_id,
            shape.app_secret,
            { name = "app_ticket", type = "string", required = true, min = 1, secret = true },
        },
    },
    response = {
        { name = "app_access_token", type = "string", required = true, secret = true },
        { name = "expire", type = "integer", required = true },
    },
    codes = { 10003, 10012, 10014, 10015 },
}
