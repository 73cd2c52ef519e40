#include "config/unsupported.h"

#include "config/parameters.h"
#include "tests/unit.h"

#include <string.h>

TEST(the_table_is_sorted_and_names_nothing_that_is_supported)
{
    enum parameter parameter;
    for (size_t i = 0; i < unsupported_count(); i++) {
        const char *name = unsupported_row(i)->name;
        if (i > 0 && strcmp(unsupported_row(i - 1)->name, name) >= 0)
            fail_msg("%s is not in its place", name);
        if (parameter_find(slice_of(name), &parameter))
            fail_msg("%s is supported", name);
        assert_ptr_equal(unsupported_find(slice_of(name)), unsupported_row(i));
    }
}

TEST(what_ignoring_a_parameter_would_change_is_known)
{
    static const struct {
        const char *name, *change;
    } dangerous[] = {
        {"smtpd_milters", "what mail is refused or filtered"},
        {"header_checks", "what mail is refused or filtered"},
        {"transport_maps", "where mail goes"},
        {"always_bcc", "where mail goes"},
        {"smtp_sasl_password_maps", "where mail goes"},
        {"smtp_tls_policy_maps", "what is encrypted and how it is checked"},
        {"local_login_sender_maps", "who may send mail"},
        {"canonical_maps", "the addresses in mail"},
    };
    for (size_t i = 0; i < sizeof dangerous / sizeof *dangerous; i++) {
        const struct unsupported *row = unsupported_find(slice_of(dangerous[i].name));
        assert_non_null(row);
        assert_int_equal(row->weight, UNSUPPORTED_DANGEROUS);
        assert_string_equal(unsupported_reason_text(row->reason), dangerous[i].change);
    }
    assert_int_equal(unsupported_find(slice_of("biff"))->weight, UNSUPPORTED_HARMLESS);
    assert_int_equal(unsupported_find(slice_of("fallback_transport"))->weight,
                     UNSUPPORTED_LOCAL_DELIVERY);
    assert_int_equal(unsupported_find(slice_of("alias_database"))->weight, UNSUPPORTED_HARMLESS);
}

TEST(names_that_are_not_postfixs_are_not_found)
{
    assert_null(unsupported_find(slice_of("")));
    assert_null(unsupported_find(slice_of("bif")));
    assert_null(unsupported_find(slice_of("bifff")));
    assert_null(unsupported_find(slice_of("zzz")));
    assert_null(unsupported_find(slice_of("!")));
    assert_null(unsupported_find(slice_of("smtpd_banner")));
}

TEST(parameters_of_one_transport_are_known_by_their_endings)
{
    assert_true(unsupported_is_of_transport(slice_of("dovecot_destination_recipient_limit")));
    assert_true(unsupported_is_of_transport(slice_of("policy-spf_time_limit")));
    assert_false(unsupported_is_of_transport(slice_of("_time_limit")));
    assert_false(unsupported_is_of_transport(slice_of("dovecot_destination")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_sorted_and_names_nothing_that_is_supported),
        cmocka_unit_test(what_ignoring_a_parameter_would_change_is_known),
        cmocka_unit_test(names_that_are_not_postfixs_are_not_found),
        cmocka_unit_test(parameters_of_one_transport_are_known_by_their_endings),
    };
    return RUN_TESTS(tests);
}
