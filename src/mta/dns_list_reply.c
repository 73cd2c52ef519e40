#include "mta/dns_list_reply.h"

#include "config/expand.h"
#include "mta/fact_names.h"

enum { TEMPLATE_MAX = 1024 };

/* What names are looked for while a template is expanded. */
struct expansion_case {
    const struct restriction_case *about;
    const struct dns_list_hit *hit;
    bool has_unknown;
    char value[FACT_QUOTED_MAX];
};

/* ---- names ---- */

static bool write_value(const struct expansion_case *e, struct slice name, struct writer *w)
{
    const struct {
        const char *name;
        struct slice value;
    } values[] = {
        {"rbl_domain", e->hit->list->domain},
        {"rbl_reason", e->hit->reason},
        {"rbl_txt", e->hit->reason},
        {"rbl_what", e->hit->what},
        {"rbl_class", slice_of(e->hit->class)},
        {"server_name", slice_of(e->about->parameters->myhostname)},
    };
    if (slice_is(name, "rbl_code")) {
        writer_number(w, (uint64_t)e->about->parameters->maps_rbl_reject_code);
        return true;
    }
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        if (!slice_is(name, values[i].name))
            continue;
        fact_names_quote(w, values[i].value);
        return true;
    }
    return fact_names_write(e->about->facts, name, w);
}

static bool find_name(void *context, struct slice name, struct slice *value)
{
    struct expansion_case *e = context;
    struct writer w = writer_over(e->value, sizeof e->value);
    bool is_known = write_value(e, name, &w);
    e->has_unknown |= !is_known;
    *value = writer_slice(&w);
    return is_known;
}

/* ---- templates ---- */

/* "554 5.7.1 text", or "554 text". */
static bool read_reply(struct slice reply, struct ruling *out)
{
    char status[16] = "4.7.1", text[RULING_REPLY_MAX] = "";
    uint64_t code;
    if (reply.len < 4 || reply.at[3] != ' ' ||
        !slice_to_number(slice_first(reply, 3), 599, &code) || code < 400)
        return false;
    struct slice rest = slice_trim(slice_skip(reply, 4));
    size_t len = ruling_status_length(rest);
    if (len > 0) {
        struct writer w = writer_over(status, sizeof status - 1);
        writer_bytes(&w, slice_first(rest, len));
        writer_byte(&w, '\0');
        rest = slice_trim(slice_skip(rest, len));
    }
    struct writer w = writer_over(text, sizeof text - 1);
    writer_printable(&w, slice_first(rest, sizeof text - 1));
    ruling_refuse_plainly(out, (int64_t)code, status, w.len > 0 ? text : "Service unavailable");
    return true;
}

static bool use_template(struct expansion_case *e, struct slice template, struct ruling *out)
{
    const struct expand_names names = {e, find_name, NULL};
    char text[TEMPLATE_MAX];
    struct writer w = writer_over(text, sizeof text);
    e->has_unknown = false;
    struct err err = expand(template, &names, &w);
    /* One that is too long is cut, as every reply is. */
    if (e->has_unknown || (err_is(&err) && !w.overflow))
        return false;
    if (!read_reply(writer_slice(&w), out))
        ruling_refuse_plainly(out, 450, "4.7.1", "Service unavailable");
    return true;
}

/* The template of the list with its filter goes before that of the list. */
static enum table_result find_template(const struct restriction_case *about,
                                       const struct dns_list *list, struct writer *w)
{
    enum table_result result = table_list_find(about->reply_maps, TABLE_KEY_WHOLE, list->text, w);
    if (result == TABLE_ABSENT && list->is_filtered)
        result = table_list_find(about->reply_maps, TABLE_KEY_WHOLE, list->domain, w);
    return result;
}

void dns_list_refuse(const struct restriction_case *about, const struct dns_list_hit *hit,
                     struct ruling *out)
{
    struct expansion_case e = {.about = about, .hit = hit};
    char text[TEMPLATE_MAX];
    struct writer template = writer_over(text, sizeof text);
    switch (find_template(about, hit->list, &template)) {
    case TABLE_TROUBLE:
        ruling_fail(out, "rbl_reply_maps could not be searched to its end");
        return;
    case TABLE_FOUND:
        if (use_template(&e, writer_slice(&template), out))
            return;
        break;
    case TABLE_ABSENT:
        break;
    }
    if (!use_template(&e, slice_of(about->parameters->default_rbl_reply), out))
        ruling_fail(out, "default_rbl_reply cannot be expanded");
}
