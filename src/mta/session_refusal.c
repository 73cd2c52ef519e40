/* Replies leave the session here. */
#include "mta/session_state.h"

static struct policy_facts facts_about(const struct session *session)
{
    const struct transaction *transaction = &session->transaction;
    const char *name = session->client_name, *reverse_name = session->names.reverse_name;
    return (struct policy_facts){
        .client = session->peer.client,
        .client_name = slice_of(name[0] != '\0' ? name : "unknown"),
        .client_text = slice_of(session->peer_name),
        .reverse_name = slice_of(reverse_name[0] != '\0' ? reverse_name : "unknown"),
        .helo = slice_of(session->helo),
        .sender = {.is_known = transaction->has_sender, .said = transaction->sender_said},
        .recipient = {.is_known = transaction->named_count > 0, .said = transaction->named_said},
    };
}

static struct slice refuse(struct session *session, struct slice reply, struct writer *w)
{
    struct policy_facts facts = facts_about(session);
    struct refusal_case about = {.facts = &facts,
                                 .client_port = session->peer.client_port,
                                 .now = world_now(session->core->world)};
    const char *trouble = refusal_write(&session->service->refusals, &about, reply, w);
    if (trouble != NULL)
        session_log(session, SEVERITY_WARNING, "%s; the reply to %s was %.*s", trouble,
                    session->peer_name, SLICE_PRINTF(slice_first(reply, slice_find(reply, '\r'))));
    return writer_slice(w);
}

void session_say(struct session *session, struct slice reply)
{
    char refusal[REFUSAL_MAX];
    struct writer w = writer_over(refusal, sizeof refusal);
    if (refusal_concerns(&session->service->refusals, reply))
        reply = refuse(session, reply, &w);
    world_send(session->stream, reply);
}
