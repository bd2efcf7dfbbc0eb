/*
** luaopen: libcurl is initialised once for the process, and this module is
** pinned in memory. A host that closes its Lua state would otherwise unmap
** libcurl under its resolver threads (seen: SIGSEGV).
*/
#include "core.h"

#include <dlfcn.h>
#include <pthread.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

static CURLcode ready = CURLE_FAILED_INIT;

static void initialise (void) {
  Dl_info self;
  ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (dladdr((void *)&ready, &self) != 0 && self.dli_fname != NULL)
    dlopen(self.dli_fname, RTLD_NOW | RTLD_NODELETE);
}

static void set_version (lua_State *L, const char *name, const char *s) {
  lua_pushstring(L, s != NULL ? s : "none");
  lua_setfield(L, -2, name);
}

static void push_versions (lua_State *L,
                           const curl_version_info_data *curl) {
  lua_newtable(L);
  set_version(L, "libcurl", curl->version);
  set_version(L, "tls", curl->ssl_version);
  set_version(L, "openssl", OpenSSL_version(OPENSSL_VERSION_STRING));
}

/* random() -> number in [0, 1), from the system's generator */
static int l_random (lua_State *L) {
  unsigned char b[4] = { 0, 0, 0, 0 };
  RAND_bytes(b, sizeof(b));
  lua_pushnumber(L, ((double)b[0] * 16777216.0 + (double)b[1] * 65536.0 +
                     (double)b[2] * 256.0 + (double)b[3]) / 4294967296.0);
  return 1;
}

static const luaL_Reg core_functions[] = {
  { "random", l_random },
  { NULL, NULL }
};

CORE_EXPORT int luaopen_cloudcal_core (lua_State *L) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);
  pthread_once(&once, initialise);
  if (ready != CURLE_OK)
    return luaL_error(L, "cloudcal: libcurl cannot start: %s",
                      curl_easy_strerror(ready));
  if (curl->version_num < 0x075800)
    return luaL_error(L, "cloudcal needs libcurl 7.88.0 or newer; %s is "
                      "loaded", curl->version);
  transfer_open(L);
  engine_open(L);
  lua_newtable(L);
  core_setfuncs(L, core_functions);
  core_setfuncs(L, engine_functions);
  core_setfuncs(L, text_functions);
  core_setfuncs(L, json_functions);
  core_setfuncs(L, digest_functions);
  push_versions(L, curl);
  lua_setfield(L, -2, "versions");
  return 1;
}
