/* Whether it is a header must not depend on how much of it has arrived: what is good is good with
 * anything behind it, and asks for more in front of its end. */
#include "proto/proxy_header.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes stand in memory of exactly their size. */
static enum proxy_header_outcome read_prefix(const uint8_t *data, size_t len, size_t *consumed)
{
    struct proxy_header header = {0};
    char *copy = malloc(len > 0 ? len : 1);
    CHECK(copy != NULL);
    if (len > 0)
        memcpy(copy, data, len);
    struct slice input = slice_make(copy, len);
    enum proxy_header_outcome outcome = proxy_header_read(&input, &header);
    *consumed = len - input.len;
    CHECK(header.relayed == (header.client.family != IP_NONE));
    free(copy);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t whole, consumed;
    enum proxy_header_outcome outcome = read_prefix(data, size, &whole);
    CHECK(outcome == PROXY_HEADER_GOOD ? whole > 0 : whole == 0);
    for (size_t len = 0; len < size; len++) {
        enum proxy_header_outcome part = read_prefix(data, len, &consumed);
        if (outcome == PROXY_HEADER_GOOD) {
            CHECK(part == (len < whole ? PROXY_HEADER_MORE : PROXY_HEADER_GOOD));
            CHECK(consumed == (len < whole ? 0 : whole));
        }
        if (outcome == PROXY_HEADER_MORE)
            CHECK(part == PROXY_HEADER_MORE);
    }
    return 0;
}
