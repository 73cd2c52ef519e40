/* What is encoded comes back, and text has one decoding at most, of which it is the one encoding.
 */
#include "base/base64.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A writer over memory of exactly that size. */
static struct writer writer_of(size_t size)
{
    char *memory = malloc(size > 0 ? size : 1);
    CHECK(memory != NULL);
    return writer_over(memory, size);
}

static void encode_and_decode(struct slice bytes)
{
    struct writer text = writer_of(BASE64_ENCODED_LEN(bytes.len));
    base64_encode(&text, bytes);
    CHECK(!text.overflow && text.len == BASE64_ENCODED_LEN(bytes.len));
    struct writer back = writer_of(BASE64_DECODED_MAX(text.len));
    CHECK(base64_decode(&back, writer_slice(&text)));
    CHECK(slice_equal(writer_slice(&back), bytes));
    free(text.at);
    free(back.at);
}

static void decode_and_encode(struct slice text)
{
    struct writer bytes = writer_of(BASE64_DECODED_MAX(text.len));
    if (base64_decode(&bytes, text)) {
        struct writer again = writer_of(text.len);
        base64_encode(&again, writer_slice(&bytes));
        CHECK(!again.overflow && slice_equal(writer_slice(&again), text));
        free(again.at);
    }
    free(bytes.at);
}

/* A writer that is too small is an error, not a cut. */
static void decode_into(struct slice text, size_t room)
{
    struct writer small = writer_of(room);
    CHECK(!base64_decode(&small, text) || small.len <= room);
    free(small.at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size > 0 ? size : 1); /* of its exact size, for the sanitizer */
    CHECK(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    struct slice input = slice_make(copy, size);
    encode_and_decode(input);
    decode_and_encode(input);
    decode_into(input, size / 8);
    free(copy);
    return 0;
}
