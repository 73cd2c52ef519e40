/* Simulated days from seeds.
 *
 *     sim SEED [-v]              one run; -v tells the story
 *     sim --seeds N [--first M]  many runs; the last line counts them
 *
 * In every run clients bring messages to a worker, which relays them to a host that takes some,
 * says "later" to some and refuses some. In half of the runs the worker is killed now and then. At
 * the end of every run: each message that was acknowledged was delivered unaltered or reported to
 * its sender; nothing came twice unless the worker was killed within a commit of its delivery;
 * nothing is left in the queue. */
#include "base/list.h"
#include "sim/peers.h"
#include "sim/worker.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

enum { STEPS_MAX = 5000000, KILLS_MAX = 12 };

struct night {
    struct sim_clock clock;
    struct sim_net net;
    struct world worker;
    struct sim_peers peers;
    unsigned kills;
    unsigned kills_planned;
    uint64_t kill_one_in; /* events, on the average */
};

struct totals {
    unsigned long passed, failed, messages, kills, doubles, syncs;
};

/* Kills come between any two events, so that they fall where much happens. */
static void kill_perhaps(struct night *night)
{
    enum { RESTART_US = 5000000 };
    if (night->kills == night->kills_planned || night->worker.mta == NULL ||
        !sim_once_in(&night->clock, night->kill_one_in))
        return;
    night->kills++;
    sim_peers_note_kill(&night->peers);
    sim_worker_kill(&night->worker, 1 + (int64_t)sim_chance(&night->clock, RESTART_US));
}

static bool nothing_is_left(const struct night *night)
{
    const struct mta *mta = night->worker.mta;
    return mta != NULL && !mta->replaying && mta->core.spool.messages.count == 0 &&
           list_is_empty(&mta->core.spool.concluding) && list_is_empty(&mta->sessions.all) &&
           mta->schedule.connections == 0 && mta->queue.active_count == 0;
}

static bool judge(struct night *night, unsigned long steps)
{
    bool good = night->peers.wrong == 0;
    if (!sim_peers_satisfied(&night->peers)) {
        sim_peers_complain(&night->peers);
        good = false;
    }
    if (!nothing_is_left(night)) {
        printf("something is left after %lu steps\n", steps);
        good = false;
    }
    if (sim_peers_unexcused(&night->peers) > 0) {
        printf("%u deliveries came twice without an excuse\n", sim_peers_unexcused(&night->peers));
        good = false;
    }
    return good;
}

static bool run(uint64_t seed, bool verbose, struct totals *totals)
{
    struct night night = {0};
    unsigned long steps = 0;
    sim_clock_init(&night.clock, seed);
    night.clock.verbose = verbose;
    sim_net_init(&night.net, &night.clock);
    sim_worker_init(&night.worker, &night.clock, &night.net);
    sim_peers_init(&night.peers, &night.clock, &night.net,
                   1 + (unsigned)sim_chance(&night.clock, 30));
    night.kills_planned =
        sim_once_in(&night.clock, 2) ? 1 + (unsigned)sim_chance(&night.clock, KILLS_MAX) : 0;
    night.kill_one_in = 20 + sim_chance(&night.clock, 600);
    sim_worker_start(&night.worker);
    sim_worker_turn(&night.worker);
    while (steps < STEPS_MAX && sim_step(&night.clock)) {
        steps++;
        sim_worker_turn(&night.worker);
        kill_perhaps(&night);
        if (sim_peers_satisfied(&night.peers) && nothing_is_left(&night))
            break;
    }
    bool good = judge(&night, steps);
    totals->messages += night.peers.message_count;
    totals->kills += night.kills;
    totals->doubles += sim_peers_doubles(&night.peers);
    totals->syncs += night.worker.disk.syncs;
    sim_worker_free(&night.worker);
    sim_net_free(&night.net);
    sim_peers_free(&night.peers);
    sim_clock_free(&night.clock);
    return good;
}

static void run_many(uint64_t first, uint64_t count, bool verbose, struct totals *totals)
{
    for (uint64_t seed = first; seed < first + count; seed++) {
        if (run(seed, verbose, totals)) {
            totals->passed++;
        } else {
            totals->failed++;
            printf("seed %llu failed: build/sim %llu -v tells the story\n",
                   (unsigned long long)seed, (unsigned long long)seed);
        }
    }
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"seeds", required_argument, NULL, 's'},
                                            {"first", required_argument, NULL, 'f'},
                                            {"verbose", no_argument, NULL, 'v'},
                                            {NULL, 0, NULL, 0}};
    struct totals totals = {0};
    uint64_t first = 1, count = 1;
    bool verbose = false;
    int option;
    while ((option = getopt_long(argc, argv, "s:f:v", options, NULL)) != -1) {
        if (option == 's')
            count = strtoull(optarg, NULL, 10);
        else if (option == 'f')
            first = strtoull(optarg, NULL, 10);
        else if (option == 'v')
            verbose = true;
        else
            return 2;
    }
    if (optind < argc)
        first = strtoull(argv[optind], NULL, 10);
    run_many(first, count, verbose, &totals);
    printf("%lu messages, %lu syncs, %lu kills, %lu deliveries doubled by them\n", totals.messages,
           totals.syncs, totals.kills, totals.doubles);
    printf("%lu seeds passed, %lu failed\n", totals.passed, totals.failed);
    return totals.failed > 0;
}
