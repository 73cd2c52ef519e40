/* Flips one bit of a spool of a thousand messages, over and over, and looks at what a start makes
 * of it. Every flip must be harmless or be noticed, cost at most the one message that it hit, which
 * is named, and never alter a byte that is given out.
 *
 *     TUVI_BIT_FLIPS=100000 spool_bit_flip_test */
#include "spool/fixture_test.h"

#include <stdio.h>

enum { MESSAGES = 1000, FLIPS = 500, NEIGHBOURS = 12, LARGE_EVERY = 250, LARGE_REPEAT = 5000 };

struct expectation {
    uint64_t id;
    size_t repeat;
    char content[24];
    uint32_t tries;
    bool held;
};

static struct expectation expected[MESSAGES];
static uint64_t done_ids[MESSAGES];
static size_t done_count;

/* Several messages share a batch, so that they are neighbours. */
static uint64_t put_with_others(const char *content, size_t repeat, size_t recipient_count)
{
    static const struct slice recipients[] = {SLICE_LITERAL("bob@example.net"),
                                              SLICE_LITERAL("eve@example.net"),
                                              SLICE_LITERAL("joe@example.net")};
    struct spool_upload *upload = spool_upload_begin(&spool);
    struct envelope envelope = {.sender = slice_of("ada@example.org"),
                                .recipients = recipients,
                                .recipient_count = recipient_count};
    uint64_t id = upload->id;
    for (size_t i = 0; i < repeat; i++)
        while (spool_upload_add(upload, slice_of(content)) < strlen(content))
            run_disk();
    while (spool_upload_commit(upload, &envelope) == NULL)
        run_disk();
    return id;
}

static void settle_batch(void)
{
    struct spool_message *message;
    run_disk();
    while ((message = spool_next_committed(&spool)) != NULL)
        buf_free(&message->payload);
}

static void put_and_expect(size_t i)
{
    struct expectation *one = &expected[i];
    snprintf(one->content, sizeof one->content, "message %04zu\r\n", i);
    one->repeat = i % LARGE_EVERY == 0 ? LARGE_REPEAT : 1 + i % 40;
    one->id = put_with_others(one->content, one->repeat, 1 + i % 3);
    if (i % NEIGHBOURS == 0)
        settle_batch();
}

static void give_state(size_t i)
{
    struct spool_result result = {.recipient = 0, .text = SLICE_LITERAL("host said: 450 later")};
    struct expectation *one = &expected[i];
    if (i % 5 == 0) {
        one->tries = 1;
        assert_true(spool_record_try(&spool, message_of(one->id), 99, &result, 1));
    }
    if (i % 7 == 0) {
        one->held = true;
        assert_true(spool_record_order(&spool, message_of(one->id), RECORD_HOLD));
    }
    if (i % 10 == 0)
        run_disk();
}

static void fill_spool(void)
{
    all_stays = true;
    start();
    for (size_t i = 0; i < MESSAGES; i++) {
        put_and_expect(i);
        if (i % 36 == 0) {
            done_ids[done_count] = put("done\r\n", 3, 1);
            assert_true(spool_record_done(&spool, message_of(done_ids[done_count++])));
        }
    }
    settle_batch();
    for (size_t i = 0; i < MESSAGES; i++)
        give_state(i);
    run_disk();
    restart();
    spool_free(&spool);
}

struct flip {
    struct file *file;
    size_t offset;
    unsigned char bit;
};

static size_t used_length(const struct file *file)
{
    size_t length = SEGMENT_SIZE;
    while (length > 0 && file->bytes[length - 1] == 0)
        length--;
    return length;
}

static struct flip choose_flip(const size_t *lengths)
{
    struct flip flip = {.bit = (unsigned char)(1U << (unsigned)rand() % 8)};
    size_t total = 0;
    for (size_t i = 0; i < FILES_MAX; i++)
        total += lengths[i];
    size_t at = ((size_t)rand() << 16 ^ (size_t)rand()) % total, i = 0;
    while (at >= lengths[i])
        at -= lengths[i++];
    flip.file = &files[i];
    flip.offset = at;
    return flip;
}

static void apply_flip(const struct flip *flip)
{
    flip->file->bytes[flip->offset] =
        (char)((unsigned char)flip->file->bytes[flip->offset] ^ flip->bit);
}

struct tally {
    size_t harmless, noticed, messages_lost, unnamed, states_lost, done_again, wrong;
};

struct findings {
    size_t lost, unreadable, altered, altered_states, back;
    uint64_t lost_id;
};

static struct findings look(void)
{
    struct findings found = {0};
    for (size_t i = 0; i < MESSAGES; i++) {
        const struct expectation *one = &expected[i];
        const struct spool_message *message = message_of(one->id);
        if (message == NULL) {
            found.lost++;
            found.lost_id = one->id;
            continue;
        }
        enum content_verdict verdict = judge_content(one->id, one->content, one->repeat);
        found.unreadable += verdict != CONTENT_IS_IT;
        found.altered += verdict == CONTENT_IS_ANOTHER;
        found.altered_states += message->tries != one->tries || message->held != one->held;
    }
    for (size_t i = 0; i < done_count; i++)
        found.back += message_of(done_ids[i]) != NULL;
    return found;
}

static void judge(const struct flip *flip, struct tally *tally)
{
    struct findings found = look();
    size_t touched = found.lost + found.unreadable + found.altered_states + found.back;
    bool noticed = serious_notes > 0 || found.unreadable > 0;
    if (touched == 0)
        tally->harmless++;
    else
        tally->noticed += noticed;
    tally->messages_lost += found.lost + found.unreadable;
    tally->states_lost += found.altered_states;
    tally->done_again += found.back;
    tally->unnamed += found.lost > 0 && noted_id != found.lost_id;
    if (touched > 1 || (touched == 1 && !noticed) || found.altered > 0) {
        tally->wrong++;
        print_message("segment %llu, offset %zu, bit %u: %zu lost, %zu unreadable, %zu states, %zu "
                      "back, %zu notes\n",
                      (unsigned long long)flip->file->segment, flip->offset, flip->bit, found.lost,
                      found.unreadable, found.altered_states, found.back, serious_notes);
    }
}

TEST(a_flipped_bit_is_harmless_or_noticed_and_costs_one_message_at_most)
{
    const char *wanted = getenv("TUVI_BIT_FLIPS");
    size_t count = wanted != NULL ? strtoul(wanted, NULL, 10) : FLIPS;
    size_t lengths[FILES_MAX] = {0};
    struct tally tally = {0};
    fill_spool();
    for (size_t i = 0; i < FILES_MAX; i++)
        lengths[i] = files[i].bytes != NULL ? used_length(&files[i]) : 0;
    for (size_t i = 0; i < count; i++) {
        struct flip flip = choose_flip(lengths);
        apply_flip(&flip);
        open_spool();
        judge(&flip, &tally);
        spool_free(&spool);
        apply_flip(&flip);
    }
    wipe_disk();
    print_message(
        "%zu flips: %zu harmless, %zu noticed, %zu wrong; %zu messages lost (%zu of them not "
        "named), %zu states lost, %zu done again\n",
        count, tally.harmless, tally.noticed, tally.wrong, tally.messages_lost, tally.unnamed,
        tally.states_lost, tally.done_again);
    assert_int_equal(tally.wrong, 0);
    assert_int_equal(tally.harmless + tally.noticed, count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flipped_bit_is_harmless_or_noticed_and_costs_one_message_at_most),
    };
    return RUN_TESTS(tests);
}
