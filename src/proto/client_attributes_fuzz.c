/* What another client's attributes come to may stand in a log line as it is. */
#include "proto/client_attributes.h"

#include "base/check.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text)
{
    CHECK(strlen(text) <= CLIENT_TEXT_MAX);
    for (; *text != '\0'; text++)
        CHECK(*text > ' ' && *text <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct client_attributes attributes;
    char reply[CLIENT_REPLY_MAX];
    if (size == 0)
        return 0;
    enum client_command command = (data[0] & 1) != 0 ? CLIENT_XCLIENT : CLIENT_XFORWARD;
    struct slice argument = slice_make((const char *)data + 1, size - 1);
    CHECK(client_attributes_announced(command)[0] == ' ');
    if (!client_attributes_parse(command, argument, &attributes, reply)) {
        CHECK(strncmp(reply, "501 ", 4) == 0 && strlen(reply) < CLIENT_REPLY_MAX);
        return 0;
    }
    for (unsigned i = 0; i < CLIENT_ATTRIBUTE_COUNT; i++) {
        const struct client_value *value = &attributes.values[i];
        check_text(value->text);
        CHECK(value->given || !value->known);
        CHECK(value->known == (value->text[0] != '\0'));
    }
    CHECK(attributes.values[CLIENT_ADDR].known == (attributes.addr.family != IP_NONE));
    return 0;
}
