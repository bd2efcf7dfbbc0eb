-- The options, one row each: { name, type for editors, default, en, zh }. Which names there are,
-- and what is accepted, is in lua/cloudcal/options.lua. A row "set.name" is for one set, where
-- the name means something else there.

local defaults = require("cloudcal.options").defaults
local sync = require("cloudcal.options").sync_defaults

local MEBIBYTE = 1024 * 1024

-- What the reference shows of the sets of lua/cloudcal/options.lua, in its order: { name of the
-- set, class for editors, titles }. both: what two sets have in common; without: what stands in
-- another set already; base: the class that has it; names: a set that is not in that file.
local sets = {
    { "common", both = { "platform", "youkong" }, class = "cloudcal.client_options",
      en = "Options of every client", zh = "所有客户端的选项" },
    { "platform", without = "youkong", base = "cloudcal.client_options",
      class = "cloudcal.platform_options",
      en = "Further options of `cloudcal.feishu` and `cloudcal.lark`",
      zh = "`cloudcal.feishu` 与 `cloudcal.lark` 另有的选项" },
    { "youkong", without = "platform", base = "cloudcal.client_options",
      class = "cloudcal.youkong_options", en = "Further options of `cloudcal.youkong`",
      zh = "`cloudcal.youkong` 另有的选项" },
    { "view", class = "cloudcal.view_options", en = "Further options of `client:with`",
      zh = "`client:with` 另有的选项" },
    { "call", class = "cloudcal.call_options", en = "Options of one call", zh = "单次调用的选项" },
    { "platform_call", without = "call", base = "cloudcal.call_options",
      class = "cloudcal.platform_call_options",
      en = "Further options of one call of Feishu and Lark", zh = "飞书与 Lark 的单次调用另有的选项" },
    { "authorization_url", class = "cloudcal.authorization_url_options",
      required = "redirect_uri", en = "`client:authorization_url`", zh = "`client:authorization_url`" },
    { "exchange_code", class = "cloudcal.exchange_code_options", required = "code",
      en = "`client:exchange_code`", zh = "`client:exchange_code`" },
    { "login", class = "cloudcal.login_options", required = "on_prompt", en = "`client:login`",
      zh = "`client:login`" },
    { "wait", class = "cloudcal.wait_options",
      base = "cloudcal.calendar.v4.exchange_binding.get.opts",
      names = { "max_wait", "interval", "on_progress" },
      en = "`client:wait_exchange_binding`, beside `user_id_type` and the options of a call",
      zh = "`client:wait_exchange_binding`，另有 `user_id_type` 与调用选项" },
    { "map", class = "cloudcal.map_options", names = { "concurrency", "on_progress", "stop_on" },
      en = "`cloudcal.map`", zh = "`cloudcal.map`" },
    { "redis", class = "cloudcal.redis_options", required = "connect", en = "`cloudcal.redis`",
      zh = "`cloudcal.redis`" },
    { "caldav_profile", class = "cloudcal.caldav.profile_options",
      en = "`cloudcal.caldav.profile` and `write_profile`",
      zh = "`cloudcal.caldav.profile` 与 `write_profile`" },
    { "caldav_check", class = "cloudcal.caldav.check_options", en = "`cloudcal.caldav.check`",
      zh = "`cloudcal.caldav.check`" },
}

local rows = {
    { "user_access_token", "string|(fun(request: cloudcal.token_request): string?, string?)",
      en = "The user's token, or a function that returns one, or nil and a message. It is called once per "
          .. "attempt and may yield; `request` is `{ refused, operation, user, tenant_key }`.",
      zh = "用户令牌；或返回令牌（或 nil 与消息）的函数，每次发送前调用一次，可以让出。`request` 为 "
          .. "`{ refused, operation, user, tenant_key }`。" },
    { "tenant_access_token", "string|(fun(request: cloudcal.token_request): string?, string?)",
      en = "The tenant's token, in the same way.", zh = "租户令牌，形式同上。" },
    { "app_id", "string", en = "App ID from the developer console; goes with `app_secret`.",
      zh = "开发者后台的 App ID，与 `app_secret` 一起提供。" },
    { "app_secret", "string|(fun(): string)", en = "App secret, or a function that returns it.",
      zh = "App Secret，或返回它的函数。" },
    { "app_type", '"custom"|"store"|"isv"', '`"custom"`', en = "Custom app or store app (`\"isv\"` means the same).",
      zh = "自建应用或商店应用（`\"isv\"` 同义）。" },
    { "identity", '"user"|"tenant"', en = "Whose token is used when both kinds are configured.",
      zh = "两种身份都已配置时使用哪一种：用户身份或应用身份。" },
    { "environment", '"sandbox"|"production"', en = "Which of the vendor's environments; required unless "
          .. "`base_url` is given.", zh = "服务方的沙箱环境或正式环境；未提供 `base_url` 时必填。" },
    { "client_key", "string", en = "The app's key. Left out, together with the secret, in `\"sandbox\"` only: then "
          .. "the vendor's published test account is used, which anybody can read.",
      zh = "应用的 ClientKey。仅在 `\"sandbox\"` 中可与密钥一起省略：此时使用服务方公开的测试账号，任何人都能读取其中的数据。" },
    { "secret", "string", en = "The app's secret.", zh = "应用的密钥。" },
    { "signer", "(fun(timestamp: integer): string?, string?)", en = "Instead of `secret`: returns the signature for a "
          .. "timestamp (seconds), or nil and a message; for programs that must not hold the secret.",
      zh = "代替 `secret`：按时间戳（秒）返回签名，或 nil 与消息；用于不能持有密钥的程序。" },
    { "timestamp_as", '"number"|"string"', '`"number"`', en = "How `Client.Timestamp` is sent; the vendor's documents "
          .. "contradict each other.", zh = "`Client.Timestamp` 的发送形式；服务方的文档自相矛盾。" },
    { "content_type", '"json"|"form"', '`"json"`', en = "The Content-Type that is named; the body is JSON in both cases.",
      zh = "声明的 Content-Type；两种情况下请求体都是 JSON。" },
    { "base_url", "string", en = "Scheme, host, port and an optional prefix of the path, https; wins over "
          .. "`environment`. The service's own if absent.",
      zh = "协议、主机、端口与可选的路径前缀，必须是 https；优先于 `environment`。默认为服务自己的地址。" },
    { "accounts_url", "string", en = "The host of the login pages: the service's own, or `base_url` when that is set.",
      zh = "登录页的主机：默认为服务自己的地址；设置了 `base_url` 时默认与其相同。" },
    { "allow_plain_http", "boolean", "`false`", en = "Lets `base_url` be http, to a loopback address only.",
      zh = "允许 `base_url` 使用 http，仅限回环地址。" },
    { "ca_file", "string", en = "Path of your own CA certificates (PEM); the system's store if absent. Certificates and "
          .. "host names are always verified.", zh = "自己的 CA 证书文件（PEM）；默认使用系统证书库。证书与主机名始终校验。" },
    { "ca_pem", "string", en = "The same as text, for hosts in a chroot; excludes `ca_file`.",
      zh = "同上，以文本给出，用于 chroot 中的宿主；不能与 `ca_file` 同时使用。" },
    { "proxy", "string", en = "`\"env\"`, or an address that begins with http://, https:// or socks5h://; credentials "
          .. "in it are kept secret. None if absent.",
      zh = "`\"env\"`，或以 http://、https://、socks5h:// 开头的地址，其中的凭证会保密。默认不使用代理。" },
    { "no_proxy", "string", en = "Hosts that are reached without the proxy, separated by commas.",
      zh = "不经代理访问的主机，以逗号分隔。" },
    { "timeout", "number", ("`%g`"):format(defaults.timeout), en = "Seconds for the whole call: token, DNS, every attempt "
          .. "and the pauses between. Waiting for our own rate limit is outside of it.",
      zh = "整个调用的秒数：令牌、DNS、每次发送以及其间的停顿。等待本地频率限制的时间不计入。" },
    { "connect_timeout", "number", ("`%g`"):format(defaults.connect_timeout), en = "Seconds for one connection.",
      zh = "建立一次连接的秒数。" },
    { "max_response_bytes", "integer", ("`%d`"):format(defaults.max_response_bytes),
      en = ("A longer answer is `too_large`; %g MiB."):format(defaults.max_response_bytes / MEBIBYTE),
      zh = ("更长的响应返回 `too_large`；默认 %g MiB。"):format(defaults.max_response_bytes / MEBIBYTE) },
    { "max_connections", "integer", ("`%d`"):format(defaults.max_connections), en = "Connections to one host.",
      zh = "到同一主机的连接数。" },
    { "http_version", '"1.1"|"2"', '`"1.1"`', en = "Version of HTTP.", zh = "HTTP 版本。" },
    { "retry", "cloudcal.retry|false",
      ("`{ max_attempts = %d, max_delay = %d }`"):format(defaults.max_attempts, defaults.max_delay),
      en = "How often a call is sent at most, and the longest pause between (seconds). A call that may have acted "
          .. "and is not safe to repeat is never sent again. `false` turns it off.",
      zh = "最多发送的次数，以及其间最长的停顿（秒）。可能已执行且重复不安全的调用绝不再次发送。`false` 关闭重试。" },
    { "rate_limit", "cloudcal.rate_limit|cloudcal.store|false",
      en = "`{ per_second, per_minute, max_wait = 60 }`, or a store that counts for several processes, or `false`. If "
          .. "absent, the limit of the endpoint; raw paths and Youkong have none. A call waits for its turn, at most "
          .. "`max_wait` seconds (in nginx 5), then it is `rate_limited`.",
      zh = "`{ per_second, per_minute, max_wait = 60 }`，或由多个进程共享的存储，或 `false`。默认按接口自身的限制；原始路径与"
          .. "有空日程云没有限制。调用排队等待，最多 `max_wait` 秒（nginx 中为 5 秒），之后返回 `rate_limited`。" },
    { "store", "cloudcal.store|false", en = "Where tokens live; one store in memory for the Lua state if absent. "
          .. "`false`: keep none.", zh = "令牌存放处；默认为当前 Lua 状态共用的内存存储。`false`：不保存。" },
    { "logger", "fun(level: cloudcal.log_level, message: string, fields: table)", en = "Gets the log lines, never a "
          .. "secret. `cloudcal.log.stderr`, `cloudcal.log.nginx`, or your own; one that fails is ignored. None if "
          .. "absent.", zh = "接收日志，绝不会得到敏感信息。`cloudcal.log.stderr`、`cloudcal.log.nginx` 或自己的函数；"
          .. "出错时忽略。默认没有。" },
    { "log_level", "cloudcal.log_level", '`"warn"`', en = "From which level on: `\"debug\"`, `\"info\"`, `\"warn\"`, "
          .. "`\"error\"`.", zh = "从哪个级别开始：`\"debug\"`、`\"info\"`、`\"warn\"`、`\"error\"`。" },
    { "language", '"en"|"zh"', '`"en"`', en = "Language of `tostring(err)`.", zh = "`tostring(err)` 的语言。" },
    { "user_agent", "string", en = "Text put in front of `cloudcal/<version>`.", zh = "加在 `cloudcal/<version>` 前面的文字。" },

    { "user", "string", en = "Whose login: the name under which it is kept, passed to a token function.",
      zh = "哪个用户的登录：保存时使用的名称，会传给取令牌函数。" },
    { "tenant_key", "string", en = "Which tenant, for store apps; passed to a token function.",
      zh = "哪个租户，用于商店应用；会传给取令牌函数。" },

    { "platform_call.identity", '"user"|"tenant"', en = "Whose token this call uses.", zh = "本次调用使用用户身份或应用身份。" },
    { "token", "string", en = "A literal token for this call; `t-` begins a tenant's.",
      zh = "本次调用使用的令牌；以 `t-` 开头的是租户令牌。" },
    { "call.timeout", "number", en = "As in the client, for this call.", zh = "同客户端选项，仅用于本次调用。" },
    { "headers", "table<string, string>", en = "Further headers; reserved ones such as Authorization are refused.",
      zh = "其他请求头；Authorization 等保留的请求头会被拒绝。" },
    { "call.retry", "cloudcal.retry|false", en = "As in the client, for this call.", zh = "同客户端选项，仅用于本次调用。" },
    { "raw", "boolean", "`false`", en = "Puts the text of the answer into `meta.raw`, secret fields masked.",
      zh = "把响应的文本放入 `meta.raw`，敏感字段已脱敏。" },

    { "redirect_uri", "string", en = "Address that the user's browser comes back to, as in the app's console.",
      zh = "浏览器返回的地址，须与应用后台的配置一致。" },
    { "scope", "string", en = "Scopes to ask for, separated by spaces.", zh = "要申请的权限，以空格分隔。" },
    { "state", "string", en = "What comes back with the code; made up if absent.", zh = "随授权码一并返回；未提供时自动生成。" },
    { "code_verifier", "string", en = "The secret of PKCE, 43 to 128 characters; made up by `authorization_url` if "
          .. "absent.", zh = "PKCE 的密钥，43 至 128 个字符；`authorization_url` 在未提供时自动生成。" },
    { "prompt", "string", en = "Passed on to the page, as the service documents it.", zh = "按服务文档原样传给授权页。" },
    { "code", "string", en = "The code that came to `redirect_uri`.", zh = "`redirect_uri` 收到的授权码。" },
    { "exchange_code.timeout", "number", en = "Seconds for the exchange.", zh = "换取令牌的秒数。" },
    { "login.timeout", "number", en = "Seconds for each request.", zh = "每个请求的秒数。" },
    { "login.on_prompt", "fun(prompt: cloudcal.prompt)",
      en = "Shows the user where to go: gets `{ user_code, verification_uri, verification_uri_complete, expires_in, "
          .. "interval }`.", zh = "告诉用户打开哪个页面：得到 `{ user_code, verification_uri, verification_uri_complete, "
          .. "expires_in, interval }`。" },

    { "max_wait", "number", ("`%g`"):format(sync.max_wait),
      en = "Seconds until it gives up with `timeout`.", zh = "多少秒之后放弃并返回 `timeout`。" },
    { "interval", "number", ("`%g`"):format(sync.interval), en = "Seconds between two looks.", zh = "两次查询之间的秒数。" },
    { "wait.on_progress", "fun(binding: cloudcal.calendar.v4.exchange_binding.get.response.data)",
      en = "Gets the binding after each look.", zh = "每次查询后得到绑定关系。" },
    { "concurrency", "integer", "`8`", en = "How many at a time.", zh = "同时进行的个数。" },
    { "map.on_progress", "fun(done: integer, total: integer, failed: integer)", en = "Gets the counts after each item.",
      zh = "每完成一项后得到计数。" },
    { "stop_on", "(fun(err: any): boolean?)", en = "True for an error after which no more are started.",
      zh = "返回 true 时不再开始新的项。" },

    { "connect", "(fun(): table?, string?)", en = "Returns a client such as redis-lua's or lua-resty-redis's, or nil "
          .. "and a message. Called at the first use, not before, and whenever there is no connection to go on with; "
          .. "in nginx each time, out of its pool.",
      zh = "返回 redis-lua、lua-resty-redis 等的客户端，或 nil 与原因。首次使用时才调用，之后在没有可用连接时调用；在 nginx 中每次都调用，"
          .. "连接取自连接池。" },
    { "prefix", "string", '`"cloudcal:"`', en = "What all keys begin with.", zh = "所有键的前缀。" },
    { "processes", "integer", "`4`", en = "How many processes share the rate while Redis is away.",
      zh = "Redis 不可用时由多少个进程分摊频率。" },

    { "name", "string", en = "Name of the account on the device; `CalDAV` and the host if absent.",
      zh = "账号在设备上的名称；默认为 `CalDAV` 加主机名。" },
    { "organization", "string", en = "Who hands out the profile.", zh = "发放描述文件的组织。" },
    { "description", "string", en = "What the device tells about the profile.", zh = "设备上显示的说明。" },
    { "identifier", "string", en = "Reverse DNS, such as `com.example.calendar`: a profile replaces one that has the same. "
          .. "Made of server and user if absent.",
      zh = "反向域名形式，如 `com.example.calendar`；新的描述文件会替换标识相同的旧文件。默认由服务器与用户名生成。" },
    { "principal", "string", en = "URL from the result of `check`, for devices that do not find it themselves.",
      zh = "`check` 结果中的 URL，用于自己找不到它的设备。" },

    { "caldav_check.timeout", "number", ("`%g`"):format(defaults.timeout), en = "Seconds for all requests together.",
      zh = "全部请求合计的秒数。" },
    { "caldav_check.max_response_bytes", "integer", "`2097152`", en = "A longer answer is `too_large`; 2 MiB.",
      zh = "更长的响应返回 `too_large`；默认 2 MiB。" },
    { "caldav_check.allow_plain_http", "boolean", "`false`",
      en = "Lets `server_address` begin with http://, for a loopback address only.",
      zh = "允许 `server_address` 以 http:// 开头，仅限回环地址。" },
}

return { sets = sets, rows = rows }
