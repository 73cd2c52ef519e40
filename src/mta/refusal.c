#include "mta/refusal.h"

#include "config/checks.h"
#include "config/expand.h"
#include "mta/fact_names.h"
#include "mta/ruling.h"
#include "proto/date.h"
#include "proto/smtp_reply.h"

enum { TEMPLATE_MAX = 2048, CODE_LEN = 4 };

/* ---- names in footers ---- */

struct footing {
    const struct refusal_rules *rules;
    const struct refusal_case *about;
    struct slice unknown; /* a name that is none */
    char value[FACT_QUOTED_MAX];
};

static bool write_value(const struct footing *f, struct slice name, struct writer *w)
{
    if (slice_is(name, "client_port"))
        writer_number(w, f->about->client_port);
    else if (slice_is(name, "localtime"))
        date_write_log(w, &f->about->now);
    else if (slice_is(name, "server_name"))
        writer_text(w, f->rules->hostname);
    else
        return fact_names_write(f->about->facts, name, w);
    return true;
}

static bool find_name(void *context, struct slice name, struct slice *value)
{
    struct footing *f = context;
    struct writer w = writer_over(f->value, sizeof f->value);
    bool is_known = write_value(f, name, &w);
    if (!is_known)
        f->unknown = name;
    *value = writer_slice(&w);
    return is_known;
}

/* ---- making the rules ---- */

/* A footer is tried out on nobody: a wrong one should be known before the first refusal. */
static void check_footer(const struct parameters *parameters, const struct refusal_rules *rules,
                         struct config_notes *notes)
{
    const struct origin *origin = parameter_origin(parameters, PARAMETER_smtpd_reject_footer);
    const struct policy_facts nothing = {.stage = FACTS_CONNECT};
    const struct refusal_case nobody = {.facts = &nothing};
    struct footing f = {.rules = rules, .about = &nobody};
    const struct expand_names names = {&f, find_name, NULL};
    char text[TEMPLATE_MAX];
    struct writer w = writer_over(text, sizeof text);
    struct err err = expand(rules->footer, &names, &w);
    if (err_is(&err))
        config_note(notes, CONFIG_ERROR, origin, "smtpd_reject_footer: %s", err.text);
    else if (f.unknown.len > 0)
        config_note(notes, CONFIG_WARNING, origin,
                    "smtpd_reject_footer: $%.*s is not known and stands for nothing; names of "
                    "parameters mean nothing in it",
                    SLICE_PRINTF(slice_first(f.unknown, 100)));
}

void refusal_rules_make(const struct parameters *parameters, struct refusal_rules *out,
                        struct config_notes *notes)
{
    struct table_source source = table_source_of(parameters, notes);
    *out = (struct refusal_rules){.soft = parameters->soft_bounce,
                                  .hostname = parameters->myhostname,
                                  .footer = slice_of(parameters->smtpd_reject_footer)};
    struct err err = table_list_compile(slice_of(parameters->smtpd_reject_footer_maps), &source,
                                        &out->footer_maps);
    parameter_report(parameters, PARAMETER_smtpd_reject_footer_maps, &err, notes);
    err = table_list_compile(slice_of(parameters->smtpd_reject_filter_maps), &source,
                             &out->filter_maps);
    parameter_report(parameters, PARAMETER_smtpd_reject_filter_maps, &err, notes);
    check_footer(parameters, out, notes);
}

void refusal_rules_free(struct refusal_rules *rules)
{
    table_list_free(&rules->footer_maps);
    table_list_free(&rules->filter_maps);
}

/* ---- the filter ---- */

static bool is_refusal(struct slice reply)
{
    uint64_t code;
    return reply.len >= CODE_LEN && reply.at[3] == ' ' &&
           slice_to_number(slice_first(reply, 3), 599, &code) && code >= 400;
}

/* Puts another reply in the place of *reply, whose bytes are the writer's then. */
static const char *filter(const struct refusal_rules *rules, struct slice *reply, struct writer *w)
{
    char text[TEMPLATE_MAX];
    struct writer answer = writer_over(text, sizeof text);
    switch (table_list_find(&rules->filter_maps, TABLE_KEY_WHOLE, *reply, &answer)) {
    case TABLE_ABSENT:
        return NULL;
    case TABLE_TROUBLE:
        return "smtpd_reject_filter_maps could not be searched to its end";
    case TABLE_FOUND:
        break;
    }
    struct slice found = slice_trim(writer_slice(&answer));
    if (!is_refusal(found))
        return "smtpd_reject_filter_maps: the answer does not begin with a code from 400 to 599";
    writer_printable(w, slice_first(found, RULING_REPLY_MAX));
    *reply = writer_slice(w);
    return NULL;
}

/* ---- the footer ---- */

/* The code, and the enhanced status where there is one, begin each line. */
static void begin_line(struct slice reply, struct writer *out)
{
    size_t status_len = ruling_status_length(slice_skip(reply, CODE_LEN));
    writer_text(out, "\r\n");
    writer_bytes(out, slice_first(reply, CODE_LEN));
    writer_bytes(out, slice_first(slice_skip(reply, CODE_LEN), status_len));
    if (status_len > 0)
        writer_byte(out, ' ');
}

static struct err write_text(struct footing *f, struct slice text, struct writer *out)
{
    const struct expand_names names = {f, find_name, NULL};
    char expanded[TEMPLATE_MAX];
    struct writer w = writer_over(expanded, sizeof expanded);
    TRY(expand(text, &names, &w));
    writer_printable(out, writer_slice(&w));
    return err_none();
}

/* Takes what stands before the next "\n", two characters, or everything. */
static struct slice take_line(struct slice *rest)
{
    size_t len = 0;
    while (len < rest->len && !slice_starts(slice_skip(*rest, len), "\\n"))
        len++;
    struct slice line = slice_first(*rest, len);
    *rest = slice_skip(*rest, len + 2 < rest->len ? len + 2 : rest->len);
    return line;
}

static struct err write_footer(struct footing *f, struct slice reply, struct slice footer,
                               struct writer *out)
{
    size_t line_at = out->len;
    bool same_line = slice_starts(footer, "\\c");
    writer_bytes(out, reply);
    footer = slice_skip(footer, same_line ? 2 : 0);
    while (footer.len > 0 && !out->overflow) {
        if (!same_line) {
            out->at[line_at + 3] = '-';
            line_at = out->len + 2;
            begin_line(reply, out);
        }
        same_line = false;
        TRY(write_text(f, take_line(&footer), out));
    }
    return out->overflow ? err_make(ERR_OTHER, "too long") : err_none();
}

/* What to say below this reply; nothing when that is empty. */
static struct slice footer_for(const struct refusal_rules *rules, struct slice reply,
                               struct writer *w)
{
    if (table_list_find(&rules->footer_maps, TABLE_KEY_WHOLE, reply, w) == TABLE_FOUND)
        return writer_slice(w);
    return rules->footer;
}

static const char *add_footer(const struct refusal_rules *rules, const struct refusal_case *about,
                              struct slice reply, struct writer *out)
{
    char template[TEMPLATE_MAX];
    struct footing f = {.rules = rules, .about = about};
    struct writer w = writer_over(template, sizeof template);
    struct slice footer = footer_for(rules, reply, &w);
    size_t begin = out->len;
    struct err err = write_footer(&f, reply, footer, out);
    if (!err_is(&err))
        return NULL;
    out->len = begin;
    out->overflow = false;
    writer_bytes(out, reply);
    return "a footer of smtpd_reject_footer_maps or smtpd_reject_footer cannot be expanded";
}

/* ---- all of it ---- */

bool refusal_concerns(const struct refusal_rules *rules, struct slice reply)
{
    bool has_text =
        rules->footer.len > 0 || rules->footer_maps.count > 0 || rules->filter_maps.count > 0;
    if (reply.len <= CODE_LEN || (reply.at[0] != '4' && reply.at[0] != '5'))
        return false;
    return has_text || rules->soft;
}

static void soften_lines(char *text, size_t len)
{
    size_t begin = 0;
    while (begin < len) {
        smtp_reply_soften(text + begin, len - begin);
        begin += slice_find(slice_make(text + begin, len - begin), '\n') + 1;
    }
}

const char *refusal_write(const struct refusal_rules *rules, const struct refusal_case *about,
                          struct slice reply, struct writer *out)
{
    char filtered[RULING_REPLY_MAX];
    struct writer w = writer_over(filtered, sizeof filtered);
    size_t begin = out->len;
    reply = slice_first(reply, slice_find(reply, '\r'));
    const char *trouble = filter(rules, &reply, &w);
    const char *more = add_footer(rules, about, reply, out);
    writer_text(out, "\r\n");
    if (rules->soft)
        soften_lines(out->at + begin, out->len - begin);
    return trouble != NULL ? trouble : more;
}
