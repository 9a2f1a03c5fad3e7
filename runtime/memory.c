/* memcpy, memmove and memset for code that has no C library. */
#include <stddef.h>

void* memcpy(void* restrict to, const void* restrict from, size_t size) {
  char* out = to;
  const char* in = from;
  while (size-- > 0) *out++ = *in++;
  return to;
}

void* memmove(void* to, const void* from, size_t size) {
  char* out = to;
  const char* in = from;
  if (out <= in) {
    for (size_t i = 0; i < size; ++i) out[i] = in[i];
    return to;
  }
  while (size-- > 0) out[size] = in[size];
  return to;
}

void* memset(void* to, int value, size_t size) {
  char* out = to;
  while (size-- > 0) *out++ = (char)value;
  return to;
}
