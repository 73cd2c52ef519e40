#include "mta/outgoing.h"

#include "base/memory.h"

void outgoing_start(struct outgoing *outgoing, struct spool *spool, const struct spool_view *view,
                    enum outgoing_form form)
{
    struct mime_parts mislabelled = outgoing->mislabelled;
    outgoing_free(outgoing);
    content_start(&outgoing->content, spool, view);
    if (form == OUTGOING_AS_IT_IS)
        return;
    outgoing->downgrade = memory_new(sizeof *outgoing->downgrade);
    mime_downgrade_start(outgoing->downgrade, &mislabelled);
}

void outgoing_survey(struct outgoing *outgoing, struct spool *spool, const struct spool_view *view)
{
    outgoing_free(outgoing);
    outgoing_start(outgoing, spool, view, OUTGOING_SEVEN_BIT);
}

void outgoing_free(struct outgoing *outgoing)
{
    content_free(&outgoing->content);
    memory_free(outgoing->downgrade);
    *outgoing = (struct outgoing){0};
}

static enum content_step end(struct outgoing *outgoing, struct slice *span)
{
    if (outgoing->ended)
        return CONTENT_END;
    outgoing->ended = true;
    *span = mime_downgrade_end(outgoing->downgrade);
    return span->len > 0 ? CONTENT_SPAN : CONTENT_END;
}

/* The downgrade may keep what it was given until it sees more. */
static enum content_step next_of_seven_bits(struct outgoing *outgoing, struct slice *span)
{
    for (;;) {
        while (mime_downgrade_next(outgoing->downgrade, &outgoing->rest, span))
            if (span->len > 0)
                return CONTENT_SPAN;
        enum content_step step = content_next(&outgoing->content, &outgoing->rest);
        if (step == CONTENT_END)
            return end(outgoing, span);
        if (step != CONTENT_SPAN)
            return step;
    }
}

enum content_step outgoing_next(struct outgoing *outgoing, struct slice *span)
{
    if (outgoing->downgrade != NULL)
        return next_of_seven_bits(outgoing, span);
    return content_next(&outgoing->content, span);
}

enum outgoing_form outgoing_verdict(struct outgoing *outgoing)
{
    outgoing->mislabelled = outgoing->downgrade->mislabelled;
    return outgoing->downgrade->hopeless ? OUTGOING_NEVER : OUTGOING_SEVEN_BIT;
}
