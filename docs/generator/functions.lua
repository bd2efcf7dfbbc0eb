-- The public functions. English comes from the docstrings in lua/; what stands here is what a
-- docstring does not say: the types, for editors, and the Chinese. A row:
--   { owner, name, params = { { name, type } }, result = type | returns = { { type, name } },
--     operation =, zh = text | { text, [parameter] = text, returns = text } }
-- owner: one of generator/walk.lua. result: of a call, which returns result, err, meta. operation:
-- the endpoint it wraps; then "$" in a type is its class.
-- A type that ends in "?" may be absent. generic: the name that stands for any one type.

-- What generate_caldav_conf returns, or a table like it
local ACCOUNT = "cloudcal.caldav.account|cloudcal.calendar.v4.setting.generate_caldav_conf.response.data"

local rows = {
    -- cloudcal
    { "cloudcal", "feishu", params = { { "given", "cloudcal.platform_options" } },
      returns = { { "cloudcal.feishu", "client" } },
      zh = { "创建飞书客户端。不做任何 I/O。", given = "选项，见下文“选项”一节",
             returns = "客户端；选项有误时抛出异常，指向调用处，并写明是哪个选项" } },
    { "cloudcal", "lark", params = { { "given", "cloudcal.platform_options" } },
      returns = { { "cloudcal.lark", "client" } },
      zh = { "创建 Lark 客户端。不做任何 I/O。", given = "选项，见下文“选项”一节",
             returns = "客户端；选项有误时抛出异常，指向调用处，并写明是哪个选项" } },
    { "cloudcal", "youkong", params = { { "given", "cloudcal.youkong_options" } },
      returns = { { "cloudcal.youkong", "client" } },
      zh = { "创建有空日程云客户端。不做任何 I/O。", given = "选项，见下文“选项”一节",
             returns = "客户端；选项有误时抛出异常，指向调用处，并写明是哪个选项" } },
    { "cloudcal", "map", generic = "T",
      params = { { "items", "T[]" }, { "fn", "(fun(item: T, i: integer): any, any, any)" },
                 { "options", "cloudcal.map_options?" } },
      returns = { { "table", "results" }, { "table<integer, any>?", "errors" } },
      zh = { "对每一项调用 fn(item, i)，同时进行若干个，结果保持原有顺序。", items = "数组",
             fn = "返回结果，或 nil 与错误", options = "见“选项”一节",
             returns = "按下标排列的结果，results.n 为总数；以及 nil，或按下标排列的错误。"
                 .. "未开始的项得到 cancelled 错误。fn 抛出异常时取消其余各项，并再次抛出" } },
    { "cloudcal", "loop", params = {}, returns = { { "cloudcal.loop", "loop" } },
      zh = { "创建循环，任务在其中并发执行。同一 Lua 状态中的所有循环共用一个引擎。", returns = "循环" } },
    { "cloudcal", "sleep", params = { { "seconds", "number" } },
      returns = { { "true?", "fine" }, { "cloudcal.error?", "err" } },
      zh = { "按宿主的方式等待：脚本中阻塞，任务中让出，nginx 中让出轻线程。", seconds = "秒",
             returns = "true；否则为 nil 与错误：宿主不能等待时为 cannot_wait，任务已取消时为 cancelled" } },
    { "cloudcal", "assert", generic = "T",
      params = { { "value", "T?" }, { "err", "any?" }, { "...", "any" } },
      returns = { { "T", "value" }, { "any", "err" }, { "any", "meta" } },
      zh = { "值为真时原样返回全部参数；否则以一行文字抛出错误，任何版本的 Lua 都能显示。",
             value = "调用的结果", err = "调用的错误", returns = "全部参数" } },
    { "cloudcal", "explain", params = { { "code", "integer|string" } },
      returns = { { "cloudcal.explanation?", "explanation" } },
      zh = { "离线解释飞书与 Lark 的错误码。", code = "数字（如 190004），或由数字组成的字符串",
             returns = "{ code, name, kind, msg, http_status, hint, hint_zh }；错误码表中没有时为 nil" } },
    { "cloudcal", "pretty", params = { { "value", "any" } }, returns = { { "string", "text" } },
      zh = { "把值变成便于阅读的文字，敏感字段已脱敏。", value = "任意值", returns = "多行文字" } },
    { "cloudcal", "redis", params = { { "given", "cloudcal.redis_options" } },
      returns = { { "cloudcal.store", "store" } },
      zh = { "保存在 Redis 服务器中的存储，由多个进程、多台机器共享：用作 `store` 保存令牌，用作 `rate_limit` 统计调用次数。"
                 .. "同一 Lua 状态中的所有客户端共用一个对象即可；若各用一个，Redis 不可用时便会各自计数。"
                 .. "每次往返最多 0.1 秒，超时后的一秒内视为不可用：令牌重新获取，登录不续期，每个进程按份额使用频率。"
                 .. "使用 LuaSocket 的客户端在此期间会阻塞整个进程，包括循环；lua-resty-redis 只阻塞当前轻线程。"
                 .. "`connect` 本身的时长不受限制，请为它设置不超过 0.1 秒的超时；若超过，当次调用不使用 Redis。"
                 .. "需要 fork 的进程请在首次使用之前 fork：连接不能共用。",
             given = "connect：返回 redis-lua 或 lua-resty-redis 等客户端的函数，失败时返回 nil 与原因，或抛出异常；"
                 .. "prefix：所有键的前缀，默认 \"cloudcal:\"；processes：Redis 不可用时由多少个进程分摊频率，默认 4",
             returns = "存储；首次使用时才建立连接" } },
    { "cloudcal", "journal", params = { { "path", "string" } },
      returns = { { "cloudcal.journal?", "journal" }, { "string?", "problem" } },
      zh = { "打开记录文件；不存在时新建，仅当前用户可访问。打开期间，本机上无法再次打开同一文件。",
             path = "文件路径，所在目录必须已存在",
             returns = "记录文件对象：`entries` 为之前写入的条目，按先后顺序；`torn` 为末尾未写完而被截去的字节数；"
                 .. "或 nil 与原因" } },

    -- CalDAV
    { "cloudcal.caldav", "address", params = { { "account", ACCOUNT } },
      returns = { { "string?", "address" }, { "cloudcal.error?", "err" } },
      zh = { "DAVx⁵、Thunderbird 等应用要求填写的地址。",
             account = "{ server_address, … }，即 generate_caldav_conf 的结果",
             returns = '形如 "https://host/" 的 URL；或 nil 与错误' } },
    { "cloudcal.caldav", "profile",
      params = { { "account", ACCOUNT }, { "given", "cloudcal.caldav.profile_options?" } },
      returns = { { "string?", "profile" }, { "cloudcal.error?", "err" } },
      zh = { "生成 iPhone、iPad 与 Mac 的描述文件。其中含有密码，只能交给用户本人。"
                 .. "同一服务器、同一用户的新描述文件会替换旧的。",
             account = "{ server_address, user_name, password, … }",
             given = "name（账号在设备上的名称）、organization、description、identifier（反向域名，如 "
                 .. '"com.example.calendar"）、principal（取自 check 的结果）、language',
             returns = ".mobileconfig 文件的文本；或 nil 与错误" } },
    { "cloudcal.caldav", "write_profile",
      params = { { "account", ACCOUNT }, { "path", "string" },
                 { "given", "cloudcal.caldav.profile_options?" } },
      returns = { { "true?", "fine" }, { "cloudcal.error?", "err" } },
      zh = { "把描述文件写入只有当前用户可读的文件（权限 0600）。",
             account = "{ server_address, user_name, password, … }",
             path = "文件路径，扩展名宜为 .mobileconfig；已有的文件会被替换", given = "同 profile",
             returns = "true；或 nil 与错误" } },
    { "cloudcal.caldav", "check",
      params = { { "account", ACCOUNT }, { "given", "cloudcal.caldav.check_options?" } },
      result = "cloudcal.caldav.found",
      zh = { "登录 CalDAV 服务器，列出设备上会显示的日历。密码只发送到 server_address；"
                 .. "重定向到其他服务器时返回错误。需要 lua-expat。",
             account = "{ server_address, user_name, password, … }",
             given = "timeout（全部请求合计）、connect_timeout、ca_file 或 ca_pem、proxy、no_proxy、retry、"
                 .. "max_response_bytes（2 MiB）、user_agent、logger、log_level、language；server_address 以 "
                 .. "http:// 开头且为回环地址时另需 allow_plain_http",
             returns = "{ principal, home, calendars = { { href, name, components, color, ctag }, … } }、nil、meta；"
                 .. "或 nil、err、meta。principal、home 与 href 是 URL；components 如 { \"VEVENT\" }，服务器未说明时为空；"
                 .. "color 与 ctag 与服务器返回的一致" } },

    -- where tokens live
    { "cloudcal.stores", "memory", params = {}, returns = { { "cloudcal.store", "store" } },
      zh = { "当前 Lua 状态中的存储，与各客户端共用的默认存储相互独立。", returns = "存储" } },
    { "cloudcal.stores", "file", params = { { "path", "string" } },
      returns = { { "cloudcal.store", "store" } },
      zh = { "保存在单个文件中的存储，由本机同一用户的所有进程共享，进程结束后令牌仍然保留。"
                 .. "它不统计调用次数。文件仅该用户可访问，若他人也能访问则拒绝使用。"
                 .. "锁在持有它的进程结束时释放；超过秒数后，在该进程下一次操作时释放。",
             path = "文件路径，所在目录必须已存在", returns = "存储；使用之前不打开任何文件" } },
    { "cloudcal.stores", "nginx", params = { { "dict", "table" } },
      returns = { { "cloudcal.store", "store" } },
      zh = { "保存在 nginx 共享字典中的存储，所有 worker 可见。", dict = "如 ngx.shared.cloudcal",
             returns = "存储" } },

    -- loggers
    { "cloudcal.log", "stderr", params = { { "level", "cloudcal.log_level" }, { "message", "string" },
                                           { "fields", "table<string, any>" } }, returns = {},
      zh = { "把日志逐行写到标准错误输出的 logger。", level = '"debug"、"info"、"warn"、"error"',
             message = "一行文字", fields = "按名称排列的细节" } },
    { "cloudcal.log", "nginx", params = { { "level", "cloudcal.log_level" }, { "message", "string" },
                                          { "fields", "table<string, any>" } }, returns = {},
      zh = { "写入 nginx 错误日志的 logger。", level = '"debug"、"info"、"warn"、"error"',
             message = "一行文字", fields = "按名称排列的细节" } },

    -- every client
    { "client", "request", params = { { "given", "cloudcal.raw_request" } }, result = "table",
      zh = { "调用该服务的任意接口，令牌、重试与错误处理均相同。",
             given = "method、path、query（表）、body（表或 JSON 字符串）、repeatable；有空日程云另有 "
                 .. "user_code；以及调用选项", returns = "响应体、nil、meta；或 nil、err、meta" } },
    { "client", "with", params = { { "changes", "cloudcal.platform_view|cloudcal.youkong_view" } },
      returns = { { "self", "client" } },
      zh = { "返回选项不同的客户端，开销很小；连接、令牌与频率限制仍然共享。",
             changes = "构造函数的任意选项，以及 tenant_key、user", returns = "客户端" } },
    { "client", "warm_up", params = {}, result = "true",
      zh = { "加载证书库并建立连接：用于加载画面与程序启动。", returns = "true、nil、meta；或 nil、err、meta" } },

    -- Feishu and Lark
    { "platform", "generate_caldav_conf", operation = "calendar.v4.setting.generate_caldav_conf",
      params = { { "body", "$.body?" }, { "opts", "$.opts?" } }, result = "$.response.data",
      zh = { "为当前用户生成 CalDAV 账号。", body = "{ device_name }，最多 100 个字符",
             opts = "调用选项",
             returns = "{ password, user_name, server_address, device_name }、nil、meta；或 nil、err、meta。"
                 .. "密码只在结果中，不会出现在日志、错误与 meta 里" } },
    { "platform", "create_exchange_binding", operation = "calendar.v4.exchange_binding.create",
      params = { { "body", "$.body?" }, { "opts", "$.opts?" } }, result = "$.response.data",
      zh = { "将 Exchange 账户绑定到用户。调用者必须是超级管理员。",
             body = "{ admin_account, exchange_account, user_id }", opts = "{ user_id_type } 与调用选项",
             returns = '绑定关系、nil、meta；或 nil、err、meta。status 起初为 "doing"' } },
    { "platform", "get_exchange_binding", operation = "calendar.v4.exchange_binding.get",
      params = { { "id", "string" }, { "opts", "$.opts?" } }, result = "$.response.data",
      zh = { "查询绑定关系。", id = "创建时返回的 exchange_binding_id", opts = "{ user_id_type } 与调用选项",
             returns = "绑定关系、nil、meta；或 nil、err、meta" } },
    { "platform", "wait_exchange_binding", operation = "calendar.v4.exchange_binding.get",
      params = { { "id", "string" }, { "opts", "cloudcal.wait_options?" } },
      result = "$.response.data",
      zh = { "等待绑定关系的首次同步完成。因暂时原因失败的查询会重复进行，直到 max_wait 用完。",
             id = "exchange_binding_id",
             opts = "{ max_wait = 600, interval = 2（秒）, on_progress = function(binding), "
                 .. "user_id_type } 与调用选项",
             returns = "绑定关系、nil、meta；或 nil、err、meta。同步失败为 rejected，名称 "
                 .. "exchange_sync_failed；超过时限为 timeout；err.body 是最后一次看到的绑定关系" } },
    { "platform", "delete_exchange_binding", operation = "calendar.v4.exchange_binding.delete",
      params = { { "id", "string" }, { "opts", "$.opts?" } }, result = "true",
      zh = { "解除 Exchange 账户的绑定。", id = "exchange_binding_id", opts = "调用选项",
             returns = "true、nil、meta；或 nil、err、meta。meta.already_gone 表示本次调用中较早的一次发送"
                 .. "已经完成了解除" } },
    { "platform", "primary_calendar", operation = "calendar.v4.calendar.primary",
      params = { { "opts", "$.opts?" } }, result = "$.response.data.calendars",
      zh = { "查询应用或用户的主日历。", opts = "{ user_id_type } 与 identity 等调用选项",
             returns = "{ calendar, user_id }、nil、meta；或 nil、err、meta。没有主日历的身份得到 not_found，"
                 .. "名称 no_primary_calendar" } },
    { "platform", "authorization_url", params = { { "given", "cloudcal.authorization_url_options" } },
      result = "string",
      zh = { "生成授权页的地址，用户在该页授权应用代表其操作。同时申请 offline_access，"
                 .. "否则登录在两小时后失效；使用 PKCE。",
             given = "{ redirect_uri, scope（以空格分隔，最多 50 个）, state, code_verifier, prompt }；"
                 .. "state 与 code_verifier 未提供时自动生成",
             returns = "地址、nil、meta；请把 meta.state 与 meta.code_verifier 保存在用户会话中，"
                 .. "直到收到授权码；或 nil、err、meta" } },
    { "platform", "exchange_code", params = { { "given", "cloudcal.exchange_code_options" } },
      result = "cloudcal.login",
      zh = { "用回调到 redirect_uri 的授权码换取登录，并保存在 store 中。授权码在五分钟内有效，只能使用一次。",
             given = "{ code, redirect_uri, code_verifier, user（登录的名称，同选项 user）, tenant_key, "
                 .. "timeout（秒） }",
             returns = "{ user, scope, expires_in, refresh_expires_in（秒） }、nil、meta；或 nil、err、meta" } },
    { "platform", "login", params = { { "given", "cloudcal.login_options" } },
      result = "cloudcal.login",
      zh = { "让用户在任意设备上打开页面完成登录，并保存在 store 中：用于没有网站服务的脚本。一直等到用户答复。",
             given = "{ scope, on_prompt = function(p), user, tenant_key, timeout（每个请求的秒数） }；"
                 .. "p 为 { user_code, verification_uri, verification_uri_complete, expires_in, "
                 .. "interval（秒） }",
             returns = "同 exchange_code；用户拒绝或未答复时为 login_required，名称 access_denied 或 "
                 .. "device_code_expired" } },
    { "platform", "set_app_ticket", params = { { "ticket", "string" } }, result = "true",
      zh = { "保存商店应用的 app_ticket，平台每小时向应用的事件地址推送一次。",
             ticket = "该事件的 event.app_ticket", returns = "true、nil、meta；或 nil、err、meta" } },
    { "platform", "resend_app_ticket", params = {}, result = "true",
      zh = { "请求平台重新推送商店应用的 app_ticket。", returns = "true、nil、meta；或 nil、err、meta" } },

    -- Youkong
    { "youkong", "put_calendar", operation = "allinone.putcalendar",
      params = { { "user_code", "string" }, { "calendar", "$.Calendar" },
                 { "opts", "cloudcal.call_options?" } }, result = "$.response.Data",
      zh = { "创建或更新日历，由表的内容决定：有 CalendarId 则更新，有 ProfileId 则作用于该第三方渠道。",
             user_code = "你方平台的用户编号，最多 100 个字符；不存在时会新建用户",
             calendar = "{ CalendarName（必填）, CalendarId, ProfileId, … }，名称与服务一致",
             opts = "调用选项",
             returns = "{ CalendarId }、nil、meta；或 nil、err、meta。meta.id_changed 表示返回的 ID 与"
                 .. "发送的不同：请保存返回的 ID" } },
    { "youkong", "create_calendar", operation = "allinone.putcalendar",
      params = { { "user_code", "string" }, { "calendar", "$.Calendar" },
                 { "opts", "cloudcal.call_options?" } }, result = "$.response.Data",
      zh = { "创建日历；不接受 CalendarId。结构与错误同 put_calendar。", user_code = "你方平台的用户编号",
             calendar = "{ CalendarName（必填）, ProfileId, … }", opts = "调用选项",
             returns = "{ CalendarId }、nil、meta；或 nil、err、meta" } },
    { "youkong", "update_calendar", operation = "allinone.putcalendar",
      params = { { "user_code", "string" }, { "calendar", "$.Calendar" },
                 { "opts", "cloudcal.call_options?" } }, result = "$.response.Data",
      zh = { "更新日历；必须提供 CalendarId。结构与错误同 put_calendar。", user_code = "你方平台的用户编号",
             calendar = "{ CalendarId（必填）, CalendarName（必填）, ProfileId, … }", opts = "调用选项",
             returns = "{ CalendarId }、nil、meta；或 nil、err、meta" } },

    -- loops and tasks
    { "loop", "spawn", params = { { "fn", "function" }, { "...", "any" } },
      returns = { { "cloudcal.task", "task" } },
      zh = { "启动任务。", fn = "从下一步起运行，并得到其余参数", returns = "任务，有 done()、result() 与 cancel()" } },
    { "loop", "step", params = { { "seconds", "number?" } }, returns = { { "integer", "live" } },
      zh = { "让任务继续执行这么长时间，等待绝不超过它。在任务中调用会抛出异常。", seconds = "秒，默认 0",
             returns = "尚未结束的任务数" } },
    { "loop", "run", params = {}, returns = {},
      zh = { "运行到所有任务结束。在任务中调用会抛出异常。" } },
    { "loop", "fd", params = {}, returns = { { "integer?", "fd" } },
      zh = { "一个描述符：某次收发需要处理时它变为可读（水平触发）；系统没有 epoll 时为 nil。其余由 timeout() 给出。",
             returns = "描述符，或 nil" } },
    { "loop", "timeout", params = {}, returns = { { "number?", "seconds" } },
      zh = { "距离下一步的秒数。", returns = "秒；没有等待时为 nil" } },
    { "loop", "pollfd", params = {}, returns = { { "integer?", "fd" } },
      zh = { "同 fd，供 cqueues 使用。", returns = "描述符，或 nil" } },
    { "loop", "getfd", params = {}, returns = { { "integer?", "fd" } },
      zh = { "同 fd，供 select 使用。", returns = "描述符，或 nil" } },
    { "loop", "events", params = {}, returns = { { "string", "events" } },
      zh = { "循环等待的事件，供 cqueues 使用。", returns = '"r"' } },
    { "loop", "dirty", params = {}, returns = { { "boolean", "due" } },
      zh = { "下一步是否已经到期，供 select 使用。", returns = "布尔值" } },
    { "task", "done", params = {}, returns = { { "boolean", "ended" } },
      zh = { "任务是否已结束。", returns = "布尔值" } },
    { "task", "result", params = {}, returns = { { "any", "result" }, { "any", "err" },
                                                 { "any", "meta" } },
      zh = { "fn 的返回值；fn 抛出异常时为 nil 与带有 traceback 的错误。", returns = "fn 的返回值；任务未结束时抛出异常" } },
    { "task", "cancel", params = {}, returns = {},
      zh = { "使任务中进行的调用以及之后的每个调用以 cancelled 结束。" } },

    -- stores
    { "store", "get", params = { { "key", "string" } },
      returns = { { "any", "value" }, { "number?", "left" }, { "string?", "problem" } },
      zh = { "读取一个值。", key = "字符串",
             returns = "值与剩余秒数；nil；存储出错时为 nil、nil 与原因" } },
    { "store", "set", params = { { "key", "string" }, { "value", "any" }, { "seconds", "number?" },
                                 { "deadline", "number?" } },
      returns = { { "true?", "fine" }, { "string?", "problem" } },
      zh = { "保存一个值；值为 nil 时删除。", key = "字符串", value = "字符串或数字", seconds = "保存多久，秒",
             deadline = "最多等到何时，单调时钟的秒数；只有文件存储会等待其他写入",
             returns = "true；或 nil 与原因" } },
    { "store", "try_lock", params = { { "key", "string" }, { "seconds", "number" } },
      returns = { { "boolean", "taken" }, { "string?", "problem" } },
      zh = { "无人持有时取得锁。锁在 seconds 秒后自动释放；文件存储的锁随进程释放，或在超时后由该进程的下一次操作释放。", key = "字符串",
             seconds = "秒", returns = "取得时为 true，否则为 false；无法建立锁时另有原因" } },
    { "store", "unlock", params = { { "key", "string" } }, returns = {},
      zh = { "释放锁。", key = "字符串" } },
    { "store", "reserve", params = { { "key", "string" }, { "limits", "cloudcal.limit[]" },
                                     { "most", "number" }, { "count", "integer?" } },
      returns = { { "number?", "wait" }, { "any", "number" } },
      zh = { "预订下一次调用的时隙，或合并计算的若干次调用的时隙。", key = "字符串", limits = "{ count, seconds } 的数组：任意 seconds 秒内最多 "
                 .. "count 次调用", most = "最多愿意等待的秒数", count = "合并计算的调用次数，默认 1；仅内存存储有此参数",
             returns = "需等待的秒数与该次调用的序号（类型不限）；若超过 most，则为 nil 与所需秒数" } },
    { "store", "check", params = { { "key", "string" }, { "limits", "cloudcal.limit[]" },
                                   { "number", "any" } },
      returns = { { "number", "wait" } },
      zh = { "等待之后再看时隙还差多久：之前的调用可能晚于其时隙。", key = "字符串", limits = "同 reserve",
             number = "reserve 给出的序号", returns = "秒" } },
    { "store", "settle", params = { { "key", "string" }, { "limits", "cloudcal.limit[]" },
                                    { "number", "any" }, { "time", "number" },
                                    { "count", "integer?" } },
      returns = {},
      zh = { "记录服务端在 time 或之前统计了这次调用；未记录的调用可能仍在途中。", key = "字符串",
             limits = "同 reserve", number = "reserve 给出的序号", time = "单调时钟，秒",
             count = "同 reserve" } },

    -- journals
    { "journal", "write", params = { { "entry", "table" } },
      returns = { { "true?", "fine" }, { "string?", "problem" } },
      zh = { "写入一个条目。在循环的任务中，同时准备写入的各任务的条目一并落盘。"
                 .. "等待磁盘的时间（每次数毫秒）由整个循环承担，其间不运行其他任务。",
             entry = "可以表示为 JSON 的表",
             returns = "落盘之后为 true；或 nil 与原因。磁盘出错之后不再写入任何内容" } },
    { "journal", "close", params = {}, returns = {}, zh = { "关闭记录文件，之后可以再次打开。" } },

    -- the sandbox
    { "sandbox", "start", params = { { "given", "cloudcal.sandbox.options?" } },
      returns = { { "cloudcal.sandbox.ready?", "sandbox" }, { "string?", "problem" } },
      zh = { "启动沙箱并等待其就绪。选项有误时抛出异常。", given = "见下表",
             returns = "就绪行的内容（ca_file、pid、feishu、lark、youkong）与 stop()；或 nil 与原因" } },
}

-- What stands on public objects and is of the house's own use.
local internal = {
    ["cloudcal.stores"] = { "default", "of", "is_store" },
    ["cloudcal.log"] = { "is_wanted", "write" },
    loop = { "new", "here", "park", "wake", "turn", "exchange", "sleep", "detach" },
    store = { "new", "ahead", "note" },
    journal = { "open" },
}

-- What is no function: { name, type, en, zh }.
local values = {
    { "null", "userdata", en = "JSON's null: in a request it is sent as `null`, in an answer it "
          .. "stands inside arrays only, elsewhere null is nil. Equal to `cjson.null`.",
      zh = "JSON 的 null：在请求中按 `null` 发送；在响应中只出现在数组里，其他位置的 null 即 nil。"
          .. "与 `cjson.null` 相等。" },
    { "_VERSION", "string", en = "`cloudcal` and the version.", zh = "`cloudcal` 与版本号。" },
}

return { rows = rows, internal = internal, values = values }
