#include "proto/smtp_server_commands.h"

#include "base/utf8.h"

/* A handler parses and asks; a reply that it returns is said instead. */
typedef const char *(*handler)(const struct smtp_server *server, struct slice argument,
                               struct smtp_server_demand *demand);

struct command {
    const char *name;
    unsigned states;
    bool before_tls; /* works where TLS is required, before it stands */
    bool junk;
    handler run;
};

const char smtp_chunk_discarded[] = "551 5.0.0 Discarded";

bool smtp_server_auth_is_on(const struct smtp_server *server)
{
    const struct smtp_server_settings *settings = server->settings;
    return settings->auth_enabled &&
           !smtp_keywords_hold(server->terms.discarded, SMTP_KEYWORD_AUTH) &&
           (server->tls || !settings->auth_tls_only);
}

bool smtp_server_tls_is_on(const struct smtp_server *server)
{
    return server->settings->tls_offered &&
           !smtp_keywords_hold(server->terms.discarded, SMTP_KEYWORD_STARTTLS);
}

static const char *ask(struct smtp_server_demand *demand, enum smtp_question_kind kind)
{
    demand->question.kind = kind;
    return NULL;
}

static const char *run_helo(const struct smtp_server *server, struct slice argument,
                            struct smtp_server_demand *demand)
{
    (void)server;
    if (!slice_next_word(&argument, " \t", &demand->question.argument))
        return "501 Syntax: HELO hostname";
    return ask(demand, SMTP_ASK_HELO);
}

static const char *run_ehlo(const struct smtp_server *server, struct slice argument,
                            struct smtp_server_demand *demand)
{
    (void)server;
    if (!slice_next_word(&argument, " \t", &demand->question.argument))
        return "501 Syntax: EHLO hostname";
    return ask(demand, SMTP_ASK_EHLO);
}

static const char *run_xclient(const struct smtp_server *server, struct slice argument,
                               struct smtp_server_demand *demand)
{
    if (argument.len == 0)
        return "501 5.5.4 Syntax: XCLIENT attribute=value...";
    if (!server->terms.xclient)
        return "550 5.7.0 Error: insufficient authorization";
    demand->question.argument = argument;
    return ask(demand, SMTP_ASK_XCLIENT);
}

static const char *run_xforward(const struct smtp_server *server, struct slice argument,
                                struct smtp_server_demand *demand)
{
    if (argument.len == 0)
        return "501 5.5.4 Syntax: XFORWARD attribute=value...";
    if (!server->terms.xforward)
        return "550 5.7.0 Error: insufficient authorization";
    demand->question.argument = argument;
    return ask(demand, SMTP_ASK_XFORWARD);
}

static const char *run_starttls(const struct smtp_server *server, struct slice argument,
                                struct smtp_server_demand *demand)
{
    if (argument.len > 0)
        return "501 5.5.4 Syntax: STARTTLS";
    if (server->tls)
        return "554 5.5.1 Error: TLS already active";
    if (!smtp_server_tls_is_on(server))
        return "502 5.5.1 Error: command not implemented";
    return ask(demand, SMTP_ASK_STARTTLS);
}

static const char *run_auth(const struct smtp_server *server, struct slice argument,
                            struct smtp_server_demand *demand)
{
    struct smtp_question *question = &demand->question;
    struct slice more;
    if (!smtp_server_auth_is_on(server))
        return "503 5.5.1 Error: authentication not enabled";
    if (server->authenticated)
        return "503 5.5.1 Error: already authenticated";
    if (!slice_next_word(&argument, " \t", &question->argument))
        return "501 5.5.4 Syntax: AUTH mechanism";
    question->has_response = slice_next_word(&argument, " \t", &question->response);
    if (slice_next_word(&argument, " \t", &more))
        return "501 5.5.4 Syntax: AUTH mechanism";
    /* RFC 4954 §4: a lone "=" is an initial response of no bytes. */
    if (slice_is(question->response, "="))
        question->response.len = 0;
    if (question->response.len > server->settings->response_limit)
        return "500 5.5.6 SASL response limit exceeded";
    return ask(demand, SMTP_ASK_AUTH);
}

bool smtp_server_utf8_is_on(const struct smtp_server *server)
{
    return server->settings->utf8_enabled &&
           !smtp_keywords_hold(server->terms.discarded, SMTP_KEYWORD_SMTPUTF8);
}

static unsigned how_to_read_utf8(const struct smtp_server *server)
{
    if (!server->settings->utf8_enabled)
        return 0;
    return SMTP_UTF8_PATHS | (smtp_server_utf8_is_on(server) ? SMTP_UTF8_OFFERED : 0U) |
           (server->settings->utf8_strict ? SMTP_UTF8_STRICT : 0U) |
           (server->utf8 ? SMTP_UTF8_DECLARED : 0U);
}

/* How the arguments of MAIL and RCPT are read. */
static unsigned how_to_read(const struct smtp_server *server)
{
    return how_to_read_utf8(server) | (smtp_server_auth_is_on(server) ? SMTP_AUTH_OFFERED : 0U) |
           (server->settings->strict_paths ? SMTP_STRICT_PATHS : 0U) |
           (smtp_keywords_hold(server->terms.discarded, SMTP_KEYWORD_DSN) ? SMTP_DSN_REFUSED : 0U);
}

static const char *run_mail(const struct smtp_server *server, struct slice argument,
                            struct smtp_server_demand *demand)
{
    uint64_t limit = server->settings->message_size_limit;
    const char *wrong =
        smtp_mail_parse(argument, how_to_read(server), &demand->question.mail, &demand->culprit);
    if (wrong != NULL)
        return wrong;
    if (limit > 0 && demand->question.mail.size > limit)
        return "552 5.3.4 Message size exceeds fixed limit";
    return ask(demand, SMTP_ASK_MAIL);
}

static const char *run_rcpt(const struct smtp_server *server, struct slice argument,
                            struct smtp_server_demand *demand)
{
    const char *wrong =
        smtp_rcpt_parse(argument, how_to_read(server), &demand->question.rcpt, &demand->culprit);
    return wrong != NULL ? wrong : ask(demand, SMTP_ASK_RCPT);
}

/* In a transaction it may be the end of a pipelined group whose recipients were all refused. */
static const char *no_recipients(const struct smtp_server *server)
{
    return server->state == SMTP_IN_MAIL ? "554 5.5.1 Error: no valid recipients"
                                         : "503 5.5.1 Error: need RCPT command";
}

static const char *run_data(const struct smtp_server *server, struct slice argument,
                            struct smtp_server_demand *demand)
{
    (void)server;
    return argument.len > 0 ? "501 5.5.4 Syntax: DATA" : ask(demand, SMTP_ASK_DATA);
}

/* The session cannot go on: nobody knows how many bytes follow, or nobody asked for them. */
static const char *bdat_is_hopeless(const struct smtp_server *server,
                                    struct smtp_server_demand *demand)
{
    if (smtp_keywords_hold(server->terms.discarded, SMTP_KEYWORD_CHUNKING)) {
        demand->chunk_follows = false;
        return "521 5.5.1 Error: command not implemented";
    }
    return demand->chunk_follows ? NULL : "521 5.5.4 Syntax: BDAT count [LAST]";
}

/* Only refuses; what a chunk means for the transaction is decided where its bytes are read. */
static const char *run_bdat(const struct smtp_server *server, struct slice argument,
                            struct smtp_server_demand *demand)
{
    const struct smtp_chunk *chunk = &demand->chunk;
    uint64_t limit = server->settings->message_size_limit;
    (void)argument;
    if (chunk->size == 0 && !chunk->last)
        return "551 5.7.1 Null BDAT request";
    if (server->state == SMTP_BDAT_FAILED)
        return smtp_chunk_discarded;
    if ((server->state & (SMTP_IN_RCPT | SMTP_IN_BDAT)) == 0)
        return no_recipients(server);
    if (limit > 0 && (chunk->size > limit || server->chunk_total > limit - chunk->size))
        return "552 5.3.4 Chunk exceeds message size limit";
    return ask(demand, SMTP_ASK_BDAT);
}

static const char *run_rset(const struct smtp_server *server, struct slice argument,
                            struct smtp_server_demand *demand)
{
    (void)server;
    return argument.len > 0 ? "501 5.5.4 Syntax: RSET" : ask(demand, SMTP_ASK_RESET);
}

static const char *run_noop(const struct smtp_server *server, struct slice argument,
                            struct smtp_server_demand *demand)
{
    (void)server, (void)argument, (void)demand;
    return "250 2.0.0 Ok";
}

/* RFC 6531 §3.7.4.2: VRFY may say that it bears UTF-8 in the reply; it gets none. */
static struct slice without_utf8_option(const struct smtp_server *server, struct slice argument)
{
    static const struct slice option = SLICE_LITERAL(" SMTPUTF8");
    if (!smtp_server_utf8_is_on(server) || !slice_ends_nocase(argument, option))
        return argument;
    return slice_trim(slice_first(argument, argument.len - option.len));
}

static const char *run_vrfy(const struct smtp_server *server, struct slice argument,
                            struct smtp_server_demand *demand)
{
    if (!server->settings->vrfy_enabled)
        return "502 5.5.1 VRFY command is disabled";
    if (argument.len == 0)
        return "501 5.5.4 Syntax: VRFY address";
    demand->question.argument = without_utf8_option(server, argument);
    return ask(demand, SMTP_ASK_VRFY);
}

/* RFC 1985. We hold no mail back for a client to fetch; Postfix says the same where the domain is
 * not in fast_flush_domains. Its replies to ETRN have no enhanced codes. */
static const char *run_etrn(const struct smtp_server *server, struct slice argument,
                            struct smtp_server_demand *demand)
{
    struct slice domain, more;
    (void)server;
    if (!slice_next_word(&argument, " \t", &domain) || slice_next_word(&argument, " \t", &more))
        return "500 Syntax: ETRN domain";
    if (domain.at[0] == '@' || domain.at[0] == '#')
        domain = slice_skip(domain, 1);
    if (!domain_is_valid(domain) && !domain_is_literal(domain))
        return "501 Error: invalid parameter syntax";
    demand->culprit = domain;
    demand->reply_end = ">: service unavailable";
    return "459 <";
}

static const char *run_help(const struct smtp_server *server, struct slice argument,
                            struct smtp_server_demand *demand)
{
    (void)server, (void)argument, (void)demand;
    return "214 2.0.0 Commands: AUTH BDAT DATA EHLO ETRN HELO HELP MAIL NOOP QUIT RCPT RSET STARTTLS VRFY";
}

static const char *run_quit(const struct smtp_server *server, struct slice argument,
                            struct smtp_server_demand *demand)
{
    (void)server, (void)argument, (void)demand;
    return "221 2.0.0 Bye";
}

/* Chunks of a message that failed may still come in SMTP_BDAT_FAILED. Only MAIL must wait for their
 * end: it would take them for its own. */
enum {
    BEFORE_MAIL = SMTP_START | SMTP_READY,
    NO_TRANSACTION = BEFORE_MAIL | SMTP_BDAT_FAILED,
    TRANSACTION = SMTP_IN_MAIL | SMTP_IN_RCPT,
};

/* RFC 5321 §4.1.1. A verb outside its states gets its refusal without reaching its handler. */
static const struct command commands[] = {
    [SMTP_HELO] = {"HELO", SMTP_ANYTIME, true, true, run_helo},
    [SMTP_EHLO] = {"EHLO", SMTP_ANYTIME, true, true, run_ehlo},
    [SMTP_XCLIENT] = {"XCLIENT", NO_TRANSACTION, true, false, run_xclient},
    [SMTP_XFORWARD] = {"XFORWARD", NO_TRANSACTION, false, false, run_xforward},
    [SMTP_STARTTLS] = {"STARTTLS", SMTP_ANYTIME, true, false, run_starttls},
    [SMTP_AUTH] = {"AUTH", NO_TRANSACTION, false, false, run_auth},
    [SMTP_MAIL] = {"MAIL", BEFORE_MAIL, false, false, run_mail},
    [SMTP_RCPT] = {"RCPT", TRANSACTION, false, false, run_rcpt},
    [SMTP_DATA] = {"DATA", SMTP_IN_RCPT, false, false, run_data},
    [SMTP_BDAT] = {"BDAT", SMTP_ANYTIME, false, false, run_bdat},
    [SMTP_RSET] = {"RSET", SMTP_ANYTIME, false, true, run_rset},
    [SMTP_NOOP] = {"NOOP", SMTP_ANYTIME, true, true, run_noop},
    [SMTP_VRFY] = {"VRFY", SMTP_ANYTIME, false, true, run_vrfy},
    [SMTP_ETRN] = {"ETRN", NO_TRANSACTION, false, true, run_etrn},
    [SMTP_QUIT] = {"QUIT", SMTP_ANYTIME, true, false, run_quit},
    [SMTP_HELP] = {"HELP", SMTP_ANYTIME, true, false, run_help},
    [SMTP_UNKNOWN] = {"UNKNOWN", 0, false, false, NULL},
};

static bool is_noop(const struct smtp_server *server, struct slice word)
{
    struct slice rest = server->settings->noop_commands, name;
    while (slice_next_word(&rest, ", \t\r\n", &name))
        if (slice_equal_nocase(word, name))
            return true;
    return false;
}

static enum smtp_verb verb_of(const struct smtp_server *server, struct slice word)
{
    if (is_noop(server, word))
        return SMTP_NOOP;
    for (enum smtp_verb verb = 0; verb < SMTP_UNKNOWN; verb++)
        if (slice_is_nocase(word, commands[verb].name))
            return verb;
    return SMTP_UNKNOWN;
}

static const char *refusal(const struct smtp_server *server, enum smtp_verb verb)
{
    bool chunks = (server->state & (SMTP_IN_BDAT | SMTP_BDAT_FAILED)) != 0;
    if (verb == SMTP_AUTH || verb == SMTP_XCLIENT || verb == SMTP_XFORWARD)
        return "503 5.5.1 Error: MAIL transaction in progress";
    if (verb == SMTP_ETRN)
        return "503 Error: MAIL transaction in progress";
    if (verb == SMTP_MAIL)
        return chunks ? "503 5.5.1 Error: MAIL after BDAT" : "503 5.5.1 Error: nested MAIL command";
    if (verb == SMTP_RCPT)
        return chunks ? "503 5.5.1 Error: RCPT after BDAT" : "503 5.5.1 Error: need MAIL command";
    return chunks ? "503 5.5.1 Error: DATA after BDAT" : no_recipients(server);
}

static const char *ask_about(struct smtp_server_demand *demand, struct slice line)
{
    demand->question.argument = line;
    return ask(demand, SMTP_ASK_UNKNOWN);
}

/* The refusal where a greeting must come first; NULL where none has to. */
static const char *missing_greeting(const struct smtp_server *server, enum smtp_verb verb)
{
    if (!server->settings->helo_required || server->greeted)
        return NULL;
    if (verb == SMTP_ETRN)
        return "503 Error: send HELO/EHLO first";
    return verb == SMTP_MAIL || verb == SMTP_AUTH ? "503 5.5.1 Error: send HELO/EHLO first" : NULL;
}

struct smtp_server_demand smtp_server_read_command(const struct smtp_server *server,
                                                   struct slice line)
{
    struct smtp_server_demand demand = {.verb = SMTP_UNKNOWN};
    struct smtp_command parsed;
    if (!smtp_command_parse(line, &parsed)) {
        demand.reply = "500 5.5.2 Error: bad syntax";
        return demand;
    }
    demand.verb = verb_of(server, parsed.verb);
    if (demand.verb == SMTP_BDAT) {
        demand.chunk_follows = smtp_chunk_parse(parsed.argument, &demand.chunk);
        demand.reply = bdat_is_hopeless(server, &demand);
        if (demand.reply != NULL)
            return demand;
    }
    const struct command *command = &commands[demand.verb];
    if (server->settings->utf8_enabled && !utf8_is_valid(line))
        demand.reply = "500 5.5.2 Error: bad UTF-8 syntax";
    else if (line.len > server->settings->line_limit && demand.verb != SMTP_AUTH)
        demand.reply = "500 5.5.2 Error: command too long";
    else if (demand.verb == SMTP_UNKNOWN)
        demand.reply = ask_about(&demand, line);
    else if (server->settings->tls_required && !server->tls && !command->before_tls)
        demand.reply = "530 5.7.0 Must issue a STARTTLS command first";
    else if (missing_greeting(server, demand.verb) != NULL)
        demand.reply = missing_greeting(server, demand.verb);
    else if ((command->states & server->state) == 0)
        demand.reply = refusal(server, demand.verb);
    else
        demand.reply = command->run(server, parsed.argument, &demand);
    return demand;
}

bool smtp_verb_is_junk(enum smtp_verb verb)
{
    return commands[verb].junk;
}

const char *smtp_verb_name(enum smtp_verb verb)
{
    return commands[verb].name;
}
