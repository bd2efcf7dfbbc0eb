return {
    operation = "authen.v2.oauth.token",
    services = { "feishu", "lark" },
    summary = {
        en = "Exchange a code, a refresh token or a device code for the tokens of a user.",
        zh = "用授权码、刷新令牌或设备码换取用户令牌。",
    },
    doc = "https://open.feishu.cn/document/authentication-management/access-token/"
        .. "get-user-access-token",
    method = "POST",
    path = "/open-apis/authen/v2/oauth/token",
    content_type = "application/x-www-form-urlencoded",
    tokens = {},
    app_types = { "custom", "store" },
    rate_limit = { per_second = 50, per_minute = 1000 },
    repeatable = false, -- codes and refresh tokens are good for one use
    repeat_after = { [20050] = true, [20072] = true }, -- what the document says of these failures
    internal = true,
    request = {
        body = {
            { name = "grant_type", type = "string", required = true, enum = {
                "authorization_code", "refresh_token",
                "urn:ietf:params:oauth:grant-type:device_code",
            } },
            { name = "client_id", type = "string", required = true, min = 1 },
            { name = "client_secret", type = "string", required = true, min = 1, secret = true },
            { name = "code", type = "string", min = 1, secret = true },
            { name = "redirect_uri", type = "string", min = 1 },
            { name = "code_verifier", type = "string", min = 43, max = 128, secret = true },
            { name = "refresh_token", type = "string", min = 1, secret = true },
            { name = "device_code", type = "string", min = 1, secret = true },
            { name = "scope", type = "string" },
        },
    },
    response = {
        { name = "access_token", type = "string", required = true, secret = true },
        { name = "expires_in", type = "integer", required = true },
        { name = "refresh_token", type = "string", secret = true },
        { name = "refresh_token_expires_in", type = "integer" },
        { name = "token_type", type = "string" },
        { name = "scope", type = "string" },
    },
    codes = {
        20001, 20002, 20003, 20004, 20008, 20009, 20010, 20024, 20026, 20036, 20037, 20048,
        20049, 20050, 20063, 20064, 20065, 20066, 20067, 20068, 20069, 20070, 20071, 20072,
        20073, 20074,
    },
}
