#include "config/config.h"

#include "base/memory.h"
#include "config/checks.h"
#include "config/resolve.h"
#include "config/services.h"
#include "config/survey.h"
#include "config/table.h"

#include <string.h>

struct config {
    struct arena arena;
    struct machine machine;
    struct config_files files;
    bool is_checked;
    struct table_store tables;
    const char *main_cf_path;
    struct main_cf main_cf;
    struct master_cf master_cf;
    struct scope scope; /* main.cf alone */
    struct parameters main;
    struct config_service *services; /* one for each of master_cf.services */
    struct scope *scopes;            /* of the services, in the same order */
};

static struct slice keep_slice(struct arena *arena, struct slice text)
{
    return slice_of(keep_text(arena, text));
}

static struct machine keep_machine(struct arena *arena, const struct machine *machine)
{
    return (struct machine){
        .hostname = keep_slice(arena, machine->hostname),
        .addresses = keep_slice(arena, machine->addresses),
        .mailname = keep_slice(arena, machine->mailname),
    };
}

static struct config *config_new(const struct config_source *source)
{
    struct config *config = memory_new(sizeof *config);
    config->arena = keep_make();
    config->files = source->files;
    config->is_checked = source->is_checked;
    config->machine = keep_machine(&config->arena, &source->machine);
    config->main_cf_path = keep_text(&config->arena, slice_of(source->main_cf.path));
    return config;
}

void config_free(struct config *config)
{
    if (config == NULL)
        return;
    main_cf_free(&config->main_cf);
    master_cf_free(&config->master_cf);
    table_store_free(&config->tables);
    arena_reset(&config->arena);
    memory_free(config);
}

static void parse_files(struct config *config, const struct config_source *source,
                        struct config_notes *notes)
{
    const char *master_cf_path = keep_text(&config->arena, slice_of(source->master_cf.path));
    main_cf_parse(source->main_cf.text, config->main_cf_path, &config->arena, notes,
                  &config->main_cf);
    master_cf_parse(source->master_cf.text, master_cf_path, &config->arena, notes,
                    &config->master_cf);
}

static void warn_without_level(const struct config *config, struct config_notes *notes)
{
    struct origin origin = {ORIGIN_MAIN_CF, config->main_cf_path, 0};
    if (main_cf_find(&config->main_cf, slice_of("compatibility_level")) == NULL)
        config_note(notes, CONFIG_WARNING, &origin,
                    "compatibility_level is not set; %s is assumed. Write compatibility_level = %s",
                    parameter_row(PARAMETER_compatibility_level)->default_text,
                    parameter_row(PARAMETER_compatibility_level)->default_text);
}

static void load_main(struct config *config, const struct survey *survey)
{
    config->scope =
        scope_make(&config->main_cf, NULL, &config->machine, config->main_cf_path, &config->arena);
    parameters_resolve(&config->scope, &config->arena, survey->notes, &config->main);
    config->main.files = &config->files;
    config->main.tables = &config->tables;
    if (!config->is_checked)
        parameters_check(&config->main, survey->notes);
    warn_without_level(config, survey->notes);
    survey_main_cf(survey, &config->scope, &config->main);
}

/* A transport that nothing names is never used, whatever its settings. */
static bool is_named_transport(const struct parameters *parameters, const char *name)
{
    const char *const transports[] = {
        "smtp",
        "relay",
        parameters->default_transport,
        parameters->relay_transport,
        parameters->virtual_transport,
        parameters->local_transport,
        parameters->mailbox_transport,
    };
    for (size_t i = 0; i < sizeof transports / sizeof *transports; i++) {
        struct slice transport = slice_of(transports[i]);
        if (slice_is(slice_first(transport, slice_find(transport, ':')), name))
            return true;
    }
    return false;
}

/* Of the services that are passed over, those that Postfix itself calls by their program's name do
 * work that is Tuvi's here, so their settings matter. */
static bool settings_matter(const struct config *config, const struct config_service *service)
{
    if (service->role == SERVICE_LISTENS)
        return true;
    if (service->role == SERVICE_DELIVERS)
        return is_named_transport(&config->main, service->name);
    return strcmp(service->name, service->command) == 0;
}

/* Errors alone are told: warnings were, when the values without stress were looked at. */
static void tell_errors(const struct config_notes *from, struct config_notes *to)
{
    for (size_t i = 0; i < from->count; i++)
        if (from->list[i].severity == CONFIG_ERROR)
            config_note(to, CONFIG_ERROR, &from->list[i].origin, "under stress: %s",
                        from->list[i].text);
}

static void resolve_own(struct config *config, const struct scope *scope,
                        struct config_notes *notes, struct parameters *own)
{
    parameters_resolve(scope, &config->arena, notes, own);
    own->files = &config->files;
    own->tables = &config->tables;
    if (!config->is_checked)
        parameters_check(own, notes);
}

static void load_stressed(struct config *config, const struct scope *scope,
                          struct config_service *service, struct config_notes *notes)
{
    struct scope stressed = *scope;
    struct config_notes said = config_notes_make();
    struct parameters *own = keep_new(&config->arena, sizeof *own);
    size_t errors = notes->error_count;
    stressed.stressed = true;
    resolve_own(config, &stressed, &said, own);
    if (errors == 0)
        tell_errors(&said, notes);
    config_notes_free(&said);
    service->stressed = own;
}

static void load_service(struct config *config, size_t index, const struct survey *survey)
{
    const struct master_service *master = &config->master_cf.services[index];
    struct config_service *service = &config->services[index];
    struct scope *scope = &config->scopes[index];
    const struct parameters *parameters = &config->main;
    service_take(master, &config->arena, survey->notes, service);
    *scope = scope_make(&config->main_cf, master, &config->machine, config->main_cf_path,
                        &config->arena);
    if (service->role != SERVICE_PASSED_OVER) {
        struct parameters *own = keep_new(&config->arena, sizeof *own);
        resolve_own(config, scope, survey->notes, own);
        service->parameters = parameters = own;
    }
    if (service->role == SERVICE_LISTENS)
        load_stressed(config, scope, service, survey->notes);
    if (settings_matter(config, service))
        survey_service(survey, scope, parameters, service->role);
}

static void load_services(struct config *config, const struct survey *survey,
                          const char *master_cf_path)
{
    struct origin origin = {ORIGIN_MASTER_CF, master_cf_path, 0};
    size_t count = config->master_cf.count;
    bool listens = false;
    config->services = keep_new(&config->arena, count * sizeof *config->services);
    config->scopes = keep_new(&config->arena, count * sizeof *config->scopes);
    for (size_t i = 0; i < count; i++) {
        load_service(config, i, survey);
        listens |= config->services[i].role == SERVICE_LISTENS;
    }
    if (!listens)
        config_note(survey->notes, CONFIG_WARNING, &origin,
                    "no service listens: write \"smtp inet n - n - - smtpd\" to take mail on port "
                    "25");
}

struct config *config_load_faulty(const struct config_source *source, struct config_notes *notes)
{
    struct config *config = config_new(source);
    struct survey survey = {&config->main_cf, &config->master_cf, notes};
    parse_files(config, source, notes);
    load_main(config, &survey);
    load_services(config, &survey, source->master_cf.path);
    return config;
}

struct err config_load(const struct config_source *source, struct config **out,
                       struct config_notes *notes)
{
    size_t errors_before = notes->error_count;
    struct config *config = config_load_faulty(source, notes);
    size_t errors = notes->error_count - errors_before;
    if (errors > 0) {
        config_free(config);
        return err_make(ERR_OTHER, "%s, %s: %zu error%s; mend what is wrong and try again",
                        source->main_cf.path, source->master_cf.path, errors,
                        errors == 1 ? "" : "s");
    }
    *out = config;
    return err_none();
}

const struct parameters *config_main(const struct config *config)
{
    return &config->main;
}

const struct config_service *config_services(const struct config *config, size_t *count)
{
    *count = config->master_cf.count;
    return config->services;
}

bool config_text(const struct config *config, const struct config_service *service,
                 struct slice name, struct writer *out)
{
    const struct scope *scope = &config->scope;
    struct scope_value value;
    if (service != NULL)
        scope = &config->scopes[service - config->services];
    if (!scope_find(scope, name, &value))
        return false;
    struct err err = scope_expand(scope, value.text, NULL, NULL, out);
    return !err_is(&err);
}
