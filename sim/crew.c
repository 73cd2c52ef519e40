#include "sim/crew.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { HANDS_MAX = 64, SHIFT = 64 /* seeds of one process */, REPORT_S = 10, TOLD_TWICE = 64 };

/* What a process has found out; it lies in memory that is shared with the one that counts. */
struct hand {
    uint64_t seed; /* that it is at */
    uint64_t end;  /* the first that is not its own any more */
    struct sim_totals totals;
};

struct crew {
    const struct sim_crew_options *options;
    struct sim_totals *totals;
    struct hand *hands;
    pid_t processes[HANDS_MAX]; /* 0: none */
    unsigned hand_count;
    uint64_t next; /* the first seed that nobody has yet */
    uint64_t end;
    time_t reported;
};

/* ---- one process ---- */

/* Now and then a night is told twice: the same seed must give the same. */
static bool night_is_good(const struct sim_night_options *night, struct sim_totals *totals)
{
    struct sim_outcome outcome = sim_night(night);
    sim_tally_add(&totals->tally, &outcome.tally);
    totals->messages += outcome.messages;
    totals->syncs += outcome.syncs;
    totals->doubles += outcome.doubles;
    totals->steps += outcome.steps;
    if (!outcome.good || night->seed % TOLD_TWICE != 0)
        return outcome.good;
    struct sim_outcome again = sim_night(night);
    if (again.fingerprint == outcome.fingerprint)
        return true;
    printf("seed %llu: told again, it is another night\n", (unsigned long long)night->seed);
    return false;
}

static void complain(uint64_t seed, const char *why)
{
    printf("seed %llu failed%s: build/sim %llu -v tells the story\n", (unsigned long long)seed, why,
           (unsigned long long)seed);
    fflush(stdout);
}

static void work(const struct crew *crew, struct hand *hand)
{
    struct sim_night_options night = {.verbose = crew->options->verbose,
                                      .calm = crew->options->calm};
    for (; hand->seed < hand->end; hand->seed++) {
        alarm(crew->options->patience_s);
        night.seed = hand->seed;
        bool good = night_is_good(&night, &hand->totals);
        hand->totals.passed += good;
        hand->totals.failed += !good;
        if (!good)
            complain(hand->seed, "");
        if (!good && crew->options->stops_at_failure)
            break;
    }
    fflush(stdout);
}

/* ---- who counts ---- */

/* What is left of its shift, for one whose process died, or a new one. */
static bool take_seeds(struct crew *crew, struct hand *hand)
{
    uint64_t left = crew->end - crew->next;
    hand->totals = (struct sim_totals){0};
    if (hand->seed < hand->end)
        return true;
    if (left == 0)
        return false;
    hand->seed = crew->next;
    crew->next = hand->end = hand->seed + (left < SHIFT ? left : SHIFT);
    return true;
}

static void hire(struct crew *crew, unsigned which)
{
    struct hand *hand = &crew->hands[which];
    if (!take_seeds(crew, hand))
        return;
    fflush(stdout);
    crew->processes[which] = fork();
    if (crew->processes[which] < 0) {
        perror("fork");
        exit(2);
    }
    if (crew->processes[which] > 0)
        return;
    work(crew, hand);
    exit(0); /* what the sanitizers look for at the end, they look for here */
}

static void add(struct sim_totals *sum, const struct sim_totals *more)
{
    sim_tally_add(&sum->tally, &more->tally);
    sum->passed += more->passed;
    sum->failed += more->failed;
    sum->messages += more->messages;
    sum->syncs += more->syncs;
    sum->doubles += more->doubles;
    sum->steps += more->steps;
}

static void settle(struct crew *crew, struct hand *hand, int status)
{
    char why[64];
    add(crew->totals, &hand->totals);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return;
    if (WIFSIGNALED(status))
        snprintf(why, sizeof why, " (ended by signal %d)", WTERMSIG(status));
    else
        snprintf(why, sizeof why, " (ended with status %d)", WEXITSTATUS(status));
    complain(hand->seed, why);
    crew->totals->failed++;
    hand->seed++;
}

static void report(struct crew *crew)
{
    time_t now = time(NULL);
    if (now - crew->reported < REPORT_S)
        return;
    crew->reported = now;
    fprintf(stderr, "%lu of %llu seeds, %lu failed\n", crew->totals->passed + crew->totals->failed,
            (unsigned long long)crew->options->count, crew->totals->failed);
}

static unsigned find_hand(const struct crew *crew, pid_t process)
{
    unsigned which = 0;
    while (which < crew->hand_count && crew->processes[which] != process)
        which++;
    return which;
}

static void wait_for_one(struct crew *crew)
{
    int status;
    pid_t process = wait(&status);
    unsigned which = find_hand(crew, process);
    if (process < 0 || which == crew->hand_count)
        exit(2);
    crew->processes[which] = 0;
    settle(crew, &crew->hands[which], status);
    report(crew);
}

static unsigned count_at_work(const struct crew *crew)
{
    unsigned count = 0;
    for (unsigned i = 0; i < crew->hand_count; i++)
        count += crew->processes[i] > 0;
    return count;
}

static void hire_all(struct crew *crew)
{
    if (crew->options->stops_at_failure && crew->totals->failed > 0)
        return;
    for (unsigned i = 0; i < crew->hand_count; i++)
        if (crew->processes[i] == 0)
            hire(crew, i);
}

void sim_crew_run(const struct sim_crew_options *options, struct sim_totals *totals)
{
    unsigned hands = options->hands < HANDS_MAX ? options->hands : HANDS_MAX;
    struct crew crew = {.options = options,
                        .totals = totals,
                        .hand_count = hands > 0 ? hands : 1,
                        .next = options->first,
                        .end = options->first + options->count,
                        .reported = time(NULL)};
    crew.hands = mmap(NULL, crew.hand_count * sizeof *crew.hands, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (crew.hands == MAP_FAILED) {
        perror("mmap");
        exit(2);
    }
    hire_all(&crew);
    while (count_at_work(&crew) > 0) {
        wait_for_one(&crew);
        hire_all(&crew);
    }
    munmap(crew.hands, crew.hand_count * sizeof *crew.hands);
}
