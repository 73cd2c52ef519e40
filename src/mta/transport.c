#include "mta/transport.h"

enum { SMTP_PORT = 25, LMTP_PORT = 24, RSET_S = 20 };

struct transports transports_of(const struct config *config)
{
    struct transports transports = {.main = config_main(config)};
    transports.services = config_services(config, &transports.service_count);
    return transports;
}

static void set_patience(struct transport *transport, const int64_t seconds[TRANSPORT_STAGE_COUNT])
{
    for (size_t i = 0; i < TRANSPORT_STAGE_COUNT; i++)
        transport->patience_ms[i] = seconds[i] * 1000;
}

static void take_smtp(const struct parameters *parameters, struct transport *out)
{
    const int64_t seconds[TRANSPORT_STAGE_COUNT] = {
        [SMTP_STAGE_GREETING] = parameters->smtp_helo_timeout,
        [SMTP_STAGE_EHLO] = parameters->smtp_helo_timeout,
        [SMTP_STAGE_HELO] = parameters->smtp_helo_timeout,
        [SMTP_STAGE_STARTTLS] = parameters->smtp_starttls_timeout,
        [SMTP_STAGE_HANDSHAKE] = parameters->smtp_starttls_timeout,
        [SMTP_STAGE_IDLE] = parameters->smtp_mail_timeout,
        [SMTP_STAGE_MAIL] = parameters->smtp_mail_timeout,
        [SMTP_STAGE_RCPT] = parameters->smtp_rcpt_timeout,
        [SMTP_STAGE_DATA] = parameters->smtp_data_init_timeout,
        [SMTP_STAGE_CONTENT] = parameters->smtp_data_xfer_timeout,
        [SMTP_STAGE_END] = parameters->smtp_data_done_timeout,
        [SMTP_STAGE_RSET] = RSET_S,
        [SMTP_STAGE_QUIT] = parameters->smtp_quit_timeout,
    };
    set_patience(out, seconds);
    out->connect_ms = parameters->smtp_connect_timeout * 1000;
    out->program = "smtp";
    out->port = SMTP_PORT;
    out->helo_name = parameters->smtp_helo_name;
    out->tls_level = parameters->smtp_tls_security_level;
    out->tls_loglevel = parameters->smtp_tls_loglevel;
    out->eight_bit_anyway = parameters->disable_mime_output_conversion;
    out->wants_mx = !parameters->disable_dns_lookups &&
                    parameters->smtp_dns_support_level != DNS_LEVEL_DISABLED;
}

/* LMTP goes to a host that was named, never to what MX records say. */
static void take_lmtp(const struct parameters *parameters, struct transport *out)
{
    const int64_t seconds[TRANSPORT_STAGE_COUNT] = {
        [SMTP_STAGE_GREETING] = parameters->lmtp_lhlo_timeout,
        [SMTP_STAGE_EHLO] = parameters->lmtp_lhlo_timeout,
        [SMTP_STAGE_HELO] = parameters->lmtp_lhlo_timeout,
        [SMTP_STAGE_STARTTLS] = parameters->lmtp_starttls_timeout,
        [SMTP_STAGE_HANDSHAKE] = parameters->lmtp_starttls_timeout,
        [SMTP_STAGE_IDLE] = parameters->lmtp_mail_timeout,
        [SMTP_STAGE_MAIL] = parameters->lmtp_mail_timeout,
        [SMTP_STAGE_RCPT] = parameters->lmtp_rcpt_timeout,
        [SMTP_STAGE_DATA] = parameters->lmtp_data_init_timeout,
        [SMTP_STAGE_CONTENT] = parameters->lmtp_data_xfer_timeout,
        [SMTP_STAGE_END] = parameters->lmtp_data_done_timeout,
        [SMTP_STAGE_RSET] = RSET_S,
        [SMTP_STAGE_QUIT] = parameters->lmtp_quit_timeout,
    };
    set_patience(out, seconds);
    out->connect_ms = parameters->lmtp_connect_timeout * 1000;
    out->lmtp = true;
    out->eight_bit_anyway = parameters->disable_mime_output_conversion;
    out->is_final = parameters->lmtp_assume_final;
    out->program = "lmtp";
    out->port = LMTP_PORT;
    out->helo_name = parameters->lmtp_lhlo_name;
    out->tls_level = parameters->lmtp_tls_security_level;
    out->tls_loglevel = parameters->lmtp_tls_loglevel;
}

/* The limits are the queue's: they stand in main.cf and begin with the transport's name. */
static void take_limits(const struct parameters *main, struct transport *out)
{
    int64_t connections = main->default_destination_concurrency_limit;
    int64_t recipients = main->default_destination_recipient_limit;
    if (slice_is(slice_of(out->name), "smtp")) {
        connections = main->smtp_destination_concurrency_limit;
        recipients = main->smtp_destination_recipient_limit;
    } else if (slice_is(slice_of(out->name), "lmtp")) {
        connections = main->lmtp_destination_concurrency_limit;
        recipients = main->lmtp_destination_recipient_limit;
    }
    out->concurrency_limit = (size_t)connections;
    out->recipient_limit = (size_t)recipients;
}

/* Each recipient has a mailbox of his own. */
static void take_mailbox(enum mailbox_kind kind, struct transport *out)
{
    out->mailbox = kind;
    out->program = kind == MAILBOX_LOCAL ? "local" : "virtual";
    out->recipient_limit = 1;
}

static void take(const struct transports *transports, const struct parameters *parameters,
                 const char *name, struct slice program, struct transport *out)
{
    *out = (struct transport){
        .name = name,
        .syslog_name = parameters->syslog_name,
        .hostname = parameters->myhostname,
        .soft_bounce = parameters->soft_bounce,
    };
    take_limits(transports->main, out);
    if (slice_is(program, "local"))
        take_mailbox(MAILBOX_LOCAL, out);
    else if (slice_is(program, "virtual"))
        take_mailbox(MAILBOX_VIRTUAL, out);
    else if (slice_is(program, "lmtp"))
        take_lmtp(parameters, out);
    else
        take_smtp(parameters, out);
}

bool transport_find(const struct transports *transports, struct slice name, struct transport *out)
{
    static const struct {
        const char *name, *program;
    } known[] = {{"smtp", "smtp"},
                 {"relay", "smtp"},
                 {"lmtp", "lmtp"},
                 {"local", "local"},
                 {"virtual", "virtual"}};
    for (size_t i = 0; i < transports->service_count; i++) {
        const struct config_service *service = &transports->services[i];
        if (service->role != SERVICE_DELIVERS || !slice_is(name, service->name))
            continue;
        take(transports, service->parameters, service->name, slice_of(service->command), out);
        return true;
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!slice_is(name, known[i].name))
            continue;
        take(transports, transports->main, known[i].name, slice_of(known[i].program), out);
        return true;
    }
    return false;
}
