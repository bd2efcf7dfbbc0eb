/*
** Which lines of lua/ run: a hook that notes them in a file that all
** processes of a run have mapped, so that one that is killed has noted them,
** too. Coroutines inherit a hook that is written in C. It is started by
**   LUA_INIT_5_4='package.loadlib("lines.so", "lines_start")()'
** LINES_FILES names the file with the paths, LINES_MAP the file with a row of
** LINES_ROW bytes for each of them: byte n is 1 when line n ran.
*/
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>

#define MOST_FILES 256
#define MOST_PATH 256
#define CACHED 64

int lines_start (lua_State *L);

static struct {
  char path[MOST_PATH];
} files[MOST_FILES];
static int file_count;
static unsigned char *map;
static size_t row_size;

/* where a chunk's row is; chunks of no interest have none */
static _Thread_local struct {
  const char *source;           /* may be another string by now ... */
  char path[MOST_PATH];         /* ... so that it is compared */
  unsigned char *row;
} cache[CACHED];

static unsigned char *find_row (const char *source) {
  size_t n = strlen(source);
  int i;
  for (i = 0; i < file_count; i++) {
    size_t length = strlen(files[i].path);
    if (n > length && strcmp(source + n - length, files[i].path) == 0)
      return map + (size_t)i * row_size;
  }
  return NULL;
}

static unsigned char *row_of (const char *source) {
  size_t slot = ((size_t)source >> 4) % CACHED;
  if (cache[slot].source != source ||
      strncmp(cache[slot].path, source, MOST_PATH - 1) != 0) {
    cache[slot].source = source;
    strncpy(cache[slot].path, source, MOST_PATH - 1);
    cache[slot].row = find_row(source);
  }
  return cache[slot].row;
}

static void on_line (lua_State *L, lua_Debug *ar) {
  unsigned char *row;
  if (!lua_getinfo(L, "S", ar) || ar->source[0] != '@')
    return;
  row = row_of(ar->source);
  if (row != NULL && ar->currentline > 0 && (size_t)ar->currentline < row_size)
    row[ar->currentline] = 1;
}

/* debug.sethook, after which ours is back where none was set */
static int l_sethook (lua_State *L) {
  lua_State *other = lua_isthread(L, 1) ? lua_tothread(L, 1) : L;
  int count = lua_gettop(L);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, count, 0);
  if (lua_gethook(other) == NULL)
    lua_sethook(other, on_line, LUA_MASKLINE, 0);
  return 0;
}

static int read_files (void) {
  FILE *list = fopen(getenv("LINES_FILES"), "r");
  if (list == NULL)
    return 0;
  while (file_count < MOST_FILES &&
         fscanf(list, "%255s", files[file_count].path) == 1)
    file_count++;
  fclose(list);
  return file_count > 0;
}

static int open_map (void) {
  struct stat s;
  int fd = open(getenv("LINES_MAP"), O_RDWR | O_CLOEXEC);
  void *p = MAP_FAILED;
  if (fd >= 0 && fstat(fd, &s) == 0)
    p = mmap(NULL, (size_t)s.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (fd >= 0)
    close(fd);
  if (p == MAP_FAILED)
    return 0;
  map = p;
  row_size = (size_t)s.st_size / (size_t)file_count;
  return 1;
}

int lines_start (lua_State *L) {
  if (map == NULL && (!read_files() || !open_map()))
    return luaL_error(L, "no list of files, or no map for their lines");
  lua_sethook(L, on_line, LUA_MASKLINE, 0);
  lua_getglobal(L, "debug");
  lua_getfield(L, -1, "sethook");
  lua_pushcclosure(L, l_sethook, 1);
  lua_setfield(L, -2, "sethook");
  return 0;
}
