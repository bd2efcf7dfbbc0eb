/*
** Text that is about to leave or has just come: UTF-8, header and URL
** hygiene, percent-encoding.
*/
#include "core.h"

#include <string.h>
#include <strings.h>

/* {======================================================
** UTF-8, as RFC 3629 has it: no surrogates, no overlong forms
** ======================================================= */

/* the range that a lead byte leaves to the byte after it */
static void second_byte (unsigned char lead, unsigned char *low,
                         unsigned char *high) {
  *low = (lead == 0xE0) ? 0xA0 : (lead == 0xF0) ? 0x90 : 0x80;
  *high = (lead == 0xED) ? 0x9F : (lead == 0xF4) ? 0x8F : 0xBF;
}

static size_t sequence_length (unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xC2) return 0;
  if (lead < 0xE0) return 2;
  if (lead < 0xF0) return 3;
  return lead < 0xF5 ? 4 : 0;
}

/* length of the character at s, 0 if it is none */
static size_t character (const unsigned char *s, size_t n) {
  unsigned char low, high;
  size_t i, length = sequence_length(s[0]);
  if (length < 2)
    return length;
  if (length > n)
    return 0;
  second_byte(s[0], &low, &high);
  if (s[1] < low || s[1] > high)
    return 0;
  for (i = 2; i < length; i++)
    if ((s[i] & 0xC0) != 0x80)
      return 0;
  return length;
}

/* how many bytes from s on are ASCII, as far as eight at a time tell */
static size_t ascii_run (const char *s, size_t n) {
  size_t i;
  uint64_t word;
  for (i = 0; n - i >= sizeof(word); i += sizeof(word)) {
    memcpy(&word, s + i, sizeof(word));
    if ((word & UINT64_C(0x8080808080808080)) != 0)
      break;
  }
  return i;
}

/* offset of the first byte that is not UTF-8; n if there is none */
size_t text_utf8 (const char *s, size_t n, size_t *characters) {
  size_t i = 0, count = 0;
  while (i < n) {
    size_t run = ascii_run(s + i, n - i);
    size_t length = 0;
    if (run == 0 &&
        (length = character((const unsigned char *)s + i, n - i)) == 0)
      break;
    i += run + length;
    count += run > 0 ? run : 1;
  }
  if (characters != NULL)
    *characters = count;
  return i;
}

/* utf8_length(s) -> characters | nil, position of the first wrong byte */
static int l_utf8_length (lua_State *L) {
  size_t n, count;
  const char *s = luaL_checklstring(L, 1, &n);
  size_t end = text_utf8(s, n, &count);
  if (end == n) {
    lua_pushinteger(L, (lua_Integer)count);
    return 1;
  }
  lua_pushnil(L);
  lua_pushinteger(L, (lua_Integer)end + 1);
  return 2;
}

/* }====================================================== */

/* true if a header or a URL can hold it: no control character */
int text_is_line (const char *s, size_t n) {
  size_t i;
  for (i = 0; i < n; i++) {
    unsigned char c = (unsigned char)s[i];
    if (c < 0x20 || c == 0x7F)
      return 0;
  }
  return 1;
}

/* is_line(s) -> boolean */
static int l_is_line (lua_State *L) {
  size_t n;
  const char *s = luaL_checklstring(L, 1, &n);
  lua_pushboolean(L, text_is_line(s, n));
  return 1;
}

/* is_visible(s) -> boolean: ASCII, and nothing a reader cannot see */
static int l_is_visible (lua_State *L) {
  size_t i, n;
  const char *s = luaL_checklstring(L, 1, &n);
  int visible = 1;
  for (i = 0; i < n; i++)
    if (s[i] < 0x21 || s[i] > 0x7E)     /* a signed char is below, too */
      visible = 0;
  lua_pushboolean(L, visible);
  return 1;
}

static int is_unreserved (unsigned char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
         (c >= 'a' && c <= 'z') || (c != '\0' && strchr("-._~", c) != NULL);
}

/* escape(s) -> s with all but RFC 3986's unreserved characters as %XX */
static int l_escape (lua_State *L) {
  static const char digits[] = "0123456789ABCDEF";
  size_t i, n;
  const char *s = luaL_checklstring(L, 1, &n);
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (i = 0; i < n; i++) {
    unsigned char c = (unsigned char)s[i];
    if (is_unreserved(c))
      luaL_addchar(&b, (char)c);
    else {
      luaL_addchar(&b, '%');
      luaL_addchar(&b, digits[c >> 4]);
      luaL_addchar(&b, digits[c & 15]);
    }
  }
  luaL_pushresult(&b);
  return 1;
}

/* is_url(s) -> boolean: does libcurl read it as a URL? Raises where there is
** no memory to find out. */
static int l_is_url (lua_State *L) {
  size_t n;
  const char *s = luaL_checklstring(L, 1, &n);
  CURLUcode code = CURLUE_MALFORMED_INPUT;
  if (strlen(s) == n && text_is_line(s, n)) {
    CURLU *url = curl_url();
    code = url == NULL ? CURLUE_OUT_OF_MEMORY :
        curl_url_set(url, CURLUPART_URL, s, CURLU_PATH_AS_IS);
    curl_url_cleanup(url);
  }
  if (code == CURLUE_OUT_OF_MEMORY)
    return luaL_error(L, "not enough memory");
  lua_pushboolean(L, code == CURLUE_OK);
  return 1;
}

/* {======================================================
** Header lines
** ======================================================= */

/* what stands behind the colon of a header; NULL if there is none */
static const char *find_header (const char *s, const char *end,
                                const char *name, size_t n) {
  while ((s = memchr(s, '\n', (size_t)(end - s))) != NULL) {
    s++;
    if ((size_t)(end - s) > n && s[n] == ':' && strncasecmp(s, name, n) == 0)
      return s + n + 1;
  }
  return NULL;
}

static int is_space (char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

static const char *end_of_line (const char *s, const char *end) {
  while (s < end && *s != '\r' && *s != '\n')
    s++;
  return s;
}

/* header(lines, name) -> value of the first header of this name, in
** whatever case, without the spaces around it | nil if it is absent or
** empty. The first line is none. */
static int l_header (lua_State *L) {
  size_t length, n;
  const char *lines = luaL_checklstring(L, 1, &length);
  const char *name = luaL_checklstring(L, 2, &n);
  const char *end = lines + length;
  const char *s = find_header(lines, end, name, n);
  if (s == NULL)
    return 0;
  end = end_of_line(s, end);
  while (s < end && (*s == ' ' || *s == '\t'))
    s++;
  while (s < end && is_space(end[-1]))
    end--;
  if (s == end)
    return 0;
  lua_pushlstring(L, s, (size_t)(end - s));
  return 1;
}

/* }====================================================== */

const luaL_Reg text_functions[] = {
  { "utf8_length", l_utf8_length },
  { "is_line", l_is_line },
  { "is_visible", l_is_visible },
  { "escape", l_escape },
  { "is_url", l_is_url },
  { "header", l_header },
  { NULL, NULL }
};
