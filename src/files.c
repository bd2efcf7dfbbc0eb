/*
** Files that the processes of one user share: read and replaced as a whole,
** and locked by flock, which ends with its process, however that ends. And
** journals, which one process at a time makes longer.
**
** Content is a secret: it is taken only from a file that nobody else can
** reach, and what is not in Lua's hands is wiped.
*/
#include "core.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#define TEXT "cloudcal.text"
#define LOCK "cloudcal.lock"
#define JOURNAL "cloudcal.journal_file"

#define PRIVATE 0600
#define MAX_REASON 80

#if defined(__APPLE__)
#define WRITTEN(s) ((s)->st_mtimespec)
#define CHANGED(s) ((s)->st_ctimespec)
#else
#define WRITTEN(s) ((s)->st_mtim)
#define CHANGED(s) ((s)->st_ctim)
#endif

/* {======================================================
** What is wrong with a file
** ======================================================= */

static const char *check_path (lua_State *L, int index) {
  size_t n;
  const char *path = luaL_checklstring(L, index, &n);
  luaL_argcheck(L, n > 0 && strlen(path) == n, index, "is not a path");
  return path;
}

static int push_problem (lua_State *L, const char *path, const char *reason) {
  lua_pushnil(L);
  lua_pushfstring(L, "%s: %s", path, reason);
  return 2;
}

static int push_errno (lua_State *L, const char *path, int problem) {
  switch (problem) {
    case ENOENT:
      return push_problem(L, path, "the directory does not exist");
    case ELOOP:
      return push_problem(L, path, "is a symbolic link");
    default:    /* its texts are constants: NOLINTNEXTLINE(concurrency-mt-*) */
      return push_problem(L, path, strerror(problem));
  }
}

/* the directory that a path is in, kept on the stack */
static const char *push_directory (lua_State *L, const char *path) {
  const char *slash = strrchr(path, '/');
  if (slash == NULL)
    lua_pushliteral(L, ".");
  else
    lua_pushlstring(L, path, slash == path ? 1 : (size_t)(slash - path));
  return lua_tostring(L, -1);
}

/* nil for a file that may be made, or nil and a message */
static int push_missing (lua_State *L, const char *path) {
  struct stat s;
  if (stat(push_directory(L, path), &s) != 0)
    return push_errno(L, path, errno);
  lua_pushnil(L);
  return 1;
}

/* 1 and the reason if content in this file would not be private, else 0 */
static int is_unfit (const struct stat *s, char *reason) {
  unsigned mode = (unsigned)s->st_mode & 07777;
  reason[0] = '\0';
  if (S_ISLNK(s->st_mode))
    (void)snprintf(reason, MAX_REASON, "is a symbolic link");
  else if (!S_ISREG(s->st_mode))
    (void)snprintf(reason, MAX_REASON, "is not a regular file");
  else if (s->st_uid != geteuid())
    (void)snprintf(reason, MAX_REASON, "belongs to another user (uid %lu)",
                   (unsigned long)s->st_uid);
  else if ((mode & 077) != 0)
    (void)snprintf(reason, MAX_REASON,
                   "others can %s it (mode %04o); chmod 600",
                   (mode & 044) != 0 ? "read" : "write or run", mode);
  return reason[0] != '\0';
}

/* }====================================================== */

/* {======================================================
** Stamps
** ======================================================= */

/* a string, and the time of the last change: when it is not long ago, a
** later content may get the same stamp */
static int push_stamp (lua_State *L, const struct stat *s) {
  char stamp[160];
  int n = snprintf(stamp, sizeof(stamp), "%llx %llx %lld %lld.%09ld %lld.%09ld",
                   (unsigned long long)s->st_dev,
                   (unsigned long long)s->st_ino, (long long)s->st_size,
                   (long long)WRITTEN(s).tv_sec, (long)WRITTEN(s).tv_nsec,
                   (long long)CHANGED(s).tv_sec, (long)CHANGED(s).tv_nsec);
  lua_pushlstring(L, stamp, (size_t)n);
  lua_pushnumber(L, (lua_Number)CHANGED(s).tv_sec +
                    (lua_Number)CHANGED(s).tv_nsec / 1e9);
  return 2;
}

/* file_stamp(path) -> a string that differs when the content does, and the
** time of the last change | nil if there is no such file */
static int l_file_stamp (lua_State *L) {
  struct stat s;
  if (lstat(check_path(L, 1), &s) != 0)
    return 0;
  return push_stamp(L, &s);
}

/* }====================================================== */

/* {======================================================
** Reading
** ======================================================= */

struct text {
  int fd;
  struct bytes bytes;
};

static struct text *new_text (lua_State *L, size_t ceiling) {
  struct text *t = lua_newuserdata(L, sizeof(*t));
  t->fd = -1;
  bytes_init(&t->bytes, ceiling);
  luaL_getmetatable(L, TEXT);
  lua_setmetatable(L, -2);
  return t;
}

static void close_text (struct text *t) {
  if (t->fd >= 0)
    close(t->fd);
  t->fd = -1;
  bytes_free(&t->bytes);
}

static int l_text_gc (lua_State *L) {
  close_text(luaL_checkudata(L, 1, TEXT));
  return 0;
}

/* 0, or what is wrong as an errno */
static int append (struct bytes *b, const char *data, size_t n) {
  switch (bytes_append(b, data, n)) {
    case BYTES_OK: return 0;
    case BYTES_FULL: return EFBIG;
    default: return ENOMEM;
  }
}

static int read_all (struct text *t) {
  char chunk[4096];
  int problem = 0;
  ssize_t n = 1;
  while (problem == 0 && n != 0) {
    n = read(t->fd, chunk, sizeof(chunk));
    if (n > 0)
      problem = append(&t->bytes, chunk, (size_t)n);
    else if (n < 0 && errno != EINTR)
      problem = errno;
  }
  OPENSSL_cleanse(chunk, sizeof(chunk));
  return problem;
}

static int open_for_reading (const char *path, struct stat *s) {
  int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  int problem;
  if (fd < 0 || fstat(fd, s) == 0)
    return fd;
  problem = errno;
  close(fd);
  errno = problem;
  return -1;
}

static int push_text (lua_State *L, const char *path, struct text *t,
                      const struct stat *s) {
  char reason[MAX_REASON];
  int problem;
  if (is_unfit(s, reason))
    return push_problem(L, path, reason);
  problem = read_all(t);
  if (problem == EFBIG)
    return push_problem(L, path, "is larger than 1 MiB");
  if (problem != 0)
    return push_errno(L, path, problem);
  lua_pushlstring(L, t->bytes.length > 0 ? t->bytes.data : "",
                  t->bytes.length);
  return 1 + push_stamp(L, s);
}

/* read_private(path) -> its content, and what file_stamp says of it | nil if
** there is no such file | nil, message */
static int l_read_private (lua_State *L) {
  const char *path = check_path(L, 1);
  struct text *t = new_text(L, CORE_MAX_PRIVATE);
  struct stat s;
  int results;
  if (lstat(path, &s) == 0) {
    char reason[MAX_REASON];
    if (is_unfit(&s, reason))
      return push_problem(L, path, reason);
    t->fd = open_for_reading(path, &s);
  }
  if (t->fd < 0)
    return errno == ENOENT ? push_missing(L, path)
                           : push_errno(L, path, errno);
  results = push_text(L, path, t, &s);
  close_text(t);
  return results;
}

/* }====================================================== */

/* {======================================================
** Replacing: whoever reads, after whatever end, finds the old or the new
** ======================================================= */

static int write_all (int fd, const char *s, size_t n) {
  while (n > 0) {
    ssize_t written = write(fd, s, n);
    if (written == 0)
      return ENOSPC;
    if (written < 0 && errno != EINTR)
      return errno;
    if (written > 0) {
      s += written;
      n -= (size_t)written;
    }
  }
  return 0;
}

static int sync_all (int fd) {
  while (fsync(fd) != 0) {
    if (errno != EINTR)
      return errno;
  }
  return 0;
}

/* what a process left here that was killed is not worth keeping */
static int create (const char *path) {
  if (unlink(path) != 0 && errno != ENOENT)
    return -1;
  return open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
              PRIVATE);
}

static int write_new (const char *path, const char *s, size_t n) {
  int fd = create(path);
  int problem;
  if (fd < 0)
    return errno;
  problem = fchmod(fd, PRIVATE) != 0 ? errno : write_all(fd, s, n);
  if (problem == 0)
    problem = sync_all(fd);
  if (close(fd) != 0 && errno != EINTR && problem == 0)
    problem = errno;
  if (problem != 0)
    unlink(path);
  return problem;
}

static int move (const char *from, const char *to) {
  int problem;
  if (rename(from, to) == 0)
    return 0;
  problem = errno;
  unlink(from);
  return problem;
}

/* a directory that cannot be read, or cannot be synced, is left as it is */
static int sync_directory (const char *path) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int problem;
  if (fd < 0)
    return 0;
  problem = sync_all(fd);
  close(fd);
  return problem == EINVAL ? 0 : problem;
}

/* write_private(path, text) -> true | nil, message. Whoever calls it has a
** lock: the new content stands in path .. ".new" for a while */
static int l_write_private (lua_State *L) {
  size_t n;
  const char *path = check_path(L, 1);
  const char *text = luaL_checklstring(L, 2, &n);
  const char *beside = lua_pushfstring(L, "%s.new", path);
  const char *directory = push_directory(L, path);
  int problem;
  if (n > CORE_MAX_PRIVATE)
    return push_problem(L, path, "would be larger than 1 MiB");
  problem = write_new(beside, text, n);
  if (problem == 0)
    problem = move(beside, path);
  if (problem == 0)
    problem = sync_directory(directory);
  if (problem != 0)
    return push_errno(L, path, problem);
  lua_pushboolean(L, 1);
  return 1;
}

/* }====================================================== */

/* {======================================================
** Locks. A child of fork has the descriptor, too: closing it there ends
** nothing, LOCK_UN would; so a lock is given back by removing its file, and
** only by the process that took it.
** ======================================================= */

#define MAX_TRIES 100           /* each means that another process went on */

struct lock {
  int fd;
  pid_t pid;                    /* who holds it; 0: nobody */
  char path[1];
};

enum taken { TAKEN, TAKEN_BY_OTHER, TAKEN_TOO_LATE, UNFIT, FAILED };

static struct lock *new_lock (lua_State *L, const char *path) {
  size_t n = strlen(path);
  struct lock *l = lua_newuserdata(L, sizeof(*l) + n);
  l->fd = -1;
  l->pid = 0;
  memcpy(l->path, path, n + 1);
  luaL_getmetatable(L, LOCK);
  lua_setmetatable(L, -2);
  return l;
}

/* 1 if the file that is open still stands under its name */
static int is_in_place (const struct lock *l) {
  struct stat own, there;
  return fstat(l->fd, &own) == 0 && lstat(l->path, &there) == 0 &&
         own.st_ino == there.st_ino && own.st_dev == there.st_dev;
}

static void release (struct lock *l) {
  if (l->fd < 0)
    return;
  if (l->pid == getpid() && is_in_place(l))
    unlink(l->path);
  close(l->fd);
  l->fd = -1;
  l->pid = 0;
}

/* the file may be removed by its holder until it is ours */
static enum taken take (struct lock *l, struct stat *s, char *reason) {
  if (lstat(l->path, s) == 0 && is_unfit(s, reason))
    return UNFIT;
  l->fd = open(l->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC |
               O_NONBLOCK, PRIVATE);
  if (l->fd < 0 || fstat(l->fd, s) != 0)
    return FAILED;
  if (is_unfit(s, reason))
    return UNFIT;
  if (flock(l->fd, LOCK_EX | LOCK_NB) != 0)
    return errno == EWOULDBLOCK ? TAKEN_BY_OTHER : FAILED;
  if (!is_in_place(l))
    return TAKEN_TOO_LATE;
  l->pid = getpid();
  return TAKEN;
}

static enum taken take_at_last (struct lock *l, char *reason, int *problem) {
  struct stat s;
  enum taken taken = TAKEN_TOO_LATE;
  int i;
  for (i = 0; i < MAX_TRIES && taken == TAKEN_TOO_LATE; i++) {
    taken = take(l, &s, reason);
    *problem = errno;
    if (taken != TAKEN)
      release(l);
  }
  return taken;
}

/* lock_file(path) -> a lock, which ends with unlock(), with its collection
** or with the process | false if there is one already | nil, message */
static int l_lock_file (lua_State *L) {
  const char *path = check_path(L, 1);
  struct lock *l = new_lock(L, path);
  char reason[MAX_REASON];
  int problem = 0;
  switch (take_at_last(l, reason, &problem)) {
    case TAKEN:
      return 1;
    case UNFIT:
      return push_problem(L, path, reason);
    case FAILED:
      return push_errno(L, path, problem);
    default:
      lua_pushboolean(L, 0);
      return 1;
  }
}

/* lock:unlock() */
static int l_unlock (lua_State *L) {
  release(luaL_checkudata(L, 1, LOCK));
  return 0;
}

/* }====================================================== */

/* {======================================================
** Journals: what is appended is on the disk before its writer goes on. One
** process at a time has a journal open; a child of fork has only looked on.
** After a failure nobody knows what the disk holds: nothing more is written.
** ======================================================= */

#if defined(__APPLE__)
#define sync_data(fd) fcntl(fd, F_FULLFSYNC)
#else
#define sync_data(fd) fdatasync(fd)
#endif

struct journal {
  int fd;
  pid_t pid;                    /* who opened it */
  size_t size;
  int problem;                  /* of an append that failed */
  char path[1];
};

static struct journal *new_journal (lua_State *L, const char *path) {
  size_t n = strlen(path);
  struct journal *j = lua_newuserdata(L, sizeof(*j) + n);
  j->fd = -1;
  j->pid = getpid();
  j->size = 0;
  j->problem = 0;
  memcpy(j->path, path, n + 1);
  luaL_getmetatable(L, JOURNAL);
  lua_setmetatable(L, -2);
  return j;
}

static void close_journal (struct journal *j) {
  if (j->fd >= 0)
    close(j->fd);
  j->fd = -1;
}

/* a name must not lead elsewhere, or be lost with the power */
static enum taken take_journal (struct journal *j, const char *directory,
                                char *reason) {
  struct stat s;
  if (lstat(j->path, &s) == 0 && is_unfit(&s, reason))
    return UNFIT;
  j->fd = open(j->path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC |
               O_NONBLOCK, PRIVATE);
  if (j->fd < 0 || fstat(j->fd, &s) != 0)
    return FAILED;
  if (is_unfit(&s, reason))
    return UNFIT;
  if (flock(j->fd, LOCK_EX | LOCK_NB) != 0)
    return errno == EWOULDBLOCK ? TAKEN_BY_OTHER : FAILED;
  errno = sync_directory(directory);
  return errno == 0 ? TAKEN : FAILED;
}

static int push_unread (lua_State *L, struct journal *j, int problem) {
  close_journal(j);
  if (problem == EFBIG)
    return push_problem(L, j->path, "is larger than 64 MiB");
  return push_errno(L, j->path, problem);
}

/* the handle and the content, which has its own descriptor while it is read */
static int push_journal (lua_State *L, struct journal *j) {
  struct text *t = new_text(L, CORE_MAX_JOURNAL);
  int problem;
  t->fd = fcntl(j->fd, F_DUPFD_CLOEXEC, 0);
  problem = t->fd < 0 ? errno : read_all(t);
  if (problem != 0)
    return push_unread(L, j, problem);
  j->size = t->bytes.length;
  lua_pushvalue(L, -2);
  lua_pushlstring(L, t->bytes.length > 0 ? t->bytes.data : "",
                  t->bytes.length);
  close_text(t);
  return 2;
}

/* open_journal(path) -> a journal, which is made if there is none, and its
** content | false if another one has it open | nil, message */
static int l_open_journal (lua_State *L) {
  const char *path = check_path(L, 1);
  const char *directory = push_directory(L, path);
  struct journal *j = new_journal(L, path);
  char reason[MAX_REASON];
  enum taken taken = take_journal(j, directory, reason);
  int problem = errno;
  if (taken != TAKEN)
    close_journal(j);
  switch (taken) {
    case TAKEN:
      return push_journal(L, j);
    case UNFIT:
      return push_problem(L, path, reason);
    case FAILED:
      return push_errno(L, path, problem);
    default:
      lua_pushboolean(L, 0);
      return 1;
  }
}

static struct journal *check_journal (lua_State *L) {
  struct journal *j = luaL_checkudata(L, 1, JOURNAL);
  luaL_argcheck(L, j->fd >= 0, 1, "is closed");
  luaL_argcheck(L, j->pid == getpid(), 1, "was opened by another process");
  return j;
}

static int sync_journal (const struct journal *j) {
  while (sync_data(j->fd) != 0) {
    if (errno != EINTR)
      return errno;
  }
  return 0;
}

/* true | nil, message */
static int push_outcome (lua_State *L, const struct journal *j) {
  if (j->problem != 0)
    return push_errno(L, j->path, j->problem);
  lua_pushboolean(L, 1);
  return 1;
}

/* journal:append(text) -> true, when the disk has it | nil, message; blocks
** for as long as the disk takes */
static int l_journal_append (lua_State *L) {
  struct journal *j = check_journal(L);
  size_t n;
  const char *text = luaL_checklstring(L, 2, &n);
  if (n > CORE_MAX_JOURNAL - j->size)
    return push_problem(L, j->path, "would be larger than 64 MiB");
  if (j->problem == 0)
    j->problem = write_all(j->fd, text, n);
  if (j->problem == 0)
    j->problem = sync_journal(j);
  if (j->problem == 0)
    j->size += n;
  return push_outcome(L, j);
}

/* journal:cut(size) -> true | nil, message; drops what is behind */
static int l_journal_cut (lua_State *L) {
  struct journal *j = check_journal(L);
  lua_Number size = luaL_checknumber(L, 2);
  luaL_argcheck(L, size >= 0 && size <= (lua_Number)j->size, 2,
                "is not within the journal");
  while (j->problem == 0 && ftruncate(j->fd, (off_t)size) != 0)
    j->problem = errno == EINTR ? 0 : errno;
  if (j->problem == 0)
    j->problem = sync_journal(j);
  if (j->problem == 0)
    j->size = (size_t)size;
  return push_outcome(L, j);
}

/* journal:close() */
static int l_journal_close (lua_State *L) {
  close_journal(luaL_checkudata(L, 1, JOURNAL));
  return 0;
}

/* }====================================================== */

const luaL_Reg files_functions[] = {
  { "file_stamp", l_file_stamp },
  { "read_private", l_read_private },
  { "write_private", l_write_private },
  { "lock_file", l_lock_file },
  { "open_journal", l_open_journal },
  { NULL, NULL }
};

static const luaL_Reg lock_methods[] = {
  { "unlock", l_unlock },
  { NULL, NULL }
};

static const luaL_Reg journal_methods[] = {
  { "append", l_journal_append },
  { "cut", l_journal_cut },
  { "close", l_journal_close },
  { NULL, NULL }
};

static void new_type (lua_State *L, const char *name, lua_CFunction gc,
                      const luaL_Reg *methods) {
  luaL_newmetatable(L, name);
  lua_pushcfunction(L, gc);
  lua_setfield(L, -2, "__gc");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  if (methods != NULL) {
    lua_newtable(L);
    core_setfuncs(L, methods);
    lua_setfield(L, -2, "__index");
  }
  lua_pop(L, 1);
}

void files_open (lua_State *L) {
  new_type(L, TEXT, l_text_gc, NULL);
  new_type(L, LOCK, l_unlock, lock_methods);
  new_type(L, JOURNAL, l_journal_close, journal_methods);
}
