---@meta cloudcal

-- Types for lua-language-server: add this folder to its workspace.library.
-- Made by ./run docs from the tables in lua/cloudcal and docs/generator: change those.

---@alias cloudcal.kind
---| "invalid_request" # The request is wrong; stage says who refused it.
---| "unauthenticated" # The token is missing, wrong or worn out.
---| "login_required" # Only a new login or consent of the user helps.
---| "app_setup" # Change the app in the console: secret, scope, bot, installation, IP list.
---| "permission_denied" # This identity may not do this.
---| "not_found" # The object that this call names is not there.
---| "rate_limited" # Too many calls: by the service's count, or by our own.
---| "quota_exhausted" # A call quota is used up.
---| "service_error" # The service failed.
---| "rejected" # Any other refusal.
---| "bad_response" # The answer is not what the contract allows.
---| "too_large" # The answer is longer than max_response_bytes.
---| "network" # DNS, connection, or an answer that was cut.
---| "tls" # Certificate, host name, CA file or handshake.
---| "timeout" # The time was over.
---| "cancelled" # The task was cancelled, or the item of a batch was not started.
---| "cannot_wait" # This phase of nginx cannot wait; use ngx.timer.at(0, …).
---| "out_of_memory" # No memory.

---@alias cloudcal.log_level "debug"|"info"|"warn"|"error"

---@class cloudcal.error
---@field kind cloudcal.kind What sort of failure.
---@field code? integer|string The service's number; Youkong's value as sent.
---@field name? string Symbolic name from the code tables; for transport errors libcurl's.
---@field message string One line, ours.
---@field msg? string The service's own text.
---@field hint? string What to do about it.
---@field hint_zh? string The same in Chinese.
---@field http_status? integer As answered.
---@field log_id? string The service's log id: give it to the vendor's support.
---@field retry_after? number Seconds after which the service, or our own limit, wants to be asked again.
---@field field? string The field that is wrong, as a path of the mirror: body.device_name, query.user_id_type, Calendar.CalendarName.
---@field acted "no"|"maybe"|"yes" "no": it never left, or the service refused before acting. "maybe": it left and no readable verdict came. "yes": the service said success, the answer is unusable.
---@field retryable boolean The same call may succeed, and it is safe to send it again.
---@field gave_up? string Why there was no further attempt.
---@field stage "check"|"token"|"rate_limit"|"call" Where it failed: checking the request, getting a token, our own limit, or the call itself.
---@field service? string "feishu", "lark", "youkong", or "caldav" in errors of cloudcal.caldav.
---@field operation string Which call it was: "calendar.v4.calendar.primary".
---@field violations? table[] Fields or permissions that Feishu and Lark object to.
---@field helps? table[] Links that Feishu and Lark give.
---@field troubleshooter? string Address of a page about this failure.
---@field body any The decoded answer, if there was one; secret fields masked.
---@field raw? string Else the first 4 KiB of what came.
---@field traceback? string In task:result(): where the function raised.

---@class cloudcal.meta
---@field status? integer HTTP status of the last answer.
---@field headers? table<string, string> Its headers: names in lower case, repeats joined by commas.
---@field log_id? string The service's log id.
---@field request_id? string The header x-request-id.
---@field attempts integer How often the call was sent.
---@field elapsed number Seconds from the call to its result.
---@field waited number Seconds of it in pauses: for our own rate limit, and between attempts.
---@field timings? cloudcal.timings Seconds of the last attempt: dns, connect, tls, first_byte, total.
---@field id_changed? true Youkong answered with another CalendarId than the one sent: keep the answered one.
---@field clock_skew? number Seconds that Youkong's clock is ahead of ours; the call was signed anew with it.
---@field already_gone? true A repeated delete found that an earlier attempt had worked.
---@field raw? string Text of the answer, with the call option raw.
---@field state? string Of authorization_url: keep it in the user's session.
---@field code_verifier? string Of authorization_url: keep it, for exchange_code.

---@class cloudcal.timings
---@field dns number
---@field connect number
---@field tls number
---@field first_byte number
---@field total number

---@class cloudcal.explanation
---@field code integer
---@field name string
---@field kind cloudcal.kind
---@field msg? string
---@field http_status? integer
---@field hint string
---@field hint_zh string

---@class cloudcal.token_request
---@field refused? string The token that the service has just refused.
---@field operation string
---@field user? string
---@field tenant_key? string

---@class cloudcal.retry
---@field max_attempts? integer
---@field max_delay? number Seconds.

---@class cloudcal.rate_limit
---@field per_second? number
---@field per_minute? number
---@field max_wait? number Seconds.

---@class cloudcal.limit
---@field count integer
---@field seconds number

---@class cloudcal.login
---@field user? string
---@field scope? string
---@field expires_in number
---@field refresh_expires_in number

---@class cloudcal.prompt
---@field user_code string
---@field verification_uri string
---@field verification_uri_complete? string
---@field expires_in? integer
---@field interval? integer

---@class cloudcal.caldav.account
---@field server_address string A host, with or without a port, a path, or https://.
---@field user_name? string Needed for all but address.
---@field password? string Likewise. check sends it to server_address only.

---@class cloudcal.caldav.found
---@field principal string URL of the user on the server; also an option of profile.
---@field home string URL under which the calendars are; the first, if there are several.
---@field calendars cloudcal.caldav.calendar[] Those that a device would show.

---@class cloudcal.caldav.calendar
---@field href string URL of the calendar.
---@field name string As the server shows it; else the last part of the URL.
---@field components string[] What it holds, such as VEVENT; empty if the server does not tell.
---@field color? string As the server tells it.
---@field ctag? string Changes with each change of the calendar, as the server tells it.

---@class cloudcal.calendar.v4.setting.generate_caldav_conf.body
---@field device_name? string Name of the device, shown in the calendar settings.

---@class cloudcal.calendar.v4.setting.generate_caldav_conf.request: cloudcal.platform_call_options
---@field body? cloudcal.calendar.v4.setting.generate_caldav_conf.body

---@class cloudcal.calendar.v4.setting.generate_caldav_conf.opts: cloudcal.platform_call_options

---@class cloudcal.calendar.v4.setting.generate_caldav_conf.response
---@field code integer
---@field msg? string
---@field data cloudcal.calendar.v4.setting.generate_caldav_conf.response.data

---@class cloudcal.calendar.v4.setting.generate_caldav_conf.response.data
---@field password? string
---@field user_name? string
---@field server_address? string
---@field device_name? string

---@class cloudcal.calendar.v4.exchange_binding.create.query
---@field user_id_type? "open_id"|"union_id"|"user_id" Which kind of user ID is sent and returned.

---@class cloudcal.calendar.v4.exchange_binding.create.body
---@field admin_account? string The Exchange administrator's account.
---@field exchange_account? string The Exchange account to bind.
---@field user_id? string The Feishu or Lark user who gets the calendars.

---@class cloudcal.calendar.v4.exchange_binding.create.request: cloudcal.platform_call_options
---@field query? cloudcal.calendar.v4.exchange_binding.create.query
---@field body? cloudcal.calendar.v4.exchange_binding.create.body

---@class cloudcal.calendar.v4.exchange_binding.create.opts: cloudcal.platform_call_options
---@field user_id_type? "open_id"|"union_id"|"user_id" Which kind of user ID is sent and returned.

---@class cloudcal.calendar.v4.exchange_binding.create.response
---@field code integer
---@field msg? string
---@field data cloudcal.calendar.v4.exchange_binding.create.response.data

---@class cloudcal.calendar.v4.exchange_binding.create.response.data
---@field admin_account? string
---@field exchange_account? string
---@field user_id? string
---@field status? "doing"|"cal_done"|"timespan_done"|"done"|"err"|string
---@field exchange_binding_id? string

---@class cloudcal.calendar.v4.exchange_binding.get.path
---@field exchange_binding_id string ID of the binding, as create returned it.

---@class cloudcal.calendar.v4.exchange_binding.get.query
---@field user_id_type? "open_id"|"union_id"|"user_id" Which kind of user ID is sent and returned.

---@class cloudcal.calendar.v4.exchange_binding.get.request: cloudcal.platform_call_options
---@field path cloudcal.calendar.v4.exchange_binding.get.path
---@field query? cloudcal.calendar.v4.exchange_binding.get.query

---@class cloudcal.calendar.v4.exchange_binding.get.opts: cloudcal.platform_call_options
---@field user_id_type? "open_id"|"union_id"|"user_id" Which kind of user ID is sent and returned.

---@class cloudcal.calendar.v4.exchange_binding.get.response
---@field code integer
---@field msg? string
---@field data cloudcal.calendar.v4.exchange_binding.get.response.data

---@alias cloudcal.calendar.v4.exchange_binding.get.response.data cloudcal.calendar.v4.exchange_binding.create.response.data

---@class cloudcal.calendar.v4.exchange_binding.delete.path
---@field exchange_binding_id string ID of the binding, as create returned it.

---@class cloudcal.calendar.v4.exchange_binding.delete.request: cloudcal.platform_call_options
---@field path cloudcal.calendar.v4.exchange_binding.delete.path

---@class cloudcal.calendar.v4.exchange_binding.delete.opts: cloudcal.platform_call_options

---@class cloudcal.calendar.v4.exchange_binding.delete.response
---@field code integer
---@field msg? string
---@field data? cloudcal.calendar.v4.exchange_binding.delete.response.data

---@class cloudcal.calendar.v4.exchange_binding.delete.response.data

---@class cloudcal.calendar.v4.calendar.primary.query
---@field user_id_type? "open_id"|"union_id"|"user_id" Which kind of user ID is sent and returned.

---@class cloudcal.calendar.v4.calendar.primary.request: cloudcal.platform_call_options
---@field query? cloudcal.calendar.v4.calendar.primary.query

---@class cloudcal.calendar.v4.calendar.primary.opts: cloudcal.platform_call_options
---@field user_id_type? "open_id"|"union_id"|"user_id" Which kind of user ID is sent and returned.

---@class cloudcal.calendar.v4.calendar.primary.response
---@field code integer
---@field msg? string
---@field data cloudcal.calendar.v4.calendar.primary.response.data

---@class cloudcal.calendar.v4.calendar.primary.response.data
---@field calendars? cloudcal.calendar.v4.calendar.primary.response.data.calendars[]

---@class cloudcal.calendar.v4.calendar.primary.response.data.calendars
---@field calendar? cloudcal.calendar.v4.calendar.primary.response.data.calendars.calendar
---@field user_id? string

---@class cloudcal.calendar.v4.calendar.primary.response.data.calendars.calendar
---@field calendar_id? string
---@field summary? string
---@field description? string
---@field permissions? "private"|"show_only_free_busy"|"public"|string
---@field color? integer A signed 32-bit ARGB value; -1 is white.
---@field type? "unknown"|"primary"|"shared"|"google"|"resource"|"exchange"|string
---@field summary_alias? string
---@field is_deleted? boolean
---@field is_third_party? boolean True for a calendar that can only be read.
---@field role? "unknown"|"free_busy_reader"|"reader"|"writer"|"owner"|string

---@class cloudcal.allinone.putcalendar.Client
---@field UserCode string Your own number for the user; an unknown one makes a new user.

---@class cloudcal.allinone.putcalendar.Calendar
---@field CalendarId? string The calendar to update; absent to create one.
---@field CalendarName string Name of the calendar.
---@field ProfileId? string The third-party channel that holds the calendar.
---@field ProviderName? string Name of the third-party channel; passed on as it is.
---@field CalendarReadonly? boolean Whether the calendar is read-only.
---@field CalendarPrimary? boolean Whether it is the primary calendar.
---@field IsPublic? boolean Whether it is public.
---@field Tags? string Tags, separated by commas.
---@field CalendarIcon? string Icon of the calendar.
---@field CalendarColor? string Colour of the calendar.

---@class cloudcal.allinone.putcalendar.request: cloudcal.call_options
---@field Client cloudcal.allinone.putcalendar.Client
---@field Calendar cloudcal.allinone.putcalendar.Calendar

---@class cloudcal.allinone.putcalendar.response
---@field Success boolean
---@field Data cloudcal.allinone.putcalendar.response.Data

---@class cloudcal.allinone.putcalendar.response.Data
---@field CalendarId? string

---@class cloudcal.client_options
---@field base_url? string Scheme, host, port and an optional prefix of the path, https; wins over environment. The service's own if absent.
---@field allow_plain_http? boolean Lets base_url be http, to a loopback address only.
---@field ca_file? string Path of your own CA certificates (PEM); the system's store if absent. Certificates and host names are always verified.
---@field ca_pem? string The same as text, for hosts in a chroot; excludes ca_file.
---@field proxy? string "env", or an address that begins with http://, https:// or socks5h://; credentials in it are kept secret. None if absent.
---@field no_proxy? string Hosts that are reached without the proxy, separated by commas.
---@field timeout? number Seconds for the whole call: token, DNS, every attempt and the pauses between. Waiting for our own rate limit is outside of it.
---@field connect_timeout? number Seconds for one connection.
---@field max_response_bytes? integer A longer answer is too_large; 8 MiB.
---@field max_connections? integer Connections to one host.
---@field http_version? "1.1"|"2" Version of HTTP.
---@field retry? cloudcal.retry|false How often a call is sent at most, and the longest pause between (seconds). A call that may have acted and is not safe to repeat is never sent again. false turns it off.
---@field rate_limit? cloudcal.rate_limit|cloudcal.store|false { per_second, per_minute, max_wait = 60 }, or a store that counts for several processes, or false. If absent, the limit of the endpoint; raw paths and Youkong have none. A call waits for its turn, at most max_wait seconds (in nginx 5), then it is rate_limited.
---@field store? cloudcal.store|false Where tokens live; one store in memory for the Lua state if absent. false: keep none.
---@field logger? fun(level: cloudcal.log_level, message: string, fields: table) Gets the log lines, never a secret. cloudcal.log.stderr, cloudcal.log.nginx, or your own; one that fails is ignored. None if absent.
---@field log_level? cloudcal.log_level From which level on: "debug", "info", "warn", "error".
---@field language? "en"|"zh" Language of tostring(err).
---@field user_agent? string Text put in front of cloudcal/<version>.

---@class cloudcal.platform_options: cloudcal.client_options
---@field user_access_token? string|(fun(request: cloudcal.token_request): string?, string?) The user's token, or a function that returns one, or nil and a message. It is called once per attempt and may yield; request is { refused, operation, user, tenant_key }.
---@field tenant_access_token? string|(fun(request: cloudcal.token_request): string?, string?) The tenant's token, in the same way.
---@field app_id? string App ID from the developer console; goes with app_secret.
---@field app_secret? string|(fun(): string) App secret, or a function that returns it.
---@field app_type? "custom"|"store"|"isv" Custom app or store app ("isv" means the same).
---@field identity? "user"|"tenant" Whose token is used when both kinds are configured.
---@field accounts_url? string The host of the login pages: the service's own, or base_url when that is set.

---@class cloudcal.youkong_options: cloudcal.client_options
---@field environment? "sandbox"|"production" Which of the vendor's environments; required unless base_url is given.
---@field client_key? string The app's key. Left out, together with the secret, in "sandbox" only: then the vendor's published test account is used, which anybody can read.
---@field secret? string The app's secret.
---@field signer? (fun(timestamp: integer): string?, string?) Instead of secret: returns the signature for a timestamp (seconds), or nil and a message; for programs that must not hold the secret.
---@field timestamp_as? "number"|"string" How Client.Timestamp is sent; the vendor's documents contradict each other.
---@field content_type? "json"|"form" The Content-Type that is named; the body is JSON in both cases.

---@class cloudcal.view_options
---@field user? string Whose login: the name under which it is kept, passed to a token function.
---@field tenant_key? string Which tenant, for store apps; passed to a token function.

---@class cloudcal.call_options
---@field timeout? number As in the client, for this call.
---@field headers? table<string, string> Further headers; reserved ones such as Authorization are refused.
---@field retry? cloudcal.retry|false As in the client, for this call.
---@field raw? boolean Puts the text of the answer into meta.raw, secret fields masked.

---@class cloudcal.platform_call_options: cloudcal.call_options
---@field user? string Whose login: the name under which it is kept, passed to a token function.
---@field tenant_key? string Which tenant, for store apps; passed to a token function.
---@field identity? "user"|"tenant" Whose token this call uses.
---@field token? string A literal token for this call; t- begins a tenant's.

---@class cloudcal.authorization_url_options
---@field redirect_uri string Address that the user's browser comes back to, as in the app's console.
---@field scope? string Scopes to ask for, separated by spaces.
---@field state? string What comes back with the code; made up if absent.
---@field code_verifier? string The secret of PKCE, 43 to 128 characters; made up by authorization_url if absent.
---@field prompt? string Passed on to the page, as the service documents it.

---@class cloudcal.exchange_code_options
---@field user? string Whose login: the name under which it is kept, passed to a token function.
---@field tenant_key? string Which tenant, for store apps; passed to a token function.
---@field redirect_uri? string Address that the user's browser comes back to, as in the app's console.
---@field code_verifier? string The secret of PKCE, 43 to 128 characters; made up by authorization_url if absent.
---@field code string The code that came to redirect_uri.
---@field timeout? number Seconds for the exchange.

---@class cloudcal.login_options
---@field user? string Whose login: the name under which it is kept, passed to a token function.
---@field tenant_key? string Which tenant, for store apps; passed to a token function.
---@field scope? string Scopes to ask for, separated by spaces.
---@field timeout? number Seconds for each request.
---@field on_prompt fun(prompt: cloudcal.prompt) Shows the user where to go: gets { user_code, verification_uri, verification_uri_complete, expires_in, interval }.

---@class cloudcal.wait_options: cloudcal.calendar.v4.exchange_binding.get.opts
---@field max_wait? number Seconds until it gives up with timeout.
---@field interval? number Seconds between two looks.
---@field on_progress? fun(binding: cloudcal.calendar.v4.exchange_binding.get.response.data) Gets the binding after each look.

---@class cloudcal.map_options
---@field concurrency? integer How many at a time.
---@field on_progress? fun(done: integer, total: integer, failed: integer) Gets the counts after each item.
---@field stop_on? (fun(err: any): boolean?) True for an error after which no more are started.

---@class cloudcal.redis_options
---@field connect (fun(): table?, string?) Returns a client such as redis-lua's or lua-resty-redis's, or nil and a message. Called at the first use, not before, and whenever there is no connection to go on with; in nginx each time, out of its pool.
---@field prefix? string What all keys begin with.
---@field processes? integer How many processes share the rate while Redis is away.

---@class cloudcal.caldav.profile_options
---@field language? "en"|"zh" Language of tostring(err).
---@field name? string Name of the account on the device; CalDAV and the host if absent.
---@field organization? string Who hands out the profile.
---@field description? string What the device tells about the profile.
---@field identifier? string Reverse DNS, such as com.example.calendar: a profile replaces one that has the same. Made of server and user if absent.
---@field principal? string URL from the result of check, for devices that do not find it themselves.

---@class cloudcal.caldav.check_options
---@field ca_file? string Path of your own CA certificates (PEM); the system's store if absent. Certificates and host names are always verified.
---@field ca_pem? string The same as text, for hosts in a chroot; excludes ca_file.
---@field proxy? string "env", or an address that begins with http://, https:// or socks5h://; credentials in it are kept secret. None if absent.
---@field no_proxy? string Hosts that are reached without the proxy, separated by commas.
---@field connect_timeout? number Seconds for one connection.
---@field retry? cloudcal.retry|false How often a call is sent at most, and the longest pause between (seconds). A call that may have acted and is not safe to repeat is never sent again. false turns it off.
---@field logger? fun(level: cloudcal.log_level, message: string, fields: table) Gets the log lines, never a secret. cloudcal.log.stderr, cloudcal.log.nginx, or your own; one that fails is ignored. None if absent.
---@field log_level? cloudcal.log_level From which level on: "debug", "info", "warn", "error".
---@field language? "en"|"zh" Language of tostring(err).
---@field user_agent? string Text put in front of cloudcal/<version>.
---@field timeout? number Seconds for all requests together.
---@field max_response_bytes? integer A longer answer is too_large; 2 MiB.
---@field allow_plain_http? boolean Lets server_address begin with http://, for a loopback address only.

---@class cloudcal.platform_view: cloudcal.platform_options, cloudcal.view_options

---@class cloudcal.youkong_view: cloudcal.youkong_options, cloudcal.view_options

---@class cloudcal.raw_request: cloudcal.platform_call_options
---@field method? "GET"|"POST"|"PUT"|"PATCH"|"DELETE" GET if absent; Youkong's is POST.
---@field path string
---@field query? table<string, any>
---@field body? table|string
---@field repeatable? boolean Safe to send again.
---@field user_code? string Youkong: goes into the signed Client.

---@class cloudcal.mirror.calendar
---@field v4 cloudcal.mirror.calendar.v4

---@class cloudcal.mirror.calendar.v4
---@field calendar cloudcal.mirror.calendar.v4.calendar
---@field exchange_binding cloudcal.mirror.calendar.v4.exchange_binding
---@field setting cloudcal.mirror.calendar.v4.setting

---@class cloudcal.mirror.calendar.v4.calendar
---@field primary fun(request: cloudcal.calendar.v4.calendar.primary.request): cloudcal.calendar.v4.calendar.primary.response?, cloudcal.error?, cloudcal.meta Read the primary calendar of the app or of the user.

---@class cloudcal.mirror.calendar.v4.exchange_binding
---@field create fun(request: cloudcal.calendar.v4.exchange_binding.create.request): cloudcal.calendar.v4.exchange_binding.create.response?, cloudcal.error?, cloudcal.meta Bind an Exchange account to a Feishu or Lark user, which imports its calendars.
---@field delete fun(request: cloudcal.calendar.v4.exchange_binding.delete.request): cloudcal.calendar.v4.exchange_binding.delete.response?, cloudcal.error?, cloudcal.meta Unbind an Exchange account; only then can it be bound to another user.
---@field get fun(request: cloudcal.calendar.v4.exchange_binding.get.request): cloudcal.calendar.v4.exchange_binding.get.response?, cloudcal.error?, cloudcal.meta Read a binding, with the state of its first sync.

---@class cloudcal.mirror.calendar.v4.setting
---@field generate_caldav_conf fun(request: cloudcal.calendar.v4.setting.generate_caldav_conf.request): cloudcal.calendar.v4.setting.generate_caldav_conf.response?, cloudcal.error?, cloudcal.meta Make a CalDAV account for the current user, so that a device can sync the calendar.

---@class cloudcal.mirror.allinone
---@field putcalendar fun(request: cloudcal.allinone.putcalendar.request): cloudcal.allinone.putcalendar.response?, cloudcal.error?, cloudcal.meta Create a calendar, or update one, for a user of your app.

---@class cloudcal.client
local client = {}

---Calls any endpoint of the service, with the same token, retry and error handling.
---@param given cloudcal.raw_request method, path, query (a table), body (a table or a string of JSON), repeatable; user_code for Youkong; and the call options
---@return table? result body, nil, meta; or nil, err, meta
---@return cloudcal.error? err
---@return cloudcal.meta meta
function client:request(given) end

---A view of the client with other options; connections, tokens and limits stay shared.
---@param changes cloudcal.platform_view|cloudcal.youkong_view any options of the constructor, and tenant_key, user
---@return self client the client
function client:with(changes) end

---Loads the CA store and opens a connection: for loading screens and the start of a program.
---@return true? result true, nil, meta; or nil, err, meta
---@return cloudcal.error? err
---@return cloudcal.meta meta
function client:warm_up() end

---@class cloudcal.platform: cloudcal.client
---@field calendar cloudcal.mirror.calendar
local platform = {}

---Makes a CalDAV account for the current user.
---@param body? cloudcal.calendar.v4.setting.generate_caldav_conf.body { device_name }; at most 100 characters
---@param opts? cloudcal.calendar.v4.setting.generate_caldav_conf.opts call options
---@return cloudcal.calendar.v4.setting.generate_caldav_conf.response.data? result { password, user_name, server_address, device_name }, nil, meta; or nil, err, meta. The password is in the result only, never in a log, an error or meta.
---@return cloudcal.error? err
---@return cloudcal.meta meta
function platform:generate_caldav_conf(body, opts) end

---Binds an Exchange account to a user. The caller must be a super administrator.
---@param body? cloudcal.calendar.v4.exchange_binding.create.body { admin_account, exchange_account, user_id }
---@param opts? cloudcal.calendar.v4.exchange_binding.create.opts { user_id_type } and call options
---@return cloudcal.calendar.v4.exchange_binding.create.response.data? result the binding, nil, meta; or nil, err, meta. Its status begins as "doing".
---@return cloudcal.error? err
---@return cloudcal.meta meta
function platform:create_exchange_binding(body, opts) end

---Reads a binding.
---@param id string exchange_binding_id, as create returned it
---@param opts? cloudcal.calendar.v4.exchange_binding.get.opts { user_id_type } and call options
---@return cloudcal.calendar.v4.exchange_binding.get.response.data? result the binding, nil, meta; or nil, err, meta
---@return cloudcal.error? err
---@return cloudcal.meta meta
function platform:get_exchange_binding(id, opts) end

---Waits until the first sync of a binding is done. A look that fails for a passing reason is
---repeated until max_wait is over.
---@param id string exchange_binding_id
---@param opts? cloudcal.wait_options { max_wait = 600, interval = 2 (seconds), on_progress = function(binding), user_id_type } and call options
---@return cloudcal.calendar.v4.exchange_binding.get.response.data? result the binding, nil, meta; or nil, err, meta. A failed sync is rejected, name exchange_sync_failed; a late one is timeout; err.body is the last binding seen.
---@return cloudcal.error? err
---@return cloudcal.meta meta
function platform:wait_exchange_binding(id, opts) end

---Unbinds an Exchange account.
---@param id string exchange_binding_id
---@param opts? cloudcal.calendar.v4.exchange_binding.delete.opts call options
---@return true? result true, nil, meta; or nil, err, meta. meta.already_gone tells that an earlier attempt of this call had done it.
---@return cloudcal.error? err
---@return cloudcal.meta meta
function platform:delete_exchange_binding(id, opts) end

---Reads the primary calendar of the app or of the user.
---@param opts? cloudcal.calendar.v4.calendar.primary.opts { user_id_type } and call options such as identity
---@return cloudcal.calendar.v4.calendar.primary.response.data.calendars? result { calendar, user_id }, nil, meta; or nil, err, meta. An identity without a primary calendar gives not_found, name no_primary_calendar.
---@return cloudcal.error? err
---@return cloudcal.meta meta
function platform:primary_calendar(opts) end

---Makes the address of the page where a user lets the app act for them. It asks for
---offline_access too, without which the login ends after two hours; with PKCE.
---@param given cloudcal.authorization_url_options { redirect_uri, scope (words, at most 50), state, code_verifier, prompt }; state and code_verifier are made up where they are absent
---@return string? result the address, nil, meta; meta.state and meta.code_verifier are to be kept, in the user's session, until the code comes; or nil, err, meta
---@return cloudcal.error? err
---@return cloudcal.meta meta
function platform:authorization_url(given) end

---Exchanges the code that came back to redirect_uri, and keeps the login in the store. A code is
---good for one use within five minutes.
---@param given cloudcal.exchange_code_options { code, redirect_uri, code_verifier, user (the name of the login, as in the option user), tenant_key, timeout (seconds) }
---@return cloudcal.login? result { user, scope, expires_in, refresh_expires_in (seconds) }, nil, meta; or nil, err, meta
---@return cloudcal.error? err
---@return cloudcal.meta meta
function platform:exchange_code(given) end

---Logs in a user who opens a page on any device, and keeps the login in the store: for scripts
---without a web server. Waits until the user has answered.
---@param given cloudcal.login_options { scope, on_prompt = function(p), user, tenant_key, timeout (seconds, of each request) }; p is { user_code, verification_uri, verification_uri_complete, expires_in, interval (seconds) }
---@return cloudcal.login? result as exchange_code; login_required with the name access_denied or device_code_expired where the user refused or did not answer
---@return cloudcal.error? err
---@return cloudcal.meta meta
function platform:login(given) end

---Keeps the ticket of a store app, which the platform pushes to its event address each hour.
---@param ticket string event.app_ticket of that event
---@return true? result true, nil, meta; or nil, err, meta
---@return cloudcal.error? err
---@return cloudcal.meta meta
function platform:set_app_ticket(ticket) end

---Has the platform push the ticket of a store app again.
---@return true? result true, nil, meta; or nil, err, meta
---@return cloudcal.error? err
---@return cloudcal.meta meta
function platform:resend_app_ticket() end

---@class cloudcal.feishu: cloudcal.platform

---@class cloudcal.lark: cloudcal.platform

---@class cloudcal.youkong: cloudcal.client
---@field allinone cloudcal.mirror.allinone
local youkong = {}

---Creates a calendar or updates one, by what the table holds: with CalendarId it updates, with
---ProfileId it works in that third-party channel.
---@param user_code string your own number for the user, at most 100 characters; an unknown one makes a new user
---@param calendar cloudcal.allinone.putcalendar.Calendar { CalendarName (required), CalendarId, ProfileId, … } as the service names them
---@param opts? cloudcal.call_options call options
---@return cloudcal.allinone.putcalendar.response.Data? result { CalendarId }, nil, meta; or nil, err, meta. meta.id_changed tells that the answered id is another one than the one sent: keep the answered one.
---@return cloudcal.error? err
---@return cloudcal.meta meta
function youkong:put_calendar(user_code, calendar, opts) end

---Creates a calendar; a CalendarId is refused. Shapes and errors as put_calendar.
---@param user_code string your own number for the user
---@param calendar cloudcal.allinone.putcalendar.Calendar { CalendarName (required), ProfileId, … }
---@param opts? cloudcal.call_options call options
---@return cloudcal.allinone.putcalendar.response.Data? result { CalendarId }, nil, meta; or nil, err, meta
---@return cloudcal.error? err
---@return cloudcal.meta meta
function youkong:create_calendar(user_code, calendar, opts) end

---Updates a calendar; a CalendarId is required. Shapes and errors as put_calendar.
---@param user_code string your own number for the user
---@param calendar cloudcal.allinone.putcalendar.Calendar { CalendarId (required), CalendarName (required), ProfileId, … }
---@param opts? cloudcal.call_options call options
---@return cloudcal.allinone.putcalendar.response.Data? result { CalendarId }, nil, meta; or nil, err, meta
---@return cloudcal.error? err
---@return cloudcal.meta meta
function youkong:update_calendar(user_code, calendar, opts) end

---@class cloudcal.task
local task = {}

---Tells whether the task has ended.
---@return boolean ended true or false
function task:done() end

---What fn returned; nil and an error with a traceback if it raised.
---@return any result what fn returned; raises before the end of the task
---@return any err
---@return any meta
function task:result() end

---Ends the task's pending call, and each later one, as cancelled.
function task:cancel() end

---@class cloudcal.loop
local loop = {}

---Starts a task.
---@param fn function runs with the further arguments, from the next step on
---@param ... any
---@return cloudcal.task task a task with done(), result() and cancel()
function loop:spawn(fn, ...) end

---Lets the tasks go on for so long, and never waits longer. Raises inside a task.
---@param seconds? number 0 if absent
---@return integer live the number of live tasks
function loop:step(seconds) end

---Runs until every task is done. Raises inside a task.
function loop:run() end

---A descriptor that is readable when a step is due for an exchange; nil where the system has no
---epoll. Level-triggered; timeout() tells the rest.
---@return integer? fd the descriptor, or nil
function loop:fd() end

---The time until the next step is due.
---@return number? seconds seconds; nil when nothing waits
function loop:timeout() end

---A descriptor that is readable when a step is due for an exchange; nil where the system has no
---epoll. Level-triggered; timeout() tells the rest.
---@return integer? fd the descriptor, or nil
function loop:pollfd() end

---A descriptor that is readable when a step is due for an exchange; nil where the system has no
---epoll. Level-triggered; timeout() tells the rest.
---@return integer? fd the descriptor, or nil
function loop:getfd() end

---The events that the loop waits for, as cqueues asks for them.
---@return string events "r": readable
function loop:events() end

---Tells whether a step is due, as select asks.
---@return boolean due true or false
function loop:dirty() end

---@class cloudcal.store
local store = {}

---Gets a value.
---@param key string a string
---@return any value the value and the seconds it has left; nil; or nil, nil and a message if the store fails
---@return number? left
---@return string? problem
function store:get(key) end

---Sets a value, or forgets it if there is none.
---@param key string a string
---@param value any a string or a number
---@param seconds? number how long it is kept
---@param deadline? number until when the store may wait, in seconds of the monotonic clock; only one in a file waits for others
---@return true? fine true; or nil and a message
---@return string? problem
function store:set(key, value, seconds, deadline) end

---Takes a lock if nobody has it. It ends by itself after seconds, or with its process where the
---store is a file, or when that goes on after seconds.
---@param key string a string
---@param seconds number how long it lasts at most
---@return boolean taken true if it was taken, else false; and a message where no lock could be made
---@return string? problem
function store:try_lock(key, seconds) end

---Gives back a lock.
---@param key string a string
function store:unlock(key) end

---Reserves the slot of the next call, or of several that are taken as one.
---@param key string a string
---@param limits cloudcal.limit[] an array of { count, seconds }: at most count calls in any seconds
---@param most number seconds that the caller would wait
---@param count? integer calls that are taken as one; 1 if absent. Of the store in memory only
---@return number? wait seconds to wait for the slot, and its number (of whatever type); or nil and the seconds that would be needed, if that is over most
---@return any number
function store:reserve(key, limits, most, count) end

---Looks again after the wait: the calls before may have been later than their slots.
---@param key string a string
---@param limits cloudcal.limit[] as in reserve
---@param number any the one from reserve
---@return number wait seconds that the slot is still away; none if it is there
function store:check(key, limits, number) end

---Notes that the service counted a call at time or before. One that is not settled may still be
---on its way.
---@param key string a string
---@param limits cloudcal.limit[] as in reserve
---@param number any the one from reserve
---@param time number in seconds of the monotonic clock
---@param count? integer as in reserve
function store:settle(key, limits, number, time, count) end

---@class cloudcal.journal
---@field entries table[] What had been written before it was opened, in order.
---@field torn integer Bytes of an unfinished entry at the end that were cut off; 0 if there was none.
---@field path string Path of the file.
local journal = {}

---Writes an entry. In a task of a loop, those of all tasks that are ready to write get to the
---disk together. The disk's time, some milliseconds each, is the loop's: nothing else runs.
---@param entry table a table that JSON can hold
---@return true? fine true when the disk has it; or nil and a message. After a failure of the disk nothing more is written
---@return string? problem
function journal:write(entry) end

---Closes the journal, so that it can be opened again.
function journal:close() end

---@class cloudcal
---@field null userdata JSON's null: in a request it is sent as null, in an answer it stands inside arrays only, elsewhere null is nil. Equal to cjson.null.
---@field _VERSION string cloudcal and the version.
local cloudcal = {}

cloudcal.stores = {}

---A store in this Lua state, apart from the one that clients share.
---@return cloudcal.store store the store
function cloudcal.stores.memory() end

---A store in a file, seen by all processes of one user on this machine; tokens outlive them. It
---counts no calls. The file is created for its user only, and refused if others can reach it. A
---lock ends with the process that took it, or when its seconds are over and that process goes on.
---@param path string of the file, in a directory that exists
---@return cloudcal.store store the store; no file is opened before it is used
function cloudcal.stores.file(path) end

---A store in a shared dictionary of nginx, seen by all workers.
---@param dict table such as ngx.shared.cloudcal
---@return cloudcal.store store the store
function cloudcal.stores.nginx(dict) end

cloudcal.log = {}

---A logger that writes lines to standard error.
---@param level cloudcal.log_level "debug", "info", "warn" or "error"
---@param message string one line
---@param fields table<string, any> details by name
function cloudcal.log.stderr(level, message, fields) end

---A logger that writes to nginx's error log.
---@param level cloudcal.log_level "debug", "info", "warn" or "error"
---@param message string one line
---@param fields table<string, any> details by name
function cloudcal.log.nginx(level, message, fields) end

cloudcal.caldav = {}

---The address that apps such as DAVx5 and Thunderbird ask for.
---@param account cloudcal.caldav.account|cloudcal.calendar.v4.setting.generate_caldav_conf.response.data { server_address, … }, as generate_caldav_conf returns it
---@return string? address a URL, "https://host/"; or nil and an error
---@return cloudcal.error? err
function cloudcal.caldav.address(account) end

---Writes a configuration profile for iPhone, iPad and Mac. It holds the password: hand it to
---nobody but the user. A profile for the same server and user replaces the one before.
---@param account cloudcal.caldav.account|cloudcal.calendar.v4.setting.generate_caldav_conf.response.data { server_address, user_name, password, … }
---@param given? cloudcal.caldav.profile_options name (of the account on the device), organization, description, identifier (reverse DNS, such as "com.example.calendar"), principal (of check's result), language
---@return string? profile the text of a .mobileconfig file; or nil and an error
---@return cloudcal.error? err
function cloudcal.caldav.profile(account, given) end

---Writes a configuration profile into a file that only its user can read (mode 0600).
---@param account cloudcal.caldav.account|cloudcal.calendar.v4.setting.generate_caldav_conf.response.data { server_address, user_name, password, … }
---@param path string of the file, best with the ending .mobileconfig; a file there is replaced
---@param given? cloudcal.caldav.profile_options see profile
---@return true? fine true; or nil and an error
---@return cloudcal.error? err
function cloudcal.caldav.write_profile(account, path, given) end

---Logs in to the CalDAV server, and lists the calendars that a device would show. The password is
---sent to server_address only; a redirect to another server is an error. Needs lua-expat.
---@param account cloudcal.caldav.account|cloudcal.calendar.v4.setting.generate_caldav_conf.response.data { server_address, user_name, password, … }
---@param given? cloudcal.caldav.check_options timeout (of all requests together), connect_timeout, ca_file or ca_pem, proxy, no_proxy, retry, max_response_bytes (2 MiB), user_agent, logger, log_level, language, and allow_plain_http for a server_address that begins with http:// and is a loopback address
---@return cloudcal.caldav.found? result { principal, home, calendars = { { href, name, components, color, ctag }, … } }, nil, meta; or nil, err, meta. principal, home and href are URLs; components such as { "VEVENT" }, empty if the server does not tell; color and ctag as the server tells them
---@return cloudcal.error? err
---@return cloudcal.meta meta
function cloudcal.caldav.check(account, given) end

---Makes a client. Does no I/O; connections, tokens and limits belong to the Lua state.
---@param given cloudcal.platform_options options by name
---@return cloudcal.feishu client the client; a wrong option raises at the caller's line, and names itself
function cloudcal.feishu(given) end

---Makes a client. Does no I/O; connections, tokens and limits belong to the Lua state.
---@param given cloudcal.platform_options options by name
---@return cloudcal.lark client the client; a wrong option raises at the caller's line, and names itself
function cloudcal.lark(given) end

---Makes a client. Does no I/O; connections, tokens and limits belong to the Lua state.
---@param given cloudcal.youkong_options options by name
---@return cloudcal.youkong client the client; a wrong option raises at the caller's line, and names itself
function cloudcal.youkong(given) end

---Calls fn(item, i) for each item, several at a time; the order is kept.
---@generic T
---@param items T[] an array
---@param fn (fun(item: T, i: integer): any, any, any) returns a result, or nil and an error
---@param options? cloudcal.map_options concurrency (8), on_progress(done, total, failed), stop_on(err): true starts no more
---@return table results results by index, with results.n; and nil, or the errors by index. An item that was not started has a cancelled error. What fn raises cancels the rest and is raised again.
---@return table<integer, any>? errors
function cloudcal.map(items, fn, options) end

---Makes a loop, in which tasks go on side by side. All loops of a Lua state share one engine.
---@return cloudcal.loop loop the loop; see lua/cloudcal/wait/loop.lua
function cloudcal.loop() end

---Waits in the way of the host: a script blocks, a task yields, in nginx the light thread does.
---@param seconds number a number
---@return true? fine true; or nil and an error: cannot_wait where the host cannot wait, cancelled in a task that is cancelled
---@return cloudcal.error? err
function cloudcal.sleep(seconds) end

---Returns its arguments, or raises the error as one line of text, which every Lua can show.
---@generic T
---@param value? T result of a call
---@param err? any its error
---@param ... any
---@return T value all arguments, if the first is true
---@return any err
---@return any meta
function cloudcal.assert(value, err, ...) end

---Tells what is known of a code of Feishu and Lark, without asking anybody.
---@param code integer|string a number such as 190004, or a string of digits
---@return cloudcal.explanation? explanation { code, name, kind, msg, http_status, hint, hint_zh }, or nil if no table has it
function cloudcal.explain(code) end

---Text of a value, for people; secret fields are masked.
---@param value any any
---@return string text text of several lines
function cloudcal.pretty(value) end

---Makes a store in a Redis server, which processes and machines share: as store for tokens, as
---rate_limit for the count of calls. One object does for all clients of a Lua state, and one for
---each of them would each count for itself where Redis is away. A round trip takes at most 0.1 s,
---after which the server counts as away for a second: tokens are fetched anew, logins are not
---renewed, and each process takes its share of the rate. A client over LuaSocket blocks its
---process so long, loops included; lua-resty-redis blocks only the light thread. connect itself
---takes as long as it likes: give it a timeout of 0.1 s or less; if it took longer, that call
---goes on without Redis. A process that forks does so before the first use: a connection is not
---shared.
---@param given cloudcal.redis_options connect: function() that returns a client such as redis-lua's or lua-resty-redis's, or nil and a message, or raises; prefix: of all keys, "cloudcal:" if absent; processes: how many share the rate while Redis is away, 4 if absent
---@return cloudcal.store store the store; nothing is connected before it is used
function cloudcal.redis(given) end

---Opens a journal; there it is made if there is none, for its user alone. Nobody else can open it
---meanwhile, on this machine.
---@param path string of the file, in a directory that exists
---@return cloudcal.journal? journal a journal: entries holds what was written before, in order, and torn the bytes of an unfinished end that was cut off; or nil and a message
---@return string? problem
function cloudcal.journal(path) end

return cloudcal
