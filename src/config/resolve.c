#include "config/resolve.h"

#include "base/memory.h"
#include "config/keep.h"
#include "config/value.h"
#include "config/words.h"

struct resolver {
    const struct scope *scope;
    struct arena *arena;
    struct config_notes *notes;
    struct parameters *out;
    const struct parameter_row *row; /* the one being resolved */
    struct origin origin;            /* of its value */
    char *memory;                    /* for expanding */
};

static void tell_unknown(void *context, struct slice name)
{
    struct resolver *r = context;
    config_note(r->notes, CONFIG_WARNING, &r->origin,
                "%s: $%.*s is set nowhere and stands for nothing; set it or take it out",
                r->row->name, SLICE_PRINTF(config_quote(name)));
}

static const char *old_level(bool enforce_tls, bool use_tls)
{
    if (enforce_tls)
        return "encrypt";
    return use_tls ? "may" : "none";
}

/* Older parameters say what an empty level means. */
static struct slice word_when_empty(const struct parameters *parameters, enum parameter parameter)
{
    const char *word = "";
    if (parameter == PARAMETER_smtpd_tls_security_level)
        word = old_level(parameters->smtpd_enforce_tls, parameters->smtpd_use_tls);
    else if (parameter == PARAMETER_smtp_tls_security_level)
        word = old_level(parameters->smtp_enforce_tls, parameters->smtp_use_tls);
    else if (parameter == PARAMETER_lmtp_tls_security_level)
        word = "none";
    else if (parameter == PARAMETER_smtp_dns_support_level)
        word = parameters->disable_dns_lookups ? "disabled" : "enabled";
    return slice_of(word);
}

static struct err resolve(struct resolver *r, enum parameter parameter)
{
    struct scope_value value = {0};
    struct writer w = writer_over(r->memory, EXPAND_LEN_MAX);
    r->row = parameter_row(parameter);
    scope_find(r->scope, slice_of(r->row->name), &value);
    r->origin = r->out->origins[parameter] = value.origin;
    if (r->row->kind == PARAMETER_RAW)
        return parameter_set(r->out, parameter, value.text, r->arena);
    struct err err = scope_expand(r->scope, value.text, tell_unknown, r, &w);
    if (err_is(&err))
        return err_make(err.code, "%s = %.*s: %s", r->row->name,
                        SLICE_PRINTF(config_quote(value.text)), err.text);
    struct slice text = writer_slice(&w);
    if (text.len == 0 && r->row->kind == PARAMETER_CHOICE)
        text = word_when_empty(r->out, parameter);
    return parameter_set(r->out, parameter, text, r->arena);
}

/* A default that is wrong is made of another value that is wrong, which was reported. */
static bool follows_from_another(const struct resolver *r)
{
    return r->origin.kind == ORIGIN_DEFAULT && r->notes->error_count > 0;
}

/* Choices come last: an empty one asks flags what it means. */
static void resolve_all(struct resolver *r, bool choices)
{
    for (unsigned i = 0; i < PARAMETER_COUNT; i++) {
        enum parameter parameter = (enum parameter)i;
        if ((parameter_row(parameter)->kind == PARAMETER_CHOICE) != choices)
            continue;
        struct err err = resolve(r, parameter);
        if (err_is(&err) && !follows_from_another(r))
            config_note(r->notes, CONFIG_ERROR, &r->origin, "%s", err.text);
    }
}

static void check_level(struct resolver *r)
{
    const struct setting *setting = scope_setting(r->scope, slice_of("compatibility_level"));
    if (r->scope->level_is_bad && setting != NULL)
        config_note(r->notes, CONFIG_ERROR, &setting->origin,
                    "compatibility_level = %.*s: write a release of Postfix, as in 3.6",
                    SLICE_PRINTF(config_quote(slice_of(setting->value))));
}

/* The row is smtpd_restriction_classes'. */
static bool resolve_class(struct resolver *r, struct slice name, struct restriction_class *out)
{
    struct scope_value value;
    struct writer w = writer_over(r->memory, EXPAND_LEN_MAX);
    if (!scope_find(r->scope, name, &value)) {
        config_note(r->notes, CONFIG_ERROR, &r->origin,
                    "smtpd_restriction_classes: %.*s is set nowhere; set it to a list of "
                    "restrictions, or take its name out",
                    SLICE_PRINTF(config_quote(name)));
        return false;
    }
    struct err err = scope_expand(r->scope, value.text, tell_unknown, r, &w);
    if (err_is(&err)) {
        config_note(r->notes, CONFIG_ERROR, &value.origin, "%.*s = %.*s: %s",
                    SLICE_PRINTF(config_quote(name)), SLICE_PRINTF(config_quote(value.text)),
                    err.text);
        return false;
    }
    *out = (struct restriction_class){.name = keep_text(r->arena, name),
                                      .text = keep_text(r->arena, writer_slice(&w)),
                                      .origin = value.origin};
    return true;
}

static void resolve_classes(struct resolver *r)
{
    struct slice rest = slice_of(r->out->smtpd_restriction_classes), name;
    size_t count = 0;
    while (words_next(&rest, &name))
        count++;
    if (count == 0)
        return;
    struct restriction_class *classes = keep_new(r->arena, count * sizeof *classes);
    r->row = parameter_row(PARAMETER_smtpd_restriction_classes);
    r->origin = r->out->origins[PARAMETER_smtpd_restriction_classes];
    rest = slice_of(r->out->smtpd_restriction_classes);
    r->out->restriction_classes = classes;
    while (words_next(&rest, &name))
        if (resolve_class(r, name, &classes[r->out->restriction_class_count]))
            r->out->restriction_class_count++;
}

void parameters_resolve(const struct scope *scope, struct arena *arena, struct config_notes *notes,
                        struct parameters *out)
{
    struct resolver r = {.scope = scope, .arena = arena, .notes = notes, .out = out};
    r.memory = memory_new(EXPAND_LEN_MAX);
    parameters_clear(out);
    check_level(&r);
    resolve_all(&r, false);
    resolve_all(&r, true);
    resolve_classes(&r);
    memory_free(r.memory);
}
