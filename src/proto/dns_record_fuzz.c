/* The data of DNS records: a host's name is one, and a text can stand in a log line. */
#include "proto/dns_record.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_host(struct slice record)
{
    char name[DNS_NAME_MAX + 1];
    if (!dns_record_host(record, name))
        return;
    CHECK(name[0] != '\0' && strlen(name) <= DNS_NAME_MAX && strlen(name) < record.len);
    CHECK(strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
          strlen(name));
}

static void check_text(struct slice record)
{
    char text[256];
    struct writer w = writer_over(text, sizeof text);
    (void)dns_record_text(record, &w);
    CHECK(w.len <= record.len);
    for (size_t i = 0; i < w.len; i++)
        CHECK(ascii_is_printable(text[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size > 0 ? size : 1); /* of its exact size, for the sanitizer */
    struct ip ip;
    CHECK(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    check_host(slice_make(copy, size));
    check_text(slice_make(copy, size));
    CHECK(dns_record_address(slice_make(copy, size), IP_V4, &ip) == (size == 4));
    CHECK(dns_record_address(slice_make(copy, size), IP_V6, &ip) == (size == 16));
    free(copy);
    return 0;
}
