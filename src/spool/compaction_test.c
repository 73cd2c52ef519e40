#include "base/writer.h"
#include "spool/fixture_test.h"
#include "spool/snapshot_record.h"

enum { LARGE_LINES = 20000 };
static const char line[] = "0123456789abcdef\r\n";

/* Messages come and go until so many segments were begun. */
static void pass_mail(unsigned segment_count)
{
    uint64_t until = spool.log.open_segment + segment_count;
    while (spool.log.open_segment < until) {
        uint64_t id = put(line, 1000, 1);
        assert_true(spool_record_done(&spool, message_of(id)));
        run_disk();
    }
}

static uint64_t oldest_segment(void)
{
    return segment_table_oldest(&spool.segments)->number;
}

TEST(a_message_that_waits_does_not_hold_the_segments_behind_it)
{
    start();
    uint64_t kept = put("kept\r\n", 1, 1);
    uint64_t first = message_of(kept)->place.segment;
    pass_mail(20);
    assert_true(file_count() <= 3);
    assert_true(message_of(kept)->place.segment > first);
    assert_true(content_is(kept, "kept\r\n", 1));
    restart();
    assert_empty_but_for(1);
    assert_true(content_is(kept, "kept\r\n", 1));
    assert_int_equal(notes, 0);
    finish();
}

TEST(large_content_moves_with_its_message)
{
    start();
    uint64_t kept = put(line, LARGE_LINES, 1);
    pass_mail(8);
    assert_true(file_count() <= 5);
    assert_true(content_is(kept, line, LARGE_LINES));
    restart();
    assert_true(content_is(kept, line, LARGE_LINES));
    pass_mail(8);
    restart();
    assert_true(content_is(kept, line, LARGE_LINES));
    finish();
}

/* The notice is delivered, and its record goes long before the message. */
static void tell_delay(uint64_t id)
{
    struct spool_upload *upload = spool_upload_begin(&spool);
    struct envelope envelope = {.recipients = &(struct slice)SLICE_LITERAL("ada@example.org"),
                                .recipient_count = 1,
                                .delayed = id};
    assert_non_null(spool_upload_commit(upload, &envelope));
    run_disk();
    assert_true(spool_record_done(&spool, spool_next_committed(&spool)));
    run_disk();
}

TEST(the_state_of_a_message_moves_with_it)
{
    start();
    uint64_t kept = put("kept\r\n", 1, 100), held = put("held\r\n", 1, 3);
    struct spool_result results[] = {{.recipient = 1, .finished = true},
                                     {.recipient = 99, .finished = true},
                                     {.recipient = 2, .text = SLICE_LITERAL("try later")}};
    assert_true(spool_record_try(&spool, message_of(kept), 555, results, 3));
    assert_true(spool_record_try(&spool, message_of(kept), 777, results + 2, 1));
    assert_true(spool_record_order(&spool, message_of(held), RECORD_HOLD));
    assert_true(spool_record_order(&spool, message_of(held), RECORD_EXPIRE));
    tell_delay(kept);
    for (int round = 0; round < 3; round++) {
        pass_mail(5);
        restart();
        const struct spool_message *message = message_of(kept);
        assert_int_equal(message->tries, 2);
        assert_int_equal(message->next_try_us, 777);
        assert_int_equal(message->recipients_left, 98);
        assert_true(spool_message_finished(message, 1));
        assert_true(spool_message_finished(message, 99));
        assert_false(spool_message_finished(message, 2));
        assert_false(message->held || message->expired);
        assert_true(message_of(held)->held && message_of(held)->expired);
        assert_true(message->delay_told);
        assert_false(message_of(held)->delay_told);
    }
    finish();
}

static void assert_held_after_moves(uint64_t id, bool held)
{
    for (int round = 0; round < 3; round++) {
        restart();
        assert_int_equal(message_of(id)->held, held);
        pass_mail(5);
    }
}

TEST(what_is_wanted_of_the_log_is_known_after_all_moves)
{
    start();
    uint64_t large = put(line, LARGE_LINES, 1), small = put("small\r\n", 1, 100);
    for (int round = 0; round < 3; round++) {
        pass_mail(5);
        assert_int_equal(spool.segments.live, spool_message_weight(message_of(large)) +
                                                  spool_message_weight(message_of(small)));
    }
    assert_true(spool_record_done(&spool, message_of(large)));
    assert_true(spool_record_done(&spool, message_of(small)));
    run_disk();
    assert_int_equal(spool.segments.live, 0);
    finish();
}

TEST(a_message_that_came_on_hold_stays_so_until_it_is_released)
{
    start();
    put_flags = ENVELOPE_HELD;
    uint64_t id = put("held\r\n", 1, 3);
    put_flags = 0;
    assert_true(message_of(id)->held);
    assert_held_after_moves(id, true);
    assert_true(spool_record_order(&spool, message_of(id), RECORD_RELEASE));
    run_disk();
    assert_held_after_moves(id, false);
    finish();
}

/* No move between: the order alone says so. */
TEST(a_release_holds_against_the_envelope)
{
    start();
    put_flags = ENVELOPE_HELD;
    uint64_t id = put("held\r\n", 1, 1);
    put_flags = 0;
    assert_true(spool_record_order(&spool, message_of(id), RECORD_REQUEUE));
    run_disk();
    restart();
    assert_false(message_of(id)->held);
    finish();
}

TEST(a_message_stays_where_it_is_while_it_is_in_hand)
{
    start();
    uint64_t kept = put(line, LARGE_LINES, 1);
    struct log_place before = message_of(kept)->place;
    message_of(kept)->in_hand = true;
    pass_mail(8);
    assert_int_equal(message_of(kept)->place.segment, before.segment);
    assert_true(content_is(kept, line, LARGE_LINES));
    message_of(kept)->in_hand = false;
    pass_mail(1);
    assert_true(message_of(kept)->place.segment > before.segment);
    finish();
}

/* Carries out what is asked for, but not the request that `stop` is true of. */
static struct disk_request *run_disk_until(bool (*stop)(const struct disk_request *request))
{
    struct disk_request *request;
    while ((request = spool_next_request(&spool)) != NULL && !stop(request))
        spool_request_done(&spool, request, perform(request));
    return request;
}

static bool is_read(const struct disk_request *request)
{
    return request->operation == DISK_READ;
}

static uint64_t segment_to_keep;

static bool removes_it(const struct disk_request *request)
{
    return request->operation == DISK_REMOVE && request->segment == segment_to_keep;
}

static struct disk_request *send_mail_until_something_is_read(void)
{
    struct disk_request *request = NULL;
    while (request == NULL) {
        struct spool_upload *upload = spool_upload_begin(&spool);
        struct envelope envelope = {.recipients = &(struct slice)SLICE_LITERAL("b@example.net"),
                                    .recipient_count = 1};
        struct spool_message *message = NULL;
        for (int i = 0; i < 2000; i++)
            spool_upload_add(upload, slice_of(line));
        while (request == NULL && (message = spool_upload_commit(upload, &envelope)) == NULL)
            request = run_disk_until(is_read);
        if (request == NULL)
            request = run_disk_until(is_read);
        while ((message = spool_next_committed(&spool)) != NULL)
            assert_true(spool_record_done(&spool, message));
    }
    return request;
}

static void begin_mail_until_something_moves(void)
{
    struct disk_request *request = send_mail_until_something_is_read();
    spool_request_done(&spool, request, perform(request));
}

TEST(a_move_that_a_crash_breaks_off_has_done_no_harm)
{
    for (int steps = 0; steps < 12; steps++) {
        start();
        uint64_t kept = put(line, LARGE_LINES, 1);
        begin_mail_until_something_moves();
        assert_true(message_of(kept)->moving);
        for (int i = 0; i < steps; i++) {
            struct disk_request *request = spool_next_request(&spool);
            if (request != NULL)
                spool_request_done(&spool, request, perform(request));
        }
        restart();
        assert_true(content_is(kept, line, LARGE_LINES));
        assert_int_equal(serious_notes, 0);
        finish();
    }
}

TEST(a_message_that_is_done_and_gone_while_it_is_read_is_not_missed)
{
    start();
    uint64_t kept = put("kept\r\n", 1, 1), first = message_of(kept)->place.segment;
    struct disk_request *read = send_mail_until_something_is_read();
    int error = perform(read);
    assert_true(spool_record_done(&spool, message_of(kept)));
    run_disk();
    assert_null(file_of(first));
    spool_request_done(&spool, read, error);
    run_disk();
    assert_null(spool_next_damaged(&spool));
    kept = put("kept\r\n", 1, 1);
    first = message_of(kept)->place.segment;
    pass_mail(8);
    assert_true(message_of(kept)->place.segment > first);
    finish();
}

TEST(a_message_that_is_done_while_it_moves_does_not_come_back)
{
    start();
    uint64_t kept = put("kept\r\n", 1, 1);
    begin_mail_until_something_moves();
    assert_true(message_of(kept)->moving);
    assert_true(spool_record_done(&spool, message_of(kept)));
    run_disk();
    restart();
    assert_null(message_of(kept));
    finish();
}

/* The request that is being carried out when the snapshot is in the log, and not durable; or NULL.
 */
static struct disk_request *run_disk_until_a_snapshot_is_stored(void)
{
    struct disk_request *request = NULL;
    begin_mail_until_something_moves();
    while (list_is_empty(&spool.compaction.landing)) {
        request = spool_next_request(&spool);
        if (list_is_empty(&spool.compaction.landing))
            spool_request_done(&spool, request, perform(request));
    }
    return request;
}

TEST(a_message_that_is_done_before_its_snapshot_is_durable_does_not_come_back)
{
    start();
    uint64_t kept = put("kept\r\n", 1, 1);
    struct disk_request *request = run_disk_until_a_snapshot_is_stored();
    assert_true(spool_record_done(&spool, message_of(kept)));
    if (request != NULL)
        spool_request_done(&spool, request, perform(request));
    run_disk();
    assert_true(list_is_empty(&spool.compaction.landing));
    restart();
    assert_null(message_of(kept));
    finish();
}

/* A replay finds it in its new place, so it must not stay in the old one. */
TEST(a_message_that_is_taken_in_hand_while_it_moves_lands_later)
{
    start();
    uint64_t kept = put("kept\r\n", 1, 1);
    struct log_place before = message_of(kept)->place;
    struct disk_request *request = run_disk_until_a_snapshot_is_stored();
    message_of(kept)->in_hand = true;
    spool_rest(&spool);
    if (request != NULL)
        spool_request_done(&spool, request, perform(request));
    run_disk();
    assert_int_equal(message_of(kept)->place.segment, before.segment);
    message_of(kept)->in_hand = false;
    put(line, 1, 1);
    assert_true(message_of(kept)->place.segment > before.segment);
    assert_false(message_of(kept)->moving);
    assert_true(content_is(kept, "kept\r\n", 1));
    finish();
}

TEST(an_old_segment_goes_only_when_what_moved_is_durable)
{
    start();
    uint64_t kept = put("kept\r\n", 1, 1);
    segment_to_keep = message_of(kept)->place.segment;
    begin_mail_until_something_moves();
    /* Up to the removal everything is on disk twice; a crash anywhere before loses nothing. */
    struct disk_request *removal = run_disk_until(removes_it);
    assert_non_null(removal);
    spool_free(&spool);
    struct file *old = file_of(segment_to_keep);
    assert_non_null(old);
    start();
    assert_true(content_is(kept, "kept\r\n", 1));
    assert_int_equal(serious_notes, 0);
    finish();
}

TEST(a_message_that_is_found_damaged_is_taken_out_and_its_segment_set_aside)
{
    start();
    uint64_t kept = put(line, LARGE_LINES, 1), other = put("other\r\n", 1, 1);
    struct log_place place = message_of(kept)->place;
    file_of(message_of(kept)->oldest->number)->bytes[2 * SEGMENT_BLOCK + 4000] ^= 1;
    struct spool_message *damaged = NULL;
    for (int i = 0; i < 20 && damaged == NULL; i++) {
        pass_mail(1);
        damaged = spool_next_damaged(&spool);
    }
    assert_ptr_equal(damaged, message_of(kept));
    assert_int_equal(damaged->place.offset, place.offset);
    spool_quarantine(&spool, damaged);
    pass_mail(3);
    assert_null(message_of(kept));
    assert_true(content_is(other, "other\r\n", 1));
    size_t aside = 0;
    for (size_t i = 0; i < FILES_MAX; i++)
        aside += files[i].set_aside;
    assert_true(aside > 0);
    finish();
}

/* ---- places that cannot be ---- */

static struct slice record_of(uint64_t id, struct record *record)
{
    const struct log_place *place = &message_of(id)->place;
    struct slice bytes = slice_make(file_of(place->segment)->bytes + place->offset, place->length);
    const struct segment *segment = segment_table_find(&spool.segments, place->segment);
    assert_true(record_read(bytes, segment->secret, place->offset, record));
    return bytes;
}

/* The place of its last chunk is the last that its record says. */
enum { PLACE_LENGTH = 16 };

static struct log_place last_chunk_of(uint64_t id)
{
    struct record record;
    struct log_place place;
    record_of(id, &record);
    struct slice last = slice_skip(record.payload, record.payload.len - PLACE_LENGTH);
    assert_true(spool_view_next_chunk(&last, &place));
    return place;
}

static void write_last_chunk(uint64_t id, const struct log_place *place)
{
    struct record record;
    struct slice bytes = record_of(id, &record);
    const struct segment *segment =
        segment_table_find(&spool.segments, message_of(id)->place.segment);
    struct buf again = buf_make(bytes.len);
    struct writer w = writer_over(
        (char *)(uintptr_t)record.payload.at + record.payload.len - PLACE_LENGTH, PLACE_LENGTH);
    writer_u64(&w, place->segment);
    writer_u32(&w, place->offset);
    writer_u32(&w, place->length);
    assert_true(record_append(&again, RECORD_MESSAGE, id, &record.payload, 1, segment->secret,
                              message_of(id)->place.offset));
    memcpy((char *)(uintptr_t)bytes.at, buf_slice(&again).at, buf_len(&again));
    buf_free(&again);
}

enum impossible { CHUNK_IS_ANOTHERS, CHUNK_IS_TOO_LONG, CHUNK_IS_NOWHERE };

static struct log_place impossible_place(enum impossible how, uint64_t id, uint64_t other)
{
    struct log_place place = last_chunk_of(how == CHUNK_IS_ANOTHERS ? other : id);
    if (how == CHUNK_IS_TOO_LONG)
        place.length = CHUNK_RECORD_MAX + RECORD_ALIGNMENT;
    if (how == CHUNK_IS_NOWHERE)
        place.segment = 1000000;
    return place;
}

TEST(a_message_whose_chunks_cannot_be_where_it_says_is_found_damaged)
{
    for (enum impossible how = CHUNK_IS_ANOTHERS; how <= CHUNK_IS_NOWHERE; how++) {
        start();
        uint64_t kept = put(line, LARGE_LINES, 1), other = put(line, LARGE_LINES, 1);
        struct log_place place = impossible_place(how, kept, other);
        write_last_chunk(kept, &place);
        struct spool_message *damaged = NULL;
        for (int i = 0; i < 8 && damaged == NULL; i++) {
            pass_mail(1);
            damaged = spool_next_damaged(&spool);
        }
        assert_ptr_equal(damaged, message_of(kept));
        assert_false(damaged->moving);
        assert_true(content_is(other, line, LARGE_LINES));
        finish();
    }
}

/* ---- when it is worth it ---- */

TEST(the_little_that_is_left_of_the_oldest_segment_moves_though_all_else_is_wanted)
{
    start();
    uint64_t kept = put("kept\r\n", 1, 1), first = message_of(kept)->place.segment;
    message_of(kept)->in_hand = true;
    pass_mail(1);
    for (int i = 0; i < 40; i++)
        put(line, 3000, 1);
    assert_int_equal(message_of(kept)->place.segment, first);
    message_of(kept)->in_hand = false;
    run_disk();
    assert_true(message_of(kept)->place.segment > first);
    assert_null(file_of(first));
    finish();
}

/* Tries of a message use up the segment, but for what moves may not take. */
static void fill_last_segment(uint64_t id)
{
    struct spool_result result = {.recipient = 0, .text = SLICE_LITERAL("later")};
    disk_full = true;
    while (spool_trouble(&spool) == 0 || SEGMENT_SIZE - spool.log.open_offset > SEGMENT_SIZE / 4) {
        assert_true(spool_record_try(&spool, message_of(id), 555, &result, 1));
        run_disk();
    }
}

static void assert_waits_for_room(size_t lines)
{
    start();
    uint64_t kept = put(line, lines, 1), tried = put("tried\r\n", 1, 1);
    uint64_t first = message_of(kept)->place.segment;
    message_of(kept)->in_hand = message_of(tried)->in_hand = true;
    pass_mail(2);
    fill_last_segment(tried);
    uint64_t offset = spool.log.open_offset;
    message_of(kept)->in_hand = false;
    run_disk();
    assert_int_equal(message_of(kept)->place.segment, first);
    assert_int_equal(spool.log.open_offset, offset);
    disk_full = false;
    log_retry_create(&spool.log);
    run_disk();
    assert_true(message_of(kept)->place.segment > first);
    assert_true(content_is(kept, line, lines));
    finish();
}

TEST(the_end_of_the_last_segment_is_for_results_and_not_for_what_moves)
{
    assert_waits_for_room(1);
    assert_waits_for_room(5000);
}

TEST(a_log_that_is_mostly_wanted_is_left_alone)
{
    start();
    uint64_t ids[60];
    for (int i = 0; i < 60; i++)
        ids[i] = put(line, 3000, 1);
    uint64_t first = oldest_segment();
    run_disk();
    assert_int_equal(message_of(ids[0])->place.segment, first);
    for (int i = 1; i < 60; i++)
        assert_true(spool_record_done(&spool, message_of(ids[i])));
    run_disk();
    pass_mail(2);
    assert_true(oldest_segment() > first);
    assert_true(content_is(ids[0], line, 3000));
    finish();
}

/* ---- what was said at the last try ---- */

/* As it stands in the snapshot that the message became. */
static bool last_try_says(uint64_t id, const char *text)
{
    const struct log_place *place = &message_of(id)->place;
    const struct segment *segment = segment_table_find(&spool.segments, place->segment);
    struct record record;
    struct snapshot_record snapshot;
    struct slice bytes =
        slice_make(file_of(place->segment)->bytes + place->offset, SEGMENT_SIZE - place->offset);
    assert_true(record_read(bytes, segment->secret, place->offset, &record));
    assert_int_equal(record.type, RECORD_SNAPSHOT);
    assert_true(snapshot_record_read(record.payload, &snapshot));
    return text[0] == '\0'
               ? snapshot.last_try.len == 0
               : memmem(snapshot.last_try.at, snapshot.last_try.len, text, strlen(text)) != NULL;
}

static void try_it(uint64_t id, const char *text)
{
    struct spool_result result = {.recipient = 0, .text = slice_of(text)};
    assert_true(spool_record_try(&spool, message_of(id), 555, &result, 1));
    run_disk();
}

TEST(what_was_said_at_the_last_try_moves_with_its_message_alone)
{
    start();
    uint64_t tried = put("tried\r\n", 1, 1), new = put("new\r\n", 1, 1);
    try_it(tried, "too busy");
    pass_mail(8);
    assert_true(last_try_says(tried, "too busy"));
    assert_int_equal(message_of(tried)->last_try.segment, 0);
    assert_true(last_try_says(new, ""));
    pass_mail(8);
    assert_true(last_try_says(tried, "too busy"));
    assert_true(last_try_says(new, ""));
    try_it(tried, "no room");
    pass_mail(8);
    assert_true(last_try_says(tried, "no room"));
    assert_false(last_try_says(tried, "too busy"));
    finish();
}

/* Whoever sends mail chooses the content, so it may be made to look like anything. */
TEST(content_that_looks_like_the_head_of_a_snapshot_is_content)
{
    static const char bytes[] = "flag"             /* flags */
                                "\1\0\0\0"         /* recipients */
                                "\0\0\0\0\0\0\0\0" /* those that are finished */
                                "\6\0\0\0forged";  /* the last try */
    struct envelope envelope = {.recipients = &(struct slice)SLICE_LITERAL("b@example.net"),
                                .recipient_count = 1};
    start();
    struct spool_upload *upload = spool_upload_begin(&spool);
    uint64_t id = upload->id;
    spool_upload_add(upload, slice_make(bytes, sizeof bytes - 1));
    assert_non_null(spool_upload_commit(upload, &envelope));
    run_disk();
    assert_non_null(spool_next_committed(&spool));
    pass_mail(8);
    assert_true(last_try_says(id, ""));
    assert_int_equal(message_of(id)->recipients_left, 1);
    finish();
}

TEST(what_was_said_at_length_is_left_behind)
{
    char text[501] = "";
    struct spool_result results[100];
    start();
    uint64_t kept = put("kept\r\n", 1, 100);
    memset(text, 'x', sizeof text - 1);
    for (uint32_t i = 0; i < 100; i++)
        results[i] = (struct spool_result){.recipient = i, .text = slice_of(text)};
    assert_true(spool_record_try(&spool, message_of(kept), 555, results, 100));
    pass_mail(8);
    assert_true(last_try_says(kept, ""));
    assert_int_equal(message_of(kept)->tries, 1);
    assert_true(content_is(kept, "kept\r\n", 1));
    finish();
}

/* ---- moves that are given up ---- */

TEST(a_message_that_is_taken_in_hand_while_it_is_read_moves_another_time)
{
    start();
    uint64_t kept = put("kept\r\n", 1, 1);
    struct log_place before = message_of(kept)->place;
    begin_mail_until_something_moves();
    message_of(kept)->in_hand = true;
    run_disk();
    assert_false(message_of(kept)->moving);
    assert_true(list_is_empty(&spool.compaction.landing));
    message_of(kept)->in_hand = false;
    pass_mail(1);
    assert_true(message_of(kept)->place.segment > before.segment);
    finish();
}

TEST(nothing_moves_any_more_once_the_spool_rests)
{
    start();
    uint64_t kept = put("kept\r\n", 1, 1);
    struct log_place before = message_of(kept)->place;
    begin_mail_until_something_moves();
    spool_rest(&spool);
    run_disk();
    assert_true(list_is_empty(&spool.compaction.landing));
    pass_mail(3);
    assert_int_equal(message_of(kept)->place.segment, before.segment);
    assert_false(message_of(kept)->moving);
    finish();
}

TEST(a_disk_that_cannot_be_read_is_asked_again_with_the_next_segment)
{
    start();
    uint64_t kept = put("kept\r\n", 1, 1);
    struct log_place before = message_of(kept)->place;
    reading_fails = true;
    begin_mail_until_something_moves();
    reading_fails = false;
    assert_false(message_of(kept)->moving);
    assert_null(run_disk_until(is_read));
    assert_int_equal(message_of(kept)->place.segment, before.segment);
    pass_mail(2);
    assert_true(message_of(kept)->place.segment > before.segment);
    assert_true(content_is(kept, "kept\r\n", 1));
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_that_waits_does_not_hold_the_segments_behind_it),
        cmocka_unit_test(large_content_moves_with_its_message),
        cmocka_unit_test(the_state_of_a_message_moves_with_it),
        cmocka_unit_test(what_is_wanted_of_the_log_is_known_after_all_moves),
        cmocka_unit_test(a_message_that_came_on_hold_stays_so_until_it_is_released),
        cmocka_unit_test(a_release_holds_against_the_envelope),
        cmocka_unit_test(a_message_stays_where_it_is_while_it_is_in_hand),
        cmocka_unit_test(a_message_that_is_done_while_it_moves_does_not_come_back),
        cmocka_unit_test(a_move_that_a_crash_breaks_off_has_done_no_harm),
        cmocka_unit_test(a_message_that_is_done_and_gone_while_it_is_read_is_not_missed),
        cmocka_unit_test(a_message_that_is_done_before_its_snapshot_is_durable_does_not_come_back),
        cmocka_unit_test(a_message_that_is_taken_in_hand_while_it_moves_lands_later),
        cmocka_unit_test(an_old_segment_goes_only_when_what_moved_is_durable),
        cmocka_unit_test(a_message_that_is_found_damaged_is_taken_out_and_its_segment_set_aside),
        cmocka_unit_test(a_message_whose_chunks_cannot_be_where_it_says_is_found_damaged),
        cmocka_unit_test(
            the_little_that_is_left_of_the_oldest_segment_moves_though_all_else_is_wanted),
        cmocka_unit_test(the_end_of_the_last_segment_is_for_results_and_not_for_what_moves),
        cmocka_unit_test(a_log_that_is_mostly_wanted_is_left_alone),
        cmocka_unit_test(what_was_said_at_the_last_try_moves_with_its_message_alone),
        cmocka_unit_test(content_that_looks_like_the_head_of_a_snapshot_is_content),
        cmocka_unit_test(what_was_said_at_length_is_left_behind),
        cmocka_unit_test(a_message_that_is_taken_in_hand_while_it_is_read_moves_another_time),
        cmocka_unit_test(nothing_moves_any_more_once_the_spool_rests),
        cmocka_unit_test(a_disk_that_cannot_be_read_is_asked_again_with_the_next_segment),
    };
    return RUN_TESTS(tests);
}
