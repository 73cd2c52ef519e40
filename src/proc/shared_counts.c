#include "proc/shared_counts.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

static struct err map_rows(int fd, size_t row_count, struct client_row **out)
{
    void *memory = mmap(NULL, row_count * sizeof(struct client_row), PROT_READ | PROT_WRITE,
                        MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        return err_errno(errno, "the memory in which clients are counted cannot be mapped");
    *out = memory;
    return err_none();
}

static struct err make_file(size_t row_count, int *out)
{
    int fd = memfd_create("client-counts", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return err_errno(errno, "no memory file can be made");
    if (ftruncate(fd, (off_t)(row_count * sizeof(struct client_row))) != 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0) {
        struct err err = err_errno(errno, "the memory in which clients are counted cannot be made");
        close(fd);
        return err;
    }
    *out = fd;
    return err_none();
}

struct err shared_counts_make(size_t row_count, struct shared_counts *out)
{
    struct shared_counts counts = {.row_count = row_count};
    if (getrandom(&counts.key, sizeof counts.key, 0) != (ssize_t)sizeof counts.key)
        return err_errno(errno, "no random numbers");
    TRY(make_file(row_count, &counts.fd));
    struct err err = map_rows(counts.fd, row_count, &counts.rows);
    if (err_is(&err))
        close(counts.fd);
    else
        *out = counts;
    return err;
}

struct err shared_counts_map(int fd, size_t row_count, struct client_row **out)
{
    struct err err = map_rows(fd, row_count, out);
    close(fd);
    return err;
}
