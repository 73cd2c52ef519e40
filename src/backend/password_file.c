#include "backend/password_file.h"

#include "base/check.h"
#include "base/memory.h"
#include "proto/sasl_server.h"

#include <crypt.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* A line of the text; `end` is where the next one starts. */
struct line {
    size_t number;
    size_t start;
    size_t end;
    struct slice content; /* without its line end */
};

/* Entries while they are collected. */
struct collection {
    struct password_entry *entries;
    size_t count;
    size_t capacity;
};

/* All that a check puts a password into. */
struct scratch {
    char typed[PASSWORD_MAX + 1]; /* filled up with NUL, as the next */
    char stored[PASSWORD_MAX + 1];
    struct crypt_data crypt;
};

_Static_assert(PASSWORD_MAX < CRYPT_MAX_PASSPHRASE_SIZE, "crypt(3) takes every password");
_Static_assert(PASSWORD_HASH_MAX < CRYPT_OUTPUT_SIZE, "every hash is one of crypt(3)'s");
_Static_assert(PASSWORD_HASH_MAX <= PASSWORD_MAX, "a hash fits into the scratch");

/* How a hash begins, and how many bytes of salt and digest follow its last '$'. A hash that was cut
 * off would lock its user out without a word. */
static const struct method {
    const char *prefix;
    size_t tail_len;
} methods[] = {
    {"$y$", 43},  {"$gy$", 43}, {"$7$", 43}, {"$2a$", 53}, {"$2b$", 53},
    {"$2y$", 53}, {"$6$", 86},  {"$5$", 43}, {"$1$", 22},
};

enum { DES_HASH_LEN = 13 };

/* Dovecot's names, and how a hash under each begins. */
static const struct prefix {
    const char *name;
    const char *hash;
} prefixes[] = {
    {"{CRYPT}", ""},        {"{SHA512-CRYPT}", "$6$"}, {"{SHA256-CRYPT}", "$5$"},
    {"{MD5-CRYPT}", "$1$"}, {"{BLF-CRYPT}", "$2"},
};

static const char plain_prefix[] = "{PLAIN}";

/* What an unknown name is checked against while the file is empty: a yescrypt hash of nothing in
 * particular. */
static const struct password_entry nobody = {
    .secret =
        SLICE_LITERAL("$y$j9T$2kW5CPlqUh1qblnatKOjr.$fxgx7aGrpyCbem3Owj9sftmCjjlJTif5lLi1Rtr.RH9"),
    .scheme = PASSWORD_CRYPT,
};

/* Lines. */

static bool next_line(struct slice text, struct line *line)
{
    if (line->end == text.len)
        return false;
    struct slice rest = slice_skip(text, line->end);
    size_t len = slice_find(rest, '\n');
    line->number++;
    line->start = line->end;
    line->end += len < rest.len ? len + 1 : len;
    line->content = slice_first(rest, len);
    if (len > 0 && rest.at[len - 1] == '\r')
        line->content.len--;
    return true;
}

static bool is_comment(struct slice content)
{
    struct slice trimmed = slice_trim(content);
    return trimmed.len == 0 || trimmed.at[0] == '#';
}

static struct slice first_field(struct slice fields)
{
    return slice_first(fields, slice_find(fields, ':'));
}

/* The field behind the user's. */
static struct slice secret_field(struct slice content, struct slice user)
{
    return first_field(slice_skip(content, user.len + 1));
}

static bool has_control_byte(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] < ' ' || text.at[i] == 0x7f)
            return true;
    return false;
}

static const char *wrong_user(struct slice user)
{
    if (user.len == 0)
        return "there is no user name";
    if (user.len > SASL_USER_MAX)
        return "the user name is too long";
    if (has_control_byte(user) || slice_find(user, ':') < user.len)
        return "a user name has no control characters and no ':'";
    if (user.at[0] == '#' || slice_trim(user).len < user.len)
        return "a user name does not begin with '#' and has no space around it";
    return NULL;
}

/* Secrets. */

static bool is_crypt_text(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!ascii_is_letter(text.at[i]) && !ascii_is_digit(text.at[i]) && text.at[i] != '.' &&
            text.at[i] != '/')
            return false;
    return true;
}

static bool is_whole_hash(struct slice hash)
{
    size_t last = slice_find_last(hash, '$');
    if (last == hash.len)
        return hash.len == DES_HASH_LEN && is_crypt_text(hash);
    struct slice tail = slice_skip(hash, last + 1);
    for (size_t i = 0; i < COUNT(methods); i++)
        if (slice_starts(hash, methods[i].prefix))
            return tail.len == methods[i].tail_len && is_crypt_text(tail);
    return false;
}

static bool crypt_knows(struct slice hash)
{
    char setting[PASSWORD_HASH_MAX + 1] = "";
    if (hash.len > PASSWORD_HASH_MAX || hash.len == 0 || has_control_byte(hash))
        return false;
    memcpy(setting, hash.at, hash.len);
    int known = crypt_checksalt(setting);
    return known != CRYPT_SALT_INVALID && known != CRYPT_SALT_METHOD_DISABLED;
}

static const char *read_hash(struct slice hash, struct password_entry *entry)
{
    entry->secret = hash;
    entry->scheme = PASSWORD_LOCKED;
    if (hash.len > 0 && (hash.at[0] == '!' || hash.at[0] == '*'))
        return NULL;
    entry->scheme = PASSWORD_CRYPT;
    if (!is_whole_hash(hash) || !crypt_knows(hash))
        return "this is no whole hash of a method that crypt(3) knows; make a new one: tuvi passwd";
    return NULL;
}

static const char *read_prefixed_hash(struct slice secret, struct password_entry *entry)
{
    size_t end = slice_find(secret, '}') + 1;
    for (size_t i = 0; i < COUNT(prefixes); i++) {
        if (!slice_is_nocase(slice_first(secret, end), prefixes[i].name))
            continue;
        const char *wrong = read_hash(slice_skip(secret, end), entry);
        if (wrong == NULL && entry->scheme == PASSWORD_CRYPT &&
            !slice_starts(entry->secret, prefixes[i].hash))
            return "the hash is not of the method in front of it; make a new one: tuvi passwd";
        return wrong;
    }
    return "this {SCHEME} is none that crypt(3) can check; make a new hash: tuvi passwd";
}

static const char *read_plain(struct slice password, struct password_entry *entry)
{
    entry->secret = password;
    entry->scheme = PASSWORD_PLAIN;
    if (password.len == 0 || password.len > PASSWORD_MAX || has_control_byte(password))
        return "the password behind {PLAIN} is empty, too long or has control characters";
    return NULL;
}

/* NULL, or what is wrong with the secret and what to do. */
static const char *read_secret(struct slice secret, struct password_entry *entry)
{
    if (secret.len == 0)
        return "the user has no hash; make one: tuvi passwd, or lock him with '*'";
    if (slice_starts_nocase(secret, plain_prefix))
        return read_plain(slice_skip(secret, strlen(plain_prefix)), entry);
    return secret.at[0] == '{' ? read_prefixed_hash(secret, entry) : read_hash(secret, entry);
}

/* Parsing. */

static const char *read_line(const struct line *line, struct password_entry *entry)
{
    struct slice user = first_field(line->content);
    if (line->content.len > PASSWORD_FILE_LINE_MAX)
        return "the line is too long";
    if (user.len == line->content.len)
        return "there is no ':' behind the user name; write user:hash, as tuvi passwd does";
    const char *wrong = wrong_user(user);
    if (wrong != NULL)
        return wrong;
    entry->user = user;
    entry->line = line->number;
    return read_secret(secret_field(line->content, user), entry);
}

static struct password_entry *add_entry(struct collection *collection)
{
    if (collection->count == collection->capacity) {
        collection->capacity = collection->capacity > 0 ? 2 * collection->capacity : 64;
        collection->entries =
            memory_grow(collection->entries, collection->capacity * sizeof *collection->entries);
    }
    return &collection->entries[collection->count++];
}

static struct err collect(struct collection *collection, struct password_text source)
{
    struct line line = {0};
    while (next_line(source.text, &line)) {
        struct password_entry entry;
        if (is_comment(line.content))
            continue;
        if (collection->count == PASSWORD_FILE_USER_COUNT_MAX)
            return err_make(ERR_OTHER, "%s: line %zu: more than %d users", source.name, line.number,
                            PASSWORD_FILE_USER_COUNT_MAX);
        const char *wrong = read_line(&line, &entry);
        if (wrong != NULL)
            return err_make(ERR_OTHER, "%s: line %zu: %s", source.name, line.number, wrong);
        *add_entry(collection) = entry;
    }
    return err_none();
}

static int compare_names(struct slice a, struct slice b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = memcmp(a.at, b.at, common);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* By name, and the same name by line. */
static int compare_entries(const void *one, const void *other)
{
    const struct password_entry *a = one, *b = other;
    int order = compare_names(a->user, b->user);
    return order != 0 ? order : (a->line > b->line) - (a->line < b->line);
}

static int compare_with_name(const void *name, const void *entry)
{
    return compare_names(*(const struct slice *)name, ((const struct password_entry *)entry)->user);
}

static struct err twice(struct password_text source, struct slice user, size_t first, size_t second)
{
    return err_make(ERR_OTHER,
                    "%s: lines %zu and %zu both name the user %.*s; take one of them away",
                    source.name, first, second, SLICE_PRINTF(user));
}

static struct err sort(struct collection *collection, struct password_text source)
{
    struct password_entry *entries = collection->entries;
    if (collection->count == 0)
        return err_none();
    qsort(entries, collection->count, sizeof *entries, compare_entries);
    for (size_t i = 1; i < collection->count; i++)
        if (slice_equal(entries[i - 1].user, entries[i].user))
            return twice(source, entries[i].user, entries[i - 1].line, entries[i].line);
    return err_none();
}

static struct err parse_copy(struct collection *collection, struct siphash_key *key,
                             struct password_text source)
{
    TRY(collect(collection, source));
    TRY(sort(collection, source));
    if (RAND_bytes((unsigned char *)key, sizeof *key) != 1)
        return err_make(ERR_OTHER, "OpenSSL has no random bytes");
    return err_none();
}

/* Checking. */

static const struct password_entry *find(const struct password_file *file, struct slice user)
{
    if (file->count == 0)
        return NULL;
    return bsearch(&user, file->entries, file->count, sizeof *file->entries, compare_with_name);
}

static const struct password_entry *find_with_realm(const struct password_file *file,
                                                    struct slice user, struct slice realm)
{
    char bytes[2 * SASL_USER_MAX];
    struct writer name = writer_over(bytes, sizeof bytes);
    if (realm.len == 0 || slice_find(user, '@') < user.len)
        return NULL;
    writer_bytes(&name, user);
    writer_byte(&name, '@');
    writer_bytes(&name, realm);
    return name.overflow ? NULL : find(file, writer_slice(&name));
}

static const struct password_entry *find_login(const struct password_file *file, struct slice login,
                                               struct slice realm)
{
    const struct password_entry *entry = find(file, login);
    return entry != NULL ? entry : find_with_realm(file, login, realm);
}

/* Whose secret an unknown or locked user's password is checked against, so that he costs what a
 * user costs. Always the same one for the same name; who is not told the key cannot say which. */
static const struct password_entry *stand_in(const struct password_file *file, struct slice user)
{
    uint64_t start = siphash(&file->key, user);
    for (size_t i = 0; i < file->count; i++) {
        const struct password_entry *entry = &file->entries[(start + i) % file->count];
        if (entry->scheme != PASSWORD_LOCKED)
            return entry;
    }
    return &nobody;
}

static bool matches_hash(struct scratch *scratch, size_t line, struct err *trouble)
{
    errno = 0;
    const char *hash = crypt_r(scratch->typed, scratch->stored, &scratch->crypt);
    if (hash != NULL && hash[0] != '*')
        return CRYPTO_memcmp(hash, scratch->stored, CRYPT_OUTPUT_SIZE) == 0;
    *trouble = err_errno(errno != 0 ? errno : EINVAL,
                         "crypt(3) cannot check the hash in line %zu of the password file", line);
    return false;
}

static bool matches(const struct password_entry *entry, struct slice password, struct err *trouble)
{
    struct scratch *scratch = memory_new(sizeof *scratch);
    memcpy(scratch->typed, password.at, password.len);
    memcpy(scratch->stored, entry->secret.at, entry->secret.len);
    bool same = entry->scheme == PASSWORD_PLAIN
                    ? CRYPTO_memcmp(scratch->typed, scratch->stored, sizeof scratch->typed) == 0
                    : matches_hash(scratch, entry->line, trouble);
    secret_wipe(scratch, sizeof *scratch);
    memory_free(scratch);
    return same;
}

static struct err hash_typed(struct writer *out, struct scratch *scratch)
{
    size_t start = out->len;
    if (crypt_gensalt_rn(NULL, 0, NULL, 0, scratch->stored, sizeof scratch->stored) == NULL)
        return err_errno(errno, "crypt(3) makes no salt");
    errno = 0;
    const char *hash = crypt_r(scratch->typed, scratch->stored, &scratch->crypt);
    if (hash == NULL || hash[0] == '*')
        return err_errno(errno != 0 ? errno : EINVAL, "crypt(3) makes no hash");
    writer_text(out, hash);
    if (!out->overflow)
        return err_none();
    out->len = start;
    return err_make(ERR_OTHER, "the hash has no room");
}

static bool can_be_typed(struct slice password)
{
    return password.len > 0 && password.len <= PASSWORD_MAX &&
           slice_find(password, '\0') == password.len;
}

/* Editing. */

static struct err write_new_text(struct writer *out, struct password_text old,
                                 const struct slice pieces[], size_t count)
{
    size_t start = out->len;
    for (size_t i = 0; i < count; i++)
        writer_bytes(out, pieces[i]);
    if (!out->overflow)
        return err_none();
    out->len = start;
    return err_make(ERR_OTHER, "%s: the new text is too long", old.name);
}

/* The line that names the user; number is 0 when none does. */
static struct err find_line(struct password_text old, struct slice user, struct line *found)
{
    struct line line = {0};
    found->number = 0;
    while (next_line(old.text, &line)) {
        if (is_comment(line.content) || !slice_equal(first_field(line.content), user))
            continue;
        if (found->number != 0)
            return twice(old, user, found->number, line.number);
        *found = line;
    }
    return err_none();
}

static struct err add_line(struct writer *out, struct password_text old, struct slice user,
                           struct slice hash)
{
    bool open = old.text.len > 0 && old.text.at[old.text.len - 1] != '\n';
    const struct slice pieces[] = {
        old.text, slice_of(open ? "\n" : ""), user, slice_of(":"), hash, slice_of("\n"),
    };
    return write_new_text(out, old, pieces, COUNT(pieces));
}

static struct err replace_hash(struct writer *out, struct password_text old,
                               const struct line *line, struct slice hash)
{
    struct slice user = first_field(line->content);
    if (user.len == line->content.len)
        return err_make(ERR_OTHER, "%s: line %zu: there is no ':' behind the user name", old.name,
                        line->number);
    size_t secret = line->start + user.len + 1;
    size_t behind = secret + secret_field(line->content, user).len;
    const struct slice pieces[] = {
        slice_first(old.text, secret),
        hash,
        slice_skip(old.text, behind),
    };
    return write_new_text(out, old, pieces, COUNT(pieces));
}

/* Public functions. */

struct err password_file_parse(struct password_file *out, struct password_text source)
{
    struct collection collection = {0};
    struct siphash_key key = {0};
    if (source.text.len > PASSWORD_FILE_TEXT_MAX)
        return err_make(ERR_OTHER, "%s: the file has more than %d bytes", source.name,
                        PASSWORD_FILE_TEXT_MAX);
    char *text = memory_text(source.text);
    size_t len = source.text.len;
    source.text = slice_make(text, len);
    struct err err = parse_copy(&collection, &key, source);
    struct password_file file = {text, len, collection.entries, collection.count, key};
    if (err_is(&err))
        password_file_free(&file);
    else
        *out = file;
    return err;
}

void password_file_free(struct password_file *file)
{
    if (file->text != NULL)
        secret_wipe(file->text, file->text_len);
    memory_free(file->text);
    memory_free(file->entries);
    *file = (struct password_file){0};
}

struct slice password_file_find(const struct password_file *file, struct slice login,
                                struct slice realm)
{
    const struct password_entry *entry = find_login(file, login, realm);
    return entry != NULL ? entry->user : slice_make(NULL, 0);
}

struct password_verdict password_file_check(const struct password_file *file, struct slice login,
                                            struct slice realm, struct slice password)
{
    struct password_verdict verdict = {.result = PASSWORD_WRONG, .trouble = err_none()};
    if (!can_be_typed(password))
        return verdict;
    const struct password_entry *entry = find_login(file, login, realm);
    bool known = entry != NULL && entry->scheme != PASSWORD_LOCKED;
    struct err trouble = err_none();
    bool same = matches(known ? entry : stand_in(file, login), password, &trouble);
    if (!known)
        return verdict;
    if (err_is(&trouble))
        return (struct password_verdict){.result = PASSWORD_TROUBLE, .trouble = trouble};
    if (!same)
        return verdict;
    return (struct password_verdict){
        .result = PASSWORD_OK, .user = entry->user, .trouble = err_none()};
}

struct err password_hash_new(struct writer *out, struct slice password)
{
    if (!can_be_typed(password))
        return err_make(ERR_OTHER, "a password has 1 to %d bytes, none of them NUL", PASSWORD_MAX);
    struct scratch *scratch = memory_new(sizeof *scratch);
    memcpy(scratch->typed, password.at, password.len);
    struct err err = hash_typed(out, scratch);
    secret_wipe(scratch, sizeof *scratch);
    memory_free(scratch);
    return err;
}

struct err password_file_set(struct writer *out, struct password_text old, struct slice user,
                             struct slice hash)
{
    struct password_entry entry;
    struct line line;
    const char *wrong = wrong_user(user);
    if (wrong == NULL)
        wrong = slice_find(hash, ':') < hash.len ? "a hash has no ':'" : read_secret(hash, &entry);
    if (wrong != NULL)
        return err_make(ERR_OTHER, "%s: %s", old.name, wrong);
    TRY(find_line(old, user, &line));
    return line.number == 0 ? add_line(out, old, user, hash) : replace_hash(out, old, &line, hash);
}

struct err password_file_remove(struct writer *out, struct password_text old, struct slice user)
{
    struct line line;
    TRY(find_line(old, user, &line));
    if (line.number == 0)
        return err_make(ENOENT, "%s: there is no user %.*s", old.name, SLICE_PRINTF(user));
    const struct slice pieces[] = {
        slice_first(old.text, line.start),
        slice_skip(old.text, line.end),
    };
    return write_new_text(out, old, pieces, COUNT(pieces));
}
