#include "proc/dns_inquiry.h"

#include "backend/unbound.h"
#include "base/list.h"
#include "mta/policy_service.h"

#include <string.h>

struct open_question {
    struct unbound_question dns;
    struct dns_inquiry *inquiry;
    const struct question *question;
    FILE *out;
};

static const char *type_name(uint32_t type)
{
    static const char *const names[] = {
        [DNS_A] = "A",   [DNS_NS] = "NS",   [DNS_PTR] = "PTR",
        [DNS_MX] = "MX", [DNS_TXT] = "TXT", [DNS_AAAA] = "AAAA",
    };
    return names[type];
}

static void on_answered(struct unbound_question *dns)
{
    static const struct {
        enum finding_outcome outcome;
        const char *text;
    } outcomes[] = {
        [DNS_FOUND] = {FINDING_FOUND, "found"},
        [DNS_NO_DATA] = {FINDING_ABSENT, "the name has none"},
        [DNS_NO_NAME] = {FINDING_ABSENT, "there is no such name"},
        [DNS_TROUBLE] = {FINDING_TROUBLE, "it could not be found out"},
    };
    const struct open_question *open = CONTAINER_OF(dns, struct open_question, dns);
    findings_add(&open->inquiry->findings, open->question, outcomes[dns->outcome].outcome,
                 dns->records);
    fprintf(open->out, "dns: %s %s: %s\n", type_name(dns->type), dns->name,
            outcomes[dns->outcome].text);
}

static struct err ask(struct dns_inquiry *inquiry, const struct question *question, FILE *out)
{
    char name[QUESTION_KEY_MAX + 1] = "";
    struct open_question open = {
        .dns = {.name = name, .type = (uint16_t)question->detail, .answered = on_answered},
        .inquiry = inquiry,
        .question = question,
        .out = out,
    };
    memcpy(name, question->key, question->key_len);
    if (inquiry->unbound == NULL)
        TRY(unbound_open(inquiry->servers, &inquiry->unbound));
    unbound_ask_and_wait(inquiry->unbound, &open.dns);
    return err_none();
}

struct err dns_inquiry_answer(struct dns_inquiry *inquiry, const struct question *question,
                              FILE *out)
{
    switch (question->kind) {
    case QUESTION_DNS:
        return ask(inquiry, question, out);
    case QUESTION_TIME:
        findings_add(&inquiry->findings, question, FINDING_FOUND, slice_of(""));
        break;
    case QUESTION_SERVICE:
        fprintf(out, "policy server %s: not asked, as if it said DUNNO\n", question->service->name);
        findings_add(&inquiry->findings, question, FINDING_FOUND, slice_of("DUNNO"));
        break;
    }
    return err_none();
}

void dns_inquiry_free(struct dns_inquiry *inquiry)
{
    findings_free(&inquiry->findings);
    if (inquiry->unbound != NULL)
        unbound_close(inquiry->unbound);
    *inquiry = (struct dns_inquiry){.unbound = NULL};
}
