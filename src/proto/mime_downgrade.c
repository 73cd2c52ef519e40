#include "proto/mime_downgrade.h"

#include "base/check.h"

#include <string.h>

enum {
    /* The most that one byte can set free: the label that was held, all that is added to a header,
     * and a line that was taken for a boundary until now, encoded. */
    SET_FREE_MAX = 256 + 256 + MIME_BOUNDARY_LINE_MAX * 3 + MIME_BOUNDARY_LINE_MAX / 24 * 3 +
                   QUOTED_PRINTABLE_BYTE_MAX,
    LABEL_MAX = 256, /* a longer Content-Transfer-Encoding is none that we know */
};

/* ---- parts ---- */

static void parts_add(struct mime_parts *parts, size_t number)
{
    parts->any = true;
    parts->bits[number / 64] |= UINT64_C(1) << number % 64;
}

static bool parts_have(const struct mime_parts *parts, size_t number)
{
    return (parts->bits[number / 64] >> number % 64 & 1) != 0;
}

/* Its label is not to be believed. */
static bool is_distrusted(const struct mime_downgrade *m)
{
    return parts_have(&m->distrusted, m->part_number);
}

static void start_part(struct mime_downgrade *m, enum mime_kind kind)
{
    if (m->part_number < MIME_PARTS_KNOWN - 1)
        m->part_number++;
    m->region = MIME_IN_HEADER;
    m->field = MIME_FIELD_NONE;
    m->part = (struct mime_part){.kind = kind};
    m->boundary_len = 0;
}

void mime_downgrade_start(struct mime_downgrade *m, const struct mime_parts *distrusted)
{
    m->mislabelled = m->distrusted = (struct mime_parts){0};
    if (distrusted != NULL)
        m->distrusted = *distrusted;
    m->hopeless = m->after_cr = false;
    m->part_number = 0;
    m->line = MIME_LINE_OPENS;
    m->opening_len = m->field_len = 0;
    m->boundaries.depth = m->boundaries.text_len = 0;
    start_part(m, MIME_LEAF);
    m->part.outermost = true;
}

static struct slice opening_of(const struct mime_downgrade *m)
{
    return slice_make(m->opening, m->opening_len);
}

static bool ends_line(struct slice text)
{
    return text.len >= 2 && text.at[text.len - 2] == '\r' && text.at[text.len - 1] == '\n';
}

/* ---- bodies ---- */

static bool is_beyond_ascii(char byte)
{
    return (unsigned char)byte > 0x7f;
}

static void put_body_byte(struct mime_downgrade *m, char byte)
{
    bool beyond = is_beyond_ascii(byte);
    switch (m->body) {
    case MIME_BODY_QUOTED:
        quoted_printable_add(&m->encoder, byte, &m->out);
        return;
    case MIME_BODY_AROUND:
        writer_byte(&m->out, beyond ? '?' : byte);
        return;
    case MIME_BODY_SEVEN:
        if (beyond)
            parts_add(&m->mislabelled, m->part_number);
        break;
    case MIME_BODY_CLOSED:
        m->hopeless = m->hopeless || beyond;
        break;
    }
    writer_byte(&m->out, byte);
}

static bool changes(const struct mime_downgrade *m, struct slice line)
{
    if (m->body == MIME_BODY_QUOTED)
        return !quoted_printable_is_plain(line);
    for (size_t i = 0; i < line.len; i++)
        if (is_beyond_ascii(line.at[i]))
            return m->body == MIME_BODY_AROUND;
    return false;
}

/* The beginning of a line of the body, now that it is known to be no boundary. Where it does not go
 * out as it came it might become one; so its first dash goes. */
static void put_opening(struct mime_downgrade *m)
{
    struct slice line = opening_of(m);
    if (slice_starts(line, "--") && changes(m, line)) {
        if (m->body == MIME_BODY_QUOTED)
            quoted_printable_add_encoded(&m->encoder, '-', &m->out);
        else
            writer_byte(&m->out, '?');
        line = slice_skip(line, 1);
    }
    for (size_t i = 0; i < line.len; i++)
        put_body_byte(m, line.at[i]);
    m->line = ends_line(line) ? MIME_LINE_OPENS : MIME_LINE_BODY;
    m->opening_len = 0;
}

/* ---- header fields ---- */

static struct slice field_value(const struct mime_downgrade *m)
{
    struct slice text = slice_make(m->field_text, m->field_len);
    return slice_skip(text, slice_find(text, ':') + 1);
}

static void take_type(struct mime_downgrade *m)
{
    struct writer boundary = writer_over(m->boundary, sizeof m->boundary);
    if (m->part.type_seen)
        return;
    m->part.type_seen = true;
    m->part.kind = mime_read_type(field_value(m), &boundary);
    m->boundary_len = boundary.len;
}

/* Readers take the first of several labels. Those that are wrong after us are left out. */
static void take_label(struct mime_downgrade *m)
{
    enum mime_encoding encoding = mime_read_encoding(field_value(m));
    bool first = !m->part.encoding_seen;
    if (first)
        m->part.encoding = encoding;
    m->part.encoding_seen = true;
    bool wrong = encoding == MIME_EIGHT_BIT || (is_distrusted(m) && encoding == MIME_SEVEN_BIT) ||
                 m->part.label_due;
    m->part.label_due = m->part.label_due || (first && wrong);
    if (!wrong)
        writer_bytes(&m->out, slice_make(m->field_text, m->field_len));
}

static void close_field(struct mime_downgrade *m)
{
    if (m->field == MIME_FIELD_TYPE)
        take_type(m);
    if (m->field == MIME_FIELD_LABEL)
        take_label(m);
    m->field = MIME_FIELD_NONE;
    m->field_len = 0;
}

/* A label that is too long goes out, and says that we do not know the encoding. */
static void give_label_up(struct mime_downgrade *m)
{
    writer_bytes(&m->out, slice_make(m->field_text, m->field_len));
    if (!m->part.encoding_seen)
        m->part.encoding = MIME_ENCODED;
    m->part.encoding_seen = true;
    m->field = MIME_FIELD_OTHER;
    m->field_len = 0;
}

static void put_field_byte(struct mime_downgrade *m, char byte)
{
    if (m->field == MIME_FIELD_LABEL && m->field_len == LABEL_MAX)
        give_label_up(m);
    if (m->field != MIME_FIELD_LABEL)
        writer_byte(&m->out, byte);
    if (m->field != MIME_FIELD_OTHER && m->field_len < MIME_FIELD_MAX)
        m->field_text[m->field_len++] = byte;
}

static void put_opening_of_field(struct mime_downgrade *m)
{
    struct slice line = opening_of(m);
    for (size_t i = 0; i < line.len; i++)
        put_field_byte(m, line.at[i]);
    m->line = ends_line(line) ? MIME_LINE_OPENS : MIME_LINE_FIELD;
    m->opening_len = 0;
}

static void open_field(struct mime_downgrade *m, struct slice name)
{
    close_field(m);
    m->field = MIME_FIELD_OTHER;
    if (slice_is_nocase(name, "Content-Type"))
        m->field = MIME_FIELD_TYPE;
    else if (slice_is_nocase(name, "Content-Transfer-Encoding"))
        m->field = MIME_FIELD_LABEL;
    else if (slice_is_nocase(name, "MIME-Version"))
        m->part.version_seen = true;
    put_opening_of_field(m);
}

/* ---- the end of a header ---- */

static enum mime_body leaf_body(const struct mime_downgrade *m)
{
    static const enum mime_body bodies[] = {[MIME_SEVEN_BIT] = MIME_BODY_SEVEN,
                                            [MIME_EIGHT_BIT] = MIME_BODY_QUOTED,
                                            [MIME_ENCODED] = MIME_BODY_CLOSED};
    if (is_distrusted(m) && m->part.encoding == MIME_SEVEN_BIT)
        return MIME_BODY_QUOTED;
    return bodies[m->part.encoding];
}

/* RFC 2045 §6.4: nothing that holds parts may be encoded as a whole. */
static enum mime_body choose_body(struct mime_downgrade *m)
{
    struct slice boundary = slice_make(m->boundary, m->boundary_len);
    bool digest = m->part.kind == MIME_DIGEST;
    if (m->part.kind == MIME_LEAF)
        return leaf_body(m);
    bool holds_parts = m->part.kind == MIME_MULTIPART || digest;
    if (holds_parts && mime_boundaries_push(&m->boundaries, boundary, digest))
        return MIME_BODY_AROUND;
    return MIME_BODY_CLOSED;
}

static bool holds_a_message(const struct mime_part *part)
{
    return part->kind == MIME_MESSAGE && part->encoding != MIME_ENCODED;
}

/* RFC 2045 §4: without a version no reader need heed what is said about parts and encodings. */
static void add_fields(struct mime_downgrade *m)
{
    const struct mime_part *part = &m->part;
    bool quoted = m->body == MIME_BODY_QUOTED;
    if (part->outermost && !part->version_seen && (quoted || part->kind != MIME_LEAF))
        writer_text(&m->out, "MIME-Version: 1.0\r\n");
    if (quoted && !part->type_seen && part->encoding == MIME_SEVEN_BIT)
        writer_text(&m->out, "Content-Type: text/plain; charset=unknown-8bit\r\n");
    if (quoted)
        writer_text(&m->out, "Content-Transfer-Encoding: quoted-printable\r\n");
    else if (part->label_due)
        writer_text(&m->out, "Content-Transfer-Encoding: 7bit\r\n");
}

static void end_header(struct mime_downgrade *m)
{
    close_field(m);
    m->body = choose_body(m);
    add_fields(m);
    quoted_printable_start(&m->encoder);
    if (holds_a_message(&m->part))
        start_part(m, MIME_LEAF);
    else
        m->region = MIME_IN_BODY;
}

/* ---- lines ---- */

enum verdict { VERDICT_WAIT, VERDICT_FIELD, VERDICT_NO_FIELD };

/* RFC 5322 §2.2: printable characters and a colon, before which older mail may have space. */
static enum verdict judge_name(struct slice line, struct slice *name)
{
    size_t len = 0, colon;
    while (len < line.len && ascii_is_printable(line.at[len]) && line.at[len] != ' ' &&
           line.at[len] != ':')
        len++;
    colon = len;
    while (colon < line.len && (line.at[colon] == ' ' || line.at[colon] == '\t'))
        colon++;
    *name = slice_first(line, len);
    if (len > MIME_FIELD_NAME_MAX || colon - len > MIME_FIELD_NAME_MAX)
        return VERDICT_NO_FIELD;
    if (colon == line.len)
        return VERDICT_WAIT;
    return len > 0 && line.at[colon] == ':' ? VERDICT_FIELD : VERDICT_NO_FIELD;
}

/* The header ends without the empty line that should. One is put there where something was added,
 * which would look like the beginning of the body, or where what follows is changed, which must not
 * come to look like one more field. */
static void end_header_early(struct mime_downgrade *m)
{
    size_t before = m->out.len;
    end_header(m);
    if (m->out.len > before || m->body == MIME_BODY_QUOTED || m->body == MIME_BODY_AROUND)
        writer_text(&m->out, "\r\n");
}

/* VERDICT_NO_FIELD: the line is not one of the header. Else it was dealt with, or waits. */
static enum verdict open_header_line(struct mime_downgrade *m)
{
    struct slice line = opening_of(m), name;
    if (slice_is(line, "\r"))
        return VERDICT_WAIT;
    if (slice_is(line, "\r\n")) {
        end_header(m);
        writer_bytes(&m->out, line);
        m->opening_len = 0;
        return VERDICT_FIELD;
    }
    bool folded = line.at[0] == ' ' || line.at[0] == '\t';
    if (folded && m->field != MIME_FIELD_NONE) {
        put_opening_of_field(m);
        return VERDICT_FIELD;
    }
    enum verdict verdict = judge_name(line, &name);
    if (verdict == VERDICT_FIELD)
        open_field(m, name);
    return verdict;
}

/* Whether more of the line has to be seen before it is known to be a boundary or none. */
static bool may_become_boundary(const struct mime_downgrade *m)
{
    struct slice line = opening_of(m);
    if (m->boundaries.depth == 0 || line.len == MIME_BOUNDARY_LINE_MAX || ends_line(line))
        return false;
    return slice_starts(line, "--") || slice_is(line, "-");
}

static void put_delimiter(struct mime_downgrade *m, struct mime_delimiter delimiter)
{
    struct slice line = opening_of(m);
    writer_bytes(&m->out, line);
    m->line = ends_line(line) ? MIME_LINE_OPENS : MIME_LINE_PASSES;
    m->opening_len = 0;
    m->body = MIME_BODY_AROUND;
    m->region = MIME_IN_BODY;
    if (!delimiter.closes)
        start_part(m, delimiter.digest ? MIME_MESSAGE : MIME_LEAF);
}

/* What is known to be no line of a header: a boundary, or a line of the body. */
static void take_body_line(struct mime_downgrade *m)
{
    struct mime_delimiter delimiter = mime_boundaries_meet(&m->boundaries, opening_of(m));
    if (delimiter.found)
        put_delimiter(m, delimiter);
    else
        put_opening(m);
}

/* What the line is may be known now. One that ends a header is looked at again, since it may be the
 * boundary that the header named; and once more when a message begins there, which has no header
 * then. */
static void judge_opening(struct mime_downgrade *m)
{
    while (!may_become_boundary(m)) {
        if (m->region == MIME_IN_BODY) {
            take_body_line(m);
            return;
        }
        if (mime_boundaries_has(&m->boundaries, opening_of(m))) {
            end_header(m);
            m->region = MIME_IN_BODY;
        } else if (open_header_line(m) != VERDICT_NO_FIELD) {
            return;
        } else {
            end_header_early(m);
        }
    }
}

/* ---- bytes ---- */

static void add_byte(struct mime_downgrade *m, char byte)
{
    bool ends = m->after_cr && byte == '\n';
    m->after_cr = byte == '\r';
    switch (m->line) {
    case MIME_LINE_OPENS:
        m->opening[m->opening_len++] = byte;
        judge_opening(m);
        return;
    case MIME_LINE_PASSES:
        writer_byte(&m->out, byte);
        break;
    case MIME_LINE_FIELD:
        put_field_byte(m, byte);
        break;
    case MIME_LINE_BODY:
        put_body_byte(m, byte);
        break;
    }
    if (ends)
        m->line = MIME_LINE_OPENS;
}

bool mime_downgrade_next(struct mime_downgrade *m, struct slice *content, struct slice *span)
{
    size_t taken = 0;
    if (content->len == 0)
        return false;
    m->out = writer_over(m->output, sizeof m->output);
    while (taken < content->len && m->out.len + SET_FREE_MAX <= sizeof m->output)
        add_byte(m, content->at[taken++]);
    CHECK(!m->out.overflow);
    *content = slice_skip(*content, taken);
    *span = writer_slice(&m->out);
    return true;
}

/* A line that did not come to its end is what it is now. */
struct slice mime_downgrade_end(struct mime_downgrade *m)
{
    m->out = writer_over(m->output, sizeof m->output);
    if (m->region == MIME_IN_HEADER && m->opening_len > 0)
        end_header_early(m);
    else if (m->region == MIME_IN_HEADER)
        end_header(m);
    m->region = MIME_IN_BODY;
    if (m->opening_len > 0)
        take_body_line(m);
    if (m->body == MIME_BODY_QUOTED)
        quoted_printable_end(&m->encoder, &m->out);
    CHECK(!m->out.overflow);
    return writer_slice(&m->out);
}
