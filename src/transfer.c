/*
** One exchange: an option table becomes a libcurl handle; what comes back
** becomes status, headers and body, or a number and a text that say how it
** failed. Callbacks are named on_... and write C memory only.
*/
#include "core.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#define TRANSFER "cloudcal.transfer"

/* {======================================================
** Callbacks
** ======================================================= */

static int starts_with (const char *s, size_t n, const char *prefix) {
  size_t length = strlen(prefix);
  return n >= length && strncasecmp(s, prefix, length) == 0;
}

static void trim (const char **s, size_t *n) {
  while (*n > 0 && ((*s)[0] == ' ' || (*s)[0] == '\t')) {
    (*s)++;
    (*n)--;
  }
  while (*n > 0 && strchr(" \t\r\n", (*s)[*n - 1]) != NULL)
    (*n)--;
}

/* -1 if it is not a length that we could ever hold */
static int64_t parse_length (const char *s, size_t n) {
  int64_t length = 0;
  size_t i;
  if (n == 0 || n > 15)
    return -1;
  for (i = 0; i < n; i++) {
    if (s[i] < '0' || s[i] > '9')
      return -1;
    length = length * 10 + (s[i] - '0');
  }
  return length;
}

static void note_length (struct transfer *t, const char *s, size_t n) {
  int64_t length;
  trim(&s, &n);
  length = parse_length(s, n);
  if (length < 0 || (t->has_length && length != t->length))
    t->fault = FAULT_CONFLICTING_LENGTHS;
  t->has_length = 1;
  t->length = length;
}

static void note_encoding (struct transfer *t, const char *s, size_t n) {
  trim(&s, &n);
  t->chunked = n >= 7 && strncasecmp(s + n - 7, "chunked", 7) == 0;
}

/* what libcurl does not check: how the body is going to end */
static void note_framing (struct transfer *t, const char *s, size_t n) {
  static const char length[] = "content-length:";
  static const char encoding[] = "transfer-encoding:";
  if (starts_with(s, n, length))
    note_length(t, s + sizeof(length) - 1, n - sizeof(length) + 1);
  else if (starts_with(s, n, encoding))
    note_encoding(t, s + sizeof(encoding) - 1, n - sizeof(encoding) + 1);
  if (t->chunked && t->has_length)
    t->fault = FAULT_CONFLICTING_LENGTHS;
}

/* With the answer, the connection may be kept: one on which only part of the
** request could be sent would have the next one go on in the middle of it. */
static void begin_head (struct transfer *t) {
  curl_easy_setopt(t->easy, CURLOPT_FORBID_REUSE, 0L);
  bytes_clear(&t->head);
  t->head_complete = t->chunked = t->has_length = 0;
}

static int is_blank (const char *s, size_t n) {
  return (n == 2 && s[0] == '\r' && s[1] == '\n') || (n == 1 && s[0] == '\n');
}

static size_t on_head (char *s, size_t size, size_t count, void *user) {
  struct transfer *t = user;
  size_t n = size * count;
  t->head_seen += n;
  if (t->head_seen > CORE_MAX_HEAD) {
    t->fault = FAULT_HEADERS_TOO_LARGE;
    return 0;
  }
  if (t->body.length == 0 && starts_with(s, n, "HTTP/"))
    begin_head(t);
  else if (t->head_complete)
    return n;                   /* a trailer */
  t->head_complete = is_blank(s, n);
  note_framing(t, s, n);
  if (t->fault == 0 && bytes_append(&t->head, s, n) != BYTES_OK)
    t->fault = CURLE_OUT_OF_MEMORY;
  return t->fault == 0 ? n : 0;
}

static size_t on_body (char *s, size_t size, size_t count, void *user) {
  struct transfer *t = user;
  size_t n = size * count;
  switch (bytes_append(&t->body, s, n)) {
    case BYTES_OK: return n;
    case BYTES_FULL: t->fault = FAULT_BODY_TOO_LARGE; break;
    case BYTES_NO_MEMORY: t->fault = CURLE_OUT_OF_MEMORY; break;
  }
  return 0;
}

/* One exchange is one request. When a reused connection dies unanswered,
** libcurl would send it again on a new one; whether that is safe is not
** for libcurl to say. */
static int on_prerequest (void *user, char *ip, char *local_ip, int port,
                          int local_port) {
  struct transfer *t = user;
  (void)ip, (void)local_ip, (void)port, (void)local_port;
  if (t->requests++ == 0)
    return CURL_PREREQFUNC_OK;
  t->fault = CURLE_SEND_FAIL_REWIND;
  return CURL_PREREQFUNC_ABORT;
}

/* The body by callback, with no way to rewind it: the same once more. */
static size_t on_request (char *s, size_t size, size_t count, void *user) {
  struct transfer *t = user;
  size_t n = size * count;
  size_t left = t->request.length - t->request_read;
  if (n > left)
    n = left;
  if (n > 0)
    memcpy(s, t->request.data + t->request_read, n);
  t->request_read += n;
  return n;
}

/* Once the request has begun, libcurl connects only to send it again; and if
** that failed, the exchange would end as one that was never sent. */
static curl_socket_t on_open (void *user, curlsocktype purpose,
                              struct curl_sockaddr *address) {
  struct transfer *t = user;
  (void)purpose;
  if (t->requests == 0)
    return engine_socket(t->engine, address);
  t->fault = CURLE_SEND_FAIL_REWIND;
  return CURL_SOCKET_BAD;
}

static int on_close (void *user, curl_socket_t s) {
  return engine_close_socket(user, s);
}

/* }====================================================== */

/* {======================================================
** The option table. Its strings stay on the Lua side while the table is on
** the stack, which is why it is read raw: what a metamethod makes up, nobody
** holds. libcurl copies what it is given.
** ======================================================= */

static void get_option (lua_State *L, int options, const char *name) {
  lua_pushstring(L, name);
  lua_rawget(L, options);
}

static const char *string_option (lua_State *L, int options,
                                  const char *name, size_t *n) {
  const char *s = NULL;
  get_option(L, options, name);
  if (!lua_isnil(L, -1)) {
    if (lua_type(L, -1) != LUA_TSTRING)
      luaL_error(L, "%s is not a string", name);
    s = lua_tolstring(L, -1, n);
  }
  lua_pop(L, 1);
  return s;
}

/* a string for a header or a libcurl option: no control characters */
static const char *line_option (lua_State *L, int options,
                                const char *name) {
  size_t n = 0;
  const char *s = string_option(L, options, name, &n);
  if (s != NULL && !text_is_line(s, n))
    luaL_error(L, "%s holds a control character", name);
  return s;
}

/* one that the exchange cannot do without */
static const char *needed_option (lua_State *L, int options,
                                  const char *name) {
  const char *s = line_option(L, options, name);
  if (s == NULL)                /* it raises, which analysers do not know */
    s = (luaL_error(L, "%s is missing", name), "");
  return s;
}

static double number_option (lua_State *L, int options, const char *name) {
  double d;
  get_option(L, options, name);
  if (!lua_isnumber(L, -1))
    luaL_error(L, "%s is not a number", name);
  d = (double)lua_tonumber(L, -1);
  lua_pop(L, 1);
  return d;
}

/* a number between least and most; what is not a number is not between */
double option_between (lua_State *L, int options, const char *name,
                       double least, double most) {
  double d = number_option(L, options, name);
  if (!(d >= least && d <= most))
    luaL_error(L, "%s is out of range", name);
  return d;
}

static int flag_option (lua_State *L, int options, const char *name) {
  int flag;
  get_option(L, options, name);
  flag = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return flag;
}

static long milliseconds (double seconds) {
  if (!(seconds > 0.001))
    return 1;                   /* 0 would mean libcurl's own default */
  return seconds > 2e6 ? 2000000000L : (long)(seconds * 1000.0);
}

/* }====================================================== */

/* {======================================================
** Configuration: what all exchanges of a transport have in common. A handle
** keeps it from one exchange to the next.
** ======================================================= */

#define SET(t, option, value) do { \
    CURLcode code_ = curl_easy_setopt((t)->easy, option, value); \
    if (code_ != CURLE_OK) return code_; \
  } while (0)

static const struct { CURLoption option; long value; } fixed[] = {
  { CURLOPT_NOSIGNAL, 1 },              /* signals belong to the host */
  { CURLOPT_QUICK_EXIT, 1 },    /* a stuck look-up does not hold a deadline */
  { CURLOPT_FOLLOWLOCATION, 0 },
  { CURLOPT_HTTP09_ALLOWED, 0 },
  { CURLOPT_SSL_VERIFYPEER, 1 },
  { CURLOPT_SSL_VERIFYHOST, 2 },
  { CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
  { CURLOPT_PROXY_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
  { CURLOPT_NETRC, CURL_NETRC_IGNORED },
  { CURLOPT_SUPPRESS_CONNECT_HEADERS, 1 },
  { CURLOPT_PATH_AS_IS, 1 },
};

static CURLcode set_fixed (struct transfer *t, struct engine *e) {
  size_t i;
  for (i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
    SET(t, fixed[i].option, fixed[i].value);
#if LIBCURL_VERSION_NUM < 0x080c00
  /* its session cache frees twice when memory runs out (seen in 7.88.1) */
  SET(t, CURLOPT_SSL_SESSIONID_CACHE, 0L);
#endif
  SET(t, CURLOPT_HEADERFUNCTION, on_head);
  SET(t, CURLOPT_WRITEFUNCTION, on_body);
  SET(t, CURLOPT_READFUNCTION, on_request);
  SET(t, CURLOPT_PREREQFUNCTION, on_prerequest);
  SET(t, CURLOPT_OPENSOCKETFUNCTION, on_open);
  SET(t, CURLOPT_CLOSESOCKETFUNCTION, on_close);
  SET(t, CURLOPT_CLOSESOCKETDATA, e);
  return CURLE_OK;
}

/* libcurl's CA store is kept between connections only if it comes from one
** file; with a directory beside it, each connection reads 140 certificates */
static CURLcode set_ca_file (struct transfer *t, const char *file) {
  const char *system = curl_version_info(CURLVERSION_NOW)->cainfo;
  if (file != NULL) {
    SET(t, CURLOPT_CAINFO, file);
    SET(t, CURLOPT_PROXY_CAINFO, file);
  }
  if (file != NULL || (system != NULL && access(system, R_OK) == 0)) {
    SET(t, CURLOPT_CAPATH, (char *)NULL);
    SET(t, CURLOPT_PROXY_CAPATH, (char *)NULL);
  }
  return CURLE_OK;
}

static CURLcode set_trust (lua_State *L, int options, struct transfer *t) {
  size_t n = 0;
  const char *pem = string_option(L, options, "ca_pem", &n);
  struct curl_blob blob;
  if (pem == NULL)
    return set_ca_file(t, line_option(L, options, "ca_file"));
  blob.data = (void *)pem;
  blob.len = n;
  blob.flags = CURL_BLOB_COPY;
  SET(t, CURLOPT_CAPATH, (char *)NULL);
  SET(t, CURLOPT_CAINFO, (char *)NULL);
  SET(t, CURLOPT_CAINFO_BLOB, &blob);
  SET(t, CURLOPT_PROXY_CAPATH, (char *)NULL);
  SET(t, CURLOPT_PROXY_CAINFO, (char *)NULL);
  SET(t, CURLOPT_PROXY_CAINFO_BLOB, &blob);
  return CURLE_OK;
}

/* no proxy at all unless asked: the environment is input, too */
static CURLcode set_proxy (lua_State *L, int options, struct transfer *t) {
  const char *proxy = line_option(L, options, "proxy");
  const char *no_proxy = line_option(L, options, "no_proxy");
  int from_environment = proxy != NULL && strcmp(proxy, "env") == 0;
  if (!from_environment)
    SET(t, CURLOPT_PROXY, proxy != NULL ? proxy : "");
  if (no_proxy != NULL || !from_environment)
    SET(t, CURLOPT_NOPROXY, no_proxy != NULL ? no_proxy : "");
  return CURLE_OK;
}

static CURLcode set_protocol (lua_State *L, int options,
                              struct transfer *t) {
  const char *protocols =
      flag_option(L, options, "plain_http") ? "http,https" : "https";
  const char *agent = line_option(L, options, "user_agent");
  long version = flag_option(L, options, "http2") ?
      CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1;
  SET(t, CURLOPT_PROTOCOLS_STR, protocols);
  SET(t, CURLOPT_REDIR_PROTOCOLS_STR, "https");
  SET(t, CURLOPT_HTTP_VERSION, version);
  SET(t, CURLOPT_USERAGENT, agent);
  return CURLE_OK;
}

static double most_bytes (lua_State *L, int options) {
  return option_between(L, options, "max_response_bytes", 0,
                        CORE_MAX_RESPONSE);
}

static CURLcode set_ceilings (lua_State *L, int options,
                              struct transfer *t) {
  long connect =
      milliseconds(number_option(L, options, "connect_timeout"));
  SET(t, CURLOPT_CONNECTTIMEOUT_MS, connect);
  SET(t, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)most_bytes(L, options));
  return CURLE_OK;
}

/* From the table at index `transport` to the new handle t->easy. May raise:
** t is owned by its userdata, which gives everything back. */
CURLcode transfer_configure (lua_State *L, int transport,
                             struct transfer *t, struct engine *e) {
  CURLcode code = set_fixed(t, e);
  if (code == CURLE_OK) code = set_trust(L, transport, t);
  if (code == CURLE_OK) code = set_proxy(L, transport, t);
  if (code == CURLE_OK) code = set_protocol(L, transport, t);
  if (code == CURLE_OK) code = set_ceilings(L, transport, t);
  return code;
}

/* }====================================================== */

/* {======================================================
** One exchange of a transport: each of these options is set for each
** exchange, or it would have that of the one before
** ======================================================= */

static CURLcode set_owner (struct transfer *t) {
  SET(t, CURLOPT_ERRORBUFFER, t->text);
  SET(t, CURLOPT_PRIVATE, t);
  SET(t, CURLOPT_HEADERDATA, t);
  SET(t, CURLOPT_WRITEDATA, t);
  SET(t, CURLOPT_READDATA, t);
  SET(t, CURLOPT_PREREQDATA, t);
  SET(t, CURLOPT_OPENSOCKETDATA, t);
  return CURLE_OK;
}

static int is_address (const char *url) {
  const char *host = strstr(url, "://");
  host = host != NULL ? host + 3 : url;
  return *host == '[' || strchr(":/", host[strspn(host, "0123456789.")]);
}

/* Of a text libcurl would parse and write anew what it means, for each
** exchange; a parsed URL is taken as it is. */
static CURLcode set_url (struct transfer *t, const char *url) {
  const unsigned flags =
      CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME | CURLU_PATH_AS_IS;
  char *known = NULL;
  CURLUcode code;
  curl_easy_getinfo(t->easy, CURLINFO_EFFECTIVE_URL, &known);
  if (known != NULL && strcmp(known, url) == 0)
    return CURLE_OK;
  if (t->url == NULL && (t->url = curl_url()) == NULL)
    return CURLE_OUT_OF_MEMORY;
  code = curl_url_set(t->url, CURLUPART_URL, url, flags);
  if (code != CURLUE_OK)
    return code == CURLUE_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY :
                                          CURLE_URL_MALFORMAT;
  SET(t, CURLOPT_URL, url);
  SET(t, CURLOPT_CURLU, t->url);
  return CURLE_OK;
}

static CURLcode set_target (lua_State *L, int options, int transport,
                            struct transfer *t) {
  const char *url = needed_option(L, options, "url");
  double timeout = number_option(L, options, "timeout");
  long fresh = flag_option(L, options, "fresh");
  bytes_init(&t->body, (size_t)most_bytes(L, transport));
  t->to_address = is_address(url) &&
      line_option(L, transport, "proxy") == NULL;
  t->deadline = engine_now() + (int64_t)milliseconds(timeout) * 1000;
  SET(t, CURLOPT_FRESH_CONNECT, fresh);
  SET(t, CURLOPT_FORBID_REUSE, 1L);     /* but see begin_head */
  return set_url(t, url);
}

static CURLcode add_line (struct transfer *t, const char *line) {
  struct curl_slist *lines = curl_slist_append(t->lines, line);
  if (lines == NULL)
    return CURLE_OUT_OF_MEMORY;
  t->lines = lines;
  return CURLE_OK;
}

/* name and value are joined here, so that no Lua string holds a header
** with the token in it */
static CURLcode add_header (struct transfer *t, const char *name,
                            const char *value) {
  struct bytes line;
  CURLcode code = CURLE_OUT_OF_MEMORY;
  bytes_init(&line, CORE_MAX_HEAD);
  if (bytes_append(&line, name, strlen(name)) == BYTES_OK &&
      bytes_append(&line, value, strlen(value) + 1) == BYTES_OK)
    code = add_line(t, line.data);
  bytes_free(&line);
  return code;
}

static CURLcode add_custom (lua_State *L, int options, struct transfer *t) {
  CURLcode code = CURLE_OK;
  size_t i, n, length;
  get_option(L, options, "headers");
  if (!lua_isnil(L, -1) && !lua_istable(L, -1))
    luaL_error(L, "headers is not a table");
  n = lua_istable(L, -1) ? core_rawlen(L, -1) : 0;
  for (i = 1; i <= n && code == CURLE_OK; i++) {
    const char *line;
    lua_rawgeti(L, -1, (int)i);
    line = lua_tolstring(L, -1, &length);
    if (line == NULL || !text_is_line(line, length))
      luaL_error(L, "header %d is not one line of text", (int)i);
    code = add_line(t, line);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return code;
}

/* basic is "user:password" */
static CURLcode add_basic (lua_State *L, struct transfer *t,
                           const char *basic) {
  size_t n = strlen(basic), size = (n + 2) / 3 * 4 + 1;
  char *encoded = lua_newuserdata(L, size);
  CURLcode code;
  EVP_EncodeBlock((unsigned char *)encoded, (const unsigned char *)basic,
                  (int)n);
  code = add_header(t, "Authorization: Basic ", encoded);
  OPENSSL_cleanse(encoded, size);
  lua_pop(L, 1);
  return code;
}

static CURLcode add_authorization (lua_State *L, int options,
                                   struct transfer *t) {
  const char *token = line_option(L, options, "token");
  const char *basic = line_option(L, options, "basic");
  if (token != NULL)
    return add_header(t, "Authorization: Bearer ", token);
  return basic != NULL ? add_basic(L, t, basic) : CURLE_OK;
}

static CURLcode set_headers (lua_State *L, int options, struct transfer *t) {
  const char *type = line_option(L, options, "content_type");
  CURLcode code = add_custom(L, options, t);
  if (code == CURLE_OK && t->request.length > 0)
    code = add_line(t, "Expect:");      /* never wait for 100 Continue */
  if (code == CURLE_OK)                 /* an empty one leaves it out */
    code = type != NULL ? add_header(t, "Content-Type: ", type) :
                          add_line(t, "Content-Type:");
  if (code == CURLE_OK)
    code = add_authorization(L, options, t);
  if (code == CURLE_OK)
    SET(t, CURLOPT_HTTPHEADER, t->lines);
  return code;
}

static CURLcode set_body (struct transfer *t, const char *body, size_t n) {
  bytes_init(&t->request, CORE_MAX_REQUEST);
  if (bytes_append(&t->request, body, n) != BYTES_OK)
    return CURLE_OUT_OF_MEMORY;
  SET(t, CURLOPT_POST, 1L);
  SET(t, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)n);
  return CURLE_OK;
}

static CURLcode set_method (lua_State *L, int options, struct transfer *t) {
  const char *method = needed_option(L, options, "method");
  const char *own;              /* what libcurl would send by itself */
  size_t n = 0;
  const char *body = string_option(L, options, "body", &n);
  CURLcode code = CURLE_OK;
  if (body == NULL && method[0] == 'P')         /* POST, PUT, PATCH */
    body = "";
  own = body != NULL ? "POST" : "GET";
  if (body != NULL)
    code = set_body(t, body, n);
  else
    SET(t, CURLOPT_HTTPGET, 1L);
  if (code == CURLE_OK)
    SET(t, CURLOPT_CUSTOMREQUEST, strcmp(method, own) != 0 ? method : NULL);
  return code;
}

/* From the table at index `options` to the configured handle t->easy. May
** raise. */
CURLcode transfer_address (lua_State *L, int options, int transport,
                           struct transfer *t) {
  CURLcode code = set_owner(t);
  if (code == CURLE_OK) code = set_target(L, options, transport, t);
  if (code == CURLE_OK) code = set_method(L, options, t);
  if (code == CURLE_OK) code = set_headers(L, options, t);
  return code;
}

/* A handle that outlives its exchange points at nothing of it that libcurl
** could touch while the handle rests. */
void transfer_forget (CURL *easy) {
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
}

void transfer_cleanup (struct transfer *t) {
  curl_easy_cleanup(t->easy);
  curl_url_cleanup(t->url);
  t->easy = NULL;
  t->url = NULL;
}

/* }====================================================== */

/* {======================================================
** The end of an exchange
** ======================================================= */

static double seconds (CURL *easy, CURLINFO what) {
  curl_off_t microseconds = 0;
  curl_easy_getinfo(easy, what, &microseconds);
  return (double)microseconds / 1e6;
}

/* Request bytes may have left. Those of a CONNECT that the proxy did not
** grant are not ours. */
static int was_sent (CURL *easy) {
  long request = 0, connect = 0;
  curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &request);
  curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &connect);
  return request > 0 && (connect == 0 || connect / 100 == 2);
}

static void read_measures (struct transfer *t) {
  curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &t->status);
  t->sent = was_sent(t->easy);
  t->dns = seconds(t->easy, CURLINFO_NAMELOOKUP_TIME_T);
  t->connect = seconds(t->easy, CURLINFO_CONNECT_TIME_T);
  t->tls = seconds(t->easy, CURLINFO_APPCONNECT_TIME_T);
  t->first_byte = seconds(t->easy, CURLINFO_STARTTRANSFER_TIME_T);
  t->total = seconds(t->easy, CURLINFO_TOTAL_TIME_T);
}

static int has_no_body (const struct transfer *t) {
  return t->status == 204 || t->status == 304;
}

/* libcurl takes for a success what may have been cut */
static int check_framing (const struct transfer *t) {
  long version = 0;
  curl_easy_getinfo(t->easy, CURLINFO_HTTP_VERSION, &version);
  if (!t->head_complete)
    return FAULT_HEADERS_CUT;
  if (version >= CURL_HTTP_VERSION_2_0 || has_no_body(t))
    return 0;
  return (t->chunked || t->has_length) ? 0 : FAULT_BODY_WITHOUT_END;
}

static int was_handshake_cut (const char *text) {
  return strstr(text, "SSL_ERROR_SYSCALL") != NULL ||
         strstr(text, "onnection reset") != NULL ||
         strstr(text, "unexpected eof") != NULL;
}

static int refine (const struct transfer *t, CURLcode code) {
  if (t->fault != 0)
    return t->fault;
  if (code == CURLE_OK)
    return check_framing(t);
  if (code == CURLE_SSL_CONNECT_ERROR && was_handshake_cut(t->text))
    return FAULT_HANDSHAKE_CUT;
  /* libcurl's answer to a header line that is over its own limit */
  if (code == CURLE_OUT_OF_MEMORY && t->sent && !t->head_complete)
    return FAULT_HEADERS_TOO_LARGE;
  return (int)code;
}

void transfer_finish (struct transfer *t, CURLcode code) {
  if (t->easy != NULL)
    read_measures(t);
  t->code = refine(t, code);
}

static void free_lines (struct curl_slist *lines) {
  struct curl_slist *line;
  for (line = lines; line != NULL; line = line->next)
    OPENSSL_cleanse(line->data, strlen(line->data));
  curl_slist_free_all(lines);
}

/* give back what only the request needed, once libcurl is done with it */
void transfer_release (struct transfer *t) {
  free_lines(t->lines);
  t->lines = NULL;
  bytes_free(&t->request);
}

static void transfer_close (struct transfer *t) {
  engine_drop(t);
  transfer_cleanup(t);          /* of what could not be configured */
  transfer_release(t);
  bytes_free(&t->head);
  bytes_free(&t->body);
  t->state = TRANSFER_CLOSED;
}

/* }====================================================== */

/* {======================================================
** The Lua side
** ======================================================= */

struct transfer *transfer_new (lua_State *L) {
  struct transfer *t = lua_newuserdata(L, sizeof(*t));
  memset(t, 0, sizeof(*t));
  bytes_init(&t->head, CORE_MAX_HEAD);
  luaL_getmetatable(L, TRANSFER);
  lua_setmetatable(L, -2);
  return t;
}

static struct transfer *check (lua_State *L) {
  return luaL_checkudata(L, 1, TRANSFER);
}

/* transfer:done() -> boolean: is there something to take? */
static int l_done (lua_State *L) {
  lua_pushboolean(L, check(L)->state == TRANSFER_DONE);
  return 1;
}

static void push_bytes (lua_State *L, const struct bytes *b) {
  lua_pushlstring(L, b->data != NULL ? b->data : "", b->length);
}

/* between the request and its answer: without the making of a connection */
static double latency (const struct transfer *t) {
  return t->total - (t->tls > t->connect ? t->tls : t->connect);
}

/* transfer:take() -> status, head, body, and the seconds between the request
**                    and its answer
**   | nil, code, text, sent, status, head  where the exchange failed
**   | nil                                  where it is not done */
static int l_take (lua_State *L) {
  struct transfer *t = check(L);
  lua_settop(L, 1);
  luaL_checkstack(L, 6, NULL);
  if (t->state != TRANSFER_DONE)
    return 0;
  if (t->code == 0) {
    lua_pushinteger(L, (lua_Integer)t->status);
    push_bytes(L, &t->head);
    push_bytes(L, &t->body);
    lua_pushnumber(L, latency(t));
  }
  else {
    lua_pushnil(L);
    lua_pushinteger(L, (lua_Integer)t->code);
    lua_pushstring(L, t->text);
    lua_pushboolean(L, t->sent);
    lua_pushinteger(L, (lua_Integer)t->status);
    push_bytes(L, &t->head);
  }
  transfer_close(t);
  return lua_gettop(L) - 1;
}

/* transfer:timings() -> seconds until the name was found, the connection
** made, TLS done, the first byte there, and all done */
static int l_timings (lua_State *L) {
  struct transfer *t = check(L);
  lua_pushnumber(L, t->dns);
  lua_pushnumber(L, t->connect);
  lua_pushnumber(L, t->tls);
  lua_pushnumber(L, t->first_byte);
  lua_pushnumber(L, t->total);
  return 5;
}

/* transfer:cancel(): ends it now, if it has not ended; what can be taken
** then tells whether anything had been sent */
static int l_cancel (lua_State *L) {
  engine_cancel(check(L));
  return 0;
}

static int l_gc (lua_State *L) {
  transfer_close(check(L));
  return 0;
}

static int l_tostring (lua_State *L) {
  static const char *const states[] = { "closed", "queued", "running",
                                        "done" };
  lua_pushfstring(L, "cloudcal.transfer (%s)", states[check(L)->state]);
  return 1;
}

static const luaL_Reg methods[] = {
  { "done", l_done },
  { "take", l_take },
  { "timings", l_timings },
  { "cancel", l_cancel },
  { NULL, NULL }
};

static const luaL_Reg metamethods[] = {
  { "__gc", l_gc },
  { "__close", l_gc },
  { "__tostring", l_tostring },
  { NULL, NULL }
};

void transfer_open (lua_State *L) {
  luaL_newmetatable(L, TRANSFER);
  core_setfuncs(L, metamethods);
  lua_newtable(L);
  core_setfuncs(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}

/* }====================================================== */
