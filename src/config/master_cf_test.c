#include "config/master_cf.h"

#include "config/said_test.h"

struct parsed {
    struct master_cf master_cf;
    struct config_notes notes;
    struct arena arena;
};

static struct parsed parse(const char *text)
{
    struct parsed p = {.notes = config_notes_make(), .arena = keep_make()};
    master_cf_parse(slice_of(text), "master.cf", &p.arena, &p.notes, &p.master_cf);
    return p;
}

static void release(struct parsed *p)
{
    master_cf_free(&p->master_cf);
    config_notes_free(&p->notes);
    arena_reset(&p->arena);
}

static void assert_override(const struct master_service *service, const char *name,
                            const char *value, unsigned line)
{
    const struct setting *override = master_service_override(service, slice_of(name));
    assert_non_null(override);
    assert_string_equal(override->value, value);
    assert_int_equal(override->origin.line, line);
}

TEST(services_are_read_with_their_columns)
{
    struct parsed p = parse("# service type  private unpriv  chroot  wakeup  maxproc command\n"
                            "smtp      inet  n       -       y       -       -       smtpd\n"
                            "pickup    unix  n       -       y       60      1       pickup\n"
                            "qmgr      fifo  n       -       n       300?    0       qmgr\n"
                            "smtpd     pass  -       -       n       -       -       smtpd -v\n"
                            "postlog   unix-dgram n  -       n       -       1       postlogd\n");
    const struct master_service *services = p.master_cf.services;
    assert_int_equal(p.master_cf.count, 5);
    assert_string_equal(services[0].name, "smtp");
    assert_int_equal(services[0].type, SERVICE_INET);
    assert_false(services[0].is_private);
    assert_int_equal(services[0].process_limit, -1);
    assert_string_equal(services[0].command, "smtpd");
    assert_int_equal(services[0].origin.line, 2);
    assert_int_equal(services[1].type, SERVICE_UNIX);
    assert_int_equal(services[1].process_limit, 1);
    assert_int_equal(services[2].type, SERVICE_FIFO);
    assert_int_equal(services[2].process_limit, 0);
    assert_int_equal(services[3].type, SERVICE_PASS);
    assert_true(services[3].is_private);
    assert_int_equal(services[3].verbosity, 1);
    assert_int_equal(services[4].type, SERVICE_UNIX_DGRAM);
    assert_int_equal(p.notes.count, 0);
    release(&p);
}

TEST(options_are_read_in_every_form_with_their_lines)
{
    struct parsed p =
        parse("submission inet n - y - - smtpd \t \n"
              "  -o syslog_name=postfix/$service_name\n"
              "  -o { smtpd_relay_restrictions = permit_sasl_authenticated, reject }\n"
              "#  -o smtpd_tls_auth_only=yes\n"
              "  -osmtpd_milters= -vv -D -o\n"
              "  mynetworks=127.0.0.0/8,\\\n"
              "  -o smtpd_milters=last\n");
    const struct master_service *service = &p.master_cf.services[0];
    assert_int_equal(service->override_count, 5);
    assert_override(service, "syslog_name", "postfix/$service_name", 2);
    assert_override(service, "smtpd_relay_restrictions", "permit_sasl_authenticated, reject", 3);
    assert_override(service, "mynetworks", "127.0.0.0/8,\\", 6);
    assert_override(service, "smtpd_milters", "last", 7);
    assert_int_equal(service->verbosity, 2);
    assert_null(master_service_override(service, slice_of("smtpd_tls_auth_only")));
    assert_int_equal(p.notes.count, 0);
    release(&p);
}

TEST(the_arguments_of_other_programs_are_their_own)
{
    struct parsed p =
        parse("dovecot unix - n n - - pipe -o max_use=20 flags=DRhu user=vmail argv=x -o -z\n");
    assert_int_equal(p.master_cf.services[0].override_count, 1);
    assert_override(&p.master_cf.services[0], "max_use", "20", 1);
    assert_int_equal(p.notes.count, 0);
    release(&p);
}

TEST(a_bad_line_has_the_error_that_postfix_gives)
{
    static const struct {
        const char *line, *error;
    } wrong[] = {
        {"foo", "missing \"transport type\" field"},
        {"foo unix n - n - 1", "missing \"command\" field"},
        {"foo unix n - n - - -", "field \"command\" has no default value"},
        {"foo - n - n - - x", "field \"transport type\" has no default value"},
        {"foo bar n - n - - x", "bad transport type: bar"},
        {"foo unix x - n - - x", "field \"private\": bad value: \"x\""},
        {"foo unix n 1 n - - x", "field \"unprivileged\": bad value: \"1\""},
        {"foo unix n - yes - - x", "field \"chroot\": bad value: \"yes\""},
        {"foo unix n - n x - x", "field \"wakeup_time\": bad value: \"x\""},
        {"foo unix n - n -1 - x", "field \"wakeup_time\": bad value: \"-1\""},
        {"foo unix n - n ? - x", "field \"wakeup_time\": bad value: \"?\""},
        {"foo unix n - n - -1 x", "field \"max_proc\": bad value: \"-1\""},
        {"25 inet - - n - - smtpd", "inet service cannot be private"},
        {"25 inet y - n - - smtpd", "inet service cannot be private"},
        {"1.2.3.4: inet n - n - - smtpd", "missing service information in \"1.2.3.4:\""},
        {"a*b:25 inet n - n - - smtpd", "bad hostname or network address: a*b:25"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[300], error[300];
        snprintf(text, sizeof text, "#\n%s\n8 unix n - n - - x\n", wrong[i].line);
        snprintf(error, sizeof error, "error: master.cf: line 2: %s", wrong[i].error);
        struct parsed p = parse(text);
        assert_said(&p.notes, error);
        assert_int_equal(p.notes.count, 1);
        assert_int_equal(p.master_cf.count, 1);
        release(&p);
    }
}

TEST(bad_options_are_reported_once_and_reading_goes_on)
{
    static const struct {
        const char *options, *error;
        size_t good;
    } wrong[] = {
        {"-o", "-o without a setting", 0},
        {"-o name", "-o: missing '=' after attribute name: \"name\"", 0},
        {"-o name = a b -o x=y", "-o name = ...: a setting with spaces around =", 1},
        {"-o name=a, b, c -o x=y",
         "unexpected command-line argument: b,; if it belongs to the value before it, write that "
         "one in braces: -o { name = ... }",
         2},
        {"-x -o x=y", "unknown option -x of smtpd", 1},
        {"-o { a = b", "missing '}' in \"{ a = b\"", 0},
        {"-o { a = b }x -o x=y", "syntax error after '}' in \"{ a = b }x\"", 0},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[300], error[300];
        snprintf(text, sizeof text, "25 inet n - n - - smtpd\n %s\n", wrong[i].options);
        snprintf(error, sizeof error, "error: master.cf: line 2: %s", wrong[i].error);
        struct parsed p = parse(text);
        assert_said(&p.notes, error);
        assert_int_equal(p.notes.count, 1);
        assert_int_equal(p.master_cf.services[0].override_count, wrong[i].good);
        release(&p);
    }
}

TEST(options_under_a_service_that_is_commented_out_are_pointed_at)
{
    struct parsed p = parse("smtp inet n - y - - smtpd\n"
                            "# Choose one: enable submission for loopback clients only.\n"
                            "#submission inet n - y - - smtpd\n"
                            "#  -o syslog_name=postfix/submission\n"
                            "  -o smtpd_tls_security_level=encrypt -o a=b\n"
                            "  -o smtpd_sasl_auth_enable=yes\n"
                            "465 inet n - y - - smtpd\n"
                            "# 587\tinet n - y - - smtpd\n"
                            "#-o c=d\n"
                            "  -o e=f\n");
    assert_int_equal(p.notes.count, 2);
    assert_said(&p.notes, "warning: master.cf: line 10: this -o changes the service 465 of line 7, "
                          "because the service of line 8 is commented out");
    assert_said(&p.notes, "warning: master.cf: line 5: this -o changes the service smtp of line 1, "
                          "because the service of line 3 is commented out");
    assert_int_equal(p.master_cf.services[0].override_count, 3);
    release(&p);
}

TEST(ordinary_comments_between_options_are_no_trap)
{
    struct parsed p = parse("smtp inet n - y - - smtpd\n"
                            "#  -o smtpd_tls_security_level=encrypt\n"
                            "# the inet service above\n"
                            "  -o smtpd_sasl_auth_enable=yes\n"
                            "#submission inet n - y - - smtpd\n"
                            "25 inet n - y - - smtpd -o a=b\n");
    assert_int_equal(p.notes.count, 0);
    release(&p);
}

TEST(the_last_of_two_services_with_a_name_wins)
{
    struct parsed p = parse("25 inet n - y - - smtpd\n"
                            "25 unix n - y - - smtp\n"
                            "25 inet n - y - 7 smtpd\n");
    assert_int_equal(p.master_cf.count, 2);
    assert_int_equal(p.master_cf.services[0].process_limit, 7);
    assert_said(&p.notes,
                "warning: master.cf: line 3: duplicate entry for the service 25 of line 1");
    release(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(services_are_read_with_their_columns),
        cmocka_unit_test(options_are_read_in_every_form_with_their_lines),
        cmocka_unit_test(the_arguments_of_other_programs_are_their_own),
        cmocka_unit_test(a_bad_line_has_the_error_that_postfix_gives),
        cmocka_unit_test(bad_options_are_reported_once_and_reading_goes_on),
        cmocka_unit_test(options_under_a_service_that_is_commented_out_are_pointed_at),
        cmocka_unit_test(ordinary_comments_between_options_are_no_trap),
        cmocka_unit_test(the_last_of_two_services_with_a_name_wins),
    };
    return RUN_TESTS(tests);
}
