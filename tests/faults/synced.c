/* Loaded into a program by LD_PRELOAD: after each fsync or fdatasync of a file below RONDBLIK_WATCHED it copies the
 * file, as the disk has it then for certain, to the same path below RONDBLIK_SYNCED. What was written since the last
 * sync of a file is not in its copy, as after a power cut with a disk that had kept all of it in its cache.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;

static void copy(int descriptor) {
    const char *from = getenv("RONDBLIK_WATCHED"), *to = getenv("RONDBLIK_SYNCED");
    char link[64], path[PATH_MAX], copied[PATH_MAX], part[PATH_MAX + 8], bytes[65536];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (!from || !to || length < 0) return;
    path[length] = 0;
    size_t above = strlen(from);
    if (strncmp(path, from, above) || path[above] != '/') return;
    snprintf(copied, sizeof copied, "%s%s", to, path + above);
    snprintf(part, sizeof part, "%s.part", copied);
    pthread_mutex_lock(&one);
    int in = open(path, O_RDONLY), out = open(part, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ssize_t count = -1;
    while (in >= 0 && out >= 0 && (count = read(in, bytes, sizeof bytes)) > 0)
        if (write(out, bytes, count) != count) abort();
    if (in >= 0) close(in);
    if (out >= 0) close(out);
    if (count == 0) rename(part, copied);
    pthread_mutex_unlock(&one);
}

static int synced(const char *name, int descriptor) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    int outcome = real(descriptor), error = errno;
    if (outcome == 0) copy(descriptor);
    errno = error;
    return outcome;
}

int fsync(int descriptor) { return synced("fsync", descriptor); }
int fdatasync(int descriptor) { return synced("fdatasync", descriptor); }
