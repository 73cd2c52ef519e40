/* A log event: one line for people and for the tools that read a mail log. The process that owns
 * the log adds the time, the host and its number. */
#ifndef TUVI_BASE_LOG_H
#define TUVI_BASE_LOG_H

#include "base/slice.h"

enum { LOG_LINE_MAX = 4096 };

enum log_severity { SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_ERROR, SEVERITY_FATAL };

struct log_event {
    enum log_severity severity;
    const char *name;    /* syslog_name: "postfix", "postfix/submission" */
    const char *program; /* "smtpd", "qmgr", "smtp" … */
    struct slice text;   /* printable, without a line end */
};

/* "", "warning: ", "error: ", "fatal: ", as Postfix puts it in front of the text. */
const char *log_severity_prefix(enum log_severity severity);

#endif
