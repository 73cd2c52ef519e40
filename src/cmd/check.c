#include "base/memory.h"
#include "cmd/commands.h"
#include "proc/inspection.h"

#include <getopt.h>
#include <stdio.h>
#include <sysexits.h>

static const char usage[] =
    "usage: tuvi check DIR\n"
    "\n"
    "Reads DIR/main.cf, DIR/master.cf and what they name, and says what is wrong or odd there,\n"
    "who may send through each service, and whether tuvid would start: then the exit code is\n"
    "0, and 78 otherwise. Nothing is changed and no port is opened. Files that only root can\n"
    "read can be checked by root alone.\n";

enum { SENTENCE_MAX = 2048 };

static void print_note(const struct config_note *note)
{
    static const char *const severities[] = {
        [CONFIG_NOTE] = "note", [CONFIG_WARNING] = "warning", [CONFIG_ERROR] = "error"};
    static const char *const weights[] = {[CONFIG_UNWEIGHED] = "",
                                          [CONFIG_HARMLESS] = " (harmless)",
                                          [CONFIG_DANGEROUS] = " (dangerous)"};
    char text[CONFIG_NOTE_TEXT_MAX + ORIGIN_TEXT_MAX];
    struct writer w = writer_over(text, sizeof text);
    config_note_format(&w, note);
    printf("%s%s: %.*s\n", severities[note->severity], weights[note->weight],
           SLICE_PRINTF(writer_slice(&w)));
}

static void print_relay(const struct config *config)
{
    size_t count;
    const struct config_service *services = config_services(config, &count);
    for (size_t i = 0; i < count; i++) {
        char text[SENTENCE_MAX];
        struct writer w = writer_over(text, sizeof text);
        if (services[i].role != SERVICE_LISTENS)
            continue;
        inspection_tell_relay(config, &services[i], &w);
        printf("%.*s\n", SLICE_PRINTF(writer_slice(&w)));
    }
}

static void print_count(size_t count, const char *noun, const char *behind)
{
    printf("%zu %s%s%s", count, noun, count == 1 ? "" : "s", behind);
}

static void print_summary(const struct config_notes *notes)
{
    size_t counts[CONFIG_ERROR + 1] = {0};
    for (size_t i = 0; i < notes->count; i++)
        counts[notes->list[i].severity]++;
    if (notes->left_out > 0)
        printf("and %zu more\n", notes->left_out);
    print_count(notes->error_count, "error", ", ");
    print_count(counts[CONFIG_WARNING], "warning", ", ");
    print_count(counts[CONFIG_NOTE], "note", "\n");
}

static int check(const char *folder)
{
    struct setup *setup = memory_new(sizeof *setup);
    setup_read_faulty(setup, folder);
    if (setup->config != NULL)
        inspection_ask_machine(setup);
    for (size_t i = 0; i < setup->notes.count; i++)
        print_note(&setup->notes.list[i]);
    if (setup->config != NULL)
        print_relay(setup->config);
    print_summary(&setup->notes);
    int code = setup->notes.error_count == 0 ? 0 : EX_CONFIG;
    setup_free(setup);
    memory_free(setup);
    return code;
}

int check_command(int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    int option = getopt_long(argc, argv, "h", options, NULL);
    if (option == 'h') {
        fputs(usage, stdout);
        return 0;
    }
    if (option != -1 || optind + 1 != argc) {
        fputs(usage, stderr);
        return EX_USAGE;
    }
    return check(argv[optind]);
}
