#include "base/memory.h"
#include "cmd/commands.h"
#include "proc/explanation.h"
#include "proc/setup.h"

#include <getopt.h>
#include <stdlib.h>
#include <sysexits.h>

static const char usage[] =
    "usage: tuvi explain DIR --client ADDRESS --from SENDER --to RECIPIENT\n"
    "                    [--helo NAME] [--login USER] [--tls] [--port PORT]\n"
    "\n"
    "Says what a client would be told that names this sender and recipient, and which restriction\n"
    "decides so, and why. Nothing is sent and nothing is changed. SENDER may be empty (\"\"). The\n"
    "exit code is 0 when the mail would be taken, and 1 when it would be refused.\n";

static const struct option options[] = {
    {"client", required_argument, NULL, 'c'},
    {"helo", required_argument, NULL, 'e'},
    {"from", required_argument, NULL, 'f'},
    {"to", required_argument, NULL, 't'},
    {"login", required_argument, NULL, 'l'},
    {"tls", no_argument, NULL, 's'},
    {"port", required_argument, NULL, 'p'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static bool take_port(const char *text, unsigned *out)
{
    uint64_t port;
    if (!slice_to_number(slice_of(text), UINT16_MAX, &port) || port == 0)
        return false;
    *out = (unsigned)port;
    return true;
}

/* False for what is not understood. */
static bool take_option(int option, const char *value, struct explanation_case *about)
{
    switch (option) {
    case 'c':
        about->client = value;
        return true;
    case 'e':
        about->helo = value;
        return true;
    case 'f':
        about->sender = value;
        return true;
    case 't':
        about->recipient = value;
        return true;
    case 'l':
        about->login = value;
        return true;
    case 's':
        about->tls = true;
        return true;
    case 'p':
        return take_port(value, &about->port);
    default:
        return false;
    }
}

static int explain(const char *folder, const struct explanation_case *about)
{
    struct setup *setup = memory_new(sizeof *setup);
    bool permitted = false;
    int code = EX_CONFIG;
    setup_read(setup, folder);
    if (setup->notes.error_count > 0 || setup->config == NULL) {
        setup_print_notes(setup, "tuvi explain");
    } else {
        struct err err = explanation_print(setup->config, about, stdout, &permitted);
        if (err_is(&err))
            fprintf(stderr, "tuvi explain: %s\n", err.text);
        code = err_is(&err) ? EX_USAGE : !permitted;
    }
    setup_free(setup);
    memory_free(setup);
    return code;
}

int explain_command(int argc, char **argv)
{
    struct explanation_case about = {.port = 0};
    int option;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            return 0;
        }
        if (!take_option(option, optarg, &about)) {
            fputs(usage, stderr);
            return EX_USAGE;
        }
    }
    if (optind + 1 != argc || about.client == NULL || about.sender == NULL ||
        about.recipient == NULL) {
        fputs(usage, stderr);
        return EX_USAGE;
    }
    return explain(argv[optind], &about);
}
