#include "base/log.h"

const char *log_severity_prefix(enum log_severity severity)
{
    static const char *const prefixes[] = {
        [SEVERITY_INFO] = "",
        [SEVERITY_WARNING] = "warning: ",
        [SEVERITY_ERROR] = "error: ",
        [SEVERITY_FATAL] = "fatal: ",
    };
    return prefixes[severity];
}
