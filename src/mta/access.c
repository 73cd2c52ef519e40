#include "mta/access.h"

#include "config/words.h"

/* ---- searching ---- */

/* A search that ends with the first key that the table knows, or that it fails for. */
struct search {
    const struct table *table;
    const struct policy_facts *facts;
    const struct parameters *parameters;
    struct writer *key;
    struct writer *answer;
    enum table_key kind; /* of the next key: only the first is whole */
};

static enum table_result try_key(struct search *search, struct slice key)
{
    enum table_result result = table_find(search->table, search->kind, key, search->answer);
    search->kind = TABLE_KEY_PART;
    if (result != TABLE_ABSENT && search->key != NULL)
        writer_printable(search->key, key);
    return result;
}

/* Where smtpd_access_maps is in parent_domain_matches_subdomains, example.org stands for what is
 * below it; else ".example.org" does. */
static enum table_result try_domain(struct search *search, struct slice domain)
{
    bool plain = words_have(slice_of(search->parameters->parent_domain_matches_subdomains),
                            "smtpd_access_maps");
    if (domain.len > 1 && domain.at[domain.len - 1] == '.')
        domain.len--;
    enum table_result result = try_key(search, domain);
    while (result == TABLE_ABSENT && domain.len > 0 && domain.at[0] != '[') {
        size_t dot = 1 + slice_find(slice_skip(domain, 1), '.');
        if (dot >= domain.len)
            break;
        domain = slice_skip(domain, plain ? dot + 1 : dot);
        if (domain.len > 0)
            result = try_key(search, domain);
    }
    return result;
}

/* "192.0.2.1", "192.0.2", "192.0", "192"; "2001:db8::1", "2001:db8:", "2001:db8", "2001". */
static enum table_result try_network(struct search *search, const struct ip *ip)
{
    char text[IP_TEXT_MAX];
    struct writer w = writer_over(text, sizeof text);
    struct ip plain = ip_unmapped(ip);
    ip_format(&w, &plain);
    struct slice key = writer_slice(&w);
    if (plain.family == IP_NONE)
        return TABLE_ABSENT;
    search->kind = TABLE_KEY_WHOLE;
    enum table_result result = try_key(search, key);
    while (result == TABLE_ABSENT) {
        size_t cut = slice_find_last(key, plain.family == IP_V6 ? ':' : '.');
        if (cut >= key.len)
            break;
        key = slice_first(key, cut);
        if (key.len > 0)
            result = try_key(search, key);
    }
    return result;
}

static enum table_result try_client(struct search *search, struct slice name)
{
    enum table_result result = try_domain(search, name);
    return result != TABLE_ABSENT ? result : try_network(search, &search->facts->client);
}

static enum table_result try_joined(struct search *search, struct slice local, struct slice domain)
{
    char text[ADDRESS_MAX + 2];
    struct writer w = writer_over(text, sizeof text);
    writer_bytes(&w, local);
    writer_byte(&w, '@');
    writer_bytes(&w, domain);
    return w.overflow ? TABLE_ABSENT : try_key(search, writer_slice(&w));
}

static enum table_result try_address(struct search *search, const struct address *address)
{
    static const struct slice nothing = SLICE_LITERAL("");
    struct slice user =
        address_without_extension(address->local, search->parameters->recipient_delimiter);
    bool extended = user.len < address->local.len;
    enum table_result result = try_joined(search, address->local, address->domain);
    if (result == TABLE_ABSENT && extended)
        result = try_joined(search, user, address->domain);
    if (result == TABLE_ABSENT)
        result = try_domain(search, address->domain);
    if (result == TABLE_ABSENT)
        result = try_joined(search, address->local, nothing);
    if (result == TABLE_ABSENT && extended)
        result = try_joined(search, user, nothing);
    return result;
}

static enum table_result try_sender(struct search *search)
{
    const struct facts_address *sender = &search->facts->sender;
    if (!sender->is_known)
        return TABLE_ABSENT;
    if (address_is_null(&sender->address))
        return try_key(search, slice_of(search->parameters->smtpd_null_access_lookup_key));
    return try_address(search, &sender->address);
}

static enum table_result try_certificate(struct search *search)
{
    const struct tls_facts *certificate = search->facts->certificate;
    if (certificate == NULL || certificate->peer_fingerprint[0] == '\0')
        return TABLE_ABSENT;
    enum table_result result = try_key(search, slice_of(certificate->peer_fingerprint));
    search->kind = TABLE_KEY_WHOLE;
    return result != TABLE_ABSENT ? result
                                  : try_key(search, slice_of(certificate->peer_key_fingerprint));
}

enum table_result access_find(enum access_subject subject, const struct table *table,
                              const struct policy_facts *facts, const struct parameters *parameters,
                              struct writer *key, struct writer *answer)
{
    struct search search = {table, facts, parameters, key, answer, TABLE_KEY_WHOLE};
    switch (subject) {
    case ACCESS_CLIENT:
        return try_client(&search, facts->client_name);
    case ACCESS_HELO:
        return facts->helo_is_known ? try_domain(&search, facts->helo) : TABLE_ABSENT;
    case ACCESS_SENDER:
        return try_sender(&search);
    case ACCESS_RECIPIENT:
        return facts->recipient.is_known ? try_address(&search, &facts->recipient.address)
                                         : TABLE_ABSENT;
    case ACCESS_LOGIN:
        return facts->authenticated && facts->login.len > 0 ? try_key(&search, facts->login)
                                                            : TABLE_ABSENT;
    case ACCESS_CERTIFICATE:
        return try_certificate(&search);
    case ACCESS_REVERSE_CLIENT:
        return try_client(&search, facts->reverse_name);
    }
    return TABLE_ABSENT;
}

enum table_result access_find_domain(const struct table *table, struct slice domain,
                                     const struct parameters *parameters, struct writer *key,
                                     struct writer *answer)
{
    struct search search = {table, NULL, parameters, key, answer, TABLE_KEY_WHOLE};
    return try_domain(&search, domain);
}

enum table_result access_find_address(const struct table *table, const struct ip *ip,
                                      const struct parameters *parameters, struct writer *key,
                                      struct writer *answer)
{
    struct search search = {table, NULL, parameters, key, answer, TABLE_KEY_WHOLE};
    return try_network(&search, ip);
}

struct ruling_subject access_name(enum access_subject subject, const struct policy_facts *facts)
{
    const struct ruling_subject names[] = {
        [ACCESS_CLIENT] = {facts->client_text, "Client host"},
        [ACCESS_REVERSE_CLIENT] = {facts->reverse_name, "Unverified Client host"},
        [ACCESS_HELO] = {facts->helo, "Helo command"},
        [ACCESS_SENDER] = {facts->sender.said, "Sender address"},
        [ACCESS_RECIPIENT] = {facts->recipient.said, "Recipient address"},
        [ACCESS_LOGIN] = {facts->login, "SASL login name"},
        [ACCESS_CERTIFICATE] = {slice_of(facts->certificate != NULL
                                             ? facts->certificate->peer_fingerprint
                                             : ""),
                                "Client certificate"},
    };
    return names[subject];
}

/* ---- answers ---- */

/* The text of an action may begin with a status of its own. */
static void refuse(struct ruling *out, int64_t code, const char *status, struct slice text,
                   const char *default_text, const struct ruling_subject *subject)
{
    char own[16];
    struct writer w = writer_over(own, sizeof own);
    size_t len = ruling_status_length(text);
    if (len > 0) {
        writer_bytes(&w, slice_first(text, len));
        writer_byte(&w, '\0');
        text = slice_trim(slice_skip(text, len));
        status = own;
    }
    ruling_refuse(out, code, status, subject, text.len > 0 ? text : slice_of(default_text));
}

static void run_reject(struct slice text, const struct ruling_subject *subject,
                       const struct parameters *parameters, struct ruling *out)
{
    refuse(out, parameters->access_map_reject_code, "5.7.1", text, "Access denied", subject);
}

static void run_defer(struct slice text, const struct ruling_subject *subject,
                      const struct parameters *parameters, struct ruling *out)
{
    refuse(out, parameters->access_map_defer_code, "4.7.1", text, "Access denied", subject);
}

static void run_defer_if(struct slice text, const struct ruling_subject *subject,
                         const struct parameters *parameters, struct ruling *out)
{
    enum ruling_kind kind = out->kind;
    refuse(out, parameters->access_map_defer_code, "4.7.1", text, "Service unavailable", subject);
    out->kind = kind;
}

/* For the log alone. */
static void run_note(struct slice text, const struct ruling_subject *subject,
                     const struct parameters *parameters, struct ruling *out)
{
    struct writer w = writer_over(out->reply, sizeof out->reply);
    (void)subject, (void)parameters;
    writer_printable(&w, slice_first(text, w.capacity));
    out->reply_len = w.len;
}

/* "<ada@example.org>: Sender address triggers DISCARD action", or what the table says instead. */
static void write_event(struct ruling *out, const struct ruling_subject *subject, struct slice text)
{
    struct writer w = writer_over(out->reply, sizeof out->reply);
    writer_byte(&w, '<');
    writer_printable(&w, slice_first(subject->text, sizeof out->reply / 2));
    writer_printf(&w, ">: %s ", subject->class);
    writer_printable(&w, slice_first(text, w.capacity - w.len));
    out->reply_len = w.len;
}

static void run_discard(struct slice text, const struct ruling_subject *subject,
                        const struct parameters *parameters, struct ruling *out)
{
    (void)parameters;
    write_event(out, subject, text.len > 0 ? text : slice_of("triggers DISCARD action"));
}

static void run_hold(struct slice text, const struct ruling_subject *subject,
                     const struct parameters *parameters, struct ruling *out)
{
    (void)parameters;
    out->effect = EFFECT_HOLD;
    write_event(out, subject, text.len > 0 ? text : slice_of("triggers HOLD action"));
}

/* False: the ruling is a failure. */
static bool take_effect(enum effect_kind kind, struct slice argument, struct ruling *out)
{
    const char *trouble = effect_trouble(kind, argument);
    if (trouble != NULL) {
        ruling_fail(out, trouble);
        return false;
    }
    struct writer w = writer_over(out->argument, sizeof out->argument);
    writer_bytes(&w, argument);
    out->effect = kind;
    out->argument_len = w.len;
    return true;
}

static void take_effect_and_tell(enum effect_kind kind, const char *word, struct slice argument,
                                 const struct ruling_subject *subject, struct ruling *out)
{
    char text[RULING_REPLY_MAX];
    struct writer w = writer_over(text, sizeof text);
    if (!take_effect(kind, argument, out))
        return;
    writer_printf(&w, "triggers %s %.*s", word, SLICE_PRINTF(argument));
    write_event(out, subject, writer_slice(&w));
}

static void run_bcc(struct slice text, const struct ruling_subject *subject,
                    const struct parameters *parameters, struct ruling *out)
{
    (void)parameters;
    take_effect_and_tell(EFFECT_BCC, "BCC", text, subject, out);
}

static void run_filter(struct slice text, const struct ruling_subject *subject,
                       const struct parameters *parameters, struct ruling *out)
{
    (void)parameters;
    take_effect_and_tell(EFFECT_FILTER, "FILTER", text, subject, out);
}

static void run_redirect(struct slice text, const struct ruling_subject *subject,
                         const struct parameters *parameters, struct ruling *out)
{
    (void)parameters;
    take_effect_and_tell(EFFECT_REDIRECT, "REDIRECT", text, subject, out);
}

/* The log hears nothing of it, as with Postfix. */
static void run_prepend(struct slice text, const struct ruling_subject *subject,
                        const struct parameters *parameters, struct ruling *out)
{
    (void)parameters, (void)subject;
    (void)take_effect(EFFECT_PREPEND, text, out);
}

static void run_nothing(struct slice text, const struct ruling_subject *subject,
                        const struct parameters *parameters, struct ruling *out)
{
    (void)text, (void)subject, (void)parameters, (void)out;
}

static const struct action {
    const char *word;
    enum ruling_kind kind;
    void (*run)(struct slice text, const struct ruling_subject *subject,
                const struct parameters *parameters, struct ruling *out);
} actions[] = {
    {"DUNNO", RULING_NEUTRAL, run_nothing},
    {"OK", RULING_PERMIT, run_nothing},
    {"RELAY", RULING_PERMIT, run_nothing},
    {"REJECT", RULING_REFUSE, run_reject},
    {"DEFER", RULING_REFUSE, run_defer},
    {"DEFER_IF_PERMIT", RULING_DEFER_IF_PERMIT, run_defer_if},
    {"DEFER_IF_REJECT", RULING_DEFER_IF_REJECT, run_defer_if},
    {"INFO", RULING_INFO, run_note},
    {"WARN", RULING_WARN, run_note},
    {"DISCARD", RULING_DISCARD, run_discard},
    {"BCC", RULING_EFFECT, run_bcc},
    {"FILTER", RULING_EFFECT, run_filter},
    {"HOLD", RULING_EFFECT, run_hold},
    {"PREPEND", RULING_EFFECT, run_prepend},
    {"REDIRECT", RULING_EFFECT, run_redirect},
};

static bool is_number(struct slice word)
{
    for (size_t i = 0; i < word.len; i++)
        if (!ascii_is_digit(word.at[i]))
            return false;
    return word.len > 0;
}

static bool is_refusing_code(struct slice word, uint64_t *code)
{
    return word.len == 3 && slice_to_number(word, 599, code) && *code >= 400;
}

static bool run_action(struct slice word, struct slice text, const struct ruling_subject *subject,
                       const struct parameters *parameters, struct ruling *out)
{
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        if (!slice_is_nocase(word, actions[i].word))
            continue;
        out->kind = actions[i].kind;
        actions[i].run(text, subject, parameters, out);
        return true;
    }
    return false;
}

void access_rule(struct slice answer, const struct ruling_subject *subject,
                 const struct parameters *parameters, struct ruling *out)
{
    struct slice rest = slice_trim(answer), word = {NULL, 0};
    uint64_t code;
    (void)slice_next_word(&rest, " \t", &word);
    struct slice text = slice_trim(rest);
    if (word.len == 0) {
        ruling_fail(out, "the answer is empty: write OK, DUNNO, REJECT or what else access(5) has");
    } else if (run_action(word, text, subject, parameters, out)) {
        return;
    } else if (is_refusing_code(word, &code) && text.len > 0) {
        refuse(out, (int64_t)code, "5.7.1", text, "Access denied", subject);
    } else if (is_number(word) && text.len == 0) {
        out->kind = RULING_PERMIT;
    } else {
        struct writer w = writer_over(out->reply, sizeof out->reply);
        writer_bytes(&w, slice_trim(answer));
        out->kind = RULING_LIST;
        out->reply_len = w.len;
        if (w.overflow)
            ruling_fail(out, "the answer is too long");
    }
}
