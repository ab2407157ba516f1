/* Lets the n-th write or sync of a process to files under a folder fail, and every one after it
 * if asked: preloaded before the C library.
 *
 *   IO_FAULT=write|sync   which call fails      IO_FAULT_AT=n        the n-th, from 1
 *   IO_FAULT_ERRNO=5      with which error      IO_FAULT_STICKY=1    and all that follow
 *   IO_FAULT_UNDER=/path  files it counts       IO_FAULT_COUNT=/f    syncs after the first fault
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static long calls;

static int is_ours(int fd) {
    const char *under = getenv("IO_FAULT_UNDER");
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    struct stat about;
    /* SQLite ignores a failed sync of a folder; the journal syncs folders itself. */
    if (under == NULL || length < 0 || fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) return 0;
    path[length] = 0;
    return strncmp(path, under, strlen(under)) == 0;
}

static int fails(const char *call, int fd) {
    const char *wanted = getenv("IO_FAULT"), *at = getenv("IO_FAULT_AT");
    if (wanted == NULL || at == NULL || strcmp(wanted, call) != 0 || !is_ours(fd)) return 0;
    calls++;
    int now = calls == atol(at) || (getenv("IO_FAULT_STICKY") != NULL && calls > atol(at));
    if (calls >= atol(at)) {
        const char *count = getenv("IO_FAULT_COUNT");
        FILE *file = count == NULL ? NULL : fopen(count, "w");
        if (file != NULL) {
            fprintf(file, "%ld", calls - atol(at) + 1);
            fclose(file);
        }
    }
    if (now) errno = atoi(getenv("IO_FAULT_ERRNO"));
    return now;
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (real == NULL) real = dlsym(RTLD_NEXT, "pwrite64");
    return fails("write", fd) ? -1 : real(fd, data, size, offset);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
    return pwrite64(fd, data, size, offset);
}

int fsync(int fd) {
    static int (*real)(int);
    if (real == NULL) real = dlsym(RTLD_NEXT, "fsync");
    return fails("sync", fd) ? -1 : real(fd);
}

int fdatasync(int fd) {
    static int (*real)(int);
    if (real == NULL) real = dlsym(RTLD_NEXT, "fdatasync");
    return fails("sync", fd) ? -1 : real(fd);
}
