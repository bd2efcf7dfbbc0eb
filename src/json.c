/*
** What lua-cjson leaves open, so that every build of it behaves the same:
** before decoding, strict UTF-8 and strict numbers; after it, integers
** that are integers and objects without null. And whether what was decoded
** has the types that it should have.
*/
#include "core.h"

#include <math.h>
#include <string.h>

/* {======================================================
** Before decoding
** ======================================================= */

enum verdict { FINE, NOT_JSON, NOT_UTF8, INEXACT };

static const char *const verdicts[] = {
  "fine", "not_json", "not_utf8", "inexact_integer"
};

static size_t digits (const char *s, size_t n) {
  size_t i = 0;
  while (i < n && s[i] >= '0' && s[i] <= '9')
    i++;
  return i;
}

/* an integer beyond +-2^53 that a double cannot be trusted with */
static int is_inexact (const char *s, size_t n) {
  static const char limit[] = "9007199254740992";
  const size_t most = sizeof(limit) - 1;
  return n > most || (n == most && memcmp(s, limit, most) > 0);
}

/* length of the exponent at s; 0 if there is none; n + 1 if it is broken */
static size_t exponent (const char *s, size_t n) {
  size_t i, count;
  if (n == 0 || (s[0] != 'e' && s[0] != 'E'))
    return 0;
  i = (n > 1 && (s[1] == '+' || s[1] == '-')) ? 2 : 1;
  count = digits(s + i, n - i);
  return count > 0 ? i + count : n + 1;
}

static enum verdict number (const char *s, size_t n, size_t *length) {
  size_t i = (s[0] == '-') ? 1 : 0;
  size_t whole = digits(s + i, n - i);
  size_t end = i + whole, tail;
  if (whole == 0 || (whole > 1 && s[i] == '0'))
    return NOT_JSON;
  if (end < n && s[end] == '.') {
    size_t fraction = digits(s + end + 1, n - end - 1);
    if (fraction == 0)
      return NOT_JSON;
    end += 1 + fraction;
  }
  tail = exponent(s + end, n - end);
  if (tail > n - end)
    return NOT_JSON;
  *length = end + tail;
  return (*length == i + whole && is_inexact(s + i, whole)) ? INEXACT : FINE;
}

/* what no string holds as it is: a control character, '"', '\\' */
static const unsigned char special[256] = {
  1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
  1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
  ['"'] = 1, ['\\'] = 1
};

static const unsigned char blank[256] = {
  [' '] = 1, ['\t'] = 1, ['\r'] = 1, ['\n'] = 1
};

/* how many bytes from s on are in the set (or are not). The zero behind a Lua
** string ends either run. */
static size_t run_of (const char *s, const unsigned char *set, int in) {
  size_t i = 0;
  while (set[(unsigned char)s[i]] == in)
    i++;
  return i;
}

static enum verdict string (const char *s, size_t n, size_t *length) {
  size_t i = 1 + run_of(s + 1, special, 0);
  while (s[i] == '\\' && i + 2 < n)
    i += 2 + run_of(s + i + 2, special, 0);
  *length = i + 1;
  return i < n && s[i] == '"' ? FINE : NOT_JSON;
}

static enum verdict word (const char *s, size_t n, size_t *length) {
  static const char *const words[] = { "true", "false", "null", NULL };
  size_t i;
  for (i = 0; words[i] != NULL; i++) {
    *length = strlen(words[i]);
    if (*length <= n && memcmp(s, words[i], *length) == 0)
      return FINE;
  }
  return NOT_JSON;
}

static enum verdict token (const char *s, size_t n, size_t *length) {
  *length = 1;
  switch (s[0]) {
    case '{': case '}': case '[': case ']': case ':': case ',':
      return FINE;
    case ' ': case '\t': case '\r': case '\n':
      *length = run_of(s, blank, 1);
      return FINE;
    case '"':
      return string(s, n, length);
    case '-': case '0': case '1': case '2': case '3': case '4':
    case '5': case '6': case '7': case '8': case '9':
      return number(s, n, length);
    default:
      return word(s, n, length);
  }
}

/* json_check(text) -> true | nil, "not_utf8"|"not_json"|"inexact_integer".
** Looks at the tokens only; their order is lua-cjson's affair. */
static int l_json_check (lua_State *L) {
  size_t n, length, i = 0;
  const char *s = luaL_checklstring(L, 1, &n);
  enum verdict v = text_utf8(s, n, NULL) == n ? FINE : NOT_UTF8;
  while (v == FINE && i < n) {
    v = token(s + i, n - i, &length);
    i += length;
  }
  if (v == FINE) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushnil(L);
  lua_pushstring(L, verdicts[v]);
  return 2;
}

/* }====================================================== */

/* {======================================================
** After decoding
** ======================================================= */

/* the table at the top: t[key below the value] = value at the top */
static void replace (lua_State *L) {
  lua_pushvalue(L, -3);
  lua_insert(L, -2);
  lua_rawset(L, -5);
}

static int mend_number (lua_State *L) {
  lua_Number d = lua_tonumber(L, -1);
#if LUA_VERSION_NUM >= 503
  if (!lua_isinteger(L, -1) && fabs((double)d) <= CORE_MAX_EXACT &&
      floor((double)d) == (double)d) {
    lua_pushinteger(L, (lua_Integer)d);
    replace(L);
  }
#else
  if (d == 0 && signbit((double)d)) {   /* else it prints as "-0" */
    lua_pushnumber(L, 0);
    replace(L);
  }
#endif
  return isfinite((double)d);
}

/* true if every number in the table at the top is finite */
static int mend (lua_State *L, int depth) {
  int finite = 1;
  if (depth > CORE_MAX_DEPTH)
    luaL_error(L, "JSON nested too deep");
  luaL_checkstack(L, 5, NULL);
  lua_pushnil(L);
  while (lua_next(L, -2) != 0) {
    int type = lua_type(L, -1);
    if (type == LUA_TTABLE)
      finite = mend(L, depth + 1) && finite;
    else if (type == LUA_TNUMBER)
      finite = mend_number(L) && finite;
    else if (type == LUA_TLIGHTUSERDATA && lua_type(L, -2) == LUA_TSTRING) {
      lua_pushnil(L);           /* null in an object is absence */
      replace(L);
    }
    lua_pop(L, 1);
  }
  return finite;
}

/* json_mend(table) -> boolean: are all its numbers finite?
** In place: whole numbers become integers, null members of objects go. */
static int l_json_mend (lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  lua_pushboolean(L, mend(L, 1));
  return 1;
}

/* }====================================================== */

/* {======================================================
** Types. A shape is a flat array of four values for each known member of an
** object: its name; "string", "boolean", "integer", "object" or "array";
** whether it must be there; and the shape of the object, or of the objects
** in the array.
** ======================================================= */

enum { NAME, KIND, REQUIRED, MEMBERS, SHAPE_STRIDE };

static int members (lua_State *L, int shape, int object);

/* is the value at the top what `kind` says? */
static int is_kind (lua_State *L, const char *kind) {
  switch (kind[0]) {
    case 's': return lua_type(L, -1) == LUA_TSTRING;
    case 'b': return lua_type(L, -1) == LUA_TBOOLEAN;
    case 'i': return lua_type(L, -1) == LUA_TNUMBER &&
        floor((double)lua_tonumber(L, -1)) == (double)lua_tonumber(L, -1);
    default: return lua_istable(L, -1);
  }
}

/* the array at the top, the shape of its objects below: as members, and the
** path begins with the number */
static int items (lua_State *L) {
  int list = lua_gettop(L), i, n = (int)core_rawlen(L, list);
  for (i = 1; i <= n; i++) {
    lua_rawgeti(L, list, i);
    if (!lua_istable(L, -1)) {
      lua_pushfstring(L, "[%d]", i);
      lua_pushliteral(L, "object");
      return 1;
    }
    if (members(L, list - 1, list + 1)) {
      lua_pushfstring(L, "[%d].%s", i, lua_tostring(L, -2));
      lua_insert(L, -2);
      return 1;
    }
    lua_settop(L, list);
  }
  return 0;
}

/* the object or array at the top, its shape below */
static int inside (lua_State *L, const char *kind) {
  int top = lua_gettop(L);
  return kind[0] == 'a' ? items(L) : members(L, top - 1, top);
}

/* the path and the kind of what is wrong with the member whose row begins at
** `i`; its own path and that kind may be at the top already */
static int blame (lua_State *L, int shape, int i, int is_deeper) {
  const char *path = is_deeper ? lua_tostring(L, -2) : "";
  lua_rawgeti(L, shape, i + NAME);
  lua_pushfstring(L, path[0] == '\0' || path[0] == '[' ? "%s%s" : "%s.%s",
                  lua_tostring(L, -1), path);
  if (is_deeper)
    lua_pushvalue(L, -3);
  else
    lua_rawgeti(L, shape, i + KIND);
  return 1;
}

/* holds an object against a shape: 0 if it fits; else 1, and at the top the
** path of the first member that does not, and the kind that it should be */
static int members (lua_State *L, int shape, int object) {
  int i, n = 0, top = lua_gettop(L);
  luaL_checkstack(L, 10, NULL);
  if (lua_toboolean(L, shape)) {        /* false: nothing is known of it */
    luaL_checktype(L, shape, LUA_TTABLE);
    n = (int)core_rawlen(L, shape);
  }
  for (i = 1; i <= n; i += SHAPE_STRIDE) {
    const char *kind;
    lua_rawgeti(L, shape, i + KIND);
    kind = luaL_checkstring(L, -1);
    lua_rawgeti(L, shape, i + NAME);
    lua_rawget(L, object);
    if (lua_isnil(L, -1)) {
      lua_rawgeti(L, shape, i + REQUIRED);
      if (lua_toboolean(L, -1))
        return blame(L, shape, i, 0);
    }
    else if (!is_kind(L, kind))
      return blame(L, shape, i, 0);
    else if (lua_istable(L, -1)) {
      lua_rawgeti(L, shape, i + MEMBERS);
      lua_insert(L, -2);
      if (inside(L, kind))
        return blame(L, shape, i, 1);
    }
    lua_settop(L, top);
  }
  return 0;
}

/* json_misfit(shape, object) -> nil | path, kind */
static int l_json_misfit (lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  return members(L, 1, 2) ? 2 : 0;
}

/* }====================================================== */

const luaL_Reg json_functions[] = {
  { "json_check", l_json_check },
  { "json_mend", l_json_mend },
  { "json_misfit", l_json_misfit },
  { NULL, NULL }
};
