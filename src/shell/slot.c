#include "shell/slot.h"

#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

void slot_name_segment(uint64_t segment, char name[SLOT_NAME_MAX])
{
    snprintf(name, SLOT_NAME_MAX, "%016llx.segment", (unsigned long long)segment);
}

int slot_read(int slot_fd, struct disk_request *request)
{
    char name[SLOT_NAME_MAX];
    size_t got = 0;
    int error = 0;
    slot_name_segment(request->segment, name);
    int fd = openat(slot_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno;
    while (got < request->length && error == 0) {
        ssize_t len =
            pread(fd, request->into + got, request->length - got, (off_t)(request->offset + got));
        if (len == 0)
            break;
        if (len > 0)
            got += (size_t)len;
        else if (errno != EINTR)
            error = errno;
    }
    close(fd);
    request->length = got;
    return error;
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
