#include "mta/queue_id.h"

#include "tests/unit.h"

static const uint64_t ids[] = {1, 65536, (uint64_t)3 << 48 | 12345, UINT64_MAX,
                               (uint64_t)1 << 48 | 1};

static bool is_word(const char *text)
{
    for (; *text != '\0'; text++)
        if (!ascii_is_letter(*text) && !ascii_is_digit(*text))
            return false;
    return true;
}

TEST(an_id_is_found_again_in_both_forms)
{
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        for (int form = 0; form < 2; form++) {
            struct queue_id queue_id = queue_id_make(ids[i], 1795496786123456, form == 1);
            uint64_t id = 0;
            assert_true(is_word(queue_id.text));
            assert_true(queue_id_parse(slice_of(queue_id.text), &id));
            assert_true(id == ids[i]);
        }
    }
}

TEST(the_forms_are_those_of_postfix)
{
    struct queue_id brief = queue_id_make(1, 1795496786000016, false);
    assert_string_equal(brief.text, "0001010000");
    struct queue_id full = queue_id_make(1, 1795496786000052, true);
    assert_int_equal(slice_find(slice_of(full.text), 'z'), 10);
    assert_memory_equal(full.text + 6, "0010", 4);
}

TEST(what_is_no_queue_id_is_refused)
{
    static const char *const wrong[] = {"",
                                        "12345",
                                        "12345g",
                                        "4h5QLF430Vz",
                                        "4h5QLF430Vzz1",
                                        "123451234567890ABCDEF0",
                                        "4h5QLF430VzA"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        uint64_t id;
        assert_false(queue_id_parse(slice_of(wrong[i]), &id));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_found_again_in_both_forms),
        cmocka_unit_test(the_forms_are_those_of_postfix),
        cmocka_unit_test(what_is_no_queue_id_is_refused),
    };
    return RUN_TESTS(tests);
}
