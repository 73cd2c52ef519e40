#include "mta/restriction.h"

#include "mta/dns_list.h"
#include "mta/listing.h"
#include "mta/sender_owner.h"
#include "mta/unknown_host.h"

/* ---- always ---- */

static void judge_permit(const struct restriction_case *about, struct ruling *out)
{
    (void)about;
    ruling_explain(out, "always");
    out->kind = RULING_PERMIT;
}

static void judge_reject(const struct restriction_case *about, struct ruling *out)
{
    ruling_explain(out, "always");
    ruling_refuse(out, about->parameters->reject_code, "5.7.1", &about->subject,
                  slice_of("Access denied"));
}

static void judge_defer(const struct restriction_case *about, struct ruling *out)
{
    ruling_explain(out, "always");
    ruling_refuse(out, about->parameters->defer_code, "4.3.2", &about->subject,
                  slice_of("Try again later"));
}

static void judge_defer_if_permit(const struct restriction_case *about, struct ruling *out)
{
    ruling_explain(out, "always");
    ruling_refuse(out, 450, "4.7.0", &about->subject, slice_of("defer_if_permit requested"));
    out->kind = RULING_DEFER_IF_PERMIT;
}

static void judge_defer_if_reject(const struct restriction_case *about, struct ruling *out)
{
    ruling_explain(out, "always");
    ruling_refuse(out, 450, "4.7.0", &about->subject, slice_of("defer_if_reject requested"));
    out->kind = RULING_DEFER_IF_REJECT;
}

/* ---- the client and its connection ---- */

static void judge_mynetworks(const struct restriction_case *about, struct ruling *out)
{
    bool holds = about->facts->client_in_mynetworks;
    out->kind = holds ? RULING_PERMIT : RULING_NEUTRAL;
    ruling_explain(out, "the client is %sin mynetworks", holds ? "" : "not ");
}

static void judge_authenticated(const struct restriction_case *about, struct ruling *out)
{
    const struct policy_facts *facts = about->facts;
    out->kind = facts->authenticated ? RULING_PERMIT : RULING_NEUTRAL;
    if (facts->authenticated)
        ruling_explain(out, "authenticated");
    else if (facts->auth_offered)
        ruling_explain(out, "not authenticated");
    else if (facts->tls)
        ruling_explain(out, "not authenticated: AUTH is not offered here");
    else
        ruling_explain(out, "not authenticated: AUTH is not offered without TLS");
}

static bool has_certificate(const struct restriction_case *about, struct ruling *out)
{
    if (about->facts->certificate != NULL)
        return true;
    ruling_explain(out, about->facts->tls ? "the client presented no certificate"
                                          : "no TLS, and so no certificate");
    return false;
}

/* Whose certificate it is the fingerprint tells; no authority need vouch for it. */
static void judge_certificate(const struct restriction_case *about, struct ruling *out)
{
    const struct tls_facts *certificate = about->facts->certificate;
    if (!has_certificate(about, out))
        return;
    const char *const fingerprints[] = {certificate->peer_fingerprint,
                                        certificate->peer_key_fingerprint};
    enum table_result result = TABLE_ABSENT;
    for (size_t i = 0; i < 2 && result == TABLE_ABSENT && fingerprints[i][0] != '\0'; i++) {
        char text[ACCESS_ANSWER_MAX];
        struct writer answer = writer_over(text, sizeof text);
        result = table_list_find(about->certificates, TABLE_KEY_WHOLE, slice_of(fingerprints[i]),
                                 &answer);
    }
    if (result == TABLE_TROUBLE) {
        ruling_fail(out, "relay_clientcerts could not be searched to its end");
        return;
    }
    out->kind = result == TABLE_FOUND ? RULING_PERMIT : RULING_NEUTRAL;
    ruling_explain(out, "the certificate is %sin relay_clientcerts: %s",
                   result == TABLE_FOUND ? "" : "not ", certificate->peer_fingerprint);
}

static void judge_any_certificate(const struct restriction_case *about, struct ruling *out)
{
    if (!has_certificate(about, out))
        return;
    bool trusted = about->facts->certificate->peer_trusted;
    out->kind = trusted ? RULING_PERMIT : RULING_NEUTRAL;
    ruling_explain(out, "%s authority of smtpd_tls_CAfile vouches for the client's certificate",
                   trusted ? "an" : "no");
}

static void judge_plaintext(const struct restriction_case *about, struct ruling *out)
{
    ruling_explain(out, about->facts->tls ? "TLS" : "no TLS");
    if (!about->facts->tls)
        ruling_refuse_plainly(out, about->parameters->plaintext_reject_code, "4.7.1",
                              "Session encryption is required");
}

/* RFC 2920 §3.1: DATA is the last command of a group, and a client that said HELO has no groups. */
static void judge_pipelining(const struct restriction_case *about, struct ruling *out)
{
    const struct policy_facts *facts = about->facts;
    bool ill = facts->input_waits && (!facts->esmtp || facts->stage == FACTS_DATA);
    ruling_explain(out, ill ? "the client did not wait for an answer" : "the client waits");
    if (ill)
        ruling_refuse(out, 503, "5.5.0", &about->subject,
                      slice_of("Improper use of SMTP command pipelining"));
}

static void refuse_name(const struct restriction_case *about, enum facts_name status,
                        const char *code, const char *what, struct ruling *out)
{
    int64_t refusal =
        status == FACTS_NAME_TROUBLE ? 450 : about->parameters->unknown_client_reject_code;
    char text[100] = "";
    struct writer w = writer_over(text, sizeof text - 1);
    writer_printf(&w, "Client host rejected: cannot find your %s, [", what);
    ip_format(&w, &about->facts->client);
    writer_byte(&w, ']');
    ruling_refuse_plainly(out, refusal, code, text);
}

static void judge_client_name(const struct restriction_case *about, struct ruling *out)
{
    static const char *const reasons[] = {
        [FACTS_NAME_ABSENT] = "the client's address has no name",
        [FACTS_NAME_FOUND] = "the client's name and address belong together",
        [FACTS_NAME_FORGED] = "the client's name has another address",
        [FACTS_NAME_TROUBLE] = "the client's name could not be looked up",
    };
    enum facts_name status = about->facts->client_name_status;
    ruling_explain(out, "%s", reasons[status]);
    if (status != FACTS_NAME_FOUND)
        refuse_name(about, status, "4.7.25", "hostname", out);
}

static void judge_reverse_name(const struct restriction_case *about, struct ruling *out)
{
    enum facts_name status = about->facts->reverse_name_status;
    ruling_explain_foreign(out, "the name of the client's address is ", about->facts->reverse_name,
                           "");
    if (status != FACTS_NAME_FOUND)
        refuse_name(about, status, "4.7.1", "reverse hostname", out);
}

/* ---- HELO ---- */

static bool is_address_literal(struct slice name)
{
    return name.len > 0 && name.at[0] == '[';
}

/* One dot behind a name is forgiven. */
static struct slice without_dot(struct slice name)
{
    if (name.len > 1 && name.at[name.len - 1] == '.' && name.at[name.len - 2] != '.')
        name.len--;
    return name;
}

static bool is_host_name(struct slice name)
{
    uint64_t number;
    struct slice label = slice_skip(name, slice_find_last(name, '.') + 1);
    if (slice_find(name, '.') == name.len)
        label = name;
    return domain_is_valid(name) && !slice_to_number(label, UINT32_MAX, &number);
}

static bool is_qualified(struct slice name)
{
    name = without_dot(name);
    return is_host_name(name) && slice_find(name, '.') < name.len;
}

static void refuse_helo(const struct restriction_case *about, int64_t code, const char *text,
                        struct ruling *out)
{
    struct ruling_subject subject = access_name(ACCESS_HELO, about->facts);
    ruling_refuse(out, code, "5.5.2", &subject, slice_of(text));
}

bool restriction_judge_helo_literal(const struct restriction_case *about, struct ruling *out)
{
    struct slice helo = about->facts->helo;
    ruling_explain_foreign(out, "HELO ", helo, "");
    if (!about->facts->helo_is_known) {
        ruling_explain(out, "no HELO was said");
        return true;
    }
    if (!is_address_literal(helo))
        return false;
    if (!domain_is_literal(helo))
        refuse_helo(about, about->parameters->invalid_hostname_reject_code, "invalid ip address",
                    out);
    return true;
}

static void judge_helo_name(const struct restriction_case *about, struct ruling *out)
{
    struct slice name = about->facts->helo;
    struct ip ip;
    if (restriction_judge_helo_literal(about, out) || is_host_name(without_dot(name)) ||
        ip_parse(name, &ip))
        return;
    ruling_explain_foreign(out, "", name, " is no host name");
    refuse_helo(about, about->parameters->invalid_hostname_reject_code, "Invalid name", out);
}

static void judge_helo_qualified(const struct restriction_case *about, struct ruling *out)
{
    struct slice name = about->facts->helo;
    if (restriction_judge_helo_literal(about, out) || is_qualified(name))
        return;
    ruling_explain_foreign(out, "", name, " is not a full host name");
    refuse_helo(about, about->parameters->non_fqdn_reject_code, "need fully-qualified hostname",
                out);
}

/* ---- addresses ---- */

/* What the client said, not what it was completed to. */
static struct slice domain_said(const struct facts_address *address)
{
    struct slice said = address->said;
    size_t at = slice_find_last(said, '@');
    return at < said.len ? slice_skip(said, at + 1) : slice_make(NULL, 0);
}

static void judge_qualified(const struct restriction_case *about, enum access_subject which,
                            const struct facts_address *address, struct ruling *out)
{
    struct slice domain = domain_said(address);
    struct ruling_subject subject = access_name(which, about->facts);
    ruling_explain_foreign(out, "", address->said, " has a full domain");
    if (!address->is_known || address->said.len == 0)
        ruling_explain(out, "there is no address");
    else if (!is_address_literal(domain) && !is_qualified(domain)) {
        ruling_explain_foreign(out, "", address->said, " has no full domain");
        ruling_refuse(out, about->parameters->non_fqdn_reject_code, "5.5.2", &subject,
                      slice_of("need fully-qualified address"));
    }
}

static void judge_sender_qualified(const struct restriction_case *about, struct ruling *out)
{
    judge_qualified(about, ACCESS_SENDER, &about->facts->sender, out);
}

static void judge_recipient_qualified(const struct restriction_case *about, struct ruling *out)
{
    judge_qualified(about, ACCESS_RECIPIENT, &about->facts->recipient, out);
}

static void judge_recipient_listing(const struct restriction_case *about, struct ruling *out)
{
    struct ruling_subject subject = access_name(ACCESS_RECIPIENT, about->facts);
    listing_judge_recipient(about->parameters, &about->facts->recipient, &subject, out);
}

static void judge_sender_listing(const struct restriction_case *about, struct ruling *out)
{
    struct ruling_subject subject = access_name(ACCESS_SENDER, about->facts);
    listing_judge(about->parameters, &about->facts->sender, &subject, "5.1.0", out);
}

/* RFC 5321 §4.5.5: a bounce goes to one sender. */
static void judge_bounce(const struct restriction_case *about, struct ruling *out)
{
    const struct policy_facts *facts = about->facts;
    size_t others = facts->stage == FACTS_DATA || facts->stage == FACTS_END ? 1 : 0;
    bool many =
        facts->sender.is_known && facts->sender.said.len == 0 && facts->recipient_count > others;
    ruling_explain(out,
                   many ? "a bounce to several recipients" : "no bounce to several recipients");
    if (many)
        ruling_refuse(out, about->parameters->multi_recipient_bounce_reject_code, "5.5.3",
                      &about->subject, slice_of("Multi-recipient bounce"));
}

/* ---- destinations ---- */

bool restriction_is_ours(const struct policy_facts *facts)
{
    return facts->recipient.class != ADDRESS_REMOTE && !facts->recipient_asks_for_relay;
}

static void explain_destination(const struct policy_facts *facts, struct ruling *out)
{
    if (!facts->recipient.is_known)
        ruling_explain(out, "no recipient is at hand");
    else if (facts->recipient_asks_for_relay)
        ruling_explain(out, "the local part asks for another host");
    else if (facts->recipient.class == ADDRESS_REMOTE)
        ruling_explain_foreign(out, "", facts->recipient.address.domain,
                               " is no domain of ours: not in mydestination, "
                               "virtual_mailbox_domains, virtual_alias_domains or relay_domains");
    else {
        char behind[64] = "";
        struct writer w = writer_over(behind, sizeof behind - 1);
        writer_text(&w, " is in ");
        writer_text(&w, address_class_parameter(facts->recipient.class));
        ruling_explain_foreign(out, "", facts->recipient.address.domain, behind);
    }
}

static void judge_auth_destination(const struct restriction_case *about, struct ruling *out)
{
    const struct policy_facts *facts = about->facts;
    explain_destination(facts, out);
    if (facts->recipient.is_known && restriction_is_ours(facts))
        out->kind = RULING_PERMIT;
}

static void refuse_destination(const struct restriction_case *about, int64_t code,
                               struct ruling *out)
{
    const struct policy_facts *facts = about->facts;
    char text[RULING_REPLY_MAX] = "";
    struct writer w = writer_over(text, sizeof text - 1);
    explain_destination(facts, out);
    if (!facts->recipient.is_known || restriction_is_ours(facts))
        return;
    writer_byte(&w, '<');
    writer_printable(&w, slice_first(facts->recipient.said, RULING_REPLY_MAX / 2));
    writer_text(&w, ">: Relay access denied");
    ruling_refuse_plainly(out, code, "5.7.1", text);
}

static void judge_unauth_destination(const struct restriction_case *about, struct ruling *out)
{
    refuse_destination(about, about->parameters->relay_domains_reject_code, out);
}

static void judge_unauth_destination_softly(const struct restriction_case *about,
                                            struct ruling *out)
{
    int64_t code = about->parameters->relay_domains_reject_code;
    refuse_destination(about, code >= 500 ? code - 100 : code, out);
}

/* ---- who owns a sender address ---- */

static void judge_sender_login(const struct restriction_case *about, struct ruling *out)
{
    sender_owner_judge(about, SENDER_WITH_LOGIN | SENDER_WITHOUT_LOGIN, out);
}

static void judge_authenticated_sender(const struct restriction_case *about, struct ruling *out)
{
    sender_owner_judge(about, SENDER_WITH_LOGIN, out);
}

static void judge_unauthenticated_sender(const struct restriction_case *about, struct ruling *out)
{
    sender_owner_judge(about, SENDER_WITHOUT_LOGIN, out);
}

static void judge_known_sender(const struct restriction_case *about, struct ruling *out)
{
    sender_owner_judge(about, SENDER_WITH_LOGIN | SENDER_WITHOUT_LOGIN | SENDER_UNOWNED_IS_FREE,
                       out);
}

/* ---- all words ---- */

static const struct restriction_type types[] = {
    {"permit", RESTRICTION_PLAIN, judge_permit, 0},
    {"reject", RESTRICTION_PLAIN, judge_reject, 0},
    {"defer", RESTRICTION_PLAIN, judge_defer, 0},
    {"defer_if_permit", RESTRICTION_PLAIN, judge_defer_if_permit, 0},
    {"defer_if_reject", RESTRICTION_PLAIN, judge_defer_if_reject, 0},
    {"warn_if_reject", RESTRICTION_WARN, NULL, 0},
    {"permit_mynetworks", RESTRICTION_PLAIN, judge_mynetworks, 0},
    {"permit_sasl_authenticated", RESTRICTION_PLAIN, judge_authenticated, 0},
    {"permit_tls_clientcerts", RESTRICTION_PLAIN, judge_certificate, 0},
    {"permit_tls_all_clientcerts", RESTRICTION_PLAIN, judge_any_certificate, 0},
    {"reject_plaintext_session", RESTRICTION_PLAIN, judge_plaintext, 0},
    {"reject_unauth_pipelining", RESTRICTION_PLAIN, judge_pipelining, 0},
    {"reject_invalid_helo_hostname", RESTRICTION_PLAIN, judge_helo_name, 0},
    {"reject_invalid_hostname", RESTRICTION_PLAIN, judge_helo_name, 0},
    {"reject_non_fqdn_helo_hostname", RESTRICTION_PLAIN, judge_helo_qualified, 0},
    {"reject_non_fqdn_hostname", RESTRICTION_PLAIN, judge_helo_qualified, 0},
    {"reject_non_fqdn_sender", RESTRICTION_PLAIN, judge_sender_qualified, 0},
    {"reject_non_fqdn_recipient", RESTRICTION_PLAIN, judge_recipient_qualified, 0},
    {"reject_unlisted_sender", RESTRICTION_PLAIN, judge_sender_listing, 0},
    {"reject_unlisted_recipient", RESTRICTION_PLAIN, judge_recipient_listing, 0},
    {"check_recipient_maps", RESTRICTION_PLAIN, judge_recipient_listing, 0},
    {"reject_multi_recipient_bounce", RESTRICTION_PLAIN, judge_bounce, 0},
    {"permit_auth_destination", RESTRICTION_PLAIN, judge_auth_destination, 0},
    {"reject_unauth_destination", RESTRICTION_PLAIN, judge_unauth_destination, 0},
    {"defer_unauth_destination", RESTRICTION_PLAIN, judge_unauth_destination_softly, 0},
    {"reject_sender_login_mismatch", RESTRICTION_PLAIN, judge_sender_login, 0},
    {"reject_authenticated_sender_login_mismatch", RESTRICTION_PLAIN, judge_authenticated_sender,
     0},
    {"reject_unauthenticated_sender_login_mismatch", RESTRICTION_PLAIN,
     judge_unauthenticated_sender, 0},
    {"reject_known_sender_login_mismatch", RESTRICTION_PLAIN, judge_known_sender, 0},
    {"reject_unknown_sender_domain", RESTRICTION_PLAIN, unknown_host_judge_sender, 0, true},
    {"reject_unknown_recipient_domain", RESTRICTION_PLAIN, unknown_host_judge_recipient, 0, true},
    {"reject_unknown_address", RESTRICTION_PLAIN, unknown_host_judge_sender, 0, true},
    {"reject_unknown_helo_hostname", RESTRICTION_PLAIN, unknown_host_judge_helo, 0, true},
    {"reject_unknown_hostname", RESTRICTION_PLAIN, unknown_host_judge_helo, 0, true},
    {"check_policy_service", RESTRICTION_SERVICE, NULL, 0},
    {"reject_rbl_client", RESTRICTION_DNS_LIST, dns_list_judge_client, 0, true},
    {"reject_rbl", RESTRICTION_DNS_LIST, dns_list_judge_client, 0, true},
    {"reject_rhsbl_client", RESTRICTION_DNS_LIST, dns_list_judge_client_name, 0, true},
    {"reject_rhsbl_reverse_client", RESTRICTION_DNS_LIST, dns_list_judge_reverse_name, 0, true},
    {"reject_rhsbl_helo", RESTRICTION_DNS_LIST, dns_list_judge_helo, 0, true},
    {"reject_rhsbl_sender", RESTRICTION_DNS_LIST, dns_list_judge_sender, 0, true},
    {"reject_rhsbl_recipient", RESTRICTION_DNS_LIST, dns_list_judge_recipient, 0, true},
    {"permit_dnswl_client", RESTRICTION_DNS_LIST, dns_list_favour_client, 0, true},
    {"permit_rhswl_client", RESTRICTION_DNS_LIST, dns_list_favour_client_name, 0, true},
    {"sleep", RESTRICTION_SLEEP, NULL, 0},
    {"check_client_access", RESTRICTION_ACCESS, NULL, ACCESS_CLIENT},
    {"check_reverse_client_hostname_access", RESTRICTION_ACCESS, NULL, ACCESS_REVERSE_CLIENT, false,
     0, true},
    {"reject_unknown_client_hostname", RESTRICTION_PLAIN, judge_client_name, 0},
    {"reject_unknown_client", RESTRICTION_PLAIN, judge_client_name, 0},
    {"reject_unknown_reverse_client_hostname", RESTRICTION_PLAIN, judge_reverse_name, 0},
    {"check_client_mx_access", RESTRICTION_ACCESS, NULL, ACCESS_CLIENT, true, DNS_MX, true},
    {"check_client_ns_access", RESTRICTION_ACCESS, NULL, ACCESS_CLIENT, true, DNS_NS, true},
    {"check_client_a_access", RESTRICTION_ACCESS, NULL, ACCESS_CLIENT, true, DNS_A, true},
    {"check_helo_mx_access", RESTRICTION_ACCESS, NULL, ACCESS_HELO, true, DNS_MX, true},
    {"check_helo_ns_access", RESTRICTION_ACCESS, NULL, ACCESS_HELO, true, DNS_NS, true},
    {"check_helo_a_access", RESTRICTION_ACCESS, NULL, ACCESS_HELO, true, DNS_A, true},
    {"check_sender_mx_access", RESTRICTION_ACCESS, NULL, ACCESS_SENDER, true, DNS_MX, true},
    {"check_sender_ns_access", RESTRICTION_ACCESS, NULL, ACCESS_SENDER, true, DNS_NS, true},
    {"check_sender_a_access", RESTRICTION_ACCESS, NULL, ACCESS_SENDER, true, DNS_A, true},
    {"check_recipient_mx_access", RESTRICTION_ACCESS, NULL, ACCESS_RECIPIENT, true, DNS_MX, true},
    {"check_recipient_ns_access", RESTRICTION_ACCESS, NULL, ACCESS_RECIPIENT, true, DNS_NS, true},
    {"check_recipient_a_access", RESTRICTION_ACCESS, NULL, ACCESS_RECIPIENT, true, DNS_A, true},
    {"check_helo_access", RESTRICTION_ACCESS, NULL, ACCESS_HELO},
    {"check_sender_access", RESTRICTION_ACCESS, NULL, ACCESS_SENDER},
    {"check_recipient_access", RESTRICTION_ACCESS, NULL, ACCESS_RECIPIENT},
    {"check_sasl_access", RESTRICTION_ACCESS, NULL, ACCESS_LOGIN},
    {"check_ccert_access", RESTRICTION_ACCESS, NULL, ACCESS_CERTIFICATE},
};

const struct restriction_type *restriction_type_find(struct slice word)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (slice_is_nocase(word, types[i].name))
            return &types[i];
    return NULL;
}

bool restriction_has_argument(struct slice word)
{
    static const char *const beginnings[] = {"reject_rhsbl_"};
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
        if (slice_starts_nocase(word, beginnings[i]))
            return true;
    return slice_starts_nocase(word, "check_") && slice_ends_nocase(word, slice_of("_access"));
}

bool restriction_permits_nobody(struct slice word)
{
    static const char *const words[] = {"permit_inet_interfaces", "permit_naked_ip_address"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (slice_is_nocase(word, words[i]))
            return true;
    return false;
}
