/*
** A program with the core inside that keeps every block of memory anybody
** asked for, freed ones too, apart for each owner: residue SCRIPT
** ARGUMENTS... The script finds the module torture.residue:
**   find(text) -> a table: how often text stands in the memory of "core"
**     (its blocks, its userdata, its static data), "stack", "lua" (the rest),
**     "curl", "openssl" and "others"
**   allocations(owner) -> how many blocks it has had
*/
#define _GNU_SOURCE 1

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <curl/curl.h>
#include <openssl/crypto.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "script.h"

int luaopen_cloudcal_core (lua_State *L);
void *host_malloc (size_t n);
void *host_realloc (void *p, size_t n);
void host_free (void *p);

/* {======================================================
** Arenas: a block is never given out twice, and what it held stays in it
** ======================================================= */

#define ARENA ((size_t)1 << 32)         /* of addresses; pages come later */

enum owner { CORE, USERDATA, LUA, CURL_S, OPENSSL, OWNERS };

struct arena {
  char *start;
  size_t used;
  size_t blocks;
};

static struct arena arenas[OWNERS];

static void *take (enum owner owner, size_t n) {
  struct arena *a = &arenas[owner];
  size_t *block;
  n = (n + 31) & ~(size_t)15;           /* and room for the size */
  if (n > ARENA - a->used)
    return NULL;
  block = (size_t *)(void *)(a->start + a->used);
  block[0] = n - 16;
  a->used += n;
  a->blocks++;
  return block + 2;
}

static void *retake (enum owner owner, void *p, size_t n) {
  size_t old = p != NULL ? ((size_t *)p)[-2] : 0;
  void *grown = n > old ? take(owner, n) : p;
  if (grown != p && grown != NULL && old > 0)
    memcpy(grown, p, old);
  return grown;
}

static int make_arenas (void) {
  int i;
  for (i = 0; i < OWNERS; i++) {
    arenas[i].start = mmap(NULL, ARENA, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (arenas[i].start == MAP_FAILED)
      return 0;
  }
  return 1;
}

/* the core is compiled with these in the place of malloc, realloc, free */
void *host_malloc (size_t n) { return take(CORE, n); }
void *host_realloc (void *p, size_t n) { return retake(CORE, p, n); }
void host_free (void *p) { (void)p; }

static void *lua_memory (void *user, void *p, size_t old, size_t n) {
  enum owner owner = LUA;
  (void)user;
  if (n == 0)
    return NULL;
  if (p == NULL && old == LUA_TUSERDATA)
    owner = USERDATA;
  return retake(owner, p, n);
}

static void *curl_new (size_t n) { return take(CURL_S, n); }
static void *curl_renew (void *p, size_t n) { return retake(CURL_S, p, n); }
static void *curl_zeroed (size_t c, size_t n) { return take(CURL_S, c * n); }

static char *curl_copy (const char *s) {
  char *copy = take(CURL_S, strlen(s) + 1);
  return copy != NULL ? strcpy(copy, s) : NULL;
}

static void *ssl_new (size_t n, const char *file, int line) {
  (void)file, (void)line;
  return take(OPENSSL, n);
}

static void *ssl_renew (void *p, size_t n, const char *file, int line) {
  (void)file, (void)line;
  return retake(OPENSSL, p, n);
}

static void ssl_free (void *p, const char *file, int line) {
  (void)p, (void)file, (void)line;
}

/* }====================================================== */

/* {======================================================
** Looking through all that can be written to
** ======================================================= */

enum place { IN_CORE, IN_STACK, IN_LUA, IN_CURL, IN_OPENSSL, IN_OTHERS, PLACES };

static const char *const places[] = { "core", "stack", "lua", "curl",
                                      "openssl", "others" };

static const enum place place_of[OWNERS] = { IN_CORE, IN_CORE, IN_LUA, IN_CURL,
                                             IN_OPENSSL };

#define MAX_MAPPINGS 1000

struct mapping {
  char *start, *end;
  enum place place;
};

static struct mapping mappings[MAX_MAPPINGS];

static enum place guess (const char *line, char *start, char *end) {
  char *own = (char *)arenas;           /* static data of this program */
  if (own >= start && own < end)
    return IN_CORE;
  return strstr(line, "[stack]") != NULL ? IN_STACK : IN_OTHERS;
}

static int is_arena (const char *start, const char *end) {
  int i;
  for (i = 0; i < OWNERS; i++)
    if (start < arenas[i].start + ARENA && end > arenas[i].start)
      return 1;
  return 0;
}

static int list_mappings (void) {
  FILE *maps = fopen("/proc/self/maps", "r");
  char line[512];
  int n = 0;
  while (n < MAX_MAPPINGS && fgets(line, sizeof(line), maps) != NULL) {
    struct mapping *m = &mappings[n];
    void *start, *end;
    char rights[8];
    if (sscanf(line, "%p-%p %7s", &start, &end, rights) != 3 ||
        strncmp(rights, "rw", 2) != 0 || is_arena(start, end))
      continue;
    m->start = start;
    m->end = end;
    m->place = guess(line, m->start, m->end);
    n++;
  }
  fclose(maps);
  return n;
}

static long count (const char *s, const char *end, const char *text, size_t n) {
  long found = 0;
  while ((s = memmem(s, (size_t)(end - s), text, n)) != NULL) {
    found++;
    s += n;
  }
  return found;
}

static int l_find (lua_State *L) {
  long found[PLACES] = { 0 };
  size_t n;
  const char *text = luaL_checklstring(L, 1, &n);
  int i, most = list_mappings();
  for (i = 0; i < most; i++)
    found[mappings[i].place] += count(mappings[i].start, mappings[i].end, text, n);
  for (i = 0; i < OWNERS; i++)
    found[place_of[i]] += count(arenas[i].start,
                                arenas[i].start + arenas[i].used, text, n);
  lua_newtable(L);
  for (i = 0; i < PLACES; i++) {
    lua_pushinteger(L, found[i]);
    lua_setfield(L, -2, places[i]);
  }
  return 1;
}

/* }====================================================== */

static int l_allocations (lua_State *L) {
  static const char *const names[] = { "core", "userdata", "lua", "curl",
                                       "openssl", NULL };
  int owner = luaL_checkoption(L, 1, NULL, names);
  lua_pushinteger(L, (lua_Integer)arenas[owner].blocks);
  return 1;
}

static const luaL_Reg functions[] = {
  { "find", l_find },
  { "allocations", l_allocations },
  { NULL, NULL }
};

static int open_residue (lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}

int main (int count, char **argv) {
  lua_State *L;
  if (count < 2 || !make_arenas() ||
      !CRYPTO_set_mem_functions(ssl_new, ssl_renew, ssl_free) ||
      curl_global_init_mem(CURL_GLOBAL_DEFAULT, curl_new, host_free,
                           curl_renew, curl_copy, curl_zeroed) != CURLE_OK)
    return 2;
  L = lua_newstate(lua_memory, NULL);
  luaL_openlibs(L);
  preload(L, "cloudcal.core", luaopen_cloudcal_core);
  preload(L, "torture.residue", open_residue);
  return run_script(L, count, argv, 0) ? 0 : 1;
}
