#include "mta/sender_owner.h"

#include "mta/mailbox_list.h"

enum { OWNERS_MAX = 4096 };

static bool is_among(struct slice owners, struct slice login)
{
    struct slice word;
    while (slice_next_word(&owners, ", \t\r\n", &word))
        if (slice_equal_nocase(word, login))
            return true;
    return false;
}

/* Nobody is judged where nobody can log in, and the empty sender is everybody's. */
static bool applies(const struct restriction_case *about, unsigned rules)
{
    const struct policy_facts *facts = about->facts;
    if (!about->parameters->smtpd_sasl_auth_enable || facts->imagined || !facts->sender.is_known ||
        facts->sender.said.len == 0)
        return false;
    return (rules & (facts->authenticated ? SENDER_WITH_LOGIN : SENDER_WITHOUT_LOGIN)) != 0;
}

static void fail(const struct ruling_subject *subject, struct ruling *out)
{
    ruling_refuse(out, 451, "4.3.0", subject, slice_of("Temporary lookup failure"));
    ruling_explain(out, "smtpd_sender_login_maps could not be searched to its end");
    out->is_trouble = true;
}

static void refuse_stranger(const struct ruling_subject *subject, struct ruling *out)
{
    ruling_refuse(out, 553, "5.7.1", subject, slice_of("not logged in"));
    ruling_explain_foreign(out, "", subject->text, " has an owner, and nobody is logged in");
}

static void refuse_login(const struct ruling_subject *subject, struct slice login,
                         struct ruling *out)
{
    char text[RULING_REPLY_MAX];
    struct writer w = writer_over(text, sizeof text);
    writer_text(&w, "not owned by user ");
    writer_printable(&w, login);
    ruling_refuse(out, 553, "5.7.1", subject, writer_slice(&w));
    ruling_explain_foreign(out, "smtpd_sender_login_maps does not give ", subject->text,
                           " to this login");
}

void sender_owner_judge(const struct restriction_case *about, unsigned rules, struct ruling *out)
{
    const struct policy_facts *facts = about->facts;
    const struct facts_address *sender = &facts->sender;
    struct ruling_subject subject = access_name(ACCESS_SENDER, facts);
    char owners[OWNERS_MAX];
    struct writer w = writer_over(owners, sizeof owners);
    ruling_explain(out, "the sender may be used so");
    if (!applies(about, rules))
        return;
    enum table_result result =
        mailbox_table_find(about->login_maps, about->parameters->recipient_delimiter,
                           sender->class == ADDRESS_LOCAL, &sender->address, &w);
    if (result == TABLE_TROUBLE)
        fail(&subject, out);
    else if (!facts->authenticated && result == TABLE_FOUND)
        refuse_stranger(&subject, out);
    else if (facts->authenticated && result == TABLE_ABSENT && (rules & SENDER_UNOWNED_IS_FREE))
        return;
    else if (facts->authenticated && !is_among(writer_slice(&w), facts->login))
        refuse_login(&subject, facts->login, out);
}
