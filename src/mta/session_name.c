#include "mta/session_state.h"

#include <string.h>

/* The greeting waits for the name: the log, the trace header and policy all speak of it. Whoever's
 * DNS is slower than this has no name. */
enum { NAMING_MS = 5000 };

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
                session->names.reverse_name, ip, reasons[session->names.status]);
}

static void take_name(struct session *session)
{
    const struct client_names *names = &session->names;
    if (names->status == FACTS_NAME_FOUND)
        memcpy(session->client_name, names->reverse_name, sizeof session->client_name);
    else if (names->reverse_name[0] != '\0')
        warn(session);
    session->naming_until_ms = 0;
    session_inquiry_free(session);
    session_meet_client(session);
    session_greet(session);
}

void session_name_again(struct session *session)
{
    const struct findings *findings = session->inquiry != NULL ? &session->inquiry->findings : NULL;
    struct question wanted;
    if (client_names_find(&session->peer.client, findings, &session->names, &wanted))
        take_name(session);
    else
        session_inquire(session, &wanted);
}

void session_name_find(struct session *session)
{
    if (!session->service->parameters->smtpd_peername_lookup) {
        session_greet(session);
        return;
    }
    session->naming_until_ms = core_now_ms(session->core) + NAMING_MS;
    session_name_again(session);
}
