#include "mta/in_hand.h"

#include "tests/unit.h"

static void crash_with(struct in_hand *in_hand, uint64_t id)
{
    in_hand->id = id;
    in_hand_blame(in_hand);
}

static uint64_t poison_of(struct in_hand *in_hand)
{
    unsigned at = 0;
    uint64_t id = in_hand_poison(in_hand, &at);
    if (id != 0)
        in_hand_forgive(in_hand, id);
    return id;
}

TEST(one_crash_is_no_proof)
{
    struct in_hand in_hand = {.id = 0};
    crash_with(&in_hand, 7);
    assert_int_equal(in_hand.id, 0);
    assert_int_equal(poison_of(&in_hand), 0);
}

TEST(the_second_crash_with_the_same_message_is)
{
    struct in_hand in_hand = {.id = 0};
    crash_with(&in_hand, 7);
    crash_with(&in_hand, 8);
    crash_with(&in_hand, 7);
    assert_int_equal(poison_of(&in_hand), 7);
    assert_int_equal(poison_of(&in_hand), 0);
    crash_with(&in_hand, 8);
    assert_int_equal(poison_of(&in_hand), 8);
}

TEST(a_crash_with_nothing_in_hand_blames_nobody)
{
    struct in_hand in_hand = {.id = 0};
    for (int i = 0; i < 5; i++)
        in_hand_blame(&in_hand);
    assert_int_equal(poison_of(&in_hand), 0);
}

TEST(more_suspects_than_there_is_room_for_forget_the_oldest)
{
    struct in_hand in_hand = {.id = 0};
    for (uint64_t id = 1; id <= IN_HAND_SUSPECTS + 1; id++)
        crash_with(&in_hand, id);
    crash_with(&in_hand, 1);
    assert_int_equal(poison_of(&in_hand), 0);
    crash_with(&in_hand, IN_HAND_SUSPECTS + 1);
    assert_int_equal(poison_of(&in_hand), IN_HAND_SUSPECTS + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_crash_is_no_proof),
        cmocka_unit_test(the_second_crash_with_the_same_message_is),
        cmocka_unit_test(a_crash_with_nothing_in_hand_blames_nobody),
        cmocka_unit_test(more_suspects_than_there_is_room_for_forget_the_oldest),
    };
    return RUN_TESTS(tests);
}
