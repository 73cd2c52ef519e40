#include "config/main_cf.h"

#include "base/memory.h"
#include "config/said_test.h"

struct parsed {
    struct main_cf main_cf;
    struct config_notes notes;
    struct arena arena;
};

static struct parsed parse(const char *text)
{
    struct parsed p = {.notes = config_notes_make(), .arena = keep_make()};
    main_cf_parse(slice_of(text), "main.cf", &p.arena, &p.notes, &p.main_cf);
    return p;
}

static void release(struct parsed *p)
{
    main_cf_free(&p->main_cf);
    config_notes_free(&p->notes);
    arena_reset(&p->arena);
}

static void assert_setting(const struct parsed *p, const char *name, const char *value,
                           unsigned line)
{
    const struct setting *setting = main_cf_find(&p->main_cf, slice_of(name));
    assert_non_null(setting);
    assert_string_equal(setting->value, value);
    assert_int_equal(setting->origin.line, line);
    assert_string_equal(setting->origin.file, "main.cf");
}

TEST(settings_are_read_with_their_lines)
{
    struct parsed p = parse("# mail\n"
                            "myhostname=mx.example.org\n"
                            "  relayhost = \n"
                            "\n"
                            "mydestination\t=  $myhostname,\n"
                            "   # the old name\n"
                            "   old.example.org  \n"
                            "banner = a = b # c\n");
    assert_int_equal(p.main_cf.count, 3);
    assert_setting(&p, "myhostname", "mx.example.org  relayhost =", 2);
    assert_setting(&p, "mydestination", "$myhostname,   old.example.org", 5);
    assert_setting(&p, "banner", "a = b # c", 8);
    assert_null(main_cf_find(&p.main_cf, slice_of("relayhost")));
    assert_int_equal(p.notes.count, 0);
    release(&p);
}

TEST(a_value_may_be_empty)
{
    struct parsed p = parse("a =\nb=");
    assert_setting(&p, "a", "", 1);
    assert_setting(&p, "b", "", 2);
    release(&p);
}

TEST(the_last_setting_of_a_name_wins_and_says_so)
{
    struct parsed p = parse("a = 1\nb = 2\na = 3\n");
    assert_int_equal(p.main_cf.count, 2);
    assert_setting(&p, "a", "3", 3);
    assert_string_equal(p.main_cf.settings[0].name, "a");
    assert_said(&p.notes, "warning: main.cf, line 3: overriding earlier entry: a=1 of line 1");
    release(&p);
}

TEST(every_bad_line_is_reported_and_the_good_ones_are_kept)
{
    struct parsed p = parse("nonsense\n"
                            "a = 1\n"
                            "two words = 2\n"
                            "= 3\n");
    assert_int_equal(p.main_cf.count, 1);
    assert_said(&p.notes,
                "error: main.cf, line 1: missing '=' after attribute name: \"nonsense\"; write");
    assert_said(&p.notes,
                "error: main.cf, line 3: missing '=' after attribute name: \"two words = 2\"");
    assert_said(&p.notes, "error: main.cf, line 4: missing attribute name: \"= 3\"");
    assert_int_equal(p.notes.error_count, 3);
    release(&p);
}

TEST(a_first_line_that_continues_nothing_is_passed_over)
{
    struct parsed p = parse("  a = 1\nb = 2\n");
    assert_int_equal(p.main_cf.count, 1);
    assert_said(&p.notes, "warning: main.cf, line 1: logical line must not start with whitespace");
    release(&p);
}

TEST(limits_have_errors)
{
    char *large = memory_new(CONFIG_FILE_MAX + 2);
    memset(large, '#', CONFIG_FILE_MAX + 1);
    struct parsed p = parse(large);
    assert_said(&p.notes, "error: main.cf: the file is longer than 1048576 bytes");
    release(&p);
    size_t used = 0;
    for (unsigned i = 0; i <= MAIN_CF_SETTINGS_MAX; i++)
        used += (size_t)snprintf(large + used, CONFIG_FILE_MAX - used, "a%u=\n", i);
    p = parse(large);
    assert_said(&p.notes, "error: main.cf, line 4097: more than 4096 settings");
    assert_int_equal(p.main_cf.count, MAIN_CF_SETTINGS_MAX);
    release(&p);
    memory_free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_are_read_with_their_lines),
        cmocka_unit_test(a_value_may_be_empty),
        cmocka_unit_test(the_last_setting_of_a_name_wins_and_says_so),
        cmocka_unit_test(every_bad_line_is_reported_and_the_good_ones_are_kept),
        cmocka_unit_test(a_first_line_that_continues_nothing_is_passed_over),
        cmocka_unit_test(limits_have_errors),
    };
    return RUN_TESTS(tests);
}
