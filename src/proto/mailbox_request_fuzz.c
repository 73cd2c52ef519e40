/* Heads of requests to the mailbox role, and its replies. A head that is taken has no control
 * character in its addresses and reads back as it was; a reply is whole in one place only. */
#include "proto/mailbox_request.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_address(struct slice address)
{
    for (size_t i = 0; i < address.len; i++)
        CHECK((unsigned char)address.at[i] >= ' ' && address.at[i] != 0x7f);
}

static void check_request(struct slice head)
{
    static char bytes[1 << 20];
    struct writer w = writer_over(bytes, sizeof bytes);
    struct mailbox_request request, again;
    if (!mailbox_request_read(head, &request))
        return;
    check_address(request.sender);
    check_address(request.recipient);
    check_address(request.original);
    mailbox_request_write(&w, &request);
    CHECK(mailbox_request_read(slice_skip(writer_slice(&w), MAILBOX_HEAD_LENGTH_BYTES), &again));
    CHECK(again.size == request.size && again.id == request.id &&
          slice_equal(again.recipient, request.recipient));
}

static void check_written(const struct mailbox_reply *reply)
{
    char bytes[MAILBOX_REASON_MAX + 64];
    struct writer w = writer_over(bytes, sizeof bytes);
    struct mailbox_reply again;
    mailbox_reply_write(&w, reply);
    CHECK(!w.overflow && mailbox_reply_read(writer_slice(&w), &again) == MAILBOX_REPLY_WHOLE);
    CHECK(again.outcome == reply->outcome && strcmp(again.status, reply->status) == 0 &&
          strcmp(again.reason, reply->reason) == 0);
}

static void check_reply(struct slice input)
{
    struct mailbox_reply reply;
    enum mailbox_reply_step whole = mailbox_reply_read(input, &reply);
    for (size_t len = 0; len < input.len && whole != MAILBOX_REPLY_NEED_INPUT; len++) {
        enum mailbox_reply_step step = mailbox_reply_read(slice_first(input, len), &reply);
        CHECK(step == MAILBOX_REPLY_NEED_INPUT || step == whole);
    }
    if (whole != MAILBOX_REPLY_WHOLE)
        return;
    CHECK(strlen(reply.reason) < MAILBOX_REASON_MAX && strlen(reply.status) < SMTP_STATUS_MAX);
    check_written(&reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size > 0 ? size : 1); /* of its exact size, for the sanitizer */
    CHECK(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    if (size < (1 << 19))
        check_request(slice_make(copy, size));
    check_reply(slice_make(copy, size < 4096 ? size : 4096));
    free(copy);
    return 0;
}
