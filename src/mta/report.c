#include "mta/report.h"

#include "base/utf8.h"
#include "proto/date.h"
#include "proto/received.h"

enum {
    RECIPIENT_MAX = 6144, /* bytes that one recipient takes in each part */
    REASON_MAX = 1000,
    DATE_MAX = 64,
};

/* ---- what it is about ---- */

struct wording {
    const char *log_name;
    const char *subject;
    const char *text;
    const char *header_part, *whole_part;
};

static const struct wording wordings[REPORT_KINDS] = {
    [REPORT_FAILURE] =
        {"sender non-delivery notification", "Undelivered Mail Returned to Sender",
         "Your message could not be delivered to the recipients below, and no further\r\n"
         "attempt will be made. The reason is given for each; the message is attached.\r\n",
         "Undelivered Message Headers", "Undelivered Message"},
    [REPORT_DELAY] =
        {"sender delay notification", "Delayed Mail (still being retried)",
         "Your message could not be delivered to the recipients below yet. It waits, and\r\n"
         "is tried again and again: you need not send it once more. The reason is given\r\n"
         "for each; the header of the message is attached.\r\n",
         "Delayed Message Headers", "Delayed Message"},
    [REPORT_SUCCESS] =
        {"sender delivery status notification", "Successful Mail Delivery Report",
         "You wanted to know what became of your message. It went to the recipients\r\n"
         "below; the header of the message is attached. Where it was relayed, the next\r\n"
         "mail system cannot tell you more.\r\n",
         "Message Headers", "Message"},
};

const char *report_log_name(enum report_kind kind)
{
    return wordings[kind].log_name;
}

static const struct envelope *envelope_of(const struct report *report)
{
    return &report->subject->view->envelope;
}

/* A recipient that is told as one whose name was an alias. */
static bool tells_expansion(const struct bounce_subject *subject, size_t recipient)
{
    struct dsn_wish wish = envelope_wish(&subject->view->envelope, recipient);
    return subject->kind == REPORT_SUCCESS && subject->is_first && dsn_wants(&wish, DSN_EXPANDED);
}

/* Whoever heard that it is late hears that it is not any more. */
static bool tells_clearance(const struct bounce_subject *subject, size_t recipient)
{
    struct dsn_wish wish = envelope_wish(&subject->view->envelope, recipient);
    return subject->kind == REPORT_SUCCESS && subject->cleared &&
           subject->results[recipient].outcome == ATTEMPT_SENT && dsn_wants(&wish, DSN_DELAY);
}

bool bounce_concerns(const struct bounce_subject *subject, size_t recipient)
{
    const struct attempt_result *result = &subject->results[recipient];
    struct dsn_wish wish = envelope_wish(&subject->view->envelope, recipient);
    switch (subject->kind) {
    case REPORT_FAILURE:
        return result->outcome == ATTEMPT_FAILED && dsn_wants(&wish, DSN_FAILURE);
    case REPORT_DELAY:
        return result->outcome == ATTEMPT_DEFERRED && dsn_wants(&wish, DSN_DELAY);
    case REPORT_SUCCESS:
    case REPORT_KINDS:
        break;
    }
    return tells_expansion(subject, recipient) || tells_clearance(subject, recipient) ||
           (result->outcome == ATTEMPT_SENT && result->arrival != ARRIVAL_PASSED_ON &&
            dsn_wants(&wish, DSN_SUCCESS));
}

/* ---- addresses in UTF-8: RFC 6533 ---- */

static const char *type_of(struct slice address)
{
    return utf8_is_ascii(address) ? "rfc822" : "utf-8";
}

bool bounce_needs_utf8(const struct bounce_subject *subject)
{
    const struct envelope *envelope = &subject->view->envelope;
    if ((envelope->flags & ENVELOPE_UTF8) != 0 || !utf8_is_ascii(envelope->sender))
        return true;
    for (size_t i = 0; i < envelope->recipient_count; i++)
        if (bounce_concerns(subject, i) &&
            (!utf8_is_ascii(envelope->recipients[i]) || !utf8_is_ascii(envelope->originals[i])))
            return true;
    return false;
}

/* ---- head ---- */

static struct slice write_moment(char text[DATE_MAX], struct moment moment, int64_t wall_us)
{
    struct writer w = writer_over(text, DATE_MAX);
    moment.wall_us = wall_us;
    date_write(&w, &moment);
    return writer_slice(&w);
}

static void write_head(const struct report *report)
{
    const struct parameters *parameters = report->parameters;
    struct received trace = {.hostname = slice_of(parameters->myhostname),
                             .mail_name = slice_of(parameters->mail_name),
                             .queue_id = slice_of(report->queue_id.text),
                             .now = report->now};
    char text[RECEIVED_MAX], date[DATE_MAX];
    struct writer received = writer_over(text, sizeof text);
    received_write_local(&received, &trace);
    buf_add(report->out, writer_slice(&received));
    buf_add_printf(report->out,
                   "Date: %.*s\r\n"
                   "From: Mail Delivery System <MAILER-DAEMON@%s>\r\n"
                   "Subject: %s\r\n"
                   "To: %.*s\r\n"
                   "Auto-Submitted: auto-replied\r\n"
                   "MIME-Version: 1.0\r\n"
                   "Content-Type: multipart/report; report-type=delivery-status;\r\n"
                   "\tboundary=\"%s\"\r\n"
                   "Content-Transfer-Encoding: 8bit\r\n"
                   "Message-Id: <%s@%s>\r\n"
                   "\r\n"
                   "This is a message in MIME format.\r\n"
                   "\r\n",
                   SLICE_PRINTF(write_moment(date, report->now, report->now.wall_us)),
                   parameters->myorigin, wordings[report->subject->kind].subject,
                   SLICE_PRINTF(envelope_of(report)->sender), report->boundary, report->boundary,
                   parameters->myhostname);
}

static void write_part_head(const struct report *report, const char *description, const char *type,
                            const char *more)
{
    buf_add_printf(report->out, "--%s\r\nContent-Description: %s\r\nContent-Type: %s\r\n%s\r\n",
                   report->boundary, description, type, more);
}

/* Text as lines of at most 75 bytes, cut at spaces where there are some. */
static void write_folded(struct buf *out, struct slice first, struct slice text)
{
    enum { WIDTH = 75 };
    buf_add(out, first);
    while (text.len > WIDTH) {
        size_t cut = slice_find_last(slice_first(text, WIDTH), ' ');
        cut = cut == 0 || cut >= WIDTH ? WIDTH : cut;
        buf_add_printf(out, "%.*s\r\n    ", SLICE_PRINTF(slice_first(text, cut)));
        text = slice_trim(slice_skip(text, cut));
    }
    buf_add_printf(out, "%.*s\r\n", SLICE_PRINTF(text));
}

/* ---- the part for people ---- */

static struct slice name_of(const struct report *report, size_t recipient)
{
    const struct envelope *envelope = envelope_of(report);
    struct slice original = envelope->originals[recipient];
    return original.len > 0 ? original : envelope->recipients[recipient];
}

static struct slice reason_of(const struct report *report, size_t recipient)
{
    static const struct slice expanded = SLICE_LITERAL("the name stands for other addresses");
    if (tells_expansion(report->subject, recipient))
        return expanded;
    return slice_first(report->subject->results[recipient].reason, REASON_MAX);
}

static void write_explanation(const struct report *report, size_t recipient)
{
    const struct envelope *envelope = envelope_of(report);
    struct slice address = envelope->recipients[recipient];
    struct slice name = name_of(report, recipient);
    char who[1200];
    struct writer w = writer_over(who, sizeof who);
    if (tells_expansion(report->subject, recipient))
        writer_printf(&w, "<%.*s>: ", SLICE_PRINTF(name));
    else if (envelope->originals[recipient].len > 0)
        writer_printf(&w, "<%.*s> (expanded from <%.*s>): ", SLICE_PRINTF(address),
                      SLICE_PRINTF(name));
    else
        writer_printf(&w, "<%.*s>: ", SLICE_PRINTF(address));
    write_folded(report->out, writer_slice(&w), reason_of(report, recipient));
    buf_add_text(report->out, "\r\n");
}

static const char *text_of(const struct bounce_subject *subject)
{
    static const char cleared[] =
        "You were told that your message was late. By now it went to the recipients\r\n"
        "below; the header of the message is attached. Where it was relayed, the next\r\n"
        "mail system may tell you more.\r\n";
    bool is_over = subject->kind == REPORT_SUCCESS && subject->cleared;
    return is_over ? cleared : wordings[subject->kind].text;
}

static void write_notice(const struct report *report)
{
    size_t left_out = 0;
    write_part_head(report, "Notification",
                    report->utf8 ? "text/plain; charset=utf-8" : "text/plain; charset=us-ascii",
                    report->utf8 ? "Content-Transfer-Encoding: 8bit\r\n" : "");
    buf_add_printf(
        report->out,
        "This is the mail system at host %s.\r\n"
        "\r\n"
        "%s"
        "\r\n"
        "If you need help, forward this report to postmaster at your own mail system.\r\n"
        "\r\n",
        report->parameters->myhostname, text_of(report->subject));
    for (size_t i = 0; i < envelope_of(report)->recipient_count; i++) {
        if (!bounce_concerns(report->subject, i))
            continue;
        if (buf_room(report->out) < REPORT_MAX / 2)
            left_out++;
        else
            write_explanation(report, i);
    }
    if (left_out > 0)
        buf_add_printf(report->out, "... and to %zu more recipients.\r\n\r\n", left_out);
}

/* ---- the part for programs ---- */

static const char *action_of(const struct report *report, size_t recipient)
{
    if (tells_expansion(report->subject, recipient))
        return "expanded";
    switch (report->subject->results[recipient].outcome) {
    case ATTEMPT_FAILED:
        return "failed";
    case ATTEMPT_DEFERRED:
        return "delayed";
    case ATTEMPT_SENT:
    case ATTEMPT_OPEN:
        break;
    }
    bool final = report->subject->results[recipient].arrival == ARRIVAL_FINAL;
    return final ? "delivered" : "relayed";
}

/* RFC 3464 §2.3.1: whom the sender meant, in his own words where he gave them. */
static void write_original_recipient(const struct report *report, size_t recipient)
{
    struct slice said = envelope_wish(envelope_of(report), recipient).original;
    struct slice name = name_of(report, recipient);
    if (said.len > 0)
        buf_add_printf(report->out, "Original-Recipient: %.*s\r\n", SLICE_PRINTF(said));
    else
        buf_add_printf(report->out, "Original-Recipient: %s;%.*s\r\n", type_of(name),
                       SLICE_PRINTF(name));
}

static void write_diagnostics(const struct report *report, const struct attempt_result *result)
{
    bool remote = result->remote_host.len > 0;
    if (remote)
        buf_add_printf(report->out, "Remote-MTA: dns; %.*s\r\n", SLICE_PRINTF(result->remote_host));
    write_folded(report->out,
                 slice_of(remote ? "Diagnostic-Code: smtp; " : "Diagnostic-Code: X-Postfix; "),
                 slice_first(remote ? result->remote_reply : result->reason, REASON_MAX));
}

static void write_recipient_fields(const struct report *report, size_t recipient)
{
    const struct bounce_subject *subject = report->subject;
    const struct attempt_result *result = &subject->results[recipient];
    bool expanded = tells_expansion(subject, recipient);
    char date[DATE_MAX];
    struct slice final =
        expanded ? name_of(report, recipient) : envelope_of(report)->recipients[recipient];
    buf_add_printf(report->out, "Final-Recipient: %s; %.*s\r\n", type_of(final),
                   SLICE_PRINTF(final));
    write_original_recipient(report, recipient);
    buf_add_printf(report->out, "Action: %s\r\nStatus: %s\r\n", action_of(report, recipient),
                   expanded ? "2.0.0" : result->status);
    if (!expanded)
        write_diagnostics(report, result);
    if (subject->kind == REPORT_DELAY)
        buf_add_printf(report->out, "Will-Retry-Until: %.*s\r\n",
                       SLICE_PRINTF(write_moment(date, report->now, subject->retry_until_us)));
    buf_add_text(report->out, "\r\n");
}

/* The message comes behind, and must fit, too. */
static bool has_room_for_recipient(const struct report *report)
{
    return buf_room(report->out) > RECIPIENT_MAX + report->original.len;
}

/* RFC 3464 §2. */
static void write_status(const struct report *report)
{
    const struct bounce_subject *subject = report->subject;
    const struct envelope *envelope = envelope_of(report);
    char date[DATE_MAX];
    write_part_head(report, "Delivery report",
                    report->utf8 ? "message/global-delivery-status" : "message/delivery-status",
                    report->utf8 ? "Content-Transfer-Encoding: 8bit\r\n" : "");
    buf_add_printf(report->out, "Reporting-MTA: dns; %s\r\n", report->parameters->myhostname);
    if (envelope->envelope_id.len > 0)
        buf_add_printf(report->out, "Original-Envelope-Id: %.*s\r\n",
                       SLICE_PRINTF(envelope->envelope_id));
    buf_add_printf(report->out,
                   "X-Postfix-Queue-ID: %s\r\n"
                   "X-Postfix-Sender: %s; %.*s\r\n"
                   "Arrival-Date: %.*s\r\n\r\n",
                   subject->queue_id.text, type_of(envelope->sender),
                   SLICE_PRINTF(envelope->sender),
                   SLICE_PRINTF(write_moment(date, report->now, subject->arrival_us)));
    for (size_t i = 0; i < envelope->recipient_count; i++)
        if (bounce_concerns(subject, i) && has_room_for_recipient(report))
            write_recipient_fields(report, i);
}

/* ---- the message ---- */

/* Up to and including the empty line that ends the header, or all of it. */
static struct slice header_of(struct slice content)
{
    for (size_t i = 0; i + 3 < content.len; i++)
        if (content.at[i] == '\r' && content.at[i + 1] == '\n' && content.at[i + 2] == '\r' &&
            content.at[i + 3] == '\n')
            return slice_first(content, i + 2);
    return content;
}

/* RFC 3461 §4.3: the sender's word counts for what failed; the others need no more than the
 * header. */
static bool is_header_enough(const struct report *report)
{
    const struct bounce_subject *subject = report->subject;
    return subject->kind != REPORT_FAILURE || envelope_of(report)->back == DSN_RETURN_HEADERS ||
           subject->size > (uint64_t)report->parameters->bounce_size_limit;
}

static void write_original(const struct report *report)
{
    const struct wording *wording = &wordings[report->subject->kind];
    struct slice original = report->original;
    if (is_header_enough(report)) {
        write_part_head(report, wording->header_part,
                        report->utf8 ? "message/global-headers" : "text/rfc822-headers",
                        report->utf8 ? "Content-Transfer-Encoding: 8bit\r\n" : "");
        original = header_of(original);
    } else {
        write_part_head(report, wording->whole_part,
                        report->utf8 ? "message/global" : "message/rfc822",
                        "Content-Transfer-Encoding: 8bit\r\n");
    }
    buf_add(report->out, original);
    buf_add_printf(report->out, "\r\n--%s--\r\n", report->boundary);
}

void report_write(const struct report *report)
{
    write_head(report);
    write_notice(report);
    write_status(report);
    write_original(report);
}
