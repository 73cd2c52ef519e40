/* Files that the supervisor read for its roles: keys, certificates, passwords. A role that has
 * given up its privileges could not open them. */
#ifndef TUVI_PROC_FILE_SET_H
#define TUVI_PROC_FILE_SET_H

#include "base/err.h"
#include "base/slice.h"

enum { FILE_SET_MAX = 256, FILE_TEXT_MAX = 16 << 20 };

/* Which roles may see it. */
enum file_use {
    FILE_CONFIG, /* a part of the configuration, or a table */
    FILE_KEY,    /* a key or a certificate */
    FILE_PASSWORDS,
};

struct file_text {
    char *path;
    enum file_use use;
    struct slice text; /* owned */
};

struct file_set {
    struct file_text files[FILE_SET_MAX];
    size_t count;
};

/* Reads a whole file; the text is the caller's to free, at text->at. The error names the path. */
MUST_CHECK struct err file_read(const char *path, struct slice *text);
/* The same from a descriptor, from its beginning; `name` stands in errors. */
MUST_CHECK struct err file_read_fd(int fd, const char *name, struct slice *text);

/* Reads it unless it was read before. */
MUST_CHECK struct err file_set_add(struct file_set *set, const char *path);
/* Takes over a text that was read elsewhere. */
void file_set_put(struct file_set *set, const char *path, struct slice text);
/* The same in place of what was known under this path. */
void file_set_replace(struct file_set *set, const char *path, struct slice text);
/* Says what it is for, if it was read. */
void file_set_mark(struct file_set *set, const char *path, enum file_use use);
/* False when it was never read. */
bool file_set_find(const struct file_set *set, const char *path, struct slice *text);

/* Wipes and frees all texts: some are secret. */
void file_set_free(struct file_set *set);

#endif
