/*
** What everything is compared with: libcurl in C, without decoding. One call
** at a time by the easy interface, more by multi with epoll.
**
**   libcurl BASE_URL CA_FILE AT_ONCE WARM CALLS [2]      2: HTTP/2
**
** Prints "first" after the first answer, and "steady CALLS SECONDS CPU FAILED"
** about the calls that follow the warm ones.
*/

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>
#include <valgrind/callgrind.h>

#define PATH "/open-apis/calendar/v4/calendars/primary"

struct call {
  CURL *easy;
  char answer[2048];
  size_t length;
};

struct state {
  struct call *calls;
  struct curl_slist *headers;
  CURLM *multi;
  int poll;
  long timeout;                 /* milliseconds; -1: none */
  long at_once, begun, done, failed, total;
};

static void check (int ok, const char *what) {
  if (ok)
    return;
  fprintf(stderr, "libcurl: %s failed\n", what);
  exit(1);
}

static double seconds (clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t on_body (char *data, size_t size, size_t n, void *user) {
  struct call *call = user;
  n *= size;
  if (n >= sizeof(call->answer) - call->length)
    return 0;
  memcpy(call->answer + call->length, data, n);
  call->length += n;
  return n;
}

static void open_call (struct state *s, struct call *call, char **arg) {
  char url[512];
  call->easy = curl_easy_init();
  check(call->easy != NULL, "curl_easy_init");
  snprintf(url, sizeof(url), "%s" PATH, arg[1]);
  curl_easy_setopt(call->easy, CURLOPT_URL, url);
  curl_easy_setopt(call->easy, CURLOPT_CAINFO, arg[2]);
  /* with a directory beside it the store would be read for each connection */
  curl_easy_setopt(call->easy, CURLOPT_CAPATH, (char *)NULL);
  curl_easy_setopt(call->easy, CURLOPT_HTTP_VERSION,
                   arg[6] != NULL ? CURL_HTTP_VERSION_2TLS
                                  : CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(call->easy, CURLOPT_PIPEWAIT, arg[6] != NULL);
  curl_easy_setopt(call->easy, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(call->easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, s->headers);
  curl_easy_setopt(call->easy, CURLOPT_USERAGENT, "bench");
  curl_easy_setopt(call->easy, CURLOPT_POST, 1L);
  curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE, 0L);
  curl_easy_setopt(call->easy, CURLOPT_TIMEOUT_MS, 30000L);
  curl_easy_setopt(call->easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(call->easy, CURLOPT_WRITEDATA, call);
  curl_easy_setopt(call->easy, CURLOPT_PRIVATE, call);
}

static void end_call (struct state *s, struct call *call, CURLcode code) {
  call->answer[call->length] = '\0';
  if (code != CURLE_OK || strstr(call->answer, "\"calendar_id\"") == NULL)
    s->failed++;
  call->length = 0;
  if (++s->done == 1) {
    puts("first");
    fflush(stdout);
  }
}

/* {======================================================
** One at a time
** ======================================================= */

static void run_easy (struct state *s, long total) {
  while (s->done < total)
    end_call(s, s->calls, curl_easy_perform(s->calls->easy));
}

/* }====================================================== */

/* {======================================================
** Many at once
** ======================================================= */

static int on_socket (CURL *easy, curl_socket_t fd, int what, void *user,
                      void *known) {
  struct state *s = user;
  struct epoll_event event = { .data.fd = fd };
  (void)easy;
  if (what == CURL_POLL_REMOVE)
    return epoll_ctl(s->poll, EPOLL_CTL_DEL, fd, &event), 0;
  event.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) |
                 (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
  epoll_ctl(s->poll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
  curl_multi_assign(s->multi, fd, s);
  return 0;
}

static int on_timer (CURLM *multi, long timeout, void *user) {
  (void)multi;
  ((struct state *)user)->timeout = timeout;
  return 0;
}

static void begin_call (struct state *s, struct call *call) {
  s->begun++;
  check(curl_multi_add_handle(s->multi, call->easy) == CURLM_OK, "adding");
}

static void end_calls (struct state *s) {
  CURLMsg *message;
  int left;
  while ((message = curl_multi_info_read(s->multi, &left)) != NULL) {
    CURL *easy = message->easy_handle;
    CURLcode code = message->data.result;
    struct call *call;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &call);
    curl_multi_remove_handle(s->multi, easy);
    end_call(s, call, code);
    if (s->begun < s->total)
      begin_call(s, call);
  }
}

static void turn (struct state *s) {
  struct epoll_event events[64];
  int i, running, n = epoll_wait(s->poll, events, 64, (int)s->timeout);
  for (i = 0; i < n; i++) {
    int bits = (events[i].events & ~EPOLLOUT ? CURL_CSELECT_IN : 0) |
               (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0);
    curl_multi_socket_action(s->multi, events[i].data.fd, bits, &running);
  }
  if (n == 0) {
    s->timeout = -1;
    curl_multi_socket_action(s->multi, CURL_SOCKET_TIMEOUT, 0, &running);
  }
  end_calls(s);
}

static void run_multi (struct state *s, long total) {
  long i;
  s->total = total;
  for (i = 0; i < s->at_once && s->begun < total; i++)
    begin_call(s, s->calls + i);
  while (s->done < total)
    turn(s);
}

/* }====================================================== */

int main (int argc, char **arg) {
  struct state s = { .timeout = -1 };
  long i, warm, calls;
  double wall, cpu;
  if (argc < 6)
    return 2;
  s.at_once = atol(arg[3]);
  warm = atol(arg[4]);
  calls = atol(arg[5]);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  s.headers = curl_slist_append(NULL, "Authorization: Bearer t-bench");
  s.calls = calloc((size_t)s.at_once, sizeof(*s.calls));
  check(s.calls != NULL && s.headers != NULL, "memory");
  for (i = 0; i < s.at_once; i++)
    open_call(&s, s.calls + i, arg);
  if (s.at_once > 1) {
    s.poll = epoll_create1(EPOLL_CLOEXEC);
    s.multi = curl_multi_init();
    curl_multi_setopt(s.multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(s.multi, CURLMOPT_SOCKETDATA, &s);
    curl_multi_setopt(s.multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(s.multi, CURLMOPT_TIMERDATA, &s);
  }
  (s.multi ? run_multi : run_easy)(&s, warm);
  wall = seconds(CLOCK_MONOTONIC);
  cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
  CALLGRIND_START_INSTRUMENTATION;
  (s.multi ? run_multi : run_easy)(&s, warm + calls);
  CALLGRIND_STOP_INSTRUMENTATION;
  printf("steady %ld %.6f %.6f %ld\n", calls, seconds(CLOCK_MONOTONIC) - wall,
         seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu, s.failed);
  for (i = 0; i < s.at_once; i++)
    curl_easy_cleanup(s.calls[i].easy);
  curl_multi_cleanup(s.multi);
  curl_slist_free_all(s.headers);
  curl_global_cleanup();
  free(s.calls);
  return s.failed != 0;
}
