#include "proc/restart_only.h"

#include <string.h>

enum { VALUE_MAX = 4096 };

static const enum parameter restart_only[] = {
    PARAMETER_inet_interfaces, PARAMETER_inet_protocols,    PARAMETER_mail_owner,
    PARAMETER_maillog_file,    PARAMETER_queue_directory,   PARAMETER_syslog_facility,
    PARAMETER_tuvi_workers,    PARAMETER_tuvi_segment_size,
};

static struct slice value_of(const struct parameters *parameters, enum parameter parameter,
                             char text[VALUE_MAX])
{
    struct writer w = writer_over(text, VALUE_MAX);
    parameter_format(&w, parameters, parameter);
    return writer_slice(&w);
}

/* The value is expanded already, so a dollar sign in it stands for itself. */
static void write_line(struct writer *lines, const char *name, struct slice value)
{
    writer_printf(lines, "%s = ", name);
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] == '$')
            writer_byte(lines, '$');
        writer_byte(lines, value.at[i]);
    }
    writer_byte(lines, '\n');
}

void restart_only_keep(const struct parameters *running, const struct parameters *wanted,
                       struct writer *lines, struct config_notes *notes)
{
    for (size_t i = 0; i < sizeof restart_only / sizeof *restart_only; i++) {
        enum parameter parameter = restart_only[i];
        const char *name = parameter_row(parameter)->name;
        char running_text[VALUE_MAX], wanted_text[VALUE_MAX];
        struct slice kept = value_of(running, parameter, running_text);
        if (slice_equal(kept, value_of(wanted, parameter, wanted_text)))
            continue;
        struct slice quote = config_quote(kept);
        config_note(notes, CONFIG_WARNING, parameter_origin(wanted, parameter),
                    "%s: a reload cannot change it: \"%.*s\" stays until tuvid is restarted", name,
                    SLICE_PRINTF(quote));
        write_line(lines, name, kept);
    }
}
