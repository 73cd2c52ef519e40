/* What the log is told of a session: which commands came, and where it stands. */
#include "proto/smtp_server_commands.h"

static void write_count(struct writer *w, const char *name, struct smtp_verb_count count)
{
    for (; *name != '\0'; name++)
        writer_byte(w, ascii_lower(*name));
    writer_byte(w, '=');
    writer_number(w, count.good);
    if (count.good != count.all || count.all == 0) {
        writer_byte(w, '/');
        writer_number(w, count.all);
    }
}

void smtp_server_write_counts(const struct smtp_server *server, struct writer *w)
{
    struct smtp_verb_count sum = {0, 0};
    for (enum smtp_verb verb = 0; verb < SMTP_VERB_COUNT; verb++) {
        struct smtp_verb_count count = server->counts[verb];
        if (count.all == 0)
            continue;
        write_count(w, smtp_verb_name(verb), count);
        writer_byte(w, ' ');
        sum.good += count.good;
        sum.all += count.all;
    }
    write_count(w, "commands", sum);
}

const char *smtp_server_stage(const struct smtp_server *server)
{
    if (server->verb == SMTP_VERB_COUNT)
        return "CONNECT";
    if ((server->verb == SMTP_DATA || server->verb == SMTP_BDAT) &&
        server->asked == SMTP_ASK_MESSAGE)
        return "END-OF-MESSAGE";
    return smtp_verb_name(server->verb);
}
