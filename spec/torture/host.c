/*
** A program with the core inside, whose memory fails when it is told to:
** host SCRIPT ARGUMENTS... The script finds the module torture.host:
**   under(whose, nth, lasting, fn) -> ok, value or error, requests
**     calls fn while the nth request for memory of "lua", "ours", "curl" or
**     "openssl" fails, or, if lasting, that one and all after it
**   open(nth, lasting) -> ok, error, requests, good
**     the same for luaopen in a new Lua state; good: it can be used then
**   leaks() -> is there memory that nothing points at?
**   descriptors() -> how many are open
**   apart(fn) -> what fn returned as a number, from a child of this process
**   url_parts(url) -> scheme, host, port, user and path, as libcurl reads it
**   openssl_has(name) -> does OpenSSL itself have this digest, or "random"?
**   state() -> another Lua state, with run(script, arguments...) -> ok, value
**     (strings all), and close(), which ends it
*/
#define _GNU_SOURCE 1

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sanitizer/lsan_interface.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "script.h"

int luaopen_cloudcal_core (lua_State *L);
int luaopen_torture_sockets (lua_State *L);     /* sockets.c */
void *host_malloc (size_t n);
void *host_realloc (void *p, size_t n);

/* {======================================================
** Memory that fails
** ======================================================= */

enum whose { NOBODY, LUA, OURS, CURL_S, OPENSSL };

static struct {
  enum whose whose;
  long nth, seen;
  int lasting;
} fault;

static int must_fail (enum whose whose) {
  if (fault.whose != whose)
    return 0;
  fault.seen++;
  return fault.lasting ? fault.seen >= fault.nth : fault.seen == fault.nth;
}

static void arm (enum whose whose, long nth, int lasting) {
  fault.nth = nth;
  fault.lasting = lasting;
  fault.seen = 0;
  fault.whose = whose;
}

static void disarm (void) {
  fault.whose = NOBODY;
}

static void *lua_memory (void *user, void *p, size_t old, size_t n) {
  (void)user;
  if (n == 0) {
    free(p);
    return NULL;
  }
  if ((p == NULL || n > old) && must_fail(LUA))
    return NULL;
  return realloc(p, n);
}

/* the core is compiled with these in the place of malloc and realloc */
void *host_malloc (size_t n) {
  return must_fail(OURS) ? NULL : malloc(n);
}

void *host_realloc (void *p, size_t n) {
  return must_fail(OURS) ? NULL : realloc(p, n);
}

static void *curl_new (size_t n) {
  return must_fail(CURL_S) ? NULL : malloc(n);
}

static void *curl_renew (void *p, size_t n) {
  return must_fail(CURL_S) ? NULL : realloc(p, n);
}

static char *curl_copy (const char *s) {
  return must_fail(CURL_S) ? NULL : strdup(s);
}

static void *curl_zeroed (size_t count, size_t n) {
  return must_fail(CURL_S) ? NULL : calloc(count, n);
}

static void *ssl_new (size_t n, const char *file, int line) {
  (void)file, (void)line;
  return must_fail(OPENSSL) ? NULL : malloc(n);
}

static void *ssl_renew (void *p, size_t n, const char *file, int line) {
  (void)file, (void)line;
  return must_fail(OPENSSL) ? NULL : realloc(p, n);
}

static void ssl_free (void *p, const char *file, int line) {
  (void)file, (void)line;
  free(p);
}

/* }====================================================== */

/* {======================================================
** The module
** ======================================================= */

static enum whose check_whose (lua_State *L) {
  static const char *const names[] = { "nobody", "lua", "ours", "curl",
                                       "openssl", NULL };
  return (enum whose)luaL_checkoption(L, 1, NULL, names);
}

static int l_under (lua_State *L) {
  enum whose whose = check_whose(L);
  long nth = (long)luaL_checkinteger(L, 2);
  int status, lasting = lua_toboolean(L, 3);
  luaL_checktype(L, 4, LUA_TFUNCTION);
  lua_settop(L, 4);
  luaL_checkstack(L, 8, NULL);
  arm(whose, nth, lasting);
  status = lua_pcall(L, 0, 1, 0);
  disarm();
  lua_pushboolean(L, status == LUA_OK);
  lua_insert(L, -2);
  lua_pushinteger(L, fault.seen);
  return 3;
}

static int is_usable (lua_State *L) {
  lua_settop(L, 0);
  lua_pushcfunction(L, luaopen_cloudcal_core);
  if (lua_pcall(L, 0, 1, 0) != LUA_OK)
    return 0;
  lua_getfield(L, -1, "engine");
  return lua_pcall(L, 0, 1, 0) == LUA_OK &&
         luaL_testudata(L, -1, "cloudcal.engine") != NULL;
}

static int l_open (lua_State *L) {
  lua_State *other = lua_newstate(lua_memory, NULL);
  int status, good;
  lua_pushcfunction(other, luaopen_cloudcal_core);
  arm(LUA, (long)luaL_checkinteger(L, 1), lua_toboolean(L, 2));
  status = lua_pcall(other, 0, 1, 0);
  disarm();
  lua_pushboolean(L, status == LUA_OK);
  lua_pushstring(L, status == LUA_OK ? "" : lua_tostring(other, -1));
  lua_pushinteger(L, fault.seen);
  good = is_usable(other);
  lua_pushboolean(L, good);
  lua_close(other);
  return 4;
}

static int l_leaks (lua_State *L) {
  lua_pushboolean(L, __lsan_do_recoverable_leak_check() != 0);
  return 1;
}

static int l_descriptors (lua_State *L) {
  DIR *directory = opendir("/proc/self/fd");
  int count = 0;
  while (readdir(directory) != NULL)
    count++;
  closedir(directory);
  lua_pushinteger(L, count - 3);
  return 1;
}

static int l_apart (lua_State *L) {
  int status = 0;
  pid_t child;
  luaL_checktype(L, 1, LUA_TFUNCTION);
  fflush(NULL);
  child = fork();
  if (child == 0) {
    lua_settop(L, 1);
    status = lua_pcall(L, 0, 1, 0) == LUA_OK ? (int)lua_tointeger(L, -1) : 99;
    _exit(status);
  }
  waitpid(child, &status, 0);
  lua_pushinteger(L, WIFEXITED(status) ? WEXITSTATUS(status) :
                                         1000 + WTERMSIG(status));
  return 1;
}

static int l_openssl_has (lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  EVP_MD *md = NULL;
  unsigned char byte;
  lua_pushboolean(L, strcmp(name, "random") == 0 ?
                         RAND_bytes(&byte, 1) == 1 :
                         (md = EVP_MD_fetch(NULL, name, NULL)) != NULL);
  EVP_MD_free(md);
  return 1;
}

static void open_all (lua_State *L);

static lua_State **check_state (lua_State *L) {
  lua_State **other = luaL_checkudata(L, 1, "torture.state");
  luaL_argcheck(L, *other != NULL, 1, "is closed");
  return other;
}

static int l_state (lua_State *L) {
  lua_State **other = lua_newuserdata(L, sizeof(*other));
  *other = lua_newstate(lua_memory, NULL);
  luaL_setmetatable(L, "torture.state");
  open_all(*other);
  return 1;
}

static int l_state_run (lua_State *L) {
  lua_State *other = *check_state(L);
  int i, count = lua_gettop(L) - 2;
  int status = luaL_loadstring(other, luaL_checkstring(L, 2));
  for (i = 0; i < count; i++)
    lua_pushstring(other, luaL_checkstring(L, i + 3));
  if (status == LUA_OK)
    status = lua_pcall(other, count, 1, 0);
  lua_pushboolean(L, status == LUA_OK);
  lua_pushstring(L, luaL_tolstring(other, -1, NULL));
  lua_settop(other, 0);
  return 2;
}

static int l_state_close (lua_State *L) {
  lua_State **other = check_state(L);
  lua_close(*other);
  *other = NULL;
  return 0;
}

static const luaL_Reg state_methods[] = {
  { "run", l_state_run },
  { "close", l_state_close },
  { NULL, NULL }
};

static int l_url_parts (lua_State *L) {
  static const CURLUPart parts[] = { CURLUPART_SCHEME, CURLUPART_HOST,
                                     CURLUPART_PORT, CURLUPART_USER,
                                     CURLUPART_PATH };
  const char *text = luaL_checkstring(L, 1);
  CURLU *url = curl_url();
  int i, count = (int)(sizeof(parts) / sizeof(parts[0]));
  curl_url_set(url, CURLUPART_URL, text, CURLU_PATH_AS_IS);
  for (i = 0; i < count; i++) {
    char *part = NULL;
    curl_url_get(url, parts[i], &part, CURLU_DEFAULT_PORT);
    lua_pushstring(L, part);    /* NULL is nil */
    curl_free(part);
  }
  curl_url_cleanup(url);
  return count;
}

static const luaL_Reg functions[] = {
  { "under", l_under },
  { "open", l_open },
  { "leaks", l_leaks },
  { "descriptors", l_descriptors },
  { "apart", l_apart },
  { "openssl_has", l_openssl_has },
  { "url_parts", l_url_parts },
  { "state", l_state },
  { NULL, NULL }
};

static int open_host (lua_State *L) {
  luaL_newmetatable(L, "torture.state");
  luaL_newlib(L, state_methods);
  lua_setfield(L, -2, "__index");
  luaL_newlib(L, functions);
  return 1;
}

/* }====================================================== */

static void open_all (lua_State *L) {
  luaL_openlibs(L);
  preload(L, "cloudcal.core", luaopen_cloudcal_core);
  preload(L, "torture.host", open_host);
  preload(L, "torture.sockets", luaopen_torture_sockets);
}

int main (int count, char **argv) {
  lua_State *L;
  int status;
  if (count < 2 || !CRYPTO_set_mem_functions(ssl_new, ssl_renew, ssl_free) ||
      curl_global_init_mem(CURL_GLOBAL_DEFAULT, curl_new, free, curl_renew,
                           curl_copy, curl_zeroed) != CURLE_OK)
    return 2;
  L = lua_newstate(lua_memory, NULL);
  open_all(L);
  status = run_script(L, count, argv, 0) ? 0 : 1;
  lua_close(L);
  return status;
}
