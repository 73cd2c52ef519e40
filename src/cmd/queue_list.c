/* The two shapes of a list are Postfix's own (postqueue(1), showq_compat.c and showq_json.c),
 * because scripts everywhere read them. */
#include "cmd/queue.h"

#include "base/utf8.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { REASON_COLUMNS = 76, TIME_TEXT_MAX = 64 };

/* ---- as mailq ---- */

struct form {
    const char *header;
    int id_columns, size_columns, time_columns;
    bool pads_day; /* "Nov  4", and not "Nov 04" */
};

static const struct form short_form = {
    "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------", 11, 7, 20, true};
static const struct form long_form = {
    "----Queue ID----- --Size-- ---Arrival Time---- --Sender/Recipient------", 17, 8, 19, false};

static void write_time(const struct form *form, int64_t at_us, char text[TIME_TEXT_MAX])
{
    time_t at_s = (time_t)(at_us / 1000000);
    struct tm tm;
    text[0] = '\0';
    if (localtime_r(&at_s, &tm) == NULL)
        return;
    if (form->pads_day)
        strftime(text, TIME_TEXT_MAX, "%a %b %e %H:%M:%S", &tm);
    else
        strftime(text, TIME_TEXT_MAX, "%a %b %d %H:%M:%S", &tm);
}

static void print_reason(const char *reason)
{
    size_t len = strlen(reason);
    printf("%*s(", len < REASON_COLUMNS ? (int)(REASON_COLUMNS - len) : 0, "");
    queue_print_foreign(slice_of(reason));
    puts(")");
}

/* A reason stands above the recipients that share it. */
static void print_recipients(const struct form *form, const struct queue_entry *entry,
                             const struct envelope *envelope)
{
    const char *before = NULL;
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        if (spool_message_finished(entry->message, i))
            continue;
        const char *reason = queue_entry_reason(entry, i);
        if (reason != NULL && (before == NULL || strcmp(reason, before) != 0))
            print_reason(reason);
        else if (reason == NULL && before != NULL)
            print_reason("reason unavailable");
        before = reason;
        printf("%-*s %*s %-*s ", form->id_columns, "", form->size_columns, "", form->time_columns,
               "");
        queue_print_foreign(envelope->recipients[i]);
        putchar('\n');
    }
}

/* As mailq marks them. */
static const char *mark_of(const struct spool_message *message)
{
    if (message->held)
        return "!";
    return message->expired ? "#" : "";
}

static void print_entry(const struct form *form, const struct queue_entry *entry,
                        const struct envelope *envelope)
{
    char arrival[TIME_TEXT_MAX];
    write_time(form, entry->message->arrival_us, arrival);
    char queue_id[QUEUE_VIEW_ID_MAX + 1];
    snprintf(queue_id, sizeof queue_id, "%s%s", entry->queue_id, mark_of(entry->message));
    printf("%-*s %*llu %-*s ", form->id_columns, queue_id, form->size_columns,
           (unsigned long long)entry->message->size, form->time_columns, arrival);
    queue_print_foreign(queue_sender(envelope));
    putchar('\n');
    print_recipients(form, entry, envelope);
}

void queue_list_print(const struct queue_view *view, bool long_ids)
{
    const struct form *form = long_ids ? &long_form : &short_form;
    unsigned long long bytes = 0;
    size_t shown = 0;
    for (size_t i = 0; i < view->count; i++) {
        const struct queue_entry *entry = &view->entries[i];
        struct queue_letter letter;
        if (!queue_letter_open(entry, &letter))
            continue; /* it was delivered meanwhile; damage was warned of */
        puts(shown == 0 ? form->header : "");
        print_entry(form, entry, &letter.view.envelope);
        queue_letter_close(entry, &letter);
        bytes += entry->message->size;
        shown++;
    }
    if (shown > 0)
        printf("\n-- %llu Kbytes in %zu Request%s.\n", bytes / 1024, shown, shown == 1 ? "" : "s");
    else
        puts("Mail queue is empty");
}

/* ---- as postqueue -j ---- */

static void print_string(struct slice text)
{
    char visible[QUEUE_TEXT_MAX];
    struct writer w = writer_over(visible, sizeof visible);
    utf8_write_visible(&w, text);
    putchar('"');
    for (size_t i = 0; i < w.len; i++) {
        if (visible[i] == '"' || visible[i] == '\\')
            putchar('\\');
        putchar(visible[i]);
    }
    putchar('"');
}

static void print_json_recipients(const struct queue_entry *entry, const struct envelope *envelope)
{
    const char *separator = "";
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        const char *reason = queue_entry_reason(entry, i);
        if (spool_message_finished(entry->message, i))
            continue;
        printf("%s{\"address\": ", separator);
        print_string(envelope->recipients[i]);
        if (reason != NULL) {
            printf(", \"delay_reason\": ");
            print_string(slice_of(reason));
        }
        putchar('}');
        separator = ", ";
    }
}

static const char *queue_name_of(const struct spool_message *message)
{
    if (message->held)
        return "hold";
    return message->tries > 0 ? "deferred" : "incoming";
}

static void print_json_entry(const struct queue_entry *entry, const struct envelope *envelope)
{
    const struct spool_message *message = entry->message;
    printf("{\"queue_name\": \"%s\", \"queue_id\": \"%s\", \"arrival_time\": %lld, "
           "\"message_size\": %llu, \"forced_expire\": %s, \"sender\": ",
           queue_name_of(message), entry->queue_id, (long long)(message->arrival_us / 1000000),
           (unsigned long long)message->size, message->expired ? "true" : "false");
    print_string(queue_sender(envelope));
    printf(", \"recipients\": [");
    print_json_recipients(entry, envelope);
    puts("]}");
}

void queue_list_print_json(const struct queue_view *view)
{
    for (size_t i = 0; i < view->count; i++) {
        struct queue_letter letter;
        if (!queue_letter_open(&view->entries[i], &letter))
            continue;
        print_json_entry(&view->entries[i], &letter.view.envelope);
        queue_letter_close(&view->entries[i], &letter);
    }
}
