/*
** Two Lua states in two threads, each with an engine of its own, that make
** calls at once: threads SCRIPT ARGUMENTS... The script gets the arguments
** and returns how many calls it made.
*/
#include <pthread.h>
#include <stdio.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "script.h"

#define THREADS 2

int luaopen_cloudcal_core (lua_State *L);

static struct {
  int count;
  char **argv;
} given;

static void *run (void *user) {
  int *made = user;
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  preload(L, "cloudcal.core", luaopen_cloudcal_core);
  if (run_script(L, given.count, given.argv, 1))
    *made = (int)lua_tointeger(L, -1);
  lua_close(L);
  return NULL;
}

int main (int count, char **argv) {
  pthread_t threads[THREADS];
  int made[THREADS] = { 0, 0 };
  int i, wrong = 0, sum = 0;
  given.count = count;
  given.argv = argv;
  for (i = 0; i < THREADS; i++)
    if (pthread_create(&threads[i], NULL, run, &made[i]) != 0)
      return 2;
  for (i = 0; i < THREADS; i++) {
    pthread_join(threads[i], NULL);
    wrong += made[i] == 0;
    sum += made[i];
  }
  printf("%d calls in %d threads|%d\n", sum, THREADS, wrong);
  return wrong == 0 ? 0 : 1;
}
