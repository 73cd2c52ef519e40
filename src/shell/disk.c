/* The disk of a slot: world_disk() over the thread pool. Every request opens its file anew, so that
 * an error of the medium is told to the request that it belongs to and never kept for a later one.
 */
#include "base/check.h"
#include "base/memory.h"
#include "shell/slot.h"
#include "shell/world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ZERO_BLOCK = 64 << 10 };

struct job {
    struct world_work work;
    struct disk_request *request;
    int slot_fd;
    int error;
};

static int open_segment(const struct job *job, int flags)
{
    char name[SLOT_NAME_MAX];
    slot_name_segment(job->request->segment, name);
    return openat(job->slot_fd, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* 0 or an errno value. */
static int write_all(int fd, struct slice bytes, uint64_t offset)
{
    while (bytes.len > 0) {
        ssize_t written = pwrite(fd, bytes.at, bytes.len, (off_t)offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return written < 0 ? errno : EIO;
        bytes = slice_skip(bytes, (size_t)written);
        offset += (uint64_t)written;
    }
    return 0;
}

static int sync_folder(const struct job *job)
{
    return fsync(job->slot_fd) == 0 ? 0 : errno;
}

/* ---- one function per operation ---- */

/* The head goes in last: a file whose head is zero was never used. */
static int fill(int fd, const struct disk_request *request)
{
    char *zeros = memory_new(ZERO_BLOCK);
    int error = 0;
    for (uint64_t offset = 0; offset < request->size && error == 0; offset += ZERO_BLOCK) {
        uint64_t left = request->size - offset;
        error =
            write_all(fd, slice_make(zeros, left < ZERO_BLOCK ? (size_t)left : ZERO_BLOCK), offset);
    }
    memory_free(zeros);
    if (error == 0)
        error = write_all(fd, request->data, 0);
    if (error == 0 && fsync(fd) != 0)
        error = errno;
    return error;
}

static int create(const struct job *job)
{
    char name[SLOT_NAME_MAX];
    int fd = open_segment(job, O_WRONLY | O_CREAT | (job->request->over ? 0 : O_EXCL));
    if (fd < 0)
        return errno;
    int error = fill(fd, job->request);
    close(fd);
    if (error == 0)
        error = sync_folder(job);
    if (error == 0)
        return 0;
    slot_name_segment(job->request->segment, name);
    (void)unlinkat(job->slot_fd, name, 0); /* half a file helps nobody, and holds space */
    return error;
}

static int write_batch(const struct job *job)
{
    int fd = open_segment(job, O_WRONLY);
    if (fd < 0)
        return errno;
    int error = write_all(fd, job->request->data, job->request->offset);
    if (error == 0 && fdatasync(fd) != 0)
        error = errno;
    close(fd);
    return error;
}

static int read_piece(const struct job *job)
{
    return slot_read(job->slot_fd, job->request);
}

static int remove_segment(const struct job *job)
{
    char name[SLOT_NAME_MAX];
    slot_name_segment(job->request->segment, name);
    return unlinkat(job->slot_fd, name, 0) == 0 ? sync_folder(job) : errno;
}

static int set_aside(const struct job *job)
{
    char name[SLOT_NAME_MAX], aside[SLOT_NAME_MAX + 32];
    slot_name_segment(job->request->segment, name);
    snprintf(aside, sizeof aside, "%s.set-aside-%lld", name, (long long)time(NULL));
    if (renameat(job->slot_fd, name, job->slot_fd, aside) != 0)
        return errno;
    return sync_folder(job);
}

static int (*const operations[])(const struct job *job) = {
    [DISK_CREATE] = create,         [DISK_WRITE] = write_batch,   [DISK_READ] = read_piece,
    [DISK_REMOVE] = remove_segment, [DISK_SET_ASIDE] = set_aside,
};

static void run(struct world_work *work)
{
    struct job *job = CONTAINER_OF(work, struct job, work);
    job->error = operations[job->request->operation](job);
}

static void done(struct world_work *work)
{
    struct job *job = CONTAINER_OF(work, struct job, work);
    struct disk_request *request = job->request;
    int error = job->error;
    memory_free(job);
    request->done(request, error);
}

void world_disk(struct world *world, struct disk_request *request)
{
    struct job *job = memory_new(sizeof *job);
    CHECK(world->slot_fd >= 0);
    *job = (struct job){
        .work = {.run = run, .done = done}, .request = request, .slot_fd = world->slot_fd};
    world_work_start(world, &job->work);
}
