#include "mta/dns_list.h"

#include "mta/dns_list_reply.h"
#include "proto/dns_record.h"

enum { OCTETS = 4, REASON_MAX = 500 };

/* ---- reading ---- */

static bool read_octet(struct slice text, unsigned *out)
{
    uint64_t number;
    if (!slice_to_number(text, 255, &number))
        return false;
    *out = (unsigned)number;
    return true;
}

/* "2", or "2..11". */
static bool read_range(struct slice text, uint8_t bits[32])
{
    size_t dot = slice_find(text, '.');
    unsigned first, last;
    if (!read_octet(slice_first(text, dot), &first))
        return false;
    last = first;
    if (dot < text.len && (!slice_starts(slice_skip(text, dot), "..") ||
                           !read_octet(slice_skip(text, dot + 2), &last) || last < first))
        return false;
    for (unsigned value = first; value <= last; value++)
        bits[value / 8] |= (uint8_t)(1U << value % 8);
    return true;
}

/* "2", or "[2..11;20]". */
static bool read_values(struct slice text, uint8_t bits[32])
{
    struct slice range;
    unsigned value;
    if (text.len > 0 && text.at[0] != '[')
        return read_octet(text, &value) && read_range(text, bits);
    if (text.len < 3 || text.at[text.len - 1] != ']')
        return false;
    text = slice_make(text.at + 1, text.len - 2);
    while (slice_next_word(&text, ";", &range))
        if (!read_range(range, bits))
            return false;
    return true;
}

/* Up to the next dot that is not inside brackets. */
static size_t octet_length(struct slice text)
{
    if (text.len > 0 && text.at[0] == '[')
        return slice_find(text, ']') < text.len ? slice_find(text, ']') + 1 : text.len;
    return slice_find(text, '.');
}

static bool read_filter(struct slice text, uint8_t octets[OCTETS][32])
{
    for (size_t i = 0; i < OCTETS; i++) {
        size_t len = octet_length(text);
        bool is_last = i + 1 == OCTETS;
        if (!read_values(slice_first(text, len), octets[i]) || is_last != (len == text.len) ||
            (!is_last && text.at[len] != '.'))
            return false;
        text = slice_skip(text, len + 1);
    }
    return true;
}

struct err dns_list_parse(struct slice text, struct dns_list *out)
{
    size_t equals = slice_find(text, '=');
    *out = (struct dns_list){
        .text = text, .domain = slice_first(text, equals), .is_filtered = equals < text.len};
    if (!domain_is_valid(out->domain))
        return err_make(ERR_OTHER, "%.*s is no domain that could be asked in DNS",
                        SLICE_PRINTF(slice_first(text, 100)));
    if (out->is_filtered && !read_filter(slice_skip(text, equals + 1), out->octets))
        return err_make(ERR_OTHER,
                        "%.*s: behind = belongs an address in which values may stand as in "
                        "127.0.0.[2;4..11]",
                        SLICE_PRINTF(slice_first(text, 100)));
    return err_none();
}

/* ---- asking ---- */

static bool counts(const struct dns_list *list, const struct ip *ip)
{
    for (size_t i = 0; i < OCTETS && list->is_filtered; i++)
        if ((list->octets[i][ip->bytes[i] / 8] >> ip->bytes[i] % 8 & 1) == 0)
            return false;
    return true;
}

static bool any_counts(const struct dns_list *list, struct slice records)
{
    struct slice data;
    struct ip ip;
    while (dns_record_next(&records, &data))
        if (dns_record_address(data, IP_V4, &ip) && counts(list, &ip))
            return true;
    return false;
}

enum listing { NOT_LISTED, LISTED, LISTING_UNKNOWN, LISTING_WANTED };

static enum listing look_up(const struct restriction_case *about, struct slice query,
                            struct ruling *out)
{
    struct question question;
    struct finding finding;
    if (!question_about_name(&question, DNS_A, query))
        return NOT_LISTED;
    if (!ruling_find(out, about->facts->findings, &question, &finding))
        return LISTING_WANTED;
    switch (finding.outcome) {
    case FINDING_FOUND:
        return any_counts(about->list, finding.data) ? LISTED : NOT_LISTED;
    case FINDING_ABSENT:
        return NOT_LISTED;
    case FINDING_TROUBLE:
        break;
    }
    return LISTING_UNKNOWN;
}

static void join_texts(struct slice records, struct writer *w)
{
    struct slice data;
    while (dns_record_next(&records, &data)) {
        size_t before = w->len;
        if (before > 0)
            writer_text(w, " / ");
        if (!dns_record_text(data, w))
            w->len = before;
    }
}

/* False: the answer has to come first. Without an answer there is no reason. */
static bool find_reason(const struct restriction_case *about, struct slice query, struct writer *w,
                        struct ruling *out)
{
    struct question question;
    struct finding finding;
    if (!question_about_name(&question, DNS_TXT, query))
        return true;
    if (!ruling_find(out, about->facts->findings, &question, &finding))
        return false;
    if (finding.outcome == FINDING_FOUND)
        join_texts(finding.data, w);
    return true;
}

static void explain(struct slice query, enum listing listing, struct ruling *out)
{
    static const char *const texts[] = {
        [NOT_LISTED] = " is not in the DNS, or nothing there counts",
        [LISTED] = " is in the DNS",
        [LISTING_UNKNOWN] = " could not be looked up in the DNS",
        [LISTING_WANTED] = " was not looked up in the DNS",
    };
    ruling_explain_foreign(out, "", query, texts[listing]);
}

/* ---- judging ---- */

/* What a list is asked about, and how the reply names that. */
struct listed {
    struct slice query; /* empty: there is nothing to ask for */
    struct slice what;
    const char *class;
};

static void judge_against(const struct restriction_case *about, const struct listed *listed,
                          struct ruling *out)
{
    char reason[REASON_MAX];
    struct writer w = writer_over(reason, sizeof reason);
    if (listed->query.len == 0) {
        ruling_explain(out, "there is nothing that could be listed");
        return;
    }
    enum listing listing = look_up(about, listed->query, out);
    if (listing != LISTING_WANTED)
        explain(listed->query, listing, out);
    if (listing != LISTED || !find_reason(about, listed->query, &w, out))
        return;
    const struct dns_list_hit hit = {about->list, listed->what, listed->class, writer_slice(&w)};
    dns_list_refuse(about, &hit, out);
}

/* Mail that would go elsewhere is none of the list's business. */
static bool leaves_us(const struct policy_facts *facts)
{
    return facts->stage == FACTS_RCPT && facts->recipient.is_known && !restriction_is_ours(facts);
}

static void judge_in_favour(const struct restriction_case *about, const struct listed *listed,
                            struct ruling *out)
{
    const struct ruling_subject subject = {listed->what, listed->class};
    if (listed->query.len == 0 || leaves_us(about->facts)) {
        ruling_explain(out, "the list is not asked: %s",
                       listed->query.len == 0 ? "nothing could be listed"
                                              : "the recipient is no address of ours");
        return;
    }
    enum listing listing = look_up(about, listed->query, out);
    if (listing == LISTING_WANTED)
        return;
    explain(listed->query, listing, out);
    if (listing == LISTED)
        out->kind = RULING_PERMIT;
    if (listing != LISTING_UNKNOWN)
        return;
    ruling_refuse(out, 450, "4.7.1", &subject, slice_of("Service unavailable"));
    out->kind = RULING_DEFER_IF_REJECT;
}

/* ---- what is asked for ---- */

typedef void (*judgement)(const struct restriction_case *about, const struct listed *listed,
                          struct ruling *out);

static void with_address(const struct restriction_case *about, judgement judge, struct ruling *out)
{
    struct ip client = ip_unmapped(&about->facts->client);
    char query[DNS_NAME_MAX + 100], what[IP_TEXT_MAX];
    struct writer w = writer_over(query, sizeof query), text = writer_over(what, sizeof what);
    if (client.family != IP_NONE) {
        dns_write_reversed(&w, &client);
        writer_bytes(&w, about->list->domain);
    }
    ip_format(&text, &client);
    judge(about, &(struct listed){writer_slice(&w), writer_slice(&text), "Client host"}, out);
}

/* Some lists take a name that ends in a number for an address, and complain. */
static bool can_be_listed(struct slice domain)
{
    uint64_t number;
    size_t dot = slice_find_last(domain, '.');
    struct slice last = dot < domain.len ? slice_skip(domain, dot + 1) : domain;
    return domain_is_valid(domain) && !slice_to_number(last, UINT64_MAX, &number);
}

static void with_name(const struct restriction_case *about, struct slice what, const char *class,
                      judgement judge, struct ruling *out)
{
    size_t at = slice_find_last(what, '@');
    struct slice domain = at < what.len ? slice_skip(what, at + 1) : what;
    char query[2 * DNS_NAME_MAX + 2];
    struct writer w = writer_over(query, sizeof query);
    if (can_be_listed(domain)) {
        writer_bytes(&w, domain);
        writer_byte(&w, '.');
        writer_bytes(&w, about->list->domain);
    }
    judge(about, &(struct listed){writer_slice(&w), what, class}, out);
}

static struct slice known_name(struct slice name)
{
    return slice_is_nocase(name, "unknown") ? slice_of("") : name;
}

void dns_list_judge_client(const struct restriction_case *about, struct ruling *out)
{
    with_address(about, judge_against, out);
}

void dns_list_judge_client_name(const struct restriction_case *about, struct ruling *out)
{
    with_name(about, known_name(about->facts->client_name), "Client host", judge_against, out);
}

void dns_list_judge_reverse_name(const struct restriction_case *about, struct ruling *out)
{
    with_name(about, known_name(about->facts->reverse_name), "Unverified Client host",
              judge_against, out);
}

void dns_list_judge_helo(const struct restriction_case *about, struct ruling *out)
{
    with_name(about, about->facts->helo, "Helo command", judge_against, out);
}

void dns_list_judge_sender(const struct restriction_case *about, struct ruling *out)
{
    with_name(about, about->facts->sender.said, "Sender address", judge_against, out);
}

void dns_list_judge_recipient(const struct restriction_case *about, struct ruling *out)
{
    with_name(about, about->facts->recipient.said, "Recipient address", judge_against, out);
}

void dns_list_favour_client(const struct restriction_case *about, struct ruling *out)
{
    with_address(about, judge_in_favour, out);
}

void dns_list_favour_client_name(const struct restriction_case *about, struct ruling *out)
{
    with_name(about, known_name(about->facts->client_name), "Client host", judge_in_favour, out);
}
