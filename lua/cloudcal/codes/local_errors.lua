-- Errors that have no number: found in this process, or in an answer without a known code.
return {
    no_primary_calendar = {
        kind = "not_found",
        hint = "The service returned no primary calendar for this identity. Open the calendar "
            .. "once with it, or use another identity.",
        hint_zh = "服务未返回该身份的主日历。请用该身份打开一次日历，或更换身份。",
    },
    exchange_sync_failed = {
        kind = "rejected",
        hint = "The binding exists, but its synchronisation failed. Check the Exchange account, "
            .. "delete the binding and create it again.",
        hint_zh = "绑定关系已建立，但同步失败。请检查 Exchange 账户，删除该绑定关系后重新创建。",
    },
    exchange_sync_late = {
        kind = "timeout",
        hint = "The synchronisation was still going on at the end of max_wait. Wait on with the "
            .. "same id; do not bind again.",
        hint_zh = "到达 max_wait 时同步仍在进行。请用同一 ID 继续等待，不要重复绑定。",
    },
    deadline_exceeded = {
        kind = "timeout",
        hint = "The time of the call was over before an answer came. Raise `timeout`, or look at "
            .. "`stage` for what took so long.",
        hint_zh = "调用时限已到，仍未得到结果。请调大 timeout，或根据 stage 查看耗时环节。",
    },
    own_rate_limit = {
        kind = "rate_limited",
        hint = "Nothing was sent: by the limits of the service the next call would have to wait "
            .. "longer than `max_wait`. Call again after `retry_after` seconds, or more slowly.",
        hint_zh = "请求未发出：按服务的频率限制，下一次调用的等待时间会超过 max_wait。"
            .. "请在 retry_after 秒后重试，或放慢调用。",
    },
    no_credentials = {
        kind = "unauthenticated",
        hint = "The client lacks what the message asks for: a user_access_token; or for a tenant "
            .. "app_id and app_secret, or a tenant_access_token.",
        hint_zh = "客户端缺少消息中所说的凭证：用户身份需要 user_access_token；应用身份需要 app_id 与 "
            .. "app_secret，或 tenant_access_token。",
    },
    token_function_failed = {
        kind = "unauthenticated",
        hint = "Your token function returned no token. Its own message is part of this error.",
        hint_zh = "你提供的取令牌函数未返回令牌，其消息已包含在本错误中。",
    },
    not_logged_in = {
        kind = "login_required",
        hint = "Let the user log in: client:login{...} in a script, authorization_url and "
            .. "exchange_code in a web server. Check `user` and `store` if they have.",
        hint_zh = "请让用户登录：脚本中用 client:login{...}，网站中用 authorization_url 与 "
            .. "exchange_code。若已登录，请核对 user 与 store。",
    },
    login_not_renewable = {
        kind = "login_required",
        hint = "The login came without a refresh token. Log in again with the scope "
            .. "offline_access, and switch the refreshing of user tokens on in the app's console.",
        hint_zh = "该登录没有刷新令牌。请以 offline_access 权限重新登录，"
            .. "并在应用后台开启刷新 user_access_token 的开关。",
    },
    login_expired = {
        kind = "login_required",
        hint = "The login has run out or was withdrawn. Let the user log in again.",
        hint_zh = "登录已过期或已被撤销，请让用户重新登录。",
    },
    login_lost = {
        kind = "login_required",
        hint = "A refresh token is good for one use, and what the service answered to it never "
            .. "arrived or was not stored. Let the user log in again.",
        hint_zh = "刷新令牌只能使用一次，而服务端对它的应答未收到或未保存。请让用户重新登录。",
    },
    login_busy = {
        kind = "timeout",
        hint = "Another process holds the lock of this login. Call again; if it stays, look for a "
            .. "process that was stopped.",
        hint_zh = "另一个进程持有该登录的锁。请重试；若一直如此，请检查是否有被挂起的进程。",
    },
    device_code_expired = {
        kind = "login_required",
        hint = "The code for the other device is good for a few minutes. Start the login again.",
        hint_zh = "设备授权码的有效期只有几分钟，请重新发起登录。",
    },
    expired_token = {
        kind = "login_required",
        hint = "The code for the other device has run out. Start the login again.",
        hint_zh = "设备授权码已过期，请重新发起登录。",
    },
    access_denied = {
        kind = "login_required",
        hint = "The user refused, or may not use the app. Ask the user, then start again.",
        hint_zh = "用户拒绝授权，或无权使用该应用。请与用户确认后重新发起登录。",
    },
    invalid_grant = {
        kind = "login_required",
        hint = "The code or the refresh token is unknown, used or too old. Start the login again.",
        hint_zh = "授权码或刷新令牌不存在、已使用或已过期，请重新发起登录。",
    },
    invalid_client = {
        kind = "app_setup",
        hint = "app_id and app_secret do not fit together. Copy both again from the developer "
            .. "console.",
        hint_zh = "app_id 与 app_secret 不匹配。请从开发者后台重新复制两者。",
    },
    authorization_pending = {
        kind = "login_required",
        hint = "The user has not answered yet.",
        hint_zh = "用户尚未完成授权。",
    },
    slow_down = {
        kind = "rate_limited",
        hint = "The service was asked too often whether the user has answered.",
        hint_zh = "查询用户授权结果过于频繁。",
    },
    oauth_refused = {
        kind = "rejected",
        hint = "The login was refused with a reason that is not in our tables. Read its message.",
        hint_zh = "登录被拒绝，且原因未收录。请查看其消息。",
    },
    invalid_redirect_uri = {
        kind = "invalid_request",
        hint = "Use the whole address, https://host/path, as it is registered in the console.",
        hint_zh = "请使用完整地址 https://host/path，并与应用后台登记的一致。",
    },
    missing_tenant_key = {
        kind = "invalid_request",
        hint = "A store app acts for one tenant at a time: give tenant_key in the call, or by "
            .. "client:with { tenant_key = ... }.",
        hint_zh = "商店应用每次只代表一个租户：请在调用中传入 tenant_key，"
            .. "或使用 client:with { tenant_key = ... }。",
    },
    app_ticket_missing = {
        kind = "app_setup",
        hint = "Hand each ticket that the platform pushes to client:set_app_ticket(ticket), in a "
            .. "store that all processes share.",
        hint_zh = "请把平台推送的每个 app_ticket 交给 client:set_app_ticket(ticket)，"
            .. "并使用各进程共享的存储。",
    },
    store_needed = {
        kind = "invalid_request",
        hint = "The client has store = false. Give it a store: cloudcal.stores.file(path), for "
            .. "example.",
        hint_zh = "客户端设置了 store = false。请为其指定存储，例如 cloudcal.stores.file(path)。",
    },
    shared_store_needed = {
        kind = "invalid_request",
        hint = "The memory store belongs to one worker. Use cloudcal.stores.nginx(dict) or "
            .. "cloudcal.stores.file(path).",
        hint_zh = "内存存储只属于一个 worker。请改用 cloudcal.stores.nginx(dict) 或 "
            .. "cloudcal.stores.file(path)。",
    },
    store_failed = {
        kind = "service_error",
        hint = "The store of this client cannot be read or written. The message says why.",
        hint_zh = "无法读写该客户端的存储，原因见消息。",
    },
    cannot_wait = {
        kind = "cannot_wait",
        hint = "A call here would block the nginx worker. Make it in an earlier phase, such as "
            .. "access_by_lua, or in a timer: ngx.timer.at(0, function() ... end).",
        hint_zh = "在此处调用会阻塞 nginx worker。请在更早的阶段（如 access_by_lua）中调用，"
            .. "或放到定时器中：ngx.timer.at(0, function() ... end)。",
    },
    wrong_path_or_base_url = {
        kind = "bad_response",
        hint = "The server has no such endpoint; this says nothing about the object. Check the "
            .. "path and base_url.",
        hint_zh = "服务器上没有该接口，与所查对象是否存在无关。请检查路径与 base_url。",
    },
    not_json = {
        kind = "bad_response",
        hint = "The answer is not JSON; a proxy or a login page may have answered. Look at `raw` "
            .. "and check base_url.",
        hint_zh = "响应不是 JSON，可能来自代理或登录页。请查看 raw 并检查 base_url。",
    },
    not_utf8 = {
        kind = "bad_response",
        hint = "The answer is not valid UTF-8. Look at `raw`, and report it with the log id.",
        hint_zh = "响应不是有效的 UTF-8。请查看 raw，并附上日志 ID 反馈。",
    },
    not_the_envelope = {
        kind = "bad_response",
        hint = "The answer is JSON, but not in the form that this service uses. Check base_url "
            .. "and the proxies between.",
        hint_zh = "响应是 JSON，但不符合该服务的格式。请检查 base_url 与中间代理。",
    },
    inexact_integer = {
        kind = "bad_response",
        hint = "The answer holds an integer beyond 2^53, which a Lua number may not keep exactly. "
            .. "Look at `raw`.",
        hint_zh = "响应中有超过 2^53 的整数，Lua 数字可能无法精确表示。请查看 raw。",
    },
    wrong_response_type = {
        kind = "bad_response",
        hint = "A value of the answer has another type than agreed, or is missing. Look at "
            .. "`body`, and report it with the log id.",
        hint_zh = "响应中某个值的类型与约定不符或缺失。请查看 body，并附上日志 ID 反馈。",
    },
    out_of_memory = {
        kind = "out_of_memory",
        hint = "Memory ran out. Give the process more, or handle less at once.",
        hint_zh = "内存不足。请增加可用内存，或减少同时处理的数据。",
    },
    signer_failed = {
        kind = "invalid_request",
        hint = "Your signer did not return a signature. It gets the timestamp and returns 32 "
            .. "hexadecimal digits.",
        hint_zh = "你提供的 signer 未返回签名。它接收时间戳，"
            .. "应返回 32 位十六进制字符串。",
    },
    http_unauthorized = {
        kind = "unauthenticated",
        hint = "The server asks for credentials and gave no reason. Check the token, and whether "
            .. "a proxy answered.",
        hint_zh = "服务器要求身份验证但未说明原因。请检查令牌，并确认是否由代理应答。",
    },
    http_forbidden = {
        kind = "permission_denied",
        hint = "The server forbids this and gave no reason. Check the rights of the identity, and "
            .. "whether a firewall answered.",
        hint_zh = "服务器拒绝访问但未说明原因。请检查身份权限，并确认是否由防火墙应答。",
    },
    http_too_many_requests = {
        kind = "rate_limited",
        hint = "The server asks for fewer calls. Wait for `retry_after` if it is set, then call "
            .. "more slowly.",
        hint_zh = "服务器要求降低调用频率。如有 retry_after 请按其等待，之后放慢调用。",
    },
    http_server_error = {
        kind = "service_error",
        hint = "The server, or a gateway before it, failed. Try again later if a second run does "
            .. "no harm.",
        hint_zh = "服务器或其网关出错。重复执行无害时，请稍后再试。",
    },
    clock_skew = {
        kind = "rejected",
        hint = "Youkong refused the call, and the clock of this machine is off by more than it "
            .. "allows. Set the clock right.",
        hint_zh = "有空日程云拒绝了调用，且本机时间偏差超出允许范围。请校准本机时间。",
    },
    youkong_refused = {
        kind = "rejected",
        hint = "Youkong refused the call. Read its message; check client_key, secret, environment "
            .. "and the ids that you sent.",
        hint_zh = "有空日程云拒绝了调用。请查看其消息，并核对 client_key、secret、"
            .. "environment 与所传 ID。",
    },
    invalid_account = {
        kind = "invalid_request",
        hint = "Hand over the table that generate_caldav_conf returned: it has server_address, "
            .. "user_name and password.",
        hint_zh = "请传入 generate_caldav_conf 返回的表，其中应有 server_address、user_name 与 "
            .. "password。",
    },
    file_not_written = {
        kind = "invalid_request",
        hint = "The file could not be written; the message says why. Its directory must exist and "
            .. "belong to you.",
        hint_zh = "文件无法写入，原因见消息。其所在目录须已存在且可写。",
    },
    caldav_unauthorized = {
        kind = "unauthenticated",
        hint = "The CalDAV server refused user name and password. The password may have been "
            .. "regenerated or withdrawn: call generate_caldav_conf again.",
        hint_zh = "CalDAV 服务器拒绝了用户名与密码。密码可能已被重新生成或撤销，"
            .. "请再次调用 generate_caldav_conf。",
    },
    caldav_forbidden = {
        kind = "permission_denied",
        hint = "The CalDAV server knows this user and forbids this. Ask the tenant's administrator "
            .. "whether CalDAV is allowed.",
        hint_zh = "CalDAV 服务器禁止该用户执行此操作。请向租户管理员确认是否允许使用 CalDAV。",
    },
    no_caldav_here = {
        kind = "bad_response",
        hint = "Nothing at this address speaks CalDAV. Check server_address, and whether a proxy "
            .. "or a login page answered.",
        hint_zh = "该地址上没有 CalDAV 服务。请检查 server_address，并确认是否由代理或登录页应答。",
    },
    caldav_collection_missing = {
        kind = "not_found",
        hint = "The CalDAV server named an address and does not find it itself. Open the calendar "
            .. "once in the app, then try again.",
        hint_zh = "CalDAV 服务器给出的地址在其自身上不存在。请先在应用中打开一次日历，再重试。",
    },
    not_xml = {
        kind = "bad_response",
        hint = "The answer is not XML, or was cut. Look at `raw`; a proxy may have answered.",
        hint_zh = "响应不是 XML 或不完整，可能由代理应答。请查看 raw。",
    },
    xml_refused = {
        kind = "bad_response",
        hint = "The XML holds what no CalDAV server needs and what could exhaust a reader. Make "
            .. "sure that server_address is right.",
        hint_zh = "响应的 XML 含有 CalDAV 不需要且可能耗尽资源的内容。请确认 server_address 正确。",
    },
    not_multistatus = {
        kind = "bad_response",
        hint = "A CalDAV server answers with 207 and a list of properties; this one does not. "
            .. "Check server_address and the proxies between.",
        hint_zh = "CalDAV 服务器应返回 207 与属性列表，而此处没有。请检查 server_address 与中间代理。",
    },
    no_principal = {
        kind = "bad_response",
        hint = "The server does not say who has logged in, which CalDAV asks for. Check "
            .. "server_address.",
        hint_zh = "服务器未返回当前登录用户，不符合 CalDAV 要求。请检查 server_address。",
    },
    no_calendar_home = {
        kind = "bad_response",
        hint = "The server knows the user and offers no calendars. It may be for contacts or files "
            .. "only; check server_address.",
        hint_zh = "服务器识别了该用户，但未提供日历，可能只用于联系人或文件。请检查 server_address。",
    },
    foreign_address = {
        kind = "bad_response",
        hint = "The password is for server_address only and was sent nowhere else. If you trust "
            .. "the other server, put its host into server_address.",
        hint_zh = "密码只会发送到 server_address，未发往别处。若信任对方服务器，"
            .. "请将其主机写入 server_address。",
    },
    too_many_redirects = {
        kind = "bad_response",
        hint = "The server redirects again and again. Check server_address and the proxies "
            .. "between.",
        hint_zh = "服务器不断重定向。请检查 server_address 与中间代理。",
    },
    unknown_code = {
        kind = "rejected",
        hint = "The service refused with a code that is not in our tables. Read its message, and "
            .. "give the log id when you ask for support.",
        hint_zh = "服务返回了未收录的错误码。请查看其消息；求助时请提供日志 ID。",
    },
    unknown_field = {
        kind = "invalid_request",
        hint = "This name is not a field of the endpoint. The message names the nearest one, if "
            .. "there is one.",
        hint_zh = "该名称不是此接口的字段。若有相近的字段名，消息中会给出。",
    },
    wrong_type = {
        kind = "invalid_request",
        hint = "The value has another Lua type than the field asks for.",
        hint_zh = "该值的 Lua 类型与字段要求不符。",
    },
    too_long = {
        kind = "invalid_request",
        hint = "Shorten the text; its length is counted in characters, not in bytes.",
        hint_zh = "请缩短文本；长度按字符计，而不是按字节计。",
    },
    too_short = {
        kind = "invalid_request",
        hint = "Give the field some text, or leave it out where it is optional.",
        hint_zh = "请填写该字段；若为可选字段，也可以不传。",
    },
    unknown_value = {
        kind = "invalid_request",
        hint = "Use one of the values that the message lists.",
        hint_zh = "请使用消息中列出的取值之一。",
    },
    missing_field = {
        kind = "invalid_request",
        hint = "The endpoint cannot do without this field.",
        hint_zh = "此接口必须提供该字段。",
    },
    unwanted_field = {
        kind = "invalid_request",
        hint = "This function does not take the field; the message says which one does.",
        hint_zh = "该函数不接受此字段；消息中会说明应使用哪个函数。",
    },
    filled_by_cloudcal = {
        kind = "invalid_request",
        hint = "Leave the field out; it is computed for each attempt.",
        hint_zh = "请不要传此字段；它由本库在每次发送时计算。",
    },
    invalid_utf8 = {
        kind = "invalid_request",
        hint = "Text must be UTF-8. Convert it before the call.",
        hint_zh = "文本必须是 UTF-8 编码，请在调用前转换。",
    },
    invalid_path = {
        kind = "invalid_request",
        hint = "A path begins with one slash and holds no query, fragment, space or dot segment.",
        hint_zh = "路径须以一个斜杠开头，不得含查询串、片段、空格或点段。",
    },
    invalid_header = {
        kind = "invalid_request",
        hint = "A header is one line of text, and those that cloudcal sets itself are reserved.",
        hint_zh = "请求头必须是单行文本；由本库设置的请求头不可覆盖。",
    },
    invalid_token = {
        kind = "invalid_request",
        hint = "A token is one word of ASCII. Look for a line end or a space around it.",
        hint_zh = "令牌应为不含空白的 ASCII 字符串，请检查首尾是否有换行或空格。",
    },
    wrong_token_kind = {
        kind = "invalid_request",
        hint = "The endpoint does not take this kind of token. Use an identity that it accepts.",
        hint_zh = "此接口不接受这类令牌，请改用其支持的身份。",
    },
    identity_unclear = {
        kind = "invalid_request",
        hint = "Both a user and a tenant identity are configured. Choose one with the option "
            .. "identity.",
        hint_zh = "同时配置了用户身份与应用身份，请用 identity 选项指定其一。",
    },
    not_for_tenants = {
        kind = "invalid_request",
        hint = "A tenant identity cannot ask for this value.",
        hint_zh = "应用身份不能使用该取值。",
    },
    not_sendable = {
        kind = "invalid_request",
        hint = "The value cannot be written as JSON without loss.",
        hint_zh = "该值无法无损地写成 JSON。",
    },
}
