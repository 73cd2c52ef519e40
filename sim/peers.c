#include "sim/peers.h"

#include "base/check.h"
#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>

enum {
    CONTENT_MAX = 400000,
    LARGE_ONE_IN = 20,
    CLIENTS = 4,
    COMMIT_WINDOW_US = 60000, /* the answer's way back, and two syncs */
};

/* ---- messages ---- */

static void add_line(struct sim_clock *clock, struct buf *content)
{
    static const char *const starts[] = {".", "..", "", "x", "From ", ".\t", "Received: fake"};
    size_t length = (size_t)sim_chance(clock, sim_once_in(clock, 30) ? 5000 : 90);
    buf_add_text(content, starts[sim_chance(clock, sizeof starts / sizeof *starts)]);
    for (size_t i = 0; i < length; i++) {
        char byte = (char)(unsigned char)sim_chance(clock, 256);
        if (byte == '\r' || byte == '\n')
            byte = '.';
        buf_add(content, slice_make(&byte, 1));
    }
    buf_add_text(content, "\r\n");
}

static void make_content(struct sim_clock *clock, struct sim_message *message)
{
    size_t length = sim_once_in(clock, LARGE_ONE_IN) ? 300000 : 3000;
    size_t wanted = (size_t)sim_chance(clock, length);
    message->content = buf_make(CONTENT_MAX);
    buf_add_printf(&message->content,
                   "X-Sim: %u\r\nMessage-ID: <%u@sim>\r\nSubject: message %u\r\n\r\n",
                   message->number, message->number, message->number);
    while (buf_len(&message->content) < wanted)
        add_line(clock, &message->content);
}

static void make_message(struct sim_clock *clock, struct sim_message *message, unsigned number)
{
    message->number = number;
    message->recipient_count = 1 + (unsigned)sim_chance(clock, SIM_RECIPIENTS_MAX);
    for (unsigned i = 0; i < message->recipient_count; i++) {
        message->recipients[i].refused = sim_once_in(clock, 10);
        if (sim_once_in(clock, 5))
            message->recipients[i].deferrals =
                sim_once_in(clock, 5) ? 1000000 : 1 + (unsigned)sim_chance(clock, 3);
    }
    make_content(clock, message);
}

void sim_peers_init(struct sim_peers *peers, struct sim_clock *clock, struct sim_net *net,
                    unsigned message_count)
{
    *peers = (struct sim_peers){.clock = clock, .net = net, .message_count = message_count};
    peers->messages = memory_new(message_count * sizeof *peers->messages);
    for (unsigned i = 0; i < message_count; i++)
        make_message(clock, &peers->messages[i], i);
    peers->sink = (struct sim_listener){.port = 2526, .on = true, .accept = sim_sink_accept};
    sim_net_listen(net, &peers->sink);
    for (unsigned i = 0; i < CLIENTS; i++)
        sim_client_start(peers);
}

void sim_peers_free(struct sim_peers *peers)
{
    for (unsigned i = 0; i < peers->message_count; i++)
        buf_free(&peers->messages[i].content);
    memory_free(peers->messages);
}

/* ---- judging ---- */

void sim_peers_wrong(struct sim_peers *peers, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    peers->wrong++;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (char *c = text; *c != '\0'; c++)
        if (*c < ' ' || *c > '~')
            *c = '?'; /* it may be what a message holds */
    printf("wrong: %s\n", text);
}

static bool is_settled(const struct sim_recipient *recipient)
{
    return recipient->delivered > 0 || recipient->reported;
}

bool sim_peers_satisfied(const struct sim_peers *peers)
{
    if (peers->clients > 0)
        return false;
    for (unsigned i = 0; i < peers->message_count; i++)
        for (unsigned k = 0; k < peers->messages[i].recipient_count; k++)
            if (!is_settled(&peers->messages[i].recipients[k]))
                return false;
    return true;
}

void sim_peers_note_kill(struct sim_peers *peers)
{
    for (unsigned i = 0; i < peers->message_count; i++) {
        struct sim_message *message = &peers->messages[i];
        for (unsigned k = 0; k < message->recipient_count; k++) {
            struct sim_recipient *recipient = &message->recipients[k];
            if (recipient->delivered > 0 &&
                peers->clock->now_us - recipient->delivered_us < COMMIT_WINDOW_US)
                recipient->excused++;
        }
    }
}

/* A client that was not acknowledged sends its message again, and then it may arrive again. */
static unsigned count_beyond(const struct sim_peers *peers, bool excuse)
{
    unsigned beyond = 0;
    for (unsigned i = 0; i < peers->message_count; i++) {
        const struct sim_message *message = &peers->messages[i];
        for (unsigned k = 0; k < message->recipient_count; k++) {
            const struct sim_recipient *recipient = &message->recipients[k];
            unsigned allowed = message->transmissions + (excuse ? recipient->excused : 0);
            if (recipient->delivered > allowed)
                beyond += recipient->delivered - allowed;
        }
    }
    return beyond;
}

unsigned sim_peers_doubles(const struct sim_peers *peers)
{
    return count_beyond(peers, false);
}

unsigned sim_peers_unexcused(const struct sim_peers *peers)
{
    return count_beyond(peers, true);
}

void sim_peers_complain(const struct sim_peers *peers)
{
    if (peers->clients > 0)
        printf("%u clients have not got through\n", peers->clients);
    for (unsigned i = 0; i < peers->message_count; i++) {
        const struct sim_message *message = &peers->messages[i];
        for (unsigned k = 0; k < message->recipient_count; k++)
            if (!is_settled(&message->recipients[k]))
                printf("message %u, recipient %u: neither delivered nor reported%s\n", i, k,
                       message->acknowledged ? ", but acknowledged" : "");
    }
}

bool sim_take_line(struct stream *stream, struct buf *line)
{
    struct slice input = world_input(stream);
    size_t end = slice_find(input, '\n');
    buf_consume(line, buf_len(line));
    if (end == input.len)
        return false;
    CHECK(buf_add(line, slice_first(input, end > 0 && input.at[end - 1] == '\r' ? end - 1 : end)));
    world_consume(stream, end + 1);
    return true;
}
