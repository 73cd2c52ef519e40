#include "base/base64.h"

#include "tests/unit.h"

#include <stdlib.h>

TEST(the_vectors_of_rfc_4648_hold)
{
    static const char *const pairs[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char bytes[16];
        struct writer out = writer_over(bytes, sizeof bytes);
        base64_encode(&out, slice_of(pairs[i][0]));
        assert_slice(writer_slice(&out), pairs[i][1]);
        out = writer_over(bytes, sizeof bytes);
        assert_true(base64_decode(&out, slice_of(pairs[i][1])));
        assert_slice(writer_slice(&out), pairs[i][0]);
    }
}

TEST(what_is_not_base64_is_refused)
{
    static const char *const wrong[] = {"Z",    "Zg",   "Zg=",   "Zg===",    "Z===", "====", "Zh==",
                                        "Zm9=", "Zm8 ", " Zm8=", "Zg==Zg==", "Zm-_", "Zm\n="};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char bytes[16];
        struct writer out = writer_over(bytes, sizeof bytes);
        assert_false(base64_decode(&out, slice_of(wrong[i])));
    }
}

/* Every length into a block of exactly the size it needs: the sanitizer sees one byte too many. */
TEST(every_length_fits_the_size_that_the_header_promises)
{
    for (size_t len = 0; len <= 4096; len++) {
        char *bytes = malloc(len + 1), *text = malloc(BASE64_ENCODED_LEN(len) + 1);
        char *back = malloc(BASE64_DECODED_MAX(BASE64_ENCODED_LEN(len)) + 1);
        for (size_t i = 0; i < len; i++)
            bytes[i] = (char)(i * 37);
        struct writer encoded = writer_over(text, BASE64_ENCODED_LEN(len));
        base64_encode(&encoded, slice_make(bytes, len));
        assert_false(encoded.overflow);
        struct writer decoded = writer_over(back, len);
        assert_true(base64_decode(&decoded, writer_slice(&encoded)));
        assert_true(slice_equal(writer_slice(&decoded), slice_make(bytes, len)));
        if (len > 0) {
            struct writer small = writer_over(back, len - 1);
            assert_false(base64_decode(&small, writer_slice(&encoded)));
        }
        free(bytes);
        free(text);
        free(back);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_rfc_4648_hold),
        cmocka_unit_test(what_is_not_base64_is_refused),
        cmocka_unit_test(every_length_fits_the_size_that_the_header_promises),
    };
    return RUN_TESTS(tests);
}
