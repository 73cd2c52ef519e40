#include "mta/dns_list_reply.h"

#include "config/expand.h"

enum { TEMPLATE_MAX = 1024, VALUE_MAX = 700 };

/* What names are looked for while a template is expanded. */
struct expansion_case {
    const struct restriction_case *about;
    const struct dns_list_hit *hit;
    bool has_unknown;
    char value[2 * VALUE_MAX];
};

/* ---- names ---- */

/* A value is text and nothing to expand, whoever wrote it. */
static struct slice quote(struct expansion_case *e, struct slice value)
{
    struct writer w = writer_over(e->value, sizeof e->value);
    value = slice_first(value, VALUE_MAX);
    for (size_t i = 0; i < value.len; i++) {
        writer_printable(&w, slice_make(&value.at[i], 1));
        if (value.at[i] == '$')
            writer_byte(&w, '$');
    }
    return writer_slice(&w);
}

static struct slice part_of(const struct facts_address *address, bool domain)
{
    size_t at = slice_find_last(address->said, '@');
    if (domain)
        return slice_skip(address->said, at + 1);
    return address->said.len > 0 ? slice_first(address->said, at) : slice_of("<>");
}

static struct slice whole(const struct facts_address *address)
{
    return address->is_known && address->said.len == 0 ? slice_of("<>") : address->said;
}

static struct slice write_value(struct expansion_case *e, bool is_code)
{
    struct writer w = writer_over(e->value, sizeof e->value);
    if (is_code)
        writer_number(&w, (uint64_t)e->about->parameters->maps_rbl_reject_code);
    else
        ip_format(&w, &e->about->facts->client);
    return writer_slice(&w);
}

static bool find_name(void *context, struct slice name, struct slice *value)
{
    struct expansion_case *e = context;
    const struct policy_facts *facts = e->about->facts;
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
        {"client", facts->client_text},
        {"client_name", facts->client_name},
        {"reverse_client_name", facts->reverse_name},
        {"helo_name", facts->helo},
        {"sender", whole(&facts->sender)},
        {"sender_name", part_of(&facts->sender, false)},
        {"sender_domain", part_of(&facts->sender, true)},
        {"recipient", whole(&facts->recipient)},
        {"recipient_name", part_of(&facts->recipient, false)},
        {"recipient_domain", part_of(&facts->recipient, true)},
    };
    bool is_code = slice_is(name, "rbl_code");
    if (is_code || slice_is(name, "client_address")) {
        *value = write_value(e, is_code);
        return true;
    }
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        if (!slice_is(name, values[i].name))
            continue;
        *value = quote(e, values[i].value);
        return true;
    }
    e->has_unknown = true;
    return false;
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
