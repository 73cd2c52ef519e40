/* A client: brings one message after another, each in a dialogue of its own, until every one was
 * acknowledged. When the connection is lost it comes back. In bad weather it has manners of its
 * own; but whatever it does, it remembers what it was promised. */
#include "sim/client.h"

#include "base/check.h"
#include "base/memory.h"

enum { PAUSE_US = 2000000, COME_BACK_US = 20000000, LOGIN_ONE_IN = 3, CHUNKS_ONE_IN = 4 };

static const struct stream_events events;

static void begin(struct sim_event *event);

/* ---- coming and going ---- */

static void come_back(struct client *client, int64_t delay_us)
{
    client->stream = NULL;
    buf_consume(&client->unsent, buf_len(&client->unsent));
    sim_plan(client->peers->clock, &client->again, delay_us, begin);
}

static void come_back_later(struct client *client)
{
    come_back(client, 1 + (int64_t)sim_chance(client->peers->clock, COME_BACK_US));
}

void sim_client_give_up(struct client *client)
{
    world_close(client->stream);
    come_back_later(client);
}

void sim_client_vanish(struct client *client)
{
    sim_note(client->peers->clock, FAULT_CLIENT_VANISHED);
    if (sim_once_in(client->peers->clock, 2))
        world_close(client->stream);
    else
        sim_stream_cut(client->stream);
    come_back_later(client);
}

static void retire(struct client *client)
{
    client->peers->clients--;
    buf_free(&client->line);
    buf_free(&client->unsent);
    memory_free(client);
}

static enum sim_client_manners choose_manners(struct client *client)
{
    struct sim_clock *clock = client->peers->clock;
    if (!sim_once_in(clock, client->peers->weather->rude_one_in))
        return GOOD;
    return SLOW + (enum sim_client_manners)sim_chance(clock, 7);
}

static unsigned choose_chunks(struct client *client)
{
    struct sim_clock *clock = client->peers->clock;
    if (client->manners == PIPELINING || client->manners == HUGE ||
        !sim_once_in(clock, CHUNKS_ONE_IN))
        return 0;
    return 1 + (unsigned)sim_chance(clock, SIM_CHUNKS_MAX);
}

static void prepare(struct client *client)
{
    static const enum sim_count counts[] = {[SLOW] = FAULT_CLIENT_SLOW,
                                            [SILENT] = FAULT_CLIENT_SILENT,
                                            [NONSENSE] = FAULT_CLIENT_RUDE,
                                            [HUGE] = FAULT_CLIENT_HUGE,
                                            [PIPELINING] = FAULT_CLIENT_PIPELINED,
                                            [WRONG_PASSWORD] = FAULT_WRONG_PASSWORD};
    struct sim_clock *clock = client->peers->clock;
    client->manners = choose_manners(client);
    unsigned chunks = choose_chunks(client);
    client->stage = GREETING;
    client->recipients = 0;
    client->in_content = false;
    client->chunks_left = chunks;
    client->logs_in = client->manners == WRONG_PASSWORD || sim_once_in(clock, LOGIN_ONE_IN);
    client->rude_left = client->manners == NONSENSE ? 1 + (unsigned)sim_chance(clock, 12) : 0;
    client->pauses_left = SIM_CLIENT_PAUSES;
    client->auth_troubles = client->peers->auth_troubles;
    client->bytes_left = (size_t)sim_chance(clock, buf_len(&client->message->content) + 200);
    if (client->manners != GOOD && client->manners != VANISHING)
        sim_note(clock, counts[client->manners]);
}

static void begin(struct sim_event *event)
{
    struct client *client = CONTAINER_OF(event, struct client, again);
    struct sim_peers *peers = client->peers;
    if (client->message == NULL) {
        if (peers->next_message == peers->mail->message_count) {
            retire(client);
            return;
        }
        client->message = &peers->mail->messages[peers->next_message++];
    }
    prepare(client);
    client->stream = sim_net_connect(
        peers->net, client, client->logs_in ? SIM_PORT_SUBMISSION : SIM_PORT_SMTP, &client->user);
}

/* ---- the dialogue ---- */

static void start_mail(struct client *client)
{
    client->stage = MAIL;
    sim_client_say(client, "MAIL FROM:<%u@from.sim>\r\n", client->message->number);
    if (client->manners != PIPELINING)
        return;
    for (unsigned i = 0; i < client->message->recipient_count; i++)
        sim_client_say_recipient(client, i);
    sim_client_say(client, "DATA\r\n");
}

static void start_content(struct client *client)
{
    client->stage = CONTENT;
    client->in_content = true;
    if (client->message->transmissions == 0)
        client->message->first_us = client->peers->clock->now_us;
    if (client->manners == HUGE)
        sim_client_say_too_much(client);
    else if (client->chunks_left > 0)
        sim_client_say_chunks(client);
    else
        sim_client_say_content(client);
}

static void say_next_recipient(struct client *client)
{
    bool all = client->recipients == client->message->recipient_count;
    client->stage = all ? DATA : RCPT;
    if (client->manners == PIPELINING)
        return;
    if (all && client->chunks_left > 0)
        start_content(client);
    else if (all)
        sim_client_say(client, "DATA\r\n");
    else
        sim_client_say_recipient(client, client->recipients);
}

/* ---- what it is told ---- */

static bool is_told(struct slice line, const char *code)
{
    return slice_starts(line, code);
}

static void quit(struct client *client)
{
    client->stage = QUIT;
    sim_client_say(client, "QUIT\r\n");
}

static void after_greetings(struct client *client)
{
    if (client->rude_left > 0) {
        client->stage = RUDE;
        sim_client_say_nonsense(client);
    } else {
        start_mail(client);
    }
}

static void log_in(struct client *client)
{
    client->stage = AUTH;
    sim_client_say(client, "AUTH PLAIN %s\r\n",
                   client->manners == WRONG_PASSWORD ? SIM_LOGIN_WRONG : SIM_LOGIN_RIGHT);
}

static void note_acknowledged(struct client *client)
{
    struct sim_message *message = client->message;
    struct sim_clock *clock = client->peers->clock;
    if (client->manners == HUGE)
        sim_mail_wrong(client->peers->mail, "a message that is too big was taken");
    if (message->had_no_space)
        sim_note(clock, POINT_FULL_THEN_ACCEPTED);
    sim_tell(clock, "client: message %u is acknowledged", message->number);
    message->acknowledged = true;
    client->message = NULL;
    quit(client);
}

/* The whole message, or a chunk of it. */
static void note_taken(struct client *client)
{
    if (client->chunks_left > 1) {
        client->chunks_left--;
        return;
    }
    if (client->chunks_left > 0)
        sim_note(client->peers->clock, POINT_TAKEN_BY_CHUNKS);
    note_acknowledged(client);
}

static void note_logged_in(struct client *client)
{
    if (client->manners == WRONG_PASSWORD)
        sim_mail_wrong(client->peers->mail, "a wrong password was good enough");
    if (client->peers->auth_troubles > client->auth_troubles)
        sim_note(client->peers->clock, POINT_LOGIN_AFTER_TROUBLE);
    after_greetings(client);
}

static void proceed(struct client *client)
{
    switch (client->stage) {
    case GREETING:
        client->stage = EHLO;
        sim_client_say(client, "EHLO client.sim\r\n");
        break;
    case EHLO:
        if (client->logs_in)
            log_in(client);
        else
            after_greetings(client);
        break;
    case AUTH:
        note_logged_in(client);
        break;
    case MAIL:
        say_next_recipient(client);
        break;
    case RCPT:
        client->recipients++;
        say_next_recipient(client);
        break;
    case DATA:
        start_content(client);
        break;
    case CONTENT:
        note_taken(client);
        break;
    case RUDE:
    case QUIT:
        sim_client_give_up(client);
        break;
    }
}

/* Whoever talks nonsense must expect anything, and so must who brings too much or cannot log in. */
static bool is_no_surprise(const struct client *client, struct slice line)
{
    bool no_auth = client->stage == AUTH && !is_told(line, "535");
    return client->manners == NONSENSE || client->manners == HUGE ||
           client->manners == WRONG_PASSWORD || no_auth;
}

static void be_refused(struct client *client, struct slice line)
{
    struct sim_message *message = client->message;
    if (is_told(line, "5") && !is_no_surprise(client, line))
        sim_mail_wrong(client->peers->mail, "a client was told %.*s", SLICE_PRINTF(line));
    if (message != NULL && is_told(line, "452"))
        message->had_no_space = true;
    if (client->stage == CONTENT && client->manners != HUGE && message->transmissions > 0 &&
        !client->in_content)
        message->transmissions--;
    sim_client_give_up(client);
}

static void take_reply(struct client *client, struct slice line)
{
    if (line.len > 3 && line.at[3] == '-')
        return;
    if (client->stage == RUDE && !is_told(line, "421") && !is_told(line, "354") &&
        !is_told(line, "334")) {
        if (client->rude_left > 0)
            sim_client_say_nonsense(client);
        else
            sim_client_say(client, "RSET\r\n");
        client->stage = client->rude_left > 0 ? RUDE : EHLO;
        client->logs_in = false;
    } else if (is_told(line, "2") || is_told(line, "3")) {
        proceed(client);
    } else {
        be_refused(client, line);
    }
}

/* ---- events ---- */

static void on_input(struct stream_user *user)
{
    struct client *client = CONTAINER_OF(user, struct client, user);
    while (client->stream != NULL && sim_take_line(client->stream, &client->line))
        take_reply(client, buf_slice(&client->line));
    if (client->stream != NULL && world_input_ended(client->stream))
        sim_client_give_up(client);
    sim_client_send(client);
}

static void on_drained(struct stream_user *user)
{
    sim_client_send(CONTAINER_OF(user, struct client, user));
}

static void on_closed(struct stream_user *user, const char *reason)
{
    (void)reason;
    come_back_later(CONTAINER_OF(user, struct client, user));
}

static const struct stream_events events = {sim_on_nothing, on_input, on_drained, sim_on_tls,
                                            on_closed};

void sim_client_start(struct sim_peers *peers)
{
    struct client *client = memory_new(sizeof *client);
    client->user.events = &events;
    client->peers = peers;
    client->line = buf_make(SIM_COMMAND_MAX * 4);
    client->unsent = buf_make(SIM_STUFFED_MAX);
    peers->clients++;
    sim_plan(peers->clock, &client->again, (int64_t)sim_chance(peers->clock, PAUSE_US), begin);
}
