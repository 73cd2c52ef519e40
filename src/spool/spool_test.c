#include "spool/spool.h"

#include "base/memory.h"
#include "base/writer.h"
#include "spool/content.h"
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

static const char nothing[1000];

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
static unsigned removals_to_fail;
static bool reading_fails;

static struct file *file_of(uint64_t segment)
{
    for (size_t i = 0; i < FILES_MAX; i++)
        if (files[i].bytes != NULL && files[i].segment == segment && !files[i].set_aside)
            return &files[i];
    return NULL;
}

static struct file *free_file(void)
{
    for (size_t i = 0; i < FILES_MAX; i++)
        if (files[i].bytes == NULL)
            return &files[i];
    abort();
}

static int perform(struct disk_request *request)
{
    struct file *file = file_of(request->segment);
    switch (request->operation) {
    case DISK_CREATE:
        if (disk_full)
            return 28;
        assert_null(file);
        file = free_file();
        *file = (struct file){.segment = request->segment, .bytes = calloc(1, SEGMENT_SIZE)};
        memcpy(file->bytes, request->data.at, request->data.len);
        return 0;
    case DISK_WRITE:
        assert_non_null(file);
        assert_true(request->offset + request->data.len <= SEGMENT_SIZE);
        assert_int_equal(request->offset % SEGMENT_BLOCK, 0);
        memcpy(file->bytes + request->offset, request->data.at, request->data.len);
        writes++;
        return 0;
    case DISK_READ:
        if (reading_fails)
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

static void wipe_disk(void)
{
    for (size_t i = 0; i < FILES_MAX; i++)
        free(files[i].bytes);
    memset(files, 0, sizeof files);
    writes = 0;
    disk_full = reading_fails = false;
    removals_to_fail = 0;
}

static size_t file_count(void)
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

static int compare_numbers(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

static void run_disk(void)
{
    struct disk_request *request;
    while ((request = spool_next_request(&spool)) != NULL)
        spool_request_done(&spool, request, perform(request));
}

static void open_spool(void)
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
    notes = serious_notes = 0;
    for (;;) {
        struct spool_replay_step step = spool_replay(&spool);
        if (step.kind == SPOOL_REPLAY_END)
            break;
        if (step.kind == SPOOL_REPLAY_READ) {
            spool_replay_read_done(&spool, perform(step.request));
        } else {
            assert_non_null(step.text);
            notes++;
            serious_notes += step.serious;
        }
    }
}

static void start(void)
{
    open_spool();
    run_disk();
}

/* As after a crash: what is on the disk is all that is left. */
static void restart(void)
{
    spool_free(&spool);
    start();
}

static uint64_t put(const char *content, size_t repeat, size_t recipient_count)
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
    struct envelope envelope = {.sender = slice_of("ada@example.org"),
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

static struct spool_message *message_of(uint64_t id)
{
    struct map_node *node = map_find(&spool.messages, id);
    return node != NULL ? CONTAINER_OF(node, struct spool_message, by_id) : NULL;
}

static bool content_is(uint64_t id, const char *content, size_t repeat)
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
        return false;
    assert_true(spool_view_read(buf_slice(&message->payload), &arena, &view));
    assert_slice(view.envelope.sender, "ada@example.org");
    content_start(&reader, &spool, &view);
    while ((step = content_next(&reader, &span)) == CONTENT_SPAN || step == CONTENT_READ) {
        if (step == CONTENT_READ) {
            content_read_done(&reader, perform(&reader.request));
            continue;
        }
        for (size_t i = 0; i < span.len; i++, position++)
            good &= span.at[i] == content[position % length];
    }
    good &= step == CONTENT_END && position == length * repeat && message->size == position;
    content_free(&reader);
    buf_free(&message->payload);
    arena_reset(&arena);
    return good;
}

static void finish(void)
{
    spool_free(&spool);
    wipe_disk();
}

static void assert_empty_but_for(size_t count)
{
    assert_int_equal(spool.messages.count, count);
}

/* ---- tests ---- */

TEST(a_message_is_not_committed_before_its_batch_is_synced)
{
    start();
    struct spool_upload *upload = spool_upload_begin(&spool);
    struct envelope envelope = {.recipients = &(struct slice)SLICE_LITERAL("bob@example.net"),
                                .recipient_count = 1};
    spool_upload_add(upload, slice_of("hello\r\n"));
    struct spool_message *message = spool_upload_commit(upload, &envelope);
    assert_non_null(message);
    assert_null(spool_next_committed(&spool));
    struct disk_request *write = spool_next_request(&spool);
    assert_int_equal(write->operation, DISK_WRITE);
    assert_null(spool_next_committed(&spool));
    spool_request_done(&spool, write, perform(write));
    assert_ptr_equal(spool_next_committed(&spool), message);
    assert_null(spool_next_committed(&spool));
    finish();
}

TEST(all_that_comes_while_a_sync_is_under_way_goes_into_the_next)
{
    start();
    struct envelope envelope = {.recipients = &(struct slice)SLICE_LITERAL("bob@example.net"),
                                .recipient_count = 1};
    size_t before = writes;
    assert_non_null(spool_upload_commit(spool_upload_begin(&spool), &envelope));
    struct disk_request *first = spool_next_request(&spool);
    for (int i = 0; i < 100; i++)
        assert_non_null(spool_upload_commit(spool_upload_begin(&spool), &envelope));
    assert_null(spool_next_request(&spool));
    spool_request_done(&spool, first, perform(first));
    run_disk();
    assert_int_equal(writes - before, 2);
    for (int i = 0; i < 101; i++)
        assert_non_null(spool_next_committed(&spool));
    assert_null(spool_next_committed(&spool));
    finish();
}

TEST(messages_come_back_after_a_crash_until_they_are_done)
{
    start();
    uint64_t first = put("first\r\n", 1, 1), second = put("second\r\n", 1, 1);
    assert_int_equal(first >> 48, 2);
    assert_true(first != second);
    restart();
    assert_empty_but_for(2);
    assert_true(content_is(first, "first\r\n", 1));
    assert_true(content_is(second, "second\r\n", 1));
    assert_true(spool_record_done(&spool, message_of(first)));
    assert_null(message_of(first));
    run_disk();
    restart();
    assert_empty_but_for(1);
    assert_non_null(message_of(second));
    restart();
    assert_empty_but_for(1);
    assert_int_equal(notes, 0);
    finish();
}

TEST(a_done_that_was_not_synced_is_not_done)
{
    start();
    uint64_t id = put("x\r\n", 1, 1);
    assert_true(spool_record_done(&spool, message_of(id)));
    restart();
    assert_non_null(message_of(id));
    finish();
}

TEST(results_are_remembered_by_recipient)
{
    start();
    uint64_t few = put("few\r\n", 1, 3), many = put("many\r\n", 1, 100);
    struct spool_result results[] = {{.recipient = 1, .finished = true},
                                     {.recipient = 2, .text = SLICE_LITERAL("try later")}};
    assert_true(spool_record_try(&spool, message_of(few), 555, results, 2));
    results[1] = (struct spool_result){.recipient = 99, .finished = true};
    assert_true(spool_record_try(&spool, message_of(many), 666, results, 2));
    run_disk();
    for (int round = 0; round < 2; round++) {
        struct spool_message *message = message_of(few);
        assert_int_equal(message->recipients_left, 2);
        assert_int_equal(message->next_try_us, 555);
        assert_int_equal(message->tries, 1);
        assert_false(spool_message_finished(message, 0));
        assert_true(spool_message_finished(message, 1));
        assert_false(spool_message_finished(message, 2));
        message = message_of(many);
        assert_int_equal(message->recipients_left, 98);
        assert_true(spool_message_finished(message, 99));
        assert_false(spool_message_finished(message, 98));
        restart();
    }
    finish();
}

TEST(large_content_streams_through_chunks)
{
    start();
    uint64_t id = put("0123456789abcdef\r\n", 20000, 1);
    uint64_t exact = put("0123456789abcdef", UPLOAD_CHUNK / 16, 1);
    uint64_t empty = put("", 0, 1);
    assert_true(content_is(id, "0123456789abcdef\r\n", 20000));
    restart();
    assert_true(content_is(id, "0123456789abcdef\r\n", 20000));
    assert_true(content_is(exact, "0123456789abcdef", UPLOAD_CHUNK / 16));
    assert_true(content_is(empty, "x", 0));
    finish();
}

TEST(an_abandoned_upload_leaves_nothing)
{
    start();
    struct spool_upload *upload = spool_upload_begin(&spool);
    static char block[UPLOAD_CHUNK];
    for (int i = 0; i < 30; i++) {
        while (spool_upload_add(upload, slice_make(block, sizeof block)) < sizeof block)
            run_disk();
        run_disk();
    }
    assert_true(file_count() > 2);
    spool_upload_abort(upload);
    put("x\r\n", 1, 1);
    run_disk();
    restart();
    assert_empty_but_for(1);
    finish();
}

TEST(segments_are_given_back_when_nothing_begins_in_them)
{
    start();
    uint64_t kept = put("kept\r\n", 1, 1);
    for (int i = 0; i < 400; i++) {
        uint64_t id = put("0123456789abcdef\r\n", 1000, 1);
        assert_true(spool_record_done(&spool, message_of(id)));
        run_disk();
    }
    size_t with_kept = file_count();
    assert_true(with_kept > 5);
    assert_true(content_is(kept, "kept\r\n", 1));
    assert_true(spool_record_done(&spool, message_of(kept)));
    run_disk();
    assert_true(file_count() <= 3);
    restart();
    assert_empty_but_for(0);
    finish();
}

TEST(ids_are_never_used_twice)
{
    start();
    uint64_t last = 0;
    for (int round = 0; round < 6; round++) {
        for (int i = 0; i < 50; i++) {
            uint64_t id = put("x\r\n", 1, 1);
            assert_true(id > last);
            last = id;
            assert_true(spool_record_done(&spool, message_of(id)));
        }
        /* Enough to leave the first segments behind, and their bounds with them. */
        for (int i = 0; i < 60; i++) {
            uint64_t id = put("0123456789abcdef\r\n", 3000, 1);
            assert_true(spool_record_done(&spool, message_of(id)));
            last = id;
        }
        run_disk();
        restart();
    }
    finish();
}

TEST(what_could_not_be_removed_does_not_come_back)
{
    start();
    uint64_t id = put("old", 1, 1);
    restart(); /* the DONE stands in a newer segment than the message */
    assert_true(spool_record_done(&spool, message_of(id)));
    removals_to_fail = 1;
    for (int i = 0; i < 60; i++) {
        id = put("0123456789abcdef\r\n", 3000, 1);
        assert_true(spool_record_done(&spool, message_of(id)));
    }
    run_disk();
    restart();
    assert_empty_but_for(0);
    finish();
}

TEST(ids_that_cannot_be_read_are_not_used_again)
{
    start();
    uint64_t id = put("kept where nobody can read it", 1, 1);
    reading_fails = true;
    removals_to_fail = 1;
    restart();
    assert_empty_but_for(0);
    reading_fails = false;
    assert_true(put("new", 1, 1) > id);
    restart();
    assert_empty_but_for(2);
    finish();
}

TEST(a_torn_tail_is_cut_and_what_was_synced_stays)
{
    start();
    uint64_t whole = put("whole\r\n", 1, 1);
    uint64_t torn = put("0123456789abcdef\r\n", 1000, 1);
    struct log_place place = message_of(torn)->place;
    file_of(place.segment)->bytes[place.offset + place.length / 2] ^= 1;
    restart();
    assert_non_null(message_of(whole));
    assert_null(message_of(torn));
    assert_int_equal(notes, 1);
    assert_int_equal(serious_notes, 0);
    finish();
}

TEST(damage_below_the_durable_end_is_reported_and_scanned_past)
{
    start();
    uint64_t ids[10];
    for (int i = 0; i < 10; i++)
        ids[i] = put("0123456789abcdef\r\n", 100, 1);
    struct log_place record = message_of(ids[3])->place, batch = message_of(ids[6])->place;
    file_of(record.segment)->bytes[record.offset + 100] ^= 1;
    file_of(batch.segment)->bytes[batch.offset - BATCH_HEADER + 10] ^= 1;
    restart();
    for (int i = 0; i < 10; i++)
        assert_int_equal(message_of(ids[i]) != NULL, i != 3 && i != 6);
    assert_int_equal(serious_notes, 2);
    /* The damaged segment is set aside, not removed, when nothing needs it any more. */
    for (int i = 0; i < 10; i++)
        if (message_of(ids[i]) != NULL)
            assert_true(spool_record_done(&spool, message_of(ids[i])));
    run_disk();
    size_t aside = 0;
    for (size_t i = 0; i < FILES_MAX; i++)
        aside += files[i].set_aside;
    assert_int_equal(aside, 1);
    finish();
}

TEST(a_record_behind_a_damaged_one_in_the_same_batch_is_saved)
{
    start();
    struct envelope envelope = {.sender = slice_of("ada@example.org"),
                                .recipients = &(struct slice)SLICE_LITERAL("bob@example.net"),
                                .recipient_count = 1};
    uint64_t ids[3];
    for (int i = 0; i < 3; i++) {
        struct spool_upload *upload = spool_upload_begin(&spool);
        ids[i] = upload->id;
        spool_upload_add(upload, slice_of("hello\r\n"));
        assert_non_null(spool_upload_commit(upload, &envelope));
    }
    run_disk();
    while (spool_next_committed(&spool) != NULL)
        ;
    put("later\r\n", 1, 1);
    struct log_place place = message_of(ids[1])->place;
    file_of(place.segment)->bytes[place.offset + 40] ^= 1;
    restart();
    assert_non_null(message_of(ids[0]));
    assert_null(message_of(ids[1]));
    assert_true(content_is(ids[2], "hello\r\n", 1));
    assert_int_equal(serious_notes, 1);
    finish();
}

TEST(a_segment_that_is_not_understood_is_set_aside)
{
    start();
    uint64_t id = put("x\r\n", 1, 1);
    file_of(message_of(id)->place.segment)->bytes[20] ^= 1;
    restart();
    assert_empty_but_for(0);
    assert_int_equal(serious_notes, 1);
    assert_int_equal(files[0].set_aside + files[1].set_aside + files[2].set_aside, 1);
    finish();
}

TEST(nothing_is_taken_before_the_first_segment_is_there)
{
    wipe_disk();
    open_spool();
    assert_false(spool_is_open(&spool));
    assert_null(spool_upload_begin(&spool));
    run_disk();
    assert_true(spool_is_open(&spool));
    put("x\r\n", 1, 1);
    finish();
}

TEST(a_full_disk_takes_nothing_new_until_there_is_room)
{
    start();
    uint64_t first = put("x\r\n", 1, 1);
    disk_full = true;
    while (spool_trouble(&spool) == 0) {
        uint64_t id = put("0123456789abcdef\r\n", 1000, 1);
        assert_true(spool_record_done(&spool, message_of(id)));
        run_disk();
    }
    assert_int_equal(spool_trouble(&spool), 28);
    disk_full = false;
    log_retry_create(&spool.log);
    run_disk();
    assert_int_equal(spool_trouble(&spool), 0);
    uint64_t second = put("y\r\n", 1, 1);
    restart();
    assert_true(content_is(first, "x\r\n", 1));
    assert_true(content_is(second, "y\r\n", 1));
    finish();
}

TEST(a_chunk_that_changed_on_disk_is_never_given_out)
{
    start();
    uint64_t id = put("0123456789abcdef\r\n", 20000, 1);
    uint64_t other = put("y\r\n", 1, 1);
    struct spool_message *message = message_of(id);
    struct file *file = file_of(message->oldest->number);
    file->bytes[2 * SEGMENT_BLOCK + 4000] ^= 1;
    assert_false(content_is(id, "0123456789abcdef\r\n", 20000));
    assert_true(content_is(other, "y\r\n", 1));
    finish();
}

TEST(a_segment_stays_until_the_done_of_its_messages_is_durable)
{
    start();
    uint64_t id = put("old", 1, 1);
    restart();
    struct envelope envelope = {.sender = slice_of("ada@example.org")};
    assert_non_null(spool_upload_commit(spool_upload_begin(&spool), &envelope));
    struct disk_request *before = spool_next_request(&spool);
    assert_true(spool_record_done(&spool, message_of(id)));
    spool_request_done(&spool, before, perform(before));
    struct disk_request *done = spool_next_request(&spool);
    assert_int_equal(done->operation, DISK_WRITE);
    assert_null(spool_next_request(&spool));
    spool_request_done(&spool, done, perform(done));
    run_disk();
    assert_null(file_of(1));
    assert_non_null(spool_next_committed(&spool));
    finish();
}

TEST(a_segment_that_never_held_anything_goes)
{
    files[0] = (struct file){.segment = 1, .bytes = calloc(1, SEGMENT_SIZE)};
    start();
    assert_int_equal(notes, 0);
    assert_null(file_of(1));
    finish();
}

static bool loads(struct spool_message *message, const struct log_place *from, int error)
{
    struct log_place place = message->place;
    struct disk_request request;
    message->place = *from;
    spool_load_start(message, &request);
    assert_int_equal(perform(&request), 0);
    bool good = spool_load_finish(&spool, message, &request, error);
    message->place = place;
    buf_free(&message->payload);
    return good;
}

TEST(only_the_messages_own_record_is_loaded)
{
    start();
    struct spool_message *message = message_of(put("mine", 1, 1));
    struct spool_message *other = message_of(put("another's", 1, 1));
    assert_true(loads(message, &message->place, 0));
    assert_false(loads(message, &message->place, 5));
    assert_false(loads(message, &other->place, 0));
    finish();
}

TEST(an_abandoned_upload_keeps_no_segment)
{
    start();
    struct spool_upload *upload = spool_upload_begin(&spool);
    for (int i = 0; i < 100; i++)
        assert_int_equal(spool_upload_add(upload, slice_make(nothing, sizeof nothing)),
                         sizeof nothing);
    run_disk();
    assert_non_null(upload->oldest);
    spool_upload_abort(upload);
    for (int i = 0; i < 60; i++)
        assert_true(spool_record_done(&spool, message_of(put("0123456789abcdef\r\n", 3000, 1))));
    run_disk();
    assert_null(file_of(1));
    finish();
}

TEST(a_message_that_waited_for_room_is_whole)
{
    struct envelope envelope = {.sender = slice_of("ada@example.org")};
    struct spool_upload *upload;
    struct spool_message *message;
    start();
    do {
        upload = spool_upload_begin(&spool);
        for (int i = 0; i < 60; i++)
            spool_upload_add(upload, slice_make(nothing, sizeof nothing));
    } while (spool_upload_commit(upload, &envelope) != NULL);
    uint64_t id = upload->id;
    run_disk();
    assert_non_null(spool_upload_commit(upload, &envelope));
    run_disk();
    restart();
    message = message_of(id);
    assert_non_null(message);
    struct disk_request request;
    struct arena arena = arena_make(1000);
    struct spool_view view;
    spool_load_start(message, &request);
    assert_true(spool_load_finish(&spool, message, &request, perform(&request)));
    assert_true(spool_view_read(buf_slice(&message->payload), &arena, &view));
    assert_int_equal(view.inline_content.len, 60 * sizeof nothing);
    arena_reset(&arena);
    finish();
}

TEST(damage_is_reported_once_where_it_begins)
{
    enum { PLACES = 6 };
    struct log_place places[PLACES];
    start();
    for (int i = 0; i < PLACES; i++)
        places[i] = message_of(put("kept", 1, 1))->place;
    for (int i = 0; i < PLACES - 1; i++)
        if (i != 2) /* two stretches: 0 and 1, 3 and 4 */
            file_of(1)->bytes[places[i].offset - BATCH_HEADER + 1] ^= 1;
    restart();
    assert_int_equal(serious_notes, 2);
    assert_empty_but_for(2);
    finish();
}

/* The content of a message whose only chunk is said to stand there. */
static enum content_step read_chunk_at(const struct log_place *place)
{
    char encoded[16];
    struct writer w = writer_over(encoded, sizeof encoded);
    struct spool_view view = {0};
    struct content content;
    struct slice span;
    writer_u64(&w, place->segment);
    writer_u32(&w, place->offset);
    writer_u32(&w, place->length);
    view.chunks = writer_slice(&w);
    content_start(&content, &spool, &view);
    enum content_step step = content_next(&content, &span);
    if (step == CONTENT_READ) {
        content_read_done(&content, perform(&content.request));
        step = content_next(&content, &span);
    }
    content_free(&content);
    return step;
}

TEST(only_a_chunk_is_given_out_as_one)
{
    start();
    struct log_place message = message_of(put("whole", 1, 1))->place;
    struct log_place nowhere = {.segment = 99, .offset = message.offset, .length = 100};
    struct log_place endless = {.segment = message.segment, .length = UINT32_MAX};
    assert_int_equal(read_chunk_at(&message), CONTENT_DAMAGED);
    assert_int_equal(read_chunk_at(&nowhere), CONTENT_DAMAGED);
    assert_int_equal(read_chunk_at(&endless), CONTENT_DAMAGED);
    finish();
}

TEST(a_segment_whose_files_were_swapped_is_not_believed)
{
    start();
    put("one", 1, 1);
    restart();
    char *bytes = file_of(1)->bytes;
    file_of(1)->bytes = file_of(2)->bytes;
    file_of(2)->bytes = bytes;
    restart();
    assert_int_equal(serious_notes, 2);
    assert_empty_but_for(0);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_not_committed_before_its_batch_is_synced),
        cmocka_unit_test(all_that_comes_while_a_sync_is_under_way_goes_into_the_next),
        cmocka_unit_test(messages_come_back_after_a_crash_until_they_are_done),
        cmocka_unit_test(a_done_that_was_not_synced_is_not_done),
        cmocka_unit_test(results_are_remembered_by_recipient),
        cmocka_unit_test(large_content_streams_through_chunks),
        cmocka_unit_test(an_abandoned_upload_leaves_nothing),
        cmocka_unit_test(segments_are_given_back_when_nothing_begins_in_them),
        cmocka_unit_test(ids_are_never_used_twice),
        cmocka_unit_test(what_could_not_be_removed_does_not_come_back),
        cmocka_unit_test(ids_that_cannot_be_read_are_not_used_again),
        cmocka_unit_test(a_torn_tail_is_cut_and_what_was_synced_stays),
        cmocka_unit_test(damage_below_the_durable_end_is_reported_and_scanned_past),
        cmocka_unit_test(a_record_behind_a_damaged_one_in_the_same_batch_is_saved),
        cmocka_unit_test(a_segment_that_is_not_understood_is_set_aside),
        cmocka_unit_test(nothing_is_taken_before_the_first_segment_is_there),
        cmocka_unit_test(a_full_disk_takes_nothing_new_until_there_is_room),
        cmocka_unit_test(a_chunk_that_changed_on_disk_is_never_given_out),
        cmocka_unit_test(a_segment_stays_until_the_done_of_its_messages_is_durable),
        cmocka_unit_test(a_segment_that_never_held_anything_goes),
        cmocka_unit_test(only_the_messages_own_record_is_loaded),
        cmocka_unit_test(an_abandoned_upload_keeps_no_segment),
        cmocka_unit_test(a_message_that_waited_for_room_is_whole),
        cmocka_unit_test(damage_is_reported_once_where_it_begins),
        cmocka_unit_test(only_a_chunk_is_given_out_as_one),
        cmocka_unit_test(a_segment_whose_files_were_swapped_is_not_believed),
    };
    return RUN_TESTS(tests);
}
