#include "config/table.h"

#include "config/said_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The one file there is. */
static const char *content;
static char asked_path[CONFIG_PATH_MAX];
static struct config_notes notes;

static struct err find_file(void *owner, const char *path, struct slice *text)
{
    (void)owner;
    snprintf(asked_path, sizeof asked_path, "%s", path);
    *text = slice_of(content);
    return err_none();
}

static struct err compile(const char *name, enum table_syntax syntax, struct table **out)
{
    static const struct config_files files = {.find = find_file};
    struct table_source source = {
        .files = &files, .folder = "/spool", .syntax = syntax, .notes = &notes};
    config_notes_free(&notes);
    return table_compile(slice_of(name), &source, out);
}

static struct table *table_of(const char *name, const char *text, enum table_syntax syntax)
{
    struct table *table = NULL;
    content = text;
    struct err err = compile(name, syntax, &table);
    if (err_is(&err))
        fail_msg("%s: %s", name, err.text);
    return table;
}

static void assert_answer_of(const struct table *table, enum table_key kind, const char *key,
                             const char *expected)
{
    char text[200];
    struct writer w = writer_over(text, sizeof text);
    enum table_result result = table_find(table, kind, slice_of(key), &w);
    if (result != (expected == NULL ? TABLE_ABSENT : TABLE_FOUND))
        fail_msg("%s: result %d, answer %.*s", key, (int)result, SLICE_PRINTF(writer_slice(&w)));
    assert_slice(writer_slice(&w), expected);
    assert_int_equal(table_find(table, kind, slice_of(key), NULL), result);
}

static void assert_answer(const char *name, const char *text, const char *key, const char *expected)
{
    struct table *table = table_of(name, text, TABLE_SYNTAX_POSTMAP);
    assert_answer_of(table, TABLE_KEY_WHOLE, key, expected);
    table_free(table);
}

static void assert_wrong(const char *name, const char *text, const char *reason)
{
    struct table *table = NULL;
    content = text;
    struct err err = compile(name, TABLE_SYNTAX_POSTMAP, &table);
    if (strstr(err.text, reason) == NULL)
        fail_msg("%s: %s", name, err.text);
    assert_null(table);
}

TEST(static_answers_everything)
{
    assert_answer("static:all", "", "whatever", "all");
    assert_answer("static:{ with spaces }", "", "whatever", "with spaces");
}

TEST(inline_answers_its_entries_without_letter_case)
{
    static const char table[] = "inline:{ {ada@Example.org=x} bob=y, { carl = a, b } bob=z }";
    assert_answer(table, "", "Ada@Example.ORG", "x");
    assert_answer(table, "", "bob", "y");
    assert_answer(table, "", "carl", "a, b");
    assert_answer(table, "", "dora", NULL);
    assert_answer(table, "", "", NULL);
}

static const char entries[] = "# a comment\n"
                              "Ada@example.org   one  two \n"
                              "\n"
                              "bob@example.org x,\n"
                              "# still bob\n"
                              "\ty\n"
                              "\"carl carlson\"@example.org z\n"
                              "bob@Example.org second\n"
                              "dora\n"
                              "root: ada\n"
                              "un\"closed x\n";

TEST(a_file_of_entries_is_read_as_postmap_reads_it)
{
    static const char *const types[] = {"hash:/x", "btree:/x",    "lmdb:/x",
                                        "cdb:/x",  "texthash:/x", "proxy:hash:/x"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct table *table = table_of(types[i], entries, TABLE_SYNTAX_POSTMAP);
        assert_answer_of(table, TABLE_KEY_WHOLE, "ada@EXAMPLE.org", "one  two");
        assert_answer_of(table, TABLE_KEY_PART, "bob@example.org", "x,\ty");
        assert_answer_of(table, TABLE_KEY_WHOLE, "\"carl carlson\"@example.org", "z");
        assert_answer_of(table, TABLE_KEY_WHOLE, "dora", NULL);
        assert_answer_of(table, TABLE_KEY_WHOLE, "#", NULL);
        table_free(table);
        assert_string_equal(asked_path, "/x");
    }
}

TEST(lines_that_say_nothing_useful_are_warned_about)
{
    table_free(table_of("hash:/x", entries, TABLE_SYNTAX_POSTMAP));
    assert_said(&notes, "warning: /x, line 8: duplicate entry; the first one counts: "
                        "\"bob@Example.org\"");
    assert_said(&notes, "warning: /x, line 9: expected format: key whitespace value");
    assert_said(&notes, "warning: /x, line 10: record is in \"key: value\" format; is this an "
                        "alias file?");
    assert_said(&notes, "warning: /x, line 11: unbalanced '\"'");
    assert_int_equal(notes.count, 4);
}

TEST(of_many_such_lines_the_first_are_named_and_the_others_counted)
{
    static char text[30 * 4 + 1];
    for (size_t i = 0; i < 30; i++)
        memcpy(text + 4 * i, "a b\n", 4);
    table_free(table_of("hash:/x", text, TABLE_SYNTAX_POSTMAP));
    assert_int_equal(notes.count, 21);
    assert_said(&notes, "warning: /x: and 9 more lines such as these");
}

TEST(a_path_without_a_slash_is_meant_from_the_folder)
{
    table_free(table_of("hash:virtual", "a b\n", TABLE_SYNTAX_POSTMAP));
    assert_string_equal(asked_path, "/spool/virtual");
}

TEST(aliases_have_a_colon_behind_the_key)
{
    static const char aliases[] = "root: ada\n\"Joe Doe\": joe@example.org,\n\tjim\nbob:carl\n"
                                  "Postmaster : root\n";
    static const enum table_syntax syntaxes[] = {TABLE_SYNTAX_ALIASES, TABLE_SYNTAX_EITHER};
    for (size_t i = 0; i < 2; i++) {
        struct table *table = table_of("hash:/etc/aliases", aliases, syntaxes[i]);
        assert_answer_of(table, TABLE_KEY_WHOLE, "Root", "ada");
        assert_answer_of(table, TABLE_KEY_WHOLE, "joe doe", "joe@example.org,\tjim");
        assert_answer_of(table, TABLE_KEY_WHOLE, "bob", "carl");
        assert_int_equal(table_find(table, TABLE_KEY_WHOLE, slice_of("postmaster"), NULL),
                         TABLE_FOUND);
        assert_int_equal(notes.count, 0);
        table_free(table);
    }
    struct table *table = table_of("hash:/users", "ada x\nbob: y\n", TABLE_SYNTAX_EITHER);
    assert_answer_of(table, TABLE_KEY_WHOLE, "ada", "x");
    assert_answer_of(table, TABLE_KEY_WHOLE, "bob", "y");
    table_free(table);
}

TEST(the_systems_users_are_a_table)
{
    assert_answer("proxy:unix:passwd.byname", "ada x\nbob x\n", "bob", "x");
    assert_string_equal(asked_path, CONFIG_FILE_USERS);
    assert_wrong("unix:group.byname", "", "unix:group.byname: of this type only");
}

TEST(networks_are_tried_in_their_order)
{
    static const char networks[] = "192.0.2.1 REJECT\n"
                                   "192.0.2.0/24   OK $1\n"
                                   "if 10.0.0.0/8\n"
                                   "!10.1.0.0/16 OK inside\n"
                                   "10.1.2.3 OK three\n"
                                   "endif\n"
                                   "if !2001:db8:1::/48\n"
                                   "[2001:db8::]/32 OK six\n"
                                   "ENDIF\n";
    struct table *table = table_of("cidr:/x", networks, TABLE_SYNTAX_POSTMAP);
    static const char *const cases[][2] = {
        {"192.0.2.1", "REJECT"},   {"192.0.2.2", "OK $1"},
        {"10.2.0.1", "OK inside"}, {"10.1.2.3", "OK three"},
        {"10.1.2.4", NULL},        {"2001:db8::5", "OK six"},
        {"2001:db8:1::5", NULL},   {"::ffff:192.0.2.1", "REJECT"},
        {"2001:db9::5", NULL},     {"example.org", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_answer_of(table, TABLE_KEY_WHOLE, cases[i][0], cases[i][1]);
    assert_answer_of(table, TABLE_KEY_PART, "192.0.2.1", NULL);
    assert_false(table_holds_everybody(table));
    table_free(table);
    table =
        table_of("cidr:/x", "!10.0.0.0/8 x\nif !10.0.0.0/8\n::/0 x\nendif\n", TABLE_SYNTAX_POSTMAP);
    assert_answer_of(table, TABLE_KEY_WHOLE, "2001:db8::1", NULL);
    table_free(table);
    table = table_of("cidr:/x", "192.0.2.1 x\n0.0.0.0/0 y\n", TABLE_SYNTAX_POSTMAP);
    assert_true(table_holds_everybody(table));
    table_free(table);
}

TEST(rules_can_stand_in_place_of_a_file)
{
    struct table *table =
        table_of("regexp:{{/^[^A-Z]/ Bogus} {/^x{2}y/ two words}}", "", TABLE_SYNTAX_POSTMAP);
    assert_answer_of(table, TABLE_KEY_WHOLE, "GET", NULL);
    assert_answer_of(table, TABLE_KEY_WHOLE, "{", "Bogus");
    assert_answer_of(table, TABLE_KEY_WHOLE, "xxy", "two words");
    table_free(table);
    table =
        table_of("cidr:{ {192.0.2.0/24 ours} {2001:db8::/32 theirs} }", "", TABLE_SYNTAX_POSTMAP);
    assert_answer_of(table, TABLE_KEY_WHOLE, "192.0.2.77", "ours");
    assert_answer_of(table, TABLE_KEY_WHOLE, "2001:db8::1", "theirs");
    assert_answer_of(table, TABLE_KEY_WHOLE, "192.0.3.1", NULL);
    table_free(table);
    assert_wrong("regexp:{{/(/ b}}", "", "regexp, line 1: /(/: ");
}

TEST(patterns_are_tried_in_their_order)
{
    static const char patterns[] = "# of both kinds\n"
                                   "/^ada@(.*)$/  first-$1\n"
                                   "!/@example[.]org$/ foreign\n"
                                   "if /^b/\n"
                                   "if !/^bob/\n"
                                   "/^(b[a-z]*)@([^.]*)/\n"
                                   "\t${2}-$(1) costs $$1\n"
                                   "endif\n"
                                   "/bob/i small\n"
                                   "endif\n"
                                   "|^c/d| slash\n"
                                   "/^e\\/f/ escaped\n";
    static const char *const types[] = {"regexp:/x", "pcre:/x"};
    static const char *const cases[][2] = {
        {"Ada@Example.org", "first-Example.org"},
        {"x@example.net", "foreign"},
        {"bert@example.org", "example-bert costs $1"},
        {"bob@example.org", "small"},
        {"BOB@example.org", NULL},
        {"c/d@example.org", "slash"},
        {"e/f@example.org", "escaped"},
        {"x@example.org", NULL},
    };
    for (size_t i = 0; i < 2; i++) {
        struct table *table = table_of(types[i], patterns, TABLE_SYNTAX_POSTMAP);
        for (size_t j = 0; j < sizeof cases / sizeof *cases; j++)
            assert_answer_of(table, TABLE_KEY_WHOLE, cases[j][0], cases[j][1]);
        assert_answer_of(table, TABLE_KEY_PART, "ada@example.org", NULL);
        table_free(table);
    }
}

TEST(a_key_with_a_nul_or_too_long_is_in_no_table_of_patterns)
{
    static char key[TABLE_KEY_MAX + 1];
    struct table *table = table_of("pcre:/x", "/a/ x\n", TABLE_SYNTAX_POSTMAP);
    memset(key, 'a', sizeof key);
    assert_int_equal(table_find(table, TABLE_KEY_WHOLE, slice_make(key, TABLE_KEY_MAX), NULL),
                     TABLE_FOUND);
    assert_int_equal(table_find(table, TABLE_KEY_WHOLE, slice_make(key, sizeof key), NULL),
                     TABLE_ABSENT);
    assert_int_equal(table_find(table, TABLE_KEY_WHOLE, slice_make("a\0b", 3), NULL), TABLE_ABSENT);
    table_free(table);
    table = table_of("hash:/x", "a x\n", TABLE_SYNTAX_POSTMAP);
    assert_int_equal(table_find(table, TABLE_KEY_WHOLE, slice_make(key, sizeof key), NULL),
                     TABLE_ABSENT);
    table_free(table);
}

TEST(an_answer_that_does_not_fit_and_a_pattern_that_gives_up_are_trouble)
{
    char small[3], key[120];
    struct writer w = writer_over(small, sizeof small);
    struct table *table = table_of("hash:/x", "a long\n", TABLE_SYNTAX_POSTMAP);
    assert_int_equal(table_find(table, TABLE_KEY_WHOLE, slice_of("a"), &w), TABLE_TROUBLE);
    table_free(table);
    table = table_of("pcre:/x", "/^(a|aa)+$/ x\n", TABLE_SYNTAX_POSTMAP);
    memset(key, 'a', sizeof key);
    key[sizeof key - 1] = 'b';
    assert_int_equal(table_find(table, TABLE_KEY_WHOLE, slice_make(key, sizeof key), NULL),
                     TABLE_TROUBLE);
    table_free(table);
}

TEST(what_is_named_twice_is_read_once_and_shared)
{
    static const struct config_files files = {.find = find_file};
    struct table_store store = {0};
    struct table_source source = {.files = &files, .store = &store};
    struct table *first = NULL, *again = NULL, *aliases = NULL;
    content = "a b\n";
    struct err err = table_compile(slice_of("hash:/x"), &source, &first);
    assert_false(err_is(&err));
    content = "a changed\n";
    err = table_compile(slice_of("proxy:hash:/x"), &source, &again);
    assert_false(err_is(&err));
    assert_ptr_equal(first, again);
    source.syntax = TABLE_SYNTAX_ALIASES;
    content = "a: c\n";
    err = table_compile(slice_of("hash:/x"), &source, &aliases);
    assert_false(err_is(&err));
    table_free(first);
    table_store_free(&store);
    assert_answer_of(again, TABLE_KEY_WHOLE, "a", "b");
    assert_answer_of(aliases, TABLE_KEY_WHOLE, "a", "c");
    table_free(again);
    table_free(aliases);
}

TEST(a_table_of_many_entries_finds_each)
{
    enum { COUNT = 50000 };
    char *text = malloc(COUNT * 30), key[30], answer[30];
    size_t used = 0;
    assert_non_null(text);
    for (int i = 0; i < COUNT; i++)
        used += (size_t)snprintf(text + used, 30, "user%d@a.test %d\n", i, i);
    struct table *table = table_of("hash:/x", text, TABLE_SYNTAX_POSTMAP);
    free(text);
    for (int i = 0; i < COUNT; i += 99) {
        snprintf(key, sizeof key, "user%d@a.test", i);
        snprintf(answer, sizeof answer, "%d", i);
        assert_answer_of(table, TABLE_KEY_WHOLE, key, answer);
    }
    assert_answer_of(table, TABLE_KEY_WHOLE, "user50000@a.test", NULL);
    table_free(table);
}

TEST(what_cannot_be_read_is_named_with_file_and_line)
{
    static const struct {
        const char *name, *text, *reason;
    } wrong[] = {
        {"mysql:/x", "", "mysql:/x: tables of type mysql are not supported yet"},
        {"proxy:mysql:/x", "", "tables of type proxy:mysql are not supported yet"},
        {"example.org", "", "\"example.org\" is no table; write TYPE:NAME"},
        {"hash", "", "\"hash\" is no table"},
        {"inline:a=b", "", "inline:a=b: the entries stand in braces"},
        {"inline:{ a }", "", "inline: missing '=' after attribute name: \"a\""},
        {"inline:{ { = b } }", "", "inline: missing attribute name: \"= b\""},
        {"inline:{ }", "", "inline: no entry"},
        {"cidr:/x", "# x\n192.0.2.1/24 x\n", "/x, line 2: non-null host address bits"},
        {"cidr:/x", "example.org x\n", "/x, line 1: \"example.org\" is neither"},
        {"cidr:/x", "if 10.0.0.0/8 x\n", "/x, line 1: \"x\" behind the condition of an if"},
        {"regexp:/x", "/a/ b\nendif\n", "/x, line 2: an endif without an if"},
        {"regexp:/x", "if /a/\n/b/ c\n", "/x, line 1: an if without an endif"},
        {"regexp:/x", "if /a/\nendif x\n", "/x, line 2: \"x\" behind an endif"},
        {"regexp:/x", "/(/ b\n", "/x, line 1: /(/: "},
        {"pcre:/x", "ada b\n", "/x, line 1: a pattern is expected"},
        {"pcre:/x", "/ada\n", "/x, line 1: no closing delimiter \"/\""},
        {"pcre:/x", "/a/q b\n", "/x, line 1: /a/: unknown flag \"q\""},
        {"pcre:/x", "/(a)/ $2\n", "/x, line 1: $2: the pattern has 1 groups"},
        {"pcre:/x", "/(a)/ $x\n", "/x, line 1: bad $ in \"$x\""},
        {"pcre:/x", "/(a)/ ${1\n", "/x, line 1: bad $ in \"${1\""},
        {"pcre:/x", "!/(a)/ $1\n", "/x, line 1: $1 behind a pattern with !"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_wrong(wrong[i].name, wrong[i].text, wrong[i].reason);
    assert_wrong("pcre:/x", "!", "/x, line 1: a pattern is expected");
}

static int release(void **state __attribute__((unused)))
{
    config_notes_free(&notes);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(static_answers_everything),
        cmocka_unit_test(inline_answers_its_entries_without_letter_case),
        cmocka_unit_test(a_file_of_entries_is_read_as_postmap_reads_it),
        cmocka_unit_test(lines_that_say_nothing_useful_are_warned_about),
        cmocka_unit_test(of_many_such_lines_the_first_are_named_and_the_others_counted),
        cmocka_unit_test(a_path_without_a_slash_is_meant_from_the_folder),
        cmocka_unit_test(aliases_have_a_colon_behind_the_key),
        cmocka_unit_test(the_systems_users_are_a_table),
        cmocka_unit_test(networks_are_tried_in_their_order),
        cmocka_unit_test(rules_can_stand_in_place_of_a_file),
        cmocka_unit_test(patterns_are_tried_in_their_order),
        cmocka_unit_test(a_key_with_a_nul_or_too_long_is_in_no_table_of_patterns),
        cmocka_unit_test(an_answer_that_does_not_fit_and_a_pattern_that_gives_up_are_trouble),
        cmocka_unit_test(what_is_named_twice_is_read_once_and_shared),
        cmocka_unit_test(a_table_of_many_entries_finds_each),
        cmocka_unit_test(what_cannot_be_read_is_named_with_file_and_line),
    };
    return cmocka_run_group_tests(tests, NULL, release);
}
