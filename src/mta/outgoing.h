/* The content of a message on its way to a server: as it stands in the spool, or made seven bits
 * wide on the way (proto/mime_downgrade). Whether that can be done, and how, is only known when all
 * of it was read: so such content is surveyed first. */
#ifndef TUVI_MTA_OUTGOING_H
#define TUVI_MTA_OUTGOING_H

#include "proto/mime_downgrade.h"
#include "spool/content.h"

enum outgoing_form {
    OUTGOING_AS_IT_IS,
    OUTGOING_SEVEN_BIT,
    OUTGOING_NEVER, /* it cannot be made seven bits wide */
};

struct outgoing {
    struct content content;
    struct mime_downgrade *downgrade; /* or NULL: as it is */
    struct slice rest;                /* of the content, not yet downgraded */
    bool ended;
    struct mime_parts mislabelled; /* as the survey of the same content found them */
};

/* The view must stay valid while it is read. What was under way before is forgotten. */
void outgoing_survey(struct outgoing *outgoing, struct spool *spool, const struct spool_view *view);
/* The same, but what a survey of this content has found counts. */
void outgoing_start(struct outgoing *outgoing, struct spool *spool, const struct spool_view *view,
                    enum outgoing_form form);
void outgoing_free(struct outgoing *outgoing);

/* As content_next. A span is not empty. */
enum content_step outgoing_next(struct outgoing *outgoing, struct slice *span);

/* The survey has come to the end: the form in which it can be sent. */
enum outgoing_form outgoing_verdict(struct outgoing *outgoing);

#endif
