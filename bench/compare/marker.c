// Preloaded into a program under callgrind: has it begin and end a count where a marked query comes in, see
// instructions.py. Without callgrind the two macros do nothing.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>
#include <valgrind/callgrind.h>

// A Query message: type, length, text, zero.
static const char mark[] = "SELECT 1 -- counted by compare, ";
enum { header = 5, what = header + sizeof mark - 1, whole = what + sizeof "begins" };

// The length alone tells nearly every message from a mark, so that this adds a few instructions to each read.
static ssize_t noticed(const char* buffer, ssize_t size) {
  if (__builtin_expect(size != whole, 1)) return size;
  if (memcmp(buffer + header, mark, sizeof mark - 1) != 0) return size;
  if (buffer[what] == 'b') {
    CALLGRIND_ZERO_STATS;
  } else {
    CALLGRIND_DUMP_STATS;
  }
  return size;
}

static ssize_t (*next_read)(int, void*, size_t);

__attribute__((constructor)) static void find_next(void) {
  next_read = (ssize_t(*)(int, void*, size_t))dlsym(RTLD_NEXT, "read");
}

ssize_t recv(int fd, void* buffer, size_t size, int flags) {
  return noticed(buffer, recvfrom(fd, buffer, size, flags, NULL, NULL));
}

ssize_t read(int fd, void* buffer, size_t size) {
  if (next_read == NULL) find_next();
  return noticed(buffer, next_read(fd, buffer, size));
}
