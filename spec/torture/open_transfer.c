/*
** transfer.c with a door to the function that reads an answer's head.
*/
#include "../../src/transfer.c"

size_t fuzz_on_head (char *s, size_t n, struct transfer *t);

size_t fuzz_on_head (char *s, size_t n, struct transfer *t) {
  return on_head(s, 1, n, t);
}
