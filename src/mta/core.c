#include "mta/core.h"

#include "base/utf8.h"

#include <stdarg.h>

int64_t core_now_ms(const struct core *core)
{
    return world_now(core->world).monotonic_ms;
}

int64_t core_wall_us(const struct core *core)
{
    return world_now(core->world).wall_us;
}

uint64_t core_take_in_hand(struct core *core, uint64_t id)
{
    if (core->in_hand == NULL)
        return 0;
    uint64_t before = core->in_hand->id;
    core->in_hand->id = id;
    return before;
}

struct queue_id core_queue_id(const struct core *core, uint64_t id, int64_t arrival_us)
{
    return queue_id_make(id, arrival_us, core->parameters->enable_long_queue_ids);
}

void core_log(const struct core *core, enum log_severity severity, const char *name,
              const char *program, const char *format, ...)
{
    char formatted[LOG_LINE_MAX], printable[LOG_LINE_MAX];
    struct writer text = writer_over(formatted, sizeof formatted);
    struct writer line = writer_over(printable, sizeof printable);
    va_list arguments;
    va_start(arguments, format);
    writer_vprintf(&text, format, arguments);
    va_end(arguments);
    utf8_write_visible(&line, writer_slice(&text));
    struct log_event event = {
        .severity = severity,
        .name = name != NULL ? name : core->parameters->syslog_name,
        .program = program,
        .text = writer_slice(&line),
    };
    world_log(core->world, &event);
}
