#include "mta/client_limits.h"

#include "config/checks.h"

void client_limits_make(const struct parameters *parameters, struct client_limits *out,
                        struct config_notes *notes)
{
    struct table_source source = table_source_of(parameters, notes);
    *out = (struct client_limits){
        .connections = (uint64_t)parameters->smtpd_client_connection_count_limit,
        .events =
            {
                [CLIENT_CONNECTS] = (uint64_t)parameters->smtpd_client_connection_rate_limit,
                [CLIENT_MESSAGES] = (uint64_t)parameters->smtpd_client_message_rate_limit,
                [CLIENT_RECIPIENTS] = (uint64_t)parameters->smtpd_client_recipient_rate_limit,
                [CLIENT_TLS_SESSIONS] =
                    (uint64_t)parameters->smtpd_client_new_tls_session_rate_limit,
                [CLIENT_LOGINS] = (uint64_t)parameters->smtpd_client_auth_rate_limit,
            },
        .unit_ms = parameters->anvil_rate_time_unit * 1000,
        .prefix_bits_v4 = (unsigned)parameters->smtpd_client_ipv4_prefix_length,
        .prefix_bits_v6 = (unsigned)parameters->smtpd_client_ipv6_prefix_length,
    };
    out->any = out->connections > 0;
    for (unsigned i = 0; i < CLIENT_EVENT_COUNT; i++)
        out->any |= out->events[i] > 0;
    struct err err = network_list_parse(slice_of(parameters->smtpd_client_event_limit_exceptions),
                                        &source, &out->exceptions);
    parameter_report(parameters, PARAMETER_smtpd_client_event_limit_exceptions, &err, notes);
}

void client_limits_free(struct client_limits *limits)
{
    network_list_free(&limits->exceptions);
}

bool client_limits_concern(const struct client_limits *limits, const struct ip *client)
{
    return limits->any && !network_list_holds(&limits->exceptions, client);
}

unsigned client_limits_prefix_bits(const struct client_limits *limits, const struct ip *client)
{
    return ip_unmapped(client).family == IP_V4 ? limits->prefix_bits_v4 : limits->prefix_bits_v6;
}

bool client_limits_exceeded(uint64_t limit, uint64_t count)
{
    return limit > 0 && count > limit;
}
