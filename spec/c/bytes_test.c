/*
** src/bytes.c alone: ceilings, growth, wiping, and what happens when memory
** runs out. Prints one line for each wrong thing, and "fine" at the end.
*/
#include "../../src/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

static int wrong;
static int fail_malloc;
static size_t asked;            /* size of the last allocation */
static size_t freed_dirty;      /* blocks that went back with data in them */

static void *test_malloc (size_t n) {
  size_t *block;
  asked = n;
  if (fail_malloc)
    return NULL;
  block = calloc(1, n + 2 * sizeof(size_t));
  block[0] = n;
  return block + 2;
}

static void test_free (void *data) {
  size_t i;
  const char *s = data;
  size_t *block = data;
  if (data == NULL)
    return;
  for (i = 0; i < block[-2]; i++)
    if (s[i] != 0) {
      freed_dirty++;
      break;
    }
  free(block - 2);
}

#define malloc test_malloc
#define free test_free
#include "../../src/bytes.c"
#undef malloc
#undef free

#define CHECK(condition) do { \
    if (!(condition)) { \
      printf("line %d: %s\n", __LINE__, #condition); \
      wrong++; \
    } \
  } while (0)

static void test_ceiling (void) {
  struct bytes b;
  bytes_init(&b, 10);
  CHECK(bytes_append(&b, "12345", 5) == BYTES_OK);
  CHECK(bytes_append(&b, "123456", 6) == BYTES_FULL);
  CHECK(b.length == 5 && memcmp(b.data, "12345", 5) == 0);
  CHECK(bytes_append(&b, "67890", 5) == BYTES_OK);
  CHECK(bytes_append(&b, "", 0) == BYTES_OK);
  CHECK(bytes_append(&b, "x", 1) == BYTES_FULL);
  CHECK(bytes_append(&b, "x", (size_t)-1) == BYTES_FULL);
  CHECK(memcmp(b.data, "1234567890", 10) == 0);
  bytes_free(&b);
  CHECK(b.data == NULL && b.length == 0 && b.capacity == 0);
  CHECK(b.ceiling == 10);
  CHECK(bytes_append(&b, "again", 5) == BYTES_OK);
  bytes_free(&b);
  bytes_init(&b, 0);
  CHECK(bytes_append(&b, "", 0) == BYTES_OK);
  CHECK(bytes_append(&b, "x", 1) == BYTES_FULL);
  bytes_free(&b);
}

/* it never takes more memory than its ceiling */
static void test_capacity (void) {
  char piece[1000];
  struct bytes b;
  size_t most = 0;
  memset(piece, 'p', sizeof(piece));
  bytes_init(&b, 70000);
  while (bytes_append(&b, piece, sizeof(piece)) == BYTES_OK)
    if (b.capacity > most)
      most = b.capacity;
  CHECK(b.length == 70000);
  CHECK(most <= 70000);
  bytes_free(&b);
  bytes_init(&b, (size_t)-1);   /* doubling ends before it turns over */
  fail_malloc = 1;
  CHECK(bytes_append(&b, piece, ((size_t)-1) / 2 + 2) == BYTES_NO_MEMORY);
  CHECK(asked >= ((size_t)-1) / 2 + 2);
  fail_malloc = 0;
}

static void test_growth (void) {
  struct bytes b;
  size_t i;
  int good = 1;
  bytes_init(&b, 1 << 20);
  for (i = 0; i < 1 << 18; i++) {
    char c = (char)(i % 251);
    if (bytes_append(&b, &c, 1) != BYTES_OK)
      good = 0;
  }
  for (i = 0; i < b.length; i++)
    if (b.data[i] != (char)(i % 251))
      good = 0;
  CHECK(good && b.length == 1 << 18);
  bytes_clear(&b);
  CHECK(b.length == 0 && b.data != NULL && b.data[0] == 0);
  CHECK(b.data[1000] == 0 && b.data[(1 << 18) - 1] == 0);
  CHECK(bytes_append(&b, "anew", 4) == BYTES_OK);
  CHECK(b.length == 4 && memcmp(b.data, "anew", 4) == 0);
  bytes_free(&b);
  bytes_free(&b);
  CHECK(freed_dirty == 0);      /* growth and end leave no copy behind */
}

static void test_no_memory (void) {
  struct bytes b;
  char piece[2000];
  memset(piece, 'q', sizeof(piece));
  bytes_init(&b, 1 << 20);
  fail_malloc = 1;
  CHECK(bytes_append(&b, "x", 1) == BYTES_NO_MEMORY);
  CHECK(b.data == NULL && b.length == 0);
  fail_malloc = 0;
  CHECK(bytes_append(&b, "kept", 4) == BYTES_OK);
  fail_malloc = 1;
  CHECK(bytes_append(&b, piece, sizeof(piece)) == BYTES_NO_MEMORY);
  CHECK(b.length == 4 && memcmp(b.data, "kept", 4) == 0);
  fail_malloc = 0;
  CHECK(bytes_append(&b, piece, sizeof(piece)) == BYTES_OK);
  bytes_free(&b);
  CHECK(freed_dirty == 0);
}

int main (void) {
  test_ceiling();
  test_capacity();
  test_growth();
  test_no_memory();
  if (wrong == 0)
    puts("fine");
  return wrong != 0;
}
