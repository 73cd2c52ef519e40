#include "config/scope.h"

#include "config/said_test.h"

struct fixture {
    struct main_cf main_cf;
    struct config_notes notes;
    struct arena arena;
    struct machine machine;
    struct scope scope;
};

static struct fixture *open_scope(const char *hostname, const char *main_cf)
{
    static struct fixture f;
    f = (struct fixture){.notes = config_notes_make(), .arena = keep_make()};
    f.machine.hostname = slice_of(hostname);
    f.machine.addresses = slice_of("127.0.0.1/8 192.0.2.2/24");
    f.machine.mailname = slice_of("mail.example.net\nsecond line\n");
    main_cf_parse(slice_of(main_cf), "/etc/postfix/main.cf", &f.arena, &f.notes, &f.main_cf);
    f.scope = scope_make(&f.main_cf, NULL, &f.machine, "/etc/postfix/main.cf", &f.arena);
    return &f;
}

static void close_scope(struct fixture *f)
{
    main_cf_free(&f->main_cf);
    config_notes_free(&f->notes);
    arena_reset(&f->arena);
}

static void assert_expands(const struct fixture *f, const char *text, const char *expected)
{
    char out[1000];
    struct writer w = writer_over(out, sizeof out);
    struct err err = scope_expand(&f->scope, slice_of(text), NULL, NULL, &w);
    if (err_is(&err))
        fail_msg("%s: %s", text, err.text);
    assert_slice(writer_slice(&w), expected);
}

/* What Postfix 3.7 makes of these on a machine that is called vm. The third is kinder: Postfix
 * leaves "mail." there. */
TEST(the_names_of_the_machine_follow_from_one_another)
{
    static const struct {
        const char *hostname, *main_cf, *myhostname, *mydomain;
    } cases[] = {
        {"vm", "myhostname = mail\n", "mail", "localdomain"},
        {"vm", "myhostname = mail\nmydomain = x.y\n", "mail", "x.y"},
        {"vm", "myhostname = mail.$mydomain\n", "mail.localdomain", "localdomain"},
        {"vm", "", "vm.localdomain", "localdomain"},
        {"vm", "mydomain = foo.bar\n", "vm.foo.bar", "foo.bar"},
        {"vm", "myhostname = a.b.c\n", "a.b.c", "b.c"},
        {"vm", "myhostname = a\nmydomain = $myhostname\n", "a", "a"},
        {"mx.example.org", "", "mx.example.org", "example.org"},
        {"mx.example.org", "mydomain = example.net\n", "mx.example.org", "example.net"},
        {"", "", "localhost.localdomain", "localdomain"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture *f = open_scope(cases[i].hostname, cases[i].main_cf);
        assert_expands(f, "$myhostname", cases[i].myhostname);
        assert_expands(f, "$mydomain", cases[i].mydomain);
        close_scope(f);
    }
}

TEST(mynetworks_follow_from_style_and_interfaces)
{
    struct fixture *f = open_scope("vm", "");
    assert_expands(f, "$mynetworks", "127.0.0.1/32 192.0.2.2/32");
    close_scope(f);
    f = open_scope("vm", "mynetworks_style = subnet\ninet_interfaces = loopback-only\n");
    assert_expands(f, "$mynetworks", "127.0.0.0/8");
    close_scope(f);
    f = open_scope("vm", "compatibility_level = 1\n");
    assert_expands(f, "$mynetworks", "127.0.0.0/8 192.0.2.0/24");
    close_scope(f);
    f = open_scope("vm", "mynetworks = 10.0.0.0/8\nmynetworks_style = subnet\n");
    assert_expands(f, "$mynetworks", "10.0.0.0/8");
    close_scope(f);
}

TEST(etc_mailname_stands_for_its_first_line)
{
    struct fixture *f = open_scope("vm", "myorigin = /etc/mailname\n");
    assert_expands(f, "<$myorigin>", "<mail.example.net>");
    f->machine.mailname = slice_of("");
    assert_expands(f, "<$myorigin>", "</etc/mailname>");
    close_scope(f);
}

TEST(names_of_postfix_that_tuvi_does_not_use_still_have_their_values)
{
    struct fixture *f = open_scope("vm", "daemon_directory = /opt/postfix\n");
    assert_expands(f, "$daemon_directory $mail_spool_directory $config_directory",
                   "/opt/postfix /var/mail /etc/postfix");
    assert_expands(f, "$mime_header_checks$nosuch", "");
    close_scope(f);
}

TEST(white_space_at_the_ends_of_a_value_goes)
{
    struct fixture *f = open_scope("vm", "");
    assert_expands(f, "${mydomain? a b }", "a b");
    close_scope(f);
}

TEST(a_service_sees_its_own_settings_first_and_its_name)
{
    struct fixture *f = open_scope("vm", "relayhost = a\nmydestination = b\n");
    struct setting overrides[] = {
        {"relayhost", "c", {ORIGIN_MASTER_CF, "master.cf", 2}},
        {"relayhost", "d", {ORIGIN_MASTER_CF, "master.cf", 3}},
        {"myhostname", "mx.example.com", {ORIGIN_MASTER_CF, "master.cf", 4}},
    };
    struct master_service service = {
        .name = "submission", .command = "smtpd", .overrides = overrides, .override_count = 3};
    struct scope_value value;
    f->scope = scope_make(&f->main_cf, &service, &f->machine, "/etc/postfix/main.cf", &f->arena);
    assert_expands(f, "$relayhost $mydestination $mydomain", "d b example.com");
    assert_expands(f, "postfix/$service_name/$process_name", "postfix/submission/smtpd");
    assert_true(scope_find(&f->scope, slice_of("relayhost"), &value));
    assert_int_equal(value.origin.line, 3);
    assert_true(scope_find(&f->scope, slice_of("mydestination"), &value));
    assert_int_equal(value.origin.kind, ORIGIN_MAIN_CF);
    assert_true(scope_find(&f->scope, slice_of("smtpd_banner"), &value));
    assert_int_equal(value.origin.kind, ORIGIN_DEFAULT);
    assert_false(scope_find(&f->scope, slice_of("nosuch"), &value));
    close_scope(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_names_of_the_machine_follow_from_one_another),
        cmocka_unit_test(mynetworks_follow_from_style_and_interfaces),
        cmocka_unit_test(etc_mailname_stands_for_its_first_line),
        cmocka_unit_test(names_of_postfix_that_tuvi_does_not_use_still_have_their_values),
        cmocka_unit_test(white_space_at_the_ends_of_a_value_goes),
        cmocka_unit_test(a_service_sees_its_own_settings_first_and_its_name),
    };
    return RUN_TESTS(tests);
}
