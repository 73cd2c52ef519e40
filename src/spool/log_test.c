#include "spool/log.h"

#include "base/reader.h"
#include "spool/upload.h"
#include "tests/unit.h"

#include <string.h>

/* The log alone; the disk is a table of what was asked of it. */

enum { SEGMENT_SIZE = 4 << 20, LARGE = 60 << 10, ID_BLOCK = 1 << 16 };

static struct log log_;
static struct segment_table segments;
static bool disk_full;
static char bytes[1 << 20];
static struct reserve {
    uint64_t limit, closed_segment, closed_end;
} reserve;                /* as the last one that was written says */
static uint64_t last_end; /* of the last write, in its segment */
static unsigned creations;

static void begin_with(struct log_start start)
{
    start.segment_size = start.segment_size != 0 ? start.segment_size : SEGMENT_SIZE;
    start.secret_key = (struct siphash_key){{3, 4}};
    disk_full = false;
    creations = 0;
    segment_table_init(&segments);
    log_init(&log_, &start, &segments);
}

static void end(void)
{
    log_free(&log_);
    segment_table_free(&segments);
}

static void note_reserve(struct slice payload)
{
    struct reader r = reader_over(payload);
    reserve.limit = reader_u64(&r);
    reserve.closed_segment = reader_u64(&r);
    reserve.closed_end = reader_u64(&r);
    assert_true(reader_finished(&r));
}

/* How many RESERVEs it has; every record in it can be read with its segment's secret. */
static unsigned note_write(const struct disk_request *request)
{
    const struct segment *segment = segment_table_find(&segments, request->segment);
    unsigned reserves = 0;
    assert_int_equal(request->operation, DISK_WRITE);
    assert_true(request->offset + request->data.len <= log_.segment_size);
    assert_non_null(segment);
    for (size_t at = 0; at < request->data.len;) {
        struct record record;
        assert_true(record_read(slice_skip(request->data, at), segment->secret,
                                request->offset + at, &record));
        if (record.type == RECORD_RESERVE) {
            note_reserve(record.payload);
            reserves++;
        }
        at += record_length(record.payload.len);
    }
    last_end = request->offset + request->data.len;
    return reserves;
}

static void carry_out(struct disk_request *request)
{
    int error = 0;
    if (request->operation == DISK_CREATE) {
        error = disk_full ? 28 : 0;
        creations++;
    } else {
        note_write(request);
    }
    log_request_done(&log_, request, error);
}

static void settle(void)
{
    struct disk_request *request;
    while ((request = log_next_request(&log_)) != NULL)
        carry_out(request);
}

static void begin(void)
{
    begin_with((struct log_start){.next_segment = 1, .id_counter = 1});
    settle();
}

static bool append(size_t length)
{
    struct slice part = slice_make(bytes, length);
    struct log_place place;
    uint64_t ticket;
    return log_append(&log_, RECORD_CHUNK, 1, &part, 1, &place, &ticket);
}

static uint64_t room(void)
{
    return log_.segment_size - log_.open_offset;
}

/* So that no more than this is left of the open segment. */
static void fill_but_for(uint64_t left)
{
    while (room() > left) {
        assert_true(append(room() - left > 2 * LARGE ? LARGE : 1));
        settle();
    }
}

/* ---- segments ---- */

TEST(the_first_record_of_a_segment_says_where_the_one_before_it_ended)
{
    begin_with((struct log_start){
        .next_segment = 9, .last_segment = 7, .last_end = 12345, .id_counter = 1});
    settle();
    assert_int_equal(log_.open_segment, 9);
    assert_int_equal(reserve.closed_segment, 7);
    assert_int_equal(reserve.closed_end, 12345);
    for (uint64_t number = 10; number < 12; number++) {
        uint64_t closed_end = 0;
        while (log_.open_segment < number) {
            closed_end = segment_round_up(last_end);
            assert_true(append(LARGE));
            settle();
        }
        assert_int_equal(log_.open_segment, number);
        assert_int_equal(reserve.closed_segment, number - 1);
        assert_int_equal(reserve.closed_end, closed_end);
    }
    end();
}

static bool next_creation_is_over(int error)
{
    struct disk_request *request;
    while ((request = log_next_request(&log_))->operation != DISK_CREATE) {
        note_write(request);
        log_request_done(&log_, request, 0);
    }
    log_request_done(&log_, request, error);
    return request->over;
}

TEST(only_a_segment_that_may_be_there_already_is_written_over)
{
    begin_with((struct log_start){.next_segment = 5, .next_is_unused = true, .id_counter = 1});
    assert_true(next_creation_is_over(0));
    assert_false(next_creation_is_over(5));
    log_retry_create(&log_);
    assert_true(next_creation_is_over(0));
    settle();
    while (log_.open_segment == 5)
        if (append(LARGE) && log_.open_segment == 5)
            settle();
    assert_false(next_creation_is_over(0));
    end();
}

TEST(an_unused_segment_takes_the_place_of_one_that_cannot_be_made)
{
    begin_with((struct log_start){.next_segment = 5, .id_counter = 1});
    log_use_segment(&log_, 3); /* not yet known that it cannot */
    assert_false(next_creation_is_over(28));
    assert_int_equal(log_.next_number, 5);
    log_use_segment(&log_, 4);
    assert_true(next_creation_is_over(0));
    settle();
    assert_int_equal(log_.open_segment, 4);
    end();
}

TEST(a_log_that_goes_on_needs_no_unused_segment)
{
    begin();
    disk_full = true;
    fill_but_for(SEGMENT_SIZE / 2);
    while (log_.open_segment == 1) {
        append(LARGE);
        settle();
    }
    assert_int_equal(log_.next_error, 28);
    log_use_segment(&log_, 1);
    assert_int_equal(log_.next_number, 3);
    assert_null(log_next_request(&log_));
    end();
}

/* ---- a segment that is the last for now ---- */

static void begin_on_full_disk(void)
{
    begin();
    while (log_.open_segment == 1) { /* into the one that was made ahead */
        disk_full = true;
        assert_true(append(LARGE));
        settle();
    }
    assert_int_equal(log_.next_error, 28);
}

TEST(what_the_rest_of_a_segment_has_no_room_for_is_refused)
{
    begin_on_full_disk();
    fill_but_for(100 << 10);
    assert_false(append(100 << 10));
    settle();
    assert_true(append(10));
    assert_false(append(100 << 10)); /* nor behind another in its batch */
    settle();
    end();
}

TEST(the_last_segment_is_used_to_its_end_and_no_further)
{
    begin_on_full_disk();
    fill_but_for(SEGMENT_BLOCK);
    assert_true(log_takes_results(&log_));
    assert_true(append(1));
    settle();
    assert_int_equal(room(), 0);
    assert_false(log_takes_results(&log_));
    assert_false(append(1));
    assert_null(log_next_request(&log_));
    disk_full = false;
    log_retry_create(&log_);
    settle();
    assert_true(log_takes_results(&log_));
    assert_true(append(1));
    settle();
    end();
}

TEST(a_retry_is_for_what_failed)
{
    begin();
    unsigned before = creations;
    log_retry_create(&log_);
    settle();
    assert_int_equal(creations, before);
    end();
}

TEST(the_less_is_left_the_less_is_taken)
{
    begin_on_full_disk();
    assert_false(log_takes_mail(&log_)); /* the disk is known to be full */
    assert_true(log_takes_move(&log_) && log_takes_results(&log_));
    log_retry_create(&log_);
    struct disk_request *creation = log_next_request(&log_);
    assert_int_equal(creation->operation, DISK_CREATE);
    assert_false(log_takes_mail(&log_)); /* nor is it known to have room now */
    fill_but_for(SEGMENT_SIZE / 4 + SEGMENT_BLOCK);
    assert_true(log_takes_move(&log_));
    fill_but_for(SEGMENT_SIZE / 4);
    assert_false(log_takes_move(&log_));
    assert_true(log_takes_results(&log_));
    log_request_done(&log_, creation, 0);
    assert_true(log_takes_mail(&log_) && log_takes_move(&log_) && log_takes_results(&log_));
    end();
}

TEST(half_a_segment_is_enough_for_mail_while_the_next_is_being_made)
{
    begin();
    assert_true(log_takes_mail(&log_) && log_takes_chunk(&log_));
    while (log_.open_segment == 1) {
        assert_true(append(LARGE));
        if (log_.open_segment == 1)
            settle();
    }
    struct disk_request *creation = log_next_request(&log_);
    assert_int_equal(creation->operation, DISK_CREATE);
    fill_but_for(SEGMENT_SIZE / 2 + SEGMENT_BLOCK);
    assert_true(log_takes_mail(&log_) && log_takes_chunk(&log_));
    fill_but_for(SEGMENT_SIZE / 2);
    assert_false(log_takes_mail(&log_) || log_takes_chunk(&log_));
    log_request_done(&log_, creation, 0);
    assert_true(log_takes_mail(&log_) && log_takes_chunk(&log_));
    end();
}

/* ---- batches ---- */

TEST(a_batch_that_holds_much_takes_no_more_chunks_and_less_of_what_moves)
{
    begin();
    size_t chunks = 0, moves = 0;
    while (log_takes_chunk(&log_)) {
        moves += log_takes_move(&log_);
        chunks++;
        assert_true(append(UPLOAD_CHUNK));
    }
    assert_int_equal(chunks, 4);
    assert_int_equal(moves, 1);
    assert_true(log_takes_mail(&log_));
    settle();
    assert_true(log_takes_chunk(&log_) && log_takes_move(&log_));
    end();
}

TEST(the_log_is_quiet_when_nothing_is_to_be_written_or_synced)
{
    begin();
    assert_true(log_is_quiet(&log_));
    assert_true(append(1));
    assert_false(log_is_quiet(&log_));
    struct disk_request *write = log_next_request(&log_);
    assert_false(log_is_quiet(&log_));
    assert_true(append(1));
    log_request_done(&log_, write, 0);
    assert_false(log_is_quiet(&log_));
    settle();
    assert_true(log_is_quiet(&log_));
    end();
}

TEST(a_log_that_was_busy_once_does_not_keep_the_memory)
{
    begin();
    while (append(UPLOAD_CHUNK))
        ;
    assert_true(log_.filling.bytes.capacity > 500 << 10);
    settle();
    assert_true(log_.filling.bytes.capacity <= 256 << 10);
    assert_true(log_.flying.bytes.capacity <= 256 << 10);
    end();
}

/* ---- ids ---- */

static uint64_t take_ids(size_t count)
{
    uint64_t id = 0;
    while (count-- > 0) {
        id = log_new_id(&log_);
        assert_true(id != 0 && id < reserve.limit);
    }
    return id;
}

TEST(an_id_is_given_out_only_when_its_bound_is_durable)
{
    begin();
    assert_true(append(1));
    struct disk_request *before = log_next_request(&log_);
    assert_int_equal(note_write(before), 0);
    take_ids(ID_BLOCK * 3 / 4 + 1);
    assert_true(append(1)); /* few are left, so its batch asks for more */
    uint64_t last = take_ids(ID_BLOCK / 4 - 1);
    assert_false(log_has_ids(&log_));
    log_request_done(&log_, before, 0);
    assert_false(log_has_ids(&log_));
    assert_int_equal(log_new_id(&log_), 0);
    struct disk_request *asks = log_next_request(&log_);
    assert_int_equal(note_write(asks), 1);
    assert_false(log_has_ids(&log_));
    log_request_done(&log_, asks, 0);
    assert_int_equal(take_ids(1), last + 1);
    end();
}

TEST(ids_do_not_run_out_while_the_log_is_used)
{
    begin();
    for (size_t i = 0; i < 10; i++) {
        take_ids(ID_BLOCK / 8);
        assert_true(append(1));
        settle();
    }
    assert_int_equal(log_.open_segment, 1);
    end();
}

TEST(more_ids_are_asked_for_though_nothing_else_is_to_be_written)
{
    begin();
    uint64_t last = take_ids(ID_BLOCK);
    assert_false(log_has_ids(&log_));
    settle();
    assert_int_equal(take_ids(1), last + 1);
    end();
}

TEST(what_is_left_of_the_last_segment_is_not_spent_on_ids)
{
    begin_on_full_disk();
    uint64_t left = room();
    while (log_new_id(&log_) != 0)
        ;
    settle();
    assert_int_equal(room(), left);
    assert_false(log_has_ids(&log_));
    end();
}

TEST(ids_that_are_found_late_to_be_taken_are_skipped)
{
    begin();
    uint64_t first = take_ids(1);
    log_raise_ids(&log_, 1);
    assert_int_equal(take_ids(1), first + 1);
    log_raise_ids(&log_, 1000000);
    assert_false(log_has_ids(&log_));
    settle();
    assert_int_equal(take_ids(1), 1000000);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_record_of_a_segment_says_where_the_one_before_it_ended),
        cmocka_unit_test(only_a_segment_that_may_be_there_already_is_written_over),
        cmocka_unit_test(an_unused_segment_takes_the_place_of_one_that_cannot_be_made),
        cmocka_unit_test(a_log_that_goes_on_needs_no_unused_segment),
        cmocka_unit_test(what_the_rest_of_a_segment_has_no_room_for_is_refused),
        cmocka_unit_test(the_last_segment_is_used_to_its_end_and_no_further),
        cmocka_unit_test(a_retry_is_for_what_failed),
        cmocka_unit_test(the_less_is_left_the_less_is_taken),
        cmocka_unit_test(half_a_segment_is_enough_for_mail_while_the_next_is_being_made),
        cmocka_unit_test(a_batch_that_holds_much_takes_no_more_chunks_and_less_of_what_moves),
        cmocka_unit_test(the_log_is_quiet_when_nothing_is_to_be_written_or_synced),
        cmocka_unit_test(a_log_that_was_busy_once_does_not_keep_the_memory),
        cmocka_unit_test(an_id_is_given_out_only_when_its_bound_is_durable),
        cmocka_unit_test(ids_do_not_run_out_while_the_log_is_used),
        cmocka_unit_test(more_ids_are_asked_for_though_nothing_else_is_to_be_written),
        cmocka_unit_test(what_is_left_of_the_last_segment_is_not_spent_on_ids),
        cmocka_unit_test(ids_that_are_found_late_to_be_taken_are_skipped),
    };
    return RUN_TESTS(tests);
}
