/*
 * Preloaded into a process under test: writes down what it made durable, so that a power cut can be simulated by
 * putting its files back to that. One line each, appended to the file that FSYNC_LOG names:
 *   S <size> <path>         a file was fsynced when it had this size
 *   D <path>                a folder was fsynced
 *   R <path> TAB <path>     renamed
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int log_fd = -2;

static void say(const char *line, int length) {
  if (log_fd == -2) {
    const char *path = getenv("FSYNC_LOG");
    log_fd = path == NULL ? -1 : open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  }
  if (log_fd >= 0 && length > 0 && write(log_fd, line, length) != length) abort();
}

static int path_of(int fd, char *path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return 1;
}

static int synced(int fd, int (*sync)(int)) {
  struct stat before;
  int known = fstat(fd, &before) == 0;
  int result = sync(fd);
  char path[PATH_MAX], line[PATH_MAX + 64];
  if (result != 0 || !known || !path_of(fd, path)) return result;
  if (S_ISDIR(before.st_mode)) say(line, snprintf(line, sizeof line, "D %s\n", path));
  else if (S_ISREG(before.st_mode))
    say(line, snprintf(line, sizeof line, "S %lld %s\n", (long long)before.st_size, path));
  return result;
}

int fsync(int fd) {
  static int (*real)(int);
  if (real == NULL) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  return synced(fd, real);
}

int fdatasync(int fd) {
  static int (*real)(int);
  if (real == NULL) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  return synced(fd, real);
}

static int renamed(const char *from, const char *to, int result) {
  char line[2 * PATH_MAX + 8];
  if (result == 0) say(line, snprintf(line, sizeof line, "R %s\t%s\n", from, to));
  return result;
}

int rename(const char *from, const char *to) {
  static int (*real)(const char *, const char *);
  if (real == NULL) real = (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");
  return renamed(from, to, real(from, to));
}

int renameat(int from_at, const char *from, int to_at, const char *to) {
  static int (*real)(int, const char *, int, const char *);
  if (real == NULL) real = (int (*)(int, const char *, int, const char *))dlsym(RTLD_NEXT, "renameat");
  return renamed(from, to, real(from_at, from, to_at, to));
}

int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned int flags) {
  static int (*real)(int, const char *, int, const char *, unsigned int);
  if (real == NULL)
    real = (int (*)(int, const char *, int, const char *, unsigned int))dlsym(RTLD_NEXT, "renameat2");
  return renamed(from, to, real(from_at, from, to_at, to, flags));
}
