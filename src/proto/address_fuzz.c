/* Paths and mailboxes: what is accepted consists of its parts, and reads the same within its
 * brackets. */
#include "proto/address.h"

#include "base/check.h"
#include "base/utf8.h"
#include "base/writer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_parts(const struct address *address)
{
    struct slice text = address->text;
    CHECK(text.len <= ADDRESS_MAX);
    if (address_is_null(address)) {
        CHECK(address->local.len == 0 && address->domain.len == 0);
        return;
    }
    CHECK(address->local.len > 0 &&
          slice_equal(slice_first(text, address->local.len), address->local));
    if (address->domain.len == 0) {
        CHECK(text.len == address->local.len);
        return;
    }
    CHECK(domain_is_readable(address->domain) != domain_is_literal(address->domain));
    CHECK(text.at[address->local.len] == '@');
    CHECK(slice_equal(slice_skip(text, address->local.len + 1), address->domain));
}

/* No byte in it could end the line or the path that it is written into. */
static void check_bytes(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        CHECK(ascii_is_printable(text.at[i]) || (text.at[i] & 0x80) != 0);
    CHECK(utf8_is_valid(text));
}

static void check_again(const struct address *address)
{
    char path[ADDRESS_MAX + 8];
    struct writer w = writer_over(path, sizeof path);
    struct address again;
    writer_byte(&w, '<');
    writer_bytes(&w, address->text);
    writer_text(&w, "> x");
    struct slice rest = writer_slice(&w);
    CHECK(address_take_path(&rest, &again) && slice_is(rest, " x"));
    CHECK(slice_equal(address->local, again.local) && slice_equal(address->domain, again.domain));
}

static void use(const struct address *address)
{
    struct slice name = address_without_extension(address->local, "+-");
    check_parts(address);
    check_bytes(address->text);
    check_again(address);
    CHECK(slice_equal(name, slice_first(address->local, name.len)));
    CHECK((name.len > 0) == (address->local.len > 0));
    (void)address_asks_for_relay(address);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size > 0 ? size : 1); /* of its exact size, for the sanitizer */
    CHECK(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    struct slice text = slice_make(copy, size), rest = text;
    struct address address;
    if (address_parse(text, &address))
        use(&address);
    if (address_take_path(&rest, &address)) {
        use(&address);
        CHECK(rest.len < text.len);
    } else {
        CHECK(slice_equal(rest, text));
    }
    free(copy);
    return 0;
}
