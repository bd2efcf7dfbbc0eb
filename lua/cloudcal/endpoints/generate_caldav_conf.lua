return {
    operation = "calendar.v4.setting.generate_caldav_conf",
    services = { "feishu", "lark" },
    summary = {
        en = "Make a CalDAV account for the current user, so that a device can sync the calendar.",
        zh = "为当前用户生成一个 CalDAV 账号，供设备同步日历。",
    },
    doc = "https://open.feishu.cn/document/server-docs/calendar-v4/setting/generate_caldav_conf",
    method = "POST",
    path = "/open-apis/calendar/v4/settings/generate_caldav_conf",
    content_type = "application/json; charset=utf-8",
    tokens = { "user" },
    app_types = { "custom", "store" },
    scopes = { "calendar:calendar", "calendar:settings.caldav:create" },
    rate_limit = { per_second = 50, per_minute = 1000 },
    repeatable = false,
    request = {
        body = {
            {
                name = "device_name", type = "string", max = 100, example = "iPhone",
                about = { en = "Name of the device, shown in the calendar settings.",
                          zh = "设备名称，显示在日历设置中。" },
            },
        },
    },
    response = {
        {
            name = "data", type = "object", required = true, fields = {
                { name = "password", type = "string", secret = true, example = "A67h23sd8" },
                { name = "user_name", type = "string", example = "ZhangSan" },
                { name = "server_address", type = "string", example = "caldav.domain.com" },
                { name = "device_name", type = "string", example = "iPhone" },
            },
        },
    },
    codes = { 190002, 190003, 190004, 190005, 190006, 190007, 190010, 195100 },
}
