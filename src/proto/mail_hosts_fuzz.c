/* Answers of the resolve role, and the MX records in them: taken in any cuts the same, and what
 * comes of them are names of hosts in the order of their preference. */
#include "proto/mail_hosts.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_hosts(const struct mail_hosts *hosts)
{
    CHECK(hosts->count <= MAIL_HOSTS_MAX);
    for (size_t i = 0; i < hosts->count; i++) {
        const char *name = hosts->list[i].name;
        CHECK(name[0] != '\0' && strlen(name) <= DNS_NAME_MAX);
        CHECK(strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
              strlen(name));
        CHECK(i == 0 || hosts->list[i - 1].preference <= hosts->list[i].preference);
    }
}

/* What was read is written as something that reads the same. */
static void check_written(const struct dns_reply *reply)
{
    static char bytes[DNS_REPLY_MAX + 64], copies[DNS_REPLY_MAX];
    struct writer w = writer_over(bytes, sizeof bytes),
                  records = writer_over(copies, sizeof copies);
    struct slice rest = reply->records, record;
    struct dns_reply again;
    while (dns_record_next(&rest, &record))
        dns_record_add(&records, record);
    CHECK(slice_equal(writer_slice(&records), slice_first(reply->records, records.len)));
    dns_reply_write(&w, reply);
    rest = writer_slice(&w);
    CHECK(dns_reply_next(&rest, &again) == DNS_WHOLE && rest.len == 0);
    CHECK(again.id == reply->id && again.outcome == reply->outcome &&
          slice_equal(again.records, reply->records));
}

static void check_request(const struct dns_request *request)
{
    char bytes[DNS_REQUEST_MAX];
    struct writer w = writer_over(bytes, sizeof bytes);
    struct dns_request again;
    CHECK(request->name.len <= DNS_NAME_MAX);
    dns_request_write(&w, request);
    struct slice rest = writer_slice(&w);
    CHECK(!w.overflow && dns_request_next(&rest, &again) == DNS_WHOLE);
    CHECK(again.id == request->id && slice_equal(again.name, request->name));
}

static void use_reply(const struct dns_reply *reply, uint64_t chance)
{
    struct mail_hosts hosts;
    enum mail_hosts_outcome outcome =
        mail_hosts_make(reply->records, slice_of("mx.example.org"), chance, &hosts);
    CHECK((outcome == MAIL_HOSTS_FOUND) == (hosts.count > 0));
    check_hosts(&hosts);
    check_written(reply);
}

/* How many replies there are before the input ends or breaks, when `shown` bytes of it are there.
 */
static size_t count_replies(struct slice input, size_t shown, enum dns_step *end)
{
    struct slice rest = slice_first(input, shown);
    struct dns_reply reply;
    size_t count = 0;
    while ((*end = dns_reply_next(&rest, &reply)) == DNS_WHOLE) {
        use_reply(&reply, count * 0x9e3779b97f4a7c15);
        count++;
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size > 0 ? size : 1); /* of its exact size, for the sanitizer */
    struct slice input = slice_make(copy, size);
    enum dns_step end, whole_end;
    CHECK(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    size_t whole = count_replies(input, size, &whole_end), before = 0;
    for (size_t shown = 0; shown < size; shown += 1 + size / 16) {
        size_t count = count_replies(input, shown, &end);
        CHECK(count >= before && count <= whole);
        CHECK(end != DNS_BROKEN || (whole_end == DNS_BROKEN && count == whole));
        before = count;
    }
    struct slice records = input, record;
    while (dns_record_next(&records, &record)) {
        struct mail_host host;
        (void)mail_host_parse(record, &host);
    }
    struct dns_request request;
    while (dns_request_next(&input, &request) == DNS_WHOLE)
        check_request(&request);
    free(copy);
    return 0;
}
