/* The body of a message in any cuts gives the same content, in which every line ends in CRLF; and
 * content that goes out with its dots stuffed is what a reader gets, up to its end and not a byte
 * further. */
#include "proto/smtp_body.h"

#include "base/check.h"
#include "base/writer.h"
#include "proto/dot_stuffing.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
    struct smtp_body body;
    struct writer content;
    bool ended;
    size_t consumed;
};

/* Takes what this input has; its bytes stand in memory of exactly their size. */
static void read_piece(struct reading *reading, const char *bytes, size_t len)
{
    char *copy = malloc(len > 0 ? len : 1);
    CHECK(copy != NULL);
    if (len > 0)
        memcpy(copy, bytes, len);
    struct slice input = slice_make(copy, len), span;
    enum smtp_body_step step;
    while ((step = smtp_body_next(&reading->body, &input, &span)) == SMTP_BODY_SPAN) {
        CHECK(span.len > 0);
        writer_bytes(&reading->content, span);
    }
    reading->ended = step == SMTP_BODY_END;
    reading->consumed += len - input.len;
    free(copy);
}

static struct reading read_in_cuts(struct slice data, enum smtp_body_form form, size_t cut)
{
    size_t room = 2 * data.len + 8;
    struct reading reading = {.content = writer_over(malloc(room), room)};
    CHECK(reading.content.at != NULL);
    smtp_body_start(&reading.body, form);
    while (!reading.ended && reading.consumed < data.len) {
        size_t left = data.len - reading.consumed;
        read_piece(&reading, data.at + reading.consumed, left < cut ? left : cut);
    }
    if (form == SMTP_BODY_CHUNKED)
        writer_bytes(&reading.content, smtp_body_finish(&reading.body));
    CHECK(!reading.content.overflow);
    return reading;
}

static void check_lines(struct slice content, bool whole)
{
    for (size_t i = 0; i < content.len; i++) {
        if (content.at[i] == '\n')
            CHECK(i > 0 && content.at[i - 1] == '\r');
        if (content.at[i] == '\r')
            CHECK(i + 1 == content.len || content.at[i + 1] == '\n');
    }
    if (whole && content.len > 0)
        CHECK(content.at[content.len - 1] == '\n');
}

static void check_same(const struct reading *a, const struct reading *b)
{
    CHECK(a->ended == b->ended && a->consumed == b->consumed);
    CHECK(a->body.bare_lf_seen == b->body.bare_lf_seen &&
          a->body.bare_cr_seen == b->body.bare_cr_seen);
    CHECK(slice_equal(writer_slice(&a->content), writer_slice(&b->content)));
}

/* Sends the content on, with a command behind it, and reads it again. */
static void check_stuffed(struct slice content)
{
    size_t room = 2 * content.len + 16;
    struct writer wire = writer_over(malloc(room), room);
    struct dot_stuffing stuffing;
    struct slice rest = content, span;
    CHECK(wire.at != NULL);
    dot_stuffing_start(&stuffing);
    while (dot_stuffing_next(&stuffing, &rest, &span))
        writer_bytes(&wire, span);
    writer_bytes(&wire, dot_stuffing_end(&stuffing));
    size_t end = wire.len;
    writer_text(&wire, "QUIT\r\n");
    CHECK(!wire.overflow);
    struct reading again = read_in_cuts(writer_slice(&wire), SMTP_BODY_DOTTED, room);
    CHECK(again.ended && again.consumed == end);
    CHECK(slice_equal(writer_slice(&again.content), content));
    free(again.content.at);
    free(wire.at);
}

static void read_as(struct slice data, enum smtp_body_form form, size_t cut)
{
    size_t cuts[] = {1, cut};
    struct reading whole = read_in_cuts(data, form, data.len + 1);
    bool complete = whole.ended || form == SMTP_BODY_CHUNKED;
    CHECK(form == SMTP_BODY_DOTTED || !whole.ended);
    check_lines(writer_slice(&whole.content), complete);
    for (size_t i = 0; i < 2; i++) {
        struct reading other = read_in_cuts(data, form, cuts[i]);
        check_same(&whole, &other);
        free(other.content.at);
    }
    if (complete)
        check_stuffed(writer_slice(&whole.content));
    free(whole.content.at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct slice body = slice_make((const char *)data + 1, size - 1);
    read_as(body, SMTP_BODY_DOTTED, 1U + data[0]);
    read_as(body, SMTP_BODY_CHUNKED, 1U + data[0]);
    return 0;
}
