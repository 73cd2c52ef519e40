/* Content in any pieces gives the same, and how it begins does not change with what comes behind.
 */
#include "proto/header_scan.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each piece stands in memory of exactly its size. */
static struct header_scan scan_in_pieces(const uint8_t *data, size_t size, size_t piece)
{
    struct header_scan scan;
    header_scan_start(&scan);
    for (size_t done = 0; done < size; done += piece) {
        size_t len = size - done < piece ? size - done : piece;
        char *copy = malloc(len);
        CHECK(copy != NULL);
        memcpy(copy, data + done, len);
        header_scan_feed(&scan, slice_make(copy, len));
        free(copy);
    }
    return scan;
}

static void check_message_id(const struct header_scan *scan)
{
    struct slice id = header_scan_message_id(scan);
    CHECK(id.len <= HEADER_MESSAGE_ID_MAX);
    CHECK(slice_equal(id, slice_trim(id)));
}

static void check_same(const struct header_scan *a, const struct header_scan *b)
{
    CHECK(a->received_count == b->received_count && a->any_header == b->any_header);
    CHECK(a->in_header == b->in_header && a->longest_field == b->longest_field);
    CHECK(slice_equal(header_scan_message_id(a), header_scan_message_id(b)));
}

static void check_opening(struct slice content)
{
    enum content_opening before = OPENING_UNKNOWN;
    for (size_t len = 0; len <= content.len && len <= CONTENT_OPENING_MAX; len++) {
        enum content_opening now = content_opening(slice_first(content, len));
        CHECK(before == OPENING_UNKNOWN || now == before);
        before = now;
    }
    CHECK(content.len < CONTENT_OPENING_MAX || before != OPENING_UNKNOWN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    size_t pieces[] = {1, 1 + data[0]};
    struct header_scan whole = scan_in_pieces(data + 1, size - 1, size);
    check_message_id(&whole);
    for (size_t i = 0; i < 2; i++) {
        struct header_scan scan = scan_in_pieces(data + 1, size - 1, pieces[i]);
        check_same(&whole, &scan);
    }
    check_opening(slice_make((const char *)data + 1, size - 1));
    return 0;
}
