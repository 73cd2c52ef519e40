/* The resolve role: asks DNS for the workers. What comes from there is parsed here, in a process
 * that has no mail, no keys and no passwords. */
#include "backend/unbound.h"
#include "base/check.h"
#include "base/memory.h"
#include "proc/role.h"
#include "proto/address.h"
#include "shell/listener.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    CLIENT_QUESTIONS_MAX = 10000, /* open ones; more of them end the connection */
    CLIENT_OUTPUT_MAX = 1 << 20,
};

struct resolve_role {
    struct world *world;
    struct unbound *unbound;
    struct slice system_servers; /* what /etc/resolv.conf said */
    size_t open;                 /* questions */
    bool ending;                 /* as soon as none is open: its successor asks other servers */
};

/* A worker's connection. */
struct resolve_client {
    struct stream_user user;
    struct resolve_role *role;
    struct stream *stream; /* NULL: it is gone, and the client ends with its last question */
    size_t open;
};

struct resolve_question {
    struct unbound_question question;
    struct resolve_client *client;
    uint32_t id; /* the client's */
    char name[DNS_NAME_MAX + 1];
};

static struct resolve_client *client_of(struct stream_user *user)
{
    return CONTAINER_OF(user, struct resolve_client, user);
}

static void free_if_done(struct resolve_client *client)
{
    if (client->stream == NULL && client->open == 0)
        memory_free(client);
}

static void hang_up(struct resolve_client *client)
{
    world_close(client->stream);
    client->stream = NULL;
}

/* ---- libunbound ---- */

static const char *servers_of(const struct handoff *handoff)
{
    return config_main(handoff->setup.config)->tuvi_dns_servers;
}

static bool on_readable(struct world *world, int fd)
{
    struct resolve_role *role = world->owner;
    (void)fd;
    unbound_process(role->unbound);
    return true;
}

static struct slice read_system_servers(void)
{
    struct slice text;
    struct err err = file_read("/etc/resolv.conf", &text);
    return err_is(&err) ? slice_make(memory_text(slice_of("")), 0) : text;
}

static struct err open_unbound(struct resolve_role *role)
{
    role->system_servers = read_system_servers();
    TRY(unbound_open(servers_of(role->world->handoff), &role->unbound));
    world_watch_fd(role->world, unbound_fd(role->unbound), on_readable);
    return err_none();
}

/* ---- answers ---- */

static void reply(struct resolve_client *client, uint32_t id,
                  const struct unbound_question *question)
{
    static char
        bytes[DNS_REPLY_MAX + 8]; /* too large for a stack; it is copied before the return */
    struct writer w = writer_over(bytes, sizeof bytes);
    const struct dns_reply reply = {id, question->outcome, question->secure, question->records};
    if (client->stream == NULL)
        return;
    dns_reply_write(&w, &reply);
    CHECK(!w.overflow);
    world_send(client->stream, writer_slice(&w));
    if (world_unsent(client->stream) > CLIENT_OUTPUT_MAX)
        hang_up(client); /* it does not read what it asked for */
}

static void on_answered(struct unbound_question *answered)
{
    struct resolve_question *question = CONTAINER_OF(answered, struct resolve_question, question);
    struct resolve_client *client = question->client;
    reply(client, question->id, answered);
    client->open--;
    client->role->open--;
    memory_free(question);
    free_if_done(client);
}

/* ---- requests ---- */

/* What is no host name is asked of nobody: in the text of a name a backslash or a blank could mean
 * something. */
static bool is_name(struct slice name)
{
    if (name.len > 1 && name.at[name.len - 1] == '.')
        name.len--;
    return domain_is_valid(name);
}

static void ask(struct resolve_client *client, const struct dns_request *request)
{
    struct resolve_question *question = memory_new(sizeof *question);
    struct writer name = writer_over(question->name, DNS_NAME_MAX);
    writer_bytes(&name, request->name);
    question->client = client;
    question->id = request->id;
    question->question = (struct unbound_question){
        .name = question->name, .type = request->type, .answered = on_answered};
    client->open++;
    client->role->open++;
    bool can_exist = is_name(request->name);
    if (can_exist && unbound_ask(client->role->unbound, &question->question))
        return;
    question->question.outcome = can_exist ? DNS_TROUBLE : DNS_NO_NAME;
    on_answered(&question->question);
}

static bool is_known(uint16_t type)
{
    static const enum dns_type types[] = {DNS_A, DNS_NS, DNS_PTR, DNS_MX, DNS_TXT, DNS_AAAA};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (type == types[i])
            return true;
    return false;
}

static bool is_sound(const struct resolve_client *client, const struct dns_request *request)
{
    return client->open < CLIENT_QUESTIONS_MAX && is_known(request->type) &&
           slice_find(request->name, '\0') == request->name.len;
}

static void on_input(struct stream_user *user)
{
    struct resolve_client *client = client_of(user);
    enum dns_step step = DNS_WHOLE;
    client->open++; /* it stays while we look at it */
    while (client->stream != NULL && step == DNS_WHOLE) {
        struct slice input = world_input(client->stream);
        size_t before = input.len;
        struct dns_request request;
        step = dns_request_next(&input, &request);
        if (step == DNS_BROKEN || (step == DNS_WHOLE && !is_sound(client, &request))) {
            hang_up(client);
            break;
        }
        if (step == DNS_WHOLE)
            ask(client, &request);
        if (client->stream != NULL)
            world_consume(client->stream, before - input.len);
    }
    if (client->stream != NULL && world_input_ended(client->stream))
        hang_up(client);
    client->open--;
    free_if_done(client);
}

static void on_closed(struct stream_user *user, const char *reason)
{
    struct resolve_client *client = client_of(user);
    (void)reason;
    client->stream = NULL;
    free_if_done(client);
}

static void ignore(struct stream_user *user)
{
    (void)user;
}

static void ignore_tls(struct stream_user *user, const struct tls_facts *facts)
{
    (void)user, (void)facts;
}

static const struct stream_events events = {ignore, on_input, ignore, ignore_tls, on_closed};

static struct stream_user *on_accept(struct world *world, struct stream *stream, void *owner)
{
    struct resolve_client *client = memory_new(sizeof *client);
    (void)world;
    client->user.events = &events;
    client->role = owner;
    client->stream = stream;
    return &client->user;
}

/* ---- the supervisor ---- */

/* libunbound knows its servers from its start to its end, so a role that shall ask others is
 * started anew; what is asked meanwhile waits at the listener. */
static void end_if_asked(struct world *world)
{
    struct resolve_role *role = world->owner;
    if (role->ending && role->open == 0)
        world_quit(world);
}

static bool asks_others(const struct resolve_role *role, const struct handoff *next)
{
    struct slice now = read_system_servers();
    bool same = strcmp(servers_of(role->world->handoff), servers_of(next)) == 0 &&
                slice_equal(now, role->system_servers);
    memory_free((char *)(uintptr_t)now.at);
    return !same;
}

static void reload(struct resolve_role *role, int memory)
{
    struct handoff *next = memory_new(sizeof *next);
    struct err err = role_take_handoff(memory, next);
    if (err_is(&err))
        role_log(role->world, SEVERITY_ERROR, "resolve", "%s", err.text);
    else
        role->ending |= asks_others(role, next);
    setup_free(&next->setup);
    memory_free(next);
}

/* The end of the socket is our end. */
static bool on_control(struct world *world, int control)
{
    enum handoff_word word;
    int fd;
    if (!handoff_receive(control, &word, &fd)) {
        world_quit(world);
        return false;
    }
    if (fd >= 0 && word == HANDOFF_SETUP) {
        reload(world->owner, fd);
        role_taken();
    }
    return true;
}

static void on_stop(struct world *world)
{
    world_quit(world);
}

int resolve_role_run(struct world *world, struct handoff *handoff)
{
    struct resolve_role *role = memory_new(sizeof *role);
    struct listener_settings settings = {
        .fd = HANDOFF_FD_LISTENERS, .is_unix = true, .accept = on_accept, .owner = role};
    role->world = world;
    world->owner = role;
    world->turn = end_if_asked;
    file_set_free(&handoff->setup.files);
    struct err err = open_unbound(role);
    if (!err_is(&err))
        err = listener_add(world, &settings);
    if (err_is(&err)) {
        fprintf(stderr, "tuvid: resolve: %s\n", err.text);
        return EX_OSERR;
    }
    signal(SIGINT, SIG_IGN);
    world_watch_signal(world, SIGTERM, on_stop);
    world_watch_fd(world, HANDOFF_FD_CONTROL, on_control);
    world_accept(world, true);
    role_ready(handoff);
    world_run(world);
    return 0;
}
