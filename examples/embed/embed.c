/*
** A program with Lua inside: runs a script in three Lua states, one after
** the other, as a program does that reloads its scripts.
*/
#include <stdio.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#define STATES 3

static int run (const char *script) {
  int failed;
  lua_State *L = luaL_newstate();
  if (L == NULL)
    return 0;
  luaL_openlibs(L);
  failed = luaL_dofile(L, script);
  if (failed)
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
  lua_close(L);
  return !failed;
}

int main (int argc, char **argv) {
  int i;
  const char *script = argc > 1 ? argv[1] : "calendar.lua";
  for (i = 0; i < STATES; i++)
    if (!run(script))
      return 1;
  return 0;
}
