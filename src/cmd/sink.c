#include "proc/sink.h"
#include "cmd/commands.h"

#include <getopt.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sysexits.h>

static const char usage[] =
    "usage: tuvi sink DIR [-l ADDRESS] [-p PORT]\n"
    "\n"
    "Takes every message over SMTP and writes it to DIR/000001.eml and so on, with its\n"
    "envelope beside it in DIR/000001.envelope. Nothing is delivered anywhere.\n"
    "\n"
    "  -l ADDRESS  listen on this address (default 127.0.0.1)\n"
    "  -p PORT     listen on this port (default 2526)\n";

int sink_command(int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    struct sink_options sink = {.address = "127.0.0.1", .port = 2526};
    uint64_t port;
    int option;
    while ((option = getopt_long(argc, argv, "hl:p:", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            return 0;
        }
        if (option == 'l') {
            sink.address = optarg;
        } else if (option == 'p' && slice_to_number(slice_of(optarg), 65535, &port) && port > 0) {
            sink.port = (uint16_t)port;
        } else {
            fputs(usage, stderr);
            return EX_USAGE;
        }
    }
    if (optind + 1 != argc) {
        fputs(usage, stderr);
        return EX_USAGE;
    }
    sink.folder = argv[optind];
    (void)mkdir(sink.folder, 0755); /* if it cannot be made, opening a file in it says why */
    return sink_main(&sink);
}
