#include "mta/client_counts.h"

#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 3, UNIT_MS = 60000, START_MS = 1000 };

static struct client_row *rows;
static struct client_counts workers[ROWS];
static struct client_time now;

static int begin(void **state)
{
    (void)state;
    rows = calloc(ROWS, sizeof *rows);
    for (size_t i = 0; i < ROWS; i++)
        workers[i] = (struct client_counts){rows, ROWS, i, {{1, 2}}};
    now = (struct client_time){START_MS, UNIT_MS};
    return rows == NULL;
}

static int end(void **state)
{
    (void)state;
    free(rows);
    return 0;
}

static uint64_t key_of(const char *service, const char *client, unsigned bits)
{
    struct ip ip;
    assert_true(ip_parse(slice_of(client), &ip));
    return client_counts_key(&workers[0], slice_of(service), &ip, bits);
}

static struct client_visit enter(size_t worker, uint64_t key)
{
    struct client_visit visit;
    client_counts_enter(&workers[worker], key, &now, &visit);
    return visit;
}

static uint64_t add(size_t worker, uint64_t key)
{
    return client_counts_add(&workers[worker], key, CLIENT_MESSAGES, &now);
}

static uint64_t messages(uint64_t key)
{
    return client_counts_events(&workers[0], key, CLIENT_MESSAGES, &now);
}

TEST(connections_to_all_workers_are_one_sum_until_they_leave)
{
    uint64_t key = key_of("smtp", "192.0.2.1", 32);
    struct client_visit first = enter(0, key), second = enter(1, key), third = enter(1, key);
    assert_int_equal(first.connections, 1);
    assert_int_equal(third.connections, 3);
    assert_int_equal(third.connects, 3);
    client_counts_leave(&workers[1], &second);
    client_counts_leave(&workers[1], &second); /* it is gone already */
    struct client_visit fourth = enter(2, key);
    assert_int_equal(fourth.connections, 3);
    assert_int_equal(fourth.connects, 4);
    client_counts_leave(&workers[0], &first);
    client_counts_leave(&workers[1], &third);
    client_counts_leave(&workers[2], &fourth);
    for (size_t i = 0; i < ROWS; i++)
        assert_int_equal(client_row_connections(&rows[i]), 0);
}

TEST(services_and_networks_are_counted_apart)
{
    uint64_t key = key_of("smtp", "192.0.2.1", 32);
    assert_true(key_of("submission", "192.0.2.1", 32) != key);
    assert_true(key_of("smtp", "192.0.2.2", 32) != key);
    assert_true(key_of("smtp", "::ffff:192.0.2.1", 32) == key);
    assert_true(key_of("smtp", "192.0.2.1", 24) == key_of("smtp", "192.0.2.77", 24));
    assert_true(key_of("smtp", "192.0.2.127", 25) != key_of("smtp", "192.0.2.128", 25));
    assert_true(key_of("smtp", "2001:db8::1", 84) == key_of("smtp", "2001:db8::fff:ffff:ffff", 84));
    assert_true(key_of("smtp", "2001:db8::1", 84) != key_of("smtp", "2001:db8::1000:0:1", 84));
    assert_true(key_of("smtp", "2001:db8::1", 0) != key_of("smtp", "192.0.2.1", 0));
    assert_true(key_of("smtp", "2001:db8::1", 128) != key_of("smtp", "2001:db8::2", 128));
}

TEST(another_secret_gives_other_places)
{
    struct ip ip;
    assert_true(ip_parse(slice_of("192.0.2.1"), &ip));
    uint64_t key = client_counts_key(&workers[0], slice_of("smtp"), &ip, 32);
    workers[0].key.half[0]++;
    assert_true(client_counts_key(&workers[0], slice_of("smtp"), &ip, 32) != key);
}

TEST(events_are_forgotten_when_the_unit_of_time_is_over)
{
    uint64_t key = key_of("smtp", "192.0.2.1", 32);
    assert_int_equal(add(0, key), 1);
    now.now_ms += UNIT_MS / 2;
    assert_int_equal(add(1, key), 2);
    now.now_ms = START_MS + UNIT_MS - 1;
    assert_int_equal(add(0, key), 3);
    now.now_ms = START_MS + UNIT_MS;
    assert_int_equal(messages(key), 1); /* the other worker's */
    assert_int_equal(add(0, key), 2);
    now.now_ms += UNIT_MS;
    assert_int_equal(messages(key), 0);
}

TEST(connections_outlast_the_unit_of_time)
{
    uint64_t key = key_of("smtp", "192.0.2.1", 32);
    enter(0, key);
    now.now_ms += 100 * UNIT_MS;
    struct client_visit visit = enter(0, key);
    assert_int_equal(visit.connections, 2);
    assert_int_equal(visit.connects, 1);
}

TEST(one_kind_of_event_is_not_another)
{
    uint64_t key = key_of("smtp", "192.0.2.1", 32);
    add(0, key);
    for (unsigned event = 0; event < CLIENT_EVENT_COUNT; event++)
        assert_int_equal(client_counts_events(&workers[0], key, event, &now),
                         event == CLIENT_MESSAGES);
}

TEST(the_row_of_a_dead_worker_is_zeroed)
{
    uint64_t key = key_of("smtp", "192.0.2.1", 32);
    struct client_visit alive = enter(0, key);
    enter(1, key);
    add(1, key);
    client_row_clear(&rows[1]);
    assert_int_equal(messages(key), 0);
    struct client_visit next = enter(1, key);
    assert_int_equal(next.connections, 2);
    client_counts_leave(&workers[0], &alive);
    assert_int_equal(enter(2, key).connections, 2);
}

TEST(a_visit_to_a_row_that_was_zeroed_leaves_no_trace)
{
    uint64_t key = key_of("smtp", "192.0.2.1", 32);
    struct client_visit visit = enter(0, key);
    client_row_clear(&rows[0]);
    client_counts_leave(&workers[0], &visit);
    assert_int_equal(enter(0, key).connections, 1);
}

/* Keys that differ in their upper half want the same places. */
static uint64_t rival(uint64_t n)
{
    return (n + 1) << 32 | 5;
}

TEST(the_stale_make_room_then_the_oldest_without_a_connection)
{
    for (unsigned i = 0; i < CLIENT_PLACES; i++, now.now_ms++)
        add(0, rival(i));
    add(0, rival(CLIENT_PLACES));
    assert_int_equal(messages(rival(0)), 0); /* the oldest */
    assert_int_equal(messages(rival(1)), 1);
    assert_int_equal(messages(rival(CLIENT_PLACES)), 1);
    now.now_ms = START_MS + 2 * UNIT_MS;
    add(0, rival(1));
    add(0, rival(100));
    assert_int_equal(messages(rival(1)), 1);
    assert_int_equal(messages(rival(100)), 1);
}

TEST(an_entry_with_a_connection_is_never_replaced)
{
    struct client_visit visits[CLIENT_PLACES];
    for (unsigned i = 0; i < CLIENT_PLACES; i++)
        visits[i] = enter(0, rival(i));
    now.now_ms += 100 * UNIT_MS;
    assert_int_equal(enter(0, rival(99)).key, 0); /* not counted */
    assert_int_equal(add(0, rival(99)), 0);
    assert_int_equal(enter(0, rival(3)).connections, 2);
    client_counts_leave(&workers[0], &visits[0]);
    struct client_visit visit = enter(0, rival(99));
    assert_int_equal(visit.connections, 1);
    assert_int_equal(visit.connects, 1);
}

TEST(hostile_values_are_not_believed)
{
    uint64_t key = key_of("smtp", "192.0.2.1", 32);
    enter(0, key);
    enter(1, key);
    add(1, key);
    struct client_entry *entry = &rows[1].entries[enter(1, key).place];
    atomic_store(&entry->connections, UINT32_MAX);
    atomic_store(&entry->events[CLIENT_MESSAGES], UINT32_MAX);
    assert_int_equal(enter(0, key).connections, 2);
    assert_int_equal(messages(key), 0);
    atomic_store(&entry->events[CLIENT_MESSAGES], 7);
    assert_int_equal(messages(key), 7);
    atomic_store(&entry->start_ms, INT64_MAX);
    assert_int_equal(messages(key), 0);
    atomic_store(&entry->start_ms, INT64_MIN);
    assert_int_equal(messages(key), 0);
}

TEST(a_worker_goes_on_in_a_row_that_another_has_filled_with_nonsense)
{
    uint64_t key = key_of("smtp", "192.0.2.1", 32);
    struct client_visit visit = enter(0, key);
    memset(rows, 0xff, ROWS * sizeof *rows);
    client_counts_leave(&workers[0], &visit);
    assert_int_equal(enter(0, key).key, 0);
    assert_int_equal(add(0, key), 0);
    memset(rows, 0x01, ROWS * sizeof *rows);
    add(0, key);
    enter(0, key);
}

TEST(a_count_stops_at_its_maximum)
{
    uint64_t key = key_of("smtp", "192.0.2.1", 32);
    struct client_entry *entry = &rows[0].entries[enter(0, key).place];
    atomic_store(&entry->events[CLIENT_MESSAGES], CLIENT_COUNT_MAX);
    assert_int_equal(add(0, key), CLIENT_COUNT_MAX);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(connections_to_all_workers_are_one_sum_until_they_leave),
        EACH(services_and_networks_are_counted_apart),
        EACH(another_secret_gives_other_places),
        EACH(events_are_forgotten_when_the_unit_of_time_is_over),
        EACH(connections_outlast_the_unit_of_time),
        EACH(one_kind_of_event_is_not_another),
        EACH(the_row_of_a_dead_worker_is_zeroed),
        EACH(a_visit_to_a_row_that_was_zeroed_leaves_no_trace),
        EACH(the_stale_make_room_then_the_oldest_without_a_connection),
        EACH(an_entry_with_a_connection_is_never_replaced),
        EACH(hostile_values_are_not_believed),
        EACH(a_worker_goes_on_in_a_row_that_another_has_filled_with_nonsense),
        EACH(a_count_stops_at_its_maximum),
    };
    return RUN_TESTS(tests);
}
