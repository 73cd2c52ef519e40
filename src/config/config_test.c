#include "config/config.h"

#include "config/said_test.h"

#define LEVEL   "compatibility_level = 3.6\n"
#define PORT_25 "25 inet n - n - - smtpd\n"

static struct config *config;
static struct config_notes notes;

/* A machine without users. */
static struct err no_users(void *owner, const char *path, struct slice *text)
{
    (void)owner;
    if (strcmp(path, CONFIG_FILE_USERS) != 0)
        return err_make(ERR_OTHER, "%s: no files are at hand", path);
    *text = slice_of("");
    return err_none();
}

static struct err load(const char *main_cf, const char *master_cf)
{
    struct config_source source = {
        .main_cf = {"main.cf", slice_of(main_cf)},
        .master_cf = {"master.cf", slice_of(master_cf)},
        .machine = {slice_of("mx.example.org"), slice_of("127.0.0.1/8 ::1/128"), slice_of("")},
        .files = {no_users, NULL},
    };
    config_free(config);
    config = NULL;
    config_notes_free(&notes);
    return config_load(&source, &config, &notes);
}

static void assert_loads(const char *main_cf, const char *master_cf)
{
    struct err err = load(main_cf, master_cf);
    if (!err_is(&err))
        return;
    for (size_t i = 0; i < notes.count; i++)
        print_error("%s\n", note_line(&notes.list[i]));
    fail_msg("%s", err.text);
}

static void assert_refuses(const char *main_cf, const char *master_cf, const char *error)
{
    struct err err = load(main_cf, master_cf);
    assert_said(&notes, error);
    assert_true(err_is(&err));
    assert_null(config);
}

static const struct config_service *service_named(const char *name)
{
    size_t count;
    const struct config_service *services = config_services(config, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(services[i].name, name) == 0)
            return &services[i];
    fail_msg("no service %s", name);
    return NULL;
}

TEST(an_empty_main_cf_gives_the_defaults)
{
    assert_loads(LEVEL, PORT_25);
    const struct parameters *main = config_main(config);
    assert_int_equal(notes.count, 0);
    assert_string_equal(main->myhostname, "mx.example.org");
    assert_string_equal(main->mydomain, "example.org");
    assert_string_equal(main->mydestination, "mx.example.org, localhost.example.org, localhost");
    assert_string_equal(main->mynetworks, "127.0.0.1/32 [::1]/128");
    assert_string_equal(main->smtpd_banner, "mx.example.org ESMTP Tuvi");
    assert_string_equal(main->smtpd_relay_restrictions,
                        "permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination");
    assert_string_equal(main->smtpd_tls_protocols, ">=TLSv1");
    assert_string_equal(main->syslog_name, "postfix");
    assert_int_equal(main->smtpd_timeout, 300);
    assert_int_equal(main->smtpd_hard_error_limit, 20);
    assert_int_equal(main->maximal_queue_lifetime, 5 * 86400);
    assert_int_equal(main->smtp_destination_concurrency_limit, 20);
    assert_int_equal(main->smtpd_tls_security_level, TLS_LEVEL_NONE);
    assert_int_equal(main->smtp_dns_support_level, DNS_LEVEL_ENABLED);
    assert_int_equal(main->lmtp_tls_security_level, TLS_LEVEL_NONE);
    assert_int_equal(main->lmtp_connect_timeout, 0);
    assert_string_equal(main->mailbox_transport, "");
    assert_true(main->smtpd_relay_before_recipient_restrictions);
    assert_false(main->append_dot_mydomain);
    assert_string_equal(main->relay_domains, "");
}

TEST(the_defaults_that_are_not_postfixs)
{
    assert_loads(LEVEL, PORT_25);
    assert_true(config_main(config)->smtpd_tls_auth_only);
    assert_string_equal(config_main(config)->smtpd_tls_mandatory_protocols, ">=TLSv1.2");
    assert_int_equal(config_main(config)->smtpd_sasl_type, SASL_TYPE_DOVECOT);
    assert_string_equal(config_main(config)->mail_name, "Tuvi");
    assert_string_equal(config_main(config)->mail_owner, "");
}

TEST(an_older_level_gives_older_defaults)
{
    assert_loads("compatibility_level = 0\n", PORT_25);
    const struct parameters *main = config_main(config);
    assert_int_equal(main->mynetworks_style, MYNETWORKS_SUBNET);
    assert_string_equal(main->relay_domains, main->mydestination);
    assert_string_equal(main->smtpd_relay_restrictions, "");
    assert_false(main->smtpd_relay_before_recipient_restrictions);
    assert_true(main->append_dot_mydomain);
    assert_loads("compatibility_level = 2\n", PORT_25);
    main = config_main(config);
    assert_int_equal(main->mynetworks_style, MYNETWORKS_HOST);
    assert_false(main->smtpd_relay_before_recipient_restrictions);
}

TEST(without_a_level_3_6_is_assumed_and_said)
{
    assert_loads("", PORT_25);
    assert_said(&notes, "warning: main.cf: compatibility_level is not set; 3.6 is assumed");
    assert_true(config_main(config)->smtpd_relay_before_recipient_restrictions);
    assert_refuses(LEVEL, PORT_25 " -o compatibility_level=3.x\n",
                   "error: master.cf: line 2: compatibility_level = 3.x: write a release");
    assert_refuses("compatibility_level = new\n", PORT_25,
                   "error: main.cf, line 1: compatibility_level = new: write a release");
    assert_int_equal(notes.count, 1);
}

TEST(each_value_knows_where_it_comes_from)
{
    assert_loads(LEVEL "relayhost = [192.0.2.1]\n", PORT_25 "  -o relayhost=\n");
    char text[ORIGIN_TEXT_MAX];
    struct writer w = writer_over(text, sizeof text);
    const struct parameters *own = service_named("25")->parameters;
    origin_format(&w, parameter_origin(config_main(config), PARAMETER_relayhost));
    writer_text(&w, "; ");
    origin_format(&w, parameter_origin(own, PARAMETER_relayhost));
    writer_text(&w, "; ");
    origin_format(&w, parameter_origin(own, PARAMETER_mynetworks));
    assert_slice(writer_slice(&w), "main.cf, line 2; master.cf: line 2; default");
}

TEST(all_errors_are_reported_at_once)
{
    struct err err = load("nonsense\n" LEVEL "message_size_limit = big\n"
                          "mynetworks = 127.0.0.1/8\n"
                          "relayhost = $relayhost\n"
                          "smtpd_milters = inet:localhost:8891\n",
                          "smtp inet - - n - - smtpd\n"
                          "587 inet n - n - - smtpd -o smtpd_helo_required=perhaps\n");
    assert_string_equal(err.text, "main.cf, master.cf: 7 errors; mend what is wrong and try again");
    assert_said(&notes, "error: main.cf, line 1: missing '=' after attribute name: \"nonsense\"");
    assert_said(&notes, "error: main.cf, line 3: message_size_limit = big: write a number");
    assert_said(&notes, "error: main.cf, line 4: mynetworks: non-null host address bits in "
                        "\"127.0.0.1/8\"; for the network write \"127.0.0.0/8\"");
    assert_said(&notes, "error: main.cf, line 5: relayhost = $relayhost: $relayhost refers to "
                        "itself");
    assert_said(&notes, "error: main.cf, line 6: smtpd_milters = inet:localhost:8891: Tuvi does "
                        "not support this parameter yet, and to ignore it would change what mail "
                        "is refused or filtered");
    assert_said(&notes, "error: master.cf: line 1: inet service cannot be private");
    assert_said(&notes, "error: master.cf: line 2: smtpd_helo_required = perhaps: write yes or no");
    assert_int_equal(notes.error_count, 7);
}

TEST(a_default_made_of_a_bad_value_is_not_reported_too)
{
    assert_refuses(LEVEL "myhostname =\n", PORT_25,
                   "error: main.cf, line 2: myhostname = : it may not be empty");
    assert_int_equal(notes.error_count, 1);
}

TEST(a_service_has_other_values_under_stress)
{
    assert_loads(LEVEL "smtpd_banner = $myhostname${stress?{ is busy}}\n", PORT_25
                 "587 inet n - n - - smtpd -o smtpd_timeout=7s -o smtpd_junk_command_limit=9\n"
                 "  -o smtpd_per_record_deadline=no\n");
    const struct config_service *plain = service_named("25");
    const struct config_service *submission = service_named("587");
    assert_int_equal(plain->parameters->smtpd_timeout, 300);
    assert_int_equal(plain->stressed->smtpd_timeout, 10);
    assert_int_equal(plain->parameters->smtpd_hard_error_limit, 20);
    assert_int_equal(plain->stressed->smtpd_hard_error_limit, 1);
    assert_int_equal(plain->stressed->smtpd_junk_command_limit, 1);
    assert_int_equal(submission->stressed->smtpd_junk_command_limit, 9);
    assert_int_equal(submission->stressed->smtpd_timeout, 7);
    assert_false(plain->parameters->smtpd_per_request_deadline);
    assert_true(plain->stressed->smtpd_per_request_deadline);
    assert_false(submission->stressed->smtpd_per_request_deadline);
    assert_non_null(strstr(plain->stressed->smtpd_banner, " is busy"));
    assert_null(strstr(plain->parameters->smtpd_banner, " is busy"));
    assert_int_equal(notes.count, 0);
}

TEST(what_is_wrong_under_stress_alone_is_told)
{
    assert_refuses(LEVEL "smtpd_timeout = ${stress?{ten}:{300}}s\n", PORT_25,
                   "error: main.cf, line 2: under stress: smtpd_timeout = ");
    assert_int_equal(notes.error_count, 1);
}

TEST(a_service_has_its_own_values)
{
    assert_loads(LEVEL "mua = permit_sasl_authenticated, reject\n"
                       "smtpd_tls_security_level = may\n",
                 PORT_25 "[::1]:submission inet n - n - 10 smtpd -v -v\n"
                         "  -o syslog_name=postfix/$service_name\n"
                         "  -o smtpd_tls_security_level=encrypt\n"
                         "  -o smtpd_relay_restrictions=$mua\n");
    const struct config_service *plain = service_named("25");
    const struct config_service *submission = service_named("[::1]:submission");
    assert_int_equal(plain->role, SERVICE_LISTENS);
    assert_null(plain->host);
    assert_int_equal(plain->port, 25);
    assert_int_equal(plain->process_limit, -1);
    assert_int_equal(plain->parameters->smtpd_tls_security_level, TLS_LEVEL_MAY);
    assert_string_equal(submission->host, "::1");
    assert_string_equal(submission->port_text, "submission");
    assert_int_equal(submission->port, 587);
    assert_int_equal(submission->process_limit, 10);
    assert_int_equal(submission->verbosity, 2);
    assert_int_equal(submission->origin.line, 2);
    assert_string_equal(submission->parameters->syslog_name, "postfix/[::1]:submission");
    assert_string_equal(submission->parameters->smtpd_relay_restrictions,
                        "permit_sasl_authenticated, reject");
    assert_int_equal(submission->parameters->smtpd_tls_security_level, TLS_LEVEL_ENCRYPT);
    assert_int_equal(config_main(config)->smtpd_tls_security_level, TLS_LEVEL_MAY);
    assert_int_equal(notes.count, 0);
}

TEST(older_names_set_the_level_only_where_it_is_not_set)
{
    static const struct {
        const char *main_cf;
        enum tls_level smtpd, smtp;
    } cases[] = {
        {"smtpd_use_tls = yes\nsmtp_use_tls = yes\n", TLS_LEVEL_MAY, TLS_LEVEL_MAY},
        {"smtpd_enforce_tls = YES\nsmtp_enforce_tls = yes\n", TLS_LEVEL_ENCRYPT, TLS_LEVEL_ENCRYPT},
        {"smtpd_use_tls = yes\nsmtpd_tls_security_level = encrypt\n", TLS_LEVEL_ENCRYPT,
         TLS_LEVEL_NONE},
        {"smtp_enforce_tls = yes\nsmtp_tls_security_level = may\n", TLS_LEVEL_NONE, TLS_LEVEL_MAY},
        {"smtpd_use_tls = yes\nsmtpd_tls_security_level =\n", TLS_LEVEL_MAY, TLS_LEVEL_NONE},
        {"smtpd_use_tls = no\n", TLS_LEVEL_NONE, TLS_LEVEL_NONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_loads(cases[i].main_cf, PORT_25);
        assert_int_equal(config_main(config)->smtpd_tls_security_level, cases[i].smtpd);
        assert_int_equal(config_main(config)->smtp_tls_security_level, cases[i].smtp);
    }
    assert_said(&notes, "warning: main.cf, line 1: support for parameter \"smtpd_use_tls\" will be "
                        "removed; instead, specify \"smtpd_tls_security_level = may\"");
}

TEST(disable_dns_lookups_is_meant_where_no_level_is_set)
{
    assert_loads("disable_dns_lookups = yes\n", PORT_25);
    assert_int_equal(config_main(config)->smtp_dns_support_level, DNS_LEVEL_DISABLED);
    assert_loads("disable_dns_lookups = yes\nsmtp_dns_support_level = enabled\n", PORT_25);
    assert_int_equal(config_main(config)->smtp_dns_support_level, DNS_LEVEL_ENABLED);
}

TEST(harmless_settings_are_noted_and_dangerous_ones_refused)
{
    assert_loads(LEVEL "biff = no\ntls_random_source = dev:/dev/urandom\n"
                       "dovecot_destination_recipient_limit = 1\n",
                 PORT_25);
    assert_said(&notes, "note: main.cf, line 2: biff is passed over");
    assert_said(&notes, "note: main.cf, line 3: tls_random_source is passed over: the TLS "
                        "library's own choice is used");
    assert_said(&notes,
                "note: main.cf, line 4: dovecot_destination_recipient_limit is passed over");
    assert_refuses(LEVEL, PORT_25 "  -o smtpd_milters=inet:127.0.0.1:10024\n",
                   "error: master.cf: line 2: smtpd_milters = inet:127.0.0.1:10024");
}

TEST(a_dangerous_parameter_that_says_nothing_is_harmless)
{
    assert_loads(LEVEL "body_checks =\nsmtp_sasl_auth_enable = No\n"
                       "mime_header_checks = $header_checks\nsmtpd_milters = $nothing\n"
                       "nothing =\n",
                 PORT_25 " -o receive_override_options=\n");
}

TEST(restriction_classes_are_read_with_the_settings_of_a_service)
{
    const struct parameters *own;
    assert_loads(LEVEL "smtpd_restriction_classes = insiders, guests\n"
                       "insiders = permit_mynetworks, $more\nmore = reject\nguests = permit\n",
                 PORT_25 " -o more=defer\n");
    own = service_named("25")->parameters;
    assert_int_equal(own->restriction_class_count, 2);
    assert_string_equal(own->restriction_classes[0].name, "insiders");
    assert_string_equal(own->restriction_classes[0].text, "permit_mynetworks, defer");
    assert_int_equal(own->restriction_classes[0].origin.line, 3);
    assert_string_equal(config_main(config)->restriction_classes[0].text,
                        "permit_mynetworks, reject");
    assert_refuses(
        LEVEL "smtpd_restriction_classes = nobody_knows\n", PORT_25,
        "error: main.cf, line 2: smtpd_restriction_classes: nobody_knows is set nowhere");
}

TEST(a_dangerous_parameter_that_cannot_be_read_is_refused)
{
    assert_refuses(LEVEL "smtpd_milters = ${a\n", PORT_25,
                   "error: main.cf, line 2: smtpd_milters = ${a: a reference is not closed");
    assert_refuses(LEVEL, PORT_25 " -o body_checks=$body_checks\n",
                   "error: master.cf: line 2: body_checks = $body_checks: $body_checks "
                   "refers to itself");
    assert_loads(LEVEL "debugger_command = kill $\n", PORT_25);
}

TEST(settings_of_local_delivery_matter_where_there_is_local_delivery)
{
    static const char aliases[] = LEVEL "fallback_transport = smtp:[x]\n";
    char text[500];
    assert_refuses(aliases, PORT_25, "error: main.cf, line 2: fallback_transport = smtp:[x]");
    snprintf(text, sizeof text, "%smydestination =\n", aliases);
    assert_loads(text, PORT_25);
    assert_said(&notes,
                "note: main.cf, line 2: fallback_transport is passed over: in this configuration");
    snprintf(text, sizeof text, "%slocal_transport = lmtp:unix:private/lmtp\n", aliases);
    assert_loads(text, PORT_25);
}

TEST(names_of_the_administrators_own_are_known_by_their_use)
{
    assert_loads(LEVEL "base = example\nmydestination = ${base}.org\n"
                       "smtpd_restriction_classes = insiders\n"
                       "insiders = permit_mynetworks\n"
                       "smtpd_recipient_restrictions = check_first, permit\n"
                       "check_first = reject_unauth_destination\n"
                       "from_master = lmtp\n",
                 PORT_25 " -o mail_name=$from_master$own -o own=1\n");
    assert_not_said(&notes, "unused");
    assert_loads(LEVEL "broken_sasl_atuh_clients = yes\nfoo_of_mine = bar\n", PORT_25);
    assert_said(&notes, "warning: main.cf, line 2: unused parameter: broken_sasl_atuh_clients=yes; "
                        "did you mean broken_sasl_auth_clients?");
    assert_said(&notes, "warning: main.cf, line 3: unused parameter: foo_of_mine=bar");
    assert_not_said(&notes, "foo_of_mine=bar; did you mean");
}

TEST(a_name_that_is_set_nowhere_is_pointed_at_once)
{
    assert_loads(LEVEL "mydestination = $myhostname, $nosuch\n",
                 PORT_25 "587 inet n - n - - smtpd\n");
    assert_said(&notes, "warning: main.cf, line 2: mydestination: $nosuch is set nowhere");
    assert_string_equal(config_main(config)->mydestination, "mx.example.org,");
}

TEST(programs_that_tuvi_does_not_have_may_not_face_the_network)
{
    assert_refuses(LEVEL, "smtp inet n - y - 1 postscreen\n",
                   "error: master.cf: line 1: postscreen is not supported: write \"smtp inet n - n "
                   "- - smtpd\" instead");
    assert_refuses(LEVEL, PORT_25 "628 inet n - y - - qmqpd\n",
                   "error: master.cf: line 2: 628: Tuvi does not have the program qmqpd");
    assert_refuses(LEVEL, "nobody-knows inet n - n - - smtpd\n",
                   "error: master.cf: line 1: unknown port nobody-knows: write its number");
}

TEST(postfixs_own_services_are_passed_over_silently_and_others_with_a_note)
{
    assert_loads(LEVEL, PORT_25 "pickup unix n - y 60 1 pickup\n"
                                "cleanup unix n - y - 0 cleanup\n"
                                "rewrite unix - - y - - trivial-rewrite\n"
                                "smtp unix - - y - - smtp\n"
                                "postlog unix-dgram n - n - 1 postlogd\n");
    assert_int_equal(notes.count, 0);
    assert_int_equal(service_named("pickup")->role, SERVICE_PASSED_OVER);
    assert_null(service_named("pickup")->parameters);
    assert_loads(LEVEL, PORT_25 "smtpd pass - - y - - smtpd\n"
                                "dnsblog unix - - y - 0 dnsblog\n"
                                "maildrop unix - n n - - pipe flags=DRhu user=vmail argv=x\n");
    assert_said(&notes, "note: master.cf: line 2: the service smtpd (pass smtpd) is not used");
    assert_said(&notes, "note: master.cf: line 3: the service dnsblog (unix dnsblog) is not used");
    assert_said(&notes, "note: master.cf: line 4: the service maildrop (unix pipe) is not used");
}

TEST(transports_have_values_of_their_own_and_matter_when_they_are_named)
{
    assert_loads(LEVEL "relay_transport = slow\n",
                 PORT_25 "slow unix - - n - - smtp -o smtp_helo_timeout=5\n"
                         "fast unix - - n - - smtp -o smtp_generic_maps=static:x\n");
    assert_int_equal(service_named("slow")->role, SERVICE_DELIVERS);
    assert_int_equal(service_named("slow")->parameters->smtp_helo_timeout, 5);
    assert_int_equal(config_main(config)->smtp_helo_timeout, 300);
    assert_refuses(LEVEL "relay_transport = fast:[mx.example.net]\n",
                   PORT_25 "fast unix - - n - - smtp -o smtp_generic_maps=static:x\n",
                   "error: master.cf: line 2: smtp_generic_maps = static:x");
    assert_refuses(LEVEL, PORT_25 "cleanup unix n - n - 0 cleanup -o header_checks=pcre:/x\n",
                   "error: master.cf: line 2: header_checks = pcre:/x");
}

TEST(a_setting_in_the_wrong_service_is_noted)
{
    assert_loads(LEVEL,
                 PORT_25 "  -o minimal_backoff_time=5s -o smtpd_timeout=5s -o syslog_name=x\n");
    assert_int_equal(notes.count, 1);
    assert_said(
        &notes,
        "note: master.cf: line 2: -o minimal_backoff_time changes nothing in the service 25");
}

TEST(lists_are_checked_where_they_are_set)
{
    assert_refuses(LEVEL "virtual_mailbox_domains = mysql:/etc/domains.cf\n", PORT_25,
                   "error: main.cf, line 2: virtual_mailbox_domains: mysql:/etc/domains.cf: tables "
                   "of type mysql are not supported yet");
    assert_refuses(
        LEVEL "virtual_mailbox_maps = hash:/etc/users\n", PORT_25,
        "error: main.cf, line 2: virtual_mailbox_maps: /etc/users: no files are at hand");
    assert_int_equal(notes.error_count, 1);
    assert_refuses(LEVEL, PORT_25 " -o mynetworks=localhost\n",
                   "error: master.cf: line 2: mynetworks: \"localhost\" is neither an address");
    assert_loads(LEVEL "mynetworks = 0.0.0.0/0\n", PORT_25);
    assert_said(&notes, "warning: main.cf, line 2: mynetworks = 0.0.0.0/0: a network of length 0");
    assert_refuses(LEVEL "myorigin = /etc/mailname\n", PORT_25,
                   "error: main.cf, line 2: myorigin = /etc/mailname: there is no name");
    assert_refuses(LEVEL "myorigin = /etc/hostname\n", PORT_25,
                   "error: main.cf, line 2: myorigin = /etc/hostname: no file but /etc/mailname");
}

static struct err find_file(void *owner, const char *path, struct slice *text)
{
    (void)owner;
    if (strcmp(path, "/spool/users") != 0)
        return err_make(2, "%s: No such file or directory", path);
    *text = slice_of("ada@example.org x\nnothing\nada@example.org y\n");
    return err_none();
}

TEST(tables_in_files_are_read_through_the_source)
{
    static const char main_cf[] =
        LEVEL "queue_directory = /spool\nvirtual_mailbox_maps = hash:users\n"
              "local_recipient_maps =\nrelay_recipient_maps = hash:/nosuch\n";
    struct config_source source = {
        .main_cf = {"main.cf", slice_of(main_cf)},
        .master_cf = {"master.cf", slice_of(PORT_25)},
        .machine = {slice_of("mx.example.org"), slice_of("127.0.0.1/8"), slice_of("")},
        .files = {.find = find_file},
    };
    config_free(config);
    config = NULL;
    config_notes_free(&notes);
    struct err err = config_load(&source, &config, &notes);
    assert_true(err_is(&err));
    assert_int_equal(notes.error_count, 1);
    assert_said(&notes, "error: main.cf, line 5: relay_recipient_maps: /nosuch: No such file");
    assert_said(&notes, "warning: /spool/users, line 2: expected format: key whitespace value");
    assert_said(&notes, "warning: /spool/users, line 3: duplicate entry; the first one counts: "
                        "\"ada@example.org\"");
}

TEST(a_configuration_that_listens_nowhere_is_pointed_at)
{
    assert_loads(LEVEL, "");
    assert_said(&notes, "warning: master.cf: no service listens");
}

TEST(any_name_can_be_asked_for)
{
    char text[100];
    struct writer w = writer_over(text, sizeof text);
    assert_loads(LEVEL "insiders = permit_mynetworks, $last\nlast = reject\n",
                 PORT_25 " -o last=permit\n");
    assert_true(config_text(config, NULL, slice_of("insiders"), &w));
    writer_text(&w, "; ");
    assert_true(config_text(config, service_named("25"), slice_of("insiders"), &w));
    assert_slice(writer_slice(&w), "permit_mynetworks, reject; permit_mynetworks, permit");
    assert_false(config_text(config, NULL, slice_of("nosuch"), &w));
}

/* The set-up that the mission is about, shortened. */
TEST(the_classic_set_up_loads_without_a_word)
{
    assert_loads(LEVEL "maillog_file = /tmp/postfix.log\ninet_interfaces = 127.0.0.1\n"
                       "myhostname = mx.local.test\nmydestination =\nmynetworks = 127.0.0.2/32\n"
                       "virtual_mailbox_domains = local.test\n"
                       "virtual_mailbox_maps = inline:{ {ada@local.test=x} {bob@local.test=x} }\n"
                       "virtual_transport = smtp:[127.0.0.1]:2525\n"
                       "smtp_dns_support_level = disabled\n"
                       "smtpd_sasl_type = dovecot\nsmtpd_sasl_path = private/auth\n"
                       "smtpd_sasl_auth_enable = yes\nbroken_sasl_auth_clients = yes\n"
                       "smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination\n",
                 "127.0.0.1:2587 inet n - n - - smtpd\n"
                 "  -o syslog_name=postfix/submission\n"
                 "  -o smtpd_tls_security_level=encrypt\n"
                 "tlsmgr unix - - n 1000? 1 tlsmgr\n"
                 "local unix - n n - - local\n");
    assert_int_equal(notes.count, 0);
}

static int release(void **state __attribute__((unused)))
{
    config_free(config);
    config_notes_free(&notes);
    return 0;
}

TEST(a_faulty_configuration_can_be_looked_at)
{
    struct config_source source = {
        .main_cf = {"main.cf",
                    slice_of(LEVEL "minimal_backoff_time = soon\n"
                                   "smtpd_milters = inet:localhost:1\nmyorigin = x.org\n")},
        .master_cf = {"master.cf", slice_of(PORT_25 "nobodys inet n - n - - smtpd\n")},
        .files = {no_users, NULL},
    };
    struct config_notes said = config_notes_make();
    struct config *faulty = config_load_faulty(&source, &said);
    size_t count;
    assert_non_null(faulty);
    assert_int_equal(said.error_count, 3);
    assert_int_equal(config_main(faulty)->minimal_backoff_time, 0);
    assert_string_equal(config_main(faulty)->myorigin, "x.org");
    assert_int_equal(config_services(faulty, &count)[0].port, 25);
    assert_int_equal(count, 2);
    config_free(faulty);
    config_notes_free(&said);
}

/* The weight of what is said about a setting that Tuvi does not have. */
static enum config_weight weight_of(const char *name)
{
    for (size_t i = 0; i < notes.count; i++)
        if (strstr(notes.list[i].text, name) != NULL)
            return notes.list[i].weight;
    fail_msg("nothing is said about %s", name);
    return CONFIG_UNWEIGHED;
}

TEST(what_is_not_supported_is_weighed)
{
    struct err err = load(LEVEL "smtpd_milters = inet:localhost:1\nbiff = no\nbif = no\n", PORT_25);
    assert_true(err_is(&err));
    assert_int_equal(weight_of("smtpd_milters"), CONFIG_DANGEROUS);
    assert_int_equal(weight_of("biff is passed over"), CONFIG_HARMLESS);
    assert_int_equal(weight_of("unused parameter: bif="), CONFIG_UNWEIGHED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_main_cf_gives_the_defaults),
        cmocka_unit_test(the_defaults_that_are_not_postfixs),
        cmocka_unit_test(an_older_level_gives_older_defaults),
        cmocka_unit_test(without_a_level_3_6_is_assumed_and_said),
        cmocka_unit_test(each_value_knows_where_it_comes_from),
        cmocka_unit_test(all_errors_are_reported_at_once),
        cmocka_unit_test(a_default_made_of_a_bad_value_is_not_reported_too),
        cmocka_unit_test(a_service_has_other_values_under_stress),
        cmocka_unit_test(what_is_wrong_under_stress_alone_is_told),
        cmocka_unit_test(a_service_has_its_own_values),
        cmocka_unit_test(older_names_set_the_level_only_where_it_is_not_set),
        cmocka_unit_test(disable_dns_lookups_is_meant_where_no_level_is_set),
        cmocka_unit_test(harmless_settings_are_noted_and_dangerous_ones_refused),
        cmocka_unit_test(a_dangerous_parameter_that_says_nothing_is_harmless),
        cmocka_unit_test(restriction_classes_are_read_with_the_settings_of_a_service),
        cmocka_unit_test(a_dangerous_parameter_that_cannot_be_read_is_refused),
        cmocka_unit_test(settings_of_local_delivery_matter_where_there_is_local_delivery),
        cmocka_unit_test(names_of_the_administrators_own_are_known_by_their_use),
        cmocka_unit_test(a_name_that_is_set_nowhere_is_pointed_at_once),
        cmocka_unit_test(programs_that_tuvi_does_not_have_may_not_face_the_network),
        cmocka_unit_test(postfixs_own_services_are_passed_over_silently_and_others_with_a_note),
        cmocka_unit_test(transports_have_values_of_their_own_and_matter_when_they_are_named),
        cmocka_unit_test(a_setting_in_the_wrong_service_is_noted),
        cmocka_unit_test(lists_are_checked_where_they_are_set),
        cmocka_unit_test(tables_in_files_are_read_through_the_source),
        cmocka_unit_test(a_configuration_that_listens_nowhere_is_pointed_at),
        cmocka_unit_test(any_name_can_be_asked_for),
        cmocka_unit_test(the_classic_set_up_loads_without_a_word),
        cmocka_unit_test(a_faulty_configuration_can_be_looked_at),
        cmocka_unit_test(what_is_not_supported_is_weighed),
    };
    return cmocka_run_group_tests(tests, NULL, release);
}
