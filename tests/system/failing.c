/* Preloaded into a worker, it makes one call fail: the one at which the count in a shared file
 * reaches what the test has written there. The count is of all workers, one after the other, so
 * that the successor of one that the failure ended goes on with calls that succeed.
 *
 *     LD_PRELOAD=failing.so TUVI_FAILING=FILE TUVI_FAILING_CALL=malloc|pwrite|fdatasync|open|unlink
 * tuvid …
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct shared {
    _Atomic uint64_t count;
    _Atomic uint64_t fail_at; /* 0: never */
    _Atomic uint64_t failed;
    int error;
};

static struct shared *shared;
static const char *call = "";

static bool is_worker(void)
{
    char line[64] = "";
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, line, sizeof line - 1) : 0;
    if (fd >= 0)
        close(fd);
    return len > 0 && strstr(line, "worker") != NULL;
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("TUVI_FAILING"), *name = getenv("TUVI_FAILING_CALL");
    if (path == NULL || name == NULL || !is_worker())
        return;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    void *memory = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (memory == MAP_FAILED)
        abort();
    call = name;
    shared = memory;
}

static bool fails(const char *name)
{
    if (shared == NULL || strcmp(name, call) != 0)
        return false;
    if (atomic_fetch_add(&shared->count, 1) + 1 != atomic_load(&shared->fail_at))
        return false;
    atomic_fetch_add(&shared->failed, 1);
    errno = shared->error;
    return true;
}

/* The C library's own, behind the names that we take from it. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

void *malloc(size_t size)
{
    return fails("malloc") ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails("malloc") ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return fails("malloc") ? NULL : __libc_realloc(old, size);
}

#define NEXT(type, name) ((type)(uintptr_t)dlsym(RTLD_NEXT, name))

ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t at)
{
    return fails("pwrite") ? -1
                           : NEXT(ssize_t(*)(int, const void *, size_t, off64_t),
                                  "pwrite64")(fd, bytes, len, at);
}

int fdatasync(int fd)
{
    return fails("fdatasync") ? -1 : NEXT(int (*)(int), "fdatasync")(fd);
}

int fsync(int fd)
{
    return fails("fdatasync") ? -1 : NEXT(int (*)(int), "fsync")(fd);
}

int unlinkat(int at, const char *path, int flags)
{
    return fails("unlink") ? -1
                           : NEXT(int (*)(int, const char *, int), "unlinkat")(at, path, flags);
}

int openat64(int at, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return fails("open")
               ? -1
               : NEXT(int (*)(int, const char *, int, mode_t), "openat64")(at, path, flags, mode);
}
