/* What all parts of the core share: the world, the settings, the spool, the deadlines. */
#ifndef TUVI_MTA_CORE_H
#define TUVI_MTA_CORE_H

#include "config/config.h"
#include "mta/client_counts.h"
#include "mta/deadline.h"
#include "mta/in_hand.h"
#include "mta/queue_id.h"
#include "mta/world.h"
#include "spool/spool.h"

struct policy_clients;
struct resolver;
struct snapshot;

struct core {
    struct world *world;
    struct snapshot *snapshot;           /* the newest */
    const struct parameters *parameters; /* its own: not to be kept beyond a call */
    const char *user;                    /* as whom this process runs */
    struct spool spool;
    struct deadlines deadlines;
    struct resolver *resolver;
    struct policy_clients *policy_clients;
    struct in_hand *in_hand;      /* NULL: nobody looks at it */
    struct client_counts *counts; /* NULL: clients are not counted */
    bool stopping;                /* finish what is under way, begin nothing */
};

int64_t core_now_ms(const struct core *core);  /* monotonic */
int64_t core_wall_us(const struct core *core); /* since 1970 */

/* Work on this message begins, or goes on after a part of it; 0: it ends. Returns what was in hand
 * before, to be put back. */
uint64_t core_take_in_hand(struct core *core, uint64_t id);

struct queue_id core_queue_id(const struct core *core, uint64_t id, int64_t arrival_us);

/* A log line of a program: "smtpd", "cleanup", "qmgr", "smtp", "bounce". The name in front of it is
 * main.cf's syslog_name unless another is given. The text is made printable. */
__attribute__((format(printf, 5, 6))) void core_log(const struct core *core,
                                                    enum log_severity severity, const char *name,
                                                    const char *program, const char *format, ...);

#endif
