/*
** Message digests by OpenSSL's EVP, and base64 for URLs. A digest is fetched
** once for the process: half the cost of a short message is the look-up of
** its method. One that could not be fetched is asked for again: there may
** have been no memory.
*/
#include "core.h"

#include <stdatomic.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

struct method {
  const char *name;
  EVP_MD *_Atomic fetched;      /* by whichever thread came first */
};

static struct method md5 = { "MD5", NULL };     /* FIPS providers refuse it */
static struct method sha1 = { "SHA1", NULL };
static struct method sha256 = { "SHA256", NULL };

static EVP_MD *fetch (struct method *m) {
  EVP_MD *first = NULL, *md = atomic_load(&m->fetched);
  if (md != NULL || (md = EVP_MD_fetch(NULL, m->name, NULL)) == NULL ||
      atomic_compare_exchange_strong(&m->fetched, &first, md))
    return md;
  EVP_MD_free(md);
  return first;
}

static int push_hex (lua_State *L, const unsigned char *bytes, unsigned n) {
  static const char digits[] = "0123456789abcdef";
  char hex[2 * EVP_MAX_MD_SIZE];
  size_t i;
  for (i = 0; i < n; i++) {
    hex[2 * i] = digits[bytes[i] >> 4];
    hex[2 * i + 1] = digits[bytes[i] & 15];
  }
  lua_pushlstring(L, hex, 2 * (size_t)n);
  OPENSSL_cleanse(hex, sizeof(hex));
  return 1;
}

static int push_raw (lua_State *L, const unsigned char *bytes, unsigned n) {
  lua_pushlstring(L, (const char *)bytes, n);
  return 1;
}

static int digest (lua_State *L, struct method *method) {
  static const char *const forms[] = { "hex", "raw", NULL };
  unsigned char sum[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  EVP_MD *md;
  size_t n;
  const char *s = luaL_checklstring(L, 1, &n);
  int raw = luaL_checkoption(L, 2, "hex", forms);
  md = fetch(method);
  if (md == NULL || !EVP_Digest(s, n, sum, &length, md, NULL)) {
    core_leave_no_error();
    lua_pushnil(L);
    lua_pushliteral(L, "OpenSSL does not offer this digest");
    return 2;
  }
  return raw ? push_raw(L, sum, length) : push_hex(L, sum, length);
}

/* md5(s [, "raw"]) -> 32 lower-case hexadecimal digits, or the 16 bytes
** themselves | nil, message */
static int l_md5 (lua_State *L) {
  return digest(L, &md5);
}

/* sha1(s [, "raw"]) -> 40 lower-case hexadecimal digits, or the 20 bytes
** themselves | nil, message; for names, not for secrets */
static int l_sha1 (lua_State *L) {
  return digest(L, &sha1);
}

/* sha256(s [, "raw"]) -> 64 lower-case hexadecimal digits, or the 32 bytes
** themselves | nil, message */
static int l_sha256 (lua_State *L) {
  return digest(L, &sha256);
}

/* in place: the alphabet of RFC 4648 section 5, and no padding */
static size_t for_url (char *s, size_t n) {
  size_t i;
  while (n > 0 && s[n - 1] == '=')
    n--;
  for (i = 0; i < n; i++) {
    if (s[i] == '+')
      s[i] = '-';
    else if (s[i] == '/')
      s[i] = '_';
  }
  return n;
}

/* base64url(s) -> its base64 for URLs, without padding; raises if s has more
** bytes than CORE_MAX_ENCODED */
static int l_base64url (lua_State *L) {
  size_t n, size;
  const char *s = luaL_checklstring(L, 1, &n);
  char *out;
  luaL_argcheck(L, n <= CORE_MAX_ENCODED, 1, "too long");
  size = (n + 2) / 3 * 4 + 1;
  out = lua_newuserdata(L, size);
  EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)s, (int)n);
  lua_pushlstring(L, out, for_url(out, size - 1));
  OPENSSL_cleanse(out, size);
  return 1;
}

const luaL_Reg digest_functions[] = {
  { "base64url", l_base64url },
  { "md5", l_md5 },
  { "sha1", l_sha1 },
  { "sha256", l_sha256 },
  { NULL, NULL }
};
