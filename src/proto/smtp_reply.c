#include "proto/smtp_reply.h"

#include "base/writer.h"

#include <string.h>

void smtp_reply_start(struct smtp_reply *reply)
{
    reply->code = 0;
    reply->line_count = 0;
    reply->text_len = 0;
}

static bool take_line(struct slice *input, struct slice *line)
{
    size_t end = slice_find(*input, '\n');
    if (end == input->len)
        return false;
    *line = slice_first(*input, end);
    *input = slice_skip(*input, end + 1);
    if (line->len > 0 && line->at[line->len - 1] == '\r')
        line->len--;
    return true;
}

static void keep_text(struct smtp_reply *reply, struct slice line)
{
    struct writer w = {.at = reply->text, .len = reply->text_len, .capacity = SMTP_REPLY_TEXT_MAX};
    if (reply->text_len > 0)
        writer_byte(&w, ' ');
    writer_printable(&w, slice_first(line, w.capacity - w.len));
    reply->text_len = w.len;
}

enum smtp_reply_step smtp_reply_next(struct smtp_reply *reply, struct slice *input,
                                     struct slice *line)
{
    uint64_t code;
    struct slice whole;
    if (!take_line(input, &whole))
        return input->len < SMTP_REPLY_LINE_MAX ? SMTP_REPLY_NEED_INPUT : SMTP_REPLY_BROKEN;
    if (!slice_to_number(slice_first(whole, 3), 599, &code) || whole.len < 3 || code < 200)
        return SMTP_REPLY_BROKEN;
    char separator = whole.len > 3 ? whole.at[3] : ' ';
    if (separator != ' ' && separator != '-')
        return SMTP_REPLY_BROKEN;
    if (reply->line_count > 0 && reply->code != (int)code)
        return SMTP_REPLY_BROKEN;
    if (reply->line_count == SMTP_REPLY_LINES_MAX)
        return SMTP_REPLY_BROKEN;
    reply->code = (int)code;
    reply->line_count++;
    keep_text(reply, whole);
    *line = slice_skip(whole, 4);
    return separator == '-' ? SMTP_REPLY_LINE : SMTP_REPLY_WHOLE;
}

struct slice smtp_reply_text(const struct smtp_reply *reply)
{
    return slice_make(reply->text, reply->text_len);
}

/* "X.Y.Z" with one digit, then up to three each; the class is the code's. RFC 3463 §2, RFC 2034 §3.
 */
static bool take_status(struct slice text, char class, char status[SMTP_STATUS_MAX])
{
    size_t dots = 0, digits = 0, len = 0;
    if (text.len == 0 || text.at[0] != class)
        return false;
    for (; len < text.len && text.at[len] != ' '; len++) {
        if (text.at[len] == '.' && digits > 0 && dots < 2) {
            dots++;
            digits = 0;
        } else if (ascii_is_digit(text.at[len]) && digits < 3) {
            digits++;
        } else {
            return false;
        }
    }
    if (dots != 2 || digits == 0 || len >= SMTP_STATUS_MAX || text.at[1] != '.')
        return false;
    memcpy(status, text.at, len);
    status[len] = '\0';
    return true;
}

void smtp_reply_status(const struct smtp_reply *reply, char status[SMTP_STATUS_MAX])
{
    char class = (char)('0' + reply->code / 100);
    struct slice text = slice_skip(smtp_reply_text(reply), 4);
    if (class == '3' || !take_status(text, class, status)) {
        memcpy(status, "5.0.0", sizeof "5.0.0");
        status[0] = class == '3' ? '5' : class;
    }
}

void smtp_reply_soften(char *reply, size_t len)
{
    if (len == 0 || reply[0] != '5')
        return;
    reply[0] = '4';
    if (len > 5 && reply[4] == '5' && reply[5] == '.')
        reply[4] = '4';
}
