#include "shell/slot.h"

#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SEGMENTS_MAX = 1 << 20 };

struct err slot_lock(int slot_fd)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = openat(slot_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_errno(errno, "the lock of the slot cannot be opened");
    if (fcntl(fd, F_OFD_SETLK, &whole) != 0) {
        int error = errno;
        close(fd);
        return err_errno(error, "another worker uses this slot");
    }
    return err_none(); /* the descriptor stays open: it is the lock */
}

/* The blocks are there before anybody writes to the mapping, because a full disk would end the
 * process then. */
static bool fill_up(int fd, size_t size)
{
    char *bytes = memory_new(size);
    ssize_t got = pread(fd, bytes, size, 0);
    bool good = got >= 0 && pwrite(fd, bytes, size, 0) == (ssize_t)size;
    memory_free(bytes);
    return good;
}

void *slot_keep(int slot_fd, const char *name, size_t size)
{
    int fd = openat(slot_fd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    void *memory = MAP_FAILED;
    if (fd >= 0 && fill_up(fd, size))
        memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0)
        close(fd);
    return memory != MAP_FAILED ? memory : NULL;
}

void slot_name_segment(uint64_t segment, char name[SLOT_NAME_MAX])
{
    snprintf(name, SLOT_NAME_MAX, "%016llx.segment", (unsigned long long)segment);
}

/* Until the end of the file, or an error: an errno value, or 0. */
static int read_whole(int fd, char *into, size_t length, uint64_t offset, size_t *got)
{
    *got = 0;
    while (*got < length) {
        ssize_t len = pread(fd, into + *got, length - *got, (off_t)(offset + *got));
        if (len < 0 && errno != EINTR)
            return errno;
        if (len == 0)
            break;
        if (len > 0)
            *got += (size_t)len;
    }
    return 0;
}

static int read_cached(int slot_fd, const char *name, struct disk_request *request)
{
    int fd = openat(slot_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno;
    int error = read_whole(fd, request->into, request->length, request->offset, &request->length);
    close(fd);
    return error;
}

/* Whole blocks, by way of memory that begins where a block may. EINVAL where the file system or
 * the medium does not know how. */
static int read_past_cache(int slot_fd, const char *name, struct disk_request *request)
{
    enum { BLOCK = 4096 };
    uint64_t start = request->offset / BLOCK * BLOCK;
    size_t skip = (size_t)(request->offset - start), got = 0;
    size_t length = (skip + request->length + BLOCK - 1) / BLOCK * BLOCK;
    int fd = openat(slot_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_DIRECT);
    if (fd < 0)
        return errno;
    char *blocks = aligned_alloc(BLOCK, length);
    int error = blocks != NULL ? read_whole(fd, blocks, length, start, &got) : ENOMEM;
    close(fd);
    if (error == 0) {
        struct slice wanted =
            slice_first(slice_skip(slice_make(blocks, got), skip), request->length);
        memcpy(request->into, wanted.at, wanted.len);
        request->length = wanted.len;
    }
    free(blocks);
    return error;
}

int slot_read(int slot_fd, struct disk_request *request)
{
    char name[SLOT_NAME_MAX];
    int error = EINVAL;
    slot_name_segment(request->segment, name);
    if (request->past_cache)
        error = read_past_cache(slot_fd, name, request);
    return error == EINVAL ? read_cached(slot_fd, name, request) : error;
}

static bool number_of(const char *name, uint64_t *out)
{
    unsigned long long number;
    int len = 0;
    if (strlen(name) != 16 + strlen(".segment"))
        return false;
    if (sscanf(name, "%16llx.segment%n", &number, &len) != 1 || name[len] != '\0')
        return false;
    *out = number;
    return true;
}

static int compare(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

struct err slot_segments(int slot_fd, uint64_t **segments, size_t *count)
{
    int fd = openat(slot_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    uint64_t *numbers = NULL;
    size_t used = 0, room = 0;
    const struct dirent *entry;
    if (folder == NULL)
        return err_errno(errno, "the folder of the slot cannot be read");
    while ((entry = readdir(folder)) != NULL && used < SEGMENTS_MAX) {
        uint64_t number;
        if (!number_of(entry->d_name, &number))
            continue;
        if (used == room) {
            room = room > 0 ? 2 * room : 16;
            numbers = memory_grow(numbers, room * sizeof *numbers);
        }
        numbers[used++] = number;
    }
    closedir(folder);
    if (used > 0)
        qsort(numbers, used, sizeof *numbers, compare);
    *segments = numbers;
    *count = used;
    return err_none();
}
