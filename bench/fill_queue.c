/* Fills a slot's log with small messages that were tried once and wait for an hour, as fast as it
 * can: for measuring how a start copes with a long queue. Nothing is synced.
 *
 *     fill_queue FOLDER COUNT [BYTES]      FOLDER is a slot, such as spool/tuvi/slot-0 */
#include "base/memory.h"
#include "shell/slot.h"
#include "spool/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SEGMENT_SIZE = 64 << 20, RECIPIENT_MAX = 64, BATCH_MESSAGES = 200 };

static int slot_fd;

static void give_up(const char *what)
{
    perror(what);
    exit(1);
}

static int write_at(const struct disk_request *request, int flags)
{
    char name[SLOT_NAME_MAX];
    slot_name_segment(request->segment, name);
    int fd = openat(slot_fd, name, O_WRONLY | O_CLOEXEC | flags, 0600);
    if (fd < 0 || (flags != 0 && ftruncate(fd, (off_t)request->size) != 0) ||
        pwrite(fd, request->data.at, request->data.len, (off_t)request->offset) !=
            (ssize_t)request->data.len)
        give_up(name);
    close(fd);
    return 0;
}

static int perform(struct disk_request *request)
{
    switch (request->operation) {
    case DISK_CREATE:
        return write_at(request, O_CREAT | O_EXCL);
    case DISK_WRITE:
        return write_at(request, 0);
    case DISK_READ:
        return slot_read(slot_fd, request);
    case DISK_REMOVE:
    case DISK_SET_ASIDE:
        break;
    }
    return 0;
}

static void run_disk(struct spool *spool)
{
    struct disk_request *request;
    while ((request = spool_next_request(spool)) != NULL)
        spool_request_done(spool, request, perform(request));
}

static int64_t wall_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void put(struct spool *spool, size_t number, struct slice content)
{
    char text[RECIPIENT_MAX];
    int len = snprintf(text, sizeof text, "user%zu@far%zu.test", number, number % 1000);
    struct slice recipient = slice_make(text, (size_t)len);
    struct envelope envelope = {.arrival_us = wall_us(),
                                .sender = slice_of("newsletter@sender.test"),
                                .recipients = &recipient,
                                .recipient_count = 1};
    struct spool_upload *upload = spool_upload_begin(spool);
    while (upload == NULL) {
        run_disk(spool);
        upload = spool_upload_begin(spool);
    }
    spool_upload_add(upload, content);
    while (spool_upload_commit(upload, &envelope) == NULL)
        run_disk(spool);
}

static void record_tries(struct spool *spool)
{
    struct spool_result later = {.text = SLICE_LITERAL("connect to far.test: timed out")};
    int64_t next_try_us = wall_us() + (int64_t)3600 * 1000000;
    struct spool_message *message;
    run_disk(spool);
    while ((message = spool_next_committed(spool)) != NULL) {
        buf_free(&message->payload);
        while (!spool_record_try(spool, message, next_try_us, &later, 1))
            run_disk(spool);
    }
}

int main(int argc, char **argv)
{
    static struct spool spool;
    size_t count = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    size_t bytes = argc > 3 ? strtoul(argv[3], NULL, 10) : 1000;
    struct spool_start start = {.slot = 0, .segment_size = SEGMENT_SIZE, .secret_key = {{1, 2}}};
    if (count == 0 || bytes == 0) {
        fputs("usage: fill_queue FOLDER COUNT [BYTES]\n", stderr);
        return 2;
    }
    slot_fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (slot_fd < 0)
        give_up(argv[1]);
    spool_init(&spool, &start);
    if (spool_replay(&spool).kind != SPOOL_REPLAY_END)
        return 1;
    run_disk(&spool);
    char *content = memory_new(bytes);
    memset(content, 'x', bytes);
    for (size_t i = 0; i < count; i++) {
        put(&spool, i, slice_make(content, bytes));
        if (i % BATCH_MESSAGES == 0)
            record_tries(&spool);
    }
    record_tries(&spool);
    run_disk(&spool);
    return 0;
}
