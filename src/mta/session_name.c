#include "mta/session_state.h"

#include "base/memory.h"
#include "proto/dns_record.h"

#include <string.h>

/* The greeting waits for the name: the log, the trace header and policy all speak of it. Whoever's
 * DNS is slower than this has no name. */
enum { NAMING_MS = 5000 };

struct session_naming {
    struct session *session;
    struct dns_question dns;
    char asked[DNS_NAME_MAX + 1];
    int64_t until_ms;
};

static struct session_naming *naming_of(struct dns_question *question)
{
    return CONTAINER_OF(question, struct session_naming, dns);
}

static void ask(struct session_naming *naming, enum dns_type type,
                void (*answered)(struct dns_question *question))
{
    struct core *core = naming->session->core;
    int64_t left_ms = naming->until_ms - core_now_ms(core);
    naming->dns = (struct dns_question){
        .name = naming->asked,
        .type = type,
        .patience_ms = left_ms > 0 ? left_ms : 1,
        .answered = answered,
    };
    resolver_ask(core->resolver, &naming->dns);
}

static void finish(struct session *session)
{
    session_name_forget(session);
    session->wait = WAIT_NOTHING;
    session_log_name(session);
    session_greet(session);
    session_run(session);
}

/* ---- the name's addresses ---- */

static bool has_address(struct slice records, const struct ip *client)
{
    struct slice data;
    struct ip ip;
    while (dns_record_next(&records, &data))
        if (dns_record_address(data, client->family, &ip) && ip_equal(&ip, client))
            return true;
    return false;
}

/* Anybody can write any name into the zone of his addresses; only the owner of the name can write
 * back. */
static enum facts_name judge(const struct session *session, const struct dns_question *question)
{
    struct ip client = ip_unmapped(&session->peer.client);
    switch (question->outcome) {
    case DNS_FOUND:
        return has_address(question->records, &client) ? FACTS_NAME_FOUND : FACTS_NAME_FORGED;
    case DNS_NO_DATA:
    case DNS_NO_NAME:
        return FACTS_NAME_ABSENT;
    case DNS_TROUBLE:
        break;
    }
    return FACTS_NAME_TROUBLE;
}

static void warn(const struct session *session)
{
    static const char *const reasons[] = {
        [FACTS_NAME_ABSENT] = ": it has no address",
        [FACTS_NAME_FORGED] = "",
        [FACTS_NAME_TROUBLE] = ": the lookup failed",
    };
    char ip[IP_TEXT_MAX] = "";
    struct writer w = writer_over(ip, sizeof ip - 1);
    ip_format(&w, &session->peer.client);
    session_log(session, SEVERITY_WARNING, "hostname %s does not resolve to address %s%s",
                session->reverse_name, ip, reasons[session->name_status]);
}

static void on_addresses(struct dns_question *question)
{
    struct session *session = naming_of(question)->session;
    session->name_status = judge(session, question);
    if (session->name_status == FACTS_NAME_FOUND)
        memcpy(session->client_name, session->reverse_name, sizeof session->client_name);
    else
        warn(session);
    finish(session);
}

/* ---- the address's name ---- */

/* The first that can be one. A name that looks like an address is none. */
static bool find_name(struct slice records, char out[DNS_NAME_MAX + 1])
{
    struct slice data;
    struct ip ip;
    while (dns_record_next(&records, &data))
        if (dns_record_host(data, out) && domain_is_valid(slice_of(out)) &&
            !ip_parse(slice_of(out), &ip))
            return true;
    return false;
}

static void on_name(struct dns_question *question)
{
    struct session_naming *naming = naming_of(question);
    struct session *session = naming->session;
    struct ip client = ip_unmapped(&session->peer.client);
    if (question->outcome == DNS_TROUBLE)
        session->name_status = session->reverse_status = FACTS_NAME_TROUBLE;
    if (question->outcome != DNS_FOUND || !find_name(question->records, session->reverse_name)) {
        session->reverse_name[0] = '\0';
        finish(session);
        return;
    }
    session->reverse_status = FACTS_NAME_FOUND;
    memcpy(naming->asked, session->reverse_name, sizeof naming->asked);
    ask(naming, client.family == IP_V6 ? DNS_AAAA : DNS_A, on_addresses);
}

/* ---- from outside ---- */

void session_name_find(struct session *session)
{
    struct ip client = ip_unmapped(&session->peer.client);
    if (!session->service->parameters->smtpd_peername_lookup || client.family == IP_NONE) {
        session_greet(session);
        return;
    }
    struct session_naming *naming = session->naming = memory_new(sizeof *naming);
    struct writer w = writer_over(naming->asked, sizeof naming->asked - 1);
    naming->session = session;
    naming->until_ms = core_now_ms(session->core) + NAMING_MS;
    dns_write_reverse_name(&w, &client);
    session->wait = WAIT_NAME;
    ask(naming, DNS_PTR, on_name);
}

void session_name_forget(struct session *session)
{
    if (session->naming == NULL)
        return;
    resolver_cancel(&session->naming->dns);
    memory_free(session->naming);
    session->naming = NULL;
}
