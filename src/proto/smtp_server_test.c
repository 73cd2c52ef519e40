/* Smuggling: whatever stands where the end of data could be, there is one message, and nothing in
 * it is run as a command. CVE-2023-51764 and its kin. */
#include "proto/smtp_server.h"

#include "base/buf.h"
#include "proto/dot_stuffing.h"
#include "tests/unit.h"

enum { VARIANTS_MIN = 200 };

struct outcome {
    unsigned mails;
    unsigned messages;
    bool closed;
    struct buf content;
};

static const struct smtp_server_settings settings = {.hostname = SLICE_LITERAL("mx.example.org"),
                                                     .line_limit = 2048,
                                                     .error_limit_soft = 100,
                                                     .error_limit_hard = 100,
                                                     .junk_limit = 100};

static const char *answer_to(enum smtp_question_kind kind)
{
    switch (kind) {
    case SMTP_ASK_CONNECT:
        return "220 hello";
    case SMTP_ASK_DATA:
    case SMTP_ASK_BDAT:
        return "354 go";
    case SMTP_ASK_UNKNOWN:
        return "500 5.5.2 Error: command not recognized";
    case SMTP_ASK_ABANDON:
        return "503 5.5.1 Error: need RCPT command";
    default:
        return "250 2.0.0 Ok";
    }
}

static void take_step(struct smtp_server *server, const struct smtp_server_step *step,
                      struct outcome *outcome)
{
    if (step->kind == SMTP_SERVER_BODY)
        assert_true(buf_add(&outcome->content, step->bytes));
    outcome->closed |= step->kind == SMTP_SERVER_CLOSE;
    if (step->kind != SMTP_SERVER_ASK)
        return;
    outcome->mails += step->question.kind == SMTP_ASK_MAIL;
    outcome->messages += step->question.kind == SMTP_ASK_MESSAGE;
    smtp_server_answer(server, slice_of(answer_to(step->question.kind)));
}

static void play(struct slice wire, size_t cut, unsigned bare_lf_code, struct outcome *outcome)
{
    struct smtp_server server;
    struct smtp_server_terms terms = {.bare_lf_code = bare_lf_code};
    size_t shown = 0, consumed = 0;
    *outcome = (struct outcome){.content = buf_make(4096)};
    smtp_server_init(&server, &settings, false);
    smtp_server_set_terms(&server, &terms);
    while (!outcome->closed) {
        struct slice input = slice_skip(slice_first(wire, shown), consumed);
        size_t before = input.len;
        struct smtp_server_step step = smtp_server_next(&server, &input);
        consumed += before - input.len;
        if (step.kind == SMTP_SERVER_NEED_INPUT) {
            assert_true(shown < wire.len); /* QUIT is always reached */
            shown = shown + cut < wire.len ? shown + cut : wire.len;
        } else {
            take_step(&server, &step, outcome);
        }
    }
}

/* What leaves us again: stuffed, it is one message for whoever reads it. */
static void assert_leaves_as_one(struct slice content)
{
    struct buf wire = buf_make(8192);
    struct dot_stuffing stuffing;
    struct smtp_body body;
    struct slice span, rest = content;
    size_t len = 0;
    enum smtp_body_step step;
    dot_stuffing_start(&stuffing);
    while (dot_stuffing_next(&stuffing, &rest, &span))
        assert_true(buf_add(&wire, span));
    assert_true(buf_add(&wire, dot_stuffing_end(&stuffing)));
    rest = buf_slice(&wire);
    smtp_body_start(&body, SMTP_BODY_DOTTED);
    while ((step = smtp_body_next(&body, &rest, &span)) == SMTP_BODY_SPAN)
        len += span.len;
    assert_int_equal(step, SMTP_BODY_END);
    assert_int_equal(rest.len, 0);
    assert_int_equal(len, content.len);
    assert_false(body.bare_lf_seen || body.bare_cr_seen);
    buf_free(&wire);
}

static void assert_one_message(struct slice wire)
{
    static const size_t cuts[] = {1, 2, 7, 64, 10000};
    static const unsigned codes[] = {0, 550};
    for (size_t i = 0; i < 10; i++) {
        struct outcome outcome;
        play(wire, cuts[i % 5], codes[i / 5], &outcome);
        assert_int_equal(outcome.mails, 1);
        assert_true(outcome.messages == 1 || (codes[i / 5] != 0 && outcome.messages == 0));
        if (outcome.messages == 1)
            assert_leaves_as_one(buf_slice(&outcome.content));
        buf_free(&outcome.content);
    }
}

static const char envelope[] = "MAIL FROM:<ada@example.org>\r\nRCPT TO:<bob@example.net>\r\n";
static const char smuggled[] = "MAIL FROM:<evil@example.org>\r\nRCPT TO:<victim@example.net>\r\n"
                               "DATA\r\nevil\r\n.\r\n";

static void play_as_data(struct slice variant)
{
    char bytes[1024];
    struct writer w = writer_over(bytes, sizeof bytes);
    writer_text(&w, envelope);
    writer_text(&w, "DATA\r\nhello");
    writer_bytes(&w, variant);
    writer_text(&w, smuggled);
    writer_text(&w, "QUIT\r\n");
    assert_false(w.overflow);
    assert_one_message(writer_slice(&w));
}

/* In two chunks, the first of which ends `split` bytes into the variant. */
static void play_as_chunks(struct slice variant, size_t split)
{
    char bytes[1024];
    struct writer w = writer_over(bytes, sizeof bytes);
    writer_text(&w, envelope);
    writer_printf(&w, "BDAT %zu\r\nhello", 5 + split);
    writer_bytes(&w, slice_first(variant, split));
    writer_printf(&w, "BDAT %zu LAST\r\n", variant.len - split + sizeof smuggled - 1);
    writer_bytes(&w, slice_skip(variant, split));
    writer_text(&w, smuggled);
    writer_text(&w, "QUIT\r\n");
    assert_false(w.overflow);
    assert_one_message(writer_slice(&w));
}

static bool holds_the_end(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (slice_starts(slice_skip(text, i), "\r\n.\r\n"))
            return true;
    return false;
}

static const struct slice breaks[] = {
    SLICE_LITERAL(""),         SLICE_LITERAL("\n"),           SLICE_LITERAL("\r"),
    SLICE_LITERAL("\r\n"),     SLICE_LITERAL("\n\r"),         SLICE_LITERAL("\r\r"),
    SLICE_LITERAL("\n\n"),     SLICE_LITERAL("\r\r\n"),       SLICE_LITERAL("\r\n\r"),
    SLICE_LITERAL("\r\n\n"),   SLICE_LITERAL("\r\0\n"),       SLICE_LITERAL("\r\n\0"),
    SLICE_LITERAL("\0\r\n"),   SLICE_LITERAL("\r\n "),        SLICE_LITERAL("\x85"),
    SLICE_LITERAL("\r\x85\n"), SLICE_LITERAL("\xe2\x80\xa8"), SLICE_LITERAL("\v\f\x1c"),
};
static const struct slice dots[] = {
    SLICE_LITERAL("."),   SLICE_LITERAL(".."),  SLICE_LITERAL(". "),   SLICE_LITERAL(".\0"),
    SLICE_LITERAL("\0."), SLICE_LITERAL("\b."), SLICE_LITERAL("\xae"),
};

enum { BREAKS = sizeof breaks / sizeof *breaks, DOTS = sizeof dots / sizeof *dots };

TEST(no_second_message_is_smuggled_in)
{
    size_t variants = 0;
    for (size_t i = 0; i < BREAKS * DOTS * BREAKS; i++) {
        char bytes[16];
        struct writer w = writer_over(bytes, sizeof bytes);
        writer_bytes(&w, breaks[i % BREAKS]);
        writer_bytes(&w, dots[i / BREAKS % DOTS]);
        writer_bytes(&w, breaks[i / BREAKS / DOTS]);
        struct slice variant = writer_slice(&w);
        variants++;
        for (size_t split = 0; split <= variant.len; split++)
            play_as_chunks(variant, split);
        if (!holds_the_end(variant))
            play_as_data(variant);
    }
    assert_true(variants >= VARIANTS_MIN);
}

TEST(the_true_end_is_the_end)
{
    struct outcome outcome;
    char bytes[1024];
    struct writer w = writer_over(bytes, sizeof bytes);
    writer_text(&w, envelope);
    writer_text(&w, "DATA\r\nhello\r\n.\r\n");
    writer_text(&w, smuggled);
    writer_text(&w, "QUIT\r\n");
    play(writer_slice(&w), 7, 0, &outcome);
    assert_int_equal(outcome.messages, 2);
    buf_free(&outcome.content);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_second_message_is_smuggled_in),
        cmocka_unit_test(the_true_end_is_the_end),
    };
    return RUN_TESTS(tests);
}
