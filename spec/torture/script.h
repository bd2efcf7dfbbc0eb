/*
** For programs that have the core inside and run a Lua script.
*/
#include <stdio.h>

#include <lauxlib.h>
#include <lua.h>

static void preload (lua_State *L, const char *name, lua_CFunction open) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, open);
  lua_setfield(L, -2, name);
  lua_pop(L, 1);
}

/* argv[1] with the words behind it: true, and its results on the stack; or
** false, and what is wrong on stderr */
static int run_script (lua_State *L, int count, char **argv, int results) {
  int i, status = luaL_loadfile(L, argv[1]);
  for (i = 2; i < count; i++)
    lua_pushstring(L, argv[i]);
  if (status == LUA_OK)
    status = lua_pcall(L, count - 2, results, 0);
  if (status != LUA_OK)
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
  return status == LUA_OK;
}
