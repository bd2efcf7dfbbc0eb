/*
** A program that embeds Lua as any other would: host STATES SCRIPT. Runs
** the script in STATES Lua states, one after the other, and tells after
** each lua_close whether the core is still mapped. The script has the
** globals fork() -> pid, 0 in the child; wait(pid) -> exit status;
** leave(status), which ends the process and closes the Lua state first;
** vanish(status), which does not; and `state`, the number of the state.
*/
#define _GNU_SOURCE 1

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#if !defined(LUA_OK)
#define LUA_OK 0
#endif

static lua_State *current;

static int l_fork (lua_State *L) {
  fflush(NULL);
  lua_pushinteger(L, fork());
  return 1;
}

static int l_wait (lua_State *L) {
  int status = 0;
  waitpid((pid_t)luaL_checkinteger(L, 1), &status, 0);
  lua_pushinteger(L, WIFEXITED(status) ? WEXITSTATUS(status) :
                                         1000 + WTERMSIG(status));
  return 1;
}

static int l_leave (lua_State *L) {
  int status = (int)luaL_checkinteger(L, 1);
  lua_close(current);
  exit(status);
}

static int l_vanish (lua_State *L) {
  int status = (int)luaL_checkinteger(L, 1);
  fflush(NULL);
  _exit(status);
}

static int is_mapped (const char *name) {
  char line[4096];
  int found = 0;
  FILE *maps = fopen("/proc/self/maps", "r");
  while (maps != NULL && fgets(line, sizeof(line), maps) != NULL)
    if (strstr(line, name) != NULL)
      found = 1;
  if (maps != NULL)
    fclose(maps);
  return found;
}

static int run (const char *script, int state) {
  int status;
  lua_State *L = luaL_newstate();
  current = L;
  luaL_openlibs(L);
  lua_register(L, "fork", l_fork);
  lua_register(L, "wait", l_wait);
  lua_register(L, "leave", l_leave);
  lua_register(L, "vanish", l_vanish);
  lua_pushinteger(L, state);
  lua_setglobal(L, "state");
  status = luaL_dofile(L, script);
  if (status != LUA_OK)
    printf("error: %s\n", lua_tostring(L, -1));
  lua_close(L);
  printf("closed; core %s\n", is_mapped("/core.so") ? "mapped" : "gone");
  return status == LUA_OK;
}

int main (int argc, char **argv) {
  int state, good = argc == 3;
  for (state = 1; good && state <= atoi(argv[1]); state++)
    good = run(argv[2], state);
  return good ? 0 : 1;
}
