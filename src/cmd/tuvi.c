/* tuvi: the administrator's tool.
 *
 *     tuvi check DIR      says what tuvid would make of a configuration
 *     tuvi conf DIR       prints parameters
 *     tuvi explain DIR    says what a client would be told, and why
 *     tuvi init DIR       makes a first configuration
 *     tuvi passwd DIR USER   sets a user's password
 *     tuvi queue list DIR shows the messages that wait
 *     tuvi reload DIR     has tuvid take a changed configuration
 *     tuvi sink DIR       receives mail and writes it to files */
#include "cmd/commands.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *what;
};

static const struct command commands[] = {
    {"check", check_command,
     "check DIR             say whether tuvid would start, and what is odd"},
    {"conf", conf_command, "conf [-n] DIR [NAME]  print parameters and their values"},
    {"explain", explain_command, "explain DIR options   say what a client would be told, and why"},
    {"init", init_command, "init DIR [options]    make a first configuration in DIR"},
    {"passwd", passwd_command, "passwd DIR USER       set or remove a user's password"},
    {"queue", queue_command,
     "queue list DIR        list the messages that wait; show, export, hold, delete … them"},
    {"reload", reload_command, "reload DIR             have tuvid take a changed configuration"},
    {"sink", sink_command, "sink DIR [options]    receive mail and write it to files in DIR"},
};

static void print_usage(FILE *out)
{
    fputs("usage: tuvi COMMAND ...\n\n", out);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(out, "  tuvi %s\n", commands[i].what);
    fputs("\n\"tuvi COMMAND --help\" says more.\n", out);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return EX_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_usage(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        printf("tuvi %s\n", TUVI_VERSION);
        return 0;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "tuvi: there is no command \"%s\"\n\n", argv[1]);
    print_usage(stderr);
    return EX_USAGE;
}
