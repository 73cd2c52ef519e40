#include "mta/resolver.h"

#include "base/check.h"

#include <string.h>

enum { QUESTION_MS = 60 * 1000 };

static struct resolver *resolver_of(struct stream_user *user)
{
    return CONTAINER_OF(user, struct resolver, user);
}

static void forget(struct dns_question *question)
{
    struct resolver *resolver = question->resolver;
    map_remove(&resolver->questions, &question->by_id);
    deadline_clear(&resolver->core->deadlines, &question->deadline);
    question->resolver = NULL;
}

static void answer(struct dns_question *question, enum dns_outcome outcome, bool secure,
                   struct slice records)
{
    forget(question);
    question->outcome = outcome;
    question->secure = secure;
    question->records = records;
    question->answered(question);
}

static void give_up(struct dns_question *question)
{
    answer(question, DNS_TROUBLE, false, slice_of(""));
}

static void question_expired(struct deadline *deadline)
{
    give_up(CONTAINER_OF(deadline, struct dns_question, deadline));
}

/* All that is open is in trouble. Who asks again while being told waits for the next connection. */
static void go_down(struct resolver *resolver, const char *reason)
{
    resolver->stream = NULL;
    if (resolver->questions.count > 0)
        core_log(resolver->core, SEVERITY_WARNING, NULL, "qmgr",
                 "the resolve role at %s does not answer: %s", resolver->path, reason);
    for (size_t count = resolver->questions.count; count > 0; count--) {
        struct map_node *node = map_next(&resolver->questions, NULL);
        if (node == NULL)
            return;
        give_up(CONTAINER_OF(node, struct dns_question, by_id));
    }
}

/* ---- the stream's events ---- */

static void send_question(struct resolver *resolver, const struct dns_question *question)
{
    char bytes[DNS_REQUEST_MAX + 8];
    struct writer w = writer_over(bytes, sizeof bytes);
    const struct dns_request request = {question->id, (uint16_t)question->type,
                                        slice_of(question->name)};
    dns_request_write(&w, &request);
    world_send(resolver->stream, writer_slice(&w));
}

static void on_connected(struct stream_user *user)
{
    struct resolver *resolver = resolver_of(user);
    resolver->connected = true;
    for (struct map_node *node = map_next(&resolver->questions, NULL); node != NULL;
         node = map_next(&resolver->questions, node))
        send_question(resolver, CONTAINER_OF(node, struct dns_question, by_id));
}

static bool take_reply(struct resolver *resolver)
{
    struct slice input = world_input(resolver->stream);
    size_t before = input.len;
    struct dns_reply reply;
    enum dns_step step = dns_reply_next(&input, &reply);
    if (step == DNS_BROKEN) {
        struct stream *stream = resolver->stream;
        go_down(resolver, "it says what is no answer");
        world_close(stream);
        return false;
    }
    if (step == DNS_NEED_INPUT)
        return false;
    struct map_node *node = map_find(&resolver->questions, reply.id);
    if (node != NULL)
        answer(CONTAINER_OF(node, struct dns_question, by_id), reply.outcome, reply.secure,
               reply.records);
    world_consume(resolver->stream, before - input.len);
    return true;
}

static void on_input(struct stream_user *user)
{
    struct resolver *resolver = resolver_of(user);
    while (resolver->stream != NULL && take_reply(resolver))
        ;
    if (resolver->stream != NULL && world_input_ended(resolver->stream)) {
        struct stream *stream = resolver->stream;
        go_down(resolver, "it closed the connection");
        world_close(stream);
    }
}

static void on_drained(struct stream_user *user)
{
    (void)user;
}

static void on_tls_started(struct stream_user *user, const struct tls_facts *facts)
{
    (void)user, (void)facts;
}

static void on_closed(struct stream_user *user, const char *reason)
{
    go_down(resolver_of(user), reason);
}

static const struct stream_events events = {on_connected, on_input, on_drained, on_tls_started,
                                            on_closed};

/* ---- from outside ---- */

void resolver_init(struct resolver *resolver, struct core *core)
{
    *resolver = (struct resolver){.user.events = &events, .core = core, .questions = map_make()};
    struct writer w = writer_over(resolver->path, sizeof resolver->path - 1);
    writer_printf(&w, "%s/%s", core->parameters->queue_directory, RESOLVER_SOCKET);
}

void resolver_free(struct resolver *resolver)
{
    map_free(&resolver->questions);
    if (resolver->stream != NULL)
        world_close(resolver->stream);
}

static void reach(struct resolver *resolver)
{
    const struct endpoint endpoint = {.kind = ENDPOINT_UNIX, .path = resolver->path};
    resolver->connected = false;
    resolver->stream = world_connect(resolver->core->world, &endpoint, &resolver->user);
}

void resolver_ask(struct resolver *resolver, struct dns_question *question)
{
    int64_t patience_ms = question->patience_ms > 0 ? question->patience_ms : QUESTION_MS;
    CHECK(strlen(question->name) <= DNS_NAME_MAX);
    question->resolver = resolver;
    question->id = ++resolver->last_id;
    map_add(&resolver->questions, &question->by_id, question->id);
    deadline_set(&resolver->core->deadlines, &question->deadline,
                 core_now_ms(resolver->core) + patience_ms, question_expired);
    if (resolver->stream == NULL)
        reach(resolver);
    else if (resolver->connected)
        send_question(resolver, question);
}

void resolver_cancel(struct dns_question *question)
{
    if (question->resolver != NULL)
        forget(question);
}
