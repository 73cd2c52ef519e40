#include "mta/session_state.h"

#include "proto/header_line.h"

static const char no_room[] = "there is no room for it";

/* ---- each kind ---- */

static const char *hold(struct session *session, struct slice argument)
{
    (void)argument;
    session->transaction.effects.hold = true;
    return NULL;
}

/* Mail is as good without one more header line. */
static void note_full(struct session *session)
{
    struct session_effects *effects = &session->transaction.effects;
    if (!effects->prepended_full)
        session_log(session, SEVERITY_WARNING,
                    "actions add more than %d bytes of header lines to a message from %s: "
                    "the rest is left out",
                    SESSION_PREPENDED_MAX, session->peer_name);
    effects->prepended_full = true;
}

static const char *prepend(struct session *session, struct slice argument)
{
    struct session_effects *effects = &session->transaction.effects;
    size_t len = argument.len + HEADER_LINE_MAX - HEADER_LINE_TEXT_MAX;
    struct session_prepended *line = arena_take(&session->arena, sizeof *line);
    if (effects->prepended_len + len > SESSION_PREPENDED_MAX || line == NULL ||
        !arena_copy(&session->arena, argument, &line->text)) {
        note_full(session);
        return NULL;
    }
    effects->prepended_len += len;
    if (effects->last != NULL)
        effects->last->next = line;
    else
        effects->first = line;
    effects->last = line;
    return NULL;
}

/* The address with its domain completed. */
static bool keep_address(struct session *session, struct slice argument, struct slice *out)
{
    char completed[ADDRESS_MAX + 2 * DOMAIN_MAX + 4];
    struct writer w = writer_over(completed, sizeof completed);
    struct address address;
    return address_parse(argument, &address) &&
           facts_complete(session->service->parameters, &address, &w) &&
           arena_copy(&session->arena, writer_slice(&w), out);
}

/* It is no name that somebody wrote, so it is looked up in no alias table. */
static const char *redirect(struct session *session, struct slice argument)
{
    struct expansion only = {.count = 1};
    struct slice address;
    if (!keep_address(session, argument, &address))
        return no_room;
    only.addresses = &address;
    const char *trouble = service_route_trouble(session->service, &only);
    if (trouble == NULL)
        session->transaction.effects.redirect = address;
    return trouble;
}

static bool add_recipients(struct session *session, struct slice name,
                           const struct expansion *expansion)
{
    static const struct dsn_wish silence = {.notify = DSN_NEVER}; /* the sender knows of no copy */
    for (size_t i = 0; i < expansion->count; i++) {
        bool itself = slice_equal_nocase(expansion->addresses[i], name);
        if (!session_add_recipient(session, itself ? name : expansion->addresses[i],
                                   itself ? slice_of("") : name, &silence))
            return false;
    }
    return true;
}

static const char *add_copy(struct session *session, struct slice argument)
{
    const struct service *service = session->service;
    struct expansion expansion;
    struct slice name;
    if (!keep_address(session, argument, &name))
        return no_room;
    service_expand(service, name, &session->arena, &expansion);
    const char *trouble = service_delivery_trouble(service, &expansion);
    if (trouble != NULL)
        return trouble;
    return add_recipients(session, name, &expansion) ? NULL : no_room;
}

static const char *filter(struct session *session, struct slice argument)
{
    const char *trouble = route_filter_trouble(&session->service->routes, argument);
    if (trouble != NULL)
        return trouble;
    return arena_copy(&session->arena, argument, &session->transaction.effects.filter) ? NULL
                                                                                       : no_room;
}

/* ---- all of them ---- */

static const char *take(struct session *session, const struct effect *effect)
{
    static const char *(*const take_kind[EFFECT_COUNT])(struct session *, struct slice) = {
        [EFFECT_HOLD] = hold,    [EFFECT_PREPEND] = prepend, [EFFECT_REDIRECT] = redirect,
        [EFFECT_BCC] = add_copy, [EFFECT_FILTER] = filter,
    };
    return take_kind[effect->kind](session, effect->argument);
}

void session_effects_take(struct session *session, struct policy_verdict *verdict)
{
    struct slice row = slice_make(verdict->effects, verdict->effects_len);
    struct effect effect;
    if (verdict->discard || !session->transaction.has_sender)
        return;
    while (effect_next(&row, &effect)) {
        const char *trouble = take(session, &effect);
        if (trouble != NULL && verdict->outcome == POLICY_PERMIT)
            policy_refuse_effect(verdict, effect_name(effect.kind), trouble);
    }
}

void session_effects_prepend(struct session *session,
                             void (*store)(struct session *session, struct slice content))
{
    const struct session_prepended *line = session->transaction.effects.first;
    for (; line != NULL; line = line->next) {
        char text[HEADER_LINE_MAX];
        struct writer w = writer_over(text, sizeof text);
        header_line_write(&w, line->text);
        store(session, writer_slice(&w));
    }
}

/* Who is redirected is not filtered. access(5), REDIRECT. */
void session_effects_mark(struct session *session, struct envelope *envelope)
{
    struct session_effects *effects = &session->transaction.effects;
    if (effects->hold)
        envelope->flags |= ENVELOPE_HELD;
    if (effects->redirect.len == 0) {
        envelope->filter =
            effects->filter.len > 0 ? effects->filter : session->service->content_filter;
        return;
    }
    struct slice original = envelope->originals[0];
    effects->redirect_original = original.len > 0 ? original : envelope->recipients[0];
    envelope->recipients = &effects->redirect;
    envelope->originals = &effects->redirect_original;
    envelope->recipient_count = 1;
    envelope->wishes = NULL;
}
