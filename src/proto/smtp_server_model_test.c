/* Every sequence of up to five commands out of fourteen, against a model of what RFC 5321 wants
 * said. The model is written from the RFCs and shares nothing with the machine: it knows no lines,
 * only commands and codes. */
#include "proto/smtp_server.h"

#include "tests/unit.h"

enum { COMMANDS = 14, DEPTH = 5, SEQUENCES = 579194 /* 14 + 14^2 + ... + 14^5 */ };

enum command {
    SAY_EHLO,
    SAY_HELO,
    SAY_MAIL,
    SAY_BAD_MAIL,
    SAY_RCPT,
    SAY_REFUSED_RCPT,
    SAY_DATA, /* with its content, when that is asked for */
    SAY_LAST_CHUNK,
    SAY_RSET,
    SAY_NOOP,
    SAY_VRFY,
    SAY_AUTH, /* of a user who is let in */
    SAY_QUIT,
    SAY_NONSENSE,
    SAY_STARTTLS, /* takes the place of AUTH in half of the runs */
};

static const struct slice lines[] = {
    [SAY_EHLO] = SLICE_LITERAL("EHLO client.example\r\n"),
    [SAY_HELO] = SLICE_LITERAL("HELO client.example\r\n"),
    [SAY_MAIL] = SLICE_LITERAL("MAIL FROM:<ada@example.org>\r\n"),
    [SAY_BAD_MAIL] = SLICE_LITERAL("MAIL FROM:<ada@@example.org>\r\n"),
    [SAY_RCPT] = SLICE_LITERAL("RCPT TO:<bob@example.net>\r\n"),
    [SAY_REFUSED_RCPT] = SLICE_LITERAL("RCPT TO:<nobody@example.net>\r\n"),
    [SAY_DATA] = SLICE_LITERAL("DATA\r\n"),
    [SAY_LAST_CHUNK] = SLICE_LITERAL("BDAT 6 LAST\r\nQUIT\r\n"),
    [SAY_RSET] = SLICE_LITERAL("RSET\r\n"),
    [SAY_NOOP] = SLICE_LITERAL("NOOP\r\n"),
    [SAY_VRFY] = SLICE_LITERAL("VRFY bob\r\n"),
    [SAY_AUTH] = SLICE_LITERAL("AUTH PLAIN AGEAYg==\r\n"),
    [SAY_QUIT] = SLICE_LITERAL("QUIT\r\n"),
    [SAY_NONSENSE] = SLICE_LITERAL("FOO\r\n"),
    [SAY_STARTTLS] = SLICE_LITERAL("STARTTLS\r\n"),
};

/* ---- the model ---- */

struct rules {
    bool greeting_first; /* MAIL and AUTH want one */
    bool tls_first;      /* hardly anything goes without TLS */
    bool tls_in_place_of_auth;
    unsigned errors_max; /* the session ends at so many */
};

struct model {
    bool greeted, extended, secure, known;
    bool mail; /* a transaction is open */
    unsigned recipients;
    unsigned errors;
    bool over;
};

/* What one command brings: codes in their order, 0 behind the last. */
struct outcome {
    unsigned codes[3];
    unsigned messages; /* that were handed over */
};

static bool works_without_tls(enum command command)
{
    return command == SAY_EHLO || command == SAY_HELO || command == SAY_NOOP ||
           command == SAY_QUIT || command == SAY_STARTTLS || command == SAY_NONSENSE;
}

static void end_transaction(struct model *model)
{
    model->mail = false;
    model->recipients = 0;
}

static unsigned expect_greeting(struct model *model, bool extended)
{
    end_transaction(model);
    model->greeted = true;
    model->extended = extended;
    return 250;
}

static unsigned expect_mail(struct model *model, const struct rules *rules, bool good)
{
    if (model->mail || (rules->greeting_first && !model->greeted))
        return 503;
    model->mail = good;
    return good ? 250 : 501;
}

static unsigned expect_rcpt(struct model *model, bool good)
{
    if (!model->mail)
        return 503;
    model->recipients += good;
    return good ? 250 : 550;
}

/* The refusal of content, or 0 where it may come. RFC 5321 §3.3, RFC 2920 §3.1. */
static unsigned expect_content(const struct model *model)
{
    if (!model->mail)
        return 503;
    return model->recipients == 0 ? 554 : 0;
}

/* RFC 4954 §4: not in a transaction, and once only. */
static unsigned expect_auth(struct model *model, const struct rules *rules)
{
    if (model->mail || model->known || (rules->greeting_first && !model->greeted))
        return 503;
    model->known = true;
    return 235;
}

/* RFC 3207 §4.2: all is forgotten. */
static unsigned expect_starttls(struct model *model)
{
    if (model->secure)
        return 554;
    *model = (struct model){.secure = true, .errors = model->errors};
    return 220;
}

static unsigned expect_data(struct model *model, struct outcome *outcome)
{
    unsigned refusal = expect_content(model);
    if (refusal != 0)
        return refusal;
    end_transaction(model);
    outcome->messages = 1;
    outcome->codes[1] = 250;
    return 354;
}

/* The last chunk ends the transaction even when it is refused: nothing of it can follow. */
static unsigned expect_last_chunk(struct model *model, struct outcome *outcome)
{
    unsigned refusal = expect_content(model);
    end_transaction(model);
    outcome->messages = refusal == 0;
    return refusal != 0 ? refusal : 250;
}

static unsigned expect_code(struct model *model, const struct rules *rules, enum command command,
                            struct outcome *outcome)
{
    switch (command) {
    case SAY_EHLO:
    case SAY_HELO:
        return expect_greeting(model, command == SAY_EHLO);
    case SAY_MAIL:
    case SAY_BAD_MAIL:
        return expect_mail(model, rules, command == SAY_MAIL);
    case SAY_RCPT:
    case SAY_REFUSED_RCPT:
        return expect_rcpt(model, command == SAY_RCPT);
    case SAY_DATA:
        return expect_data(model, outcome);
    case SAY_LAST_CHUNK:
        return expect_last_chunk(model, outcome);
    case SAY_RSET:
        end_transaction(model);
        return 250;
    case SAY_NOOP:
        return 250;
    case SAY_VRFY:
        return 252;
    case SAY_AUTH:
        return expect_auth(model, rules);
    case SAY_STARTTLS:
        return expect_starttls(model);
    case SAY_QUIT:
        model->over = true;
        return 221;
    case SAY_NONSENSE:
        break;
    }
    return 500;
}

static struct outcome expect(struct model *model, const struct rules *rules, enum command command)
{
    struct outcome outcome = {0};
    if (model->over)
        return outcome;
    if (rules->tls_first && !model->secure && !works_without_tls(command)) {
        outcome.codes[0] = 530;
        if (command == SAY_LAST_CHUNK)
            end_transaction(model);
    } else {
        outcome.codes[0] = expect_code(model, rules, command, &outcome);
    }
    model->errors = outcome.messages > 0 ? 0 : model->errors + (outcome.codes[0] >= 400);
    if (model->errors >= rules->errors_max && !model->over) {
        model->over = true;
        outcome.codes[1] = 421;
    }
    return outcome;
}

/* ---- the machine ---- */

static const char *answer_to(const struct smtp_question *question)
{
    switch (question->kind) {
    case SMTP_ASK_CONNECT:
    case SMTP_ASK_STARTTLS:
        return "220 ready";
    case SMTP_ASK_DATA:
    case SMTP_ASK_BDAT:
        return "354 go";
    case SMTP_ASK_RCPT:
        return slice_starts(question->rcpt.forward_path.text, "nobody") ? "550 5.1.1 who?"
                                                                        : "250 2.1.5 Ok";
    case SMTP_ASK_ABANDON:
        return NULL; /* the reply is the question's argument */
    case SMTP_ASK_AUTH:
        return "235 2.7.0 welcome";
    case SMTP_ASK_VRFY:
        return "252 2.0.0 bob";
    case SMTP_ASK_UNKNOWN:
        return "500 5.5.2 what?";
    default:
        return "250 2.0.0 Ok";
    }
}

static void note_code(struct outcome *outcome, struct slice reply)
{
    uint64_t code = 0;
    size_t count = 0;
    assert_true(slice_to_number(slice_first(reply, 3), 599, &code));
    while (outcome->codes[count] != 0)
        count++;
    assert_in_range(count, 0, 2);
    outcome->codes[count] = (unsigned)code;
}

static void take_step(struct smtp_server *server, const struct smtp_server_step *step,
                      struct outcome *outcome)
{
    if (step->kind == SMTP_SERVER_SAY) {
        note_code(outcome, step->bytes);
    } else if (step->kind == SMTP_SERVER_ASK) {
        const char *answer = answer_to(&step->question);
        outcome->messages += step->question.kind == SMTP_ASK_MESSAGE;
        smtp_server_answer(server, answer != NULL ? slice_of(answer) : step->question.argument);
    } else if (step->kind == SMTP_SERVER_START_TLS) {
        smtp_server_tls_started(server);
    }
}

/* All steps until the machine wants more or ends. */
static void feed(struct smtp_server *server, struct slice input, struct outcome *outcome)
{
    for (;;) {
        struct smtp_server_step step = smtp_server_next(server, &input);
        if (step.kind == SMTP_SERVER_NEED_INPUT || step.kind == SMTP_SERVER_CLOSE)
            return;
        take_step(server, &step, outcome);
    }
}

static struct outcome say(struct smtp_server *server, enum command command)
{
    struct outcome outcome = {0};
    feed(server, lines[command], &outcome);
    if (outcome.codes[0] == 354)
        feed(server, slice_of("Subject: x\r\n\r\nMAIL FROM:<>\r\n.\r\n"), &outcome);
    return outcome;
}

/* ---- one against the other ---- */

struct walk {
    const struct rules *rules;
    enum command path[DEPTH];
    size_t sequences;
};

static bool same_outcome(const struct outcome *a, const struct outcome *b)
{
    return a->codes[0] == b->codes[0] && a->codes[1] == b->codes[1] && a->codes[2] == b->codes[2] &&
           a->messages == b->messages;
}

static bool same_state(const struct model *model, const struct smtp_server *server)
{
    if (model->over)
        return server->mode == SMTP_MODE_CLOSED;
    return model->greeted == server->greeted &&
           model->extended == (server->greeted && server->esmtp) && model->secure == server->tls &&
           model->known == server->authenticated && model->mail != smtp_server_is_idle(server);
}

static void complain(const struct walk *walk, size_t length, const struct outcome *expected,
                     const struct outcome *got)
{
    for (size_t i = 0; i < length; i++)
        print_error("%.*s", SLICE_PRINTF(lines[walk->path[i]]));
    fail_msg(
        "greeting first %d, TLS first %d, %u errors: expected %u %u and %u messages, got %u %u and %u",
        walk->rules->greeting_first, walk->rules->tls_first, walk->rules->errors_max,
        expected->codes[0], expected->codes[1], expected->messages, got->codes[0], got->codes[1],
        got->messages);
}

/* Says the last command of the path. */
static void step_both(struct walk *walk, size_t length, struct smtp_server *server,
                      struct model *model)
{
    enum command command = walk->path[length - 1];
    struct outcome expected = expect(model, walk->rules, command);
    struct outcome got = say(server, command);
    walk->sequences++;
    if (!same_outcome(&expected, &got) || !same_state(model, server))
        complain(walk, length, &expected, &got);
}

/* The sequences that begin with the path so far, each prefix played once: copies are kept of where
 * it led. */
static void walk_all(struct walk *walk, const struct smtp_server *start)
{
    static struct smtp_server servers[DEPTH + 1];
    static struct model models[DEPTH + 1];
    unsigned next[DEPTH + 1] = {0};
    size_t length = 0;
    servers[0] = *start;
    models[0] = (struct model){0};
    for (;;) {
        if (length == DEPTH || next[length] == COMMANDS) {
            if (length == 0)
                return;
            length--;
            continue;
        }
        enum command command = (enum command)next[length]++;
        bool swap = command == SAY_AUTH && walk->rules->tls_in_place_of_auth;
        walk->path[length] = swap ? SAY_STARTTLS : command;
        servers[length + 1] = servers[length];
        models[length + 1] = models[length];
        length++;
        next[length] = 0;
        step_both(walk, length, &servers[length], &models[length]);
    }
}

static void walk_under(const struct rules *rules)
{
    struct smtp_server_settings settings = {.hostname = SLICE_LITERAL("mx.example.org"),
                                            .line_limit = 2048,
                                            .response_limit = 2048,
                                            .error_limit_soft = 100,
                                            .error_limit_hard = rules->errors_max,
                                            .junk_limit = 100,
                                            .helo_required = rules->greeting_first,
                                            .vrfy_enabled = true,
                                            .tls_offered = true,
                                            .tls_required = rules->tls_first,
                                            .auth_enabled = true};
    struct walk walk = {.rules = rules};
    struct smtp_server server;
    struct outcome greeting = {0};
    smtp_server_init(&server, &settings, false);
    feed(&server, slice_of(""), &greeting);
    assert_int_equal(greeting.codes[0], 220);
    walk_all(&walk, &server);
    assert_int_equal(walk.sequences, SEQUENCES);
}

TEST(sequences_with_auth_get_the_replies_of_the_model)
{
    walk_under(&(struct rules){.errors_max = 100});
}

TEST(sequences_with_starttls_get_the_replies_of_the_model)
{
    walk_under(&(struct rules){.errors_max = 100, .tls_in_place_of_auth = true});
}

TEST(sequences_that_need_a_greeting_get_the_replies_of_the_model)
{
    walk_under(&(struct rules){.errors_max = 100, .greeting_first = true});
}

TEST(sequences_that_need_tls_get_the_replies_of_the_model)
{
    walk_under(&(struct rules){.errors_max = 100, .tls_first = true, .tls_in_place_of_auth = true});
}

TEST(sequences_of_errors_end_where_the_model_ends)
{
    walk_under(&(struct rules){.errors_max = 3});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences_with_auth_get_the_replies_of_the_model),
        cmocka_unit_test(sequences_with_starttls_get_the_replies_of_the_model),
        cmocka_unit_test(sequences_that_need_a_greeting_get_the_replies_of_the_model),
        cmocka_unit_test(sequences_that_need_tls_get_the_replies_of_the_model),
        cmocka_unit_test(sequences_of_errors_end_where_the_model_ends),
    };
    return RUN_TESTS(tests);
}
