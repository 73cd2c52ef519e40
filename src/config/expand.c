#include "config/expand.h"

#include "config/value.h"
#include "config/words.h"

/* The happy path: a stack of texts, the topmost being read. Plain bytes go to out; a reference puts
 * the text that it stands for on the stack. A comparison puts up its left side, then its right
 * side, takes what both wrote away again, and puts up the branch that it chose. */

enum { QUOTE_MAX = 60 };

/* Longer signs stand before the shorter ones that they begin with. The columns say whether it holds
 * when the left side is below, equal to or above the right one. */
static const struct relation {
    const char *sign;
    bool below, equal, above;
} relations[] = {
    {"==", false, true, false}, {"!=", true, false, true}, {"<=", true, true, false},
    {">=", false, true, true},  {"<", true, false, false}, {">", false, false, true},
};

enum frame_kind { FRAME_TEXT, FRAME_LEFT, FRAME_RIGHT };

struct branches {
    bool given;
    struct slice then, otherwise;
};

struct comparison {
    const struct relation *relation;
    bool by_level;
    struct slice right;
    struct branches branches;
};

struct frame {
    enum frame_kind kind;
    struct slice rest; /* what is still to be read */
    struct slice name; /* whose value it is; empty for a branch or a side */
    struct comparison comparison;
    size_t left_at, right_at; /* where the sides begin in out */
};

struct expander {
    const struct expand_names *names;
    struct writer *out;
    size_t depth;
    size_t steps;
    struct frame frames[EXPAND_DEPTH_MAX];
};

static bool is_name_byte(char c)
{
    return ascii_is_letter(c) || ascii_is_digit(c) || c == '_';
}

static struct slice leading_name(struct slice text)
{
    size_t len = 0;
    while (len < text.len && is_name_byte(text.at[len]))
        len++;
    return slice_first(text, len);
}

static struct slice skip_space(struct slice text)
{
    while (text.len > 0 && ascii_is_space(text.at[0]))
        text = slice_skip(text, 1);
    return text;
}

static struct err syntax_error(const char *wrong, struct slice at)
{
    return err_make(ERR_OTHER, "%s at \"%.*s\"", wrong, SLICE_PRINTF(slice_first(at, QUOTE_MAX)));
}

static struct err written(const struct expander *e)
{
    if (e->out->overflow)
        return err_make(ERR_OTHER, "the expanded value is longer than %d bytes", EXPAND_LEN_MAX);
    return err_none();
}

static struct err push(struct expander *e, const struct frame *frame)
{
    if (e->depth == EXPAND_DEPTH_MAX)
        return err_make(ERR_OTHER, "more than %d references inside one another", EXPAND_DEPTH_MAX);
    if (++e->steps > EXPAND_STEPS_MAX)
        return err_make(ERR_OTHER, "more than %d references", EXPAND_STEPS_MAX);
    e->frames[e->depth++] = *frame;
    return err_none();
}

static struct err push_text(struct expander *e, struct slice text)
{
    struct frame frame = {.kind = FRAME_TEXT, .rest = text};
    return push(e, &frame);
}

static struct err push_value(struct expander *e, struct slice name)
{
    struct frame frame = {.kind = FRAME_TEXT, .name = name};
    for (size_t i = 0; i < e->depth; i++)
        if (slice_equal(e->frames[i].name, name))
            return err_make(ERR_OTHER, "$%.*s refers to itself",
                            SLICE_PRINTF(slice_first(name, QUOTE_MAX)));
    if (e->names->find(e->names->context, name, &frame.rest))
        return push(e, &frame);
    if (e->names->unknown != NULL)
        e->names->unknown(e->names->context, name);
    return err_none();
}

/* A branch in braces, with what follows it; or all the text, white space included. */
static struct err take_branch(struct slice text, struct slice *branch, struct slice *rest)
{
    struct slice after = skip_space(text);
    if (!slice_starts(after, "{")) {
        *branch = text;
        *rest = slice_make(NULL, 0);
        return err_none();
    }
    size_t len = words_group_len(after, '{', '}');
    if (len == 0)
        return syntax_error("a \"{\" without its \"}\"", after);
    *branch = slice_make(after.at + 1, len - 2);
    *rest = skip_space(slice_skip(after, len));
    return err_none();
}

/* What stands behind a name or a comparison: nothing, "?text", ":text", "?{text}:{text}". */
static struct err take_branches(struct slice text, struct branches *out)
{
    struct slice rest = skip_space(text);
    struct branches branches = {0};
    bool has_then = slice_starts(rest, "?");
    if (rest.len == 0) {
        *out = branches;
        return err_none();
    }
    if (!has_then && !slice_starts(rest, ":"))
        return syntax_error("\"?\" or \":\" expected", rest);
    branches.given = true;
    if (has_then)
        TRY(take_branch(slice_skip(rest, 1), &branches.then, &rest));
    if (rest.len > 0 && !slice_starts(rest, ":"))
        return syntax_error("\":\" expected", rest);
    if (rest.len > 0)
        TRY(take_branch(slice_skip(rest, 1), &branches.otherwise, &rest));
    if (rest.len > 0)
        return syntax_error("nothing more expected", rest);
    *out = branches;
    return err_none();
}

static struct err take_relation(struct slice *rest, struct comparison *comparison)
{
    struct slice text = skip_space(*rest);
    const struct relation *found = NULL;
    for (size_t i = 0; i < sizeof relations / sizeof *relations && found == NULL; i++)
        if (slice_starts(text, relations[i].sign))
            found = &relations[i];
    if (found == NULL)
        return syntax_error("one of == != < <= > >= expected", text);
    text = slice_skip(text, slice_of(found->sign).len);
    comparison->relation = found;
    comparison->by_level = slice_starts(text, "level");
    if (comparison->by_level)
        text = slice_skip(text, slice_of("level").len);
    *rest = skip_space(text);
    return err_none();
}

static struct err take_side(struct slice *rest, struct slice *side)
{
    if (!slice_starts(*rest, "{"))
        return syntax_error("a side of a comparison stands in braces; \"{\" expected", *rest);
    size_t len = words_group_len(*rest, '{', '}');
    if (len == 0)
        return syntax_error("a \"{\" without its \"}\"", *rest);
    *side = slice_make(rest->at + 1, len - 2);
    *rest = slice_skip(*rest, len);
    return err_none();
}

static struct err take_comparison(struct expander *e, struct slice inside)
{
    struct frame frame = {.kind = FRAME_LEFT, .left_at = e->out->len};
    TRY(take_side(&inside, &frame.rest));
    TRY(take_relation(&inside, &frame.comparison));
    TRY(take_side(&inside, &frame.comparison.right));
    TRY(take_branches(inside, &frame.comparison.branches));
    return push(e, &frame);
}

static bool is_set(const struct expander *e, struct slice name)
{
    struct slice value = {0};
    return e->names->find(e->names->context, name, &value) && value.len > 0;
}

/* What stands between "${" and "}". */
static struct err take_group(struct expander *e, struct slice inside)
{
    struct slice text = skip_space(inside);
    struct branches branches;
    if (slice_starts(text, "{"))
        return take_comparison(e, text);
    struct slice name = leading_name(text);
    if (name.len == 0)
        return syntax_error("a name is missing", inside);
    TRY(take_branches(slice_skip(text, name.len), &branches));
    if (!branches.given)
        return push_value(e, name);
    return push_text(e, is_set(e, name) ? branches.then : branches.otherwise);
}

static struct err take_reference(struct expander *e, struct frame *frame)
{
    struct slice whole = frame->rest, after = slice_skip(whole, 1);
    char opening = after.len > 0 ? after.at[0] : '\0';
    if (opening == '$') {
        frame->rest = slice_skip(after, 1);
        writer_byte(e->out, '$');
        return written(e);
    }
    if (opening == '{' || opening == '(') {
        size_t len = words_group_len(after, opening, opening == '{' ? '}' : ')');
        if (len == 0)
            return syntax_error("a reference is not closed", whole);
        frame->rest = slice_skip(after, len);
        return take_group(e, slice_make(after.at + 1, len - 2));
    }
    struct slice name = leading_name(after);
    if (name.len == 0)
        return syntax_error("a name is missing behind $ (for the character itself write $$)",
                            whole);
    frame->rest = slice_skip(after, name.len);
    return push_value(e, name);
}

static struct err take_step(struct expander *e, struct frame *frame)
{
    size_t dollar = slice_find(frame->rest, '$');
    writer_bytes(e->out, slice_first(frame->rest, dollar));
    frame->rest = slice_skip(frame->rest, dollar);
    TRY(written(e));
    return frame->rest.len > 0 ? take_reference(e, frame) : err_none();
}

static int order_of_texts(struct slice a, struct slice b)
{
    size_t i = 0;
    while (i < a.len && i < b.len && a.at[i] == b.at[i])
        i++;
    int left = i < a.len ? (unsigned char)a.at[i] : -1;
    int right = i < b.len ? (unsigned char)b.at[i] : -1;
    return left - right;
}

static bool is_digits(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!ascii_is_digit(text.at[i]))
            return false;
    return text.len > 0;
}

static bool read_digits(struct slice text, uint64_t *out)
{
    return slice_to_number(text, UINT64_MAX, out);
}

static struct err order_by(bool (*read)(struct slice text, uint64_t *out), const char *wrong,
                           struct slice left, struct slice right, int *order)
{
    uint64_t a = 0, b = 0;
    if (!read(left, &a))
        return syntax_error(wrong, left);
    if (!read(right, &b))
        return syntax_error(wrong, right);
    *order = (a > b) - (a < b);
    return err_none();
}

static struct err compare(const struct comparison *comparison, struct slice left,
                          struct slice right, bool *holds)
{
    const struct relation *relation = comparison->relation;
    int order = order_of_texts(left, right);
    if (comparison->by_level)
        TRY(order_by(value_to_level, "a compatibility level like 3.6 expected", left, right,
                     &order));
    else if (is_digits(left) && is_digits(right))
        TRY(order_by(read_digits, "a number is too large", left, right, &order));
    *holds = relation->equal;
    if (order != 0)
        *holds = order < 0 ? relation->below : relation->above;
    return err_none();
}

static struct err finish_comparison(struct expander *e, struct frame *frame)
{
    const struct branches *branches = &frame->comparison.branches;
    struct slice both = slice_skip(writer_slice(e->out), frame->left_at);
    size_t left_len = frame->right_at - frame->left_at;
    bool holds = false;
    TRY(compare(&frame->comparison, slice_first(both, left_len), slice_skip(both, left_len),
                &holds));
    struct slice without = slice_of(holds ? "true" : "");
    struct slice chosen = holds ? branches->then : branches->otherwise;
    e->out->len = frame->left_at;
    *frame = (struct frame){.kind = FRAME_TEXT, .rest = branches->given ? chosen : without};
    return err_none();
}

/* The topmost text is read to its end. */
static struct err finish(struct expander *e, struct frame *frame)
{
    switch (frame->kind) {
    case FRAME_TEXT:
        e->depth--;
        return err_none();
    case FRAME_LEFT:
        frame->kind = FRAME_RIGHT;
        frame->rest = frame->comparison.right;
        frame->right_at = e->out->len;
        return err_none();
    case FRAME_RIGHT:
        return finish_comparison(e, frame);
    }
    return err_none();
}

struct err expand(struct slice text, const struct expand_names *names, struct writer *out)
{
    struct expander e = {.names = names, .out = out};
    TRY(push_text(&e, text));
    while (e.depth > 0) {
        struct frame *frame = &e.frames[e.depth - 1];
        TRY(frame->rest.len > 0 ? take_step(&e, frame) : finish(&e, frame));
    }
    return err_none();
}

bool expand_next_reference(struct slice *rest, struct slice *name)
{
    for (;;) {
        struct slice text = slice_skip(*rest, slice_find(*rest, '$'));
        if (text.len == 0)
            return false;
        text = slice_skip(text, 1);
        if (slice_starts(text, "$")) {
            *rest = slice_skip(text, 1);
            continue;
        }
        if (slice_starts(text, "{") || slice_starts(text, "("))
            text = skip_space(slice_skip(text, 1));
        *name = leading_name(text);
        *rest = slice_skip(text, name->len);
        if (name->len > 0)
            return true;
    }
}
