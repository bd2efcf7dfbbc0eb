/*
** Starts a program on one CPU, passes its output on, and adds what only its
** parent sees:
**
**   launch CPU PROGRAM [ARGUMENT…]                       CPU -1: on any
**
** "launch FIRST RSS": milliseconds from before the start to the first line of
** output, and the peak of its memory in KiB. A small parent, because a child's
** peak begins with that of its parent.
*/

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now (void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void become (char **command, int cpu, int out) {
  if (cpu >= 0) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof(set), &set);
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  dup2(out, STDOUT_FILENO);
  execvp(command[0], command);
  perror(command[0]);
  _exit(127);
}

int main (int argc, char **arg) {
  int ends[2], status;
  char text[4096];
  ssize_t n;
  pid_t pid;
  double began, first = 0;
  struct rusage usage;
  if (argc < 3 || pipe(ends) != 0)
    return 2;
  began = now();
  pid = fork();
  if (pid == 0) {
    close(ends[0]);
    become(arg + 2, atoi(arg[1]), ends[1]);
  }
  close(ends[1]);
  while (pid > 0 && (n = read(ends[0], text, sizeof(text))) > 0) {
    if (first == 0)
      first = now() - began;
    fwrite(text, 1, (size_t)n, stdout);
  }
  if (pid < 0 || wait4(pid, &status, 0, &usage) != pid)
    return 2;
  printf("launch %.3f %ld\n", first, usage.ru_maxrss);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
