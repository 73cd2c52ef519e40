#include "config/choices.h"

#include "base/check.h"

static const char no_check_of_names[] =
    "Tuvi does not check other servers' certificates yet; write encrypt, which encrypts without "
    "that";

const struct choice choices_tls_level[] = {
    {"none", TLS_LEVEL_NONE, NULL},
    {"may", TLS_LEVEL_MAY, NULL},
    {"encrypt", TLS_LEVEL_ENCRYPT, NULL},
    {"dane", TLS_LEVEL_ENCRYPT, no_check_of_names},
    {"dane-only", TLS_LEVEL_ENCRYPT, no_check_of_names},
    {"fingerprint", TLS_LEVEL_ENCRYPT, no_check_of_names},
    {"verify", TLS_LEVEL_ENCRYPT, no_check_of_names},
    {"secure", TLS_LEVEL_ENCRYPT, no_check_of_names},
    {0},
};

const struct choice choices_sasl_type[] = {
    {"dovecot", SASL_TYPE_DOVECOT, NULL},
    {"file", SASL_TYPE_FILE, NULL},
    {"cyrus", SASL_TYPE_FILE,
     "Tuvi does not speak to Cyrus SASL yet; write dovecot and the path of Dovecot's "
     "authentication socket in smtpd_sasl_path, or file and a file of passwords"},
    {0},
};

const struct choice choices_dns_level[] = {
    {"disabled", DNS_LEVEL_DISABLED, NULL},
    {"enabled", DNS_LEVEL_ENABLED, NULL},
    {"dnssec", DNS_LEVEL_DNSSEC, NULL},
    {0},
};

const struct choice choices_mynetworks_style[] = {
    {"host", MYNETWORKS_HOST, NULL},
    {"subnet", MYNETWORKS_SUBNET, NULL},
    {"class", MYNETWORKS_CLASS, NULL},
    {0},
};

const struct choice choices_bare_newline[] = {
    {"normalize", BARE_NEWLINE_NORMALIZE, NULL}, {"yes", BARE_NEWLINE_NORMALIZE, NULL},
    {"reject", BARE_NEWLINE_REJECT, NULL},       {"note", BARE_NEWLINE_NORMALIZE, NULL},
    {"no", BARE_NEWLINE_NORMALIZE, NULL},        {0},
};

const struct choice choices_tempfail_action[] = {
    {"defer_if_permit", TEMPFAIL_DEFER_IF_PERMIT, NULL},
    {"defer", TEMPFAIL_DEFER, NULL},
    {0},
};

const struct choice word_set_facilities[] = {
    {"mail", 0, NULL},   {"auth", 0, NULL},   {"authpriv", 0, NULL},
    {"cron", 0, NULL},   {"daemon", 0, NULL}, {"ftp", 0, NULL},
    {"kern", 0, NULL},   {"local0", 0, NULL}, {"local1", 0, NULL},
    {"local2", 0, NULL}, {"local3", 0, NULL}, {"local4", 0, NULL},
    {"local5", 0, NULL}, {"local6", 0, NULL}, {"local7", 0, NULL},
    {"lpr", 0, NULL},    {"news", 0, NULL},   {"syslog", 0, NULL},
    {"user", 0, NULL},   {"uucp", 0, NULL},   {0},
};

const struct choice word_set_overrides[] = {
    {"no_unknown_recipient_checks", 0, NULL},
    {"no_address_mappings", 0, NULL},
    {"no_header_body_checks", 0, NULL},
    {"no_milters", 0, NULL},
    {0},
};

const struct choice word_set_protocols[] = {
    {"all", 0, NULL}, {"ipv4", 0, NULL}, {"ipv6", 0, NULL}, {0}};

const struct choice word_set_sasl_options[] = {
    {"noplaintext", 0, NULL},
    {"noactive", 0, NULL},
    {"nodictionary", 0, NULL},
    {"noanonymous", 0, NULL},
    {"forward_secrecy", 0, NULL},
    {"mutual_auth", 0, NULL},
    {0},
};

const struct choice *choice_find(const struct choice *choices, struct slice word)
{
    for (; choices->word != NULL; choices++)
        if (slice_is_nocase(word, choices->word))
            return choices;
    return NULL;
}

const char *choice_word(const struct choice *choices, int value)
{
    while (choices->word != NULL && choices->value != value)
        choices++;
    CHECK(choices->word != NULL);
    return choices->word;
}
