-- What the token endpoints, the OAuth endpoints and the gateway in front of every endpoint
-- answer. `http` is absent where the status is not documented; decide by the code.
-- `token_refused`: forget this token and get another one. `sole`: the hints where the endpoint
-- takes no token of another kind.
return {
    [4001] = {
        name = "invalid_token", kind = "unauthenticated", token_refused = true,
        msg = "Invalid token, please refresh",
        hint = "The token is wrong or has run out. Get a new one.",
        hint_zh = "令牌错误或已过期。请重新获取。",
    },
    [10003] = {
        http = 200, name = "invalid_parameter", kind = "app_setup",
        msg = "invalid parameter",
        hint = "The app_id is wrong or a parameter is missing. Copy app_id from the developer "
            .. "console of this brand.",
        hint_zh = "app_id 有误或缺少参数。请从对应品牌的开发者后台复制 app_id。",
    },
    [10005] = {
        name = "app_id_unauthorized", kind = "app_setup",
        msg = "app id unauthorized",
        hint = "The app is not authorised in this tenant. Check app_id, tenant_key and the "
            .. "installation.",
        hint_zh = "该应用未获此租户授权。请核对 app_id、tenant_key 与安装状态。",
    },
    [10012] = {
        name = "app_access_token_failed", kind = "app_setup",
        msg = "get app access token fail",
        hint = "No app token was given out. For a store app the app_ticket is stale: have it sent "
            .. "again and store the new one.",
        hint_zh = "未能取得应用令牌。商店应用通常是 app_ticket 已失效："
            .. "请重新推送并保存新的 app_ticket。",
    },
    [10013] = {
        name = "tenant_access_token_failed", kind = "app_setup",
        msg = "get tenant access token fail",
        hint = "No tenant token was given out. Check the app's credentials and, for a store app, "
            .. "the tenant_key.",
        hint_zh = "未能取得租户令牌。请核对应用凭证；商店应用还需核对 tenant_key。",
    },
    [10014] = {
        name = "app_unauthorized", kind = "app_setup",
        msg = "app unauthorized",
        hint = "The app is switched off or was never enabled. Enable it in the admin console.",
        hint_zh = "应用已停用或尚未启用。请在管理后台启用。",
    },
    [10015] = {
        name = "wrong_app_secret", kind = "app_setup",
        msg = "wrong app secret",
        hint = "The app_secret does not fit the app_id. Copy it again from the developer console; "
            .. "it may have been reset.",
        hint_zh = "app_secret 与 app_id 不符。请从开发者后台重新复制，密钥可能已被重置。",
    },
    [20001] = {
        http = 400, name = "missing_parameter", kind = "invalid_request",
        msg = "The request is missing a required parameter.",
        hint = "The OAuth request is not complete. Compare it with what your grant type needs.",
        hint_zh = "缺少必填的 OAuth 参数。请对照所用的授权类型检查请求。",
    },
    [20002] = {
        http = 400, name = "invalid_client_secret", kind = "app_setup",
        msg = "The client secret is invalid.",
        hint = "app_id and app_secret do not fit together. Copy both again from the developer "
            .. "console.",
        hint_zh = "app_id 与 app_secret 不匹配。请从开发者后台重新复制两者。",
    },
    [20003] = {
        http = 400, name = "authorization_code_not_found", kind = "login_required",
        msg = "The authorization code is not found. Please note that an authorization code can "
            .. "only be used once.",
        hint = "This authorization code is unknown or was used before. Start the login again.",
        hint_zh = "该授权码不存在或已被使用。请重新发起登录。",
    },
    [20004] = {
        http = 400, name = "authorization_code_expired", kind = "login_required",
        msg = "The authorization code has expired.",
        hint = "The authorization code is too old; it lives for five minutes. Start the login "
            .. "again and exchange it at once.",
        hint_zh = "授权码已过期，其有效期为五分钟。请重新登录并立即兑换。",
    },
    [20005] = {
        name = "invalid_access_token", kind = "unauthenticated", token_refused = true,
        msg = "invalid access_token",
        hint = "The access token is not valid. Get a new one, and check that nothing was cut off "
            .. "when it was stored.",
        hint_zh = "访问令牌无效。请重新获取，并确认保存时未被截断。",
    },
    [20006] = {
        name = "user_access_token_expired", kind = "unauthenticated", token_refused = true,
        msg = "过期 User Access Token",
        hint = "The user token has run out. Refresh it, or let the user log in again.",
        hint_zh = "用户令牌已过期。请刷新，或让用户重新登录。",
    },
    [20007] = {
        name = "access_token_not_generated", kind = "login_required",
        msg = "generate access_token fail",
        hint = "The code or refresh token was used before or is too old. Start the login again.",
        hint_zh = "授权码或刷新令牌已被使用或已过期。请重新发起登录。",
    },
    [20008] = {
        http = 400, name = "user_does_not_exist", kind = "permission_denied",
        msg = "The user does not exist.",
        hint = "The user who authorised is not known. Check whether the account still exists in "
            .. "the tenant.",
        hint_zh = "找不到授权的用户。请确认该账号仍在租户中。",
    },
    [20009] = {
        http = 400, name = "app_not_installed", kind = "app_setup",
        msg = "The specified app is not installed.",
        hint = "This tenant has not installed the app. One of its administrators can do so.",
        hint_zh = "该租户尚未安装此应用。请联系租户管理员安装。",
    },
    [20010] = {
        http = 400, name = "user_may_not_use_app", kind = "permission_denied",
        msg = "The user does not have permission to use this app.",
        hint = "The user is outside the app's availability range. Ask an administrator to add the "
            .. "user.",
        hint_zh = "该用户不在应用的可用范围内。请联系管理员将其加入。",
    },
    [20013] = {
        name = "invalid_tenant_access_token", kind = "unauthenticated", token_refused = true,
        msg = "The tenant access token passed is invalid. Please check the value.",
        hint = "The tenant token is not valid. Get a new one.",
        hint_zh = "租户令牌无效。请重新获取。",
    },
    [20014] = {
        name = "invalid_app_access_token", kind = "unauthenticated", token_refused = true,
        msg = "校验 app_access_token 失败",
        hint = "The app token is not valid. Get a new one.",
        hint_zh = "应用令牌无效。请重新获取。",
    },
    [20021] = {
        name = "user_resigned", kind = "permission_denied",
        msg = "user resigned",
        hint = "The user has left the company. Remove the stored login.",
        hint_zh = "该用户已离职。请删除其保存的登录信息。",
    },
    [20022] = {
        name = "user_frozen", kind = "permission_denied",
        msg = "user frozen",
        hint = "The user's account is frozen. An administrator can lift this.",
        hint_zh = "该用户账号已被冻结，需由管理员解除。",
    },
    [20023] = {
        name = "user_not_registered", kind = "permission_denied",
        msg = "user not registered",
        hint = "The user has not activated the account yet. It must be activated first.",
        hint_zh = "该用户尚未激活账号。请先完成激活。",
    },
    [20024] = {
        http = 400, name = "client_id_mismatch", kind = "app_setup",
        msg = "The provided authorization code or refresh token does not match the provided "
            .. "client ID.",
        hint = "The code or refresh token was issued to another app. Use the credentials of the "
            .. "app that the user logged in to.",
        hint_zh = "授权码或刷新令牌由其他应用签发。请使用用户登录时所用应用的凭证。",
    },
    [20026] = {
        http = 400, name = "invalid_refresh_token", kind = "login_required",
        msg = "The refresh token passed is invalid. Please check the value.",
        hint = "The refresh token is not valid here; tokens of the older OAuth version are not "
            .. "taken. Let the user log in again.",
        hint_zh = "刷新令牌无效，旧版 OAuth 签发的令牌在此不可用。请让用户重新登录。",
    },
    [20036] = {
        http = 400, name = "unsupported_grant_type", kind = "invalid_request",
        msg = "The specified grant_type is not supported.",
        hint = "This grant_type does not exist. Use authorization_code or refresh_token.",
        hint_zh = "不支持该 grant_type。请使用 authorization_code 或 refresh_token。",
    },
    [20037] = {
        http = 400, name = "refresh_token_expired", kind = "login_required",
        msg = "The refresh token passed has expired. Please generate a new one.",
        hint = "The refresh token has run out. Let the user log in again.",
        hint_zh = "刷新令牌已过期。请让用户重新登录。",
    },
    [20046] = {
        http = 200, name = "brand_mismatch", kind = "app_setup",
        msg = "Brand inconsistency",
        hint = "The app belongs to the other brand. Use cloudcal.feishu for Feishu apps and "
            .. "cloudcal.lark for Lark apps.",
        hint_zh = "应用属于另一品牌。飞书应用请用 cloudcal.feishu，Lark 应用请用 cloudcal.lark。",
    },
    [20048] = {
        http = 400, name = "app_does_not_exist", kind = "app_setup",
        msg = "The specified app does not exist.",
        hint = "No app has this app_id. Copy it again from the developer console of the right "
            .. "brand.",
        hint_zh = "没有该 app_id 对应的应用。请从对应品牌的开发者后台重新复制。",
    },
    [20049] = {
        http = 400, name = "pkce_challenge_failed", kind = "login_required",
        msg = "PKCE code challenge failed.",
        hint = "The code_verifier does not fit this login. Keep the verifier with the login's "
            .. "state and start the login again.",
        hint_zh = "code_verifier 与本次登录不符。请将其与登录的 state 一同保存，并重新发起登录。",
    },
    [20050] = {
        http = 500, name = "oauth_server_error", kind = "service_error",
        msg = "An unexpected server error occurred. Please retry your request.",
        hint = "The login service failed for a moment. Try again shortly.",
        hint_zh = "登录服务暂时故障。请稍后重试。",
    },
    [20063] = {
        http = 400, name = "malformed_request", kind = "invalid_request",
        msg = "The request is malformed. Please check your request.",
        hint = "The token request lacks a field or is not well formed; the service's message "
            .. "names it.",
        hint_zh = "令牌请求缺少字段或格式不正确，具体见服务返回的消息。",
    },
    [20064] = {
        http = 400, name = "refresh_token_revoked", kind = "login_required",
        msg = "The refresh token has been revoked. Please note that a refresh token can only be "
            .. "used once.",
        hint = "The refresh token was revoked. Let the user log in again, and never refresh one "
            .. "login from two places.",
        hint_zh = "刷新令牌已被撤销。请让用户重新登录，并避免在多处刷新同一登录。",
    },
    [20065] = {
        http = 400, name = "authorization_code_used", kind = "login_required",
        msg = "The authorization code has been used. Please note that an authorization code can "
            .. "only be used once.",
        hint = "The authorization code was exchanged before. Start the login again and exchange "
            .. "each code once.",
        hint_zh = "授权码已被兑换过。请重新发起登录，每个授权码只兑换一次。",
    },
    [20066] = {
        http = 400, name = "invalid_user_status", kind = "permission_denied",
        msg = "The user status is invalid.",
        hint = "The state of the user's account does not allow a login. Ask an administrator to "
            .. "look at it.",
        hint_zh = "该用户账号的状态不允许登录。请联系管理员查看。",
    },
    [20067] = {
        http = 400, name = "duplicate_scopes", kind = "invalid_request",
        msg = "The provided scope list contains duplicate scopes. Please ensure all scopes are "
            .. "unique.",
        hint = "The scope list names one scope twice. Remove the repetition.",
        hint_zh = "同一权限在 scope 中出现了多次。请去重。",
    },
    [20068] = {
        http = 400, name = "scopes_not_granted", kind = "login_required",
        msg = "The provided scope list contains scopes that are not permitted. Please ensure all "
            .. "scopes are allowed.",
        hint = "You asked for a scope that the user has not granted. Send the user through a "
            .. "login that asks for it.",
        hint_zh = "请求了用户尚未授予的权限。请引导用户重新授权，并在授权时申请该权限。",
    },
    [20069] = {
        http = 400, name = "app_not_enabled", kind = "app_setup",
        msg = "The specified app is not enabled.",
        hint = "Enable the app in the admin console; it is switched off.",
        hint_zh = "应用未启用。请在管理后台启用。",
    },
    [20070] = {
        http = 400, name = "multiple_authentication_methods", kind = "invalid_request",
        msg = "Multiple authentication methods were provided. Please only use one to proceed.",
        hint = "Send the client credentials once: in the body or in the Authorization header, not "
            .. "in both.",
        hint_zh = "客户端凭证只应传一次：放在请求体或 Authorization 请求头中，不可同时使用。",
    },
    [20071] = {
        http = 400, name = "redirect_uri_mismatch", kind = "invalid_request",
        msg = "The provided redirect URI does not match the one used during authorization.",
        hint = "Exchange the code with the same redirect_uri that the authorization link had, to "
            .. "the letter.",
        hint_zh = "兑换授权码时的 redirect_uri 必须与授权链接中的完全一致。",
    },
    [20072] = {
        http = 503, name = "oauth_temporarily_unavailable", kind = "service_error",
        msg = "The server is temporarily unavailable. Please retry your request.",
        hint = "The login service cannot answer now. Repeat the request in a few seconds.",
        hint_zh = "登录服务正忙或维护中。请过一会儿再发起请求。",
    },
    [20073] = {
        http = 400, name = "refresh_token_used", kind = "login_required",
        msg = "The refresh token has been used. Please note that a refresh token can only be used "
            .. "once.",
        hint = "A refresh token works once, and this one was used. Let the user log in again and "
            .. "store each new one at once.",
        hint_zh = "刷新令牌只能使用一次，此令牌已用过。请让用户重新登录，"
            .. "并及时保存每次返回的新令牌。",
    },
    [20074] = {
        http = 400, name = "refresh_not_allowed", kind = "app_setup",
        msg = "The specified app is not allowed to refresh token.",
        hint = "Switch on the refreshing of user tokens in the app's security settings and "
            .. "publish a new version.",
        hint_zh = "请在应用的安全设置中开启刷新用户令牌的开关，并发布新版本。",
    },
    [21000] = {
        name = "access_challenge_required", kind = "permission_denied",
        msg = "access denied by access control policy; challenge required",
        hint = "The tenant's access policy asks the user for a further proof. Open the challenge "
            .. "link of the answer, then repeat.",
        hint_zh = "租户的访问策略要求用户额外验证。请打开响应中的验证链接，完成后重试。",
    },
    [21001] = {
        name = "access_policy_denied", kind = "permission_denied",
        msg = "access denied by access control policy",
        hint = "The tenant's access policy forbids this. Only an administrator of the tenant can "
            .. "change it.",
        hint_zh = "租户的访问策略禁止此操作。只有租户管理员可以调整。",
    },
    [230027] = {
        name = "permission_missing", kind = "app_setup",
        msg = "Lack of necessary permissions, ext=requires … scope.",
        hint = "The app lacks the scope that the service's message names. Add it in the developer "
            .. "console and publish.",
        hint_zh = "应用缺少服务消息中所列的权限。请在开发者后台添加并发布。",
    },
    [99991201] = {
        http = 404, name = "path_not_found", kind = "invalid_request",
        msg = "resource not find",
        hint = "No endpoint has this path. Check the path and base_url.",
        hint_zh = "该路径没有对应的接口。请检查路径与 base_url。",
    },
    [99991400] = {
        http = 429, name = "request_rate_limited", kind = "rate_limited",
        msg = "request trigger frequency limit",
        hint = "Too many calls to this endpoint. Wait for the seconds in `retry_after`, or back "
            .. "off when there are none.",
        hint_zh = "触发频率限制。请按 retry_after 的秒数等待；没有该值时逐步延长间隔。",
    },
    [99991401] = {
        name = "ip_denied", kind = "app_setup",
        msg = "ip %s is denied by app setting",
        hint = "This machine's address is not on the app's IP list. Add it in the developer "
            .. "console.",
        hint_zh = "本机出口 IP 不在应用的 IP 白名单中。请在开发者后台添加。",
    },
    [99991403] = {
        name = "monthly_quota_exceeded", kind = "quota_exhausted",
        msg = "This month's API call quota has been exceeded",
        hint = "The tenant's call quota of this month is used up; repeating does not help. Wait "
            .. "for next month or raise the plan.",
        hint_zh = "租户本月的调用量上限已用完，重试无效。请等待下月，或升级版本。",
    },
    [99991543] = {
        name = "invalid_app_credentials", kind = "app_setup",
        msg = "login_user invalid",
        hint = "No app fits this app_id and app_secret. Copy both again from the developer "
            .. "console.",
        hint_zh = "没有与该 app_id、app_secret 对应的应用。请从开发者后台重新复制。",
    },
    [99991661] = {
        http = 400, name = "token_missing", kind = "unauthenticated",
        msg = "Need a token",
        hint = "The request carried no token. Configure an app or a token, and check that no "
            .. "proxy removes the Authorization header.",
        hint_zh = "请求未携带令牌。请配置应用凭证或令牌，并确认代理未移除 Authorization 请求头。",
    },
    [99991662] = {
        name = "app_disabled", kind = "app_setup",
        msg = "app not in use",
        hint = "The app is disabled. Enable it in the admin console.",
        hint_zh = "应用已被禁用。请在管理后台启用。",
    },
    [99991663] = {
        http = 400, name = "tenant_token_refused", kind = "unauthenticated", token_refused = true,
        msg = "Invalid access token for authorization. Please make a request with token attached",
        hint = "The tenant token has run out, or this endpoint takes no tenant token. If a fresh "
            .. "token is refused too, use identity = \"user\".",
        hint_zh = "租户令牌已过期，或该接口不接受应用身份。若换新令牌后仍被拒绝，"
            .. "请改用 identity = \"user\"。",
        sole = {
            token = "tenant",
            hint = "The tenant token has run out or is wrong, and this endpoint takes no other "
                .. "kind. Get a new one, or give app_id and app_secret.",
            hint_zh = "租户令牌已过期或有误，而该接口只接受应用身份。请换取新令牌，"
                .. "或配置 app_id 与 app_secret。",
        },
    },
    [99991664] = {
        name = "app_token_refused", kind = "unauthenticated", token_refused = true,
        msg = "invalid app token",
        hint = "The app token is not valid. Get a new one.",
        hint_zh = "应用令牌无效。请换取新的令牌。",
    },
    [99991665] = {
        name = "tenant_code_refused", kind = "unauthenticated", token_refused = true,
        msg = "invalid tenant code",
        hint = "The tenant token is not valid for this tenant. Get a new one and check tenant_key.",
        hint_zh = "租户令牌对该租户无效。请重新获取并核对 tenant_key。",
    },
    [99991668] = {
        http = 400, name = "user_token_refused", kind = "unauthenticated", token_refused = true,
        msg = "Invalid access token for authorization. Please make a request with token attached.",
        hint = "The user token has run out, or this endpoint takes no user token. If a fresh "
            .. "token is refused too, use identity = \"tenant\".",
        hint_zh = "用户令牌已过期，或该接口不接受用户身份。若换新令牌后仍被拒绝，"
            .. "请改用 identity = \"tenant\"。",
        sole = {
            token = "user",
            hint = "The user token has run out or is wrong, and this endpoint takes no other "
                .. "kind. Give a fresh one, or let the user log in again.",
            hint_zh = "用户令牌已过期或有误，而该接口只接受用户身份。请换用新令牌，"
                .. "或让用户重新登录。",
        },
    },
    [99991669] = {
        name = "invalid_user_refresh_token", kind = "login_required",
        msg = "invalid user refresh token",
        hint = "The stored refresh token is not valid any more. Let the user log in again.",
        hint_zh = "保存的刷新令牌已失效。请让用户重新登录。",
    },
    [99991670] = {
        name = "invalid_sso_token", kind = "rejected",
        msg = "invalid sso token",
        hint = "A single sign-on token is of no use here. Call with a tenant or user token.",
        hint_zh = "此处不能使用 SSO 令牌。请使用租户令牌或用户令牌调用。",
    },
    [99991671] = {
        name = "invalid_token_format", kind = "unauthenticated", token_refused = true,
        msg = "Invalid token: must start with t-/u-",
        hint = "This does not look like an access token. Check that it is whole and that no "
            .. "app_secret or refresh token stands in its place.",
        hint_zh = "这不是访问令牌的格式。请确认内容完整，且没有误填 app_secret 或刷新令牌。",
    },
    [99991672] = {
        http = 400, name = "app_scope_missing", kind = "app_setup",
        msg = "Access denied. One of the following scopes is required",
        hint = "The app lacks a scope; `violations` names it. Add it in the developer console and "
            .. "publish a new version.",
        hint_zh = "应用缺少权限，详见 violations。请在开发者后台添加并发布新版本。",
    },
    [99991673] = {
        name = "app_not_available", kind = "app_setup",
        msg = "unauthorized app",
        hint = "The tenant cannot use this app. Have an administrator install it there and enable "
            .. "it.",
        hint_zh = "应用在该租户中不可用。请确认已在该租户安装并启用。",
    },
    [99991674] = {
        name = "user_type_not_supported", kind = "permission_denied",
        msg = "user type not support",
        hint = "This endpoint is closed to users of this type. Call with the account of a regular "
            .. "member.",
        hint_zh = "该接口不对此类用户开放。请使用普通成员账号调用。",
    },
    [99991675] = {
        name = "invalid_user_format", kind = "invalid_request",
        msg = "parse user error",
        hint = "The user id has the wrong form. Make it agree with user_id_type.",
        hint_zh = "用户 ID 格式不对。请使其与 user_id_type 一致。",
    },
    [99991676] = {
        name = "token_no_permission", kind = "permission_denied",
        msg = "token no permission",
        hint = "The token does not carry the right to do this. Check the scopes that the app has "
            .. "and that the user granted.",
        hint_zh = "该令牌没有相应权限。请检查应用已开通以及用户已授予的权限。",
    },
    [99991677] = {
        name = "user_token_expired", kind = "unauthenticated", token_refused = true,
        msg = "token expire",
        hint = "The user token has run out. Refresh it, or let the user log in again.",
        hint_zh = "用户令牌已到期。请刷新，或让用户重新登录。",
    },
    [99991679] = {
        name = "user_scope_missing", kind = "login_required",
        msg = "Unauthorized. You do not have permission to perform the requested operation on the "
            .. "resource. Please request user re-authorization and try again.",
        hint = "The user has not granted this scope, and a refresh adds none. Send the user "
            .. "through a new login with the scopes in `violations`.",
        hint_zh = "用户未授予该权限，刷新令牌无济于事。请按 violations 中的权限引导用户重新授权。",
    },
    [99992402] = {
        name = "field_validation_failed", kind = "invalid_request",
        msg = "field validation failed",
        hint = "A field was refused; `violations` says which one and why.",
        hint_zh = "字段校验未通过，具体字段与原因见 violations。",
    },
}
