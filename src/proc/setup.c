#include "proc/setup.h"

#include "backend/password_file.h"
#include "base/memory.h"
#include "mta/snapshot.h"
#include "proc/tls_contexts.h"
#include "proc/user_table.h"
#include "tls/context.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((int)CONFIG_PATH_MAX < (int)SETUP_PATH_MAX,
               "the path of every file fits into a handoff");

/* ---- the two files of the configuration ---- */

static void note_about_file(struct setup *setup, const char *path, const char *text)
{
    struct origin origin = {.kind = ORIGIN_MAIN_CF, .file = path};
    config_note(&setup->notes, CONFIG_ERROR, &origin, "%s", text);
}

static bool read_file(struct setup *setup, const char *path)
{
    struct err err = file_set_add(&setup->files, path);
    if (err_is(&err))
        note_about_file(setup, path,
                        err.code == 2 ? "there is no such file; \"tuvi init\" makes a first one"
                                      : err.text);
    return !err_is(&err);
}

static bool name_files(struct setup *setup, const char *folder)
{
    char absolute[PATH_MAX];
    if (realpath(folder, absolute) == NULL || strlen(absolute) > SETUP_PATH_MAX - 16) {
        note_about_file(setup, folder, "there is no such folder");
        return false;
    }
    snprintf(setup->folder, sizeof setup->folder, "%s", absolute);
    snprintf(setup->main_path, sizeof setup->main_path, "%.*s/main.cf", SETUP_PATH_MAX - 16,
             absolute);
    snprintf(setup->master_path, sizeof setup->master_path, "%.*s/master.cf", SETUP_PATH_MAX - 16,
             absolute);
    return true;
}

/* ---- the files that it names ---- */

/* A role has what was read for it, and nothing else. */
static struct err find_handed_down(void *owner, const char *path, struct slice *text)
{
    const struct file_set *files = owner;
    if (!file_set_find(files, path, text))
        return err_make(ERR_OTHER, "%s: it was not handed down", path);
    return err_none();
}

static struct err read_on_demand(void *owner, const char *path, struct slice *text)
{
    struct file_set *files = owner;
    if (strcmp(path, CONFIG_FILE_USERS) != 0)
        TRY(file_set_add(files, path));
    else if (!file_set_find(files, path, text) && files->count < FILE_SET_MAX)
        file_set_put(files, path, user_table_text());
    return find_handed_down(owner, path, text);
}

/* False when a file was not read. */
static bool find_source(struct setup *setup, bool handed_down, struct config_source *out)
{
    *out = (struct config_source){
        .main_cf = {.path = setup->main_path},
        .master_cf = {.path = setup->master_path},
        .machine = machine_facts_view(&setup->machine),
        .files = {handed_down ? find_handed_down : read_on_demand, &setup->files},
        .is_checked = handed_down,
    };
    return file_set_find(&setup->files, setup->main_path, &out->main_cf.text) &&
           file_set_find(&setup->files, setup->master_path, &out->master_cf.text);
}

static void load_config(struct setup *setup, bool handed_down)
{
    struct config_source source;
    if (!find_source(setup, handed_down, &source))
        return;
    struct err err = config_load(&source, &setup->config, &setup->notes);
    if (err_is(&err) && setup->notes.error_count == 0)
        note_about_file(setup, setup->main_path, err.text);
}

/* ---- what the services name ---- */

static void check_passwords(struct setup *setup, const struct parameters *parameters)
{
    const char *path = parameters->smtpd_sasl_path;
    const struct origin *origin = parameter_origin(parameters, PARAMETER_smtpd_sasl_path);
    struct password_file passwords;
    struct slice text;
    struct err err = file_set_add(&setup->files, path);
    file_set_mark(&setup->files, path, FILE_PASSWORDS);
    if (!err_is(&err) && file_set_find(&setup->files, path, &text)) {
        err = password_file_parse(&passwords, (struct password_text){path, text});
        if (!err_is(&err))
            password_file_free(&passwords);
    }
    if (err_is(&err))
        config_note(&setup->notes, CONFIG_ERROR, origin, "smtpd_sasl_path: %s", err.text);
}

static bool has_password_file(const struct config_service *service)
{
    return service->role == SERVICE_LISTENS && service->parameters->smtpd_sasl_auth_enable &&
           service->parameters->smtpd_sasl_type == SASL_TYPE_FILE;
}

/* There is one auth role, and it has one file. */
static void check_one_password_file(struct setup *setup)
{
    size_t count;
    const struct config_service *services = config_services(setup->config, &count);
    const char *path = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct parameters *parameters = services[i].parameters;
        if (!has_password_file(&services[i]))
            continue;
        if (path != NULL && strcmp(path, parameters->smtpd_sasl_path) != 0)
            config_note(&setup->notes, CONFIG_ERROR,
                        parameter_origin(parameters, PARAMETER_smtpd_sasl_path),
                        "smtpd_sasl_path: all services with smtpd_sasl_type = file must name the "
                        "same password file");
        path = path != NULL ? path : parameters->smtpd_sasl_path;
    }
}

static void check_service(struct setup *setup, const struct config_service *service)
{
    const struct parameters *parameters = service->parameters;
    if (tls_is_wanted(parameters)) {
        size_t before = setup->notes.error_count;
        tls_files_add(parameters, &setup->files, &setup->notes);
        if (setup->notes.error_count == before)
            tls_context_free(tls_server_context(service, &setup->files, &setup->notes));
    }
    if (has_password_file(service))
        check_passwords(setup, parameters);
}

static void check_services(struct setup *setup)
{
    size_t count, listening = 0;
    const struct config_service *services = config_services(setup->config, &count);
    for (size_t i = 0; i < count; i++) {
        if (services[i].role != SERVICE_LISTENS)
            continue;
        listening++;
        check_service(setup, &services[i]);
    }
    if (listening == 0)
        note_about_file(setup, setup->master_path,
                        "no service takes mail; a line such as \"smtp inet n - n - - smtpd\" "
                        "is needed");
    check_one_password_file(setup);
    tls_context_free(tls_client_context(config_main(setup->config), &setup->notes));
}

static void check_config(struct setup *setup)
{
    if (setup->config == NULL)
        return;
    snapshot_check(setup->config, &setup->notes);
    check_services(setup);
}

static void append_to_main(struct setup *setup, struct slice lines)
{
    struct slice text;
    if (lines.len == 0 || !file_set_find(&setup->files, setup->main_path, &text))
        return;
    size_t len = text.len + 1 + lines.len;
    char *both = memory_new(len + 1);
    memcpy(both, text.at, text.len);
    both[text.len] = '\n';
    memcpy(both + text.len + 1, lines.at, lines.len);
    file_set_replace(&setup->files, setup->main_path, slice_make(both, len));
}

static void begin(struct setup *setup)
{
    memset(setup, 0, sizeof *setup);
    setup->notes = config_notes_make();
    machine_facts_read(&setup->machine);
}

/* A file that is in the set already is not read. */
static void read_files(struct setup *setup, const char *folder, struct slice lines)
{
    if (!name_files(setup, folder))
        return;
    (void)read_file(setup, setup->main_path);
    (void)read_file(setup, setup->master_path);
    append_to_main(setup, lines);
}

void setup_read_with(struct setup *setup, const char *folder, struct slice lines)
{
    begin(setup);
    read_files(setup, folder, lines);
    load_config(setup, false);
    check_config(setup);
}

static void copy_file(struct setup *setup, const struct setup *earlier, const char *path)
{
    struct slice text;
    if (file_set_find(&earlier->files, path, &text))
        file_set_put(&setup->files, path, slice_make(memory_text(text), text.len));
}

void setup_read_again(struct setup *setup, const struct setup *earlier)
{
    begin(setup);
    copy_file(setup, earlier, earlier->main_path);
    copy_file(setup, earlier, earlier->master_path);
    read_files(setup, earlier->folder, slice_of(""));
    load_config(setup, false);
    check_config(setup);
}

void setup_read(struct setup *setup, const char *folder)
{
    setup_read_with(setup, folder, slice_of(""));
}

void setup_read_faulty(struct setup *setup, const char *folder)
{
    struct config_source source;
    begin(setup);
    read_files(setup, folder, slice_of(""));
    if (find_source(setup, false, &source))
        setup->config = config_load_faulty(&source, &setup->notes);
    check_config(setup);
}

void setup_restore(struct setup *setup)
{
    setup->notes = config_notes_make();
    load_config(setup, true);
}

void setup_free(struct setup *setup)
{
    config_free(setup->config);
    config_notes_free(&setup->notes);
    file_set_free(&setup->files);
}

void setup_print_notes(const struct setup *setup, const char *program)
{
    static const char *const words[] = {
        [CONFIG_NOTE] = "note", [CONFIG_WARNING] = "warning", [CONFIG_ERROR] = "error"};
    for (size_t i = 0; i < setup->notes.count; i++) {
        const struct config_note *note = &setup->notes.list[i];
        char text[CONFIG_NOTE_TEXT_MAX + ORIGIN_TEXT_MAX];
        struct writer w = writer_over(text, sizeof text);
        config_note_format(&w, note);
        fprintf(stderr, "%s: %s: %.*s\n", program, words[note->severity],
                SLICE_PRINTF(writer_slice(&w)));
    }
    if (setup->notes.left_out > 0)
        fprintf(stderr, "%s: and %zu more\n", program, setup->notes.left_out);
}
