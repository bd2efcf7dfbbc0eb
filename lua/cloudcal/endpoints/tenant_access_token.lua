return {
    operation = "auth.v3.tenant_access_token.create",
    services = { "feishu", "lark" },
    summary = {
        en = "Get the token of a tenant that has installed a store app.",
        zh = "商店应用获取已安装租户的 tenant_access_token。",
    },
    doc = "https://open.feishu.cn/document/server-docs/authentication-management/access-token/"
        .. "tenant_access_token",
    method = "POST",
    path = "/open-apis/auth/v3/tenant_access_token",
    content_type = "application/json; charset=utf-8",
    tokens = {},
    app_types = { "store" },
    repeatable = true,
    internal = true,
    request = {
        body = {
            { name = "app_access_token", type = "string", required = true, min = 1,
              secret = true },
            { name = "tenant_key", type = "string", required = true, min = 1 },
        },
    },
    response = {
        { name = "tenant_access_token", type = "string", required = true, secret = true },
        { name = "expire", type = "integer", required = true },
    },
    codes = { 10005, 10013, 99991664 },
}
