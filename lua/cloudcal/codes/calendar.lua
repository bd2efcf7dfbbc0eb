-- What the calendar endpoints answer. `msg` is the service's own string, letter by letter
-- (195101 is spelled like that there); the hints are ours.
return {
    [190002] = {
        http = 400, name = "invalid_parameters", kind = "invalid_request",
        msg = "invalid parameters in request",
        hint = "The service refused a field. Compare each value with the endpoint's reference: "
            .. "name, type, length, and ids that still exist.",
        hint_zh = "服务拒绝了某个字段。请对照接口参考逐项核对名称、类型与长度，"
            .. "以及所传 ID 是否仍有效。",
    },
    [190003] = {
        http = 500, name = "internal_service_error", kind = "service_error",
        msg = "internal service error",
        hint = "The service failed, not your request. Repeat it later if a second run does no "
            .. "harm; if it stays, report the log id.",
        hint_zh = "服务端故障，与请求内容无关。重复执行无害时可稍后再发；若持续出现，"
            .. "请附上日志 ID 反馈。",
    },
    [190004] = {
        http = 429, name = "method_rate_limited", kind = "rate_limited",
        msg = "method rate limited",
        hint = "This endpoint was called too often. Wait, then call it more slowly or lower "
            .. "`rate_limit`.",
        hint_zh = "该接口触发频率限制。请等待后放慢调用，或调低 rate_limit。",
    },
    [190005] = {
        http = 429, name = "app_rate_limited", kind = "rate_limited",
        msg = "app rate limited",
        hint = "The app as a whole called too often. Wait, and spread the calls of all its "
            .. "processes over time.",
        hint_zh = "应用整体触发频率限制。请等待，并将该应用各进程的调用错开。",
    },
    [190006] = {
        http = 403, name = "wrong_unit_for_app_tenant", kind = "app_setup",
        msg = "wrong unit for app tenant",
        hint = "App and tenant do not belong together. Compare app_id and app_secret with the "
            .. "developer console, and the client with the brand (Feishu or Lark).",
        hint_zh = "应用与租户不匹配。请对照开发者后台核对 app_id 与 app_secret，"
            .. "并确认使用了对应品牌（飞书或 Lark）的客户端。",
    },
    [190007] = {
        http = 404, name = "app_bot_id_not_found", kind = "app_setup",
        msg = "app bot_id not found",
        hint = "Add the bot capability to the app in the developer console and publish a new "
            .. "version.",
        hint_zh = "请在开发者后台为应用添加机器人能力，并发布新版本。",
    },
    [190010] = {
        http = 429, name = "current_operation_rate_limited", kind = "rate_limited",
        msg = "current operation rate limited",
        hint = "Another call is working on the same data. Wait a moment and send fewer calls in "
            .. "parallel.",
        hint_zh = "有其他调用正在操作同一数据。请稍候再试，并减少并发。",
    },
    [195100] = {
        http = 404, name = "user_not_in_tenant", kind = "rejected",
        msg = "user is dismiss or not exist in the tenant",
        hint = "The user left the tenant or was never in it. Call with a token, or name a user, "
            .. "of an active member.",
        hint_zh = "该用户已离开或从未加入该租户。请改用在职成员的令牌或用户 ID。",
    },
    [195101] = {
        http = 403, name = "not_super_administrator", kind = "permission_denied",
        msg = "user is not supper administrator",
        hint = "Only a super administrator of the tenant may do this. Use the user token of such "
            .. "an account.",
        hint_zh = "仅租户超级管理员可执行此操作。请使用超级管理员账号的用户令牌。",
    },
    [195102] = {
        http = 400, name = "invalid_exchange_binding_id", kind = "invalid_request",
        msg = "exchange_binding_id invalid",
        hint = "Pass the exchange_binding_id exactly as the create call returned it, with its `=` "
            .. "signs.",
        hint_zh = "请原样传入创建绑定关系时返回的 exchange_binding_id，包括末尾的等号。",
    },
    [195103] = {
        http = 404, name = "exchange_binding_not_found", kind = "not_found",
        msg = "exchange account binding is not found",
        hint = "There is no such binding: it was deleted, or the id is of another tenant. Create "
            .. "it again if it is needed.",
        hint_zh = "不存在该绑定关系：可能已删除，或该 ID 属于其他租户。如有需要请重新创建。",
    },
    [195104] = {
        http = 403, name = "tenant_not_matched", kind = "rejected",
        msg = "current tenant not match",
        hint = "The Exchange administrator is bound to another tenant. Use that tenant's user "
            .. "token, or its own admin_account.",
        hint_zh = "该 Exchange 管理员账户绑定在另一租户。请使用该租户的用户令牌，"
            .. "或改用本租户的 admin_account。",
    },
    [195105] = {
        http = 403, name = "admin_account_binding_failed", kind = "rejected",
        msg = "admin account binding failed",
        hint = "The tenant's connection to the Exchange administrator is broken. Bind that "
            .. "account anew in the admin console first.",
        hint_zh = "租户与 Exchange 管理员账户的连接已失效。请先在管理后台重新绑定该账户。",
    },
    [195106] = {
        http = 404, name = "admin_account_not_found", kind = "invalid_request",
        msg = "admin account is not found",
        hint = "No such Exchange administrator. Check admin_account for typing errors and that "
            .. "the admin console lists it.",
        hint_zh = "找不到该 Exchange 管理员账户。请检查 admin_account 的拼写，"
            .. "并确认已在管理后台登记。",
    },
    [191000] = {
        http = 404, name = "calendar_not_found", kind = "not_found",
        msg = "calendar not found",
        hint = "No calendar has this id. List the calendars of this identity and take the id from "
            .. "there.",
        hint_zh = "没有该 ID 对应的日历。请列出当前身份的日历，从中取得 ID。",
    },
    [191001] = {
        http = 400, name = "invalid_calendar_id", kind = "invalid_request",
        msg = "invalid calendar_id",
        hint = "This is not the form of a calendar id. Pass it as the service returned it, "
            .. "unshortened.",
        hint_zh = "日历 ID 格式不对。请完整传入服务返回的 ID。",
    },
    [191002] = {
        http = 403, name = "no_calendar_access", kind = "permission_denied",
        msg = "no calendar access_role",
        hint = "This identity may not read the calendar. Ask its owner to share it, or call with "
            .. "the owner's identity.",
        hint_zh = "当前身份无权访问该日历。请让其所有者共享，或改用所有者的身份调用。",
    },
    [191003] = {
        http = 403, name = "calendar_deleted", kind = "not_found",
        msg = "calendar is deleted",
        hint = "The calendar was deleted. Drop the stored id and look up a current one.",
        hint_zh = "该日历已被删除。请清除已保存的 ID，并重新查询。",
    },
    [191004] = {
        http = 403, name = "invalid_calendar_type", kind = "invalid_request",
        msg = "invalid calendar type",
        hint = "This operation does not take calendars of this type. Look at the calendar's "
            .. "`type` before you call.",
        hint_zh = "该操作不支持此类型的日历。调用前请查看日历的 type 字段。",
    },
}
