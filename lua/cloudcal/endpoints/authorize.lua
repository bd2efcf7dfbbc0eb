-- A page for the user's browser: its address is built here, never called.
return {
    operation = "authen.v1.authorize",
    services = { "feishu", "lark" },
    summary = {
        en = "The page where a user lets an app act for them.",
        zh = "用户授权应用代表其操作的页面。",
    },
    doc = "https://open.feishu.cn/document/authentication-management/access-token/"
        .. "obtain-oauth-code",
    host = "accounts",
    method = "GET",
    path = "/open-apis/authen/v1/authorize",
    tokens = {},
    app_types = { "custom", "store" },
    internal = true,
    request = {
        query = {
            { name = "client_id", type = "string", required = true, min = 1 },
            { name = "response_type", type = "string", required = true, enum = { "code" } },
            { name = "redirect_uri", type = "string", required = true, min = 1 },
            { name = "scope", type = "string" },
            { name = "state", type = "string" },
            { name = "code_challenge", type = "string", min = 43, max = 128 },
            { name = "code_challenge_method", type = "string", enum = { "S256", "plain" } },
            { name = "prompt", type = "string" },
        },
    },
    response = {},
    codes = {},
}
