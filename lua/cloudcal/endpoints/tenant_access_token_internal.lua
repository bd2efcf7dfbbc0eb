local shape = require "cloudcal.endpoints.shapes"

return {
    operation = "auth.v3.tenant_access_token.internal",
    services = { "feishu", "lark" },
    summary = {
        en = "Get the tenant token of a custom app.",
        zh = "获取自建应用的 tenant_access_token。",
    },
    doc = "https://open.feishu.cn/document/server-docs/authentication-management/access-token/"
        .. "tenant_access_token_internal",
    method = "POST",
    path = "/open-apis/auth/v3/tenant_access_token/internal",
    content_type = "application/json; charset=utf-8",
    tokens = {},
    app_types = { "custom" },
    repeatable = true,
    internal = true,
    request = { body = { shape.app_id, shape.app_secret } },
    response = {
        { name = "tenant_access_token", type = "string", required = true, secret = true },
        { name = "expire", type = "integer", required = true },
    },
    codes = { 10003, 10012, 10014, 10015 },
}
