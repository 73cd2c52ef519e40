/* Transcripts: dialogues written down, one a file, played against a machine whole and in small
 * reads. The trace of the machine's steps must be the same in every cut.
 *
 *   # a comment
 *   set NAME VALUE     a setting of the machine
 *   C: text            a line of the client, with CRLF; "C~ raw\r\n" has escapes and no CRLF added
 *   S: text            a line of the server; "S~" as above
 *   body text          a line of content, with CRLF; "body~ raw" as above
 *   say text           the answer to the question before it
 *   tls                the machine starts TLS here; what follows arrives afterwards
 *   event what         an event that comes when all bytes before it were taken
 *   ask …, close …     any other line: a step that the machine must take next
 *
 * Lines of the peer of the machine under test arrive; lines of its own side are expected. */
#ifndef TUVI_TESTS_TRANSCRIPT_H
#define TUVI_TESTS_TRANSCRIPT_H

#include "base/buf.h"
#include "base/slice.h"

/* A machine under test. */
struct player {
    const char *name; /* of the folder with its transcripts */
    char peer_mark;   /* 'C' or 'S': whose lines arrive at the machine */
    void (*set)(struct slice name, struct slice value);
    void (*start)(void);
    /* One step. Consumes from *input. False: more input is needed. Else *trace gets the step's
     * line, or, for content, *body gets its bytes and the trace stays empty. */
    bool (*step)(struct slice *input, struct buf *trace, struct buf *body);
    void (*say)(struct slice answer);
    void (*tls)(void);
    void (*event)(struct slice what);
};

extern const struct player smtp_server_player;
extern const struct player smtp_client_player;

#endif
