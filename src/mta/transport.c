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

/* ---- where connections come from ---- */

/* Brackets around it are allowed; nothing is nowhere in particular. */
static bool read_source(const char *text, enum ip_family family, struct ip *out)
{
    struct slice address = slice_of(text);
    struct ip ip = {.family = IP_NONE};
    if (slice_starts(address, "[") && address.at[address.len - 1] == ']')
        address = slice_make(address.at + 1, address.len - 2);
    if (address.len > 0 && (!ip_parse(address, &ip) || ip.family != family))
        return false;
    *out = ip;
    return true;
}

static void check_source(const struct parameters *parameters, enum parameter parameter,
                         const char *text, enum ip_family family, struct config_notes *notes)
{
    struct ip unused;
    if (!read_source(text, family, &unused))
        config_note(notes, CONFIG_ERROR, parameter_origin(parameters, parameter),
                    "%s = %.*s: write an address of this machine, as in %s",
                    parameter_row(parameter)->name, SLICE_PRINTF(config_quote(slice_of(text))),
                    family == IP_V4 ? "192.0.2.1" : "2001:db8::1");
}

void transport_check_sources(const struct parameters *parameters, struct config_notes *notes)
{
    check_source(parameters, PARAMETER_smtp_bind_address, parameters->smtp_bind_address, IP_V4,
                 notes);
    check_source(parameters, PARAMETER_smtp_bind_address6, parameters->smtp_bind_address6, IP_V6,
                 notes);
    check_source(parameters, PARAMETER_lmtp_bind_address, parameters->lmtp_bind_address, IP_V4,
                 notes);
    check_source(parameters, PARAMETER_lmtp_bind_address6, parameters->lmtp_bind_address6, IP_V6,
                 notes);
}

static void take_sources(const char *v4, const char *v6, bool enforced, struct transport *out)
{
    (void)read_source(v4, IP_V4, &out->source4);
    (void)read_source(v6, IP_V6, &out->source6);
    out->source_enforced = enforced;
}

/* ---- settings of each program ---- */

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
    take_sources(parameters->smtp_bind_address, parameters->smtp_bind_address6,
                 parameters->smtp_bind_address_enforce, out);
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
    take_sources(parameters->lmtp_bind_address, parameters->lmtp_bind_address6,
                 parameters->lmtp_bind_address_enforce, out);
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
