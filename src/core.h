/*
** cloudcal core: bytes over HTTPS for a Lua host. C knows bytes; what a
** service means is known in lua/cloudcal.
**
** Limits, the 5.1-5.4 compatibility block, and the prototypes, grouped by
** the file that owns them.
*/
#ifndef CLOUDCAL_CORE_H
#define CLOUDCAL_CORE_H

#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE 1           /* dladdr, dl_iterate_phdr, SOCK_CLOEXEC */
#endif

#if defined(__has_include)
#if !__has_include(<curl/curl.h>)
#error "cloudcal: libcurl headers not found. Debian, Ubuntu: libcurl4-openssl-dev; Fedora: libcurl-devel; Alpine: curl-dev; Homebrew: curl"
#endif
#if !__has_include(<openssl/evp.h>)
#error "cloudcal: OpenSSL headers not found. Debian, Ubuntu: libssl-dev; Fedora: openssl-devel; Alpine: openssl-dev; Homebrew: openssl@3"
#endif
#endif

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <curl/curl.h>
#include <openssl/opensslv.h>

#include <lua.h>
#include <lauxlib.h>

#if LIBCURL_VERSION_NUM < 0x075800
#error "cloudcal needs libcurl 7.88.0 or newer"
#endif
#if OPENSSL_VERSION_NUMBER < 0x30000000L
#error "cloudcal needs OpenSSL 3.0 or newer"
#endif

/* {======================================================
** Limits: every buffer has a ceiling at birth
** ======================================================= */

#if !defined(CORE_MAX_HEAD)
#define CORE_MAX_HEAD ((size_t)262144)  /* all header lines of one answer */
#endif
#if !defined(CORE_MAX_REQUEST)
#define CORE_MAX_REQUEST (64 * (size_t)1048576)
#endif
#if !defined(CORE_MAX_RESPONSE)
#define CORE_MAX_RESPONSE 2147483648.0  /* the highest ceiling of a body */
#endif
#if !defined(CORE_MAX_CONNECTIONS)
#define CORE_MAX_CONNECTIONS 10000.0    /* the highest limit for one host */
#endif
#if !defined(CORE_SPARE_HANDLES)
#define CORE_SPARE_HANDLES 32           /* easy handles kept for reuse */
#endif
#if !defined(CORE_IDLE_CONNECTIONS)
#define CORE_IDLE_CONNECTIONS 64        /* kept open at least, all hosts */
#endif
#if !defined(CORE_MAX_DEPTH)
#define CORE_MAX_DEPTH 1000             /* of tables that are mended */
#endif
#if !defined(CORE_MAX_ENCODED)
#define CORE_MAX_ENCODED ((size_t)1048576)  /* bytes that base64url takes */
#endif
#if !defined(CORE_MAX_PRIVATE)
#define CORE_MAX_PRIVATE ((size_t)1048576)  /* a private file */
#endif
#if !defined(CORE_MAX_JOURNAL)
#define CORE_MAX_JOURNAL (64 * (size_t)1048576)
#endif
#define CORE_MAX_RANDOM 256             /* random bytes at a time */
#define CORE_MAX_EXACT 9007199254740992.0       /* 2^53 */

/* }====================================================== */

/* {======================================================
** Lua 5.1 (and LuaJIT) to 5.4
** ======================================================= */

#if LUA_VERSION_NUM >= 502
#define core_setfuncs(L, list) luaL_setfuncs(L, list, 0)
#define core_rawlen(L, i) lua_rawlen(L, i)
#else
#define core_setfuncs(L, list) luaL_register(L, NULL, list)
#define core_rawlen(L, i) lua_objlen(L, i)
#endif

/* }====================================================== */

#if defined(__GNUC__)
#define CORE_EXPORT __attribute__((visibility("default")))
#pragma GCC visibility push(hidden)
#else
#define CORE_EXPORT
#endif

/* bytes.c: a growing buffer, wiped when it is freed */

enum bytes_result { BYTES_OK, BYTES_FULL, BYTES_NO_MEMORY };

struct bytes {
  char *data;
  size_t length;
  size_t capacity;
  size_t ceiling;
};

void bytes_init (struct bytes *b, size_t ceiling);
enum bytes_result bytes_append (struct bytes *b, const void *data, size_t n);
void bytes_clear (struct bytes *b);
void bytes_free (struct bytes *b);

/* text.c: UTF-8, header and URL hygiene */

size_t text_utf8 (const char *s, size_t n, size_t *characters);
int text_is_line (const char *s, size_t n);
extern const luaL_Reg text_functions[];

/* json.c: what lua-cjson leaves open */

extern const luaL_Reg json_functions[];

/* digest.c */

extern const luaL_Reg digest_functions[];

/* files.c: private files, locks and journals */

void files_open (lua_State *L);
extern const luaL_Reg files_functions[];

/* transfer.c: one exchange */

/* how an exchange ended, beyond libcurl's own numbers */
enum fault {
  FAULT_BODY_TOO_LARGE = 1001,
  FAULT_HEADERS_TOO_LARGE,
  FAULT_HEADERS_CUT,            /* connection ended inside the headers */
  FAULT_BODY_WITHOUT_END,       /* ended by EOF only: may have been cut */
  FAULT_CONFLICTING_LENGTHS,
  FAULT_HANDSHAKE_CUT,
  FAULT_LOST_IN_FORK
};

enum transfer_state {
  TRANSFER_CLOSED,              /* nothing to own */
  TRANSFER_QUEUED,              /* configured, not yet with libcurl */
  TRANSFER_RUNNING,
  TRANSFER_DONE                 /* the answer waits to be taken */
};

struct engine;

struct transfer {
  enum transfer_state state;
  struct engine *engine;        /* set while it is in one of its lists */
  struct transfer *previous, *next;     /* in that list */
  int group;                    /* who wants to hear of the end; 0: nobody */
  int64_t ticket;               /* its number, for those who hear of it */
  CURL *easy;
  CURLU *url;                   /* that of the handle, which lives as long */
  int64_t transport;            /* whose options it has; 0: its own */
  struct curl_slist *lines;     /* request headers */
  struct bytes request;         /* request body ... */
  size_t request_read;          /* ... and how far libcurl has read it */
  int requests;                 /* how often libcurl began to send it */
  int64_t deadline;             /* microseconds, monotonic */
  int to_address;               /* the host is an address, not a name */
  struct bytes head, body;      /* the answer */
  size_t head_seen;             /* all header bytes, 1xx answers included */
  int head_complete;
  int chunked;
  int has_length;
  int64_t length;               /* Content-Length */
  int fault;                    /* seen by a callback; 0: none */
  int code;                     /* CURLcode or enum fault; 0: success */
  int sent;                     /* request bytes may have left */
  long status;
  double dns, connect, tls, first_byte, total;  /* seconds */
  char text[CURL_ERROR_SIZE];
};

double option_between (lua_State *L, int options, const char *name,
                       double least, double most);
CURLcode transfer_configure (lua_State *L, int transport,
                             struct transfer *t, struct engine *e);
CURLcode transfer_address (lua_State *L, int options, int transport,
                           struct transfer *t);
void transfer_forget (CURL *easy);
void transfer_cleanup (struct transfer *t);
void transfer_finish (struct transfer *t, CURLcode code);
void transfer_release (struct transfer *t);
struct transfer *transfer_new (lua_State *L);
void transfer_open (lua_State *L);

/* engine.c: many exchanges */

int64_t engine_now (void);
curl_socket_t engine_socket (struct engine *e, struct curl_sockaddr *a);
int engine_close_socket (struct engine *e, curl_socket_t s);
void engine_drop (struct transfer *t);
void engine_cancel (struct transfer *t);
void engine_open (lua_State *L);
extern const luaL_Reg engine_functions[];

/* core.c */

void core_leave_no_error (void);
CORE_EXPORT int luaopen_cloudcal_core (lua_State *L);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
