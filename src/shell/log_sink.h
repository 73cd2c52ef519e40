/* Where log lines go: a file that is only appended to, or the system's log. Lines are gathered and
 * written in the thread pool, so that a slow disk holds up no mail; what does not fit the bound is
 * dropped, counted and said. */
#ifndef TUVI_SHELL_LOG_SINK_H
#define TUVI_SHELL_LOG_SINK_H

#include "base/buf.h"
#include "base/log.h"
#include "base/moment.h"

#include <uv.h>

struct log_target {
    int fd;               /* of the file, opened for append; -1: the system's log */
    int syslog_facility;  /* LOG_MAIL and its kin, from syslog.h */
    const char *hostname; /* as the lines of a file name it */
};

enum { LOG_SINK_MAX = 1 << 20, LOG_SINK_HOST_MAX = 256 };

struct log_sink {
    int fd;
    bool is_syslog;
    int facility;
    char hostname[LOG_SINK_HOST_MAX];
    int pid;
    struct buf waiting;
    struct buf flying;
    bool writing;
    uint64_t dropped;
    uv_work_t work;
};

void log_sink_open(struct log_sink *sink, const struct log_target *target);

void log_sink_write(struct log_sink *sink, const struct moment *now, const struct log_event *event);

/* For a process without a loop: the line has the time of this call and is written before it
 * returns.
 */
void log_sink_write_now(struct log_sink *sink, const struct log_event *event);

/* Begins to write what waits, unless a write is under way. */
void log_sink_flush(struct log_sink *sink, uv_loop_t *loop);
/* Writes everything before it returns: for the end of a process. */
void log_sink_flush_now(struct log_sink *sink);

#endif
