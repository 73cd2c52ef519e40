#include "mta/listing.h"

#include "config/words.h"
#include "mta/mailbox_list.h"

static int64_t unlisted_code(const struct parameters *parameters, enum address_class class)
{
    switch (class) {
    case ADDRESS_LOCAL:
        return parameters->unknown_local_recipient_reject_code;
    case ADDRESS_VIRTUAL_ALIAS:
        return parameters->unknown_virtual_alias_reject_code;
    case ADDRESS_VIRTUAL_MAILBOX:
        return parameters->unknown_virtual_mailbox_reject_code;
    case ADDRESS_RELAY:
        return parameters->unknown_relay_recipient_reject_code;
    case ADDRESS_REMOTE:
    case ADDRESS_CLASS_COUNT:
        break;
    }
    return 550;
}

static void refuse_unlisted(const struct parameters *parameters, enum address_class class,
                            const struct ruling_subject *subject, const char *status,
                            struct ruling *out)
{
    bool alias = class == ADDRESS_VIRTUAL_ALIAS;
    char text[80];
    struct writer w = writer_over(text, sizeof text);
    writer_text(&w, "User unknown in ");
    writer_text(&w, alias ? "virtual alias table" : mailbox_table_name(class));
    ruling_explain(out, "the address is not in %s",
                   alias ? "virtual_alias_maps" : mailbox_parameter(class));
    ruling_refuse(out, unlisted_code(parameters, class), status, subject, writer_slice(&w));
}

void listing_judge(const struct parameters *parameters, const struct facts_address *address,
                   const struct ruling_subject *subject, const char *status, struct ruling *out)
{
    char text[RULING_REPLY_MAX];
    struct writer w = writer_over(text, sizeof text - 1);
    if (!address->is_known || address->said.len == 0) {
        ruling_explain(out, "there is no address");
        return;
    }
    switch (address->listing) {
    case FACTS_LISTED:
        ruling_explain(out, "the address is known, or not ours");
        break;
    case FACTS_UNLISTED:
        refuse_unlisted(parameters, address->class, subject, status, out);
        break;
    case FACTS_LISTING_TROUBLE:
        writer_byte(&w, '<');
        writer_printable(&w, slice_first(subject->text, RULING_REPLY_MAX / 2));
        writer_text(&w, ">: Temporary lookup failure");
        text[w.len] = '\0';
        ruling_refuse_plainly(out, 451, "4.3.0", text);
        ruling_explain(out, "a table of recipients could not be searched to its end");
        out->is_trouble = true;
        break;
    }
}

void listing_judge_recipient(const struct parameters *parameters,
                             const struct facts_address *address,
                             const struct ruling_subject *subject, struct ruling *out)
{
    struct slice overrides = slice_of(parameters->receive_override_options);
    if (words_have(overrides, "no_unknown_recipient_checks"))
        ruling_explain(out, "receive_override_options has no_unknown_recipient_checks");
    else
        listing_judge(parameters, address, subject, "5.1.1", out);
}
