-- What several endpoints have in common.
local BINDING_ID = "ZW1haWxfYWRtaW5fZXhhbXBsZUBvdXRsb29rLmNvbSBlbWFpbF9hY2NvdW50X2V4YW1wbGVAb3V0bG"
    .. "9vay5jb20="

local user_id_type = {
    name = "user_id_type", type = "string", default = "open_id",
    enum = { "open_id", "union_id", "user_id" },
    about = { en = "Which kind of user ID is sent and returned.",
              zh = "请求与响应中用户 ID 的类型。" },
}

return {
    app_id = { name = "app_id", type = "string", required = true, min = 1 },
    app_secret = { name = "app_secret", type = "string", required = true, min = 1, secret = true },
    user_id_type = user_id_type,
    binding_id = {
        name = "exchange_binding_id", type = "string", required = true, min = 1,
        example = BINDING_ID,
        about = { en = "ID of the binding, as create returned it.",
                  zh = "绑定关系的 ID，由创建接口返回。" },
    },
    data = {
        name = "data", type = "object", required = true, fields = {
            { name = "admin_account", type = "string",
              field_scope = "contact:user.email:readonly",
              example = "email_admin_example@outlook.com" },
            { name = "exchange_account", type = "string",
              field_scope = "contact:user.email:readonly",
              example = "email_account_example@outlook.com" },
            { name = "user_id", type = "string", example = "ou_xxxxxxxxxxxxxxxxxx" },
            { name = "status", type = "string", example = "doing",
              enum = { "doing", "cal_done", "timespan_done", "done", "err" } },
            { name = "exchange_binding_id", type = "string",
              example = BINDING_ID },
        },
    },
    field_scopes = {
        "contact:user.email:readonly", "contact:user.employee_id:readonly",
    },
    preconditions = { "super_administrator" },
    codes = {
        190002, 190003, 190004, 190005, 190006, 190007, 190010, 195100,
        195101, 195102, 195103, 195104, 195105, 195106,
    },
}
