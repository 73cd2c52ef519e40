#include "backend/password_file.h"

#include "base/memory.h"
#include "proto/sasl_server.h"
#include "tests/unit.h"

#include <crypt.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* These stand in the place of libbase's and libcrypt's: they see whether freed memory still holds a
 * password, and what is hashed. */

static const char typed[] = "correct horse battery staple";
static bool freed_a_password;

struct block {
    size_t size;
    _Alignas(max_align_t) char bytes[];
};

static struct block *block_of(void *memory)
{
    return (struct block *)(void *)((char *)memory - offsetof(struct block, bytes));
}

void *memory_new(size_t size)
{
    struct block *block = calloc(1, sizeof *block + size);
    assert_non_null(block);
    block->size = size;
    return block->bytes;
}

void memory_free(void *memory)
{
    if (memory == NULL)
        return;
    struct block *block = block_of(memory);
    freed_a_password |= memmem(block->bytes, block->size, typed, strlen(typed)) != NULL;
    free(block);
}

void *memory_grow(void *old, size_t size)
{
    void *memory = memory_new(size);
    if (old != NULL)
        memcpy(memory, old, block_of(old)->size < size ? block_of(old)->size : size);
    memory_free(old);
    return memory;
}

char *memory_text(struct slice text)
{
    char *copy = memory_new(text.len + 1);
    memcpy(copy, text.at, text.len);
    return copy;
}

static int hash_count;
static char hashed_with[PASSWORD_HASH_MAX + 1];
static int hash_trouble; /* errno, when crypt(3) shall fail */

char *crypt_r(const char *phrase, const char *setting, struct crypt_data *data)
{
    static char failed[] = "*0";
    hash_count++;
    strncpy(hashed_with, setting, sizeof hashed_with - 1);
    if (hash_trouble == 0)
        return crypt_rn(phrase, setting, data, (int)sizeof *data);
    errno = hash_trouble;
    return failed;
}

/* "secret" by every method: made by crypt(3), and the last of each kind by `doveadm pw`. */
#define YESCRYPT "$y$j75$wSF7YftBOzgUdsdhdBhKn0$OkYDrZWWbgTP23HkUpfw8MmA5g/iC7ukUSEDvjxgyaC"
#define SHA512                                                                                    \
    "$6$rounds=1000$qOrAM.VPfyOtqvVn$ZZpxaOpCq85g4DyYO1EaA5n2UIlmHOPrYrzJSO6n0oWA75xhK87UWro/NX7" \
    "FDwxilTdZ2/nvu4nRfhNvf2pQv."
#define SHA256 "$5$rounds=1000$pU1LZgSGaS9KRAy/$.w5xa6TywB2X1muGOFvyLWPHL.zlDOjpsAfUohpNgJ0"
#define BCRYPT "$2b$04$os8NHQOX4YREYxLPVTVbEu0xUQFh0KaCs657LmjO63fR/7kQ.bbk."

static const char *const hashes[] = {
    YESCRYPT,
    "$y$j9T$krokKOJ4BZCYJYlqmgm85/$ujW15JFEUtKePIujoa8neow1gAzx5J4LgGAimA3pEm6",
    "$gy$j75$OKXpNGdbIiuXT3bj6Fxjk.$z/lRsdsVIoMzXWXX3y1zkaOP6HYMlodBmkeWvRSkVH/",
    "$7$BU..../....eAB83OJzwq9mqoxI.A40g.$2jgecUbA88s63yODUoYPICN0r2t3gG2BKpq8AXNUtd4",
    BCRYPT,
    "$2a$04$xZNPULUqQ5NhasjuldEVP.8M9mxhNVpjZwEFbaCLnrq2WHtiF0fgy",
    "$2y$04$kJ26AxctstMh0Lr9vYuFYOi4Uivrn.rICjkeaizpfBXoaN2v7OtAW",
    SHA512,
    SHA256,
    "$1$zlS.Wu7c$RgTUoKjzLT7n7ZDzfo9Dg1",
    "3TiSgMQS1ayBs",
    "{CRYPT}$2y$05$s4qo3mNCjmjyocN8WCkqnOb6d4SdLanmFypR/kCLChNMACIRL33qu",
    "{crypt}" YESCRYPT,
    "{SHA512-CRYPT}$6$s7xqIpJbLlN1CVMM$2OJhyyQ.FE/mcuTAseOHwdSzQC1wtYJmrKy5kSdzVD.Y/"
    "SU6Dmt2AUy0/EA8Q2rBdwlBk6exZJYXH4tfV8gVa0",
    "{SHA256-CRYPT}$5$FIh9ovppXF/dGtKQ$efUyCKf0a7F4ZHpOBA5wqmGQkBcQxE2nomtTkIF0CH2",
    "{BLF-CRYPT}$2y$05$K4wZbbfxlTAhpnc38SfuJuWQgMvDJJCDCodPkCxndxVybJ6ns2unu",
    "{MD5-CRYPT}$1$gnIpPbvM$7ywZoEErHEdb5nghdeqbv1",
    "{PLAIN}secret",
};

static const struct slice no_realm;

static struct password_text named(struct slice text)
{
    return (struct password_text){"/etc/tuvi/passwd", text};
}

static struct password_file parsed_slice(struct slice text)
{
    struct password_file file;
    struct err err = password_file_parse(&file, named(text));
    assert_string_equal(err.text, "");
    assert_int_equal(err.code, 0);
    return file;
}

static struct password_file parsed(const char *text)
{
    return parsed_slice(slice_of(text));
}

static enum password_result check_in_realm(const struct password_file *file, const char *user,
                                           const char *realm, const char *password)
{
    struct password_verdict verdict =
        password_file_check(file, slice_of(user), slice_of(realm), slice_of(password));
    assert_int_equal(err_is(&verdict.trouble), verdict.result == PASSWORD_TROUBLE);
    return verdict.result;
}

static enum password_result check(const struct password_file *file, const char *user,
                                  const char *password)
{
    return check_in_realm(file, user, "", password);
}

static void assert_refused_slice(struct slice text, const char *error)
{
    struct password_file file = {.count = 4711};
    struct err err = password_file_parse(&file, named(text));
    assert_string_equal(err.text, error);
    assert_int_not_equal(err.code, 0);
    assert_int_equal(file.count, 4711);
}

static void assert_refused(const char *text, const char *error)
{
    assert_refused_slice(slice_of(text), error);
}

TEST(every_method_of_crypt_and_every_prefix_of_dovecot_checks_passwords)
{
    for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++) {
        char text[512];
        struct writer w = writer_over(text, sizeof text);
        writer_printf(&w, "ada:%s", hashes[i]);
        struct password_file file = parsed_slice(writer_slice(&w));
        assert_int_equal(check(&file, "ada", "secret"), PASSWORD_OK);
        assert_int_equal(check(&file, "ada", "Secret"), PASSWORD_WRONG);
        assert_int_equal(check(&file, "ada", "secret "), PASSWORD_WRONG);
        assert_int_equal(check(&file, "ada", "secre"), PASSWORD_WRONG);
        assert_int_equal(check(&file, "ada", ""), PASSWORD_WRONG);
        assert_int_equal(check(&file, "bob", "secret"), PASSWORD_WRONG);
        password_file_free(&file);
    }
}

TEST(comments_blank_lines_further_fields_and_line_ends_do_not_matter)
{
    struct password_file file = parsed("# people\n\n  \t\n#bob:" BCRYPT "\n   # more\n"
                                       "ada:{PLAIN}a b:1000:1000::/home/ada::userdb_mail=x\r\n"
                                       "carol:{PLAIN}secret\r\n"
                                       "dave:" BCRYPT);
    assert_int_equal(file.count, 3);
    assert_int_equal(check(&file, "ada", "a b"), PASSWORD_OK);
    assert_int_equal(check(&file, "carol", "secret"), PASSWORD_OK);
    assert_int_equal(check(&file, "dave", "secret"), PASSWORD_OK);
    assert_int_equal(check(&file, "bob", "secret"), PASSWORD_WRONG);
    assert_int_equal(check(&file, "#bob", "secret"), PASSWORD_WRONG);
    password_file_free(&file);
}

TEST(names_match_byte_for_byte)
{
    struct password_file file = parsed("ada:{PLAIN}1\nAda:{PLAIN}2\nad:{PLAIN}3\nadaa:{PLAIN}4\n"
                                       "\xc3\xbclle@example.org:{PLAIN}5\nb b:{PLAIN}6\n");
    assert_int_equal(check(&file, "ada", "1"), PASSWORD_OK);
    assert_int_equal(check(&file, "Ada", "2"), PASSWORD_OK);
    assert_int_equal(check(&file, "ad", "3"), PASSWORD_OK);
    assert_int_equal(check(&file, "adaa", "4"), PASSWORD_OK);
    assert_int_equal(check(&file, "\xc3\xbclle@example.org", "5"), PASSWORD_OK);
    assert_int_equal(check(&file, "b b", "6"), PASSWORD_OK);
    assert_int_equal(check(&file, "ADA", "1"), PASSWORD_WRONG);
    assert_int_equal(check(&file, "ada", "2"), PASSWORD_WRONG);
    assert_int_equal(check(&file, "a", "1"), PASSWORD_WRONG);
    assert_int_equal(check(&file, "", "1"), PASSWORD_WRONG);
    password_file_free(&file);
}

TEST(a_login_without_a_domain_is_tried_in_the_realm)
{
    struct password_file file = parsed("ada@example.org:{PLAIN}org\nbob:{PLAIN}bare\n"
                                       "bob@example.org:{PLAIN}org\neve@:{PLAIN}at\n"
                                       "eve@x@example.org:{PLAIN}two\n");
    assert_int_equal(check_in_realm(&file, "ada", "example.org", "org"), PASSWORD_OK);
    assert_int_equal(check_in_realm(&file, "ada", "example.net", "org"), PASSWORD_WRONG);
    assert_int_equal(check_in_realm(&file, "ada", "", "org"), PASSWORD_WRONG);
    assert_int_equal(check_in_realm(&file, "ada@example.org", "example.net", "org"), PASSWORD_OK);
    assert_int_equal(check_in_realm(&file, "ada@", "example.org", "org"), PASSWORD_WRONG);
    assert_int_equal(check_in_realm(&file, "bob", "example.org", "bare"), PASSWORD_OK);
    assert_int_equal(check_in_realm(&file, "bob", "example.org", "org"), PASSWORD_WRONG);
    assert_int_equal(check_in_realm(&file, "eve", "", "at"), PASSWORD_WRONG);
    assert_int_equal(check_in_realm(&file, "eve@x", "example.org", "two"), PASSWORD_WRONG);
    struct password_verdict verdict =
        password_file_check(&file, slice_of("ada"), slice_of("example.org"), slice_of("org"));
    assert_slice(verdict.user, "ada@example.org");
    assert_slice(password_file_find(&file, slice_of("ada"), slice_of("example.org")),
                 "ada@example.org");
    assert_slice(password_file_find(&file, slice_of("bob"), slice_of("example.org")), "bob");
    assert_slice(password_file_find(&file, slice_of("ada"), no_realm), "");
    verdict =
        password_file_check(&file, slice_of("bob"), slice_of("example.org"), slice_of("bare"));
    assert_slice(verdict.user, "bob");
    password_file_free(&file);
}

TEST(a_locked_user_cannot_log_in)
{
    struct password_file file = parsed("a:!\nb:*\nc:!!\nd:!" BCRYPT "\ne:{CRYPT}*\nf:{PLAIN}!x\n");
    static const char *const locked[] = {"a", "b", "c", "d", "e"};
    for (size_t i = 0; i < sizeof locked / sizeof *locked; i++) {
        assert_int_equal(check(&file, locked[i], "secret"), PASSWORD_WRONG);
        assert_int_equal(check(&file, locked[i], "!x"), PASSWORD_WRONG);
    }
    assert_int_equal(check(&file, "f", "!x"), PASSWORD_OK);
    password_file_free(&file);
}

TEST(an_unknown_or_locked_user_costs_what_a_known_one_costs)
{
    struct password_file file = parsed("ada:" SHA512 "\nbob:*\n");
    static const char *const users[] = {"ada", "bob", "carol", "", "dave@example.org"};
    for (size_t i = 0; i < sizeof users / sizeof *users; i++) {
        hash_count = 0;
        hashed_with[0] = '\0';
        assert_int_equal(check(&file, users[i], "wrong"), PASSWORD_WRONG);
        assert_int_equal(hash_count, 1);
        assert_string_equal(hashed_with, SHA512);
    }
    assert_int_equal(check(&file, "carol", "secret"), PASSWORD_WRONG);
    assert_int_equal(check(&file, "bob", "secret"), PASSWORD_WRONG);
    password_file_free(&file);
}

TEST(unknown_users_cost_like_the_mixture_of_known_ones_and_always_the_same)
{
    struct password_file file = parsed("a:" SHA512 "\nb:" BCRYPT "\nc:*\n");
    int sha512 = 0, bcrypt = 0;
    for (int i = 0; i < 200; i++) {
        char user[16], first[sizeof hashed_with];
        struct writer w = writer_over(user, sizeof user);
        writer_printf(&w, "user%d%c", i, '\0');
        check(&file, user, "wrong");
        memcpy(first, hashed_with, sizeof first);
        check(&file, user, "other");
        assert_string_equal(hashed_with, first);
        sha512 += strcmp(first, SHA512) == 0;
        bcrypt += strcmp(first, BCRYPT) == 0;
    }
    assert_int_equal(sha512 + bcrypt, 200);
    assert_true(sha512 > 20 && bcrypt > 20);
    password_file_free(&file);
}

TEST(an_empty_file_knows_nobody_and_still_takes_its_time)
{
    static const char *const empty[] = {"", "\n", "# nobody\n", "a:*\n"};
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        struct password_file file = parsed(empty[i]);
        hash_count = 0;
        assert_int_equal(check(&file, "a", "nobody"), PASSWORD_WRONG);
        assert_int_equal(hash_count, 1);
        assert_memory_equal(hashed_with, "$y$j9T$", 7);
        password_file_free(&file);
    }
}

TEST(trouble_of_crypt_is_told_from_a_wrong_password)
{
    struct password_file file = parsed("\nada:" BCRYPT "\n");
    hash_trouble = ENOMEM;
    struct password_verdict verdict =
        password_file_check(&file, slice_of("ada"), no_realm, slice_of("secret"));
    enum password_result unknown = check(&file, "bob", "secret");
    hash_trouble = 0;
    assert_int_equal(verdict.result, PASSWORD_TROUBLE);
    assert_int_equal(verdict.trouble.code, ENOMEM);
    assert_string_equal(verdict.trouble.text,
                        "crypt(3) cannot check the hash in line 2 of the password file: "
                        "Cannot allocate memory");
    assert_int_equal(unknown, PASSWORD_WRONG);
    password_file_free(&file);
}

TEST(a_password_is_not_cut_at_a_nul_nor_at_what_crypt_takes)
{
    static char longest[PASSWORD_MAX + 2];
    struct password_file file = parsed("ada:" BCRYPT "\nbob:{PLAIN}secret\n");
    static const char *const users[] = {"ada", "bob"};
    for (size_t i = 0; i < 2; i++) {
        struct password_verdict verdict =
            password_file_check(&file, slice_of(users[i]), no_realm, slice_make("secret\0x", 8));
        assert_int_equal(verdict.result, PASSWORD_WRONG);
        verdict =
            password_file_check(&file, slice_of(users[i]), no_realm, slice_make("secret\0", 7));
        assert_int_equal(verdict.result, PASSWORD_WRONG);
    }
    password_file_free(&file);

    memset(longest, 'x', PASSWORD_MAX + 1);
    char text[1024];
    struct writer w = writer_over(text, sizeof text);
    writer_printf(&w, "ada:{PLAIN}%.*s\n", PASSWORD_MAX, longest);
    file = parsed_slice(writer_slice(&w));
    assert_int_equal(check(&file, "ada", longest), PASSWORD_WRONG);
    longest[PASSWORD_MAX] = '\0';
    assert_int_equal(check(&file, "ada", longest), PASSWORD_OK);
    password_file_free(&file);
}

#define AT(line)  "/etc/tuvi/passwd: line " line ": "
#define NO_HASH   "this is no whole hash of a method that crypt(3) knows; make a new one: tuvi passwd"
#define NO_SCHEME "this {SCHEME} is none that crypt(3) can check; make a new hash: tuvi passwd"

TEST(errors_name_the_file_and_the_line_and_say_what_to_do)
{
    assert_refused("a:*\n\nadahunter2\n", AT("3") "there is no ':' behind the user name; write "
                                                  "user:hash, as tuvi passwd does");
    assert_refused("a:*\nb:\n", AT("2") "the user has no hash; make one: tuvi passwd, or lock him "
                                        "with '*'");
    assert_refused("b::1000:\n", AT("1") "the user has no hash; make one: tuvi passwd, or lock him "
                                         "with '*'");
    assert_refused(":" BCRYPT "\n", AT("1") "there is no user name");
    assert_refused(" ada:" BCRYPT "\n",
                   AT("1") "a user name does not begin with '#' and has no space around it");
    assert_refused("ada :" BCRYPT "\n",
                   AT("1") "a user name does not begin with '#' and has no space around it");
    assert_refused("a\001a:" BCRYPT "\n",
                   AT("1") "a user name has no control characters and no ':'");
    assert_refused("ada:{PLAIN}\n", AT("1") "the password behind {PLAIN} is empty, too long or has "
                                            "control characters");
    assert_refused("ada:{MD5-CRYPT}" BCRYPT "\n",
                   AT("1") "the hash is not of the method in front of it; make a new one: tuvi "
                           "passwd");
}

TEST(what_crypt_cannot_check_is_refused_when_the_file_is_read)
{
    static const char *const hashless[] = {
        "secret",        /* a password without {PLAIN}, which crypt(3) takes for DES */
        "hunter2hunter", /* 13 letters are a DES hash; 14 are not */
        "hunter2hunter2",
        "hunter2-hunte",
        "x",
        "$6$salt$hash",
        "$y$j75$wSF7YftBOzgUdsdhdBhKn0$OkYDrZWWbgTP23HkUpfw8MmA5g/iC7ukUSEDvjxgya",
        "$2b$04$os8NHQOX4YREYxLPVTVbEu0xUQFh0KaCs657LmjO63fR/7kQ.bbk. ",
        "$argon2id$v=19$m=65536,t=3,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaaJObG",
        "$apr1$salt$xxxxxxxxxxxxxxxxxxxxxx",
        "$3$$8846f7eaee8fb117ad06bdd830b7586c",
    };
    static const char *const schemes[] = {
        "{SSHA}x", "{PLAIN.b64}c2VjcmV0", "{ARGON2ID}x", "{}x", "{CRYPT", "{", "{CRYPT }x"};
    for (size_t i = 0; i < sizeof hashless / sizeof *hashless; i++) {
        char text[256];
        struct writer w = writer_over(text, sizeof text);
        writer_printf(&w, "ada:%s\n", hashless[i]);
        if (i != 1)
            assert_refused_slice(writer_slice(&w), AT("1") NO_HASH);
    }
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        char text[256];
        struct writer w = writer_over(text, sizeof text);
        writer_printf(&w, "ada:%s\n", schemes[i]);
        assert_refused_slice(writer_slice(&w), AT("1") NO_SCHEME);
    }
    assert_refused("ada:{CRYPT}secret\n", AT("1") NO_HASH);
    assert_refused_slice(slice_make("ada:{PLAIN}a\0b\n", 14),
                         AT("1") "the password behind {PLAIN} is empty, too long or has control "
                                 "characters");
}

TEST(a_user_named_twice_is_an_error_that_names_both_lines)
{
    assert_refused("ada:*\nbob:*\n# x\nada:" BCRYPT "\n",
                   "/etc/tuvi/passwd: lines 1 and 4 both name the user ada; take one of them away");
    assert_refused("z:*\nada:*\nada:*\nada:*\n",
                   "/etc/tuvi/passwd: lines 2 and 3 both name the user ada; take one of them away");
}

TEST(the_size_of_the_file_is_bounded)
{
    size_t size = PASSWORD_FILE_TEXT_MAX + 1;
    char *text = memory_new(size);
    memset(text, '\n', size);
    assert_refused_slice(slice_make(text, size),
                         "/etc/tuvi/passwd: the file has more than 16777216 bytes");
    struct password_file file = parsed_slice(slice_make(text, size - 1));
    assert_int_equal(file.count, 0);
    password_file_free(&file);
    memory_free(text);
}

/* A line of the user's name, ":*:" and further bytes. */
static struct slice line_of(size_t user_len, size_t len)
{
    static char line[2 * PASSWORD_FILE_LINE_MAX];
    memset(line, 'u', sizeof line);
    memcpy(line + user_len, ":*:", 3);
    return slice_make(line, len);
}

TEST(names_and_lines_are_bounded)
{
    struct password_file file = parsed_slice(line_of(SASL_USER_MAX, PASSWORD_FILE_LINE_MAX));
    assert_int_equal(file.count, 1);
    password_file_free(&file);
    assert_refused_slice(line_of(SASL_USER_MAX + 1, 400), AT("1") "the user name is too long");
    assert_refused_slice(line_of(3, PASSWORD_FILE_LINE_MAX + 1), AT("1") "the line is too long");
}

TEST(the_number_of_users_is_bounded)
{
    enum { LINE = 16 };
    char *text = memory_new((PASSWORD_FILE_USER_COUNT_MAX + 1) * LINE);
    struct writer w = writer_over(text, (PASSWORD_FILE_USER_COUNT_MAX + 1) * LINE);
    for (int i = 0; i < PASSWORD_FILE_USER_COUNT_MAX; i++)
        writer_printf(&w, "user%d:*\n", (i * 7919) % PASSWORD_FILE_USER_COUNT_MAX);
    struct password_file file = parsed_slice(writer_slice(&w));
    assert_int_equal(file.count, PASSWORD_FILE_USER_COUNT_MAX);
    password_file_free(&file);
    writer_text(&w, "last:*\n");
    assert_refused_slice(writer_slice(&w), AT("100001") "more than 100000 users");
    memory_free(text);
}

TEST(the_file_keeps_a_copy_of_its_own)
{
    char text[] = "ada:{PLAIN}secret\n";
    struct password_file file = parsed(text);
    memset(text, 'x', sizeof text - 1);
    assert_int_equal(check(&file, "ada", "secret"), PASSWORD_OK);
    password_file_free(&file);
    assert_int_equal(file.count, 0);
    password_file_free(&file);
}

TEST(a_new_hash_is_yescrypt_and_checks_its_password_only)
{
    char text[64 + PASSWORD_HASH_MAX];
    struct writer w = writer_over(text, sizeof text);
    writer_text(&w, "ada:");
    struct err err = password_hash_new(&w, slice_of("p:w\xc3\xa4 "));
    assert_int_equal(err.code, 0);
    assert_true(slice_starts(writer_slice(&w), "ada:$y$j9T$"));
    struct password_file file = parsed_slice(writer_slice(&w));
    assert_int_equal(check(&file, "ada", "p:w\xc3\xa4 "), PASSWORD_OK);
    assert_int_equal(check(&file, "ada", "p:w\xc3\xa4"), PASSWORD_WRONG);
    password_file_free(&file);

    char other[PASSWORD_HASH_MAX];
    struct writer again = writer_over(other, sizeof other);
    err = password_hash_new(&again, slice_of("p:w\xc3\xa4 "));
    assert_int_equal(err.code, 0);
    assert_false(slice_equal(writer_slice(&again), slice_skip(writer_slice(&w), 4)));
}

TEST(a_password_that_nobody_could_type_gets_no_hash)
{
    static char longest[PASSWORD_MAX + 1];
    char text[PASSWORD_HASH_MAX];
    struct writer w = writer_over(text, sizeof text);
    memset(longest, 'x', sizeof longest);
    const struct slice wrong[] = {slice_of(""), slice_make("a\0b", 3),
                                  slice_make(longest, sizeof longest)};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct err err = password_hash_new(&w, wrong[i]);
        assert_string_equal(err.text, "a password has 1 to 511 bytes, none of them NUL");
    }
    struct writer small = writer_over(text, 40);
    struct err err = password_hash_new(&small, slice_of("secret"));
    assert_string_equal(err.text, "the hash has no room");
    assert_int_equal(small.len, 0);
    hash_trouble = ENOMEM;
    err = password_hash_new(&w, slice_of("secret"));
    hash_trouble = 0;
    assert_int_equal(err.code, ENOMEM);
    assert_int_equal(w.len, 0);
}

static void assert_set(const char *old, const char *user, const char *hash, const char *text)
{
    char bytes[1024];
    struct writer w = writer_over(bytes, sizeof bytes);
    struct err err = password_file_set(&w, named(slice_of(old)), slice_of(user), slice_of(hash));
    assert_string_equal(err.text, "");
    assert_slice(writer_slice(&w), text);
    size_t whole = w.len;
    for (size_t capacity = 0; capacity < whole; capacity++) {
        w = writer_over(bytes, capacity);
        err = password_file_set(&w, named(slice_of(old)), slice_of(user), slice_of(hash));
        assert_string_equal(err.text, "/etc/tuvi/passwd: the new text is too long");
        assert_int_equal(w.len, 0);
    }
}

TEST(setting_a_hash_replaces_it_and_nothing_else)
{
    assert_set("# people\n\nada:{PLAIN}old:1000::\r\n\tbob:broken\nzoe:*", "ada", BCRYPT,
               "# people\n\nada:" BCRYPT ":1000::\r\n\tbob:broken\nzoe:*");
    assert_set("ada:x", "ada", "*", "ada:*");
    assert_set("ada:\nbob:*\n", "ada", "*", "ada:*\nbob:*\n");
    assert_set("#ada:x\nadam:x\nada:x\n", "ada", "{PLAIN}new", "#ada:x\nadam:x\nada:{PLAIN}new\n");
}

TEST(setting_a_new_users_hash_adds_a_line)
{
    assert_set("", "ada", BCRYPT, "ada:" BCRYPT "\n");
    assert_set("# people\nbob:*\n", "ada", "*", "# people\nbob:*\nada:*\n");
    assert_set("bob:*", "ada", "*", "bob:*\nada:*\n");
    assert_set("#ada:*\nAda:*\n", "ada", "*", "#ada:*\nAda:*\nada:*\n");
}

static void assert_not_set(const char *old, struct slice user, const char *hash, const char *error)
{
    char bytes[1024];
    struct writer w = writer_over(bytes, sizeof bytes);
    struct err err = password_file_set(&w, named(slice_of(old)), user, slice_of(hash));
    assert_string_equal(err.text, error);
    assert_int_equal(w.len, 0);
}

TEST(only_lines_that_can_be_read_back_are_set)
{
#define FILE_NAME "/etc/tuvi/passwd: "
    assert_not_set("", slice_of(""), "*", FILE_NAME "there is no user name");
    assert_not_set("", slice_of("a:b"), "*",
                   FILE_NAME "a user name has no control characters and no ':'");
    assert_not_set("", slice_make("a\0b", 3), "*",
                   FILE_NAME "a user name has no control characters and no ':'");
    assert_not_set("", slice_of("a\nroot"), "*",
                   FILE_NAME "a user name has no control characters and no ':'");
    assert_not_set("", slice_of("#ada"), "*",
                   FILE_NAME "a user name does not begin with '#' and has no space around it");
    assert_not_set("", slice_of("ada"), "secret", FILE_NAME NO_HASH);
    assert_not_set("", slice_of("ada"), "*:x", FILE_NAME "a hash has no ':'");
    assert_not_set("", slice_of("ada"), "",
                   FILE_NAME "the user has no hash; make one: tuvi passwd, "
                             "or lock him with '*'");
    assert_not_set("ada:*\nbob:*\nada:*\n", slice_of("ada"), "*",
                   FILE_NAME "lines 1 and 3 both name the user ada; take one of them away");
    assert_not_set("bob:*\nada\n", slice_of("ada"), "*",
                   FILE_NAME "line 2: there is no ':' behind the user name");
}

static void assert_removed(const char *old, const char *user, const char *text)
{
    char bytes[1024];
    struct writer w = writer_over(bytes, sizeof bytes);
    struct err err = password_file_remove(&w, named(slice_of(old)), slice_of(user));
    assert_string_equal(err.text, "");
    assert_slice(writer_slice(&w), text);
}

TEST(removing_a_user_takes_his_line_away)
{
    assert_removed("# people\nada:x:y\n\nbob:*", "ada", "# people\n\nbob:*");
    assert_removed("# people\nbob:*", "bob", "# people\n");
    assert_removed("ada:x\r\n", "ada", "");
    assert_removed("ada\nbob:*\n", "ada", "bob:*\n");
    char bytes[64];
    struct writer w = writer_over(bytes, sizeof bytes);
    struct err err = password_file_remove(&w, named(slice_of("#ada:*\n")), slice_of("ada"));
    assert_string_equal(err.text, FILE_NAME "there is no user ada");
    assert_int_equal(err.code, ENOENT);
    err = password_file_remove(&w, named(slice_of("#ada:*\n")), slice_of("#ada"));
    assert_int_equal(err.code, ENOENT);
    err = password_file_remove(&w, named(slice_of("\n")), slice_of(""));
    assert_int_equal(err.code, ENOENT);
    err = password_file_remove(&w, named(slice_of("ada:*\nada:*\n")), slice_of("ada"));
    assert_string_equal(err.text,
                        FILE_NAME "lines 1 and 2 both name the user ada; take one of them away");
}

TEST(no_freed_memory_and_no_error_holds_a_password)
{
    char text[256], hash[PASSWORD_HASH_MAX];
    struct writer w = writer_over(text, sizeof text), out = writer_over(hash, sizeof hash);
    writer_printf(&w, "ada:{PLAIN}%s\nbob:" BCRYPT "\n", typed);
    freed_a_password = false;
    struct password_file file = parsed_slice(writer_slice(&w));
    assert_int_equal(check(&file, "ada", typed), PASSWORD_OK);
    assert_int_equal(check(&file, "bob", typed), PASSWORD_WRONG);
    assert_int_equal(check(&file, "eve", typed), PASSWORD_WRONG);
    hash_trouble = ENOMEM;
    assert_int_equal(check(&file, "bob", typed), PASSWORD_TROUBLE);
    hash_trouble = 0;
    password_file_free(&file);
    struct err err = password_hash_new(&out, slice_of(typed));
    assert_int_equal(err.code, 0);
    static const char *const lines[] = {"%s\n", "ada:%s\n", "%s:\n", "ada:{X}%s\n",
                                        "ada:{PLAIN}%s\nada:{PLAIN}%s\n"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        w = writer_over(text, sizeof text);
        for (const char *at = lines[i]; *at != '\0'; at++) {
            bool here = at[0] == '%';
            writer_bytes(&w, here ? slice_of(typed) : slice_make(at, 1));
            at += here;
        }
        err = password_file_parse(&file, named(writer_slice(&w)));
        assert_int_not_equal(err.code, 0);
        assert_null(strstr(err.text, typed));
    }
    assert_false(freed_a_password);

    char *leak = memory_text(slice_of(typed));
    memory_free(leak);
    assert_true(freed_a_password);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_method_of_crypt_and_every_prefix_of_dovecot_checks_passwords),
        cmocka_unit_test(comments_blank_lines_further_fields_and_line_ends_do_not_matter),
        cmocka_unit_test(names_match_byte_for_byte),
        cmocka_unit_test(a_login_without_a_domain_is_tried_in_the_realm),
        cmocka_unit_test(a_locked_user_cannot_log_in),
        cmocka_unit_test(an_unknown_or_locked_user_costs_what_a_known_one_costs),
        cmocka_unit_test(unknown_users_cost_like_the_mixture_of_known_ones_and_always_the_same),
        cmocka_unit_test(an_empty_file_knows_nobody_and_still_takes_its_time),
        cmocka_unit_test(trouble_of_crypt_is_told_from_a_wrong_password),
        cmocka_unit_test(a_password_is_not_cut_at_a_nul_nor_at_what_crypt_takes),
        cmocka_unit_test(errors_name_the_file_and_the_line_and_say_what_to_do),
        cmocka_unit_test(what_crypt_cannot_check_is_refused_when_the_file_is_read),
        cmocka_unit_test(a_user_named_twice_is_an_error_that_names_both_lines),
        cmocka_unit_test(the_size_of_the_file_is_bounded),
        cmocka_unit_test(names_and_lines_are_bounded),
        cmocka_unit_test(the_number_of_users_is_bounded),
        cmocka_unit_test(the_file_keeps_a_copy_of_its_own),
        cmocka_unit_test(a_new_hash_is_yescrypt_and_checks_its_password_only),
        cmocka_unit_test(a_password_that_nobody_could_type_gets_no_hash),
        cmocka_unit_test(setting_a_hash_replaces_it_and_nothing_else),
        cmocka_unit_test(setting_a_new_users_hash_adds_a_line),
        cmocka_unit_test(only_lines_that_can_be_read_back_are_set),
        cmocka_unit_test(removing_a_user_takes_his_line_away),
        cmocka_unit_test(no_freed_memory_and_no_error_holds_a_password),
    };
    return RUN_TESTS(tests);
}
