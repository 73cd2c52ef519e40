/* Simulated days from seeds.
 *
 *     sim SEED [-v]                     one night; -v tells the story
 *     sim --seeds N [--first M] [-j J]  many nights, J at once; the last line counts them
 *
 *     --full      fail when some fault came less than 500 times, or some named point was not
 * reached
 *     --calm      no crashes, so that a sanitizer may look for what leaks
 *     --stop      end at the first failure
 *     --patience S   seconds that one seed may take
 *
 * In a night clients bring messages to a worker, which relays them to a host that takes some, says
 * "later" to some and refuses some. Anything may go wrong; see sim/weather.h. Afterwards each
 * message that was acknowledged was delivered unaltered or reported to its sender; nothing came
 * that was not sent, nothing twice but for a crash within the commit of its delivery; retries kept
 * their times; the index is what its log gives; nothing is left. */
#include "sim/crew.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

enum { PATIENCE_S = 60 };

static const struct option options[] = {{"seeds", required_argument, NULL, 's'},
                                        {"first", required_argument, NULL, 'f'},
                                        {"patience", required_argument, NULL, 'p'},
                                        {"jobs", required_argument, NULL, 'j'},
                                        {"verbose", no_argument, NULL, 'v'},
                                        {"full", no_argument, NULL, 'F'},
                                        {"calm", no_argument, NULL, 'c'},
                                        {"stop", no_argument, NULL, 'x'},
                                        {NULL, 0, NULL, 0}};

static bool read_option(int option, struct sim_crew_options *crew, bool *full)
{
    switch (option) {
    case 's':
        crew->count = strtoull(optarg, NULL, 10);
        return true;
    case 'f':
        crew->first = strtoull(optarg, NULL, 10);
        return true;
    case 'p':
        crew->patience_s = (unsigned)strtoul(optarg, NULL, 10);
        return true;
    case 'j':
        crew->hands = (unsigned)strtoul(optarg, NULL, 10);
        return true;
    case 'v':
        crew->verbose = true;
        return true;
    case 'c':
        crew->calm = true;
        return true;
    case 'x':
        crew->stops_at_failure = true;
        return true;
    case 'F':
        *full = true;
        return true;
    default:
        return false;
    }
}

static bool summarize(const struct sim_totals *totals, bool full)
{
    bool suffices = !full || sim_tally_suffices(&totals->tally);
    sim_tally_print(&totals->tally);
    printf("%lu messages, %lu syncs, %lu events, %lu deliveries doubled by crashes\n",
           totals->messages, totals->syncs, totals->steps, totals->doubles);
    printf("%lu seeds passed, %lu failed\n", totals->passed, totals->failed);
    return totals->failed == 0 && suffices;
}

int main(int argc, char **argv)
{
    struct sim_crew_options crew = {.first = 1, .count = 1, .hands = 1, .patience_s = PATIENCE_S};
    struct sim_totals totals = {0};
    bool full = false;
    int option;
    while ((option = getopt_long(argc, argv, "s:f:j:vx", options, NULL)) != -1)
        if (!read_option(option, &crew, &full))
            return 2;
    if (optind < argc)
        crew.first = strtoull(argv[optind], NULL, 10);
    sim_crew_run(&crew, &totals);
    return summarize(&totals, full) ? 0 : 1;
}
