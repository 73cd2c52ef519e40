#include "cmd/queue.h"
#include "spool/content.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct file {
    char path[QUEUE_VIEW_ID_MAX + 16];
    FILE *stream;
};

static struct err create(struct file *file, const struct queue_entry *entry, const char *suffix)
{
    snprintf(file->path, sizeof file->path, "%s.%s", entry->queue_id, suffix);
    file->stream = fopen(file->path, "wxe");
    return file->stream != NULL ? err_none() : err_errno(errno, "%s", file->path);
}

/* What went wrong before, or with the last bytes; then nothing of the file stays. */
static struct err finish(struct file *file, struct err err)
{
    if (file->stream == NULL)
        return err;
    bool bad = ferror(file->stream) != 0;
    bad |= fclose(file->stream) != 0;
    if (bad && !err_is(&err))
        err = err_errno(errno != 0 ? errno : EIO, "%s", file->path);
    if (err_is(&err))
        unlink(file->path);
    return err;
}

static struct err write_content(FILE *out, const struct queue_entry *entry,
                                const struct spool_view *view)
{
    struct content content;
    struct slice span;
    enum content_step step;
    content_start(&content, queue_entry_spool(entry), view);
    while ((step = content_next(&content, &span)) != CONTENT_END && step != CONTENT_DAMAGED) {
        if (step == CONTENT_READ)
            content_read_done(&content, queue_entry_read(entry, &content.request));
        else
            fwrite(span.at, 1, span.len, out);
    }
    content_free(&content);
    return step == CONTENT_END ? err_none() : err_make(ERR_OTHER, "it cannot be read to its end");
}

/* As MAIL and RCPT would say it. */
static void write_wish(FILE *out, struct dsn_wish wish)
{
    char text[64];
    struct writer w = writer_over(text, sizeof text);
    dsn_write_notify(&w, wish.notify);
    if (w.len > 0)
        fprintf(out, "  notify: %.*s\n", SLICE_PRINTF(writer_slice(&w)));
    if (wish.original.len > 0)
        fprintf(out, "  original recipient: %.*s\n", SLICE_PRINTF(wish.original));
}

/* An address holds no line end, so a line each is enough. */
static void write_envelope(FILE *out, const struct queue_entry *entry,
                           const struct envelope *envelope)
{
    fprintf(out, "sender: <%.*s>\n", SLICE_PRINTF(envelope->sender));
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        if (spool_message_finished(entry->message, i))
            continue;
        fprintf(out, "recipient: <%.*s>\n", SLICE_PRINTF(envelope->recipients[i]));
        if (envelope->originals[i].len > 0)
            fprintf(out, "  named as: <%.*s>\n", SLICE_PRINTF(envelope->originals[i]));
        write_wish(out, envelope_wish(envelope, i));
    }
    if ((envelope->flags & ENVELOPE_EIGHT_BIT) != 0)
        fputs("body: 8BITMIME\n", out);
    if (envelope->back != DSN_RETURN_UNSAID)
        fprintf(out, "return: %s\n", dsn_return_name(envelope->back));
    if (envelope->envelope_id.len > 0)
        fprintf(out, "envelope id: %.*s\n", SLICE_PRINTF(envelope->envelope_id));
}

struct err queue_export_write(const struct queue_entry *entry)
{
    struct queue_letter letter;
    struct file content = {.stream = NULL}, envelope = {.stream = NULL};
    if (!queue_letter_open(entry, &letter))
        return err_make(ERR_OTHER, "it cannot be read");
    struct err err = create(&content, entry, "eml");
    if (!err_is(&err))
        err = create(&envelope, entry, "envelope");
    if (!err_is(&err)) {
        err = write_content(content.stream, entry, &letter.view);
        write_envelope(envelope.stream, entry, &letter.view.envelope);
    }
    queue_letter_close(entry, &letter);
    err = finish(&content, err);
    return finish(&envelope, err);
}
