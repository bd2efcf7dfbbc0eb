return {
    operation = "oauth.v1.device_authorization",
    services = { "feishu", "lark" },
    summary = {
        en = "Begin a login on another device: a code for the user to type in a browser.",
        zh = "发起设备授权：返回供用户在浏览器中输入的代码。",
    },
    doc = "https://datatracker.ietf.org/doc/html/rfc8628",
    host = "accounts",
    method = "POST",
    path = "/oauth/v1/device_authorization",
    content_type = "application/x-www-form-urlencoded",
    basic = true, -- app_id and app_secret go into the Authorization header
    tokens = {},
    app_types = { "custom", "store" },
    repeatable = true,
    internal = true,
    request = {
        body = {
            { name = "client_id", type = "string", required = true, min = 1 },
            { name = "scope", type = "string" },
        },
    },
    response = {
        { name = "device_code", type = "string", required = true, secret = true },
        { name = "user_code", type = "string", required = true },
        { name = "verification_uri", type = "string", required = true },
        { name = "verification_uri_complete", type = "string" },
        { name = "expires_in", type = "integer" },
        { name = "interval", type = "integer" },
    },
    codes = {},
}
