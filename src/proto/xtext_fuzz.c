/* What is decoded, encoded and decoded again is the same; no encoded text is longer than three
 * times the plain one; and the parameters that carry xtext give nothing that could break out of a
 * line of a report. */
#include "proto/dsn_parameters.h"
#include "proto/xtext.h"

#include "base/check.h"
#include "base/utf8.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(struct slice input)
{
    size_t room = 3 * input.len + 1;
    char *plain = malloc(room), *again = malloc(room), *back = malloc(room);
    CHECK(plain != NULL && again != NULL && back != NULL);
    struct writer decoded = writer_over(plain, room);
    if (xtext_decode(input, &decoded)) {
        struct writer encoded = writer_over(again, room), once_more = writer_over(back, room);
        CHECK(!decoded.overflow && decoded.len <= input.len);
        xtext_encode(writer_slice(&decoded), &encoded);
        CHECK(!encoded.overflow && encoded.len <= 3 * decoded.len);
        CHECK(xtext_decode(writer_slice(&encoded), &once_more));
        CHECK(slice_equal(writer_slice(&once_more), writer_slice(&decoded)));
    }
    free(plain);
    free(again);
    free(back);
}

/* Of the type utf-8. */
static void check_utf8_round_trip(struct slice input)
{
    size_t room = 8 * input.len + 1;
    char *plain = malloc(room), *again = malloc(room), *back = malloc(room);
    CHECK(plain != NULL && again != NULL && back != NULL);
    struct writer decoded = writer_over(plain, room);
    if (utf8_xtext_decode(input, &decoded)) {
        struct writer encoded = writer_over(again, room), once_more = writer_over(back, room);
        CHECK(!decoded.overflow && decoded.len <= input.len);
        CHECK(utf8_is_valid(writer_slice(&decoded)));
        utf8_xtext_encode(writer_slice(&decoded), &encoded);
        CHECK(!encoded.overflow && utf8_is_ascii(writer_slice(&encoded)));
        CHECK(utf8_xtext_decode(writer_slice(&encoded), &once_more));
        CHECK(slice_equal(writer_slice(&once_more), writer_slice(&decoded)));
    }
    free(plain);
    free(again);
    free(back);
}

typedef bool (*decoder)(struct slice value, struct writer *out);

static void check_parameter(decoder decode, struct slice input)
{
    char text[DSN_ORIGINAL_MAX];
    struct writer w = writer_over(text, sizeof text);
    if (!decode(input, &w))
        return;
    CHECK(!w.overflow && w.len > 0);
    for (size_t i = 0; i < w.len; i++)
        CHECK(ascii_is_printable(text[i]) || (unsigned char)text[i] > 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_make((const char *)data, size);
    check_round_trip(input);
    check_utf8_round_trip(input);
    check_parameter(dsn_decode_envelope_id, input);
    check_parameter(dsn_decode_original, input);
    return 0;
}
