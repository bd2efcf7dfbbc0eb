-- The categories of codes/generic.lua: what to do about a code that has no row of its own.
return {
    rate_limit = {
        kind = "rate_limited",
        hint = "Too many calls. Wait, then call more slowly.",
        hint_zh = "调用触发频率限制。请等待后放慢调用。",
    },
    quota = {
        kind = "quota_exhausted",
        hint = "A call quota is used up. Repeating does not help before it is renewed or raised.",
        hint_zh = "调用量上限已用完。在额度恢复或提升之前，重试无效。",
    },
    server = {
        kind = "service_error",
        hint = "The service failed. Try again later and, if it stays, report the log id.",
        hint_zh = "服务端故障。请稍后再试，若持续出现请附上日志 ID 反馈。",
    },
    token_refresh = {
        kind = "unauthenticated",
        hint = "The token is not valid any more. Get a new one.",
        hint_zh = "令牌已失效。请重新获取。",
    },
    token_missing = {
        kind = "unauthenticated",
        hint = "The request carried no token. Configure credentials for this client.",
        hint_zh = "请求未携带令牌。请为该客户端配置凭证。",
    },
    oauth_code = {
        kind = "login_required",
        hint = "The authorization code cannot be used. Start the login again.",
        hint_zh = "授权码不可用。请重新发起登录。",
    },
    oauth_refresh = {
        kind = "login_required",
        hint = "The login cannot be renewed. Let the user log in again.",
        hint_zh = "登录无法续期。请让用户重新登录。",
    },
    user_scope = {
        kind = "login_required",
        hint = "The user has not granted the scope. Ask for it in a new login.",
        hint_zh = "用户尚未授予该权限。请在重新登录时申请。",
    },
    app_credential = {
        kind = "app_setup",
        hint = "The app's credentials are not accepted. Compare them with the developer console.",
        hint_zh = "应用凭证未被接受。请对照开发者后台核对。",
    },
    app_status = {
        kind = "app_setup",
        hint = "The app is not installed, not enabled or not complete. Check its state in the "
            .. "console.",
        hint_zh = "应用未安装、未启用或配置不完整。请在后台查看其状态。",
    },
    ip_denied = {
        kind = "app_setup",
        hint = "This machine's address is not allowed. Add it to the app's IP list.",
        hint_zh = "本机 IP 不被允许。请将其加入应用的 IP 白名单。",
    },
    scope = {
        kind = "app_setup",
        hint = "The app lacks a scope. Add it in the developer console and publish a new version.",
        hint_zh = "应用缺少权限。请在开发者后台添加并发布新版本。",
    },
    forbidden = {
        kind = "permission_denied",
        hint = "This identity may not do this. Use another identity or have the right granted.",
        hint_zh = "当前身份无权执行此操作。请更换身份或申请授权。",
    },
    policy = {
        kind = "permission_denied",
        hint = "A policy of the tenant forbids this. Turn to its administrator.",
        hint_zh = "租户策略禁止此操作。请联系租户管理员。",
    },
    not_found = {
        kind = "not_found",
        hint = "What the call names does not exist or was deleted. Check the id.",
        hint_zh = "所指对象不存在或已删除。请检查 ID。",
    },
    param = {
        kind = "invalid_request",
        hint = "The request is not valid. Check its fields; the service's message may name the "
            .. "wrong one.",
        hint_zh = "请求无效。请检查各字段，服务返回的消息可能指明出错项。",
    },
    id = {
        kind = "invalid_request",
        hint = "An id is wrong, of another kind, or of another app or tenant. Check it together "
            .. "with its type parameter.",
        hint_zh = "ID 有误、类型不符，或属于其他应用或租户。请连同其类型参数一并检查。",
    },
    session = {
        kind = "rejected",
        hint = "The login session is not valid. Log in again.",
        hint_zh = "登录会话无效。请重新登录。",
    },
    business_contact = {
        kind = "rejected",
        hint = "The contact directory refused this. Read the service's message and the app's "
            .. "contact range.",
        hint_zh = "通讯录服务拒绝了该操作。请查看服务返回的消息与应用的通讯录权限范围。",
    },
    other = {
        kind = "rejected",
        hint = "The service refused the call. Read its message, and give the log id when you ask "
            .. "for support.",
        hint_zh = "服务拒绝了该调用。请查看其返回的消息；求助时请提供日志 ID。",
    },
}
