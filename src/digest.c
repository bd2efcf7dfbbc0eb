/*
** Message digests by OpenSSL's EVP. A digest is fetched once for the
** process: half the cost of a short message is the look-up of its method.
*/
#include "core.h"

#include <pthread.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

static EVP_MD *md5;             /* NULL where a FIPS provider refuses it */
static EVP_MD *sha256;

static void fetch (void) {
  md5 = EVP_MD_fetch(NULL, "MD5", NULL);
  sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

static int push_hex (lua_State *L, const unsigned char *bytes, unsigned n) {
  static const char digits[] = "0123456789abcdef";
  char hex[2 * EVP_MAX_MD_SIZE];
  unsigned i;
  for (i = 0; i < n; i++) {
    hex[2 * i] = digits[bytes[i] >> 4];
    hex[2 * i + 1] = digits[bytes[i] & 15];
  }
  lua_pushlstring(L, hex, 2 * (size_t)n);
  OPENSSL_cleanse(hex, sizeof(hex));
  return 1;
}

static int digest (lua_State *L, EVP_MD *const *method) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  unsigned char sum[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  size_t n;
  const char *s = luaL_checklstring(L, 1, &n);
  pthread_once(&once, fetch);
  if (*method == NULL || !EVP_Digest(s, n, sum, &length, *method, NULL)) {
    lua_pushnil(L);
    lua_pushliteral(L, "OpenSSL does not offer this digest");
    return 2;
  }
  return push_hex(L, sum, length);
}

/* md5(s) -> 32 lower-case hexadecimal digits | nil, message */
static int l_md5 (lua_State *L) {
  return digest(L, &md5);
}

/* sha256(s) -> 64 lower-case hexadecimal digits | nil, message */
static int l_sha256 (lua_State *L) {
  return digest(L, &sha256);
}

const luaL_Reg digest_functions[] = {
  { "md5", l_md5 },
  { "sha256", l_sha256 },
  { NULL, NULL }
};
