/* Loaded into a program by LD_PRELOAD: makes the Nth of its calls of one kind fail, as a disk or a limit of open files
 * would. The file RONDBLIK_FAILING, which whoever tests maps into memory too, says which (`struct orders`).
 *
 * Of writes, syncs, truncations and renames only those of regular files below RONDBLIK_WATCHED count; of opens all.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum kind { NONE, WRITE, SYNC, OPEN, TRUNCATE, RENAME };

struct orders {
    atomic_int kind;     /* of the calls that are counted; 0: none */
    atomic_int error;    /* errno of the calls that fail */
    atomic_int left;     /* until the first that fails: 1 is the next */
    atomic_int many;     /* how many fail, from that one on */
    atomic_int seen;     /* how many calls of the kind there were */
    atomic_int failed;   /* how many of them failed */
    char only[104];      /* where it is not empty: only calls of paths that end with it */
};

static struct orders *orders;

__attribute__((constructor)) static void start(void) {
    const char *path = getenv("RONDBLIK_FAILING");
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    int file = path ? real(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *mapped = mmap(NULL, sizeof(struct orders), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped != MAP_FAILED) orders = mapped;
    close(file);
}

static int watched(const char *path) {
    const char *above = getenv("RONDBLIK_WATCHED");
    size_t length = above ? strlen(above) : 0;
    return above && !strncmp(path, above, length) && path[length] == '/';
}

static int named(const char *path) {
    size_t length = strlen(path), end = strlen(orders->only);
    return end <= length && !strcmp(path + length - end, orders->only);
}

/* Whether this call is to fail; errno is set then. `path` may be NULL: that of the descriptor. */
static int fails(enum kind kind, int descriptor, const char *path) {
    char link[64], found[PATH_MAX];
    if (!orders || atomic_load(&orders->kind) != (int)kind) return 0;
    if (!path) {
        struct stat about;
        if (fstat(descriptor, &about) || !S_ISREG(about.st_mode)) return 0;
        snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
        ssize_t length = readlink(link, found, sizeof found - 1);
        if (length < 0) return 0;
        found[length] = 0;
        path = found;
    }
    if ((kind != OPEN && !watched(path)) || !named(path)) return 0;
    atomic_fetch_add(&orders->seen, 1);
    int left = atomic_fetch_sub(&orders->left, 1);
    if (left > 1 || left + atomic_load(&orders->many) <= 1) return 0;
    atomic_fetch_add(&orders->failed, 1);
    errno = atomic_load(&orders->error);
    return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int file, const void *data, size_t size) {
    return fails(WRITE, file, NULL) ? -1 : REAL(write)(file, data, size);
}
ssize_t pwrite(int file, const void *data, size_t size, off_t at) {
    return fails(WRITE, file, NULL) ? -1 : REAL(pwrite)(file, data, size, at);
}
ssize_t pwrite64(int file, const void *data, size_t size, off64_t at) {
    return fails(WRITE, file, NULL) ? -1 : REAL(pwrite64)(file, data, size, at);
}
int fsync(int file) { return fails(SYNC, file, NULL) ? -1 : REAL(fsync)(file); }
int fdatasync(int file) { return fails(SYNC, file, NULL) ? -1 : REAL(fdatasync)(file); }
int ftruncate(int file, off_t size) { return fails(TRUNCATE, file, NULL) ? -1 : REAL(ftruncate)(file, size); }
int ftruncate64(int file, off64_t size) { return fails(TRUNCATE, file, NULL) ? -1 : REAL(ftruncate64)(file, size); }
int rename(const char *from, const char *to) { return fails(RENAME, -1, to) ? -1 : REAL(rename)(from, to); }

#define OPENING(name)                                                                   \
    int name(const char *path, int flags, ...) {                                        \
        va_list more;                                                                   \
        va_start(more, flags);                                                          \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;         \
        va_end(more);                                                                   \
        return fails(OPEN, -1, path) ? -1 : REAL(name)(path, flags, mode);              \
    }
OPENING(open)
OPENING(open64)

#define OPENING_AT(name)                                                                \
    int name(int folder, const char *path, int flags, ...) {                            \
        va_list more;                                                                   \
        va_start(more, flags);                                                          \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;         \
        va_end(more);                                                                   \
        return fails(OPEN, -1, path) ? -1 : REAL(name)(folder, path, flags, mode);      \
    }
OPENING_AT(openat)
OPENING_AT(openat64)
