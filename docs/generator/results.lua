-- What calls give back: the fields of errors and of meta, and small records.
-- A field: { name, type for editors, en, zh }; a type that ends in "?" may be absent.

local results = {}

results.kinds = require "cloudcal.codes.kinds"

results.error = {
    { "kind", "cloudcal.kind", en = "What sort of failure.", zh = "失败的类别。" },
    { "code", "integer|string?", en = "The service's number; Youkong's value as sent.", zh = "服务的错误码；有空日程云为其原值。" },
    { "name", "string?", en = "Symbolic name from the code tables; for transport errors libcurl's.",
      zh = "错误码表中的符号名；传输错误为 libcurl 的名称。" },
    { "message", "string", en = "One line, ours.", zh = "我们的说明，一行文字。" },
    { "msg", "string?", en = "The service's own text.", zh = "服务的原文。" },
    { "hint", "string?", en = "What to do about it.", zh = "该怎么办（英文）。" },
    { "hint_zh", "string?", en = "The same in Chinese.", zh = "该怎么办（中文）。" },
    { "http_status", "integer?", en = "As answered.", zh = "HTTP 状态码。" },
    { "log_id", "string?", en = "The service's log id: give it to the vendor's support.", zh = "日志 ID：求助时请提供。" },
    { "retry_after", "number?", en = "Seconds after which the service, or our own limit, wants to be asked again.",
      zh = "服务端或本地限制要求的等待秒数。" },
    { "field", "string?", en = "The field that is wrong, as a path of the mirror: `body.device_name`, "
          .. "`query.user_id_type`, `Calendar.CalendarName`.",
      zh = "有问题的字段，以镜像的路径表示：`body.device_name`、`query.user_id_type`、`Calendar.CalendarName`。" },
    { "acted", '"no"|"maybe"|"yes"', en = "`\"no\"`: it never left, or the service refused before acting. `\"maybe\"`: "
          .. "it left and no readable verdict came. `\"yes\"`: the service said success, the answer is unusable.",
      zh = "`\"no\"`：没有发出，或在执行之前被拒绝。`\"maybe\"`：已发出，但没有得到明确结论。`\"yes\"`：服务端返回成功，但响应不可用。" },
    { "retryable", "boolean", en = "The same call may succeed, and it is safe to send it again.",
      zh = "同样的调用可能成功，并且重复发送是安全的。" },
    { "gave_up", "string?", en = "Why there was no further attempt.", zh = "为什么没有再次发送。" },
    { "stage", '"check"|"token"|"rate_limit"|"call"', en = "Where it failed: checking the request, getting a token, "
          .. "our own limit, or the call itself.", zh = "失败的环节：检查请求、获取令牌、本地频率限制，或调用本身。" },
    { "service", "string?", en = "`\"feishu\"`, `\"lark\"`, `\"youkong\"`, or `\"caldav\"` in errors of `cloudcal.caldav`.",
      zh = "`\"feishu\"`、`\"lark\"`、`\"youkong\"`；`cloudcal.caldav` 的错误为 `\"caldav\"`。" },
    { "operation", "string", en = "Which call it was: `\"calendar.v4.calendar.primary\"`.",
      zh = "是哪一个调用：`\"calendar.v4.calendar.primary\"`。" },
    { "violations", "table[]?", en = "Fields or permissions that Feishu and Lark object to.",
      zh = "飞书与 Lark 指出的字段或权限问题。" },
    { "helps", "table[]?", en = "Links that Feishu and Lark give.", zh = "飞书与 Lark 给出的链接。" },
    { "troubleshooter", "string?", en = "Address of a page about this failure.", zh = "排查该错误的页面地址。" },
    { "body", "any", en = "The decoded answer, if there was one; secret fields masked.", zh = "解码后的响应（如果有），敏感字段已脱敏。" },
    { "raw", "string?", en = "Else the first 4 KiB of what came.", zh = "没有可解码的响应时，收到内容的前 4 KiB。" },
    { "traceback", "string?", en = "In `task:result()`: where the function raised.", zh = "仅在 `task:result()` 中：异常发生的位置。" },
}

results.meta = {
    { "status", "integer?", en = "HTTP status of the last answer.", zh = "最后一次响应的 HTTP 状态码。" },
    { "headers", "table<string, string>?", en = "Its headers: names in lower case, repeats joined by commas.",
      zh = "响应头：名称为小写，重复的以逗号相连。" },
    { "log_id", "string?", en = "The service's log id.", zh = "日志 ID。" },
    { "request_id", "string?", en = "The header x-request-id.", zh = "响应头 x-request-id。" },
    { "attempts", "integer", en = "How often the call was sent.", zh = "发送的次数。" },
    { "elapsed", "number", en = "Seconds from the call to its result.", zh = "从调用到得到结果的秒数。" },
    { "waited", "number", en = "Seconds of it in pauses: for our own rate limit, and between attempts.",
      zh = "其中停顿的秒数：等待本地频率限制，以及两次发送之间。" },
    { "timings", "cloudcal.timings?", en = "Seconds of the last attempt: `dns`, `connect`, `tls`, `first_byte`, `total`.",
      zh = "最后一次发送的各阶段秒数：`dns`、`connect`、`tls`、`first_byte`、`total`。" },
    { "id_changed", "true?", en = "Youkong answered with another CalendarId than the one sent: keep the answered one.",
      zh = "有空日程云返回的 CalendarId 与发送的不同：请保存返回的 ID。" },
    { "clock_skew", "number?", en = "Seconds that Youkong's clock is ahead of ours; the call was signed anew with it.",
      zh = "有空日程云的时间比本机快的秒数；调用已用校正后的时间重新签名。" },
    { "already_gone", "true?", en = "A repeated delete found that an earlier attempt had worked.",
      zh = "重复的删除发现较早的一次发送已经成功。" },
    { "raw", "string?", en = "Text of the answer, with the call option `raw`.", zh = "响应的文本，需使用调用选项 `raw`。" },
    { "state", "string?", en = "Of `authorization_url`: keep it in the user's session.",
      zh = "仅 `authorization_url`：请保存在用户会话中。" },
    { "code_verifier", "string?", en = "Of `authorization_url`: keep it, for `exchange_code`.",
      zh = "仅 `authorization_url`：请保存，供 `exchange_code` 使用。" },
}

-- What cloudcal.caldav takes and finds.
results.caldav_account = {
    { "server_address", "string", en = "A host, with or without a port, a path, or `https://`.",
      zh = "主机名，可带端口、路径或 `https://`。" },
    { "user_name", "string?", en = "Needed for all but `address`.", zh = "除 `address` 外都需要。" },
    { "password", "string?", en = "Likewise. `check` sends it to `server_address` only.",
      zh = "同上。`check` 只把它发送到 `server_address`。" },
}

results.caldav_found = {
    { "principal", "string", en = "URL of the user on the server; also an option of `profile`.",
      zh = "用户在服务器上的 URL；也可用作 `profile` 的选项。" },
    { "home", "string", en = "URL under which the calendars are; the first, if there are several.",
      zh = "日历所在的 URL；有多个时为第一个。" },
    { "calendars", "cloudcal.caldav.calendar[]", en = "Those that a device would show.", zh = "设备上会显示的日历。" },
}

results.caldav_calendar = {
    { "href", "string", en = "URL of the calendar.", zh = "日历的 URL。" },
    { "name", "string", en = "As the server shows it; else the last part of the URL.",
      zh = "服务器上的名称；没有时取 URL 的最后一段。" },
    { "components", "string[]", en = "What it holds, such as `VEVENT`; empty if the server does not tell.",
      zh = "日历中的内容，如 `VEVENT`；服务器未说明时为空。" },
    { "color", "string?", en = "As the server tells it.", zh = "颜色，与服务器返回的一致。" },
    { "ctag", "string?", en = "Changes with each change of the calendar, as the server tells it.",
      zh = "日历每次变化后随之改变，与服务器返回的一致。" },
}

-- The fields of a journal.
results.journal = {
    { "entries", "table[]", en = "What had been written before it was opened, in order.",
      zh = "打开之前已写入的条目，按先后顺序。" },
    { "torn", "integer", en = "Bytes of an unfinished entry at the end that were cut off; 0 if there was none.",
      zh = "末尾未写完而被截去的字节数；没有则为 0。" },
    { "path", "string", en = "Path of the file.", zh = "文件路径。" },
}

-- Classes that editors want to know and no table has.
results.records = {
    { "cloudcal.timings", fields = {
        { "dns", "number" }, { "connect", "number" }, { "tls", "number" },
        { "first_byte", "number" }, { "total", "number" } } },
    { "cloudcal.explanation", fields = {
        { "code", "integer" }, { "name", "string" }, { "kind", "cloudcal.kind" },
        { "msg", "string?" }, { "http_status", "integer?" }, { "hint", "string" },
        { "hint_zh", "string" } } },
    { "cloudcal.token_request", fields = {
        { "refused", "string?", en = "The token that the service has just refused." },
        { "operation", "string" }, { "user", "string?" }, { "tenant_key", "string?" } } },
    { "cloudcal.retry", fields = {
        { "max_attempts", "integer?" }, { "max_delay", "number?", en = "Seconds." } } },
    { "cloudcal.rate_limit", fields = {
        { "per_second", "number?" }, { "per_minute", "number?" },
        { "max_wait", "number?", en = "Seconds." } } },
    { "cloudcal.limit", fields = { { "count", "integer" }, { "seconds", "number" } } },
    { "cloudcal.login", fields = {
        { "user", "string?" }, { "scope", "string?" }, { "expires_in", "number" },
        { "refresh_expires_in", "number" } } },
    { "cloudcal.prompt", fields = {
        { "user_code", "string" }, { "verification_uri", "string" },
        { "verification_uri_complete", "string?" }, { "expires_in", "integer?" },
        { "interval", "integer?" } } },
    { "cloudcal.caldav.account", fields = results.caldav_account },
    { "cloudcal.caldav.found", fields = results.caldav_found },
    { "cloudcal.caldav.calendar", fields = results.caldav_calendar },
}

-- What require("cloudcal.sandbox").start returns.
results.ready = {
    { "ca_file", "string", en = "Path of its CA, for the option `ca_file`.", zh = "其 CA 的路径，用于选项 `ca_file`。" },
    { "pid", "integer", en = "Number of its process.", zh = "进程号。" },
    { "feishu", "table<string, string>", en = "`base_url` and credentials: `app_id`, `app_secret`, "
          .. "`user_access_token`, `tenant_access_token`, `app_ticket`, `tenant_key`, `open_id`, and the tokens of users "
          .. "who are no administrator or have no calendar.",
      zh = "`base_url` 与凭证：`app_id`、`app_secret`、`user_access_token`、`tenant_access_token`、`app_ticket`、"
          .. "`tenant_key`、`open_id`，以及非管理员用户、没有日历的用户的令牌。" },
    { "lark", "table<string, string>", en = "The same for Lark.", zh = "同上，用于 Lark。" },
    { "youkong", "table<string, string>", en = "`base_url`, `client_key`, `secret`, `profile_id`.",
      zh = "`base_url`、`client_key`、`secret`、`profile_id`。" },
    { "stop", "fun()", en = "Ends it.", zh = "结束沙箱。" },
}

return results
