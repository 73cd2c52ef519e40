/* A Maildir, and one message on its way into it. The file's name comes from the message alone, so
 * that a second delivery of the same message finds the first: it is written below tmp, synced, and
 * linked into new under its name, which fails where it is already. Line ends become those of the
 * system, as Maildirs have them.
 *
 * All of it happens with the rights of the process; it blocks. */
#ifndef TUVI_BACKEND_MAILDIR_H
#define TUVI_BACKEND_MAILDIR_H

#include "base/err.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum { MAILDIR_NAME_MAX = 96 };

struct maildir {
    const char *path;    /* for sentences */
    int tmp, fresh, cur; /* its folders; fresh is the one called new */
    char name[MAILDIR_NAME_MAX];
    char tmp_name[MAILDIR_NAME_MAX + 16];
    int file; /* -1: none is being written */
    char *buffer;
    size_t buffered;
    bool pending_cr; /* the last byte was a CR: a line end, or not */
};

/* The name of a message's file for one of its recipients. */
void maildir_name(char name[MAILDIR_NAME_MAX], int64_t arrival_us, uint64_t id, uint32_t recipient);

/* The path is absolute and has no "..". What is missing of it is made, for its owner alone. It
 * must stay as long as the Maildir is open. */
MUST_CHECK struct err maildir_open(struct maildir *maildir, const char *path, const char *name);
/* Ends all that was not kept. */
void maildir_close(struct maildir *maildir);

/* Whether a file of that name is in new, or in cur with whatever its reader added to the name. */
MUST_CHECK struct err maildir_holds(const struct maildir *maildir, bool *holds);

MUST_CHECK struct err maildir_create(struct maildir *maildir);
MUST_CHECK struct err maildir_write(struct maildir *maildir, struct slice bytes);
/* The message is on disk under its name when this succeeds; *was_there: an earlier delivery had
 * brought it, and what was written now is dropped. */
MUST_CHECK struct err maildir_keep(struct maildir *maildir, bool *was_there);

#endif
