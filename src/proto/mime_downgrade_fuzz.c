/* Any content in any cuts gives the same, and what came out is not changed when it goes through
 * again: so the parts are still where they were, and no byte beyond ASCII is left in a body. As the
 * body of one part, whoever decodes it gets it back. */
#include "proto/mime_downgrade.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct result {
    struct writer out;
    struct mime_parts mislabelled;
    bool hopeless;
};

/* Each piece stands in memory of exactly its size. */
static void take_piece(struct mime_downgrade *machine, struct slice piece, struct writer *out)
{
    char *copy = malloc(piece.len);
    CHECK(copy != NULL);
    memcpy(copy, piece.at, piece.len);
    struct slice rest = slice_make(copy, piece.len), span;
    while (mime_downgrade_next(machine, &rest, &span))
        writer_bytes(out, span);
    free(copy);
}

/* A byte becomes three and a line break; a line may be a part, whose header gets a few fields. */
static size_t output_max(size_t len)
{
    return 6 * len + 100 * (len / 3) + 400;
}

static struct result downgrade(struct slice content, size_t cut,
                               const struct mime_parts *distrusted)
{
    static struct mime_downgrade machine; /* large; it starts anew each time */
    size_t room = output_max(content.len);
    struct result result = {.out = writer_over(malloc(room), room)};
    CHECK(result.out.at != NULL);
    mime_downgrade_start(&machine, distrusted);
    for (; content.len > 0; content = slice_skip(content, cut))
        take_piece(&machine, slice_first(content, cut), &result.out);
    writer_bytes(&result.out, mime_downgrade_end(&machine));
    CHECK(!result.out.overflow);
    result.mislabelled = machine.mislabelled;
    result.hopeless = machine.hopeless;
    return result;
}

static void check_cut(struct slice content, size_t cut, const struct mime_parts *distrusted,
                      const struct result *whole)
{
    struct result other = downgrade(content, cut, distrusted);
    CHECK(slice_equal(writer_slice(&other.out), writer_slice(&whole->out)));
    CHECK(memcmp(&other.mislabelled, &whole->mislabelled, sizeof other.mislabelled) == 0);
    CHECK(other.hopeless == whole->hopeless);
    free(other.out.at);
}

static void check_message(struct slice content, size_t cut)
{
    struct result first = downgrade(content, content.len, NULL);
    check_cut(content, 1, NULL, &first);
    struct result result = downgrade(content, content.len, &first.mislabelled);
    check_cut(content, cut, &first.mislabelled, &result);
    CHECK(!result.mislabelled.any && result.hopeless == first.hopeless);
    if (!result.hopeless) {
        struct result again = downgrade(writer_slice(&result.out), cut, NULL);
        CHECK(slice_equal(writer_slice(&again.out), writer_slice(&result.out)));
        CHECK(!again.mislabelled.any && !again.hopeless);
        free(again.out.at);
    }
    free(result.out.at);
    free(first.out.at);
}

static int hex_digit(char c)
{
    CHECK((c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'));
    return c <= '9' ? c - '0' : c - 'A' + 10;
}

static char decode_byte(struct slice *line)
{
    CHECK(line->len >= 3);
    int byte = hex_digit(line->at[1]) * 16 + hex_digit(line->at[2]);
    *line = slice_skip(*line, 3);
    return (char)byte;
}

/* One line without its CRLF. True when it goes on in the next. */
static bool decode_line(struct slice line, struct writer *out)
{
    CHECK(line.len <= QUOTED_PRINTABLE_LINE_MAX);
    CHECK(line.len == 0 || slice_trim(slice_skip(line, line.len - 1)).len == 1);
    while (line.len > 0) {
        CHECK(ascii_is_printable(line.at[0]) || line.at[0] == '\t');
        if (line.at[0] == '=' && line.len == 1)
            return true;
        if (line.at[0] == '=') {
            writer_byte(out, decode_byte(&line));
            continue;
        }
        writer_byte(out, line.at[0]);
        line = slice_skip(line, 1);
    }
    return false;
}

static void check_decoded(struct slice encoded, struct slice body)
{
    struct writer out = writer_over(malloc(body.len + 2), body.len + 2);
    CHECK(out.at != NULL);
    while (encoded.len > 0) {
        size_t len = slice_find(encoded, '\r');
        CHECK(len + 1 >= encoded.len || encoded.at[len + 1] == '\n');
        bool goes_on = decode_line(slice_first(encoded, len), &out);
        if (!goes_on && len < encoded.len)
            writer_text(&out, "\r\n");
        encoded = slice_skip(encoded, len + 2);
    }
    CHECK(slice_equal(writer_slice(&out), body));
    free(out.at);
}

static const char header[] = "MIME-Version: 1.0\r\nContent-Transfer-Encoding: 8bit\r\n\r\n";
static const char new_header[] =
    "MIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n";

static void check_body(struct slice body, size_t cut)
{
    size_t room = sizeof header + body.len;
    struct writer w = writer_over(malloc(room), room);
    CHECK(w.at != NULL);
    writer_text(&w, header);
    writer_bytes(&w, body);
    struct result result = downgrade(writer_slice(&w), cut, NULL);
    struct slice out = writer_slice(&result.out);
    CHECK(slice_starts(out, new_header) && !result.hopeless && !result.mislabelled.any);
    check_decoded(slice_skip(out, sizeof new_header - 1), body);
    free(result.out.at);
    free(w.at);
}

/* As content is in the spool: each line ends in CRLF, and neither byte stands elsewhere. */
static struct slice as_content(const uint8_t *data, size_t size, char *room)
{
    struct writer w = writer_over(room, 2 * size + 2);
    for (size_t i = 0; i < size; i++) {
        if (data[i] == '\n')
            writer_text(&w, "\r\n");
        else if (data[i] != '\r')
            writer_byte(&w, (char)data[i]);
    }
    if (w.len > 0 && w.at[w.len - 1] != '\n')
        writer_text(&w, "\r\n");
    return writer_slice(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    size_t cut = 1U + data[0];
    char *room = malloc(2 * size + 2);
    CHECK(room != NULL);
    check_body(slice_make((const char *)data + 1, size - 1), cut);
    struct slice content = as_content(data + 1, size - 1, room);
    if (content.len > 0)
        check_message(content, cut);
    free(room);
    return 0;
}
