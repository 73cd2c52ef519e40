/* The server that checks passwords, over Dovecot's protocol: line by line, and as wayward as the
 * weather. It never says yes to the wrong password, nor no to the right one. */
#include "sim/peers.h"

#include "base/memory.h"

#include <string.h>

enum { LINE_MAX_BYTES = 20000, LATE_US = 150000000 };

static const char greeting[] = "VERSION\t1\t2\n"
                               "MECH\tPLAIN\tplaintext\n"
                               "SPID\t1\n"
                               "CUID\t1\n"
                               "COOKIE\t00112233445566778899aabbccddeeff\n"
                               "DONE\n";

struct auth {
    struct stream_user user;
    struct sim_peers *peers;
    struct stream *stream;
    struct buf line;
    struct buf replies;
    struct sim_event reply;
};

static void retire(struct auth *auth)
{
    sim_cancel(auth->peers->clock, &auth->reply);
    buf_free(&auth->line);
    buf_free(&auth->replies);
    memory_free(auth);
}

static void on_reply(struct sim_event *event)
{
    struct auth *auth = CONTAINER_OF(event, struct auth, reply);
    world_send(auth->stream, buf_slice(&auth->replies));
    buf_consume(&auth->replies, buf_len(&auth->replies));
}

static void say_later(struct auth *auth, int64_t delay_us)
{
    if (!heap_holds(&auth->reply.node))
        sim_plan(auth->peers->clock, &auth->reply, delay_us, on_reply);
}

/* True: the server is gone. */
static bool misbehave(struct auth *auth, struct slice id)
{
    struct sim_clock *clock = auth->peers->clock;
    auth->peers->auth_troubles++;
    switch (sim_chance(clock, 4)) {
    case 0:
        sim_note(clock, FAULT_AUTH_LATE);
        say_later(auth, (int64_t)sim_chance(clock, LATE_US));
        return false;
    case 1:
        sim_note(clock, FAULT_AUTH_TROUBLE);
        buf_add_printf(&auth->replies, "FAIL\t%.*s\tuser=ada\ttemp\tcode=temp_fail\n",
                       SLICE_PRINTF(id));
        return false;
    case 2:
        sim_note(clock, FAULT_AUTH_NONSENSE);
        buf_add_printf(&auth->replies, "OK\tnobody\n\t\t\nOK\n%.*s\tFAIL\n", SLICE_PRINTF(id));
        return false;
    default:
        sim_note(clock, FAULT_AUTH_VANISHED);
        sim_stream_cut(auth->stream);
        retire(auth);
        return true;
    }
}

/* "AUTH 7 PLAIN service=smtp … resp=AGFk…". True: the server is gone. */
static bool check_password(struct auth *auth, struct slice line)
{
    struct slice id, rest = slice_skip(line, 5);
    bool right = memmem(line.at, line.len, SIM_LOGIN_RIGHT, strlen(SIM_LOGIN_RIGHT)) != NULL;
    id = slice_first(rest, slice_find(rest, '\t'));
    if (sim_once_in(auth->peers->clock, auth->peers->weather->auth_one_in)) {
        size_t before = buf_len(&auth->replies);
        if (misbehave(auth, id))
            return true;
        if (buf_len(&auth->replies) > before) {
            say_later(auth, 0);
            return false;
        }
    }
    buf_add_printf(&auth->replies, right ? "OK\t%.*s\tuser=ada\n" : "FAIL\t%.*s\tuser=ada\n",
                   SLICE_PRINTF(id));
    say_later(auth, 0);
    return false;
}

static void on_input(struct stream_user *user)
{
    struct auth *auth = CONTAINER_OF(user, struct auth, user);
    while (sim_take_line(auth->stream, &auth->line)) {
        struct slice line = buf_slice(&auth->line);
        if (slice_starts(line, "AUTH\t") && check_password(auth, line))
            return;
    }
    if (!world_input_ended(auth->stream))
        return;
    world_close(auth->stream);
    retire(auth);
}

static void on_connected(struct stream_user *user)
{
    world_send(CONTAINER_OF(user, struct auth, user)->stream, slice_of(greeting));
}

static void on_closed(struct stream_user *user, const char *reason)
{
    (void)reason;
    retire(CONTAINER_OF(user, struct auth, user));
}

static const struct stream_events events = {on_connected, on_input, sim_on_nothing, sim_on_tls,
                                            on_closed};

struct stream_user *sim_auth_accept(struct sim_listener *listener, struct stream *stream)
{
    struct auth *auth = memory_new(sizeof *auth);
    auth->user.events = &events;
    auth->peers = CONTAINER_OF(listener, struct sim_peers, auth);
    auth->stream = stream;
    auth->line = buf_make(LINE_MAX_BYTES);
    auth->replies = buf_make(LINE_MAX_BYTES);
    return &auth->user;
}
