#include "config/table_rules.h"

#include "base/ip.h"
#include "base/memory.h"
#include "config/network_list.h"
#include "config/pattern.h"

#include <string.h>

enum { RULES_FIRST_CAPACITY = 16 };

struct table_rule {
    bool is_if;
    bool negated;
    unsigned line;
    size_t next_after; /* of an "if": the rule behind its endif; while that is unread, the "if"
                          around it */
    struct ip_network network;
    struct pattern *pattern; /* NULL in rules of networks */
    struct slice answer;
};

/* What the rules are tried on. */
struct subject {
    struct ip ip;
    char text[TABLE_KEY_MAX + 1];
    struct pattern_match match;
};

void table_rules_free(struct table_rules *rules)
{
    for (size_t i = 0; i < rules->count; i++)
        pattern_free(rules->rules[i].pattern);
    memory_free(rules->rules);
    *rules = (struct table_rules){0};
}

/* ---- answers with $1 in them ---- */

struct answer_piece {
    struct slice literal; /* the text, or the name of a group */
    bool is_group;
};

/* "$1", "${1}", "$(1)"; false when no name stands behind the '$'. */
static bool take_group(struct slice *rest, struct slice *name)
{
    struct slice a = slice_skip(*rest, 1);
    char closing = slice_starts(a, "{") ? '}' : slice_starts(a, "(") ? ')' : '\0';
    if (closing != '\0') {
        size_t end = slice_find(a, closing);
        *name = slice_skip(slice_first(a, end), 1);
        *rest = slice_skip(a, end + 1);
        return end < a.len;
    }
    size_t len = 0;
    while (len < a.len && ascii_is_digit(a.at[len]))
        len++;
    *name = slice_first(a, len);
    *rest = slice_skip(a, len);
    return len > 0;
}

/* Takes a piece from a text that is not empty; false when a '$' is wrong. */
static bool take_piece(struct slice *rest, struct answer_piece *out)
{
    size_t dollar = slice_find(*rest, '$');
    *out = (struct answer_piece){.literal = slice_first(*rest, dollar)};
    if (dollar > 0) {
        *rest = slice_skip(*rest, dollar);
        return true;
    }
    if (slice_starts(*rest, "$$")) {
        out->literal = slice_first(*rest, 1);
        *rest = slice_skip(*rest, 2);
        return true;
    }
    out->is_group = true;
    return take_group(rest, &out->literal);
}

static struct err check_answer(const struct table_text *text, const struct table_rule *rule)
{
    struct slice rest = rule->answer;
    struct answer_piece piece;
    uint64_t group;
    size_t groups = rule->pattern != NULL ? pattern_group_count(rule->pattern) : 0;
    if (groups >= PATTERN_GROUPS_MAX)
        groups = PATTERN_GROUPS_MAX - 1;
    while (rest.len > 0) {
        if (!take_piece(&rest, &piece))
            return table_text_wrong(text, "bad $ in \"%.*s\"; write $1, ${1} or $$",
                                    SLICE_PRINTF(config_quote(rule->answer)));
        if (!piece.is_group)
            continue;
        if (rule->negated)
            return table_text_wrong(text,
                                    "$%.*s behind a pattern with ! in front, which has no "
                                    "match to take it from",
                                    SLICE_PRINTF(config_quote(piece.literal)));
        if (!slice_to_number(piece.literal, groups, &group) || group == 0)
            return table_text_wrong(text, "$%.*s: the pattern has %zu groups in parentheses",
                                    SLICE_PRINTF(config_quote(piece.literal)), groups);
    }
    return err_none();
}

static void write_answer(struct writer *w, const struct table_rule *rule,
                         const struct pattern_match *match)
{
    struct slice rest = rule->answer;
    struct answer_piece piece;
    uint64_t group = 0;
    while (rest.len > 0 && take_piece(&rest, &piece)) {
        if (piece.is_group && slice_to_number(piece.literal, PATTERN_GROUPS_MAX - 1, &group))
            piece.literal = match->groups[group];
        writer_bytes(w, piece.literal);
    }
}

/* ---- reading ---- */

/* "!" in front, any number of them. */
static struct slice take_negation(struct slice line, bool *negated)
{
    *negated = false;
    while (slice_starts(line, "!")) {
        *negated = !*negated;
        line = slice_trim(slice_skip(line, 1));
    }
    return line;
}

static size_t word_len(struct slice text)
{
    size_t len = 0;
    while (len < text.len && !ascii_is_space(text.at[len]))
        len++;
    return len;
}

static struct err take_network(const struct table_text *text, struct slice *rest,
                               struct table_rule *rule)
{
    size_t len = word_len(*rest);
    struct err err = network_parse(slice_first(*rest, len), &rule->network);
    if (err_is(&err))
        return table_text_wrong(text, "%s", err.text);
    *rest = slice_trim(slice_skip(*rest, len));
    return err_none();
}

/* The length of what stands in front of the closing delimiter; the line's length without one. */
static size_t expression_len(struct slice line, char delimiter)
{
    for (size_t i = 0; i < line.len; i++) {
        if (line.at[i] == '\\')
            i++;
        else if (line.at[i] == delimiter)
            return i;
    }
    return line.len;
}

static struct err take_pattern(const struct table_text *text, enum pattern_dialect dialect,
                               struct slice *rest, struct table_rule *rule)
{
    struct slice line = *rest;
    char delimiter = line.len > 0 ? line.at[0] : '\0';
    if (line.len == 0 || ascii_is_letter(delimiter) || ascii_is_digit(delimiter))
        return table_text_wrong(text, "a pattern is expected: write /PATTERN/ RESULT");
    line = slice_skip(line, 1);
    size_t len = expression_len(line, delimiter);
    if (len == line.len)
        return table_text_wrong(text, "no closing delimiter \"%c\" behind the pattern", delimiter);
    struct slice expression = slice_first(line, len);
    line = slice_skip(line, len + 1);
    len = word_len(line);
    struct err err = pattern_compile(dialect, expression, slice_first(line, len), &rule->pattern);
    if (err_is(&err))
        return table_text_wrong(text, "%c%.*s%c: %s", delimiter,
                                SLICE_PRINTF(config_quote(expression)), delimiter, err.text);
    *rest = slice_trim(slice_skip(line, len));
    return err_none();
}

static struct err take_condition(const struct table_text *text, enum table_rules_kind kind,
                                 struct slice *rest, struct table_rule *rule)
{
    *rest = take_negation(*rest, &rule->negated);
    switch (kind) {
    case RULES_OF_NETWORKS:
        return take_network(text, rest, rule);
    case RULES_OF_POSIX_PATTERNS:
        return take_pattern(text, PATTERN_POSIX, rest, rule);
    case RULES_OF_PERL_PATTERNS:
        return take_pattern(text, PATTERN_PERL, rest, rule);
    }
    return err_none();
}

/* The new rule is in the list from its beginning, so that what it holds is freed with the others.
 */
static struct table_rule *add_rule(struct table_rules *rules, unsigned line)
{
    if (rules->count == rules->capacity) {
        rules->capacity = rules->capacity > 0 ? 2 * rules->capacity : RULES_FIRST_CAPACITY;
        rules->rules = memory_grow(rules->rules, rules->capacity * sizeof *rules->rules);
    }
    struct table_rule *rule = &rules->rules[rules->count++];
    *rule = (struct table_rule){.line = line};
    return rule;
}

static struct err read_if(struct table_rules *rules, const struct table_text *text,
                          struct slice rest)
{
    struct table_rule *rule = add_rule(rules, text->line_number);
    rule->is_if = true;
    rule->next_after = rules->open_if;
    rules->open_if = rules->count;
    TRY(take_condition(text, rules->kind, &rest, rule));
    if (rest.len > 0)
        return table_text_wrong(text,
                                "\"%.*s\" behind the condition of an if; rules stand on "
                                "lines of their own",
                                SLICE_PRINTF(config_quote(rest)));
    return err_none();
}

static struct err read_endif(struct table_rules *rules, const struct table_text *text,
                             struct slice rest)
{
    if (rest.len > 0)
        return table_text_wrong(text, "\"%.*s\" behind an endif; take it away",
                                SLICE_PRINTF(config_quote(rest)));
    if (rules->open_if == 0)
        return table_text_wrong(text, "an endif without an if; take it away");
    struct table_rule *opening = &rules->rules[rules->open_if - 1];
    rules->open_if = opening->next_after;
    opening->next_after = rules->count;
    return err_none();
}

static struct err read_rule(struct table_rules *rules, struct table_text *text, struct arena *arena)
{
    struct table_rule *rule = add_rule(rules, text->line_number);
    struct slice rest = text->line;
    TRY(take_condition(text, rules->kind, &rest, rule));
    if (rest.len == 0)
        table_text_warn(text, "no result behind the rule; its answer is empty", text->line);
    rule->answer = slice_make(keep_text(arena, rest), rest.len);
    return rules->kind == RULES_OF_NETWORKS ? err_none() : check_answer(text, rule);
}

/* "if /x/" and "if!/x/", but not "iffy". */
static bool begins_with_word(struct slice line, const char *word, struct slice *rest)
{
    size_t len = strlen(word);
    if (!slice_starts_nocase(line, word) ||
        (line.len > len && (ascii_is_letter(line.at[len]) || ascii_is_digit(line.at[len]))))
        return false;
    *rest = slice_trim(slice_skip(line, len));
    return true;
}

struct err table_rules_read(struct table_rules *rules, struct table_text *text, struct arena *arena)
{
    while (table_text_next(text)) {
        struct slice rest;
        if (begins_with_word(text->line, "if", &rest))
            TRY(read_if(rules, text, rest));
        else if (begins_with_word(text->line, "endif", &rest))
            TRY(read_endif(rules, text, rest));
        else
            TRY(read_rule(rules, text, arena));
    }
    if (rules->open_if > 0)
        return err_make(ERR_OTHER, "%s, line %u: an if without an endif; add the endif", text->path,
                        rules->rules[rules->open_if - 1].line);
    return err_none();
}

/* ---- finding ---- */

/* A network says nothing about the addresses of another family, also with ! in front. */
static enum table_result try_rule(const struct table_rule *rule, struct subject *subject)
{
    bool holds = false;
    if (rule->pattern != NULL) {
        enum pattern_result result = pattern_try(rule->pattern, subject->text, &subject->match);
        if (result == PATTERN_GIVES_UP)
            return TABLE_TROUBLE;
        holds = result == PATTERN_MATCHES;
    } else if (rule->network.base.family == subject->ip.family) {
        holds = ip_network_holds(&rule->network, &subject->ip);
    } else {
        return TABLE_ABSENT;
    }
    return holds != rule->negated ? TABLE_FOUND : TABLE_ABSENT;
}

static bool subject_make(enum table_rules_kind kind, struct slice key, struct subject *out)
{
    if (kind == RULES_OF_NETWORKS) {
        struct ip ip;
        if (!ip_parse(key, &ip))
            return false;
        out->ip = ip_unmapped(&ip);
        return true;
    }
    if (key.len > TABLE_KEY_MAX || slice_find(key, '\0') < key.len)
        return false;
    if (key.len > 0)
        memcpy(out->text, key.at, key.len);
    out->text[key.len] = '\0';
    return true;
}

static enum table_result answer_with(const struct table_rules *rules, const struct table_rule *rule,
                                     const struct subject *subject, struct writer *answer)
{
    if (answer == NULL)
        return TABLE_FOUND;
    if (rules->kind == RULES_OF_NETWORKS)
        writer_bytes(answer, rule->answer);
    else
        write_answer(answer, rule, &subject->match);
    return answer->overflow ? TABLE_TROUBLE : TABLE_FOUND;
}

enum table_result table_rules_find(const struct table_rules *rules, struct slice key,
                                   struct writer *answer)
{
    struct subject subject;
    size_t next = 0;
    if (!subject_make(rules->kind, key, &subject))
        return TABLE_ABSENT;
    while (next < rules->count) {
        const struct table_rule *rule = &rules->rules[next++];
        enum table_result result = try_rule(rule, &subject);
        if (result == TABLE_TROUBLE)
            return result;
        if (!rule->is_if && result == TABLE_FOUND)
            return answer_with(rules, rule, &subject, answer);
        if (rule->is_if && result == TABLE_ABSENT)
            next = rule->next_after;
    }
    return TABLE_ABSENT;
}

bool table_rules_hold_everybody(const struct table_rules *rules)
{
    if (rules->kind != RULES_OF_NETWORKS)
        return false;
    for (size_t i = 0; i < rules->count; i++) {
        const struct table_rule *rule = &rules->rules[i];
        if (!rule->is_if && !rule->negated && rule->network.prefix_bits == 0)
            return true;
    }
    return false;
}
