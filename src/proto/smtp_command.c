#include "proto/smtp_command.h"

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
    *argument = rest;
    return NULL;
}

struct parameter {
    struct slice name;
    struct slice value;
    bool has_value; /* "=" stands behind the name */
};

static bool take_parameter(struct slice *rest, struct parameter *out)
{
    struct slice word;
    if (!slice_next_word(rest, " \t", &word))
        return false;
    size_t equals = slice_find(word, '=');
    out->name = slice_first(word, equals);
    out->has_value = equals < word.len;
    out->value = slice_skip(word, equals + 1);
    return true;
}

static const char unsupported[] = "555 5.5.4 Unsupported option: ";

static const char *apply_mail_parameter(const struct parameter *parameter, bool auth_offered,
                                        bool *auth_seen, struct smtp_mail *mail)
{
    if (!parameter->has_value)
        return unsupported;
    if (slice_is_nocase(parameter->name, "SIZE")) {
        if (!slice_to_number(parameter->value, UINT64_MAX, &mail->size))
            return "501 5.5.4 Bad message size syntax";
        return NULL;
    }
    if (slice_is_nocase(parameter->name, "BODY")) {
        mail->eight_bit = slice_is_nocase(parameter->value, "8BITMIME");
        if (!mail->eight_bit && !slice_is_nocase(parameter->value, "7BIT"))
            return unsupported;
        return NULL;
    }
    /* RFC 4954 §5: a server that does not trust the client takes the parameter and acts as if it
     * were AUTH=<>. We trust nobody with it yet. */
    if (auth_offered && slice_is_nocase(parameter->name, "AUTH")) {
        if (*auth_seen)
            return "503 5.5.4 Error: multiple AUTH= options";
        if (parameter->value.len == 0)
            return "501 5.5.4 Bad AUTH parameter syntax";
        *auth_seen = true;
        return NULL;
    }
    return unsupported;
}

const char *smtp_mail_parse(struct slice argument, unsigned how, struct smtp_mail *out,
                            struct slice *culprit)
{
    struct smtp_mail mail = {0};
    struct parameter parameter;
    bool auth_seen = false;
    static const struct path_kind from = {"FROM:", "501 5.5.4 Syntax: MAIL FROM:<address>",
                                          "501 5.1.7 Bad sender address syntax"};
    bool auth_offered = (how & SMTP_AUTH_OFFERED) != 0;
    const char *wrong = take_path(&argument, &from, how, &mail.reverse_path);
    while (wrong == NULL && take_parameter(&argument, &parameter)) {
        *culprit = parameter.name;
        wrong = apply_mail_parameter(&parameter, auth_offered, &auth_seen, &mail);
    }
    if (wrong == NULL)
        *out = mail;
    return wrong;
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
    if (wrong == NULL && take_parameter(&argument, &parameter)) {
        *culprit = parameter.name;
        wrong = unsupported;
    }
    if (wrong == NULL)
        *out = rcpt;
    return wrong;
}
