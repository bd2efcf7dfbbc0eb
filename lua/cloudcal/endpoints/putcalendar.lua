local set_by_cloudcal = {
    en = "Filled in by cloudcal.", zh = "由 cloudcal 填写。",
}

return {
    operation = "allinone.putcalendar",
    services = { "youkong" },
    summary = {
        en = "Create a calendar, or update one, for a user of your app.",
        zh = "为应用下的用户创建或更新日历。",
    },
    doc = "https://atimer.cn/Home/PutCalendar",
    method = "POST",
    path = "/v1/allinone/putcalendar",
    tokens = {},
    -- An update of a local calendar says the same thing twice; a create, or anything in a
    -- third-party channel, may make a second calendar.
    repeatable = { present = "Calendar.CalendarId", absent = "Calendar.ProfileId" },
    variants = {
        create = { absent = "Calendar.CalendarId" },
        update = { present = "Calendar.CalendarId" },
    },
    id = { sent = "Calendar.CalendarId", answered = "Data.CalendarId" },
    request = {
        Client = {
            { name = "UserCode", type = "string", required = true, min = 1, max = 100,
              example = "cs001",
              about = { en = "Your own number for the user; an unknown one makes a new user.",
                        zh = "你方平台的用户编号；不存在时会新建用户。" } },
            { name = "ClientKey", type = "string", filled = true, about = set_by_cloudcal },
            { name = "Timestamp", type = "integer", filled = true, about = set_by_cloudcal },
            { name = "Sign", type = "string", filled = true, about = set_by_cloudcal },
        },
        Calendar = {
            { name = "CalendarId", type = "string", max = 500, empty_is_absent = true,
              about = { en = "The calendar to update; absent to create one.",
                        zh = "要更新的日历 ID；创建时不填。" } },
            { name = "CalendarName", type = "string", required = true, min = 1, max = 200,
              example = "本地日历",
              about = { en = "Name of the calendar.", zh = "日历名称。" } },
            { name = "ProfileId", type = "string", max = 50, empty_is_absent = true,
              about = { en = "The third-party channel that holds the calendar.",
                        zh = "日历所属第三方渠道的 ID。" } },
            { name = "ProviderName", type = "string",
              about = { en = "Name of the third-party channel; passed on as it is.",
                        zh = "第三方渠道名称，原样传递。" } },
            { name = "CalendarReadonly", type = "boolean", default = false,
              about = { en = "Whether the calendar is read-only.", zh = "日历是否只读。" } },
            { name = "CalendarPrimary", type = "boolean", default = false,
              about = { en = "Whether it is the primary calendar.", zh = "是否是主日历。" } },
            { name = "IsPublic", type = "boolean", default = false,
              about = { en = "Whether it is public.", zh = "是否公开。" } },
            { name = "Tags", type = "string", max = 100,
              about = { en = "Tags, separated by commas.", zh = "标签，以逗号分隔。" } },
            { name = "CalendarIcon", type = "string", max = 150, example = "icon-shared",
              about = { en = "Icon of the calendar.", zh = "日历图标。" } },
            { name = "CalendarColor", type = "string", max = 20, example = "#111",
              about = { en = "Colour of the calendar.", zh = "日历颜色。" } },
        },
    },
    response = {
        {
            name = "Data", type = "object", required = true, fields = {
                { name = "CalendarId", type = "string",
                  example = "de5ced8b69234185a1b8da506606e7c3" },
            },
        },
    },
    codes = {},
}
