/* Spools that earlier versions wrote, kept in tests/golden, must be read for ever: each folder
 * spool-VERSION holds segments, without the zeros at their ends, and expected.txt.
 *
 *     TUVI_GOLDEN_WRITE=FOLDER spool_golden_test     writes a spool of this version there
 *
 * What the format gained within a version has a spool of its own, spool-VERSION-WHAT, which
 * TUVI_GOLDEN_WRITE_WHAT=FOLDER writes. */
#include "base/buf.h"
#include "spool/fixture_test.h"

#include <inttypes.h>
#include <stdio.h>

enum { PATH_LENGTH_MAX = 1024, TEXT_MAX = 64 << 10, GOLDEN_SEGMENTS_MAX = 8 };

/* ---- what is expected, as text ---- */

static uint64_t sum_fnv(uint64_t sum, struct slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        sum = (sum ^ (unsigned char)bytes.at[i]) * 0x100000001b3;
    return sum;
}

static void describe_content(struct buf *out, const struct spool_view *view)
{
    struct content reader;
    struct slice span;
    enum content_step step;
    uint64_t sum = 0xcbf29ce484222325, length = 0;
    content_start(&reader, &spool, view);
    while ((step = content_next(&reader, &span)) == CONTENT_SPAN || step == CONTENT_READ) {
        if (step == CONTENT_READ) {
            content_read_done(&reader, perform(&reader.request));
            continue;
        }
        sum = sum_fnv(sum, span);
        length += span.len;
    }
    content_free(&reader);
    assert_int_equal(step, CONTENT_END);
    buf_add_printf(out, "  content %" PRIu64 " %016" PRIx64 "\n", length, sum);
}

static void describe_recipient(struct buf *out, const struct spool_message *message,
                               const struct envelope *envelope, size_t i)
{
    buf_add_printf(out, "  recipient <%.*s> named <%.*s> finished %d\n",
                   SLICE_PRINTF(envelope->recipients[i]), SLICE_PRINTF(envelope->originals[i]),
                   spool_message_finished(message, i));
    if (envelope->wishes != NULL)
        buf_add_printf(out, "    notify %u original <%.*s>\n", envelope->wishes[i].notify,
                       SLICE_PRINTF(envelope->wishes[i].original));
}

static void describe_wishes(struct buf *out, const struct spool_message *message,
                            const struct envelope *envelope)
{
    if (envelope->wishes != NULL)
        buf_add_printf(out, "  return %d envelope id <%.*s>\n", (int)envelope->back,
                       SLICE_PRINTF(envelope->envelope_id));
    if (message->delay_told || envelope->delayed != 0)
        buf_add_printf(out, "  delay told %d of %" PRIx64 "\n", message->delay_told,
                       envelope->delayed);
}

static void describe_message(struct buf *out, struct spool_message *message)
{
    struct arena arena = arena_make(1 << 20);
    struct disk_request request;
    struct spool_view view;
    spool_load_start(message, &request);
    assert_true(spool_load_finish(&spool, message, &request, perform(&request)));
    assert_true(spool_view_read(buf_slice(&message->payload), &arena, &view));
    buf_add_printf(out,
                   "message %" PRIx64 " arrival %" PRId64 " flags %u size %" PRIu64 " tries %u "
                   "next %" PRId64 " held %d expired %d\n",
                   spool_message_id(message), message->arrival_us, view.envelope.flags,
                   message->size, message->tries, message->next_try_us, message->held,
                   message->expired);
    buf_add_printf(out, "  sender <%.*s>\n", SLICE_PRINTF(view.envelope.sender));
    describe_wishes(out, message, &view.envelope);
    if (view.envelope.filter.len > 0)
        buf_add_printf(out, "  filter <%.*s>\n", SLICE_PRINTF(view.envelope.filter));
    for (size_t i = 0; i < view.envelope.recipient_count; i++)
        describe_recipient(out, message, &view.envelope, i);
    describe_content(out, &view);
    buf_free(&message->payload);
    arena_reset(&arena);
}

static void describe_spool(struct buf *out)
{
    uint64_t ids[100];
    size_t count = 0;
    for (struct map_node *node = map_next(&spool.messages, NULL); node != NULL;
         node = map_next(&spool.messages, node))
        ids[count++] = node->key;
    qsort(ids, count, sizeof *ids, compare_numbers);
    for (size_t i = 0; i < count; i++)
        describe_message(out, message_of(ids[i]));
    buf_add_printf(out, "ids from %" PRIx64 "\n", spool.recovery.id_counter);
}

/* ---- files ---- */

static size_t read_path(const char *folder, const char *name, char *into, size_t room)
{
    char path[PATH_LENGTH_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return 0;
    size_t length = fread(into, 1, room, file);
    fclose(file);
    return length;
}

static void write_path(const char *folder, const char *name, struct slice bytes)
{
    char path[PATH_LENGTH_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.at, 1, bytes.len, file), bytes.len);
    fclose(file);
}

static void name_segment(uint64_t number, char name[64])
{
    snprintf(name, 64, "%016" PRIx64 ".segment", number);
}

static size_t read_segments(const char *folder)
{
    size_t count = 0;
    wipe_disk();
    for (uint64_t number = 1; number < GOLDEN_SEGMENTS_MAX; number++) {
        char name[64];
        struct file *file = free_file();
        file->bytes = calloc(1, SEGMENT_SIZE);
        file->segment = number;
        name_segment(number, name);
        if (read_path(folder, name, file->bytes, SEGMENT_SIZE) > 0) {
            count++;
        } else {
            free(file->bytes);
            file->bytes = NULL;
        }
    }
    return count;
}

static void write_segments(const char *folder)
{
    for (size_t i = 0; i < FILES_MAX; i++) {
        char name[64];
        size_t length = SEGMENT_SIZE;
        if (files[i].bytes == NULL)
            continue;
        while (length > 0 && files[i].bytes[length - 1] == 0)
            length--;
        name_segment(files[i].segment, name);
        write_path(folder, name, slice_make(files[i].bytes, length));
    }
}

/* ---- a spool with everything in it ---- */

static uint64_t put_envelope(const struct envelope *envelope, const char *content)
{
    struct spool_upload *upload = spool_upload_begin(&spool);
    uint64_t id = upload->id;
    spool_upload_add(upload, slice_of(content));
    assert_non_null(spool_upload_commit(upload, envelope));
    run_disk();
    buf_free(&spool_next_committed(&spool)->payload);
    return id;
}

/* Its sender wants to be told of something else for each recipient. */
static uint64_t put_wishes(void)
{
    static const struct slice recipients[] = {
        SLICE_LITERAL("bob@example.net"), SLICE_LITERAL("j\303\265geva@example.ee"),
        SLICE_LITERAL("eve@example.net"), SLICE_LITERAL("carl@example.net")};
    static const struct slice originals[] = {SLICE_LITERAL("all@example.org"), SLICE_LITERAL(""),
                                             SLICE_LITERAL(""), SLICE_LITERAL("")};
    static const struct dsn_wish wishes[] = {
        {DSN_NEVER | DSN_EXPANDED, SLICE_LITERAL("")},
        {DSN_SUCCESS | DSN_FAILURE | DSN_DELAY, SLICE_LITERAL("rfc822;jogeva+tag@example.ee")},
        {0, SLICE_LITERAL("x400;/S=eve/")},
        {DSN_FAILURE, SLICE_LITERAL("")}};
    struct envelope envelope = {.flags = ENVELOPE_EIGHT_BIT | ENVELOPE_UTF8 | ENVELOPE_UTF8_HEADER,
                                .arrival_us = 1795000000654321,
                                .sender = SLICE_LITERAL("ada@example.org"),
                                .recipients = recipients,
                                .originals = originals,
                                .recipient_count = 4,
                                .back = DSN_RETURN_HEADERS,
                                .envelope_id = SLICE_LITERAL("QQ314159 + 1"),
                                .wishes = wishes};
    return put_envelope(&envelope, "Subject: wishes\r\n\r\nx\r\n");
}

static uint64_t put_delay(uint64_t id)
{
    static const struct slice recipient = SLICE_LITERAL("ada@example.org");
    struct envelope envelope = {.flags = ENVELOPE_NOTICE,
                                .arrival_us = 1795000000654322,
                                .recipients = &recipient,
                                .recipient_count = 1,
                                .delayed = id};
    return put_envelope(&envelope, "Subject: late\r\n\r\nwait\r\n");
}

static uint64_t put_notice(void)
{
    static const struct slice recipients[] = {SLICE_LITERAL("bob@example.net"),
                                              SLICE_LITERAL("eve@example.net")};
    static const struct slice originals[] = {SLICE_LITERAL("all@example.org"), SLICE_LITERAL("")};
    struct envelope envelope = {.flags = ENVELOPE_NOTICE | ENVELOPE_EIGHT_BIT,
                                .arrival_us = 1795000000123456,
                                .recipients = recipients,
                                .originals = originals,
                                .recipient_count = 2};
    return put_envelope(&envelope, "Subject: notice\r\n\r\nfür Eve\r\n");
}

static void make_spool(void)
{
    struct spool_result results[] = {
        {.recipient = 1, .finished = true, .text = SLICE_LITERAL("250 2.0.0 Ok")},
        {.recipient = 0, .text = SLICE_LITERAL("450 4.2.0 later")}};
    srand(1);
    start();
    uint64_t small = put("Subject: small\r\n\r\nHello.\r\n", 1, 2);
    uint64_t large = put("Subject: large\r\n", 5000, 70), done = put("done\r\n", 1, 1);
    uint64_t wishes = put_wishes(), gone = put_delay(large);
    put_delay(small);
    assert_true(spool_record_try(&spool, message_of(small), 1795000300000000, results, 2));
    assert_true(spool_record_try(&spool, message_of(large), 1795000400000000, results, 2));
    assert_true(spool_record_order(&spool, message_of(large), RECORD_HOLD));
    assert_true(spool_record_done(&spool, message_of(gone)));
    run_disk();
    restart(); /* all of them move */
    all_stays = true;
    uint64_t notice = put_notice(), expired = put("expired\r\n", 3, 1);
    assert_true(spool_record_done(&spool, message_of(done)));
    assert_true(spool_record_try(&spool, message_of(small), 1795000600000000, results + 1, 1));
    assert_true(spool_record_try(&spool, message_of(notice), 1795000500000000, results, 1));
    assert_true(spool_record_order(&spool, message_of(expired), RECORD_EXPIRE));
    run_disk();
    restart();
    assert_true(spool_record_order(&spool, message_of(notice), RECORD_HOLD));
    assert_true(spool_record_order(&spool, message_of(large), RECORD_RELEASE));
    assert_true(spool_record_try(&spool, message_of(wishes), 1795000700000000, results, 1));
    put_delay(wishes);
    put_wishes();
    assert_true(spool_record_order(&spool, message_of(small), RECORD_HOLD));
    assert_true(spool_record_order(&spool, message_of(small), RECORD_REQUEUE));
    put("last\r\n", 1, 1);
    run_disk();
    spool_free(&spool);
}

static uint64_t put_filtered(uint32_t flags)
{
    static const struct slice recipients[] = {SLICE_LITERAL("bob@example.net")};
    static const struct slice originals[] = {SLICE_LITERAL("")};
    struct spool_upload *upload = spool_upload_begin(&spool);
    struct envelope envelope = {.flags = flags,
                                .arrival_us = 1795000000123456,
                                .sender = SLICE_LITERAL("ada@example.org"),
                                .recipients = recipients,
                                .originals = originals,
                                .recipient_count = 1,
                                .filter = SLICE_LITERAL("smtp:[127.0.0.1]:10025")};
    uint64_t id = upload->id;
    spool_upload_add(upload, slice_of("Subject: filtered\r\n\r\n"));
    assert_non_null(spool_upload_commit(upload, &envelope));
    run_disk();
    struct spool_message *message = spool_next_committed(&spool);
    buf_free(&message->payload);
    return id;
}

static uint64_t put_held(const char *content)
{
    put_flags = ENVELOPE_HELD;
    uint64_t id = put(content, 1, 2);
    put_flags = 0;
    return id;
}

/* What actions want done to messages: some as they came, some moved, some released. */
static void make_spool_of_actions(void)
{
    srand(2);
    start();
    uint64_t moved = put_held("held, and moved\r\n"),
             released = put_held("released, and moved\r\n");
    put_filtered(0);
    assert_true(spool_record_order(&spool, message_of(released), RECORD_RELEASE));
    run_disk();
    restart(); /* all of them move */
    all_stays = true;
    assert_true(message_of(moved)->held);
    put_held("held\r\n");
    put_filtered(ENVELOPE_HELD);
    released = put_filtered(ENVELOPE_HELD | ENVELOPE_EIGHT_BIT);
    assert_true(spool_record_order(&spool, message_of(released), RECORD_REQUEUE));
    run_disk();
    spool_free(&spool);
}

static void check_golden(const char *name)
{
    static char folder[PATH_LENGTH_MAX], expected[TEXT_MAX];
    const char *golden = getenv("TUVI_GOLDEN");
    struct buf text = buf_make(TEXT_MAX);
    snprintf(folder, sizeof folder, "%s/%s", golden != NULL ? golden : "tests/golden", name);
    assert_true(read_segments(folder) > 0);
    size_t length = read_path(folder, "expected.txt", expected, sizeof expected);
    open_spool();
    assert_int_equal(notes, 0);
    describe_spool(&text);
    assert_int_equal(buf_len(&text), length);
    assert_memory_equal(buf_slice(&text).at, expected, length);
    buf_free(&text);
    finish();
}

TEST(a_spool_of_version_0_is_read)
{
    check_golden("spool-0");
}

TEST(a_spool_of_version_1_is_read)
{
    check_golden("spool-1");
}

TEST(a_spool_of_version_2_is_read)
{
    check_golden("spool-2");
}

TEST(a_spool_with_what_actions_want_is_read)
{
    check_golden("spool-2-actions");
}

static void write_golden(const char *folder, void (*make)(void))
{
    struct buf text = buf_make(TEXT_MAX);
    if (folder == NULL)
        return;
    make();
    write_segments(folder);
    open_spool();
    describe_spool(&text);
    write_path(folder, "expected.txt", buf_slice(&text));
    buf_free(&text);
    finish();
}

TEST(a_spool_of_this_version_is_written_when_it_is_wanted)
{
    write_golden(getenv("TUVI_GOLDEN_WRITE"), make_spool);
    write_golden(getenv("TUVI_GOLDEN_WRITE_ACTIONS"), make_spool_of_actions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_spool_of_this_version_is_written_when_it_is_wanted),
        cmocka_unit_test(a_spool_of_version_0_is_read),
        cmocka_unit_test(a_spool_of_version_1_is_read),
        cmocka_unit_test(a_spool_of_version_2_is_read),
        cmocka_unit_test(a_spool_with_what_actions_want_is_read),
    };
    return RUN_TESTS(tests);
}
