/*
** Many exchanges: one CURLM for each Lua state, driven socket by socket
** behind one pollable descriptor. Exchanges enter libcurl one at a time, so
** that a step is never longer than one action of one transfer beyond the
** time it was given.
*/
#include "core.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__) && !defined(CORE_NO_EPOLL)
#define USE_EPOLL 1
#include <sys/epoll.h>
#include <sys/eventfd.h>
#else
#define USE_EPOLL 0
#endif

#define ENGINE "cloudcal.engine"
#define NEVER INT64_MAX
/* of one kind of work before the next: starts are few, as a connection that
** gets free meanwhile is used again */
#define MOST_STARTS 4
#define MOST_SOCKETS 32

struct list {
  struct transfer *first, *last;        /* oldest first */
};

struct spare {                  /* as in struct transfer */
  CURL *easy;
  CURLU *url;
  int64_t transport;
};

struct engine {
  CURLM *multi;                 /* NULL: closed, or not yet needed */
  pid_t pid;                    /* who made it: not for a child */
  int poller;                   /* epoll descriptor of the sockets, -1: none */
  int bell;                     /* readable while `ended` is not empty */
  int outlet;                   /* epoll descriptor of these two, for hosts */
  int64_t timer;                /* when libcurl wants to be called, NEVER */
  struct list current;          /* queued and running */
  struct list ended;            /* done, and somebody wants to hear of it */
  int64_t tickets;              /* given out so far */
  int64_t transports;           /* likewise */
  int groups;                   /* likewise */
  int live;                     /* length of `current` */
  int queued;                   /* how many of them libcurl has not seen */
  struct transfer *next_queued; /* the oldest of those, if there are any */
  unsigned turn;                /* which kind of work comes next */
  unsigned completed;           /* counts; only changes matter */
  int64_t longest;              /* microseconds of one action, of late */
  int doubt;                    /* libcurl's CA store may be broken */
  long max_connections;
  struct spare spare[CORE_SPARE_HANDLES];
  int spares;
  curl_socket_t *sockets;       /* open ones, for a child to close */
  size_t socket_count, socket_capacity;
};

int64_t engine_now (void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* {======================================================
** Sockets: made here for CLOEXEC, and known by number because a child
** closes those it inherited
** ======================================================= */

static int remember (struct engine *e, curl_socket_t s) {
  if (e->socket_count == e->socket_capacity) {
    size_t capacity = e->socket_capacity > 0 ? 2 * e->socket_capacity : 16;
    void *grown = realloc(e->sockets, capacity * sizeof(e->sockets[0]));
    if (grown == NULL)
      return 0;
    e->sockets = grown;
    e->socket_capacity = capacity;
  }
  e->sockets[e->socket_count++] = s;
  return 1;
}

static void forget (struct engine *e, curl_socket_t s) {
  size_t i;
  for (i = 0; i < e->socket_count; i++)
    if (e->sockets[i] == s) {
      e->sockets[i] = e->sockets[--e->socket_count];
      return;
    }
}

curl_socket_t engine_socket (struct engine *e, struct curl_sockaddr *a) {
  curl_socket_t s;
#if defined(SOCK_CLOEXEC)
  s = socket(a->family, a->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
             a->protocol);
#else
  s = socket(a->family, a->socktype, a->protocol);
  if (s >= 0)
    fcntl(s, F_SETFD, FD_CLOEXEC);
#endif
  if (s < 0)
    return CURL_SOCKET_BAD;
  if (!remember(e, s)) {
    close(s);
    return CURL_SOCKET_BAD;
  }
  return s;
}

int engine_close_socket (struct engine *e, curl_socket_t s) {
  forget(e, s);
  return close(s);
}

/* }====================================================== */

/* {======================================================
** What libcurl wants to hear of
** ======================================================= */

static int on_timer (CURLM *multi, long ms, void *user) {
  struct engine *e = user;
  (void)multi;
  e->timer = ms < 0 ? NEVER : engine_now() + (int64_t)ms * 1000;
  return 0;
}

#if USE_EPOLL

/* a socket of a kept connection is still there if its removal failed */
static int watch (struct engine *e, int what, curl_socket_t s,
                  struct epoll_event *event) {
  return epoll_ctl(e->poller, what, s, event) == 0 ||
      (errno == EEXIST && epoll_ctl(e->poller, EPOLL_CTL_MOD, s, event) == 0);
}

static int on_watch (CURL *easy, curl_socket_t s, int what, void *user,
                     void *known) {
  struct engine *e = user;
  struct epoll_event event;
  (void)easy;
  memset(&event, 0, sizeof(event));
  event.data.fd = s;
  if (what == CURL_POLL_REMOVE) {
    epoll_ctl(e->poller, EPOLL_CTL_DEL, s, &event);
    return 0;
  }
  event.events = ((what & CURL_POLL_IN) ? EPOLLIN : 0u) |
                 ((what & CURL_POLL_OUT) ? EPOLLOUT : 0u);
  if (!watch(e, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, s, &event))
    return -1;
  if (known == NULL)
    curl_multi_assign(e->multi, s, e);
  return 0;
}

static int watch_open (struct engine *e) {
  e->poller = epoll_create1(EPOLL_CLOEXEC);
  return e->poller >= 0 &&
      curl_multi_setopt(e->multi, CURLMOPT_SOCKETFUNCTION, on_watch) ==
          CURLM_OK &&
      curl_multi_setopt(e->multi, CURLMOPT_SOCKETDATA, e) == CURLM_OK;
}

#else

static int watch_open (struct engine *e) {
  (void)e;
  return 1;
}

#endif

/* }====================================================== */

/* {======================================================
** The list of exchanges
** ======================================================= */

static void append (struct list *list, struct transfer *t) {
  t->previous = list->last;
  t->next = NULL;
  if (list->last != NULL)
    list->last->next = t;
  else
    list->first = t;
  list->last = t;
}

static void unlink_from (struct list *list, struct transfer *t) {
  if (t->previous != NULL)
    t->previous->next = t->next;
  else
    list->first = t->next;
  if (t->next != NULL)
    t->next->previous = t->previous;
  else
    list->last = t->previous;
}

static void enlist (struct engine *e, struct transfer *t) {
  t->engine = e;
  t->ticket = ++e->tickets;
  t->state = TRANSFER_QUEUED;
  append(&e->current, t);
  e->live++;
  if (e->queued++ == 0)
    e->next_queued = t;
}

/* those that are queued are the last in the list, in their order */
static void unqueue (struct engine *e, struct transfer *t) {
  e->queued--;
  if (t == e->next_queued)
    e->next_queued = t->next;
}

static void delist (struct engine *e, struct transfer *t) {
  if (t->state == TRANSFER_QUEUED)
    unqueue(e, t);
  unlink_from(&e->current, t);
  e->live--;
  t->engine = NULL;
}

/* }====================================================== */

/* {======================================================
** Ended exchanges that a loop has to hear of: the bell rings as long as
** there is one, whoever made the step in which it ended
** ======================================================= */

#if USE_EPOLL

static void ring (struct engine *e) {
  uint64_t one = 1;
  if (e->bell >= 0 && write(e->bell, &one, sizeof(one)) < 0)
    return;                     /* it rings already */
}

static void silence (struct engine *e) {
  uint64_t count;
  if (e->bell >= 0 && read(e->bell, &count, sizeof(count)) < 0)
    return;                     /* it did not ring */
}

#else
#define ring(e) ((void)(e))
#define silence(e) ((void)(e))
#endif

static void announce (struct engine *e, struct transfer *t) {
  if (t->group == 0)
    return;
  t->engine = e;
  append(&e->ended, t);
  ring(e);
}

static void retract (struct engine *e, struct transfer *t) {
  unlink_from(&e->ended, t);
  t->engine = NULL;
  if (e->ended.first == NULL)
    silence(e);
}

/* }====================================================== */

/* {======================================================
** Taking exchanges out of libcurl
** ======================================================= */

/* one whose exchange failed may go on with it: libcurl keeps the intent to
** rewind a request over curl_easy_reset */
static void recycle (struct engine *e, struct transfer *t, int is_good) {
  struct spare *s = &e->spare[e->spares];
  transfer_forget(t->easy);
  if (!is_good || e->multi == NULL || e->spares == CORE_SPARE_HANDLES)
    transfer_cleanup(t);
  else {
    s->easy = t->easy;
    s->url = t->url;
    s->transport = t->transport;
    e->spares++;
  }
  t->easy = NULL;
  t->url = NULL;
}

/* takes the exchange, which ended well or not, out of libcurl and out of the
** list */
static void detach (struct engine *e, struct transfer *t, int is_good) {
  if (t->state == TRANSFER_RUNNING)
    curl_multi_remove_handle(e->multi, t->easy);
  delist(e, t);
  if (t->easy != NULL)
    recycle(e, t, is_good);
  core_leave_no_error();
}

/* OpenSSL that runs out of memory while it reads the CA file may leave a
** certificate in libcurl's store with which no handshake succeeds (seen in
** 3.0), and libcurl keeps that store for a day. */
static void note_handshake (struct engine *e, const struct transfer *t) {
  if (t->code == CURLE_SSL_CONNECT_ERROR ||
      t->code == CURLE_PEER_FAILED_VERIFICATION)
    e->doubt = 1;
  else if (t->tls > 0)
    e->doubt = 0;
}

static void complete (struct engine *e, struct transfer *t, CURLcode code) {
  transfer_finish(t, code);
  note_handshake(e, t);
  detach(e, t, code == CURLE_OK);
  t->state = TRANSFER_DONE;
  transfer_release(t);
  announce(e, t);
  e->completed++;
}

/* }====================================================== */

/* {======================================================
** Life and death
** ======================================================= */

static int begin (struct engine *e) {
  e->pid = getpid();
  e->timer = NEVER;
  e->max_connections = 0;
  e->multi = curl_multi_init();
  return e->multi != NULL && watch_open(e) &&
      curl_multi_setopt(e->multi, CURLMOPT_TIMERFUNCTION, on_timer) ==
          CURLM_OK &&
      curl_multi_setopt(e->multi, CURLMOPT_TIMERDATA, e) == CURLM_OK;
}

static void close_descriptor (int *fd) {
  if (*fd >= 0)
    close(*fd);
  *fd = -1;
}

/* ends all that is under way with `code`, and libcurl's side with it */
static void shut (struct engine *e, CURLcode code) {
  while (e->current.first != NULL)
    complete(e, e->current.first, code);
  while (e->spares > 0) {
    curl_easy_cleanup(e->spare[--e->spares].easy);
    curl_url_cleanup(e->spare[e->spares].url);
  }
  if (e->multi != NULL)
    curl_multi_cleanup(e->multi);
  core_leave_no_error();
  e->multi = NULL;
  close_descriptor(&e->outlet);
  close_descriptor(&e->bell);
  close_descriptor(&e->poller);
  free(e->sockets);
  e->sockets = NULL;
  e->socket_count = e->socket_capacity = 0;
}

/* false, and closed as before, where there is no memory or descriptor */
static int wake (struct engine *e) {
  if (e->multi != NULL || begin(e))
    return 1;
  shut(e, CURLE_OUT_OF_MEMORY);
  return 0;
}

/* In a fork's child: the connections are the parent's. Their sockets are
** closed without a word to the peer; libcurl's memory is let go of, since
** to free it would end the parent's TLS sessions. */
static void abandon (struct engine *e) {
  close_descriptor(&e->bell);   /* ringing it would be heard by the parent */
  while (e->current.first != NULL) {
    struct transfer *t = e->current.first;
    t->easy = NULL;
    t->url = NULL;
    t->fault = FAULT_LOST_IN_FORK;
    t->sent = 1;
    transfer_finish(t, CURLE_ABORTED_BY_CALLBACK);
    delist(e, t);
    t->state = TRANSFER_DONE;
    transfer_release(t);
    announce(e, t);
  }
  while (e->socket_count > 0)
    close(e->sockets[--e->socket_count]);
  e->spares = 0;
  e->multi = NULL;
  shut(e, CURLE_OK);
}

static int is_inherited (const struct engine *e) {
  return e->multi != NULL && e->pid != getpid();
}

/* ends t without a result, wherever it stands */
void engine_drop (struct transfer *t) {
  struct engine *e = t->engine;
  if (e != NULL && is_inherited(e))
    abandon(e);
  if (t->engine == NULL)
    return;
  if (t->state == TRANSFER_DONE)
    retract(e, t);
  else
    detach(e, t, 0);
}

/* ends t, with a result that says so */
void engine_cancel (struct transfer *t) {
  struct engine *e = t->engine;
  if (e == NULL || t->state == TRANSFER_DONE)
    return;
  if (is_inherited(e))
    abandon(e);
  else
    complete(e, t, CURLE_ABORTED_BY_CALLBACK);
}

/* }====================================================== */

/* {======================================================
** Steps
** ======================================================= */

static struct transfer *owner (CURL *easy) {
  char *t = NULL;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &t);
  return (struct transfer *)(void *)t;
}

static void collect (struct engine *e) {
  CURLMsg *message;
  int left;
  while ((message = curl_multi_info_read(e->multi, &left)) != NULL)
    if (message->msg == CURLMSG_DONE) {
      CURLcode code = message->data.result;
      complete(e, owner(message->easy_handle), code);
    }
}

/* when the multi itself fails, nothing in it can be trusted any more */
static void settle (struct engine *e, CURLMcode result) {
  if (result == CURLM_OK)
    collect(e);
  else
    shut(e, result == CURLM_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY :
                                            CURLE_RECV_ERROR);
  core_leave_no_error();
}

static void act (struct engine *e, curl_socket_t s, int mask) {
  int running;
  int64_t took, since = engine_now();
  settle(e, curl_multi_socket_action(e->multi, s, mask, &running));
  took = engine_now() - since;
  e->longest -= e->longest / 64;
  if (took > e->longest)
    e->longest = took;
}

static long remaining_ms (const struct transfer *t) {
  int64_t left = (t->deadline - engine_now()) / 1000;
  return left < 1 ? 1 : left > LONG_MAX ? LONG_MAX : (long)left;
}

/* When libcurl tries the other address family. libcurl 7.88 sets that timer
** for every new connection, and one action goes on with every handshake
** whose timer has run out: those of a burst must not run out together. */
static long family_ms (const struct transfer *t) {
  return t->to_address ? 3600000 : 200 + (long)(t->ticket % 32) * 8;
}

/* seconds that libcurl keeps a CA store */
static long store_seconds (const struct engine *e) {
  return e->doubt ? 1 : 24 * 3600;
}

static int set_times (const struct engine *e, struct transfer *t) {
  return curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, remaining_ms(t)) ==
          CURLE_OK &&
      curl_easy_setopt(t->easy, CURLOPT_HAPPY_EYEBALLS_TIMEOUT_MS,
                       family_ms(t)) == CURLE_OK &&
      curl_easy_setopt(t->easy, CURLOPT_CA_CACHE_TIMEOUT,
                       store_seconds(e)) == CURLE_OK;
}

/* hands the oldest queued exchange to libcurl */
static void start_next (struct engine *e) {
  struct transfer *t = e->next_queued;
  CURLMcode result;
  if (!set_times(e, t)) {
    complete(e, t, CURLE_OUT_OF_MEMORY);
    return;
  }
  result = curl_multi_add_handle(e->multi, t->easy);
  if (result != CURLM_OK) {
    complete(e, t, CURLE_OUT_OF_MEMORY);
    return;
  }
  unqueue(e, t);
  t->state = TRANSFER_RUNNING;
  act(e, CURL_SOCKET_TIMEOUT, 0);
}

/* what is not started by `limit` stays queued */
static void start_some (struct engine *e, int64_t limit) {
  int i = 0;
  do
    start_next(e);
  while (e->queued > 0 && ++i < MOST_STARTS && engine_now() < limit);
}

/* libcurl knows no deadline for an exchange that waits for a connection to
** become free, but its timer calls at that time all the same */
static void expire (struct engine *e) {
  int64_t now = engine_now() + 2000;    /* its clock counts milliseconds */
  struct transfer *t = e->current.first;
  while (t != NULL) {
    struct transfer *next = t->next;
    if (t->state == TRANSFER_RUNNING && t->deadline <= now)
      complete(e, t, CURLE_OPERATION_TIMEDOUT);
    t = next;
  }
}

/* microseconds to milliseconds, never early */
static int poll_ms (int64_t us) {
  if (us <= 0)
    return 0;
  us = (us + 999) / 1000;
  return us > 60000 ? 60000 : (int)us;
}

#if USE_EPOLL

static int mask (unsigned events) {
  return ((events & EPOLLIN) ? CURL_CSELECT_IN : 0) |
         ((events & EPOLLOUT) ? CURL_CSELECT_OUT : 0) |
         ((events & (EPOLLERR | EPOLLHUP)) ? CURL_CSELECT_ERR : 0);
}

/* waits for sockets and serves them; what is not served by `limit` stays
** ready. How many were ready, -1 if a signal came. */
static int serve (struct engine *e, int64_t wait, int64_t limit) {
  struct epoll_event events[MOST_SOCKETS];
  int i, n = epoll_wait(e->poller, events, MOST_SOCKETS, poll_ms(wait));
  if (n < 0 && errno != EINTR)  /* somebody closed it: it stays like this */
    shut(e, CURLE_UNRECOVERABLE_POLL);
  for (i = 0; i < n && e->multi != NULL; i++) {
    act(e, events[i].data.fd, mask(events[i].events));
    if (engine_now() >= limit)
      break;
  }
  return n >= 0 || errno == EINTR ? n : 0;
}

#else

/* libcurl does not tell a signal from the end of its wait */
static int serve (struct engine *e, int64_t wait, int64_t limit) {
  int running, ready = 0;
  (void)limit;
  curl_multi_poll(e->multi, NULL, 0, poll_ms(wait), &ready);
  settle(e, curl_multi_perform(e->multi, &running));
  expire(e);
  return ready > 0 ? ready : -1;
}

#endif

enum turn { TURN_START, TURN_TIMER, TURN_SOCKETS, TURNS };

static int64_t time_to_wait (const struct engine *e, int64_t until) {
  if (until > e->timer)
    until = e->timer;
  return e->queued > 0 ? 0 : until - engine_now();
}

/* One kind of work, the kinds in turn, so that none starves the others
** when a host gives us no time at all. Waits for sockets no longer than
** `until`. How much was done, -1 if a signal came. */
static int round_once (struct engine *e, int64_t until, int64_t limit) {
  unsigned turn;
  do {
    turn = e->turn;
    e->turn = (turn + 1) % TURNS;
  } while ((turn == TURN_START && e->queued == 0) ||
           (turn == TURN_TIMER && e->timer > engine_now()));
  if (turn == TURN_SOCKETS)
    return serve(e, time_to_wait(e, until), limit);
  if (turn == TURN_START)
    start_some(e, limit);
  else {
    e->timer = NEVER;           /* libcurl sets it anew */
    act(e, CURL_SOCKET_TIMEOUT, 0);
    expire(e);
  }
  return 1;
}

/* After the first action nothing is begun that might end after `limit`, as
** long as the actions were of late. */
static void run (struct engine *e, int64_t limit) {
  unsigned before = e->completed;
  while (e->live > 0 && round_once(e, limit, limit - e->longest) >= 0 &&
         e->completed == before && engine_now() < limit - e->longest)
    ;
}

/* does what is due, and does not wait for more; false if there was no time
** to look for more */
static int work (struct engine *e, int64_t limit) {
  int done = 1;
  while (e->live > 0 && (done > 0 || e->queued > 0)) {
    if (engine_now() >= limit)
      return 0;
    done = round_once(e, 0, limit);
  }
  return 1;
}

/* }====================================================== */

/* {======================================================
** The Lua side
** ======================================================= */

static struct engine *self (lua_State *L) {
  return luaL_checkudata(L, 1, ENGINE);
}

static struct engine *check (lua_State *L) {
  struct engine *e = self(L);
  if (is_inherited(e))
    abandon(e);
  return e;
}

/* gives a spare handle to t; false: there is none that fits */
static int take_spare (struct engine *e, struct transfer *t, int i) {
  if (i < 0)
    return 0;
  t->easy = e->spare[i].easy;
  t->url = e->spare[i].url;
  e->spare[i] = e->spare[--e->spares];
  return 1;
}

/* one that has the options of the transport already; -1: none is left */
static int find_configured (const struct engine *e, int64_t transport) {
  int i = e->spares - 1;
  while (i >= 0 && (transport == 0 || e->spare[i].transport != transport))
    i--;
  return i;
}

static CURLcode equip (lua_State *L, struct engine *e, struct transfer *t) {
  if (take_spare(e, t, find_configured(e, t->transport)))
    return CURLE_OK;
  if (take_spare(e, t, e->spares - 1))
    curl_easy_reset(t->easy);
  else if ((t->easy = curl_easy_init()) == NULL)
    return CURLE_OUT_OF_MEMORY;
  return transfer_configure(L, 3, t, e);
}

/* as many as one host may have, or each burst would connect anew */
static long kept (long most) {
  return most > CORE_IDLE_CONNECTIONS ? most : CORE_IDLE_CONNECTIONS;
}

static CURLcode limit_connections (lua_State *L, struct engine *e) {
  long most = (long)option_between(L, 3, "max_connections", 1,
                                   CORE_MAX_CONNECTIONS);
  if (most == e->max_connections)
    return CURLE_OK;
  if (curl_multi_setopt(e->multi, CURLMOPT_MAX_HOST_CONNECTIONS, most) !=
          CURLM_OK ||
      curl_multi_setopt(e->multi, CURLMOPT_MAXCONNECTS, kept(most)) !=
          CURLM_OK)
    return CURLE_OUT_OF_MEMORY;
  e->max_connections = most;
  return CURLE_OK;
}

static CURLcode prepare (lua_State *L, struct engine *e,
                         struct transfer *t) {
  CURLcode code;
  if (!wake(e))
    return CURLE_OUT_OF_MEMORY;
  code = equip(L, e, t);
  if (code == CURLE_OK)
    code = limit_connections(L, e);
  if (code == CURLE_OK)
    code = transfer_address(L, 2, 3, t);
  if (code == CURLE_OK)
    enlist(e, t);
  return code;
}

static int64_t integer_at (lua_State *L, int i, const char *name) {
  int64_t n;
  lua_pushstring(L, name);
  lua_rawget(L, i);
  n = (int64_t)lua_tonumber(L, -1);
  lua_pop(L, 1);
  return n;
}

/* pushes the table of the transport: options.transport, or options itself */
static void push_transport (lua_State *L) {
  lua_pushliteral(L, "transport");
  lua_rawget(L, 2);
  if (lua_istable(L, -1))
    return;
  lua_pop(L, 1);
  lua_pushvalue(L, 2);
}

/* engine:submit(options) -> transfer, ticket | nil, code, text
** options: url, method, timeout (seconds); and where they apply headers (an
** array of lines), token or basic (user:password), content_type, body,
** fresh; group, a number above 0, if next_ended is to tell of the end; and
** transport, or what it holds:
** user_agent, connect_timeout (seconds), max_response_bytes,
** max_connections; and where they apply ca_file or ca_pem, proxy, no_proxy,
** http2, plain_http; id, from new_transport, if the same table is going to
** be used again and does not change. */
static int l_submit (lua_State *L) {
  struct engine *e = check(L);
  struct transfer *t;
  CURLcode code;
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  push_transport(L);
  t = transfer_new(L);
  t->group = (int)integer_at(L, 2, "group");
  t->transport = integer_at(L, 3, "id");
  code = prepare(L, e, t);
  if (code == CURLE_OK) {
    lua_pushnumber(L, (lua_Number)t->ticket);
    return 2;
  }
  lua_pushnil(L);
  lua_pushinteger(L, (lua_Integer)code);
  lua_pushstring(L, curl_easy_strerror(code));
  return 3;
}

/* engine:step(seconds) -> exchanges still under way. Returns when one is
** done, when the time is up, or when a signal came, so that the host can
** see to it. */
static int l_step (lua_State *L) {
  struct engine *e = check(L);
  double seconds = (double)luaL_checknumber(L, 2);
  int64_t now = engine_now();
  if (!(seconds >= 0))
    seconds = 0;
  if (e->live > 0)
    run(e, seconds > 1e6 ? NEVER : now + (int64_t)(seconds * 1e6));
  lua_pushinteger(L, e->live);
  return 1;
}

/* engine:work(seconds) -> exchanges still under way, and whether all was
** done that can be done without waiting. Works for at most so long. */
static int l_work (lua_State *L) {
  struct engine *e = check(L);
  double seconds = (double)luaL_checknumber(L, 2);
  int all = seconds > 0 &&
      work(e, engine_now() + (int64_t)((seconds < 1e6 ? seconds : 1e6) * 1e6));
  lua_pushinteger(L, e->live);
  lua_pushboolean(L, all);
  return 2;
}

#if USE_EPOLL

static int add_to_outlet (struct engine *e, int fd) {
  struct epoll_event event;
  memset(&event, 0, sizeof(event));
  event.events = EPOLLIN;
  return epoll_ctl(e->outlet, EPOLL_CTL_ADD, fd, &event) == 0;
}

static int outlet_open (struct engine *e) {
  if (!wake(e))
    return 0;
  if (e->outlet >= 0)
    return 1;
  e->outlet = epoll_create1(EPOLL_CLOEXEC);
  e->bell = eventfd(e->ended.first != NULL, EFD_CLOEXEC | EFD_NONBLOCK);
  if (e->outlet >= 0 && e->bell >= 0 && add_to_outlet(e, e->poller) &&
      add_to_outlet(e, e->bell))
    return 1;
  close_descriptor(&e->outlet);
  close_descriptor(&e->bell);
  return 0;
}

#else
#define outlet_open(e) ((void)(e), 0)
#endif

/* engine:fd() -> descriptor that is readable when a step is due | nil */
static int l_fd (lua_State *L) {
  struct engine *e = check(L);
  if (outlet_open(e))
    lua_pushinteger(L, e->outlet);
  else
    lua_pushnil(L);
  return 1;
}

static int is_due (const struct engine *e) {
  return e->queued > 0 || e->ended.first != NULL;
}

/* engine:timeout() -> seconds until a step is due | nil if none is */
static int l_timeout (lua_State *L) {
  struct engine *e = check(L);
  if (is_due(e))
    lua_pushnumber(L, 0);
  else if (e->live == 0 || e->timer == NEVER)
    lua_pushnil(L);
  else {
    int64_t left = e->timer - engine_now();
    lua_pushnumber(L, left > 0 ? (lua_Number)left / 1e6 : 0);
  }
  return 1;
}

/* engine:new_group() -> a number for submit and next_ended that nobody else
** has, even if this library is loaded twice in one Lua state */
static int l_new_group (lua_State *L) {
  lua_pushinteger(L, ++self(L)->groups);
  return 1;
}

/* engine:new_transport() -> likewise a number, the id of a transport */
static int l_new_transport (lua_State *L) {
  lua_pushnumber(L, (lua_Number)++self(L)->transports);
  return 1;
}

/* engine:next_ended(group) -> ticket of an exchange of this group that has
** ended and was not told of yet | nil */
static int l_next_ended (lua_State *L) {
  struct engine *e = self(L);
  int group = (int)luaL_checkinteger(L, 2);
  struct transfer *t;
  if (e->ended.first == NULL)   /* mostly, and getpid() is a system call */
    return 0;
  t = check(L)->ended.first;
  while (t != NULL && t->group != group)
    t = t->next;
  if (t == NULL)
    return 0;
  retract(e, t);
  lua_pushnumber(L, (lua_Number)t->ticket);
  return 1;
}

/* engine:longest() -> seconds that the longest action of late took */
static int l_longest (lua_State *L) {
  lua_pushnumber(L, (lua_Number)self(L)->longest / 1e6);
  return 1;
}

/* engine:close(): ends what is under way, closes every connection */
static int l_close (lua_State *L) {
  shut(check(L), CURLE_ABORTED_BY_CALLBACK);
  return 0;
}

static int l_gc (lua_State *L) {
  struct engine *e = check(L);
  shut(e, CURLE_ABORTED_BY_CALLBACK);
  while (e->ended.first != NULL)
    retract(e, e->ended.first);
  return 0;
}

static int l_tostring (lua_State *L) {
  lua_pushfstring(L, "cloudcal.engine (%d under way)", self(L)->live);
  return 1;
}

static const char engine_key;   /* its address is the registry key */

/* engine() -> the engine of this Lua state */
static int l_engine (lua_State *L) {
  struct engine *e;
  lua_pushlightuserdata(L, (void *)&engine_key);
  lua_rawget(L, LUA_REGISTRYINDEX);
  if (!lua_isnil(L, -1))
    return 1;
  e = lua_newuserdata(L, sizeof(*e));
  memset(e, 0, sizeof(*e));
  e->poller = e->bell = e->outlet = -1;
  e->timer = NEVER;
  luaL_getmetatable(L, ENGINE);
  lua_setmetatable(L, -2);
  lua_pushlightuserdata(L, (void *)&engine_key);
  lua_pushvalue(L, -2);
  lua_rawset(L, LUA_REGISTRYINDEX);
  return 1;
}

static const char tasks_key;    /* likewise */

/* tasks() -> a weak table, one for this Lua state as the engine is, in which
** loops note their tasks by coroutine */
static int l_tasks (lua_State *L) {
  lua_pushlightuserdata(L, (void *)&tasks_key);
  lua_rawget(L, LUA_REGISTRYINDEX);
  if (!lua_isnil(L, -1))
    return 1;
  lua_newtable(L);
  lua_newtable(L);
  lua_pushliteral(L, "kv");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  lua_pushlightuserdata(L, (void *)&tasks_key);
  lua_pushvalue(L, -2);
  lua_rawset(L, LUA_REGISTRYINDEX);
  return 1;
}

/* now() -> monotonic seconds */
static int l_now (lua_State *L) {
  lua_pushnumber(L, (lua_Number)engine_now() / 1e6);
  return 1;
}

/* time() -> seconds since 1970, with fraction */
static int l_time (lua_State *L) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  lua_pushnumber(L, (lua_Number)t.tv_sec + (lua_Number)t.tv_nsec / 1e9);
  return 1;
}

/* sleep(seconds): shorter when a signal comes */
static int l_sleep (lua_State *L) {
  double seconds = (double)luaL_checknumber(L, 1);
  if (seconds > 0)
    poll(NULL, 0, seconds > 3600 ? 3600000 : (int)(seconds * 1000 + 0.999));
  return 0;
}

const luaL_Reg engine_functions[] = {
  { "engine", l_engine },
  { "tasks", l_tasks },
  { "now", l_now },
  { "time", l_time },
  { "sleep", l_sleep },
  { NULL, NULL }
};

static const luaL_Reg methods[] = {
  { "submit", l_submit },
  { "step", l_step },
  { "work", l_work },
  { "fd", l_fd },
  { "timeout", l_timeout },
  { "new_group", l_new_group },
  { "new_transport", l_new_transport },
  { "next_ended", l_next_ended },
  { "longest", l_longest },
  { "close", l_close },
  { NULL, NULL }
};

static const luaL_Reg metamethods[] = {
  { "__gc", l_gc },
  { "__tostring", l_tostring },
  { NULL, NULL }
};

void engine_open (lua_State *L) {
  luaL_newmetatable(L, ENGINE);
  core_setfuncs(L, metamethods);
  lua_newtable(L);
  core_setfuncs(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}

/* }====================================================== */
