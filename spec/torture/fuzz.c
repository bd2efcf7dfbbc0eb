/*
** Bytes from anywhere, led by coverage, into what reads bytes: fuzz TARGET,
** as the environment's TARGET names it. Each finding is a crash: by the
** sanitizers, or by abort() where an answer is not the one it has to be.
*/
#include "../../src/core.h"

#include <lualib.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize (int *count, char ***argv);
int LLVMFuzzerTestOneInput (const uint8_t *data, size_t n);
size_t fuzz_on_head (char *s, size_t n, struct transfer *t);

static lua_State *L;

/* {======================================================
** UTF-8, against a decoder that is written another way
** ======================================================= */

static size_t decode (const uint8_t *s, size_t n, unsigned long *code) {
  static const unsigned long least[] = { 0, 0, 0x80, 0x800, 0x10000 };
  size_t i, length = s[0] < 0x80 ? 1 : s[0] >> 5 == 6 ? 2 :
      s[0] >> 4 == 14 ? 3 : s[0] >> 3 == 30 ? 4 : 0;
  if (length == 0 || length > n)
    return 0;
  *code = length == 1 ? s[0] : s[0] & (0x7Fu >> length);
  for (i = 1; i < length; i++) {
    if (s[i] >> 6 != 2)
      return 0;
    *code = *code << 6 | (s[i] & 0x3F);
  }
  return *code < least[length] || *code > 0x10FFFF || *code >> 11 == 27 ?
      0 : length;
}

static void utf8 (const uint8_t *s, size_t n) {
  size_t i = 0, count = 0, length, characters;
  unsigned long code;
  while (i < n && (length = decode(s + i, n - i, &code)) > 0) {
    i += length;
    count++;
  }
  if (text_utf8((const char *)s, n, &characters) != i || characters != count)
    abort();
}

/* }====================================================== */

/* {======================================================
** Functions of the core
** ======================================================= */

static int call (const char *name, const uint8_t *s, size_t n) {
  lua_settop(L, 1);
  lua_getfield(L, 1, name);
  lua_pushlstring(L, (const char *)s, n);
  return lua_pcall(L, 1, LUA_MULTRET, 0) == LUA_OK;
}

static void text (const uint8_t *s, size_t n) {
  size_t i, bad = 0;
  for (i = 0; i < n; i++)
    bad += s[i] < 0x20 || s[i] == 0x7F;
  if (!call("is_line", s, n) || lua_toboolean(L, -1) != (bad == 0) ||
      !call("is_url", s, n) || (bad > 0 && lua_toboolean(L, -1)) ||
      !call("is_visible", s, n) || !call("escape", s, n) ||
      lua_rawlen(L, -1) > 3 * n)
    abort();
}

/* the first byte divides the input into a name and lines */
static void header (const uint8_t *s, size_t n) {
  size_t name = n > 0 ? s[0] : 0;
  if (n <= name)
    return;
  lua_settop(L, 1);
  lua_getfield(L, 1, "header");
  lua_pushlstring(L, (const char *)s + 1 + name, n - 1 - name);
  lua_pushlstring(L, (const char *)s + 1, name);
  if (lua_pcall(L, 2, 1, 0) != LUA_OK ||
      (!lua_isnil(L, -1) && lua_rawlen(L, -1) == 0))
    abort();
}

static void json (const uint8_t *s, size_t n) {
  if (!call("json_check", s, n) ||
      (lua_toboolean(L, 2) && text_utf8((const char *)s, n, NULL) != n))
    abort();
}

/* }====================================================== */

/* the lines of an answer, cut where they end, as libcurl hands them over */
static void head (const uint8_t *s, size_t n) {
  struct transfer t;
  size_t left = n;
  const uint8_t *line = s;
  memset(&t, 0, sizeof(t));
  bytes_init(&t.head, 4096);
  while (left > 0) {
    const uint8_t *end = memchr(line, '\n', left);
    size_t length = end != NULL ? (size_t)(end - line) + 1 : left;
    char *copy = malloc(length);        /* its end is watched */
    size_t taken;
    memcpy(copy, line, length);
    taken = fuzz_on_head(copy, length, &t);
    free(copy);
    if (taken != length && (taken != 0 || t.fault == 0))
      abort();
    if (taken != length)
      break;
    line += length;
    left -= length;
  }
  if (t.head.length > 4096 || (t.chunked && t.has_length && t.fault == 0))
    abort();
  bytes_free(&t.head);
}

/* }====================================================== */

static void (*target) (const uint8_t *s, size_t n);

static const struct {
  const char *name;
  void (*target) (const uint8_t *s, size_t n);
} targets[] = {
  { "utf8", utf8 }, { "text", text }, { "header", header },
  { "json", json }, { "head", head }
};

int LLVMFuzzerInitialize (int *count, char ***argv) {
  const char *name = getenv("TARGET");
  size_t i;
  (void)count, (void)argv;
  for (i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
    if (name != NULL && strcmp(name, targets[i].name) == 0)
      target = targets[i].target;
  if (target == NULL)
    exit(2);
  L = luaL_newstate();
  luaL_openlibs(L);
  lua_pushcfunction(L, luaopen_cloudcal_core);
  lua_call(L, 0, 1);
  return 0;
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t n) {
  target(data, n);
  lua_settop(L, 1);
  return 0;
}
