#include "config/member.h"

#include "config/lines.h"
#include "config/words.h"

static size_t type_word_len(struct slice text)
{
    size_t colon = slice_find(text, ':');
    if (colon == 0 || colon == text.len || !ascii_is_letter(text.at[0]))
        return 0;
    for (size_t i = 0; i < colon; i++) {
        char c = text.at[i];
        if (!ascii_is_letter(c) && !ascii_is_digit(c) && c != '_' && c != '-')
            return 0;
    }
    return colon;
}

/* A table's type is a word in front of a colon, or "proxy:" and such a word; addresses have digits
 * or brackets there. */
static size_t table_type_len(struct slice text)
{
    size_t len = type_word_len(text);
    size_t inner = slice_starts(text, "proxy:") ? type_word_len(slice_skip(text, len + 1)) : 0;
    return inner > 0 ? len + 1 + inner : len;
}

/* Takes the next member from the text; false at the end. */
static bool member_next(struct slice *rest, struct member *out)
{
    struct member member = {.kind = MEMBER_PATTERN};
    if (!words_next(rest, &member.text))
        return false;
    while (slice_starts(member.text, "!")) {
        member.excluded = !member.excluded;
        member.text = slice_skip(member.text, 1);
    }
    if (slice_starts(member.text, "/"))
        member.kind = MEMBER_FILE;
    else if (table_type_len(member.text) > 0)
        member.kind = MEMBER_TABLE;
    *out = member;
    return true;
}

struct member_reader member_reader_over(struct slice text, const struct table_source *source)
{
    return (struct member_reader){.rest = text, .source = source};
}

struct err member_reader_wrong(const struct member_reader *r, const struct err *what)
{
    if (r->path[0] == '\0')
        return *what;
    return err_make(what->code, "%s, line %u: %s", r->path, r->line, what->text);
}

static bool next_in_file(struct member_reader *r, struct member *out)
{
    struct slice line;
    while (!member_next(&r->line_rest, out)) {
        if (!line_take(&r->file_rest, &line)) {
            r->path[0] = '\0';
            return false;
        }
        r->line++;
        r->line_rest = slice_starts(line, "#") ? slice_make(NULL, 0) : line;
    }
    out->excluded = out->excluded != r->excluded;
    return true;
}

static struct err open_file(struct member_reader *r, const struct member *member)
{
    TRY(config_file_find(r->source->files, r->source->folder, member->text, r->path,
                         &r->file_rest));
    r->line_rest = slice_make(NULL, 0);
    r->line = 0;
    r->excluded = member->excluded;
    return err_none();
}

/* A file in a file could name itself. */
static struct err no_file_in_file(const struct member_reader *r, const struct member *member)
{
    struct err what = err_make(ERR_OTHER, "%.*s: a file of members cannot name another one",
                               SLICE_PRINTF(config_quote(member->text)));
    return member_reader_wrong(r, &what);
}

bool member_reader_next(struct member_reader *r, struct member *out, struct err *err)
{
    *err = err_none();
    for (;;) {
        bool in_file = r->path[0] != '\0';
        if (in_file && !next_in_file(r, out))
            continue;
        if (!in_file && !member_next(&r->rest, out))
            return false;
        if (out->kind != MEMBER_FILE)
            return true;
        *err = in_file ? no_file_in_file(r, out) : open_file(r, out);
        if (err_is(err))
            return false;
    }
}
