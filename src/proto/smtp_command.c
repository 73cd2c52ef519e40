#include "proto/smtp_command.h"

#include "base/utf8.h"
#include "proto/dsn_parameters.h"
#include "proto/xtext.h"

#include <string.h>

bool smtp_command_parse(struct slice line, struct smtp_command *out)
{
    struct slice rest = slice_trim(line);
    size_t end = slice_find(rest, ' ');
    size_t tab = slice_find(slice_first(rest, end), '\t');
    if (tab == 0)
        return false;
    out->verb = slice_first(rest, tab);
    out->argument = slice_trim(slice_skip(rest, tab));
    return true;
}

/* "FROM:" or "TO:", then the path; white space behind the colon is forgiven. */
struct path_kind {
    const char *keyword;
    const char *wrong_syntax;
    const char *wrong_path;
};

static const char *take_path(struct slice *argument, const struct path_kind *kind, unsigned how,
                             struct address *out)
{
    if (!slice_starts_nocase(*argument, kind->keyword))
        return kind->wrong_syntax;
    struct slice rest = slice_trim(slice_skip(*argument, strlen(kind->keyword)));
    if (rest.len == 0)
        return kind->wrong_syntax;
    if ((how & SMTP_STRICT_PATHS) != 0 && rest.at[0] != '<')
        return kind->wrong_path;
    if (!address_take_path(&rest, out))
        return kind->wrong_path;
    if (rest.len > 0 && rest.at[0] != ' ')
        return kind->wrong_path;
    if ((how & SMTP_UTF8_PATHS) == 0 && !utf8_is_ascii(out->text))
        return kind->wrong_path;
    *argument = rest;
    return NULL;
}

struct parameter {
    struct slice text; /* all of it */
    struct slice name; /* "SIZE=": what has a value is not what has none */
    struct slice value;
};

static bool take_parameter(struct slice *rest, struct parameter *out)
{
    struct slice word;
    if (!slice_next_word(rest, " \t", &word))
        return false;
    size_t equals = slice_find(word, '=');
    out->text = word;
    out->name = slice_first(word, equals + 1);
    out->value = slice_skip(word, equals + 1);
    return true;
}

static const char unsupported[] = "555 5.5.4 Unsupported option: ";
static const char dsn_refused[] = "501 5.7.1 DSN support is disabled";

/* Postfix forgives what was not declared, unless it is told to be strict. */
static const char *must_declare(unsigned how, bool declared, const struct address *address)
{
    if ((how & SMTP_UTF8_STRICT) == 0 || declared || utf8_is_ascii(address->text))
        return NULL;
    return "553 5.6.7 Must declare SMTPUTF8 to send unicode address";
}

/* ---- MAIL ---- */

struct mail_reading {
    unsigned how;
    struct smtp_mail mail;
};

/* What is wrong, or NULL. */
typedef const char *(*mail_taker)(struct mail_reading *reading, struct slice value);

static const char *take_size(struct mail_reading *reading, struct slice value)
{
    return slice_to_number(value, UINT64_MAX, &reading->mail.size)
               ? NULL
               : "501 5.5.4 Bad message size syntax";
}

static const char *take_body(struct mail_reading *reading, struct slice value)
{
    reading->mail.eight_bit = slice_is_nocase(value, "8BITMIME");
    return reading->mail.eight_bit || slice_is_nocase(value, "7BIT") ? NULL : unsupported;
}

/* RFC 4954 §5: a server that does not trust the client takes the parameter and acts as if it were
 * AUTH=<>. We trust nobody with it: the log alone is told. */
static const char *take_auth(struct mail_reading *reading, struct slice value)
{
    if ((reading->how & SMTP_AUTH_OFFERED) == 0)
        return unsupported;
    char decoded[ADDRESS_MAX];
    struct writer w = writer_over(decoded, sizeof decoded);
    if (reading->mail.auth.len > 0)
        return "503 5.5.4 Error: multiple AUTH= options";
    if (value.len == 0 || !xtext_decode(value, &w) || w.overflow)
        return "501 5.5.4 Bad AUTH parameter syntax";
    reading->mail.auth = value;
    return NULL;
}

static const char *take_return(struct mail_reading *reading, struct slice value)
{
    if ((reading->how & SMTP_DSN_REFUSED) != 0)
        return dsn_refused;
    if (reading->mail.back != DSN_RETURN_UNSAID || !dsn_read_return(value, &reading->mail.back))
        return "501 5.5.4 Bad RET parameter syntax";
    return NULL;
}

static const char *take_envelope_id(struct mail_reading *reading, struct slice value)
{
    char decoded[DSN_ENVELOPE_ID_MAX];
    struct writer w = writer_over(decoded, sizeof decoded);
    if ((reading->how & SMTP_DSN_REFUSED) != 0)
        return dsn_refused;
    if (reading->mail.envelope_id.len > 0 || !dsn_decode_envelope_id(value, &w))
        return "501 5.5.4 Bad ENVID parameter syntax";
    reading->mail.envelope_id = value;
    return NULL;
}

static const char *take_utf8(struct mail_reading *reading, struct slice value)
{
    (void)value;
    if ((reading->how & SMTP_UTF8_OFFERED) == 0)
        return unsupported;
    reading->mail.utf8 = true;
    return NULL;
}

static const struct {
    const char *name;
    mail_taker take;
} mail_parameters[] = {{"SMTPUTF8", take_utf8}, {"SIZE=", take_size},
                       {"BODY=", take_body},    {"AUTH=", take_auth},
                       {"RET=", take_return},   {"ENVID=", take_envelope_id}};

static const char *take_mail_parameter(struct mail_reading *reading,
                                       const struct parameter *parameter)
{
    for (size_t i = 0; i < sizeof mail_parameters / sizeof *mail_parameters; i++)
        if (slice_is_nocase(parameter->name, mail_parameters[i].name))
            return mail_parameters[i].take(reading, parameter->value);
    return unsupported;
}

const char *smtp_mail_parse(struct slice argument, unsigned how, struct smtp_mail *out,
                            struct slice *culprit)
{
    static const struct path_kind from = {"FROM:", "501 5.5.4 Syntax: MAIL FROM:<address>",
                                          "501 5.1.7 Bad sender address syntax"};
    struct mail_reading reading = {.how = how};
    struct parameter parameter;
    const char *wrong = take_path(&argument, &from, how, &reading.mail.reverse_path);
    while (wrong == NULL && take_parameter(&argument, &parameter)) {
        *culprit = parameter.text;
        wrong = take_mail_parameter(&reading, &parameter);
    }
    if (wrong == NULL)
        wrong = must_declare(how, reading.mail.utf8, &reading.mail.reverse_path);
    if (wrong == NULL)
        *out = reading.mail;
    return wrong;
}

/* ---- RCPT ---- */

static const char *take_rcpt_parameter(unsigned how, const struct parameter *parameter,
                                       struct smtp_rcpt *rcpt)
{
    char decoded[DSN_ORIGINAL_MAX];
    struct writer w = writer_over(decoded, sizeof decoded);
    bool is_notify = slice_is_nocase(parameter->name, "NOTIFY=");
    if (!is_notify && !slice_is_nocase(parameter->name, "ORCPT="))
        return unsupported;
    if ((how & SMTP_DSN_REFUSED) != 0)
        return dsn_refused;
    if (is_notify)
        return rcpt->notify == 0 && dsn_read_notify(parameter->value, &rcpt->notify)
                   ? NULL
                   : "501 5.5.4 Error: Bad NOTIFY parameter syntax";
    if (rcpt->original.len > 0 || !dsn_decode_original(parameter->value, &w))
        return "501 5.5.4 Error: Bad ORCPT parameter syntax";
    rcpt->original = parameter->value;
    return NULL;
}

const char *smtp_rcpt_parse(struct slice argument, unsigned how, struct smtp_rcpt *out,
                            struct slice *culprit)
{
    static const struct path_kind to = {"TO:", "501 5.5.4 Syntax: RCPT TO:<address>",
                                        "501 5.1.3 Bad recipient address syntax"};
    struct smtp_rcpt rcpt = {0};
    struct parameter parameter;
    const char *wrong = take_path(&argument, &to, how, &rcpt.forward_path);
    if (wrong == NULL && address_is_null(&rcpt.forward_path))
        wrong = to.wrong_path;
    while (wrong == NULL && take_parameter(&argument, &parameter)) {
        *culprit = parameter.text;
        wrong = take_rcpt_parameter(how, &parameter, &rcpt);
    }
    if (wrong == NULL)
        wrong = must_declare(how, (how & SMTP_UTF8_DECLARED) != 0, &rcpt.forward_path);
    if (wrong == NULL)
        *out = rcpt;
    return wrong;
}
