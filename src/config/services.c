#include "config/services.h"

#include "config/inet_name.h"
#include "config/keep.h"

/* Programs of Postfix whose work is done inside Tuvi, or which only serve those. */
static const char *const inner_programs[] = {
    "anvil",    "bounce", "cleanup", "discard", "error",    "flush",
    "nqmgr",    "oqmgr",  "pickup",  "postlog", "postlogd", "qmgr",
    "proxymap", "scache", "showq",   "tlsmgr",  "verify",   "trivial-rewrite",
};

/* Programs that deliver, which Tuvi has under the same names. */
static const char *const delivery_programs[] = {"smtp", "lmtp", "local", "virtual"};

static bool is_one_of(struct slice command, const char *const *programs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slice_is(command, programs[i]))
            return true;
    return false;
}

static bool is_inner(struct slice command)
{
    return is_one_of(command, inner_programs, sizeof inner_programs / sizeof *inner_programs);
}

static bool delivers(struct slice command)
{
    return is_one_of(command, delivery_programs,
                     sizeof delivery_programs / sizeof *delivery_programs);
}

static void take_listener(const struct master_service *master, struct arena *arena,
                          struct config_notes *notes, struct config_service *out)
{
    struct inet_name name;
    struct err err = inet_name_parse(slice_of(master->name), &name);
    if (err_is(&err)) {
        config_note(notes, CONFIG_ERROR, &master->origin, "%s", err.text);
        return;
    }
    out->role = SERVICE_LISTENS;
    out->host = name.host.len > 0 ? keep_text(arena, name.host) : NULL;
    out->port_text = keep_text(arena, name.port);
    if (!inet_port_number(name.port, &out->port))
        config_note(notes, CONFIG_ERROR, &master->origin,
                    "unknown port %.*s: write its number; the names smtp, submission, submissions, "
                    "smtps and lmtp are known",
                    SLICE_PRINTF(config_quote(name.port)));
}

static void refuse_inet(const struct master_service *master, struct config_notes *notes)
{
    if (slice_is(slice_of(master->command), "postscreen")) {
        config_note_dangerous(
            notes, &master->origin,
            "postscreen is not supported: write \"%.*s inet n - n - - smtpd\" instead, and "
            "take out the services smtpd (pass), dnsblog and tlsproxy",
            SLICE_PRINTF(config_quote(slice_of(master->name))));
        return;
    }
    config_note_dangerous(
        notes, &master->origin,
        "%.*s: Tuvi does not have the program %.*s and leaving it out would change what "
        "the network can reach; comment the service out to start without it",
        SLICE_PRINTF(config_quote(slice_of(master->name))),
        SLICE_PRINTF(config_quote(slice_of(master->command))));
}

static void pass_over(const struct master_service *master, struct config_notes *notes)
{
    config_note(notes, CONFIG_NOTE, &master->origin,
                "the service %.*s (%s %.*s) is not used by Tuvi and is passed over",
                SLICE_PRINTF(config_quote(slice_of(master->name))), service_type_word(master->type),
                SLICE_PRINTF(config_quote(slice_of(master->command))));
}

void service_take(const struct master_service *master, struct arena *arena,
                  struct config_notes *notes, struct config_service *out)
{
    struct slice command = slice_of(master->command);
    *out = (struct config_service){
        .name = master->name,
        .type = master->type,
        .role = SERVICE_PASSED_OVER,
        .is_private = master->is_private,
        .process_limit = master->process_limit,
        .command = master->command,
        .verbosity = master->verbosity,
        .origin = master->origin,
    };
    if (master->type == SERVICE_INET && slice_is(command, "smtpd"))
        take_listener(master, arena, notes, out);
    else if (master->type == SERVICE_INET)
        refuse_inet(master, notes);
    else if (master->type == SERVICE_UNIX && delivers(command))
        out->role = SERVICE_DELIVERS;
    else if (master->type == SERVICE_PASS || !is_inner(command))
        pass_over(master, notes);
}
