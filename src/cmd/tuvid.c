/* tuvid: the mail server.
 *
 *     tuvid [-c DIR] [-f]
 *
 * reads DIR/main.cf and DIR/master.cf (default /etc/tuvi), checks all of it, and serves. With -f it
 * stays in the foreground; otherwise it returns once it serves, or says what keeps it from serving.
 * SIGHUP has it take a changed configuration without ending a session; see "tuvi reload".
 */
#include "proc/role.h"
#include "proc/supervisor.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const char usage[] = "usage: tuvid [-c DIR] [-f]\n"
                            "\n"
                            "  -c DIR  the folder with main.cf and master.cf (default /etc/tuvi)\n"
                            "  -f      stay in the foreground\n"
                            "  -V      print the version\n";

int main(int argc, char **argv)
{
    struct supervisor_options options = {.folder = "/etc/tuvi"};
    int option;
    if (argc == 2 && strcmp(argv[1], "--role") == 0)
        return role_main();
    while ((option = getopt(argc, argv, "c:fhV")) != -1) {
        switch (option) {
        case 'c':
            options.folder = optarg;
            break;
        case 'f':
            options.foreground = true;
            break;
        case 'V':
            printf("tuvid %s\n", TUVI_VERSION);
            return 0;
        case 'h':
            fputs(usage, stdout);
            return 0;
        default:
            fputs(usage, stderr);
            return EX_USAGE;
        }
    }
    if (optind < argc) {
        fputs(usage, stderr);
        return EX_USAGE;
    }
    return supervisor_main(&options);
}
