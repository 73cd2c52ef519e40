#include "config/master_options.h"

#include "base/check.h"
#include "base/err.h"
#include "config/words.h"

#include <string.h>

struct options {
    struct master_cursor *cursor;
    struct master_service *service;
    struct arena *arena;
    struct config_notes *notes;
    struct origin origin; /* of the word taken last */
    struct slice word;
    const struct line_piece *piece; /* looked at for orphaned options */
    size_t room;                    /* for overrides */
    bool failed;
};

static const struct line_piece *next_piece(const struct master_cursor *cursor)
{
    struct slice rest = cursor->rest, text = line_reader_text(cursor->reader), word;
    size_t offset = text.len - rest.len;
    if (words_next_blank(&rest, &word))
        offset = (size_t)(word.at - text.at);
    return line_reader_piece(cursor->reader, offset);
}

bool master_cursor_word(struct master_cursor *cursor, struct slice *word)
{
    return words_next_blank(&cursor->rest, word);
}

/* "{ text }" stands for the text, spaces and all. */
static struct err take_braces(struct slice word, struct slice *out)
{
    size_t len = words_group_len(word, '{', '}');
    if (len == 0)
        return err_make(ERR_OTHER, "missing '}' in \"%.*s\"", SLICE_PRINTF(config_quote(word)));
    if (len < word.len)
        return err_make(ERR_OTHER, "syntax error after '}' in \"%.*s\"; write a space there",
                        SLICE_PRINTF(config_quote(word)));
    *out = slice_trim(slice_make(word.at + 1, len - 2));
    return err_none();
}

/* A comment that was a service: "#submission inet n - y - - smtpd". */
static bool looks_like_service(struct slice comment)
{
    static const char *const types[] = {"inet", "unix", "fifo", "pass", "unix-dgram"};
    struct slice word = {0};
    bool has_type = false;
    while (slice_starts(comment, "#") || (comment.len > 0 && ascii_is_space(comment.at[0])))
        comment = slice_skip(comment, 1);
    if (!words_next_blank(&comment, &word) || !words_next_blank(&comment, &word))
        return false;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        has_type |= slice_is(word, types[i]);
    for (int column = 0; column < 3 && has_type; column++)
        has_type = words_next_blank(&comment, &word) && word.len == 1 &&
                   slice_find(slice_of("yn-"), word.at[0]) < 3;
    return has_type;
}

/* The number of the last comment in front of a piece that was a service; 0 when there is none. */
static unsigned commented_service(const struct line_piece *piece)
{
    struct slice rest = piece->skipped, line;
    unsigned found = 0;
    for (unsigned number = piece->skipped_line; line_take(&rest, &line); number++)
        if (looks_like_service(line))
            found = number;
    return found;
}

/* A service was commented out and its options were forgotten: now they change the service above. */
static void warn_if_orphaned(struct options *o, const struct line_piece *piece)
{
    if (o->piece == piece || !slice_starts(o->word, "-o"))
        return;
    o->piece = piece;
    unsigned comment = commented_service(piece);
    if (comment > 0)
        config_note(o->notes, CONFIG_WARNING, &o->origin,
                    "this -o changes the service %.*s of line %u, because the service of line %u "
                    "is commented out; if it belongs to that one, comment it out as well",
                    SLICE_PRINTF(config_quote(slice_of(o->service->name))), o->service->origin.line,
                    comment);
}

/* False at the end, and after a mistake that leaves nothing to go on with. */
static bool take_word(struct options *o)
{
    const struct line_piece *piece = next_piece(o->cursor);
    struct err err = err_none();
    if (o->failed || !master_cursor_word(o->cursor, &o->word))
        return false;
    o->origin = (struct origin){ORIGIN_MASTER_CF, o->service->origin.file, piece->line};
    if (slice_starts(o->word, "{"))
        err = take_braces(o->word, &o->word);
    if (err_is(&err))
        config_note(o->notes, CONFIG_ERROR, &o->origin, "%s", err.text);
    o->failed = err_is(&err);
    if (!o->failed)
        warn_if_orphaned(o, piece);
    return !o->failed;
}

static struct slice peek(const struct options *o)
{
    struct slice rest = o->cursor->rest, word = {0};
    words_next_blank(&rest, &word);
    return word;
}

/* After a mistake the words up to the next option belong to it and are not reported again. */
static void skip_to_option(struct options *o)
{
    while (peek(o).len > 0 && !slice_starts(peek(o), "-") && take_word(o))
        ;
}

static void add_override(struct options *o, struct slice name, struct slice value)
{
    CHECK(o->service->override_count < o->room);
    struct setting *override = &o->service->overrides[o->service->override_count++];
    override->name = keep_text(o->arena, name);
    override->value = keep_text(o->arena, value);
    override->origin = o->origin;
}

static void take_assignment(struct options *o)
{
    struct slice name, value;
    const char *wrong = setting_split(o->word, &name, &value);
    if (wrong == NULL) {
        add_override(o, name, value);
        return;
    }
    if (slice_starts(peek(o), "=")) {
        config_note(o->notes, CONFIG_ERROR, &o->origin,
                    "-o %.*s = ...: a setting with spaces around = stands in braces: "
                    "write -o { %.*s = ... } or -o %.*s=...",
                    SLICE_PRINTF(config_quote(o->word)), SLICE_PRINTF(config_quote(o->word)),
                    SLICE_PRINTF(config_quote(o->word)));
        skip_to_option(o);
        return;
    }
    config_note(o->notes, CONFIG_ERROR, &o->origin, "-o: %s: \"%.*s\"; write -o NAME=VALUE", wrong,
                SLICE_PRINTF(config_quote(o->word)));
}

/* The word is "-o" or "-oname=value". */
static void take_override(struct options *o)
{
    if (o->word.len > 2) {
        o->word = slice_skip(o->word, 2);
        take_assignment(o);
    } else if (take_word(o)) {
        take_assignment(o);
    } else if (!o->failed) {
        config_note(o->notes, CONFIG_ERROR, &o->origin,
                    "-o without a setting behind it; write -o NAME=VALUE");
    }
}

/* -v may be repeated, also as -vv; -D asks for a debugger, which Tuvi has no need to start. */
static bool take_flags(struct options *o)
{
    for (size_t i = 1; i < o->word.len; i++) {
        if (o->word.at[i] == 'v')
            o->service->verbosity++;
        else if (o->word.at[i] != 'D')
            return false;
    }
    return o->word.len > 1;
}

static void refuse_word(struct options *o)
{
    const struct master_service *service = o->service;
    if (slice_starts(o->word, "-")) {
        config_note(o->notes, CONFIG_ERROR, &o->origin,
                    "unknown option %.*s of smtpd; -o NAME=VALUE, -v and -D are known",
                    SLICE_PRINTF(config_quote(o->word)));
        return;
    }
    const char *before =
        service->override_count > 0 ? service->overrides[service->override_count - 1].name : "NAME";
    config_note(o->notes, CONFIG_ERROR, &o->origin,
                "unexpected command-line argument: %.*s; if it belongs to the value before it, "
                "write that one in braces: -o { %.*s = ... }",
                SLICE_PRINTF(config_quote(o->word)), SLICE_PRINTF(config_quote(slice_of(before))));
    skip_to_option(o);
}

/* No more overrides than words. */
static void make_room(struct options *o)
{
    struct slice rest = o->cursor->rest, word;
    while (words_next_blank(&rest, &word))
        o->room++;
    if (o->room > 0)
        o->service->overrides = keep_new(o->arena, o->room * sizeof *o->service->overrides);
}

void master_options_take(struct master_cursor *cursor, struct master_service *service,
                         struct arena *arena, struct config_notes *notes)
{
    struct options o = {.cursor = cursor, .service = service, .arena = arena, .notes = notes};
    bool knows_all = strcmp(service->command, "smtpd") == 0;
    make_room(&o);
    while (take_word(&o)) {
        if (slice_starts(o.word, "-o"))
            take_override(&o);
        else if (slice_starts(o.word, "-") && take_flags(&o))
            continue;
        else if (knows_all)
            refuse_word(&o);
        else
            break;
    }
}
