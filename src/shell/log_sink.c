#include "shell/log_sink.h"

#include "base/list.h"
#include "base/writer.h"
#include "proto/date.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

enum { LOG_RECORD_MAX = LOG_LINE_MAX + 512 };

static int connect_syslog(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

void log_sink_open(struct log_sink *sink, const struct log_target *target)
{
    memset(sink, 0, sizeof *sink);
    sink->fd = target->fd;
    sink->is_syslog = target->fd < 0;
    sink->facility = target->syslog_facility;
    sink->pid = (int)getpid();
    sink->waiting = buf_make(LOG_SINK_MAX);
    sink->flying = buf_make(LOG_SINK_MAX);
    snprintf(sink->hostname, sizeof sink->hostname, "%s", target->hostname);
    /* A system without a log daemon loses its lines, and serves mail all the same. */
    if (sink->is_syslog)
        sink->fd = connect_syslog();
}

/* ---- the system's log ---- */

static int priority_of(enum log_severity severity)
{
    static const int priorities[] = {
        [SEVERITY_INFO] = LOG_INFO,
        [SEVERITY_WARNING] = LOG_WARNING,
        [SEVERITY_ERROR] = LOG_ERR,
        [SEVERITY_FATAL] = LOG_CRIT,
    };
    return priorities[severity];
}

static void send_to_syslog(struct log_sink *sink, const struct moment *now,
                           const struct log_event *event)
{
    char record[LOG_RECORD_MAX];
    struct writer w = writer_over(record, sizeof record);
    writer_printf(&w, "<%d>", sink->facility | priority_of(event->severity));
    date_write_log(&w, now);
    writer_printf(&w, " %s/%s[%d]: %s", event->name, event->program, sink->pid,
                  log_severity_prefix(event->severity));
    writer_bytes(&w, event->text);
    if (sink->fd < 0)
        sink->fd = connect_syslog();
    if (sink->fd < 0 || send(sink->fd, record, w.len, MSG_NOSIGNAL) < 0) {
        sink->dropped++;
        if (errno != EAGAIN && sink->fd >= 0) {
            close(sink->fd); /* the daemon was started anew: connect again with the next line */
            sink->fd = -1;
        }
    }
}

/* ---- a file ---- */

static void write_line(struct log_sink *sink, const struct moment *now,
                       const struct log_event *event)
{
    char record[LOG_RECORD_MAX];
    struct writer w = writer_over(record, sizeof record - 1);
    date_write_log(&w, now);
    writer_printf(&w, " %s %s/%s[%d]: %s", sink->hostname, event->name, event->program, sink->pid,
                  log_severity_prefix(event->severity));
    writer_bytes(&w, event->text);
    writer_byte(&w, '\n');
    if (!buf_add(&sink->waiting, writer_slice(&w)))
        sink->dropped++;
}

static void tell_dropped(struct log_sink *sink, const struct moment *now,
                         const struct log_event *after)
{
    char text[64];
    struct writer w = writer_over(text, sizeof text);
    struct log_event event = *after;
    writer_printf(&w, "%llu log lines were dropped", (unsigned long long)sink->dropped);
    event.severity = SEVERITY_WARNING;
    event.text = writer_slice(&w);
    sink->dropped = 0;
    write_line(sink, now, &event);
}

void log_sink_write(struct log_sink *sink, const struct moment *now, const struct log_event *event)
{
    if (sink->is_syslog) {
        send_to_syslog(sink, now, event);
        return;
    }
    if (sink->dropped > 0 && buf_room(&sink->waiting) > LOG_SINK_MAX / 2)
        tell_dropped(sink, now, event);
    write_line(sink, now, event);
}

/* What cannot be written (the disk is full) is lost; mail goes on. */
static void write_all(int fd, struct slice bytes)
{
    while (bytes.len > 0) {
        ssize_t written = write(fd, bytes.at, bytes.len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return;
        bytes = slice_skip(bytes, (size_t)written);
    }
}

static void run_write(uv_work_t *work)
{
    struct log_sink *sink = CONTAINER_OF(work, struct log_sink, work);
    write_all(sink->fd, buf_slice(&sink->flying));
}

static void end_write(uv_work_t *work, int status)
{
    struct log_sink *sink = CONTAINER_OF(work, struct log_sink, work);
    (void)status;
    buf_consume(&sink->flying, buf_len(&sink->flying));
    sink->writing = false;
}

void log_sink_flush(struct log_sink *sink, uv_loop_t *loop)
{
    if (sink->is_syslog || sink->writing || buf_len(&sink->waiting) == 0)
        return;
    struct buf empty = sink->flying;
    sink->flying = sink->waiting;
    sink->waiting = empty;
    sink->writing = true;
    if (uv_queue_work(loop, &sink->work, run_write, end_write) != 0)
        sink->writing = false;
}

void log_sink_flush_now(struct log_sink *sink)
{
    if (sink->is_syslog)
        return;
    /* A write under way in the pool has its own bytes; lines may change places at the very end. */
    write_all(sink->fd, buf_slice(&sink->waiting));
    buf_consume(&sink->waiting, buf_len(&sink->waiting));
}

static struct moment wall_moment(void)
{
    struct timespec wall;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &wall);
    struct moment now = {.wall_us = (int64_t)wall.tv_sec * 1000000 + wall.tv_nsec / 1000};
    if (localtime_r(&wall.tv_sec, &tm) != NULL)
        now.zone_minutes = (int)(tm.tm_gmtoff / 60);
    return now;
}

void log_sink_write_now(struct log_sink *sink, const struct log_event *event)
{
    struct moment now = wall_moment();
    log_sink_write(sink, &now, event);
    log_sink_flush_now(sink);
}
