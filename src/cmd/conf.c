#include "base/memory.h"
#include "cmd/commands.h"
#include "cmd/settings.h"
#include "config/parameters.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static const char usage[] =
    "usage: tuvi conf [-n] DIR [NAME...]\n"
    "\n"
    "Prints the parameters of DIR/main.cf as \"name = value\", as they are written there, and the\n"
    "defaults of those that are not: all that Tuvi knows, or the named ones.\n"
    "\n"
    "  -n  only those that main.cf sets\n";

/* ---- which names ---- */

struct names {
    const char **list;
    size_t count;
};

static int compare(const void *a, const void *b)
{
    const char *const *left = a, *const *right = b;
    return strcmp(*left, *right);
}

/* All that Tuvi knows, unless only_set, and all that main.cf sets, sorted. */
static struct names gather(const struct settings *settings, bool only_set)
{
    const struct main_cf *main_cf = &settings->main_cf;
    struct names names = {.list = memory_new((PARAMETER_COUNT + main_cf->count) * sizeof(char *))};
    for (unsigned i = 0; i < PARAMETER_COUNT && !only_set; i++)
        names.list[names.count++] = parameter_row((enum parameter)i)->name;
    for (size_t i = 0; i < main_cf->count; i++) {
        enum parameter known;
        if (only_set || !parameter_find(slice_of(main_cf->settings[i].name), &known))
            names.list[names.count++] = main_cf->settings[i].name;
    }
    if (names.count > 0)
        qsort(names.list, names.count, sizeof *names.list, compare);
    return names;
}

/* ---- printing ---- */

/* As postconf(1) has it: white space, which may be what continues a line, becomes one space. */
static void print_setting(const char *name, struct slice value)
{
    struct slice word;
    printf("%s =", name);
    while (slice_next_word(&value, " \t\r\n", &word))
        printf(" %.*s", SLICE_PRINTF(word));
    putchar('\n');
}

/* False when nobody knows the name. */
static bool print(const struct settings *settings, const char *name)
{
    struct slice value;
    if (!settings_find(settings, slice_of(name), &value)) {
        fprintf(stderr, "tuvi conf: warning: %s: unknown parameter\n", name);
        return false;
    }
    print_setting(name, value);
    return true;
}

static int print_all(const struct settings *settings, bool only_set)
{
    struct names names = gather(settings, only_set);
    for (size_t i = 0; i < names.count; i++)
        (void)print(settings, names.list[i]);
    memory_free(names.list);
    return 0;
}

static int print_named(const struct settings *settings, bool only_set, char **names)
{
    int code = 0;
    for (; *names != NULL; names++) {
        bool is_set = main_cf_find(&settings->main_cf, slice_of(*names)) != NULL;
        struct slice value;
        if (only_set && !is_set && settings_find(settings, slice_of(*names), &value))
            continue;
        if (!print(settings, *names))
            code = 1;
    }
    return code;
}

static int conf(const char *folder, bool only_set, char **names)
{
    struct settings *settings = memory_new(sizeof *settings);
    struct err err = settings_read(settings, folder);
    if (err_is(&err)) {
        memory_free(settings);
        fprintf(stderr, "tuvi conf: %s\n", err.text);
        return EX_NOINPUT;
    }
    int code =
        *names == NULL ? print_all(settings, only_set) : print_named(settings, only_set, names);
    settings_free(settings);
    memory_free(settings);
    return code;
}

int conf_command(int argc, char **argv)
{
    /* --mdoc is for the build, which makes tuvi-parameters(5) of the same table. */
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'}, {"mdoc", no_argument, NULL, 'm'}, {NULL, 0, NULL, 0}};
    bool only_set = false;
    int option;
    while ((option = getopt_long(argc, argv, "hn", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            return 0;
        }
        if (option == 'm') {
            manual_print_parameters();
            return 0;
        }
        if (option != 'n') {
            fputs(usage, stderr);
            return EX_USAGE;
        }
        only_set = true;
    }
    if (optind >= argc) {
        fputs(usage, stderr);
        return EX_USAGE;
    }
    return conf(argv[optind], only_set, argv + optind + 1);
}
