#include "proto/smtp_client.h"

#include "base/check.h"
#include "base/utf8.h"
#include "base/writer.h"
#include "proto/dsn_parameters.h"
#include "proto/xtext.h"

#include <string.h>

/* Handlers change the machine; one that has something for the driver fills *step and returns true.
 */

static bool give(const struct smtp_client *client, enum smtp_client_step_kind kind,
                 struct smtp_client_step *step)
{
    *step = (struct smtp_client_step){.kind = kind, .stage = client->stage};
    return true;
}

static bool give_broken(struct smtp_client *client, const char *text, struct smtp_client_step *step)
{
    give(client, SMTP_CLIENT_BROKEN, step);
    step->text = text;
    client->stage = SMTP_STAGE_CLOSED;
    return true;
}

static bool give_refused(struct smtp_client *client, struct smtp_client_step *step)
{
    give(client, SMTP_CLIENT_REFUSED, step);
    step->reply = &client->reply;
    client->stage = SMTP_STAGE_CLOSED;
    return true;
}

static bool give_result(struct smtp_client *client, size_t recipient,
                        const struct smtp_client_obstacle *obstacle, struct smtp_client_step *step)
{
    client->transaction->settled[recipient] = true;
    give(client, SMTP_CLIENT_RESULT, step);
    step->stage = client->answers;
    step->recipient = recipient;
    step->reply = obstacle == NULL ? &client->reply : NULL;
    step->obstacle = obstacle;
    return true;
}

/* ---- commands ---- */

static bool is_clean(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!ascii_is_printable(text.at[i]) && (unsigned char)text.at[i] <= 0x7f)
            return false;
    return true;
}

static bool has_utf8_address(const struct smtp_client_transaction *transaction)
{
    if (!utf8_is_ascii(transaction->sender))
        return true;
    for (size_t i = 0; i < transaction->recipient_count; i++)
        if (!utf8_is_ascii(transaction->recipients[i]))
            return true;
    return false;
}

/* Verb, argument in between, rest. Nothing that reaches here can break out of its line: addresses
 * were parsed when they came in. */
static struct writer begin_command(struct smtp_client *client, const char *verb,
                                   struct slice argument, const char *rest)
{
    struct writer w = writer_over(client->command, sizeof client->command);
    CHECK(is_clean(argument));
    writer_text(&w, verb);
    writer_bytes(&w, argument);
    writer_text(&w, rest);
    return w;
}

static void end_command(struct smtp_client *client, struct writer *w)
{
    writer_text(w, "\r\n");
    CHECK(!w->overflow);
    client->command_len = w->len;
}

static void write_command(struct smtp_client *client, const char *verb, struct slice argument)
{
    struct writer w = begin_command(client, verb, argument, "");
    end_command(client, &w);
}

static void write_mail(struct smtp_client *client)
{
    const struct smtp_client_transaction *transaction = client->transaction;
    struct writer w = begin_command(client, "MAIL FROM:<", transaction->sender, ">");
    if (client->offers_size)
        writer_printf(&w, " SIZE=%llu", (unsigned long long)transaction->size);
    if (client->offers_eight_bit && transaction->eight_bit)
        writer_text(&w, " BODY=8BITMIME");
    if (client->offers_utf8 && (transaction->utf8 || has_utf8_address(transaction)))
        writer_text(&w, " SMTPUTF8");
    if (client->offers_dsn && transaction->back != DSN_RETURN_UNSAID)
        writer_printf(&w, " RET=%s", dsn_return_name(transaction->back));
    if (client->offers_dsn && transaction->envelope_id.len > 0) {
        writer_text(&w, " ENVID=");
        xtext_encode(transaction->envelope_id, &w);
    }
    end_command(client, &w);
}

static void write_rcpt(struct smtp_client *client, size_t recipient)
{
    const struct smtp_client_transaction *transaction = client->transaction;
    const struct dsn_wish *wish =
        transaction->wishes != NULL ? &transaction->wishes[recipient] : NULL;
    struct writer w = begin_command(client, "RCPT TO:<", transaction->recipients[recipient], ">");
    if (client->offers_dsn && wish != NULL && (wish->notify & ~DSN_EXPANDED) != 0) {
        writer_text(&w, " NOTIFY=");
        dsn_write_notify(&w, wish->notify);
    }
    if (client->offers_dsn && wish != NULL && wish->original.len > 0) {
        writer_text(&w, " ORCPT=");
        dsn_encode_original(wish->original, &w);
    }
    end_command(client, &w);
}

static void go_to(struct smtp_client *client, enum smtp_client_stage stage, const char *verb)
{
    static const struct slice nothing = SLICE_LITERAL("");
    client->stage = stage;
    write_command(client, verb, nothing);
}

static void say_hello(struct smtp_client *client, enum smtp_client_stage stage)
{
    client->stage = stage;
    client->offers_pipelining = client->offers_size = false;
    client->offers_eight_bit = client->offers_starttls = client->offers_dsn = false;
    client->offers_utf8 = false;
    client->size_limit = 0;
    memset(&client->limits, 0, sizeof client->limits);
    const char *verb = client->settings->lmtp ? "LHLO " : "EHLO ";
    write_command(client, stage == SMTP_STAGE_HELO ? "HELO " : verb, client->settings->helo_name);
}

/* ---- the end of a transaction ---- */

/* The reply at hand, or the obstacle, is the result of every recipient that has none yet. */
static void report_all(struct smtp_client *client, const struct smtp_client_obstacle *obstacle,
                       enum smtp_client_stage next)
{
    client->reporting = true;
    client->obstacle = obstacle;
    client->report_next = next;
}

static bool report(struct smtp_client *client, struct smtp_client_step *step)
{
    const struct smtp_client_transaction *transaction = client->transaction;
    for (size_t i = 0; i < transaction->recipient_count; i++)
        if (!transaction->settled[i])
            return give_result(client, i, client->obstacle, step);
    client->reporting = false;
    client->stage = client->report_next;
    if (client->stage == SMTP_STAGE_RSET)
        go_to(client, SMTP_STAGE_RSET, "RSET");
    return false;
}

/* ---- replies: each handler is called with a whole reply at hand ---- */

static bool is_good(const struct smtp_client *client)
{
    return client->reply.code / 100 == 2;
}

static void look_for_tls(struct smtp_client *client)
{
    if (!client->tls && client->offers_starttls && client->settings->tls != SMTP_CLIENT_TLS_NEVER)
        go_to(client, SMTP_STAGE_STARTTLS, "STARTTLS");
    else
        client->stage = SMTP_STAGE_IDLE;
}

static bool lacks_tls(const struct smtp_client *client)
{
    return client->settings->tls == SMTP_CLIENT_TLS_MUST && !client->tls;
}

static bool on_greeting(struct smtp_client *client, struct smtp_client_step *step)
{
    if (client->reply.code != 220)
        return give_refused(client, step);
    say_hello(client, SMTP_STAGE_EHLO);
    return false;
}

static bool on_hello(struct smtp_client *client, struct smtp_client_step *step)
{
    if (!is_good(client)) {
        bool older = client->stage == SMTP_STAGE_EHLO && !client->settings->lmtp;
        if (!older || client->reply.code / 100 != 5)
            return give_refused(client, step);
        say_hello(client, SMTP_STAGE_HELO);
        return false;
    }
    if (lacks_tls(client) && !client->offers_starttls)
        return give_broken(client, "TLS is required, but was not offered", step);
    look_for_tls(client);
    return false;
}

static bool on_starttls(struct smtp_client *client, struct slice input,
                        struct smtp_client_step *step)
{
    if (client->reply.code == 220) {
        /* RFC 3207 §6 and the client's side of CVE-2011-0411: what came in the clear is never taken
         * for what comes under TLS. */
        if (input.len > 0)
            return give_broken(client, "plaintext came behind the answer to STARTTLS", step);
        client->stage = SMTP_STAGE_HANDSHAKE;
        return give(client, SMTP_CLIENT_START_TLS, step);
    }
    if (lacks_tls(client))
        return give_broken(client, "TLS is required, but the server refused to start it", step);
    client->stage = SMTP_STAGE_IDLE;
    return false;
}

static bool on_mail(struct smtp_client *client)
{
    if (is_good(client))
        return false;
    client->mail_refused = true;
    bool answers_follow = client->answered < client->sent;
    report_all(client, NULL, answers_follow ? SMTP_STAGE_MAIL : SMTP_STAGE_RSET);
    return false;
}

static bool on_rcpt(struct smtp_client *client, size_t recipient, struct smtp_client_step *step)
{
    if (is_good(client) && !client->mail_refused) {
        client->accepted++;
        return false;
    }
    return !client->transaction->settled[recipient] && give_result(client, recipient, NULL, step);
}

static bool on_data(struct smtp_client *client, struct smtp_client_step *step)
{
    if (client->reply.code != 354) {
        report_all(client, NULL, SMTP_STAGE_RSET);
        return false;
    }
    if (client->accepted == 0) {
        /* The server takes data for nobody: RFC 2920 §3.1 has us send none. */
        go_to(client, SMTP_STAGE_END, ".");
        return false;
    }
    client->stage = SMTP_STAGE_CONTENT;
    return give(client, SMTP_CLIENT_CONTENT, step);
}

/* The end of the data has one answer; in LMTP one for each recipient that was accepted, in their
 * order, and none when nobody was. */
static bool on_end(struct smtp_client *client, struct smtp_client_step *step)
{
    const struct smtp_client_transaction *transaction = client->transaction;
    if (!client->settings->lmtp) {
        report_all(client, NULL, SMTP_STAGE_IDLE);
        return false;
    }
    for (size_t i = 0; i < transaction->recipient_count; i++) {
        if (transaction->settled[i])
            continue;
        client->accepted--;
        if (client->accepted == 0)
            client->stage = SMTP_STAGE_IDLE;
        return give_result(client, i, NULL, step);
    }
    client->stage = SMTP_STAGE_IDLE;
    return false;
}

static bool on_reply(struct smtp_client *client, struct slice input, struct smtp_client_step *step)
{
    client->answers = smtp_client_awaits(client);
    /* RFC 5321 §3.8: the server is going away, whatever it was asked. */
    if (client->reply.code == 421 && client->transaction != NULL) {
        report_all(client, NULL, SMTP_STAGE_CLOSED);
        return false;
    }
    switch (client->answers) {
    case SMTP_STAGE_GREETING:
        return on_greeting(client, step);
    case SMTP_STAGE_EHLO:
    case SMTP_STAGE_HELO:
        return on_hello(client, step);
    case SMTP_STAGE_STARTTLS:
        return on_starttls(client, input, step);
    case SMTP_STAGE_MAIL:
        client->answered++;
        return on_mail(client);
    case SMTP_STAGE_RCPT:
        client->answered++;
        return on_rcpt(client, client->answered - 2, step);
    case SMTP_STAGE_DATA:
        client->answered++;
        return on_data(client, step);
    case SMTP_STAGE_END:
        return on_end(client, step);
    case SMTP_STAGE_RSET:
        client->stage = is_good(client) ? SMTP_STAGE_IDLE : SMTP_STAGE_CLOSED;
        return false;
    case SMTP_STAGE_HANDSHAKE:
    case SMTP_STAGE_IDLE:
    case SMTP_STAGE_CONTENT:
    case SMTP_STAGE_QUIT:
    case SMTP_STAGE_CLOSED:
        break;
    }
    client->stage = SMTP_STAGE_CLOSED;
    return false;
}

/* ---- lines ---- */

/* RFC 9422 §4.1: name=value, separated by spaces; names that are not known are left alone. A limit
 * that would allow nothing is none. */
static void note_limits(struct smtp_client *client, struct slice line)
{
    const struct {
        const char *name;
        uint64_t *limit;
    } known[] = {{"RCPTMAX", &client->limits.recipients},
                 {"RCPTDOMAINMAX", &client->limits.domains},
                 {"MAILMAX", &client->limits.transactions}};
    struct slice word;
    while (slice_next_word(&line, " \t", &word)) {
        size_t equals = slice_find(word, '=');
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            if (slice_is_nocase(slice_first(word, equals), known[i].name))
                (void)slice_to_number(slice_skip(word, equals + 1), UINT64_MAX, known[i].limit);
    }
}

static void note_offer(struct smtp_client *client, struct slice line)
{
    struct slice keyword, argument;
    if (client->stage != SMTP_STAGE_EHLO || client->reply.line_count == 1)
        return; /* the first line is the server's name */
    if (!slice_next_word(&line, " \t", &keyword))
        return;
    if (slice_is_nocase(keyword, "PIPELINING"))
        client->offers_pipelining = true;
    else if (slice_is_nocase(keyword, "8BITMIME"))
        client->offers_eight_bit = true;
    else if (slice_is_nocase(keyword, "STARTTLS"))
        client->offers_starttls = true;
    else if (slice_is_nocase(keyword, "LIMITS"))
        note_limits(client, line);
    else if (slice_is_nocase(keyword, "DSN"))
        client->offers_dsn = true;
    else if (slice_is_nocase(keyword, "SMTPUTF8"))
        client->offers_utf8 = true;
    else if (slice_is_nocase(keyword, "SIZE")) {
        client->offers_size = true;
        if (slice_next_word(&line, " \t", &argument))
            (void)slice_to_number(argument, UINT64_MAX, &client->size_limit);
    }
}

static bool read_reply(struct smtp_client *client, struct slice *input,
                       struct smtp_client_step *step)
{
    struct slice line;
    if (!client->reply_begun)
        smtp_reply_start(&client->reply);
    client->reply_begun = true;
    switch (smtp_reply_next(&client->reply, input, &line)) {
    case SMTP_REPLY_NEED_INPUT:
        return give(client, SMTP_CLIENT_NEED_INPUT, step);
    case SMTP_REPLY_BROKEN:
        return give_broken(client, "the server's answer is not SMTP", step);
    case SMTP_REPLY_LINE:
        note_offer(client, line);
        return false;
    case SMTP_REPLY_WHOLE:
        break;
    }
    note_offer(client, line);
    client->reply_begun = false;
    return on_reply(client, *input, step);
}

/* The next command of the transaction, when it may go out now. */
static bool write_next_command(struct smtp_client *client)
{
    const struct smtp_client_transaction *transaction = client->transaction;
    size_t count = transaction->recipient_count;
    bool lockstep = !client->offers_pipelining;
    if (client->mail_refused || client->sent > count + 1)
        return false;
    if (lockstep && client->sent > client->answered)
        return false;
    if (client->sent == 0)
        write_mail(client);
    else if (client->sent <= count)
        write_rcpt(client, client->sent - 1);
    else
        write_command(client, "DATA", slice_of(""));
    client->sent++;
    return true;
}

static bool go_on_with_transaction(struct smtp_client *client, struct slice *input,
                                   struct smtp_client_step *step)
{
    bool recipients_answered = client->answered > client->transaction->recipient_count;
    if (client->answered == client->sent && recipients_answered && client->accepted == 0) {
        go_to(client, SMTP_STAGE_RSET, "RSET");
        return false;
    }
    if (!client->reply_begun && write_next_command(client))
        return false;
    return read_reply(client, input, step);
}

static bool take_step(struct smtp_client *client, struct slice *input,
                      struct smtp_client_step *step)
{
    if (client->command_len > 0) {
        give(client, SMTP_CLIENT_SEND, step);
        step->bytes = slice_make(client->command, client->command_len);
        client->command_len = 0;
        return true;
    }
    if (client->reporting)
        return report(client, step);
    switch (client->stage) {
    case SMTP_STAGE_IDLE:
        client->transaction = NULL;
        return give(client, SMTP_CLIENT_READY, step);
    case SMTP_STAGE_MAIL:
        return go_on_with_transaction(client, input, step);
    case SMTP_STAGE_CONTENT:
        return give(client, SMTP_CLIENT_CONTENT, step);
    case SMTP_STAGE_HANDSHAKE:
        return give(client, SMTP_CLIENT_NEED_INPUT, step);
    case SMTP_STAGE_CLOSED:
        return give(client, SMTP_CLIENT_CLOSE, step);
    case SMTP_STAGE_GREETING:
    case SMTP_STAGE_EHLO:
    case SMTP_STAGE_HELO:
    case SMTP_STAGE_STARTTLS:
    case SMTP_STAGE_RCPT:
    case SMTP_STAGE_DATA:
    case SMTP_STAGE_END:
    case SMTP_STAGE_RSET:
    case SMTP_STAGE_QUIT:
        break;
    }
    return read_reply(client, input, step);
}

struct smtp_client_step smtp_client_next(struct smtp_client *client, struct slice *input)
{
    struct smtp_client_step step;
    while (!take_step(client, input, &step))
        ;
    return step;
}

/* ---- the driver's part ---- */

void smtp_client_init(struct smtp_client *client, const struct smtp_client_settings *settings)
{
    *client = (struct smtp_client){.settings = settings, .stage = SMTP_STAGE_GREETING};
}

static struct slice domain_of(struct slice address)
{
    return slice_skip(address, slice_find_last(address, '@') + 1);
}

static bool is_new_domain(const struct slice *recipients, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (slice_equal_nocase(domain_of(recipients[i]), domain_of(recipients[at])))
            return false;
    return true;
}

size_t smtp_client_recipients_max(const struct smtp_client *client, const struct slice *recipients,
                                  size_t count)
{
    uint64_t recipients_max = client->limits.recipients, domains_max = client->limits.domains;
    uint64_t domains = 0;
    if (recipients_max > 0 && count > recipients_max)
        count = (size_t)recipients_max;
    for (size_t i = 0; i < count && domains_max > 0; i++) {
        domains += is_new_domain(recipients, i);
        if (domains > domains_max)
            return i;
    }
    return count;
}

bool smtp_client_is_used_up(const struct smtp_client *client)
{
    return client->limits.transactions > 0 && client->transactions >= client->limits.transactions;
}

/* What keeps the transaction from this server, or NULL. RFC 1870 §6.1; RFC 6531 §3.2; RFC 6152 §3,
 * of content that cannot be made seven bits wide. */
static const struct smtp_client_obstacle *find_obstacle(
    const struct smtp_client *client, const struct smtp_client_transaction *transaction)
{
    static const struct smtp_client_obstacle too_large = {
        "5.3.4", "message size exceeds the size limit of host"};
    static const struct smtp_client_obstacle no_utf8 = {
        "5.6.7", "SMTPUTF8 is required, but was not offered by host"};
    static const struct smtp_client_obstacle no_eight_bit = {
        "5.6.3", "8BITMIME is required, but was not offered by host"};
    bool needs_utf8 =
        transaction->utf8 && (transaction->utf8_header || has_utf8_address(transaction));
    if (client->size_limit > 0 && transaction->size > client->size_limit)
        return &too_large;
    if (needs_utf8 && !client->offers_utf8)
        return &no_utf8;
    return transaction->eight_bit_content && !client->offers_eight_bit ? &no_eight_bit : NULL;
}

void smtp_client_begin(struct smtp_client *client,
                       const struct smtp_client_transaction *transaction)
{
    CHECK(client->stage == SMTP_STAGE_IDLE && transaction->recipient_count > 0);
    client->transaction = transaction;
    client->stage = SMTP_STAGE_MAIL;
    client->sent = client->answered = client->accepted = 0;
    client->mail_refused = false;
    client->transactions++;
    const struct smtp_client_obstacle *obstacle = find_obstacle(client, transaction);
    if (obstacle != NULL) {
        client->answers = SMTP_STAGE_MAIL;
        report_all(client, obstacle, SMTP_STAGE_IDLE);
    }
}

void smtp_client_quit(struct smtp_client *client)
{
    CHECK(client->stage == SMTP_STAGE_IDLE);
    go_to(client, SMTP_STAGE_QUIT, "QUIT");
}

void smtp_client_tls_started(struct smtp_client *client)
{
    CHECK(client->stage == SMTP_STAGE_HANDSHAKE);
    client->tls = true;
    say_hello(client, SMTP_STAGE_EHLO);
}

void smtp_client_content_sent(struct smtp_client *client)
{
    CHECK(client->stage == SMTP_STAGE_CONTENT);
    client->stage = SMTP_STAGE_END;
}

/* 0 is MAIL, 1 … n are RCPT, n+1 is DATA. */
enum smtp_client_stage smtp_client_awaits(const struct smtp_client *client)
{
    if (client->stage != SMTP_STAGE_MAIL)
        return client->stage;
    if (client->answered == 0)
        return SMTP_STAGE_MAIL;
    return client->answered <= client->transaction->recipient_count ? SMTP_STAGE_RCPT
                                                                    : SMTP_STAGE_DATA;
}

struct stage_words {
    const char *command;
    const char *doing;
};

/* The words that log readers know. */
static const struct stage_words words[] = {
    [SMTP_STAGE_GREETING] = {"initial greeting", "receiving the initial server greeting"},
    [SMTP_STAGE_EHLO] = {"EHLO command", "performing the EHLO handshake"},
    [SMTP_STAGE_HELO] = {"HELO command", "performing the HELO handshake"},
    [SMTP_STAGE_STARTTLS] = {"STARTTLS command", "performing the STARTTLS handshake"},
    [SMTP_STAGE_HANDSHAKE] = {"STARTTLS command", "performing the TLS handshake"},
    [SMTP_STAGE_IDLE] = {"MAIL FROM command", "sending MAIL FROM"},
    [SMTP_STAGE_MAIL] = {"MAIL FROM command", "sending MAIL FROM"},
    [SMTP_STAGE_RCPT] = {"RCPT TO command", "sending RCPT TO"},
    [SMTP_STAGE_DATA] = {"DATA command", "sending DATA command"},
    [SMTP_STAGE_CONTENT] = {"end of DATA command", "sending message body"},
    [SMTP_STAGE_END] = {"end of DATA command",
                        "sending end of data -- message may be sent more than once"},
    [SMTP_STAGE_RSET] = {"RSET command", "sending RSET"},
    [SMTP_STAGE_QUIT] = {"QUIT command", "sending QUIT"},
    [SMTP_STAGE_CLOSED] = {"QUIT command", "closing"},
};

const char *smtp_stage_command(enum smtp_client_stage stage)
{
    return words[stage].command;
}

const char *smtp_stage_doing(enum smtp_client_stage stage)
{
    return words[stage].doing;
}
