#include "mta/unknown_host.h"

#include "proto/mail_hosts.h"

enum existence { EXISTS, REFUSES_MAIL, MALFORMED, UNKNOWN, TROUBLE };

/* ---- what DNS says ---- */

/* A list of mail exchangers none of which has a usable name says nothing. */
static enum existence read_mail_hosts(struct slice records)
{
    enum existence existence = MALFORMED;
    struct mail_host host;
    struct slice data;
    while (dns_record_next(&records, &data)) {
        if (!mail_host_parse(data, &host))
            continue;
        if (host.name[0] != '\0')
            return EXISTS;
        existence = REFUSES_MAIL;
    }
    return existence;
}

static enum existence read_finding(enum dns_type type, const struct finding *finding)
{
    switch (finding->outcome) {
    case FINDING_FOUND:
        return type == DNS_MX ? read_mail_hosts(finding->data) : EXISTS;
    case FINDING_ABSENT:
        return UNKNOWN;
    case FINDING_TROUBLE:
        break;
    }
    return TROUBLE;
}

/* Asks for one type after the other, until one decides. False: the ruling wants an answer first. */
static bool look_up(const struct restriction_case *about, struct slice name,
                    const enum dns_type types[3], struct ruling *out, enum existence *existence)
{
    struct question question;
    struct finding finding;
    *existence = UNKNOWN;
    for (size_t i = 0; i < 3; i++) {
        if (!question_about_name(&question, types[i], name))
            return true;
        if (!ruling_find(out, about->facts->findings, &question, &finding))
            return false;
        enum existence found = read_finding(types[i], &finding);
        if (found == TROUBLE)
            *existence = TROUBLE;
        if (found == TROUBLE || found == UNKNOWN)
            continue;
        *existence = found;
        return true;
    }
    return true;
}

static void explain(struct slice name, enum existence existence, struct ruling *out)
{
    static const char *const texts[] = {
        [EXISTS] = " exists in the DNS",
        [REFUSES_MAIL] = " says in the DNS that it takes no mail",
        [MALFORMED] = " has mail exchangers in the DNS whose names are none",
        [UNKNOWN] = " has no mail exchanger and no address in the DNS",
        [TROUBLE] = " could not be looked up in the DNS",
    };
    ruling_explain_foreign(out, "", name, texts[existence]);
}

/* ---- what follows from that ---- */

/* What cannot be found out need not be a refusal, if another restriction refuses for good. */
static void refuse_for_now(enum tempfail_action action, const char *status,
                           const struct ruling_subject *subject, const char *text,
                           struct ruling *out)
{
    ruling_refuse(out, 450, status, subject, slice_of(text));
    if (action == TEMPFAIL_DEFER_IF_PERMIT)
        out->kind = RULING_DEFER_IF_PERMIT;
}

static const char *not_found_text(enum existence existence, const char *text)
{
    return existence == MALFORMED ? "Malformed DNS server reply" : text;
}

/* How the refusals of an address differ. RFC 3463 §3.2, RFC 7505 §4.2, RFC 7504 §4. */
struct address_words {
    enum access_subject subject;
    const char *status;
    int64_t null_mx_code;
    const char *null_mx_status;
};

static void refuse_domain(const struct restriction_case *about, const struct address_words *words,
                          struct slice domain, enum existence existence, struct ruling *out)
{
    const struct parameters *parameters = about->parameters;
    struct ruling_subject subject = access_name(words->subject, about->facts);
    char text[DNS_NAME_MAX + 64];
    struct writer w = writer_over(text, sizeof text);
    switch (existence) {
    case EXISTS:
        break;
    case REFUSES_MAIL:
        writer_printf(&w, "Domain %.*s does not accept mail (nullMX)", SLICE_PRINTF(domain));
        ruling_refuse(out, words->null_mx_code, words->null_mx_status, &subject, writer_slice(&w));
        break;
    case MALFORMED:
    case UNKNOWN:
        ruling_refuse(out, parameters->unknown_address_reject_code, words->status, &subject,
                      slice_of(not_found_text(existence, "Domain not found")));
        break;
    case TROUBLE:
        refuse_for_now(parameters->unknown_address_tempfail_action, words->status, &subject,
                       "Domain not found", out);
        break;
    }
}

static bool is_ours(const struct facts_address *address)
{
    return address->class != ADDRESS_REMOTE && address->class != ADDRESS_RELAY;
}

static void judge_domain(const struct restriction_case *about, const struct address_words *words,
                         const struct facts_address *address, struct ruling *out)
{
    static const enum dns_type types[] = {DNS_MX, DNS_A, DNS_AAAA};
    struct slice domain = address->address.domain;
    enum existence existence;
    if (!address->is_known || domain.len == 0) {
        ruling_explain(out, "there is no domain");
    } else if (is_ours(address) || domain.at[0] == '[') {
        ruling_explain_foreign(out, "", domain, " is not looked for in the DNS");
    } else if (look_up(about, domain, types, out, &existence)) {
        explain(domain, existence, out);
        refuse_domain(about, words, domain, existence, out);
    }
}

void unknown_host_judge_sender(const struct restriction_case *about, struct ruling *out)
{
    static const struct address_words words = {ACCESS_SENDER, "4.1.8", 550, "5.7.27"};
    judge_domain(about, &words, &about->facts->sender, out);
}

void unknown_host_judge_recipient(const struct restriction_case *about, struct ruling *out)
{
    static const struct address_words words = {ACCESS_RECIPIENT, "4.1.2", 556, "5.1.10"};
    judge_domain(about, &words, &about->facts->recipient, out);
}

/* A host may well refuse mail for its own name. */
void unknown_host_judge_helo(const struct restriction_case *about, struct ruling *out)
{
    static const enum dns_type types[] = {DNS_A, DNS_AAAA, DNS_MX};
    const struct parameters *parameters = about->parameters;
    struct ruling_subject subject = access_name(ACCESS_HELO, about->facts);
    struct slice name = about->facts->helo;
    enum existence existence;
    if (restriction_judge_helo_literal(about, out) || !look_up(about, name, types, out, &existence))
        return;
    explain(name, existence, out);
    if (existence == TROUBLE)
        refuse_for_now(parameters->unknown_helo_hostname_tempfail_action, "4.7.1", &subject,
                       "Host not found", out);
    else if (existence != EXISTS && existence != REFUSES_MAIL)
        ruling_refuse(out, parameters->unknown_hostname_reject_code, "4.7.1", &subject,
                      slice_of(not_found_text(existence, "Host not found")));
}
