-- luacheck: no max line length
-- The bodies that the vendors' own documents show, as they show them. One repair: in the second
-- case of putcalendar the comma after CalendarId, without which it is no JSON.
return {
    {
        operation = "calendar.v4.setting.generate_caldav_conf",
        request = [[
{
    "device_name": "iPhone"
}
]],
        response = [[
{
    "code": 0,
    "msg": "success",
    "data": {
        "password": "A67h23sd8",
        "user_name": "ZhangSan",
        "server_address": "caldav.domain.com",
        "device_name": "iPhone"
    }
}
]],
    },
    {
        operation = "calendar.v4.exchange_binding.create",
        request = [[
{
    "admin_account": "email_admin_example@outlook.com",
    "exchange_account": "email_account_example@outlook.com",
    "user_id": "ou_xxxxxxxxxxxxxxxxxx"
}
]],
        response = [[
{
    "code": 0,
    "msg": "success",
    "data": {
        "admin_account": "email_admin_example@outlook.com",
        "exchange_account": "email_account_example@outlook.com",
        "user_id": "ou_xxxxxxxxxxxxxxxxxx",
        "status": "doing",
        "exchange_binding_id": "ZW1haWxfYWRtaW5fZXhhbXBsZUBvdXRsb29rLmNvbSBlbWFpbF9hY2NvdW50X2V4YW1wbGVAb3V0bG9vay5jb20="
    }
}
]],
    },
    {
        operation = "calendar.v4.calendar.primary", -- its request has no body
        response = [[
{
    "code": 0,
    "msg": "success",
    "data": {
        "calendars": [
            {
                "calendar": {
                    "calendar_id": "larksuite.com_xxxxxxxxxx@group.calendar.larksuite.com",
                    "summary": "测试日历",
                    "description": "使用开放接口创建日历",
                    "permissions": "private",
                    "color": -1,
                    "type": "shared",
                    "summary_alias": "日历备注名",
                    "is_deleted": false,
                    "is_third_party": false,
                    "role": "owner"
                },
                "user_id": "ou_xxxxxx"
            }
        ]
    }
}
]],
    },
    {
        operation = "allinone.putcalendar", case = 1,
        request = [[
{
    "Client": {
        "ClientKey": "UK155728046140bc",
        "Timestamp": 1560390163,
        "Sign": "3b2c5181688371335ca691c8b797d09b",
        "UserCode": "cs001"
    },
    "Calendar": {
        "CalendarName": "本地日历",
        "CalendarIcon": "icon-shared",
        "CalendarColor": "#111"
    }
}
]],
        response = [[
{
    "Success": true,
    "Error": null,
    "Data": {
        "CalendarId": "de5ced8b69234185a1b8da506606e7c3"
    }
}
]],
    },
    {
        operation = "allinone.putcalendar", case = 2,
        request = [[
{
    "Client": {
        "ClientKey": "UK155728046140bc",
        "Timestamp": 1560390163,
        "Sign": "3b2c5181688371335ca691c8b797d09b",
        "UserCode": "cs001"
    },
    "Calendar": {
        "CalendarId": "de5ced8b69234185a1b8da506606e7c3",
        "CalendarName": "本地日历修改",
        "CalendarIcon": "icon-shared",
        "CalendarColor": "#111"
    }
}
]],
        response = [[
{
    "Success": true,
    "Error": null,
    "Data": {
        "CalendarId": "de5ced8b69234185a1b8da506606e7c3"
    }
}
]],
    },
    {
        operation = "allinone.putcalendar", case = 3,
        request = [[
{
    "Client": {
        "ClientKey": "UK155728046140bc",
        "Timestamp": 1560389891,
        "Sign": "e2f64d44c169b55e1e6a7c5e6b7b6328",
        "UserCode": "cs001"
    },
    "Calendar": {
        "CalendarName": "创建第三方日历",
        "ProfileId": "2649fb89e5d541c7"
    }
}
]],
        response = [[
{
    "Success": true,
    "Error": null,
    "Data": {
        "CalendarId": "AQMkADAwATM3ZmYAZS0xZjYyLWEyNmQtMDACLTAwCgBGAAADjd_Vnf-En0yFrPumMpSQOwcAWxm3-qkho0yIHjuCRT62nwAAAgEGAAAAWxm3-qkho0yIHjuCRT62nwAAAD0NYMIAAAA="
    }
}
]],
    },
    {
        operation = "allinone.putcalendar", case = 4,
        request = [[
{
    "Client": {
        "ClientKey": "UK155728046140bc",
        "Timestamp": 1560389891,
        "Sign": "e2f64d44c169b55e1e6a7c5e6b7b6328",
        "UserCode": "cs001"
    },
    "Calendar": {
        "CalendarId": "AQMkADAwATM3ZmYAZS0xZjYyLWEyNmQtMDACLTAwCgBGAAADjd_Vnf-En0yFrPumMpSQOwcAWxm3-qkho0yIHjuCRT62nwAAAgEGAAAAWxm3-qkho0yIHjuCRT62nwAAADo9SRcAAAA=",
        "CalendarName": "第三方日历",
        "ProfileId": "2649fb89e5d541c7"
    }
}
]],
        response = [[
{
    "Success": true,
    "Error": null,
    "Data": {
        "CalendarId": "AQMkADAwATM3ZmYAZS0xZjYyLWEyNmQtMDACLTAwCgBGAAADjd_Vnf-En0yFrPumMpSQOwcAWxm3-qkho0yIHjuCRT62nwAAAgEGAAAAWxm3-qkho0yIHjuCRT62nwAAAD0NYMIAAAA="
    }
}
]],
    },
}
