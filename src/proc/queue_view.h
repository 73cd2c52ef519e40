/* The queue as it stands on disk, for people to look at. Segments are read without their locks, by
 * the same replay that a worker starts with, so the daemon may run meanwhile: what it has written
 * half shows as an unfinished batch, and what it is done with may be gone when it is looked at. */
#ifndef TUVI_PROC_QUEUE_VIEW_H
#define TUVI_PROC_QUEUE_VIEW_H

#include "base/arena.h"
#include "base/err.h"
#include "spool/message.h"

enum { QUEUE_VIEW_ID_MAX = 40, QUEUE_VIEW_DAMAGE_MAX = 16 };

struct queue_slot;

struct queue_entry {
    char queue_id[QUEUE_VIEW_ID_MAX];
    struct queue_slot *slot;
    struct spool_message *message;
};

struct queue_damage {
    unsigned slot;
    struct log_place place;
    const char *text;
};

struct queue_view {
    struct queue_slot **slots;
    size_t slot_count;
    struct queue_entry *entries; /* the oldest first */
    size_t count;
    struct queue_damage damage[QUEUE_VIEW_DAMAGE_MAX]; /* what could not be understood */
    size_t damage_count;                               /* may be more than are kept */
};

/* Which queue: its folder, and how its ids are written. */
struct queue_place {
    const char *queue_directory;
    bool long_ids;
};

/* A queue_directory that no tuvid has used yet is an empty queue. The error names what cannot be
 * read. */
MUST_CHECK struct err queue_view_open(const struct queue_place *place, struct queue_view *out);
void queue_view_free(struct queue_view *view);

/* NULL when the queue has no such message. */
const struct queue_entry *queue_view_find(const struct queue_view *view, struct slice queue_id);

/* One message's envelope, and where its content is. */
struct queue_letter {
    struct arena arena;
    struct spool_view view;
};

/* False when it is gone or damaged. */
bool queue_letter_open(const struct queue_entry *entry, struct queue_letter *out);
void queue_letter_close(const struct queue_entry *entry, struct queue_letter *letter);

/* Why the last attempt for this recipient did not succeed; NULL when there was none. */
const char *queue_entry_reason(const struct queue_entry *entry, size_t recipient);

unsigned queue_entry_slot(const struct queue_entry *entry);

/* For reading the content with spool/content.h: carries out a request. */
struct spool *queue_entry_spool(const struct queue_entry *entry);
int queue_entry_read(const struct queue_entry *entry, struct disk_request *request);

#endif
