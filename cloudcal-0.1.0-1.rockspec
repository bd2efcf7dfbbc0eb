rockspec_format = "3.0"
package = "cloudcal"
version = "0.1.0-1"

source = { url = "git+https://github.com/cloudcal/cloudcal.git", tag = "v0.1.0" }

description = {
    summary = "Client of the Feishu, Lark and Youkong calendar services",
    detailed = [[
A Lua module with a C core that calls the calendar services of Feishu, Lark and Youkong from any
program that hosts Lua: call a function that is named like the endpoint, get the answer as a
table, or nil and an error that says what went wrong and what to do about it. A sandbox of the
services is included; it needs cqueues, luaossl and luasocket, which nothing else here does.
The command `cloudcal` calls the services from a shell; it needs the rock argparse.]],
    homepage = "https://github.com/cloudcal/cloudcal",
    issues_url = "https://github.com/cloudcal/cloudcal/issues",
    license = "MIT",
    labels = { "calendar", "caldav", "feishu", "lark", "http", "api" },
}

-- What only the sandbox, the command or one function needs is not listed: LuaRocks knows no
-- optional dependencies, and a program that requires the module should get nothing else with it.
-- Each says in one line what it misses.
dependencies = {
    "lua >= 5.1",
    "lua-cjson >= 2.1",
}

-- Libraries only: LuaRocks looks for headers in fewer places than the compiler, and would miss
-- Debian's. src/core.h names the package when a header is not there.
external_dependencies = {
    CURL = { library = "curl" },
    CRYPTO = { library = "crypto" },
}

test = { type = "command", script = "spec/run.lua" }

build = {
    type = "builtin",
    modules = {
        ["cloudcal.core"] = {
            sources = {
                "src/bytes.c",
                "src/core.c",
                "src/digest.c",
                "src/engine.c",
                "src/files.c",
                "src/json.c",
                "src/text.c",
                "src/transfer.c",
            },
            libraries = { "curl", "crypto", "pthread" },
            incdirs = { "$(CURL_INCDIR)", "$(CRYPTO_INCDIR)" },
            libdirs = { "$(CURL_LIBDIR)", "$(CRYPTO_LIBDIR)" },
        },

        ["cloudcal"] = "lua/cloudcal/init.lua",
        ["cloudcal.all"] = "lua/cloudcal/all.lua",
        ["cloudcal.app_tokens"] = "lua/cloudcal/app_tokens.lua",
        ["cloudcal.caldav"] = "lua/cloudcal/caldav/init.lua",
        ["cloudcal.caldav.account"] = "lua/cloudcal/caldav/account.lua",
        ["cloudcal.caldav.discovery"] = "lua/cloudcal/caldav/discovery.lua",
        ["cloudcal.caldav.multistatus"] = "lua/cloudcal/caldav/multistatus.lua",
        ["cloudcal.caldav.profile"] = "lua/cloudcal/caldav/profile.lua",
        ["cloudcal.caldav.session"] = "lua/cloudcal/caldav/session.lua",
        ["cloudcal.caldav.url"] = "lua/cloudcal/caldav/url.lua",
        ["cloudcal.caldav.xml"] = "lua/cloudcal/caldav/xml.lua",
        ["cloudcal.client"] = "lua/cloudcal/client.lua",
        ["cloudcal.clock"] = "lua/cloudcal/clock.lua",
        ["cloudcal.codes"] = "lua/cloudcal/codes/init.lua",
        ["cloudcal.codes.calendar"] = "lua/cloudcal/codes/calendar.lua",
        ["cloudcal.codes.categories"] = "lua/cloudcal/codes/categories.lua",
        ["cloudcal.codes.generic"] = "lua/cloudcal/codes/generic.lua",
        ["cloudcal.codes.kinds"] = "lua/cloudcal/codes/kinds.lua",
        ["cloudcal.codes.local_errors"] = "lua/cloudcal/codes/local_errors.lua",
        ["cloudcal.codes.token"] = "lua/cloudcal/codes/token.lua",
        ["cloudcal.codes.transport"] = "lua/cloudcal/codes/transport.lua",
        ["cloudcal.endpoints"] = "lua/cloudcal/endpoints/init.lua",
        ["cloudcal.endpoints.app_access_token"] = "lua/cloudcal/endpoints/app_access_token.lua",
        ["cloudcal.endpoints.app_ticket_resend"] = "lua/cloudcal/endpoints/app_ticket_resend.lua",
        ["cloudcal.endpoints.authorize"] = "lua/cloudcal/endpoints/authorize.lua",
        ["cloudcal.endpoints.calendar_primary"] = "lua/cloudcal/endpoints/calendar_primary.lua",
        ["cloudcal.endpoints.device_authorization"] = "lua/cloudcal/endpoints/device_authorization.lua",
        ["cloudcal.endpoints.exchange_binding_create"] = "lua/cloudcal/endpoints/exchange_binding_create.lua",
        ["cloudcal.endpoints.exchange_binding_delete"] = "lua/cloudcal/endpoints/exchange_binding_delete.lua",
        ["cloudcal.endpoints.exchange_binding_get"] = "lua/cloudcal/endpoints/exchange_binding_get.lua",
        ["cloudcal.endpoints.generate_caldav_conf"] = "lua/cloudcal/endpoints/generate_caldav_conf.lua",
        ["cloudcal.endpoints.oauth_token"] = "lua/cloudcal/endpoints/oauth_token.lua",
        ["cloudcal.endpoints.putcalendar"] = "lua/cloudcal/endpoints/putcalendar.lua",
        ["cloudcal.endpoints.shapes"] = "lua/cloudcal/endpoints/shapes.lua",
        ["cloudcal.endpoints.tenant_access_token"] = "lua/cloudcal/endpoints/tenant_access_token.lua",
        ["cloudcal.endpoints.tenant_access_token_internal"] = "lua/cloudcal/endpoints/tenant_access_token_internal.lua",
        ["cloudcal.errors"] = "lua/cloudcal/errors.lua",
        ["cloudcal.identity"] = "lua/cloudcal/identity.lua",
        ["cloudcal.journal"] = "lua/cloudcal/journal.lua",
        ["cloudcal.json"] = "lua/cloudcal/json.lua",
        ["cloudcal.later"] = "lua/cloudcal/later.lua",
        ["cloudcal.limiter"] = "lua/cloudcal/limiter.lua",
        ["cloudcal.log"] = "lua/cloudcal/log.lua",
        ["cloudcal.logins"] = "lua/cloudcal/logins.lua",
        ["cloudcal.map"] = "lua/cloudcal/map.lua",
        ["cloudcal.options"] = "lua/cloudcal/options.lua",
        ["cloudcal.pretty"] = "lua/cloudcal/pretty.lua",
        ["cloudcal.redact"] = "lua/cloudcal/redact.lua",
        ["cloudcal.renewal"] = "lua/cloudcal/renewal.lua",
        ["cloudcal.request"] = "lua/cloudcal/request.lua",
        ["cloudcal.response"] = "lua/cloudcal/response.lua",
        ["cloudcal.retry"] = "lua/cloudcal/retry.lua",
        ["cloudcal.sandbox"] = "lua/cloudcal/sandbox/init.lua",
        ["cloudcal.sandbox.answers"] = "lua/cloudcal/sandbox/answers.lua",
        ["cloudcal.sandbox.app_tokens"] = "lua/cloudcal/sandbox/app_tokens.lua",
        ["cloudcal.sandbox.authorize"] = "lua/cloudcal/sandbox/authorize.lua",
        ["cloudcal.sandbox.bindings"] = "lua/cloudcal/sandbox/bindings.lua",
        ["cloudcal.sandbox.certificates"] = "lua/cloudcal/sandbox/certificates.lua",
        ["cloudcal.sandbox.control"] = "lua/cloudcal/sandbox/control.lua",
        ["cloudcal.sandbox.device"] = "lua/cloudcal/sandbox/device.lua",
        ["cloudcal.sandbox.examples"] = "lua/cloudcal/sandbox/examples.lua",
        ["cloudcal.sandbox.faults"] = "lua/cloudcal/sandbox/faults.lua",
        ["cloudcal.sandbox.http"] = "lua/cloudcal/sandbox/http.lua",
        ["cloudcal.sandbox.ledger"] = "lua/cloudcal/sandbox/ledger.lua",
        ["cloudcal.sandbox.limits"] = "lua/cloudcal/sandbox/limits.lua",
        ["cloudcal.sandbox.oauth"] = "lua/cloudcal/sandbox/oauth.lua",
        ["cloudcal.sandbox.options"] = "lua/cloudcal/sandbox/options.lua",
        ["cloudcal.sandbox.people"] = "lua/cloudcal/sandbox/people.lua",
        ["cloudcal.sandbox.platform"] = "lua/cloudcal/sandbox/platform.lua",
        ["cloudcal.sandbox.server"] = "lua/cloudcal/sandbox/server.lua",
        ["cloudcal.sandbox.text"] = "lua/cloudcal/sandbox/text.lua",
        ["cloudcal.sandbox.wire"] = "lua/cloudcal/sandbox/wire.lua",
        ["cloudcal.sandbox.world"] = "lua/cloudcal/sandbox/world.lua",
        ["cloudcal.sandbox.youkong"] = "lua/cloudcal/sandbox/youkong.lua",
        ["cloudcal.schema"] = "lua/cloudcal/schema.lua",
        ["cloudcal.services.base"] = "lua/cloudcal/services/base.lua",
        ["cloudcal.services.feishu"] = "lua/cloudcal/services/feishu.lua",
        ["cloudcal.services.youkong"] = "lua/cloudcal/services/youkong.lua",
        ["cloudcal.stores"] = "lua/cloudcal/stores/init.lua",
        ["cloudcal.stores.file"] = "lua/cloudcal/stores/file.lua",
        ["cloudcal.stores.memory"] = "lua/cloudcal/stores/memory.lua",
        ["cloudcal.stores.nginx"] = "lua/cloudcal/stores/nginx.lua",
        ["cloudcal.stores.redis"] = "lua/cloudcal/stores/redis.lua",
        ["cloudcal.stores.redis_link"] = "lua/cloudcal/stores/redis_link.lua",
        ["cloudcal.stores.redis_scripts"] = "lua/cloudcal/stores/redis_scripts.lua",
        ["cloudcal.stores.sliding"] = "lua/cloudcal/stores/sliding.lua",
        ["cloudcal.sweep"] = "lua/cloudcal/sweep.lua",
        ["cloudcal.tokens"] = "lua/cloudcal/tokens.lua",
        ["cloudcal.version"] = "lua/cloudcal/version.lua",
        ["cloudcal.wait"] = "lua/cloudcal/wait/init.lua",
        ["cloudcal.wait.block"] = "lua/cloudcal/wait/block.lua",
        ["cloudcal.wait.loop"] = "lua/cloudcal/wait/loop.lua",
        ["cloudcal.wait.nginx"] = "lua/cloudcal/wait/nginx.lua",
        ["cloudcal.wait.tasks"] = "lua/cloudcal/wait/tasks.lua",
        ["cloudcal.wait.yieldable"] = "lua/cloudcal/wait/yieldable.lua",
    },
    install = { bin = { cloudcal = "examples/cloudcal.lua" } },
    copy_directories = { "examples", "library" },
}
