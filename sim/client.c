/* A client: brings one message after another, each in a dialogue of its own, until every one was
 * acknowledged. When the connection is lost it comes back. In bad weather it has manners of its
 * own; but whatever it does, it remembers what it was promised. */
#include "sim/peers.h"

#include "base/check.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum {
    COMMAND_MAX = 512,
    STUFFED_MAX = 900000,
    PAUSE_US = 2000000,
    COME_BACK_US = 20000000,
    PIECE = 50000,
    SLOW_PIECE = 1000,
    SLOW_PAUSES = 20,
    SLOW_US = 20000000,
    SILENCE_US = 320000000, /* smtpd_timeout, and some */
    HUGE_BYTES = 300000,    /* more than message_size_limit */
    LOGIN_ONE_IN = 3,
};

/* Whose turn it is to speak, by what the client waits for. */
enum stage { GREETING, EHLO, AUTH, RUDE, MAIL, RCPT, DATA, CONTENT, QUIT };

enum manners { GOOD, SLOW, SILENT, VANISHING, NONSENSE, HUGE, PIPELINING, WRONG_PASSWORD };

struct client {
    struct stream_user user;
    struct sim_peers *peers;
    struct stream *stream;
    struct sim_message *message;
    enum manners manners;
    enum stage stage;
    bool logs_in;
    unsigned recipients;  /* that were named and taken */
    unsigned rude_left;   /* nonsense still to say */
    unsigned pauses_left; /* SLOW */
    size_t bytes_left;    /* VANISHING, SILENT: until it does, or is */
    int64_t silent_us;    /* since when */
    unsigned auth_troubles;
    struct buf line;
    struct buf unsent; /* commands, or stuffed content */
    bool in_content;
    struct sim_event again; /* to come back, to go on, or to lose patience */
};

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

static void give_up(struct client *client)
{
    world_close(client->stream);
    come_back_later(client);
}

static void vanish(struct client *client)
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

static enum manners choose_manners(struct client *client)
{
    struct sim_clock *clock = client->peers->clock;
    if (!sim_once_in(clock, client->peers->weather->rude_one_in))
        return GOOD;
    return SLOW + (enum manners)sim_chance(clock, 7);
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
    client->stage = GREETING;
    client->recipients = 0;
    client->in_content = false;
    client->logs_in = client->manners == WRONG_PASSWORD || sim_once_in(clock, LOGIN_ONE_IN);
    client->rude_left = client->manners == NONSENSE ? 1 + (unsigned)sim_chance(clock, 12) : 0;
    client->pauses_left = SLOW_PAUSES;
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

/* ---- speaking ---- */

static size_t piece_length(struct client *client)
{
    size_t length = buf_len(&client->unsent);
    size_t most = client->manners == SLOW && client->pauses_left > 0 ? SLOW_PIECE : PIECE;
    if (client->manners == SLOW && client->pauses_left > 0)
        most = 1 + (size_t)sim_chance(client->peers->clock, SLOW_PIECE);
    return length < most ? length : most;
}

/* The end of the content goes out now: the message may be taken from here on. */
static void note_transmission(struct client *client)
{
    struct sim_message *message = client->message;
    client->in_content = false;
    if (client->manners == HUGE)
        return;
    message->transmissions++;
}

static void send_piece(struct client *client, size_t length)
{
    if (client->in_content && length == buf_len(&client->unsent))
        note_transmission(client);
    world_send(client->stream, slice_first(buf_slice(&client->unsent), length));
    buf_consume(&client->unsent, length);
    client->bytes_left -= length;
}

static void lose_patience(struct sim_event *event)
{
    struct client *client = CONTAINER_OF(event, struct client, again);
    const struct sim_mail *mail = client->peers->mail;
    if (mail->disk->troubled_us < client->silent_us && !mail->disk->full)
        sim_mail_wrong(client->peers->mail, "a silent client was kept");
    give_up(client);
}

static void fall_silent(struct client *client)
{
    client->silent_us = client->peers->clock->now_us;
    buf_consume(&client->unsent, buf_len(&client->unsent));
    sim_plan(client->peers->clock, &client->again, SILENCE_US, lose_patience);
}

static void go_on(struct sim_event *event);

static void wait_a_while(struct client *client)
{
    client->pauses_left--;
    sim_plan(client->peers->clock, &client->again,
             (int64_t)sim_chance(client->peers->clock, SLOW_US), go_on);
}

static void send_some(struct client *client)
{
    size_t length = piece_length(client);
    bool ends = client->manners == VANISHING || client->manners == SILENT;
    if (client->stream == NULL || length == 0 || world_unsent(client->stream) > 0 ||
        heap_holds(&client->again.node))
        return;
    if (!ends || length < client->bytes_left) {
        send_piece(client, length);
        if (client->manners == SLOW && client->pauses_left > 0 && buf_len(&client->unsent) > 0)
            wait_a_while(client);
        return;
    }
    send_piece(client, client->bytes_left);
    if (client->manners == VANISHING)
        vanish(client);
    else
        fall_silent(client);
}

static void go_on(struct sim_event *event)
{
    send_some(CONTAINER_OF(event, struct client, again));
}

__attribute__((format(printf, 2, 3))) static void say(struct client *client, const char *format,
                                                      ...)
{
    char command[COMMAND_MAX];
    struct writer w = writer_over(command, sizeof command);
    va_list arguments;
    va_start(arguments, format);
    writer_vprintf(&w, format, arguments);
    va_end(arguments);
    CHECK(buf_add(&client->unsent, writer_slice(&w)));
}

static void stuff(struct client *client)
{
    struct slice rest = buf_slice(&client->message->content);
    while (rest.len > 0) {
        size_t end = slice_find(rest, '\n') + 1;
        if (rest.at[0] == '.')
            CHECK(buf_add_text(&client->unsent, "."));
        CHECK(buf_add(&client->unsent, slice_first(rest, end)));
        rest = slice_skip(rest, end);
    }
    CHECK(buf_add_text(&client->unsent, ".\r\n"));
}

static void inflate(struct client *client)
{
    static const char line[] =
        "this is more than anybody wants to read, let alone to store ....\r\n";
    while (buf_len(&client->unsent) < HUGE_BYTES)
        CHECK(buf_add_text(&client->unsent, line));
    CHECK(buf_add_text(&client->unsent, ".\r\n"));
}

static void say_nonsense(struct client *client)
{
    static const char *const nonsense[] = {"NOOP",
                                           "RSET",
                                           "HELP",
                                           "VRFY <>",
                                           "RCPT TO:<x@to.sim>",
                                           "DATA",
                                           "\x80\xff",
                                           "MAIL FROM:<",
                                           "MAIL FROM:<a@b> SIZE=99999999",
                                           "",
                                           "EHLO",
                                           "AUTH",
                                           "BDAT 3 LAST",
                                           "STARTTLS",
                                           "RCPT",
                                           "EXPN a"};
    size_t which = (size_t)sim_chance(client->peers->clock, sizeof nonsense / sizeof *nonsense);
    client->rude_left--;
    say(client, "%s\r\n", nonsense[which]);
}

static void say_recipient(struct client *client, unsigned recipient)
{
    say(client, "RCPT TO:<%u-%u@to.sim>\r\n", client->message->number, recipient);
}

static void start_mail(struct client *client)
{
    client->stage = MAIL;
    say(client, "MAIL FROM:<%u@from.sim>\r\n", client->message->number);
    if (client->manners != PIPELINING)
        return;
    for (unsigned i = 0; i < client->message->recipient_count; i++)
        say_recipient(client, i);
    say(client, "DATA\r\n");
}

static void say_next_recipient(struct client *client)
{
    bool all = client->recipients == client->message->recipient_count;
    client->stage = all ? DATA : RCPT;
    if (client->manners == PIPELINING)
        return;
    if (all)
        say(client, "DATA\r\n");
    else
        say_recipient(client, client->recipients);
}

static void start_content(struct client *client)
{
    client->stage = CONTENT;
    client->in_content = true;
    if (client->message->transmissions == 0)
        client->message->first_us = client->peers->clock->now_us;
    if (client->manners == HUGE)
        inflate(client);
    else
        stuff(client);
}

/* ---- what it is told ---- */

static bool is_told(struct slice line, const char *code)
{
    return slice_starts(line, code);
}

static void quit(struct client *client)
{
    client->stage = QUIT;
    say(client, "QUIT\r\n");
}

static void after_greetings(struct client *client)
{
    if (client->rude_left > 0) {
        client->stage = RUDE;
        say_nonsense(client);
    } else {
        start_mail(client);
    }
}

static void log_in(struct client *client)
{
    client->stage = AUTH;
    say(client, "AUTH PLAIN %s\r\n",
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
        say(client, "EHLO client.sim\r\n");
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
        note_acknowledged(client);
        break;
    case RUDE:
    case QUIT:
        give_up(client);
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
    give_up(client);
}

static void take_reply(struct client *client, struct slice line)
{
    if (line.len > 3 && line.at[3] == '-')
        return;
    if (client->stage == RUDE && !is_told(line, "421") && !is_told(line, "354") &&
        !is_told(line, "334")) {
        if (client->rude_left > 0)
            say_nonsense(client);
        else
            say(client, "RSET\r\n");
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
        give_up(client);
    send_some(client);
}

static void on_drained(struct stream_user *user)
{
    send_some(CONTAINER_OF(user, struct client, user));
}

static void on_closed(struct stream_user *user, const char *reason)
{
    (void)reason;
    come_back_later(CONTAINER_OF(user, struct client, user));
}

static void on_connected(struct stream_user *user)
{
    (void)user;
}

static void on_tls_started(struct stream_user *user, const struct tls_facts *facts)
{
    (void)user, (void)facts;
    abort();
}

static const struct stream_events events = {on_connected, on_input, on_drained, on_tls_started,
                                            on_closed};

void sim_client_start(struct sim_peers *peers)
{
    struct client *client = memory_new(sizeof *client);
    client->user.events = &events;
    client->peers = peers;
    client->line = buf_make(COMMAND_MAX * 4);
    client->unsent = buf_make(STUFFED_MAX);
    peers->clients++;
    sim_plan(peers->clock, &client->again, (int64_t)sim_chance(peers->clock, PAUSE_US), begin);
}
