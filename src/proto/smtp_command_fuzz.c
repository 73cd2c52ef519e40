/* Command lines, and the arguments of MAIL and RCPT. The first byte chooses how they are read. What
 * is accepted means the same when it is written out plainly and read again. */
#include "proto/smtp_command.h"

#include "base/check.h"
#include "base/writer.h"

#include <stdlib.h>
#include <string.h>

enum { PLAIN_MAX = ADDRESS_MAX + 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_inside(struct slice part, struct slice whole)
{
    return part.len == 0 || (part.at >= whole.at && part.at + part.len <= whole.at + whole.len);
}

static void check_refusal(const char *wrong)
{
    CHECK(wrong[0] == '5' && strlen(wrong) > 10 && wrong[3] == ' ' && wrong[4] == '5');
}

static void write_plainly(struct writer *w, const struct smtp_mail *mail)
{
    writer_text(w, "from: <");
    writer_bytes(w, mail->reverse_path.text);
    writer_text(w, "> SIZE=");
    writer_number(w, mail->size);
    writer_text(w, mail->eight_bit ? "\tbody=8bitmime" : " BODY=7BIT");
}

static void read_mail(struct slice argument, unsigned how)
{
    struct smtp_mail mail, again;
    struct slice culprit = {NULL, 0};
    const char *wrong = smtp_mail_parse(argument, how, &mail, &culprit);
    CHECK(is_inside(culprit, argument));
    if (wrong != NULL) {
        check_refusal(wrong);
        return;
    }
    char plain[PLAIN_MAX];
    struct writer w = writer_over(plain, sizeof plain);
    write_plainly(&w, &mail);
    CHECK(!w.overflow && is_inside(mail.reverse_path.text, argument));
    CHECK(smtp_mail_parse(writer_slice(&w), SMTP_STRICT_PATHS, &again, &culprit) == NULL);
    CHECK(slice_equal(mail.reverse_path.text, again.reverse_path.text));
    CHECK(mail.size == again.size && mail.eight_bit == again.eight_bit);
}

static void read_rcpt(struct slice argument, unsigned how)
{
    struct smtp_rcpt rcpt;
    struct slice culprit = {NULL, 0};
    const char *wrong = smtp_rcpt_parse(argument, how, &rcpt, &culprit);
    CHECK(is_inside(culprit, argument));
    if (wrong != NULL)
        check_refusal(wrong);
    else
        CHECK(!address_is_null(&rcpt.forward_path) && is_inside(rcpt.forward_path.text, argument));
}

static void read_line(struct slice line, unsigned how)
{
    struct smtp_command command;
    if (!smtp_command_parse(line, &command))
        return;
    CHECK(command.verb.len > 0 && slice_find(command.verb, ' ') == command.verb.len);
    CHECK(is_inside(command.verb, line) && is_inside(command.argument, line));
    CHECK(slice_equal(command.argument, slice_trim(command.argument)));
    read_mail(command.argument, how);
    read_rcpt(command.argument, how);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    char *copy = malloc(size - 1); /* of its exact size, for the sanitizer */
    CHECK(copy != NULL);
    memcpy(copy, data + 1, size - 1);
    read_line(slice_make(copy, size - 1), data[0] & (SMTP_AUTH_OFFERED | SMTP_STRICT_PATHS));
    free(copy);
    return 0;
}
