/* A slot's folder: a worker's place on disk, with the segments of its log. Whoever holds its lock
 * is the one worker that may use it. */
#ifndef TUVI_SHELL_SLOT_H
#define TUVI_SHELL_SLOT_H

#include "base/err.h"
#include "spool/disk.h"

#include <stddef.h>
#include <stdint.h>

/* Takes the lock of the folder open at this descriptor, and keeps it until the process ends. The
 * error says that another worker holds it. */
MUST_CHECK struct err slot_lock(int slot_fd);

/* The numbers of its segments, in ascending order; the array is the caller's to free. Other names
 * are left alone. */
MUST_CHECK struct err slot_segments(int slot_fd, uint64_t **segments, size_t *count);

/* Memory that outlives the process: a file of the slot, mapped, so many bytes, zero when it is new.
 * NULL when there is no room for it. */
void *slot_keep(int slot_fd, const char *name, size_t size);

enum { SLOT_NAME_MAX = 64 };
/* The name of a segment's file. */
void slot_name_segment(uint64_t segment, char name[SLOT_NAME_MAX]);

/* Carries out a DISK_READ, here and now: 0 or an errno value. Needs no lock. */
int slot_read(int slot_fd, struct disk_request *request);

#endif
