/* The password file of "smtpd_sasl_type = file": one user a line, "user:hash", further fields
 * behind another colon ignored, so that Dovecot's passwd-file can be shared.
 *
 * A hash is what crypt(3) makes ($y$, $gy$, $7$, $2a$ $2b$ $2y$, $6$, $5$, $1$, and DES), bare or
 * behind {CRYPT}, {SHA512-CRYPT}, {SHA256-CRYPT}, {MD5-CRYPT} or {BLF-CRYPT}; or, for tests, the
 * password itself behind {PLAIN}. One that begins with '!' or '*' is locked: no password opens it.
 * Lines that are blank or begin with '#' are comments. User names are compared byte for byte.
 *
 * The caller reads and writes the file; here are its text and what it means. A password costs tens
 * of milliseconds to check, on purpose: call password_file_check() where waiting is allowed. It may
 * run in several threads at once. A name that is not in the file costs as much as one that is. */
#ifndef TUVI_BACKEND_PASSWORD_FILE_H
#define TUVI_BACKEND_PASSWORD_FILE_H

#include "base/err.h"
#include "base/siphash.h"
#include "base/slice.h"
#include "base/writer.h"

enum {
    PASSWORD_FILE_TEXT_MAX = 16 * 1024 * 1024,
    PASSWORD_FILE_LINE_MAX = 4096,
    PASSWORD_FILE_USER_COUNT_MAX = 100000,
    PASSWORD_MAX = 511,      /* what crypt(3) takes */
    PASSWORD_HASH_MAX = 383, /* what crypt(3) gives */
};

/* What stands in a file, and the file's name for errors. */
struct password_text {
    const char *name;
    struct slice text;
};

enum password_scheme { PASSWORD_CRYPT, PASSWORD_PLAIN, PASSWORD_LOCKED };

struct password_entry {
    struct slice user;
    struct slice secret;
    enum password_scheme scheme;
    size_t line;
};

/* Owns a copy of the text, into which the entries point. */
struct password_file {
    char *text;
    size_t text_len;
    struct password_entry *entries; /* in the order of their names */
    size_t count;
    struct siphash_key key; /* random: which hash an unknown name is checked against */
};

enum password_result { PASSWORD_OK, PASSWORD_WRONG, PASSWORD_TROUBLE };

struct password_verdict {
    enum password_result result;
    struct slice user;  /* OK: his name as the file has it, valid as long as the file */
    struct err trouble; /* TROUBLE: the check could not be made */
};

/* On success *out is the caller's to free. */
struct err password_file_parse(struct password_file *out, struct password_text source) MUST_CHECK;
void password_file_free(struct password_file *file); /* wipes what it held */

/* The name that the file has for a login: the login itself, or, when that is not in the file and
 * has no '@', login@realm. Empty when the file knows neither. It is what a cache of successes is
 * asked about, and says nothing of the password. */
struct slice password_file_find(const struct password_file *file, struct slice login,
                                struct slice realm);

struct password_verdict password_file_check(const struct password_file *file, struct slice login,
                                            struct slice realm, struct slice password);

/* A new hash, by the method that the system prefers (yescrypt), written to *out, which has room for
 * PASSWORD_HASH_MAX bytes. */
struct err password_hash_new(struct writer *out, struct slice password) MUST_CHECK;

/* The text of a file with the user's hash replaced (his other fields stay) or his line added at the
 * end, or with his line taken away, written to *out. All other lines stay byte for byte. The new
 * text is at most PASSWORD_FILE_LINE_MAX longer than the old. An error writes nothing. */
struct err password_file_set(struct writer *out, struct password_text old, struct slice user,
                             struct slice hash) MUST_CHECK;
struct err password_file_remove(struct writer *out, struct password_text old,
                                struct slice user) MUST_CHECK;

#endif
