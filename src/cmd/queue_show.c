#include "cmd/queue.h"
#include "spool/content.h"

#include <stdio.h>
#include <time.h>

enum { TIME_TEXT_MAX = 64 };

static void print_time(const char *what, int64_t at_us)
{
    time_t at_s = (time_t)(at_us / 1000000);
    struct tm tm;
    char text[TIME_TEXT_MAX];
    if (localtime_r(&at_s, &tm) != NULL && strftime(text, sizeof text, "%F %T %z", &tm) > 0)
        printf("%s: %s\n", what, text);
}

static void print_state(const struct queue_entry *entry)
{
    const struct spool_message *message = entry->message;
    printf("size: %llu\n", (unsigned long long)message->size);
    print_time("arrived", message->arrival_us);
    printf("tries: %u\n", message->tries);
    if (message->held)
        puts("on hold");
    if (message->expired)
        puts("expired: the next try is the last");
    if (message->next_try_us > 0 && !message->held)
        print_time("next try", message->next_try_us);
}

static void print_filter(const struct envelope *envelope)
{
    if (envelope->filter.len == 0)
        return;
    fputs("filter: ", stdout);
    queue_print_foreign(envelope->filter);
    putchar('\n');
}

static void print_recipients(const struct queue_entry *entry, const struct envelope *envelope)
{
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        const char *reason = queue_entry_reason(entry, i);
        bool finished = spool_message_finished(entry->message, i);
        fputs(finished ? "finished recipient: " : "recipient: ", stdout);
        queue_print_foreign(envelope->recipients[i]);
        if (reason != NULL) {
            fputs(" (", stdout);
            queue_print_foreign(slice_of(reason));
            putchar(')');
        }
        putchar('\n');
    }
}

/* In a file of ours a line ends as files' lines do; in mail every CR belongs to a line's end. */
static void print_span(struct slice span)
{
    for (size_t i = 0; i < span.len; i++)
        if (span.at[i] != '\r')
            putchar(span.at[i]);
}

/* False when it cannot be read to its end. */
static bool print_content(const struct queue_entry *entry, const struct spool_view *view)
{
    struct content content;
    struct slice span;
    enum content_step step;
    content_start(&content, queue_entry_spool(entry), view);
    while ((step = content_next(&content, &span)) != CONTENT_END && step != CONTENT_DAMAGED) {
        if (step == CONTENT_READ)
            content_read_done(&content, queue_entry_read(entry, &content.request));
        else
            print_span(span);
    }
    content_free(&content);
    return step == CONTENT_END;
}

bool queue_show_print(const struct queue_entry *entry)
{
    struct queue_letter letter;
    if (!queue_letter_open(entry, &letter))
        return false;
    printf("*** ENVELOPE %s ***\n", entry->queue_id);
    print_state(entry);
    fputs("sender: ", stdout);
    queue_print_foreign(queue_sender(&letter.view.envelope));
    putchar('\n');
    print_filter(&letter.view.envelope);
    print_recipients(entry, &letter.view.envelope);
    printf("*** MESSAGE CONTENTS %s ***\n", entry->queue_id);
    bool whole = print_content(entry, &letter.view);
    if (whole)
        printf("*** END %s ***\n", entry->queue_id);
    queue_letter_close(entry, &letter);
    return whole;
}
