#include "config/expand.h"

#include "tests/unit.h"

#include <stdio.h>
#include <string.h>

struct name {
    const char *name, *value;
};

static const struct name known[] = {
    {"yes", "Y"},      {"empty", ""},
    {"num", "10"},     {"nine", "9"},
    {"ref", "$empty"}, {"loop", "$loop"},
    {"ping", "$pong"}, {"pong", "<${ping}>"},
    {"level", "3.6"},  {"nested", "[$ref$yes]"},
};

static char told[100];

static bool find(void *context __attribute__((unused)), struct slice name, struct slice *value)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (slice_is(name, known[i].name)) {
            *value = slice_of(known[i].value);
            return true;
        }
    }
    return false;
}

static void unknown(void *context __attribute__((unused)), struct slice name)
{
    size_t used = strlen(told);
    snprintf(told + used, sizeof told - used, "%.*s ", SLICE_PRINTF(name));
}

static struct err expand_into(const char *text, char *out, size_t size)
{
    struct expand_names names = {NULL, find, unknown};
    struct writer w = writer_over(out, size - 1);
    told[0] = '\0';
    struct err err = expand(slice_of(text), &names, &w);
    out[w.len] = '\0';
    return err;
}

static void assert_expands(const char *text, const char *expected)
{
    char out[1000];
    struct err err = expand_into(text, out, sizeof out);
    if (err_is(&err))
        fail_msg("%s: %s", text, err.text);
    if (strcmp(out, expected) != 0)
        fail_msg("%s: \"%s\" instead of \"%s\"", text, out, expected);
}

static void assert_refused(const char *text, const char *reason)
{
    char out[1000];
    struct err err = expand_into(text, out, sizeof out);
    if (strstr(err.text, reason) == NULL)
        fail_msg("%s: \"%s\" instead of \"%s\"", text, err.text, reason);
}

/* What `postconf -x` of Postfix 3.7 prints for the same texts and names. */
TEST(texts_expand_as_postfix_expands_them)
{
    static const struct name pairs[] = {
        {"plain", "plain"},
        {"$yes", "Y"},
        {"${yes}", "Y"},
        {"$(yes)", "Y"},
        {"$yes-$num", "Y-10"},
        {"$yes.x", "Y.x"},
        {"$num)", "10)"},
        {"$$yes", "$yes"},
        {"$$$yes", "$Y"},
        {"$$", "$"},
        {"$nested", "[Y]"},
        {"$ref", ""},
        {"${yes?a}", "a"},
        {"${yes:a}", ""},
        {"${empty:a}", "a"},
        {"${empty:{a}}", "a"},
        {"${nosuch:a}", "a"},
        {"${nosuch?a}", ""},
        {"${yes?}", ""},
        {"${yes?{a}:{b}}", "a"},
        {"${empty?{a}:{b}}", "b"},
        {"${yes?a:b}", "a:b"},
        {"${empty?a:b}", ""},
        {"${yes?{a}:b}", "a"},
        {"${empty?{a}: b }", " b "},
        {"${yes? a}", " a"},
        {"${yes ? {a} : {b}}", "a"},
        {"${ yes ? {a} : {b} }", "a"},
        {"${yes\t?{a}}", "a"},
        {"${yes?$num}", "10"},
        {"${yes?{$num}:{$nine}}", "10"},
        {"${yes?${empty?x:y}z}", "z"},
        {"${yes?{{}}}", "{}"},
        {"${yes?{}}}", "}"},
        {"${yes?a}b}", "ab}"},
        {"${yes?{a}}}b", "a}b"},
        {"$(yes?a)b)", "ab)"},
        {"$(yes?(a))", "(a)"},
        {"$(yes?{a}:{b})", "a"},
        {"${yes?(a})", "(a)"},
        {"${yes?$$x}", "$x"},
        {"${ref?x}", "x"},
        {"${ref:x}", ""},
        {"${loop?x}", "x"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        assert_expands(pairs[i].name, pairs[i].value);
}

TEST(comparisons_decide_as_postfix_does)
{
    static const struct name pairs[] = {
        {"${{$num} == {10} ? {t} : {f}}", "t"},
        {"${{010} == {10}?{t}:{f}}", "t"},
        {"${{$num} < {$nine} ? {t} : {f}}", "f"},
        {"${{9} < {10}?{t}:{f}}", "t"},
        {"${{10} < {9a} ? {t} : {f}}", "t"},
        {"${{-2} < {-1} ? {t} : {f}}", "f"},
        {"${{9 } < {10}?{t}:{f}}", "f"},
        {"${{} < {10}?{a}:{b}}", "a"},
        {"${{} == {} ? {t} : {f}}", "t"},
        {"${{a} < {b} ? {t} : {f}}", "t"},
        {"${{a}=={a}?{t}:{f}}", "t"},
        {"${{a} != {a}?{t}:{f}}", "f"},
        {"${{a} >= {a} ?t}", "t"},
        {"${{b} <= {a} ?{t}:{f}}", "f"},
        {"${{b} > {a} ?{t}:{f}}", "t"},
        {"${{ a } == {a} ? {t} : {f}}", "f"},
        {"${{a b} == {a  b} ? {t} : {f}}", "f"},
        {"${{$ref} == {} ? {e}:{n}}", "e"},
        {"${{a} == {a}}", "true"},
        {"${{a} == {b}}", ""},
        {"x${{a}=={a}}y", "xtruey"},
        {"${{a} == {b} : {f}}", "f"},
        {"${{a} == {b}? t :f}", ""},
        {"${ {a} == {a} ? {b}} c", "b c"},
        {"${{$$} == {$$} ? {a}}", "a"},
        {"${{3.5} <level {3.10} ? {t} : {f}}", "t"},
        {"${{3.5} >=level {3.10} ? {t} : {f}}", "f"},
        {"${{3.6} ==level {3.6.0}?a}", "a"},
        {"${{$level}<level{3.7}?a}", "a"},
        {"${{${yes?a}} == {a} ? {${{1} == {1} ? {x} : {y}}} : {z}}", "x"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        assert_expands(pairs[i].name, pairs[i].value);
}

TEST(texts_that_postfix_refuses_are_refused)
{
    static const struct name pairs[] = {
        {"a$", "a name is missing behind $"},
        {"a$ b", "a name is missing behind $"},
        {"a$-b", "a name is missing behind $"},
        {"${}", "a name is missing"},
        {"${yes", "a reference is not closed at \"${yes\""},
        {"$(yes", "a reference is not closed"},
        {"${yes?{a}", "a reference is not closed"},
        {"$(yes?{a)})", "a \"{\" without its \"}\""},
        {"${yes!a}", "\"?\" or \":\" expected at \"!a\""},
        {"${yes-no}", "\"?\" or \":\" expected"},
        {"${yes?{a} b}", "\":\" expected at \"b\""},
        {"${yes?{a}{b}}", "\":\" expected"},
        {"${yes?{a}:{b}:{c}}", "nothing more expected"},
        {"${yes:{a}?{b}}", "nothing more expected"},
        {"${{a} = {a}?{t}}", "one of == != < <= > >= expected"},
        {"${{a}==x?{a}}", "\"{\" expected at \"x?{a}\""},
        {"${{3.x} <level {3.6}?a}", "a compatibility level like 3.6 expected at \"3.x\""},
        {"${{99999999999999999999} > {1}?{t}}", "a number is too large"},
        {"$loop", "$loop refers to itself"},
        {"$ping", "refers to itself"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        assert_refused(pairs[i].name, pairs[i].value);
}

TEST(a_branch_that_is_not_taken_is_not_read)
{
    assert_expands("${empty?a$}", "");
    assert_expands("${empty?{$loop}:{b}}", "b");
    assert_expands("${yes?{a}:{${}}}", "a");
}

TEST(unknown_names_are_empty_and_told_unless_a_condition_asks)
{
    assert_expands("[$nosuch]${other}${third?x}", "[]");
    assert_string_equal(told, "nosuch other ");
}

TEST(limits_stop_what_grows_without_end)
{
    char deep[1000] = "", wide[4], text[EXPAND_DEPTH_MAX * 8 + 10] = "";
    struct writer w = writer_over(text, sizeof text - 1);
    for (int i = 0; i < EXPAND_DEPTH_MAX; i++)
        writer_text(&w, "${yes?");
    writer_text(&w, "x");
    for (int i = 0; i < EXPAND_DEPTH_MAX; i++)
        writer_byte(&w, '}');
    struct err err = expand_into(text, deep, sizeof deep);
    assert_non_null(strstr(err.text, "references inside one another"));
    err = expand_into("$num$num", wide, sizeof wide);
    assert_non_null(strstr(err.text, "longer than 65536 bytes"));
}

static bool find_doubled(void *context __attribute__((unused)), struct slice name,
                         struct slice *value)
{
    static const char *const values[] = {"$b$b", "$c$c", "$d$d", "$e$e", "$f$f", "$g$g",
                                         "$h$h", "$i$i", "$j$j", "$k$k", "$l$l", "$m$m",
                                         "$n$n", "$o$o", "$p$p", "$q$q", ""};
    *value = slice_of(values[name.at[0] - 'a']);
    return true;
}

TEST(a_small_text_cannot_keep_the_program_busy)
{
    struct expand_names names = {NULL, find_doubled, NULL};
    char out[10];
    struct writer w = writer_over(out, sizeof out);
    struct err err = expand(slice_of("$a"), &names, &w);
    assert_non_null(strstr(err.text, "more than 20000 references"));
}

TEST(references_are_found_in_every_form)
{
    static const char *const expected[] = {"a", "b", "c", "d", "e", "f"};
    struct slice rest = slice_of("$a x ${b} $(c) $$no ${ d?$e} ${{$f} == {g} ? {h}}"), name;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_true(expand_next_reference(&rest, &name));
        assert_slice(name, expected[i]);
    }
    assert_false(expand_next_reference(&rest, &name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_expand_as_postfix_expands_them),
        cmocka_unit_test(comparisons_decide_as_postfix_does),
        cmocka_unit_test(texts_that_postfix_refuses_are_refused),
        cmocka_unit_test(a_branch_that_is_not_taken_is_not_read),
        cmocka_unit_test(unknown_names_are_empty_and_told_unless_a_condition_asks),
        cmocka_unit_test(limits_stop_what_grows_without_end),
        cmocka_unit_test(a_small_text_cannot_keep_the_program_busy),
        cmocka_unit_test(references_are_found_in_every_form),
    };
    return RUN_TESTS(tests);
}
