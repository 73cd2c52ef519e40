#include "config/scope.h"

#include "base/memory.h"
#include "config/own_networks.h"
#include "config/parameters.h"
#include "config/unsupported.h"
#include "config/value.h"
#include "config/words.h"

static const struct origin no_origin = {ORIGIN_DEFAULT, NULL, 0};

static bool give(struct scope_value *out, struct slice text, const struct origin *origin)
{
    *out = (struct scope_value){text, *origin};
    return true;
}

/* /etc/mailname stands for its first line, as Debian's Postfix has it. */
static struct slice first_line(struct slice text)
{
    return slice_trim(slice_first(text, slice_find(text, '\n')));
}

static bool stands_for_mailname(const struct scope *scope, struct slice name, struct slice value)
{
    return slice_is(name, "myorigin") && slice_is(value, "/etc/mailname") &&
           first_line(scope->machine->mailname).len > 0;
}

const struct setting *scope_setting(const struct scope *scope, struct slice name)
{
    const struct setting *setting = NULL;
    if (scope->service != NULL)
        setting = master_service_override(scope->service, name);
    return setting != NULL ? setting : main_cf_find(scope->main_cf, name);
}

static bool find_setting(const struct scope *scope, struct slice name, struct scope_value *out)
{
    const struct setting *setting = scope_setting(scope, name);
    if (setting == NULL || (scope->level_is_bad && slice_is(name, "compatibility_level")))
        return false;
    struct slice value = slice_of(setting->value);
    if (stands_for_mailname(scope, name, value))
        value = first_line(scope->machine->mailname);
    return give(out, value, &setting->origin);
}

static struct slice folder_of(const char *path)
{
    struct slice text = slice_of(path);
    return slice_first(text, slice_find_last(text, '/'));
}

/* Defaults that are not the same everywhere. */
static bool find_local_default(const struct scope *scope, struct slice name,
                               struct scope_value *out)
{
    const struct master_service *service = scope->service;
    const struct {
        const char *name;
        struct slice value;
    } values[] = {
        {"myhostname", slice_of(scope->myhostname)},
        {"mydomain", slice_of(scope->mydomain)},
        {"mynetworks", slice_of(scope->mynetworks)},
        {"config_directory", folder_of(scope->main_cf_path)},
        {"service_name", slice_of(service != NULL ? service->name : "")},
        {"process_name", slice_of(service != NULL ? service->command : "")},
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (slice_is(name, values[i].name))
            return give(out, values[i].value, &no_origin);
    return false;
}

bool scope_find(const struct scope *scope, struct slice name, struct scope_value *out)
{
    enum parameter parameter;
    if (scope->stressed && slice_is(name, "stress"))
        return give(out, slice_of("yes"), &no_origin);
    if (find_setting(scope, name, out) || find_local_default(scope, name, out))
        return true;
    if (parameter_find(name, &parameter))
        return give(out, slice_of(parameter_row(parameter)->default_text), &no_origin);
    const struct unsupported *unsupported = unsupported_find(name);
    if (unsupported != NULL)
        return give(out, slice_of(unsupported->default_text), &no_origin);
    return false;
}

struct question {
    const struct scope *scope;
    void (*unknown)(void *context, struct slice name);
    void *context;
};

static bool find_text(void *context, struct slice name, struct slice *text)
{
    const struct question *question = context;
    struct scope_value value;
    if (!scope_find(question->scope, name, &value))
        return false;
    *text = value.text;
    return true;
}

static void tell_unknown(void *context, struct slice name)
{
    const struct question *question = context;
    if (question->unknown != NULL)
        question->unknown(question->context, name);
}

static void trim_from(struct writer *out, size_t start)
{
    struct slice whole = slice_skip(writer_slice(out), start), text = slice_trim(whole);
    for (size_t i = 0; i < text.len; i++)
        out->at[start + i] = text.at[i];
    out->len = start + text.len;
}

struct err scope_expand(const struct scope *scope, struct slice text,
                        void (*unknown)(void *context, struct slice name), void *context,
                        struct writer *out)
{
    struct question question = {scope, unknown, context};
    struct expand_names names = {&question, find_text, tell_unknown};
    size_t start = out->len;
    TRY(expand(text, &names, out));
    trim_from(out, start);
    return err_none();
}

/* The value of a name for working out a default; empty when it cannot be expanded, which is
 * reported where the name itself is looked at. */
static struct slice value_of(const struct scope *scope, const char *name, struct arena *arena)
{
    struct scope_value value;
    struct slice text = {0};
    char *memory = memory_new(EXPAND_LEN_MAX);
    struct writer w = writer_over(memory, EXPAND_LEN_MAX);
    struct err err = err_none();
    if (scope_find(scope, slice_of(name), &value))
        err = scope_expand(scope, value.text, NULL, NULL, &w);
    if (!err_is(&err))
        text = slice_of(keep_text(arena, writer_slice(&w)));
    memory_free(memory);
    return text;
}

static bool level_is_bad(const struct scope *scope, struct arena *arena)
{
    uint64_t level;
    return !value_to_level(value_of(scope, "compatibility_level", arena), &level);
}

/* The system's name, completed with mydomain when main.cf sets that. */
static const char *default_hostname(const struct scope *scope, struct arena *arena)
{
    char text[300];
    struct writer w = writer_over(text, sizeof text);
    struct slice hostname = scope->machine->hostname;
    bool has_domain = scope_setting(scope, slice_of("mydomain")) != NULL;
    writer_bytes(&w, hostname.len > 0 ? hostname : slice_of("localhost"));
    if (slice_find(hostname, '.') == hostname.len)
        writer_text(&w, has_domain ? ".$mydomain" : ".localdomain");
    return keep_text(arena, writer_slice(&w));
}

/* myhostname without its first part. */
static const char *default_domain(const struct scope *scope, struct arena *arena)
{
    struct slice hostname = value_of(scope, "myhostname", arena);
    size_t dot = slice_find(hostname, '.');
    return dot + 1 < hostname.len ? keep_text(arena, slice_skip(hostname, dot + 1)) : "localdomain";
}

static const char *default_networks(const struct scope *scope, struct arena *arena)
{
    struct own_networks own = {.style = MYNETWORKS_HOST, .addresses = scope->machine->addresses};
    struct slice style = value_of(scope, "mynetworks_style", arena);
    const struct choice *choice = choice_find(choices_mynetworks_style, style);
    if (choice != NULL)
        own.style = (enum mynetworks_style)choice->value;
    own.interfaces = value_of(scope, "inet_interfaces", arena);
    own.protocols = value_of(scope, "inet_protocols", arena);
    char *memory = memory_new(EXPAND_LEN_MAX);
    struct writer w = writer_over(memory, EXPAND_LEN_MAX);
    own_networks_write(&w, &own);
    const char *text = keep_text(arena, writer_slice(&w));
    memory_free(memory);
    return text;
}

struct scope scope_make(const struct main_cf *main_cf, const struct master_service *service,
                        const struct machine *machine, const char *main_cf_path,
                        struct arena *arena)
{
    struct scope scope = {.main_cf = main_cf,
                          .service = service,
                          .machine = machine,
                          .main_cf_path = main_cf_path,
                          .myhostname = "",
                          .mydomain = "localdomain",
                          .mynetworks = ""};
    scope.level_is_bad = level_is_bad(&scope, arena);
    scope.myhostname = default_hostname(&scope, arena);
    scope.mydomain = default_domain(&scope, arena);
    scope.mynetworks = default_networks(&scope, arena);
    return scope;
}
