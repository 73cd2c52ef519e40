/* What a policy server is told about the session. */
#include "mta/session_state.h"

#include "base/memory.h"
#include "proto/policy_request.h"

struct session_query {
    struct session_inquiry *inquiry;
    struct policy_query query;
    char request[POLICY_REQUEST_MAX];
};

/* The same for all that is asked about one message, and before there is one nothing. */
static struct slice instance_of(struct session *session)
{
    struct transaction *transaction = &session->transaction;
    struct writer w = writer_over(transaction->instance, sizeof transaction->instance - 1);
    if (transaction->has_sender && transaction->instance[0] == '\0') {
        uint64_t chance[2];
        world_random(session->core->world, chance, sizeof chance);
        writer_printf(&w, "%llx.%llx", (unsigned long long)chance[0],
                      (unsigned long long)chance[1]);
    }
    return slice_of(transaction->instance);
}

/* Of BDAT it hears as of DATA. */
static struct slice state_of(const struct session *session)
{
    enum facts_stage stage = session->judged.stage;
    if (stage == FACTS_END)
        return slice_of("END-OF-MESSAGE");
    return slice_of(stage == FACTS_DATA ? "DATA" : smtp_server_stage(&session->machine));
}

static void describe_mail(struct session *session, struct policy_request *request)
{
    const struct transaction *transaction = &session->transaction;
    request->sender = transaction->sender_said;
    request->recipient = session->judged.naming.said;
    request->recipient_count = session->judged.stage >= FACTS_DATA ? transaction->named_count : 0;
    request->queue_id = slice_of(transaction->upload != NULL ? transaction->queue_id.text : "");
    request->instance = instance_of(session);
    request->size =
        transaction->content_len > 0 ? transaction->content_len : transaction->declared_len;
}

static struct slice name_or_unknown(const char *name)
{
    return slice_of(name[0] != '\0' ? name : "unknown");
}

static struct policy_request describe(struct session *session)
{
    const struct parameters *parameters = session->service->parameters;
    struct policy_request request = {
        .protocol_state = state_of(session),
        .protocol_name = slice_of(session->machine.esmtp ? "ESMTP" : "SMTP"),
        .client = session->peer.client,
        .client_name = name_or_unknown(session->client_name),
        .reverse_client_name = name_or_unknown(session->names.reverse_name),
        .client_port = session->peer.client_port,
        .server = session->peer.server,
        .server_port = session->peer.server_port,
        .helo_name = slice_of(session->helo),
        .login_method = slice_of(session->login[0] != '\0' ? session->mechanism : ""),
        .login = slice_of(session->login),
        .tls = session->tls,
        .compatibility_level = slice_of(parameters->compatibility_level),
        .mail_version = slice_of(parameters->mail_version),
    };
    describe_mail(session, &request);
    return request;
}

static void on_answered(struct policy_query *query, bool good, struct slice action)
{
    struct session_query *asked = CONTAINER_OF(query, struct session_query, query);
    session_inquiry_learn(asked->inquiry, good ? FINDING_FOUND : FINDING_TROUBLE, action);
}

void session_service_ask(struct session_inquiry *inquiry)
{
    const struct policy_service *service = inquiry->question.service;
    if (inquiry->query == NULL) {
        inquiry->query = memory_new(sizeof *inquiry->query);
        inquiry->query->inquiry = inquiry;
    }
    struct session_query *query = inquiry->query;
    struct policy_request request = describe(inquiry->session);
    struct writer w = writer_over(query->request, sizeof query->request);
    request.context = slice_of(service->context);
    policy_request_write(&w, &request);
    query->query = (struct policy_query){
        .service = service, .request = writer_slice(&w), .answered = on_answered};
    policy_query_start(&query->query, inquiry->session->core->policy_clients);
}

void session_service_cancel(struct session_inquiry *inquiry)
{
    if (inquiry->query != NULL)
        policy_query_cancel(&inquiry->query->query);
}
