#include "proc/explanation.h"

#include "base/memory.h"
#include "mta/client_name.h"
#include "mta/service.h"
#include "proc/dns_inquiry.h"

#include <string.h>

enum { ARENA_MAX = 1 << 20 };

struct explanation {
    const struct explanation_case *about;
    FILE *out;
    const char *name; /* of the service */
    struct service service;
    struct policy_facts facts;
    struct policy_verdict verdict;
    char sender[ADDRESS_MAX * 2];
    char recipient[ADDRESS_MAX * 2];
    char client_text[IP_TEXT_MAX + DNS_NAME_MAX + 4];
    struct client_names names;
    struct dns_inquiry inquiry;
};

/* ---- who it is about ---- */

static const struct config_service *service_at(const struct config *config, unsigned port)
{
    size_t count;
    const struct config_service *services = config_services(config, &count);
    for (size_t i = 0; i < count; i++)
        if (services[i].role == SERVICE_LISTENS && (port == 0 || services[i].port == port))
            return &services[i];
    return NULL;
}

static struct err find_names(struct explanation *e, const struct ip *client)
{
    struct question wanted;
    if (!e->service.parameters->smtpd_peername_lookup)
        return err_none();
    while (!client_names_find(client, &e->inquiry.findings, &e->names, &wanted))
        TRY(dns_inquiry_answer(&e->inquiry, &wanted, e->out));
    return err_none();
}

static struct err find_client(struct explanation *e, const struct ip *client)
{
    struct writer w = writer_over(e->client_text, sizeof e->client_text);
    struct slice name = slice_of("unknown");
    TRY(find_names(e, client));
    if (e->names.status == FACTS_NAME_FOUND)
        name = slice_of(e->names.reverse_name);
    writer_bytes(&w, name);
    writer_byte(&w, '[');
    ip_format(&w, client);
    writer_byte(&w, ']');
    facts_set_client(&e->facts, &e->service, client, name, writer_slice(&w));
    facts_set_names(&e->facts, &e->names);
    return err_none();
}

static struct err take_login(struct explanation *e)
{
    const struct smtp_server_settings *smtp = &e->service.smtp;
    bool tls = e->about->tls || e->service.parameters->smtpd_tls_wrappermode;
    e->facts.tls = tls;
    e->facts.auth_offered = smtp->auth_enabled && (tls || !smtp->auth_tls_only);
    if (e->about->login == NULL)
        return err_none();
    if (!smtp->auth_enabled)
        return err_make(ERR_OTHER, "--login: nobody can log in at this service");
    if (!e->facts.auth_offered)
        return err_make(ERR_OTHER, "--login: one logs in under TLS here; add --tls");
    e->facts.authenticated = true;
    e->facts.login = slice_of(e->about->login);
    return err_none();
}

static struct err complete(const struct explanation *e, const char *option, const char *text,
                           char *memory, size_t size, struct address *out)
{
    struct writer w = writer_over(memory, size);
    struct address said;
    if (!address_parse(slice_of(text), &said) ||
        !facts_complete(e->service.parameters, &said, &w) || !address_parse(writer_slice(&w), out))
        return err_make(ERR_OTHER, "%s %.100s is no mail address", option, text);
    return err_none();
}

static struct err take_addresses(struct explanation *e)
{
    struct address sender, recipient;
    TRY(complete(e, "--from", e->about->sender, e->sender, sizeof e->sender, &sender));
    TRY(complete(e, "--to", e->about->recipient, e->recipient, sizeof e->recipient, &recipient));
    if (address_is_null(&recipient))
        return err_make(ERR_OTHER, "--to: write a mail address");
    facts_set_sender(&e->facts, &e->service, slice_of(e->about->sender), &sender);
    facts_set_recipient(&e->facts, &e->service, slice_of(e->about->recipient), &recipient);
    return err_none();
}

/* Nothing is printed or asked for a case that cannot be. */
static struct err take_case(struct explanation *e)
{
    struct ip client;
    if (!ip_parse(slice_of(e->about->client), &client))
        return err_make(ERR_OTHER, "--client %s: write an address, as in 192.0.2.1",
                        e->about->client);
    e->facts.esmtp = true;
    e->facts.helo_is_known = e->about->helo != NULL;
    e->facts.helo = slice_of(e->about->helo);
    TRY(take_login(e));
    TRY(take_addresses(e));
    fprintf(e->out, "service: %s\n", e->name);
    return find_client(e, &client);
}

/* ---- what it comes to ---- */

static void print_steps(const struct explanation *e)
{
    struct slice rest = slice_make(e->verdict.trace, e->verdict.trace_len);
    struct slice notes = slice_make(e->verdict.notes, e->verdict.notes_len), note;
    struct policy_step step;
    while (policy_next_step(&rest, &step))
        fprintf(e->out, "%.*s: %.*s %.*s%s%.*s\n", SLICE_PRINTF(step.list), SLICE_PRINTF(step.rule),
                SLICE_PRINTF(step.result), step.why.len > 0 ? ": " : "", SLICE_PRINTF(step.why));
    while (slice_next_word(&notes, "\n", &note))
        fprintf(e->out, "log: %.*s\n", SLICE_PRINTF(note));
}

/* The way to the recipient is the last thing that can be wrong with it. */
static void check_delivery(struct explanation *e)
{
    struct arena arena = arena_make(ARENA_MAX);
    struct expansion expansion;
    if (e->verdict.outcome != POLICY_PERMIT || e->verdict.discard)
        return;
    service_expand(&e->service, e->facts.recipient.address.text, &arena, &expansion);
    const char *trouble = service_delivery_trouble(&e->service, &expansion);
    if (trouble != NULL)
        policy_refuse_delivery(&e->verdict, e->facts.recipient.said,
                               expansion.trouble != NULL ? "alias cannot be resolved"
                                                         : "mail transport unavailable",
                               trouble);
    for (size_t i = 0; i < expansion.count && trouble == NULL && expansion.aliased; i++)
        fprintf(e->out, "alias: %.*s\n", SLICE_PRINTF(expansion.addresses[i]));
    arena_reset(&arena);
}

/* Until nothing more has to be found out. */
static struct err decide(struct explanation *e, const struct policy_facts *about)
{
    struct policy_facts facts = *about;
    facts.findings = &e->inquiry.findings;
    findings_begin(&e->inquiry.findings);
    findings_forget_services(&e->inquiry.findings, facts.stage);
    policy_decide(&e->service.policy, &facts, &e->verdict);
    while (e->verdict.outcome == POLICY_UNDECIDED) {
        TRY(dns_inquiry_answer(&e->inquiry, &e->verdict.question, e->out));
        policy_decide(&e->service.policy, &facts, &e->verdict);
    }
    return err_none();
}

static struct err try_stages(struct explanation *e, bool *permitted)
{
    static const struct {
        enum facts_stage stage;
        const char *name, *reply;
    } stages[] = {
        {FACTS_CONNECT, "CONNECT", NULL}, {FACTS_HELO, "HELO", NULL},
        {FACTS_MAIL, "MAIL", NULL},       {FACTS_RCPT, "RCPT", "250 2.1.5 Ok"},
        {FACTS_DATA, "DATA", NULL},       {FACTS_END, "END-OF-MESSAGE", NULL},
    };
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        struct policy_facts facts = policy_facts_at(&e->facts, stages[i].stage);
        facts.recipient_count = stages[i].stage > FACTS_RCPT ? 1 : 0;
        if (stages[i].stage == FACTS_HELO && !facts.helo_is_known)
            continue;
        TRY(decide(e, &facts));
        print_steps(e);
        if (stages[i].stage == FACTS_RCPT)
            check_delivery(e);
        if (e->verdict.outcome != POLICY_PERMIT) {
            fprintf(e->out, "reply to %s: %.*s\n", stages[i].name, (int)e->verdict.reply_len,
                    e->verdict.reply);
            return err_none();
        }
        if (stages[i].reply != NULL)
            fprintf(e->out, "reply to %s: %s%s\n", stages[i].name, stages[i].reply,
                    e->verdict.discard ? ", and the mail is thrown away" : "");
        if (e->verdict.discard)
            break;
    }
    *permitted = true;
    return err_none();
}

static struct err explain(struct explanation *e, const struct config *config,
                          const struct config_service *service, bool *permitted)
{
    struct config_notes said = config_notes_make(); /* it was all said when the setup was read */
    struct transports transports = transports_of(config);
    service_make(service, service->parameters, &transports, &e->service, &said);
    config_notes_free(&said);
    e->name = service->name;
    e->inquiry.servers = e->service.parameters->tuvi_dns_servers;
    struct err err = take_case(e);
    if (!err_is(&err))
        err = try_stages(e, permitted);
    dns_inquiry_free(&e->inquiry);
    service_free(&e->service);
    return err;
}

struct err explanation_print(const struct config *config, const struct explanation_case *about,
                             FILE *out, bool *permitted)
{
    const struct config_service *service = service_at(config, about->port);
    if (service == NULL)
        return err_make(ERR_OTHER, "no service takes mail on such a port");
    struct explanation *e = memory_new(sizeof *e);
    e->about = about;
    e->out = out;
    struct err err = explain(e, config, service, permitted);
    memory_free(e);
    return err;
}
