-- The words of the pages that no table has, in both languages.

local words = {}

words.en = {
    generated = "Made by `./run docs` from the tables in `lua/cloudcal` and `docs/generator`: "
        .. "change those, not this page.",
    reference = "Reference", other = "[中文](reference.zh-CN.md)", codes_page = "codes.md",
    readme = "[README](../README.md)",
    intro = "Every call returns `result, nil, meta` or `nil, err, meta`. A mistake in the program raises at "
        .. "your line. The examples of this page, one after the other, are one program that runs against the sandbox; "
        .. "it begins so:",
    endpoints = "Endpoints", methods = "Further methods of clients", module = "Module",
    results_intro = "A type that ends in `?` is that of a field that may be absent.",
    options = "Options", results = "Results", errors = "Errors", kinds = "Kinds of errors",
    meta = "meta", error_fields = "Fields of an error", sandbox = "Sandbox", faults = "Faults",
    loops = "Loops and tasks", stores = "Stores", loggers = "Loggers", internal = "Endpoints that cloudcal calls by itself",
    operation = "Operation", services = "Services", http = "HTTP", tokens = "Token", apps = "Apps", scopes = "Scopes, any of",
    field_scopes = "Scopes of fields", preconditions = "Preconditions", rate_limit = "Rate limit",
    rates = "%d calls a second, %d a minute for each app and tenant", no_rate = "none on our side",
    again = "Sent again", again_yes = "yes: it may be sent again after a failure that may pass",
    again_no = "no: only when it never left, or was refused before the service acted",
    again_put = "an update of a local calendar (`CalendarId`, no `ProfileId`) yes; a create, and all with "
        .. "`ProfileId`, only when it never left, or was refused before the service acted",
    document = "Vendor's document", wrapper = "Wrapper", mirror = "Mirror", fields = "Request", answer = "Answer",
    field = "field", type = "type", about = "meaning", code = "code", kind = "kind", name = "name", status = "HTTP",
    hint = "what to do", option = "option", default = "default", required = "required", filled = "filled in by cloudcal",
    empty_is_absent = '`""` counts as absent', one_of = "one of", characters = " characters", colon = ": ", at_most = "at most %d",
    from_to = "%d to %d", at_least = "at least %d", default_is = "default %s", example = "e.g. %s", secret = "shown nowhere else",
    needs_scope = "needs the scope %s", errors_here = "Errors", no_codes = "The service publishes no codes: a refusal is "
        .. "`rejected`, name `youkong_refused`, with what it said in `code` and `msg`.",
    errors_also = "Beside these, the codes of tokens and of the gateway, and what goes wrong on the way: see "
        .. "[all codes](codes.md).", refused_here = "Refused here",
    no_fields = "No fields.", returns = "Returns",
    caldav = "CalDAV accounts", journals = "Journals",
    caldav_account = "An account, as `feishu:generate_caldav_conf` returns it:",
    caldav_found = "What `check` finds:", caldav_calendar = "Each of its calendars:",
    example_is = "Example", array_of = "array of objects", path = "path", summary = "what it does", page = "Page",
    types = { string = "string", integer = "integer", boolean = "boolean", object = "object", array = "array" },
    sections = { path = "path", query = "query", body = "body", Client = "Client", Calendar = "Calendar" },
    token_kinds = { user = "user (`u-…`)", tenant = "tenant (`t-…`)" }, no_token = "none: the request is signed",
    sole_token = { user = " Where only user tokens are taken: ", tenant = " Where only tenant tokens are taken: " },
    app_types = { custom = "custom", store = "store" }, service_names = { feishu = "Feishu", lark = "Lark", youkong = "Youkong" },
    conditions = {
        super_administrator = "the user is a super administrator of the tenant",
        bot_capability = "for the app's own calendar: the app has the bot capability",
    },
    ready = "What `start` returns", command_line = "on the command line", fault = "fault", argument = "argument",
    sandbox_intro = "`require(\"cloudcal.sandbox\").start { … }` takes the options of `./run sandbox` by name, and "
        .. "`interpreter`, `lua_path`, `lua_cpath` where another Lua runs it (`\"lua5.4\"` if absent). Names of credentials "
        .. "(%s) set a credential instead of a random one.",
    faults_intro = "A fault is an item of the option `faults`, or the value of the request header `X-Sandbox-Fault`: a "
        .. "name, then `:ARGUMENT` where it takes one, then `:COUNT`. Any code of the code tables is a fault too: `190004`, "
        .. "or `99991663_as_200` with another HTTP status.",
    codes = "Codes", codes_other = "[中文](codes.zh-CN.md)",
    codes_intro = "What `cloudcal.explain(code)` tells, as a page. `msg` is the service's own text. Errors without a number "
        .. "and errors of the transport are at the end.",
    calendar_codes = "Calendar", token_codes = "Tokens, login and gateway", generic_codes = "All other codes of Feishu and Lark",
    generic_intro = "For these the hint is that of their category.", category = "category",
    transport_codes = "Transport", transport_intro = "An exchange that ended without an answer: libcurl's numbers, and from "
        .. "1001 on our own. `err.code` is nil; `err.name` is the name.",
    local_codes = "Errors without a number", categories = "Categories",
    view_note = "The options of the constructor, and:",
}

words.zh = {
    generated = "由 `./run docs` 根据 `lua/cloudcal` 与 `docs/generator` 中的表生成：请修改那些表，不要直接改本页。",
    reference = "参考手册", other = "[English](reference.md)", codes_page = "codes.zh-CN.md",
    readme = "[README](../README.zh-CN.md)",
    intro = "每个调用返回 `result, nil, meta` 或 `nil, err, meta`。程序本身的错误以异常抛出，并指向你的调用行。"
        .. "本页的示例依次相连，就是一个可以在沙箱上运行的程序，开头如下：",
    endpoints = "接口", methods = "客户端的其他方法", module = "模块",
    results_intro = "类型以 `?` 结尾的字段可能不存在。",
    options = "选项", results = "结果", errors = "错误", kinds = "错误的类别",
    meta = "meta", error_fields = "错误对象的字段", sandbox = "沙箱", faults = "故障",
    loops = "循环与任务", stores = "存储", loggers = "日志", internal = "由 cloudcal 自行调用的接口",
    operation = "操作", services = "服务", http = "HTTP", tokens = "令牌", apps = "应用类型", scopes = "权限（任一）",
    field_scopes = "字段权限", preconditions = "前提条件", rate_limit = "频率限制",
    rates = "每个应用与租户每秒 %d 次、每分钟 %d 次", no_rate = "本地不作限制",
    again = "再次发送", again_yes = "会：因暂时原因失败后可以再次发送",
    again_no = "不会：仅当没有发出，或在执行之前被拒绝时才再次发送",
    again_put = "更新本地日历（有 `CalendarId`，无 `ProfileId`）会；创建以及任何带 `ProfileId` 的调用，"
        .. "仅当没有发出，或在执行之前被拒绝时才再次发送",
    document = "服务方文档", wrapper = "便捷函数", mirror = "镜像", fields = "请求", answer = "响应",
    field = "字段", type = "类型", about = "含义", code = "错误码", kind = "类别", name = "名称", status = "HTTP",
    hint = "该怎么办", option = "选项", default = "默认值", required = "必填", filled = "由 cloudcal 填写",
    empty_is_absent = '`""` 视为未填', one_of = "取值", characters = " 个字符", colon = "：", at_most = "最多 %d",
    from_to = "%d 至 %d", at_least = "至少 %d", default_is = "默认 %s", example = "例如 %s", secret = "不会出现在其他任何地方",
    needs_scope = "需要字段权限 %s", errors_here = "错误码", no_codes = "该服务没有公布错误码：拒绝时类别为 `rejected`，"
        .. "名称 `youkong_refused`，`code` 与 `msg` 为其返回的内容。",
    errors_also = "此外还有令牌与网关的错误码，以及传输过程中的错误：见[全部错误码](codes.zh-CN.md)。", refused_here = "在本地拒绝",
    no_fields = "没有字段。", returns = "返回",
    caldav = "CalDAV 账号", journals = "记录文件",
    caldav_account = "账号，即 `feishu:generate_caldav_conf` 返回的表：",
    caldav_found = "`check` 的结果：", caldav_calendar = "其中的每个日历：",
    example_is = "示例", array_of = "对象数组", path = "路径", summary = "作用", page = "页面",
    types = { string = "字符串", integer = "整数", boolean = "布尔值", object = "对象", array = "数组" },
    sections = { path = "path", query = "query", body = "body", Client = "Client", Calendar = "Calendar" },
    token_kinds = { user = "用户身份（`u-…`）", tenant = "应用身份（`t-…`）" }, no_token = "无：请求带签名",
    sole_token = { user = "接口只接受用户身份时：", tenant = "接口只接受应用身份时：" },
    app_types = { custom = "自建应用", store = "商店应用" },
    service_names = { feishu = "飞书", lark = "Lark", youkong = "有空日程云" },
    conditions = {
        super_administrator = "用户是租户的超级管理员",
        bot_capability = "查询应用自己的日历时：应用已开启机器人能力",
    },
    ready = "`start` 的返回值", command_line = "命令行", fault = "故障", argument = "参数",
    sandbox_intro = "`require(\"cloudcal.sandbox\").start { … }` 以同名参数接受 `./run sandbox` 的选项；由其他 Lua 运行时另有 "
        .. "`interpreter`（默认 `\"lua5.4\"`）、`lua_path`、`lua_cpath`。凭证名（%s）用于指定凭证，代替随机生成的凭证。",
    faults_intro = "故障可以是选项 `faults` 中的一项，也可以是请求头 `X-Sandbox-Fault` 的值：先写名称，有参数时加 `:ARGUMENT`，"
        .. "再加 `:COUNT`。错误码表中的任何错误码也是故障：`190004`，或以其他 HTTP 状态码返回的 `99991663_as_200`。",
    codes = "错误码", codes_other = "[English](codes.md)",
    codes_intro = "即 `cloudcal.explain(code)` 的内容。`msg` 是服务的原文。没有数字的错误与传输错误列在最后。",
    calendar_codes = "日历", token_codes = "令牌、登录与网关", generic_codes = "飞书与 Lark 的其他错误码",
    generic_intro = "这些错误码的处理办法见其所属分类。", category = "分类",
    transport_codes = "传输错误", transport_intro = "没有得到响应的请求：libcurl 的编号，1001 起为我们自己的编号。"
        .. "`err.code` 为 nil，`err.name` 为名称。",
    local_codes = "没有数字的错误", categories = "分类",
    view_note = "构造函数的全部选项，以及：",
}

return words
