/* What a connection costs while nothing happens on it. DESIGN §10 allows 24 KiB for an idle TLS
 * connection, all included. */
#include "tls/fixture_test.h"

#include <stdlib.h>

/* Every byte that OpenSSL holds, counted by a header in front of each piece. */
enum { HEADER_LEN = 16 };
static size_t library_bytes;

static void *count_malloc(size_t len, const char *file, int line)
{
    char *piece = malloc(HEADER_LEN + len);
    (void)file;
    (void)line;
    if (piece == NULL)
        return NULL;
    memcpy(piece, &len, sizeof len);
    library_bytes += len;
    return piece + HEADER_LEN;
}

static size_t len_of(const char *piece)
{
    size_t len;
    memcpy(&len, piece - HEADER_LEN, sizeof len);
    return len;
}

static void count_free(void *piece, const char *file, int line)
{
    (void)file;
    (void)line;
    if (piece == NULL)
        return;
    library_bytes -= len_of(piece);
    free((char *)piece - HEADER_LEN);
}

static void *count_realloc(void *piece, size_t len, const char *file, int line)
{
    void *moved = count_malloc(len, file, line);
    if (piece == NULL || moved == NULL)
        return moved;
    size_t old_len = len_of(piece);
    memcpy(moved, piece, old_len < len ? old_len : len);
    count_free(piece, file, line);
    return moved;
}

/* What freeing a session gives back. */
static size_t bytes_held_by(struct tls_session *session)
{
    size_t before = library_bytes;
    tls_session_free(session);
    return before - library_bytes;
}

TEST(an_idle_session_holds_no_buffers)
{
    static const char *const protocols[] = {"TLSv1.2", "TLSv1.3"};
    for (size_t i = 0; i < 2; i++) {
        const struct wishes wishes = {.client_protocols = protocols[i]};
        struct pair pair = pair_established(&wishes);
        say(pair.client, "EHLO client.example\r\n");
        fixture_carry(pair.client, pair.server, SIZE_MAX);
        assert_hears(pair.server, "EHLO client.example\r\n");
        say(pair.server, "250 mail.example.org\r\n");
        fixture_carry(pair.server, pair.client, SIZE_MAX);
        assert_null(tls_session_output(pair.server).at);
        assert_in_range(bytes_held_by(pair.server), 1, 16 * 1024);
        pair.server = NULL;
        pair_free(&pair);
    }
}

TEST(a_hello_that_dribbles_in_costs_no_handshake_yet)
{
    struct pair pair = pair_make(&(struct wishes){0});
    size_t consumed;
    tls_session_advance(pair.client);
    struct slice hello = tls_session_output(pair.client);
    for (size_t i = 0; i + 1 < hello.len; i++) {
        tls_session_feed(pair.server, slice_make(hello.at + i, 1), &consumed);
        assert_int_equal(tls_session_advance(pair.server), TLS_WANT_MORE);
    }
    assert_in_range(bytes_held_by(pair.server), 1, 12 * 1024);
    pair.server = NULL;
    pair_free(&pair);
}

TEST(a_record_that_dribbles_in_costs_no_record_buffer_yet)
{
    struct pair pair = pair_established(&(struct wishes){0});
    char bytes[100];
    size_t len;
    say(pair.client, "MAIL FROM:<ada@example.org>\r\n");
    struct slice record = tls_session_output(pair.client);
    tls_session_feed(pair.server, slice_first(record, record.len - 1), &len);
    assert_int_equal(tls_session_read(pair.server, bytes, sizeof bytes, &len), TLS_WANT_MORE);
    assert_in_range(bytes_held_by(pair.server), 1, 16 * 1024);
    pair.server = NULL;
    pair_free(&pair);
}

TEST(contexts_and_sessions_give_everything_back)
{
    struct pair pair = pair_established(&(struct wishes){0});
    pair_free(&pair);
    size_t before = library_bytes;
    for (int i = 0; i < 10; i++) {
        pair = pair_established(&(struct wishes){.server_name = "mail.example.org"});
        pair_free(&pair);
    }
    assert_int_equal(library_bytes, before);
}

int main(void)
{
    if (CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free) != 1)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_session_holds_no_buffers),
        cmocka_unit_test(a_hello_that_dribbles_in_costs_no_handshake_yet),
        cmocka_unit_test(a_record_that_dribbles_in_costs_no_record_buffer_yet),
        cmocka_unit_test(contexts_and_sessions_give_everything_back),
    };
    return RUN_TESTS(tests);
}
