/*
** System calls that fail when they are told to. What libcurl, OpenSSL and the
** core call of these is found here first, since the program exports them.
** The module torture.sockets:
**   count(fn) -> calls that were made while fn ran, by name
**   under(name, nth, lasting, fault, fn) -> ok, value or error
**     calls fn while the nth call of this name, or, if lasting, that one and
**     all after it, fail with the errno of this name; or end in another way:
**     "SHORT" one byte at a time, "END" end of file, "NOTHING" none is ready
**   errors -> the names of these errno
*/
#define _GNU_SOURCE 1

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>

int luaopen_torture_sockets (lua_State *L);

/* {======================================================
** Faults
** ======================================================= */

enum call {
  C_SOCKET, C_CONNECT, C_SO_ERROR, C_GETSOCKOPT, C_SETSOCKOPT, C_GETSOCKNAME,
  C_GETPEERNAME, C_SOCKETPAIR, C_FCNTL, C_IOCTL, C_SHUTDOWN, C_CLOSE, C_SEND,
  C_SENDTO, C_SENDMSG, C_WRITE, C_RECV, C_RECVFROM, C_RECVMSG, C_READ, C_POLL,
  C_EVENTFD, C_EPOLL_CREATE1, C_EPOLL_CTL, C_EPOLL_WAIT, CALLS
};

static const char *const call_names[] = {
  "socket", "connect", "SO_ERROR", "getsockopt", "setsockopt", "getsockname",
  "getpeername", "socketpair", "fcntl", "ioctl", "shutdown", "close", "send",
  "sendto", "sendmsg", "write", "recv", "recvfrom", "recvmsg", "read", "poll",
  "eventfd", "epoll_create1", "epoll_ctl", "epoll_wait", NULL
};

#define SHORT (-1)
#define END (-2)
#define NOTHING (-3)

static const struct { const char *name; int number; } faults[] = {
  { "ECONNREFUSED", ECONNREFUSED }, { "ECONNRESET", ECONNRESET },
  { "EPIPE", EPIPE }, { "ETIMEDOUT", ETIMEDOUT },
  { "ENETUNREACH", ENETUNREACH }, { "EHOSTUNREACH", EHOSTUNREACH },
  { "EMFILE", EMFILE }, { "ENOBUFS", ENOBUFS }, { "ENOMEM", ENOMEM },
  { "EINTR", EINTR }, { "EAGAIN", EAGAIN }, { "EACCES", EACCES },
  { "EINVAL", EINVAL }, { "EBADF", EBADF }, { "SHORT", SHORT },
  { "END", END }, { "NOTHING", NOTHING }, { NULL, 0 }
};

static struct {
  int active;
  enum call call;               /* CALLS: none fails, they are counted */
  long nth;
  int lasting, number;
  long seen[CALLS];
} fault;

static int is_hit (enum call call) {
  long seen;
  if (!fault.active)
    return 0;
  seen = ++fault.seen[call];
  return call == fault.call &&
         (fault.lasting ? seen >= fault.nth : seen == fault.nth);
}

/* does this call fail, with errno set? */
static int fails (enum call call) {
  if (!is_hit(call) || fault.number < 0)
    return 0;
  errno = fault.number;
  return 1;
}

static int is_file (int fd) {
  struct stat info;
  return fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

/* }====================================================== */

/* {======================================================
** The calls
** ======================================================= */

static void *next_of (const char *name) {
  return dlsym(RTLD_NEXT, name);
}

#define REAL(type, name, parameters) \
  static type (*real) parameters; \
  if (real == NULL) *(void **)(&real) = next_of(#name)

#define CALL(type, name, id, parameters, arguments) \
  type name parameters { \
    REAL(type, name, parameters); \
    return fails(id) ? -1 : real arguments; \
  }

/* n is how many bytes are to be moved */
#define MOVE(name, id, parameters, arguments) \
  ssize_t name parameters { \
    REAL(ssize_t, name, parameters); \
    if (!is_file(fd) && is_hit(id)) { \
      if (fault.number == END) \
        return 0; \
      if (fault.number > 0) { \
        errno = fault.number; \
        return -1; \
      } \
      n = n < 1 ? n : 1; \
    } \
    return real arguments; \
  }

CALL(int, socket, C_SOCKET, (int domain, int type, int protocol),
     (domain, type, protocol))
CALL(int, connect, C_CONNECT,
     (int fd, const struct sockaddr *address, socklen_t length),
     (fd, address, length))
CALL(int, setsockopt, C_SETSOCKOPT,
     (int fd, int level, int name, const void *value, socklen_t length),
     (fd, level, name, value, length))
CALL(int, getsockname, C_GETSOCKNAME,
     (int fd, struct sockaddr *address, socklen_t *length),
     (fd, address, length))
CALL(int, getpeername, C_GETPEERNAME,
     (int fd, struct sockaddr *address, socklen_t *length),
     (fd, address, length))
CALL(int, socketpair, C_SOCKETPAIR,
     (int domain, int type, int protocol, int fds[2]),
     (domain, type, protocol, fds))
CALL(int, shutdown, C_SHUTDOWN, (int fd, int how), (fd, how))
CALL(ssize_t, sendmsg, C_SENDMSG,
     (int fd, const struct msghdr *message, int flags), (fd, message, flags))
CALL(ssize_t, recvmsg, C_RECVMSG,
     (int fd, struct msghdr *message, int flags), (fd, message, flags))
CALL(int, poll, C_POLL, (struct pollfd *fds, nfds_t n, int timeout),
     (fds, n, timeout))
CALL(int, eventfd, C_EVENTFD, (unsigned value, int flags), (value, flags))
CALL(int, epoll_create1, C_EPOLL_CREATE1, (int flags), (flags))
CALL(int, epoll_ctl, C_EPOLL_CTL,
     (int poller, int what, int fd, struct epoll_event *event),
     (poller, what, fd, event))

MOVE(send, C_SEND, (int fd, const void *s, size_t n, int flags),
     (fd, s, n, flags))
MOVE(sendto, C_SENDTO, (int fd, const void *s, size_t n, int flags,
     const struct sockaddr *address, socklen_t length),
     (fd, s, n, flags, address, length))
MOVE(write, C_WRITE, (int fd, const void *s, size_t n), (fd, s, n))
MOVE(recv, C_RECV, (int fd, void *s, size_t n, int flags),
     (fd, s, n, flags))
MOVE(recvfrom, C_RECVFROM, (int fd, void *restrict s, size_t n, int flags,
     struct sockaddr *restrict address, socklen_t *restrict length),
     (fd, s, n, flags, address, length))
MOVE(read, C_READ, (int fd, void *s, size_t n), (fd, s, n))

int epoll_wait (int poller, struct epoll_event *events, int most, int ms) {
  REAL(int, epoll_wait, (int, struct epoll_event *, int, int));
  if (is_hit(C_EPOLL_WAIT)) {
    errno = fault.number;
    return fault.number > 0 ? -1 : 0;
  }
  return real(poller, events, most, ms);
}

/* the errno of a connection that was not made is the value of an option */
int getsockopt (int fd, int level, int name, void *restrict value,
                socklen_t *restrict length) {
  REAL(int, getsockopt, (int, int, int, void *restrict, socklen_t *restrict));
  if (level == SOL_SOCKET && name == SO_ERROR && is_hit(C_SO_ERROR) &&
      fault.number > 0) {
    memcpy(value, &fault.number, sizeof(fault.number));
    return 0;
  }
  return fails(C_GETSOCKOPT) ? -1 : real(fd, level, name, value, length);
}

/* the descriptor is gone whatever close says */
int close (int fd) {
  int result;
  REAL(int, close, (int));
  result = real(fd);
  return fails(C_CLOSE) ? -1 : result;
}

int fcntl (int fd, int what, ...) {
  va_list rest;
  void *argument;
  REAL(int, fcntl, (int, int, ...));
  va_start(rest, what);
  argument = va_arg(rest, void *);
  va_end(rest);
  return fails(C_FCNTL) ? -1 : real(fd, what, argument);
}

int ioctl (int fd, unsigned long what, ...) {
  va_list rest;
  void *argument;
  REAL(int, ioctl, (int, unsigned long, ...));
  va_start(rest, what);
  argument = va_arg(rest, void *);
  va_end(rest);
  return fails(C_IOCTL) ? -1 : real(fd, what, argument);
}

/* }====================================================== */

/* {======================================================
** The module
** ======================================================= */

static int run (lua_State *L) {
  int status;
  memset(fault.seen, 0, sizeof(fault.seen));
  fault.active = 1;
  status = lua_pcall(L, 0, 1, 0);
  fault.active = 0;
  lua_pushboolean(L, status == LUA_OK);
  lua_insert(L, -2);
  return 2;
}

static int l_count (lua_State *L) {
  int i;
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  fault.call = CALLS;
  run(L);
  if (!lua_toboolean(L, -2))
    return lua_error(L);
  lua_newtable(L);
  for (i = 0; i < CALLS; i++) {
    lua_pushinteger(L, fault.seen[i]);
    lua_setfield(L, -2, call_names[i]);
  }
  return 1;
}

static int fault_named (lua_State *L, int i) {
  const char *name = luaL_checkstring(L, i);
  int row;
  for (row = 0; faults[row].name != NULL; row++)
    if (strcmp(faults[row].name, name) == 0)
      return faults[row].number;
  return luaL_argerror(L, i, "no such fault");
}

static int l_under (lua_State *L) {
  fault.call = (enum call)luaL_checkoption(L, 1, NULL, call_names);
  fault.nth = (long)luaL_checkinteger(L, 2);
  fault.lasting = lua_toboolean(L, 3);
  fault.number = fault_named(L, 4);
  luaL_checktype(L, 5, LUA_TFUNCTION);
  lua_settop(L, 5);
  return run(L);
}

static const luaL_Reg functions[] = {
  { "count", l_count },
  { "under", l_under },
  { NULL, NULL }
};

static void push_errors (lua_State *L) {
  int row;
  lua_newtable(L);
  for (row = 0; faults[row].number > 0; row++) {
    lua_pushstring(L, faults[row].name);
    lua_rawseti(L, -2, row + 1);
  }
}

int luaopen_torture_sockets (lua_State *L) {
  luaL_newlib(L, functions);
  push_errors(L);
  lua_setfield(L, -2, "errors");
  return 1;
}

/* }====================================================== */
