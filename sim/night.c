#include "sim/night.h"

#include "sim/audit.h"
#include "sim/peers.h"

#include <stdio.h>

enum { STEPS_MAX = 3000000, AUDIT_ONE_IN = 1000, OUTAGE_US = 600000000, REST_S = 900 };

struct night {
    struct sim_tally tally;
    struct sim_clock clock;
    struct sim_weather weather;
    struct sim_net net;
    struct world worker;
    struct sim_mail mail;
    struct sim_peers peers;
    struct sim_event heal;
    struct sim_event outage_end;
    unsigned long steps;
    unsigned hurt; /* that the mail was told of */
    bool healed;
};

/* ---- what goes wrong ---- */

static void crash(struct night *night)
{
    bool power = sim_once_in(&night->clock, 2);
    sim_note(&night->clock, power ? FAULT_POWER_CUT : FAULT_KILL);
    sim_tell(&night->clock, power ? "the power is cut" : "the worker is killed");
    sim_mail_note_crash(&night->mail);
    sim_worker_kill(&night->worker);
    if (power)
        night->clock.boot_us = night->clock.now_us;
}

/* Crashes come between any two events, so that they fall where much happens; and sooner while the
 * disk is at work. */
static void crash_perhaps(struct night *night)
{
    enum { SOONER = 8 };
    bool at_work = !list_is_empty(&night->worker.disk.requests);
    unsigned one_in = 1 + night->weather.crash_one_in / (at_work ? SOONER : 1);
    if (night->weather.crashes == 0 || night->worker.mta == NULL ||
        !sim_once_in(&night->clock, one_in))
        return;
    night->weather.crashes--;
    crash(night);
}

static void end_outage(struct night *night)
{
    sim_cancel(&night->clock, &night->outage_end);
    night->peers.sink.on = night->peers.auth.on = night->peers.dns.on = true;
    night->peers.sink.silent = night->worker.disk.full = false;
    sim_mail_note_trouble(&night->mail);
    sim_tell(&night->clock, "the outage is over");
}

static void on_outage_end(struct sim_event *event)
{
    end_outage(CONTAINER_OF(event, struct night, outage_end));
}

/* Connections are made after this was decided, so it is counted where it shows: once an outage. */
static void begin_outage(struct night *night)
{
    struct sim_clock *clock = &night->clock;
    switch (sim_chance(clock, night->weather.asks_dns ? 5 : 4)) {
    case 0:
        night->peers.sink.on = false;
        sim_note(clock, FAULT_SINK_DOWN);
        sim_tell(clock, "the relay host is down");
        break;
    case 1:
        night->peers.sink.silent = true;
        sim_note(clock, FAULT_SINK_SILENT);
        sim_tell(clock, "the relay host is silent");
        break;
    case 2:
        night->peers.auth.on = false;
        night->peers.auth_troubles++;
        sim_note(clock, FAULT_AUTH_DOWN);
        sim_tell(clock, "the auth server is down");
        break;
    case 3:
        night->worker.disk.full = true;
        sim_tell(clock, "the disk is full");
        break;
    default:
        night->peers.dns.on = false;
        sim_note(clock, FAULT_DNS_DOWN);
        sim_tell(clock, "the resolve role is down");
        break;
    }
    sim_mail_note_trouble(&night->mail);
    sim_plan(clock, &night->outage_end, 1 + (int64_t)sim_chance(clock, OUTAGE_US), on_outage_end);
}

/* By seconds, days or years. */
static void jump(struct night *night)
{
    static const int64_t spans_s[] = {100, 4000, 86400 * 8, 86400LL * 3650};
    struct sim_clock *clock = &night->clock;
    int64_t span_s = spans_s[sim_chance(clock, sizeof spans_s / sizeof *spans_s)];
    int64_t by_us = 1 + (int64_t)sim_chance(clock, (uint64_t)span_s * 1000000);
    bool forward = sim_once_in(clock, 2);
    clock->wall_us += forward ? by_us : -by_us;
    night->mail.jumps++;
    sim_note(clock, forward ? FAULT_CLOCK_FORWARD : FAULT_CLOCK_BACK);
    if (sim_worker_serves(&night->worker) && night->worker.mta->core.spool.messages.count > 0)
        sim_note(clock, POINT_JUMP_WITH_MAIL);
    sim_tell(clock, "the clock jumps %s by %lld s", forward ? "forward" : "back",
             (long long)by_us / 1000000);
}

static void outage_perhaps(struct night *night)
{
    struct sim_weather *weather = &night->weather;
    if (weather->outages == 0 || heap_holds(&night->outage_end.node) ||
        !sim_once_in(&night->clock, weather->outage_one_in))
        return;
    weather->outages--;
    if (sim_once_in(&night->clock, weather->jumps_one_in))
        jump(night);
    else
        begin_outage(night);
}

static void on_heal(struct sim_event *event)
{
    struct night *night = CONTAINER_OF(event, struct night, heal);
    sim_tell(&night->clock, "from now on nothing goes wrong");
    night->healed = true;
    sim_weather_heal(&night->weather);
    sim_mail_heal(&night->mail);
    end_outage(night);
}

/* ---- the night ---- */

static void begin(struct night *night, const struct sim_night_options *options)
{
    sim_clock_init(&night->clock, options->seed, &night->tally);
    night->clock.verbose = options->verbose;
    sim_weather_plan(&night->weather, &night->clock, options->calm);
    sim_net_init(&night->net, &night->clock);
    sim_worker_init(&night->worker, &night->clock, &night->net, &night->weather);
    sim_mail_init(&night->mail, &night->clock, &night->worker.disk, &night->weather);
    sim_peers_init(&night->peers, &night->net, &night->mail);
    sim_plan(&night->clock, &night->heal, night->weather.heal_us, on_heal);
    sim_worker_start(&night->worker);
}

/* The worker's turn, and what may happen after it. */
static void take_turn(struct night *night)
{
    if (!sim_worker_turn(&night->worker)) {
        sim_mail_note_crash(&night->mail);
        sim_worker_kill(&night->worker);
    }
    if (night->worker.disk.hurt != night->hurt)
        sim_mail_note_hurt(&night->mail);
    night->hurt = night->worker.disk.hurt;
    night->mail.starts = night->worker.starts;
    night->mail.discarded = night->worker.discarded;
    crash_perhaps(night);
    outage_perhaps(night);
    if (sim_once_in(&night->clock, AUDIT_ONE_IN))
        sim_audit_index(&night->worker, &night->mail);
}

static bool is_over(const struct night *night)
{
    return night->peers.clients == 0 && night->mail.unsettled == 0 &&
           sim_audit_is_quiet(&night->worker);
}

/* All attempts that wait come once more, perhaps after a rest of the destination. Mail whose
 * content is out of reach is kept for as long as it can be tried. */
static bool is_too_late(const struct night *night)
{
    int64_t patience_s = 2 * night->weather.backoff_max_s + REST_S;
    if (night->worker.disk.hurt > 0)
        patience_s += night->weather.lifetime_s;
    return night->steps >= STEPS_MAX ||
           night->clock.now_us > night->weather.heal_us + patience_s * 1000000;
}

static void run(struct night *night)
{
    take_turn(night);
    while (!is_over(night) && !is_too_late(night) && sim_step(&night->clock)) {
        night->steps++;
        take_turn(night);
    }
}

/* ---- what it came to ---- */

/* Every client that was counted when it came was counted when it went. */
static bool all_were_counted_out(const struct night *night)
{
    uint64_t left = client_row_connections(night->worker.clients_row);
    if (left > 0)
        printf("%llu clients are counted and not there\n", (unsigned long long)left);
    return left == 0;
}

/* Messages that were set aside do not settle, so the night lasts until it is too late. */
static bool came_to_its_end(const struct night *night)
{
    if (night->peers.clients > 0)
        printf("%u clients have not got through\n", night->peers.clients);
    if (sim_audit_is_quiet(&night->worker))
        return night->peers.clients == 0 && all_were_counted_out(night);
    sim_audit_complain(&night->worker);
    return false;
}

/* It is told to end, and gives back all that it has; its peers hear of it. */
static bool closes_down(struct night *night)
{
    size_t left;
    mta_stop(night->worker.mta);
    while (!list_is_empty(&night->worker.disk.requests) && sim_step(&night->clock))
        night->steps++;
    mta_free(night->worker.mta);
    night->worker.mta = NULL;
    sim_cancel(&night->clock, &night->heal);
    sim_cancel(&night->clock, &night->outage_end);
    sim_cancel(&night->clock, &night->worker.wake);
    while (sim_step(&night->clock))
        night->steps++;
    left = sim_net_count(&night->net, &night->worker) + night->worker.disk.requests.count;
    if (left > 0)
        printf("left: %zu streams and requests after the worker's end\n", left);
    return left == 0;
}

static bool judge(struct night *night)
{
    bool good = came_to_its_end(night);
    if (good)
        sim_audit_index(&night->worker, &night->mail);
    good = sim_mail_judge(&night->mail) && good;
    return good && closes_down(night);
}

static unsigned long count_doubles(const struct sim_mail *mail)
{
    unsigned long doubles = 0;
    for (unsigned i = 0; i < mail->message_count; i++)
        for (unsigned k = 0; k < mail->messages[i].recipient_count; k++) {
            const struct sim_once *arrival = &mail->messages[i].recipients[k].arrival;
            if (arrival->happened > mail->messages[i].transmissions)
                doubles += arrival->happened - mail->messages[i].transmissions;
        }
    return doubles;
}

static void end(struct night *night)
{
    sim_worker_free(&night->worker);
    sim_net_free(&night->net);
    sim_mail_free(&night->mail);
    sim_clock_free(&night->clock);
}

struct sim_outcome sim_night(const struct sim_night_options *options)
{
    struct night night = {0};
    begin(&night, options);
    run(&night);
    struct sim_outcome outcome = {
        .good = judge(&night),
        .messages = night.mail.message_count,
        .syncs = night.worker.disk.syncs,
        .doubles = count_doubles(&night.mail),
        .steps = night.steps,
        .fingerprint = night.clock.chance ^ (uint64_t)night.clock.now_us ^ night.clock.planned,
        .tally = night.tally,
    };
    end(&night);
    return outcome;
}
