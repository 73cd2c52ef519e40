/* Watches the folders of files that the supervisor read, so that a certificate that was renewed is
 * used without anybody asking. That something happened there is all it tells: whether a file has
 * changed is seen in its text, which holds for files that are written, replaced, or linked anew. */
#ifndef TUVI_PROC_FILE_WATCH_H
#define TUVI_PROC_FILE_WATCH_H

#include "proc/file_set.h"

#include <stdbool.h>
#include <stdint.h>

/* Certificate and key are not replaced at the same moment: this long after the first event the
 * files are looked at. */
enum { FILE_WATCH_CALM_MS = 1000 };

struct file_watch {
    int fd;         /* readable when something happened; -1: nothing is watched */
    int64_t due_ms; /* when to look at the files; 0: nothing happened */
};

/* In place of what was watched before. The files are looked at once in any case, because they may
 * have changed since they were read. */
void file_watch_open(struct file_watch *watch, const struct file_set *files, int64_t now_ms);
void file_watch_take(struct file_watch *watch, int64_t now_ms);

/* The first file whose text is another than it was, or that cannot be read; NULL: none. */
const char *file_watch_changed(const struct file_set *files);

#endif
