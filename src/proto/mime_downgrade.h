/* Makes a message seven bits wide for a server that does not offer 8BITMIME: RFC 6152 §3, RFC 2045
 * §6. The body of each part that is labelled 8bit or binary becomes quoted-printable, and the label
 * says so; a multipart or a message within the message that was labelled so gets the label 7bit.
 * All else stays as it is, byte for byte: parts that are encoded already, those of seven bits,
 * headers, boundaries.
 *
 * Labels are believed at first. Parts that turn out to be `mislabelled`, with no label or the label
 * 7bit over more than that, need another run of the whole content in which they are known: then
 * they become quoted-printable too, and one that does not say what it is is called text in an
 * unknown character set (RFC 1428 §3). Such is the only part of a message without any MIME. A
 * message that is `hopeless` cannot be sent there: bytes beyond ASCII stand where no encoding may
 * be applied. Both are known when all of the content was taken.
 *
 * Bytes beyond ASCII in headers stay, for no label could tell what they mean. Those around the
 * parts of a multipart, which no reader shows, become '?'.
 *
 * The same content gives the same bytes however it is cut. Nothing is allocated; lines and headers
 * may have any length. */
#ifndef TUVI_PROTO_MIME_DOWNGRADE_H
#define TUVI_PROTO_MIME_DOWNGRADE_H

#include "proto/mime_boundaries.h"
#include "proto/mime_field.h"
#include "proto/quoted_printable.h"

enum {
    MIME_FIELD_NAME_MAX = 256,
    MIME_FIELD_MAX = 4096, /* as much of a Content-Type is looked at */
    MIME_OUTPUT_MAX = 16 << 10,
    MIME_PARTS_KNOWN = 1024, /* all behind these count as one */
};

/* A set of the parts of a message: those that have a header of their own, in their order. */
struct mime_parts {
    bool any;
    uint64_t bits[MIME_PARTS_KNOWN / 64];
};

enum mime_region { MIME_IN_HEADER, MIME_IN_BODY };

/* What happens to the bytes of a body. */
enum mime_body {
    MIME_BODY_AROUND, /* preamble and epilogue of a multipart */
    MIME_BODY_SEVEN,  /* by its label */
    MIME_BODY_QUOTED, /* becomes quoted-printable */
    MIME_BODY_CLOSED, /* can only stay as it is */
};

/* Where the next byte belongs. */
enum mime_line {
    MIME_LINE_OPENS,  /* to the beginning of a line of which it is not yet known what it is */
    MIME_LINE_PASSES, /* to a line that goes out as it is */
    MIME_LINE_FIELD,  /* to a header field that is looked at */
    MIME_LINE_BODY,
};

/* The header field that is open, for a folded line continues it. */
enum mime_field {
    MIME_FIELD_NONE,
    MIME_FIELD_OTHER,
    MIME_FIELD_TYPE,
    MIME_FIELD_LABEL, /* Content-Transfer-Encoding: not given out before it is whole */
};

/* What the header of a part has said so far. */
struct mime_part {
    bool outermost;
    enum mime_kind kind;
    bool type_seen;
    enum mime_encoding encoding;
    bool encoding_seen;
    bool label_due; /* its label was left out: another comes at the end of the header */
    bool version_seen;
};

struct mime_downgrade {
    struct mime_parts distrusted;
    struct mime_parts mislabelled;
    bool hopeless;
    size_t part_number;
    enum mime_region region;
    enum mime_body body;
    enum mime_line line;
    enum mime_field field;
    struct mime_part part;
    struct mime_boundaries boundaries;
    struct quoted_printable encoder;
    bool after_cr;
    size_t opening_len; /* of the line that opens */
    size_t field_len;
    size_t boundary_len; /* of the Content-Type of the part */
    char opening[MIME_BOUNDARY_LINE_MAX];
    char field_text[MIME_FIELD_MAX];
    char boundary[MIME_BOUNDARY_MAX];
    struct writer out; /* over output */
    char output[MIME_OUTPUT_MAX];
};

/* The parts that were found mislabelled, or NULL. */
void mime_downgrade_start(struct mime_downgrade *downgrade, const struct mime_parts *distrusted);

/* Takes from *content. The span that can go out now is valid until the next call, and may be empty
 * while there is content left; false when nothing is. */
bool mime_downgrade_next(struct mime_downgrade *downgrade, struct slice *content,
                         struct slice *span);

/* The content ends here: what is left to go out. */
struct slice mime_downgrade_end(struct mime_downgrade *downgrade);

#endif
