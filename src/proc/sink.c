#include "proc/sink.h"

#include "base/memory.h"
#include "proc/sockets.h"
#include "proto/smtp_server.h"
#include "shell/listener.h"
#include "shell/stream.h"
#include "shell/world.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { SINK_ENVELOPE_MAX = 1 << 20, SINK_OUTPUT_MAX = 64 << 10 };

struct sink {
    struct world world;
    const char *folder;
    struct smtp_server_settings settings;
    char hostname[256];
    unsigned messages;
};

struct sink_session {
    struct stream_user user;
    struct sink *sink;
    struct stream *stream;
    struct smtp_server machine;
    struct buf envelope;
    unsigned number; /* of the message being written */
    FILE *file;
    uint64_t size;
};

/* ---- files ---- */

static void name_file(const struct sink *sink, unsigned number, const char *kind, char *path,
                      size_t size)
{
    snprintf(path, size, "%s/%06u.%s", sink->folder, number, kind);
}

static const char *begin_message(struct sink_session *session)
{
    char path[4096];
    session->number = ++session->sink->messages;
    session->size = 0;
    name_file(session->sink, session->number, "part", path, sizeof path);
    session->file = fopen(path, "we");
    return session->file != NULL ? "354 End data with <CR><LF>.<CR><LF>"
                                 : "452 4.3.1 Insufficient system storage";
}

static bool write_envelope(const struct sink_session *session)
{
    char path[4096];
    struct slice envelope = buf_slice(&session->envelope);
    name_file(session->sink, session->number, "envelope", path, sizeof path);
    FILE *file = fopen(path, "we");
    if (file == NULL)
        return false;
    bool written = fwrite(envelope.at, 1, envelope.len, file) == envelope.len;
    return fclose(file) == 0 && written;
}

/* The message appears under its name only when it is whole. */
static bool end_message(struct sink_session *session)
{
    char part[4096], path[4096];
    bool good = !ferror(session->file);
    good &= fclose(session->file) == 0;
    session->file = NULL;
    name_file(session->sink, session->number, "part", part, sizeof part);
    name_file(session->sink, session->number, "eml", path, sizeof path);
    good = good && write_envelope(session) && rename(part, path) == 0;
    if (good)
        printf("%s: %llu bytes\n", path, (unsigned long long)session->size);
    fflush(stdout);
    return good;
}

static void forget_message(struct sink_session *session)
{
    char part[4096];
    buf_consume(&session->envelope, buf_len(&session->envelope));
    if (session->file == NULL)
        return;
    fclose(session->file);
    session->file = NULL;
    name_file(session->sink, session->number, "part", part, sizeof part);
    (void)unlink(part);
}

/* ---- answers ---- */

static const char *keep_address(struct sink_session *session, const char *field,
                                const struct address *address, const char *good)
{
    bool kept =
        buf_add_printf(&session->envelope, "%s: <%.*s>\n", field, SLICE_PRINTF(address->text));
    return kept ? good : "452 4.5.3 Error: too many recipients";
}

static const char *answer_to(struct sink_session *session, const struct smtp_question *question)
{
    switch (question->kind) {
    case SMTP_ASK_CONNECT:
        return "220 sink ESMTP Tuvi: everything is taken, nothing is delivered";
    case SMTP_ASK_MAIL:
        forget_message(session);
        return keep_address(session, "From", &question->mail.reverse_path, "250 2.1.0 Ok");
    case SMTP_ASK_RCPT:
        return keep_address(session, "To", &question->rcpt.forward_path, "250 2.1.5 Ok");
    case SMTP_ASK_DATA:
    case SMTP_ASK_BDAT:
        return begin_message(session);
    case SMTP_ASK_MESSAGE:
        return end_message(session) ? "250 2.0.0 Ok: taken"
                                    : "451 4.3.0 Error: the file cannot be written";
    case SMTP_ASK_VRFY:
        return "252 2.0.0 Ok";
    case SMTP_ASK_CHUNK:
        return "250 2.0.0 Ok";
    case SMTP_ASK_HELO:
    case SMTP_ASK_EHLO:
    case SMTP_ASK_RESET:
        forget_message(session);
        return "250 2.0.0 Ok";
    case SMTP_ASK_XCLIENT:
    case SMTP_ASK_XFORWARD:
    case SMTP_ASK_STARTTLS:
    case SMTP_ASK_AUTH:
    case SMTP_ASK_AUTH_RESPONSE:
    case SMTP_ASK_AUTH_CANCEL:
    case SMTP_ASK_ABANDON:
    case SMTP_ASK_UNKNOWN:
        break;
    }
    return "502 5.5.1 Error: command not implemented";
}

static void answer(struct sink_session *session, const struct smtp_question *question)
{
    bool abandoned = question->kind == SMTP_ASK_ABANDON;
    if (abandoned)
        forget_message(session);
    smtp_server_answer(&session->machine,
                       abandoned ? question->argument : slice_of(answer_to(session, question)));
}

/* ---- the driver ---- */

static void end_session(struct sink_session *session)
{
    forget_message(session);
    buf_free(&session->envelope);
    memory_free(session);
}

/* False: nothing more can be done now. */
static bool take_step(struct sink_session *session, const struct smtp_server_step *step)
{
    switch (step->kind) {
    case SMTP_SERVER_SAY:
        world_send(session->stream, step->bytes);
        return true;
    case SMTP_SERVER_ASK:
        answer(session, &step->question);
        return true;
    case SMTP_SERVER_BODY:
        session->size += step->bytes.len;
        (void)fwrite(step->bytes.at, 1, step->bytes.len, session->file);
        return true;
    case SMTP_SERVER_NEED_INPUT:
        if (!world_input_ended(session->stream))
            return false;
        break;
    case SMTP_SERVER_PAUSE:
    case SMTP_SERVER_START_TLS:
    case SMTP_SERVER_CLOSE:
        break;
    }
    world_close(session->stream);
    session->stream = NULL;
    return false;
}

static void run(struct stream_user *user)
{
    struct sink_session *session = CONTAINER_OF(user, struct sink_session, user);
    bool go_on = true;
    while (go_on && world_unsent(session->stream) < SINK_OUTPUT_MAX) {
        struct stream *stream = session->stream;
        struct slice input = world_input(stream);
        size_t before = input.len;
        struct smtp_server_step step = smtp_server_next(&session->machine, &input);
        go_on = take_step(session, &step);
        if (session->stream != NULL)
            world_consume(stream, before - input.len);
    }
    if (session->stream == NULL)
        end_session(session);
}

static void on_tls_started(struct stream_user *user, const struct tls_facts *facts)
{
    (void)user, (void)facts;
}

static void on_closed(struct stream_user *user, const char *reason)
{
    (void)reason;
    end_session(CONTAINER_OF(user, struct sink_session, user));
}

static const struct stream_events events = {run, run, run, on_tls_started, on_closed};

static struct stream_user *on_accept(struct world *world, struct stream *stream, void *owner)
{
    struct sink *sink = owner;
    struct sink_session *session = memory_new(sizeof *session);
    (void)world;
    session->user.events = &events;
    session->sink = sink;
    session->stream = stream;
    session->envelope = buf_make(SINK_ENVELOPE_MAX);
    smtp_server_init(&session->machine, &sink->settings, false);
    return &session->user;
}

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "tuvi sink: %s: %s\n", what, why);
    return EX_OSERR;
}

static void on_stop(struct world *world)
{
    world_quit(world);
}

int sink_main(const struct sink_options *options)
{
    static const struct log_target log = {.fd = STDERR_FILENO, .hostname = "sink"};
    struct sink *sink = memory_new(sizeof *sink);
    struct listener_settings settings = {.accept = on_accept, .owner = sink};
    char path[4096];
    sink->folder = options->folder;
    if (gethostname(sink->hostname, sizeof sink->hostname - 1) != 0)
        sink->hostname[0] = '\0';
    sink->settings = (struct smtp_server_settings){.hostname = slice_of(sink->hostname),
                                                   .line_limit = 2048,
                                                   .error_limit_soft = 1000,
                                                   .error_limit_hard = 1000,
                                                   .junk_limit = UINT64_MAX};
    name_file(sink, 0, "part", path, sizeof path);
    int probe = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (probe < 0)
        return fail(options->folder, strerror(errno));
    close(probe);
    (void)unlink(path);
    struct err err = socket_bind_inet(options->address, options->port, &settings.fd);
    if (err_is(&err))
        return fail("cannot listen", err.text);
    err = world_open(&sink->world, &log);
    if (err_is(&err) || (err = listener_add(&sink->world, &settings), err_is(&err)))
        return fail("cannot serve", err.text);
    signal(SIGPIPE, SIG_IGN);
    world_watch_signal(&sink->world, SIGTERM, on_stop);
    world_watch_signal(&sink->world, SIGINT, on_stop);
    world_accept(&sink->world, true);
    printf("tuvi sink: listening on %s port %u, writing to %s\n", options->address, options->port,
           options->folder);
    fflush(stdout);
    world_run(&sink->world);
    return 0;
}
