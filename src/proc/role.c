#include "proc/role.h"

#include "base/memory.h"
#include "proc/identity.h"
#include "proc/sandbox.h"
#include "proc/terminal.h"
#include "proc/warm_up.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

struct role {
    const char *name;
    int (*run)(struct world *world, struct handoff *handoff);
    int (*run_alone)(struct handoff *handoff); /* without a loop: it forks */
    int slot; /* the descriptor of the folder that is its own; -1: none */
};

static const struct role roles[] = {
    {"worker", worker_run, NULL, HANDOFF_FD_SLOT},
    {"auth", auth_role_run, NULL, -1},
    {"resolve", resolve_role_run, NULL, -1},
    {"mailbox", NULL, mailbox_role_run, -1},
};

void role_ready(const struct handoff *handoff)
{
    const char byte = HANDOFF_READY;
    if (handoff->in_background)
        terminal_leave();
    (void)!write(HANDOFF_FD_CONTROL, &byte, 1);
}

void role_taken(void)
{
    const char byte = HANDOFF_TAKEN;
    (void)!write(HANDOFF_FD_CONTROL, &byte, 1);
}

struct err role_take_handoff(int fd, struct handoff *handoff)
{
    TRY(handoff_read(fd, handoff));
    setup_restore(&handoff->setup);
    if (handoff->setup.config == NULL || handoff->setup.notes.error_count > 0)
        return err_make(ERR_OTHER, "the configuration that was handed down is not understood");
    return err_none();
}

struct log_target role_log_target(const struct handoff *handoff)
{
    return (struct log_target){.fd = handoff->has_log_file ? HANDOFF_FD_LOG : -1,
                               .syslog_facility = (int)handoff->syslog_facility,
                               .hostname = handoff->setup.machine.hostname};
}

void role_log(struct world *world, enum log_severity severity, const char *program,
              const char *format, ...)
{
    const struct handoff *handoff = world->handoff;
    char text[LOG_LINE_MAX];
    struct writer w = writer_over(text, sizeof text);
    va_list arguments;
    va_start(arguments, format);
    writer_vprintf(&w, format, arguments);
    va_end(arguments);
    struct log_event event = {.severity = severity,
                              .name = config_main(handoff->setup.config)->syslog_name,
                              .program = program,
                              .text = writer_slice(&w)};
    world_log(world, &event);
}

static int fail(const char *role, const char *text)
{
    fprintf(stderr, "tuvid: %s: %s\n", role, text);
    return EX_OSERR;
}

static const struct role *find_role(const char *name)
{
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (strcmp(roles[i].name, name) == 0)
            return &roles[i];
    return NULL;
}

/* No byte of the network is read and no thread begun before. */
static struct err enter_sandbox(const struct role *role)
{
    const struct sandbox sandbox = {
        .role = role->name, .slot = role->slot, .control = HANDOFF_FD_CONTROL};
    warm_up();
    return sandbox_enter(&sandbox);
}

static int run_role(const struct role *role, struct handoff *handoff)
{
    struct world *world = memory_new(sizeof *world);
    struct log_target target = role_log_target(handoff);
    struct err missing = enter_sandbox(role);
    struct err err = world_open(world, &target);
    if (err_is(&err))
        return fail(role->name, err.text);
    world->handoff = handoff;
    if (err_is(&missing))
        role_log(world, SEVERITY_WARNING, "master", "%s: this role runs without a whole sandbox",
                 missing.text);
    int code = role->run(world, handoff);
    world_finish_log(world);
    return code;
}

static int run_alone(const struct role *role, struct handoff *handoff)
{
    struct err err = enter_sandbox(role);
    if (err_is(&err))
        fprintf(stderr, "tuvid: %s: %s: this role runs without a whole sandbox\n", role->name,
                err.text);
    return role->run_alone(handoff);
}

int role_main(void)
{
    struct handoff *handoff = memory_new(sizeof *handoff);
    struct err err = role_take_handoff(HANDOFF_FD_MEMORY, handoff);
    if (err_is(&err))
        return fail("role", err.text);
    const struct role *role = find_role(handoff->role);
    if (role == NULL)
        return fail(handoff->role, "there is no such role");
    err = identity_assume(handoff->user);
    if (err_is(&err))
        return fail(role->name, err.text);
    return role->run_alone != NULL ? run_alone(role, handoff) : run_role(role, handoff);
}
