#include "proto/mime_downgrade.h"

#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

#define VERSION         "MIME-Version: 1.0\r\n"
#define EIGHT           "Content-Transfer-Encoding: 8bit\r\n"
#define SEVEN           "Content-Transfer-Encoding: 7bit\r\n"
#define QUOTED          "Content-Transfer-Encoding: quoted-printable\r\n"
#define MIXED(boundary) "Content-Type: multipart/mixed; boundary=" boundary "\r\n"

enum { OUTPUT_ROOM = 1 << 20 };

static struct mime_downgrade machine;
static char output[OUTPUT_ROOM];

static struct slice downgrade(struct slice content, size_t cut, const struct mime_parts *distrusted)
{
    struct writer w = writer_over(output, sizeof output);
    struct slice span;
    mime_downgrade_start(&machine, distrusted);
    for (; content.len > 0; content = slice_skip(content, cut)) {
        struct slice piece = slice_first(content, cut);
        while (mime_downgrade_next(&machine, &piece, &span))
            writer_bytes(&w, span);
    }
    writer_bytes(&w, mime_downgrade_end(&machine));
    assert_false(w.overflow);
    return writer_slice(&w);
}

enum outcome { CLEAN, MISLABELLED, HOPELESS };

/* Cut after every byte, and not at all. */
static void assert_downgraded(const char *content, const struct mime_parts *distrusted,
                              enum outcome outcome, const char *expected)
{
    for (size_t cut = 1; cut <= strlen(content); cut++) {
        assert_slice(downgrade(slice_of(content), cut, distrusted), expected);
        assert_int_equal(machine.mislabelled.any, outcome == MISLABELLED);
        assert_int_equal(machine.hopeless, outcome == HOPELESS);
    }
}

static void assert_becomes(const char *content, const char *expected)
{
    assert_downgraded(content, NULL, CLEAN, expected);
}

static void assert_stays(const char *content)
{
    assert_becomes(content, content);
}

static void assert_mended(const char *content, const char *expected)
{
    downgrade(slice_of(content), 1, NULL);
    struct mime_parts mislabelled = machine.mislabelled;
    assert_true(mislabelled.any);
    assert_false(machine.hopeless);
    assert_downgraded(content, &mislabelled, CLEAN, expected);
}

static void assert_hopeless(const char *content)
{
    downgrade(slice_of(content), 1, NULL);
    assert_true(machine.hopeless);
}

TEST(a_body_of_eight_bits_becomes_quoted_printable)
{
    assert_becomes(VERSION EIGHT "X: y\r\n\r\nGrüße=\r\n",
                   VERSION "X: y\r\n" QUOTED "\r\nGr=C3=BC=C3=9Fe=3D\r\n");
    assert_becomes(VERSION "content-transfer-encoding :\r\n (x)\r\n\tBINARY\r\n\r\nü\r\n",
                   VERSION QUOTED "\r\n=C3=BC\r\n");
    assert_becomes(VERSION EIGHT "\r\n", VERSION QUOTED "\r\n");
    assert_becomes(VERSION EIGHT, VERSION QUOTED);
}

TEST(what_is_encoded_or_of_seven_bits_stays)
{
    assert_stays("");
    assert_stays("Subject: x\r\n\r\nhello=\r\n");
    assert_stays("Subject: Grüße\r\n folded ü\r\n\r\nhello\r\n");
    assert_stays(VERSION QUOTED "\r\n=C3=BC \r\n");
    assert_stays(VERSION "Content-Transfer-Encoding: base64\r\n\r\nR3LDvMOfZQ==\r\n");
    assert_stays(VERSION MIXED("b") SEVEN "\r\npre\r\n--b\r\n\r\nx=\r\n--b--\r\nepi\r\n");
}

TEST(each_part_of_a_multipart_is_dealt_with_by_its_own_label)
{
    assert_becomes(VERSION MIXED("b") EIGHT "\r\npre ü\r\n"
                                            "--b\r\n" EIGHT "\r\nü\r\n"
                                            "--b\r\n" QUOTED "\r\n=C3=BC\r\n"
                                            "--b\r\n\r\nplain=\r\n"
                                            "--b--\r\nepi ü\r\n",
                   VERSION MIXED("b") SEVEN "\r\npre ??\r\n"
                                            "--b\r\n" QUOTED "\r\n=C3=BC\r\n"
                                            "--b\r\n" QUOTED "\r\n=C3=BC\r\n"
                                            "--b\r\n\r\nplain=\r\n"
                                            "--b--\r\nepi ??\r\n");
}

TEST(multiparts_nest_and_an_outer_boundary_ends_the_inner_ones)
{
    assert_becomes(
        VERSION MIXED("out") "\r\n--out\r\n" MIXED("\"out-in\"") "\r\n"
                                                                 "--out-in\r\n" EIGHT "\r\nü\r\n"
                                                                 "--out\r\n" EIGHT
                                                                 "\r\nü\r\n--out-in\r\n\r\nx=\r\n"
                                                                 "--out--  \r\nepi\r\n",
        VERSION MIXED("out") "\r\n--out\r\n" MIXED("\"out-in\"") "\r\n"
                                                                 "--out-in\r\n" QUOTED
                                                                 "\r\n=C3=BC\r\n"
                                                                 "--out\r\n" QUOTED "\r\n=C3=BC\r\n"
                                                                 "--out-in\r\n\r\nx=\r\n"
                                                                 "--out--  \r\nepi\r\n");
}

TEST(a_message_within_the_message_has_a_header_and_a_body_of_its_own)
{
    assert_becomes(VERSION "Content-Type: message/rfc822\r\n" EIGHT "\r\n"
                           "Subject: ü\r\n" EIGHT "\r\nü\r\n",
                   VERSION "Content-Type: message/rfc822\r\n" SEVEN "\r\n"
                           "Subject: ü\r\n" QUOTED "\r\n=C3=BC\r\n");
    assert_becomes(VERSION "Content-Type: multipart/digest; boundary=b\r\n\r\n"
                           "--b\r\n\r\nSubject: x\r\n" EIGHT "\r\nü\r\n--b--\r\n",
                   VERSION "Content-Type: multipart/digest; boundary=b\r\n\r\n"
                           "--b\r\n\r\nSubject: x\r\n" QUOTED "\r\n=C3=BC\r\n--b--\r\n");
}

TEST(a_version_is_added_where_parts_or_an_encoding_mean_something)
{
    assert_becomes(EIGHT "\r\nü\r\n", VERSION QUOTED "\r\n=C3=BC\r\n");
    assert_becomes(MIXED("b") "\r\n--b\r\n" EIGHT "\r\nü\r\n",
                   MIXED("b") VERSION "\r\n--b\r\n" QUOTED "\r\n=C3=BC\r\n");
}

TEST(a_header_may_end_without_an_empty_line)
{
    assert_becomes(VERSION EIGHT "no field ü\r\nü\r\n",
                   VERSION QUOTED "\r\nno field =C3=BC\r\n=C3=BC\r\n");
    assert_becomes(VERSION MIXED("b") "--b\r\n" EIGHT "--b\r\n" EIGHT "\r\nü\r\n--b:--\r\n",
                   VERSION MIXED("b") "\r\n--b\r\n" QUOTED "--b\r\n" QUOTED
                                      "\r\n=C3=BC\r\n--b:--\r\n");
    assert_becomes(VERSION MIXED("b") "no fieldü: x\r\n--b\r\nno field\r\n--b--\r\n",
                   VERSION MIXED("b") "\r\nno field??: x\r\n--b\r\nno field\r\n--b--\r\n");
    assert_stays(" not folded: x\r\n" EIGHT);
}

TEST(a_boundary_is_where_a_line_begins_with_it)
{
    assert_becomes(VERSION MIXED("b1") "\r\n--b1\r\n" EIGHT "\r\n"
                                       " --b1\r\n-\r\n--\r\n--b\r\nx--b1\r\n-b1\r\n"
                                       "--b1 and more\r\n\r\nx=\r\n--b1--more\r\n",
                   VERSION MIXED("b1") "\r\n--b1\r\n" QUOTED "\r\n"
                                       " --b1\r\n-\r\n--\r\n--b\r\nx--b1\r\n-b1\r\n"
                                       "--b1 and more\r\n\r\nx=\r\n--b1--more\r\n");
}

TEST(no_line_comes_to_look_like_a_boundary)
{
    assert_becomes(VERSION MIXED("\"=C3=BC\"") "\r\n--=C3=BC\r\n" EIGHT "\r\n--ü\r\n-ü\r\n",
                   VERSION MIXED("\"=C3=BC\"") "\r\n--=C3=BC\r\n" QUOTED
                                               "\r\n=2D-=C3=BC\r\n-=C3=BC\r\n");
    assert_becomes(VERSION MIXED("\"??\"") "\r\n--ü\r\n--??\r\n",
                   VERSION MIXED("\"??\"") "\r\n?-??\r\n--??\r\n");
}

TEST(without_labels_a_body_is_mislabelled)
{
    assert_downgraded("Subject: x\r\n\r\nü\r\n", NULL, MISLABELLED, "Subject: x\r\n\r\nü\r\n");
    assert_mended("Subject: x\r\n\r\nü\r\n",
                  "Subject: x\r\n" VERSION
                  "Content-Type: text/plain; charset=unknown-8bit\r\n" QUOTED "\r\n=C3=BC\r\n");
    assert_mended(VERSION "Content-Type: text/html\r\n" SEVEN "\r\nü\r\n",
                  VERSION "Content-Type: text/html\r\n" QUOTED "\r\n=C3=BC\r\n");
    assert_mended(VERSION MIXED("b") SEVEN "\r\n--b\r\n\r\nü\r\n--b\r\n" EIGHT "\r\nü\r\n--b--\r\n",
                  VERSION MIXED("b") SEVEN "\r\n--b\r\nContent-Type: text/plain; "
                                           "charset=unknown-8bit\r\n" QUOTED "\r\n=C3=BC\r\n"
                                           "--b\r\n" QUOTED "\r\n=C3=BC\r\n--b--\r\n");
    assert_mended("no header ü\r\n",
                  VERSION "Content-Type: text/plain; charset=unknown-8bit\r\n" QUOTED
                          "\r\nno header =C3=BC\r\n");
}

TEST(of_mislabelled_parts_only_these_are_touched)
{
    assert_mended(
        VERSION MIXED("b") SEVEN "\r\n--b\r\n" SEVEN "X: y\r\n\r\nx=\r\n"
                                 "--b\r\n\r\nx=\r\n--b\r\n" SEVEN "X: y\r\n\r\nü\r\n--b--\r\n",
        VERSION MIXED("b") SEVEN "\r\n--b\r\n" SEVEN "X: y\r\n\r\nx=\r\n"
                                 "--b\r\n\r\nx=\r\n--b\r\nX: y\r\nContent-Type: text/plain; "
                                 "charset=unknown-8bit\r\n" QUOTED "\r\n=C3=BC\r\n--b--\r\n");
}

/* Parts without a label, the last of which is mislabelled. */
static struct slice many_parts(size_t count)
{
    static char text[40 * (MIME_PARTS_KNOWN + 10)];
    struct writer w = writer_over(text, sizeof text);
    writer_text(&w, VERSION MIXED("b") "\r\n");
    for (size_t i = 1; i < count; i++)
        writer_text(&w, "--b\r\n\r\n=\r\n");
    writer_text(&w, "--b\r\n\r\nü\r\n--b--\r\n");
    return writer_slice(&w);
}

static size_t encoded_parts(size_t count)
{
    struct slice content = many_parts(count);
    downgrade(content, 1000, NULL);
    struct mime_parts mislabelled = machine.mislabelled;
    struct slice out = downgrade(content, 1000, &mislabelled);
    size_t found = 0;
    for (; out.len > 0; out = slice_skip(out, slice_find(out, '\n') + 1))
        found += slice_starts(out, QUOTED);
    assert_false(machine.mislabelled.any);
    return found;
}

TEST(of_a_great_many_parts_the_last_are_mislabelled_together)
{
    assert_int_equal(encoded_parts(20), 1);
    assert_int_equal(encoded_parts(MIME_PARTS_KNOWN - 2), 1);
    assert_int_equal(encoded_parts(MIME_PARTS_KNOWN + 5), 8);
}

TEST(of_two_labels_the_first_counts_and_one_is_left)
{
    assert_becomes(VERSION EIGHT SEVEN "\r\nü\r\n", VERSION QUOTED "\r\n=C3=BC\r\n");
    assert_mended(VERSION SEVEN EIGHT "\r\nü\r\n", VERSION
                  "Content-Type: text/plain; charset=unknown-8bit\r\n" QUOTED "\r\n=C3=BC\r\n");
    assert_becomes(VERSION QUOTED EIGHT "\r\n=20\r\n", VERSION QUOTED "\r\n=20\r\n");
    assert_becomes(VERSION "Content-Type: text/plain\r\n" MIXED("b") EIGHT "\r\n--b\r\nü\r\n",
                   VERSION "Content-Type: text/plain\r\n" MIXED("b") QUOTED
                   "\r\n--b\r\n=C3=BC\r\n");
}

TEST(where_nothing_may_be_encoded_there_is_no_hope)
{
    assert_hopeless(VERSION QUOTED "\r\nü\r\n");
    assert_hopeless(VERSION "Content-Transfer-Encoding: x-rot\r\n\r\nü\r\n");
    assert_hopeless(VERSION "Content-Type: multipart/mixed\r\n" EIGHT "\r\nü\r\n");
    assert_hopeless(VERSION "Content-Type: message/partial\r\n" EIGHT "\r\nü\r\n");
    assert_hopeless(VERSION "Content-Type: message/rfc822\r\n" QUOTED "\r\nü\r\n");
    assert_stays(VERSION "Content-Type: multipart/mixed\r\n\r\nx=\r\n");
}

static struct slice deep(size_t levels, const char *label)
{
    static char text[64 * (MIME_NESTING_MAX + 2)];
    struct writer w = writer_over(text, sizeof text);
    for (size_t i = 0; i < levels; i++)
        writer_printf(&w, MIXED("%zu.") "\r\n--%zu.\r\n", i, i);
    writer_printf(&w, "%s\r\nü\r\n", label);
    assert_false(w.overflow);
    return writer_slice(&w);
}

TEST(multiparts_nest_a_hundred_deep_and_no_deeper)
{
    struct slice out = downgrade(deep(MIME_NESTING_MAX, EIGHT), 1000, NULL);
    assert_false(machine.hopeless);
    assert_slice(slice_skip(out, out.len - 10), "\r\n=C3=BC\r\n");
    downgrade(deep(MIME_NESTING_MAX + 1, EIGHT), 1000, NULL);
    assert_true(machine.hopeless);
}

static size_t longest_line(struct slice text)
{
    size_t longest = 0, len;
    for (; text.len > 0; text = slice_skip(text, len + 1)) {
        len = slice_find(text, '\n');
        longest = len > longest ? len : longest;
    }
    return longest;
}

/* A line of any bytes, with what stands around it. */
static void assert_long_line_is_encoded(char fill, size_t len)
{
    static char text[100000];
    struct writer w = writer_over(text, sizeof text);
    writer_text(&w, VERSION MIXED("b") "\r\n--b\r\n" EIGHT "\r\n--");
    memset(text + w.len, fill, len);
    w.len += len;
    writer_text(&w, "\r\n--b--\r\n");
    struct slice out = downgrade(writer_slice(&w), 997, NULL);
    assert_true(longest_line(out) <= QUOTED_PRINTABLE_LINE_MAX + 1);
    assert_false(machine.hopeless || machine.mislabelled.any);
}

TEST(lines_of_any_length_are_encoded)
{
    static const char fills[] = {'-', 'x', '\xff', ' ', '='};
    static const size_t lens[] = {70, 80, MIME_BOUNDARY_LINE_MAX - 3, MIME_BOUNDARY_LINE_MAX,
                                  90000};
    for (size_t i = 0; i < sizeof fills; i++)
        for (size_t j = 0; j < sizeof lens / sizeof *lens; j++)
            assert_long_line_is_encoded(fills[i], lens[j]);
}

TEST(header_lines_of_any_length_pass)
{
    static char text[50000];
    struct writer w = writer_over(text, sizeof text);
    writer_text(&w, "Content-Type: ");
    while (w.len < 40000)
        writer_text(&w, "ü x;");
    writer_text(&w, "\r\n\r\n");
    struct slice content = writer_slice(&w);
    assert_true(slice_equal(downgrade(content, 777, NULL), content));
    memcpy(text, "Content-Transfer-Encoding: ", 27);
    assert_true(slice_equal(downgrade(content, 777, NULL), content));
    memset(text, 'x', 30000);
    assert_true(slice_equal(downgrade(content, 777, NULL), content));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_of_eight_bits_becomes_quoted_printable),
        cmocka_unit_test(what_is_encoded_or_of_seven_bits_stays),
        cmocka_unit_test(each_part_of_a_multipart_is_dealt_with_by_its_own_label),
        cmocka_unit_test(multiparts_nest_and_an_outer_boundary_ends_the_inner_ones),
        cmocka_unit_test(a_message_within_the_message_has_a_header_and_a_body_of_its_own),
        cmocka_unit_test(a_version_is_added_where_parts_or_an_encoding_mean_something),
        cmocka_unit_test(a_header_may_end_without_an_empty_line),
        cmocka_unit_test(a_boundary_is_where_a_line_begins_with_it),
        cmocka_unit_test(no_line_comes_to_look_like_a_boundary),
        cmocka_unit_test(without_labels_a_body_is_mislabelled),
        cmocka_unit_test(of_mislabelled_parts_only_these_are_touched),
        cmocka_unit_test(of_a_great_many_parts_the_last_are_mislabelled_together),
        cmocka_unit_test(of_two_labels_the_first_counts_and_one_is_left),
        cmocka_unit_test(where_nothing_may_be_encoded_there_is_no_hope),
        cmocka_unit_test(multiparts_nest_a_hundred_deep_and_no_deeper),
        cmocka_unit_test(lines_of_any_length_are_encoded),
        cmocka_unit_test(header_lines_of_any_length_pass),
    };
    return RUN_TESTS(tests);
}
