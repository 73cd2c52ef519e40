#include "config/survey.h"

#include "base/memory.h"
#include "config/expand.h"
#include "config/spelling.h"
#include "config/unsupported.h"
#include "config/words.h"

/* One setting being judged. */
struct subject {
    const struct survey *survey;
    const struct scope *scope;
    const struct parameters *parameters;
    const struct setting *setting;
};

static const struct {
    enum parameter old;
    enum parameter new;
    const char *word;
} older_names[] = {
    {PARAMETER_smtpd_use_tls, PARAMETER_smtpd_tls_security_level, "may"},
    {PARAMETER_smtpd_enforce_tls, PARAMETER_smtpd_tls_security_level, "encrypt"},
    {PARAMETER_smtp_use_tls, PARAMETER_smtp_tls_security_level, "may"},
    {PARAMETER_smtp_enforce_tls, PARAMETER_smtp_tls_security_level, "encrypt"},
};

static void warn_of_older_name(const struct subject *s, enum parameter parameter)
{
    for (size_t i = 0; i < sizeof older_names / sizeof *older_names; i++)
        if (older_names[i].old == parameter)
            config_note(s->survey->notes, CONFIG_WARNING, &s->setting->origin,
                        "support for parameter \"%s\" will be removed; instead, specify "
                        "\"%s = %s\"",
                        s->setting->name, parameter_row(older_names[i].new)->name,
                        older_names[i].word);
}

static bool first_word_is(const char *text, const char *word)
{
    struct slice rest = slice_of(text);
    return slice_is(slice_first(rest, slice_find(rest, ':')), word);
}

static bool is_dangerous(const struct subject *s, const struct unsupported *unsupported)
{
    switch (unsupported->weight) {
    case UNSUPPORTED_HARMLESS:
        return false;
    case UNSUPPORTED_DANGEROUS:
        return true;
    case UNSUPPORTED_LOCAL_DELIVERY:
        return s->parameters->mydestination[0] != '\0' &&
               first_word_is(s->parameters->local_transport, "local");
    }
    return true;
}

static void refuse(const struct subject *s, const struct unsupported *unsupported)
{
    struct config_notes *notes = s->survey->notes;
    struct writer *w = config_note_open(notes, CONFIG_ERROR, &s->setting->origin);
    config_note_weigh(notes, CONFIG_DANGEROUS);
    writer_printf(w,
                  "%s = %.*s: Tuvi does not support this parameter yet, and to ignore it would "
                  "change %s; take the setting out to start without it",
                  unsupported->name, SLICE_PRINTF(config_quote(slice_of(s->setting->value))),
                  unsupported_reason_text(unsupported->reason));
    config_note_close(notes);
}

static void pass_over(const struct subject *s, const struct unsupported *unsupported)
{
    struct config_notes *notes = s->survey->notes;
    bool harmless = unsupported->weight == UNSUPPORTED_HARMLESS;
    struct writer *w = config_note_open(notes, CONFIG_NOTE, &s->setting->origin);
    config_note_weigh(notes, CONFIG_HARMLESS);
    writer_printf(w, "%s is passed over: %s", unsupported->name,
                  harmless ? unsupported_reason_text(unsupported->reason)
                           : "in this configuration it changes nothing");
    config_note_close(notes);
}

/* The memory has room for EXPAND_LEN_MAX. */
static struct err expand_value(const struct subject *s, const char *text, char *memory,
                               struct slice *value)
{
    struct writer w = writer_over(memory, EXPAND_LEN_MAX);
    TRY(scope_expand(s->scope, slice_of(text), NULL, NULL, &w));
    *value = writer_slice(&w);
    return err_none();
}

static void judge_value(const struct subject *s, const struct unsupported *unsupported,
                        struct slice value, struct slice default_value)
{
    bool says_something = value.len > 0 && !slice_equal_nocase(value, default_value);
    if (says_something && is_dangerous(s, unsupported))
        refuse(s, unsupported);
    else if (says_something)
        pass_over(s, unsupported);
}

/* A dangerous value that cannot be read may say anything, so it is an error as well. */
static void judge_unsupported(const struct subject *s, const struct unsupported *unsupported)
{
    struct slice value = {0}, default_value = {0};
    if (unsupported->weight == UNSUPPORTED_HARMLESS) {
        pass_over(s, unsupported);
        return;
    }
    char *memory = memory_new((size_t)2 * EXPAND_LEN_MAX);
    struct err err = expand_value(s, s->setting->value, memory, &value);
    struct err default_err =
        expand_value(s, unsupported->default_text, memory + EXPAND_LEN_MAX, &default_value);
    if (err_is(&err))
        config_note(s->survey->notes, CONFIG_ERROR, &s->setting->origin, "%s = %.*s: %s",
                    unsupported->name, SLICE_PRINTF(config_quote(slice_of(s->setting->value))),
                    err.text);
    else
        judge_value(s, unsupported, value,
                    err_is(&default_err) ? slice_make(NULL, 0) : default_value);
    memory_free(memory);
}

/* Restriction lists name the administrator's own lists without a "$". */
static bool names_lists(struct slice name)
{
    return slice_ends_nocase(name, slice_of("_restrictions")) ||
           slice_is(name, "smtpd_restriction_classes");
}

static bool refers_to(const struct setting *setting, struct slice name)
{
    struct slice rest = slice_of(setting->value), found;
    while (expand_next_reference(&rest, &found))
        if (slice_equal(found, name))
            return true;
    rest = slice_of(setting->value);
    while (names_lists(slice_of(setting->name)) && words_next(&rest, &found))
        if (slice_equal(found, name))
            return true;
    return false;
}

static bool any_refers_to(const struct setting *settings, size_t count, struct slice name)
{
    for (size_t i = 0; i < count; i++)
        if (refers_to(&settings[i], name))
            return true;
    return false;
}

static bool is_used(const struct survey *survey, struct slice name)
{
    const struct master_cf *master_cf = survey->master_cf;
    if (any_refers_to(survey->main_cf->settings, survey->main_cf->count, name))
        return true;
    for (size_t i = 0; i < master_cf->count; i++)
        if (any_refers_to(master_cf->services[i].overrides, master_cf->services[i].override_count,
                          name))
            return true;
    return false;
}

static void warn_of_unused(const struct subject *s)
{
    struct slice name = slice_of(s->setting->name);
    const char *meant = spelling_nearest_parameter(name);
    struct writer *w = config_note_open(s->survey->notes, CONFIG_WARNING, &s->setting->origin);
    writer_printf(w, "unused parameter: %.*s=%.*s", SLICE_PRINTF(config_quote(name)),
                  SLICE_PRINTF(config_quote(slice_of(s->setting->value))));
    if (meant != NULL)
        writer_printf(w, "; did you mean %s?", meant);
    config_note_close(s->survey->notes);
}

static void judge_unknown(const struct subject *s)
{
    struct slice name = slice_of(s->setting->name);
    if (unsupported_is_of_transport(name))
        config_note(s->survey->notes, CONFIG_NOTE, &s->setting->origin,
                    "%.*s is passed over: it tunes one transport of Postfix",
                    SLICE_PRINTF(config_quote(name)));
    else if (!is_used(s->survey, name))
        warn_of_unused(s);
}

static void judge_other(const struct subject *s)
{
    const struct unsupported *unsupported = unsupported_find(slice_of(s->setting->name));
    if (unsupported != NULL)
        judge_unsupported(s, unsupported);
    else
        judge_unknown(s);
}

void survey_main_cf(const struct survey *survey, const struct scope *scope,
                    const struct parameters *parameters)
{
    for (size_t i = 0; i < survey->main_cf->count; i++) {
        struct subject s = {survey, scope, parameters, &survey->main_cf->settings[i]};
        enum parameter parameter;
        if (parameter_find(slice_of(s.setting->name), &parameter))
            warn_of_older_name(&s, parameter);
        else
            judge_other(&s);
    }
}

/* The queue and the routes are the same for all services, so their settings belong in main.cf. */
static bool works_in(enum service_role role, enum parameter_users users)
{
    if (users == BY_ALL)
        return true;
    return role == SERVICE_LISTENS ? users == BY_SMTPD || users == BY_ROUTING : users == BY_SMTP;
}

static void note_misplaced(const struct subject *s, enum parameter parameter,
                           enum service_role role)
{
    if (works_in(role, parameter_row(parameter)->users))
        return;
    config_note(s->survey->notes, CONFIG_NOTE, &s->setting->origin,
                "-o %s changes nothing in the service %.*s, which does not use it",
                s->setting->name, SLICE_PRINTF(config_quote(slice_of(s->scope->service->name))));
}

void survey_service(const struct survey *survey, const struct scope *scope,
                    const struct parameters *parameters, enum service_role role)
{
    const struct master_service *service = scope->service;
    for (size_t i = 0; i < service->override_count; i++) {
        struct subject s = {survey, scope, parameters, &service->overrides[i]};
        enum parameter parameter;
        if (!parameter_find(slice_of(s.setting->name), &parameter)) {
            judge_other(&s);
            continue;
        }
        warn_of_older_name(&s, parameter);
        note_misplaced(&s, parameter, role);
    }
}
