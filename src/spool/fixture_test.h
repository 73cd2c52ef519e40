/* What the tests of this floor share: a disk in memory, a spool on it, and messages to put there.
 */
#ifndef TUVI_SPOOL_FIXTURE_TEST_H
#define TUVI_SPOOL_FIXTURE_TEST_H

#include "spool/content.h"
#include "spool/spool.h"
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

/* ---- a disk in memory, which does everything at once ---- */

enum { FILES_MAX = 64, SEGMENT_SIZE = SEGMENT_SIZE_MIN };

struct file {
    uint64_t segment;
    char *bytes;
    bool set_aside;
};

static struct file files[FILES_MAX];
static size_t writes;
static bool disk_full;
static bool creation_ends_halfway;
static bool reading_fails;
static uint64_t reading_fails_in; /* a segment */
static unsigned removals_to_fail;

static inline struct file *file_of(uint64_t segment)
{
    for (size_t i = 0; i < FILES_MAX; i++)
        if (files[i].bytes != NULL && files[i].segment == segment && !files[i].set_aside)
            return &files[i];
    return NULL;
}

static inline struct file *free_file(void)
{
    for (size_t i = 0; i < FILES_MAX; i++)
        if (files[i].bytes == NULL)
            return &files[i];
    abort();
}

static inline int perform(struct disk_request *request)
{
    struct file *file = file_of(request->segment);
    switch (request->operation) {
    case DISK_CREATE:
        if (file != NULL && request->over)
            free(file->bytes);
        else if (disk_full)
            return 28;
        else
            assert_null(file);
        file = file != NULL ? file : free_file();
        *file = (struct file){.segment = request->segment, .bytes = calloc(1, SEGMENT_SIZE)};
        memcpy(file->bytes, request->data.at, request->data.len);
        return creation_ends_halfway ? 5 : 0;
    case DISK_WRITE:
        assert_non_null(file);
        assert_true(request->offset + request->data.len <= SEGMENT_SIZE);
        assert_int_equal(request->offset % SEGMENT_BLOCK, 0);
        memcpy(file->bytes + request->offset, request->data.at, request->data.len);
        writes++;
        return 0;
    case DISK_READ:
        if (reading_fails || (reading_fails_in != 0 && reading_fails_in == request->segment))
            return 5;
        if (file == NULL)
            return 2;
        request->length =
            slice_first(slice_skip(slice_make(file->bytes, SEGMENT_SIZE), (size_t)request->offset),
                        request->length)
                .len;
        memcpy(request->into, file->bytes + request->offset, request->length);
        return 0;
    case DISK_REMOVE:
        if (removals_to_fail > 0) {
            removals_to_fail--;
            return 5;
        }
        free(file->bytes);
        *file = (struct file){0};
        return 0;
    case DISK_SET_ASIDE:
        if (removals_to_fail > 0) {
            removals_to_fail--;
            return 5;
        }
        file->set_aside = true;
        return 0;
    }
    return 22;
}

static inline void wipe_disk(void)
{
    for (size_t i = 0; i < FILES_MAX; i++)
        free(files[i].bytes);
    memset(files, 0, sizeof files);
    writes = 0;
    disk_full = reading_fails = creation_ends_halfway = false;
    reading_fails_in = 0;
    removals_to_fail = 0;
}

static inline size_t file_count(void)
{
    size_t count = 0;
    for (size_t i = 0; i < FILES_MAX; i++)
        count += files[i].bytes != NULL;
    return count;
}

/* ---- the spool on it ---- */

static struct spool spool;
static uint64_t segments[FILES_MAX];
static size_t notes, serious_notes;
static uint64_t noted_id; /* of the message that the last note was about */
static bool wait_to_replay;
static bool all_stays;     /* nothing is compacted */
static uint32_t put_flags; /* of the envelopes that put() makes */

static inline int compare_numbers(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

static inline void run_disk(void)
{
    struct disk_request *request;
    while ((request = spool_next_request(&spool)) != NULL)
        spool_request_done(&spool, request, perform(request));
}

/* To its end, or until new messages can be taken, when that is wanted. */
static inline void replay_rest(void)
{
    bool stop = wait_to_replay;
    wait_to_replay = false;
    while (!(stop && spool.log_begun)) {
        struct spool_replay_step step = spool_replay(&spool);
        if (step.kind == SPOOL_REPLAY_END)
            break;
        if (step.kind == SPOOL_REPLAY_READ) {
            spool_replay_read_done(&spool, perform(step.request));
        } else {
            notes++;
            serious_notes += step.serious;
            noted_id = step.id;
        }
    }
}

static inline void open_spool(void)
{
    struct spool_start begin = {.slot = 2,
                                .segment_size = SEGMENT_SIZE,
                                .segments = segments,
                                .secret_key = {{(uint64_t)rand(), (uint64_t)rand()}}};
    for (size_t i = 0; i < FILES_MAX; i++)
        if (files[i].bytes != NULL && !files[i].set_aside)
            segments[begin.segment_count++] = files[i].segment;
    qsort(segments, begin.segment_count, sizeof *segments, compare_numbers);
    spool_init(&spool, &begin);
    if (all_stays)
        spool_rest(&spool);
    notes = serious_notes = 0;
    replay_rest();
}

static inline void start(void)
{
    open_spool();
    run_disk();
}

/* As after a crash: what is on the disk is all that is left. */
static inline void restart(void)
{
    spool_free(&spool);
    start();
}

static inline uint64_t put(const char *content, size_t repeat, size_t recipient_count)
{
    static struct slice recipients[100];
    struct spool_upload *upload = spool_upload_begin(&spool);
    struct spool_message *message;
    assert_non_null(upload);
    for (size_t i = 0; i < recipient_count; i++)
        recipients[i] = slice_of("bob@example.net");
    for (size_t i = 0; i < repeat; i++) {
        struct slice rest = slice_of(content);
        while (rest.len > 0) {
            size_t taken = spool_upload_add(upload, rest);
            rest = slice_skip(rest, taken);
            if (rest.len > 0)
                run_disk();
        }
    }
    struct envelope envelope = {.flags = put_flags,
                                .sender = slice_of("ada@example.org"),
                                .arrival_us = 1234,
                                .recipients = recipients,
                                .recipient_count = recipient_count};
    uint64_t id = upload->id;
    while ((message = spool_upload_commit(upload, &envelope)) == NULL)
        run_disk();
    buf_free(&message->payload);
    assert_null(spool_next_committed(&spool));
    run_disk();
    assert_ptr_equal(spool_next_committed(&spool), message);
    return id;
}

static inline struct spool_message *message_of(uint64_t id)
{
    struct map_node *node = map_find(&spool.messages, id);
    return node != NULL ? CONTAINER_OF(node, struct spool_message, by_id) : NULL;
}

enum content_verdict { CONTENT_IS_IT, CONTENT_IS_REFUSED, CONTENT_IS_ANOTHER };

static inline enum content_verdict judge_content(uint64_t id, const char *content, size_t repeat)
{
    struct spool_message *message = message_of(id);
    struct arena arena = arena_make(1 << 20);
    struct disk_request request;
    struct spool_view view;
    struct content reader;
    struct slice span;
    size_t position = 0, length = strlen(content);
    bool good = true;
    enum content_step step;

    spool_load_start(message, &request);
    if (!spool_load_finish(&spool, message, &request, perform(&request)))
        return CONTENT_IS_REFUSED;
    good &= spool_view_read(buf_slice(&message->payload), &arena, &view) &&
            slice_is(view.envelope.sender, "ada@example.org");
    content_start(&reader, &spool, &view);
    while ((step = content_next(&reader, &span)) == CONTENT_SPAN || step == CONTENT_READ) {
        if (step == CONTENT_READ) {
            content_read_done(&reader, perform(&reader.request));
            continue;
        }
        for (size_t i = 0; i < span.len; i++, position++)
            good &= span.at[i] == content[position % length];
    }
    good &= step == CONTENT_DAMAGED || (position == length * repeat && message->size == position);
    content_free(&reader);
    buf_free(&message->payload);
    arena_reset(&arena);
    if (!good)
        return CONTENT_IS_ANOTHER;
    return step == CONTENT_END ? CONTENT_IS_IT : CONTENT_IS_REFUSED;
}

static inline bool content_is(uint64_t id, const char *content, size_t repeat)
{
    return judge_content(id, content, repeat) == CONTENT_IS_IT;
}

static inline void finish(void)
{
    spool_free(&spool);
    wipe_disk();
    all_stays = false;
}

static inline void assert_empty_but_for(size_t count)
{
    assert_int_equal(spool.messages.count, count);
}

#endif
