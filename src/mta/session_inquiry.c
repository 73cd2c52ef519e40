#include "mta/session_state.h"

#include "base/memory.h"

#include <string.h>

enum { DNS_PATIENCE_MS = 15 * 1000 };

/* What could not be found out is tried again with the next message, not with each recipient. */
void session_inquiry_begin(struct session *session, enum facts_stage stage)
{
    struct session_inquiry *inquiry = session->inquiry;
    if (inquiry == NULL)
        return;
    findings_begin(&inquiry->findings);
    findings_forget_services(&inquiry->findings, stage);
    if (stage == FACTS_MAIL)
        findings_forget_trouble(&inquiry->findings);
}

/* ---- answers ---- */

void session_inquiry_learn(struct session_inquiry *inquiry, enum finding_outcome outcome,
                           struct slice data)
{
    struct session *session = inquiry->session;
    findings_add(&inquiry->findings, &inquiry->question, outcome, data);
    session->wait = WAIT_NOTHING;
    if (session->naming_until_ms != 0)
        session_name_again(session);
    else
        session_judge_again(session);
    session_run(session);
}

static void on_dns_answered(struct dns_question *question)
{
    static const enum finding_outcome outcomes[] = {
        [DNS_FOUND] = FINDING_FOUND,
        [DNS_NO_DATA] = FINDING_ABSENT,
        [DNS_NO_NAME] = FINDING_ABSENT,
        [DNS_TROUBLE] = FINDING_TROUBLE,
    };
    session_inquiry_learn(CONTAINER_OF(question, struct session_inquiry, dns),
                          outcomes[question->outcome], question->records);
}

static void on_time_passed(struct deadline *pause)
{
    session_inquiry_learn(CONTAINER_OF(pause, struct session_inquiry, pause), FINDING_FOUND,
                          slice_of(""));
}

/* ---- questions ---- */

static struct session_inquiry *inquiry_of(struct session *session)
{
    if (session->inquiry == NULL) {
        session->inquiry = memory_new(sizeof *session->inquiry);
        session->inquiry->session = session;
    }
    return session->inquiry;
}

static int64_t patience_ms(const struct session *session)
{
    int64_t left_ms = session->naming_until_ms - core_now_ms(session->core);
    if (session->naming_until_ms == 0)
        return DNS_PATIENCE_MS;
    return left_ms > 0 ? left_ms : 1;
}

static void ask_dns(struct session_inquiry *inquiry)
{
    struct writer w = writer_over(inquiry->name, sizeof inquiry->name - 1);
    memset(inquiry->name, 0, sizeof inquiry->name);
    writer_bytes(&w, question_key(&inquiry->question));
    inquiry->dns = (struct dns_question){
        .name = inquiry->name,
        .type = (enum dns_type)inquiry->question.detail,
        .patience_ms = patience_ms(inquiry->session),
        .answered = on_dns_answered,
    };
    resolver_ask(inquiry->session->core->resolver, &inquiry->dns);
}

static void let_time_pass(struct session_inquiry *inquiry)
{
    struct core *core = inquiry->session->core;
    deadline_set(&core->deadlines, &inquiry->pause,
                 core_now_ms(core) + (int64_t)inquiry->question.detail * 1000, on_time_passed);
}

void session_inquire(struct session *session, const struct question *question)
{
    struct session_inquiry *inquiry = inquiry_of(session);
    /* The input that it stands in may be gone when the answer comes. */
    if (session->judged.stage == FACTS_RCPT &&
        !arena_copy(&session->arena, session->judged.naming.said, &session->judged.naming.said)) {
        session_answer(session, "452 4.5.3 Error: too many recipients");
        return;
    }
    inquiry->question = *question;
    session->wait = WAIT_FINDING;
    switch (inquiry->question.kind) {
    case QUESTION_DNS:
        ask_dns(inquiry);
        break;
    case QUESTION_TIME:
        let_time_pass(inquiry);
        break;
    case QUESTION_SERVICE:
        session_service_ask(inquiry);
        break;
    }
}

void session_inquiry_cancel(struct session *session)
{
    resolver_cancel(&session->inquiry->dns);
    session_service_cancel(session->inquiry);
    deadline_clear(&session->core->deadlines, &session->inquiry->pause);
}

void session_inquiry_free(struct session *session)
{
    if (session->inquiry == NULL)
        return;
    findings_free(&session->inquiry->findings);
    memory_free(session->inquiry->query);
    memory_free(session->inquiry);
    session->inquiry = NULL;
}
