/* What the spool asks of the disk, as data. The spool never touches a file: its driver carries a
 * request out and says how it went. A slot's log is a row of segment files, known here by their
 * numbers. */
#ifndef TUVI_SPOOL_DISK_H
#define TUVI_SPOOL_DISK_H

#include "base/slice.h"

#include <stdbool.h>

enum disk_operation {
    DISK_CREATE, /* a file of `size` zero bytes with `data` at its start; file and folder are
                    synced. With `over` it may be there already, and is written over */
    DISK_WRITE,  /* `data` at `offset`, then fdatasync; no other write of the slot is in flight */
    DISK_READ,   /* up to `length` bytes at `offset` to `into`; *length becomes what was there */
    DISK_REMOVE, /* the file goes, and the folder is synced */
    DISK_SET_ASIDE, /* the file gets a name that is no segment's, and the folder is synced */
};

/* It stays where it is until done() was called, and is then its owner's again. */
struct disk_request {
    enum disk_operation operation;
    uint64_t segment;
    uint64_t offset; /* bytes from the start of the segment */
    uint64_t size;
    struct slice data;
    char *into;
    size_t length;
    bool over;
    bool past_cache; /* read what the medium has, where the system can: the cache may lie */
    void *owner;     /* the driver's */
    /* Set by the driver: called once, from a turn of its loop, with 0 or an errno value. */
    void (*done)(struct disk_request *request, int error);
};

#endif
