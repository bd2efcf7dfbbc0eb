/*
** A growing buffer. It may hold a token or an app secret, so memory is
** wiped before it goes back, and growth never leaves a copy behind.
*/
#include "core.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

void bytes_init (struct bytes *b, size_t ceiling) {
  memset(b, 0, sizeof(*b));
  b->ceiling = ceiling;
}

void bytes_clear (struct bytes *b) {
  if (b->length > 0)
    OPENSSL_cleanse(b->data, b->length);
  b->length = 0;
}

void bytes_free (struct bytes *b) {
  bytes_clear(b);
  free(b->data);
  bytes_init(b, b->ceiling);
}

/* doubled until `needed` fits, but never more than the ceiling */
static size_t next_capacity (const struct bytes *b, size_t needed) {
  size_t capacity = b->capacity > 0 ? b->capacity : 1024;
  while (capacity < needed && capacity <= b->ceiling / 2)
    capacity *= 2;
  return capacity < needed || capacity > b->ceiling ? b->ceiling : capacity;
}

static enum bytes_result grow (struct bytes *b, size_t needed) {
  size_t capacity = next_capacity(b, needed);
  char *data = malloc(capacity);
  if (data == NULL)
    return BYTES_NO_MEMORY;
  if (b->length > 0) {
    memcpy(data, b->data, b->length);
    OPENSSL_cleanse(b->data, b->length);
  }
  free(b->data);
  b->data = data;
  b->capacity = capacity;
  return BYTES_OK;
}

enum bytes_result bytes_append (struct bytes *b, const void *data, size_t n) {
  if (n > b->ceiling - b->length)
    return BYTES_FULL;
  if (n == 0)
    return BYTES_OK;
  if (b->capacity - b->length < n && grow(b, b->length + n) != BYTES_OK)
    return BYTES_NO_MEMORY;
  memcpy(b->data + b->length, data, n);
  b->length += n;
  return BYTES_OK;
}
