#include "proc/queue_view.h"

#include "base/memory.h"
#include "mta/queue_id.h"
#include "shell/slot.h"
#include "spool/snapshot_record.h"
#include "spool/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PATH_LEN_MAX = 4096,
    SLOTS_MAX = 65536,
    READINGS_MAX = 3, /* of a slot: what is written while we read can look like damage */
};

struct queue_slot {
    int fd;
    uint16_t number;
    uint64_t *segments;
    size_t segment_count;
    int read_error; /* of the last request */
    struct spool spool;
};

/* What the last attempts said, by recipient; hangs at spool_message.work. */
struct reasons {
    char **texts;
};

/* ---- one slot ---- */

static int read_now(struct queue_slot *slot, struct disk_request *request)
{
    request->past_cache = false; /* the cache has what the daemon wrote just now */
    slot->read_error = slot_read(slot->fd, request);
    return slot->read_error;
}

static void forget_reasons(struct spool_message *message)
{
    struct reasons *reasons = message->work;
    if (reasons == NULL)
        return;
    for (size_t i = 0; i < message->recipient_count; i++)
        memory_free(reasons->texts[i]);
    memory_free(reasons->texts);
    memory_free(reasons);
    message->work = NULL;
}

/* All but the folder. */
static void clear_slot(struct queue_slot *slot)
{
    struct map_node *node = NULL;
    while ((node = map_next(&slot->spool.messages, node)) != NULL)
        forget_reasons(CONTAINER_OF(node, struct spool_message, by_id));
    spool_free(&slot->spool);
    memory_free(slot->segments);
    slot->segments = NULL;
}

static void free_slot(struct queue_slot *slot)
{
    clear_slot(slot);
    close(slot->fd);
    memory_free(slot);
}

static void note_damage(struct queue_view *view, const struct queue_slot *slot,
                        const struct spool_replay_step *step)
{
    if (view->damage_count < QUEUE_VIEW_DAMAGE_MAX)
        view->damage[view->damage_count] =
            (struct queue_damage){slot->number, step->place, step->text};
    view->damage_count++;
}

/* The messages. A segment that was given back since we listed it had nothing in it any more. */
static void replay_messages(struct queue_view *view, struct queue_slot *slot)
{
    for (;;) {
        struct spool_replay_step step = spool_replay(&slot->spool);
        switch (step.kind) {
        case SPOOL_REPLAY_READ:
            spool_replay_read_done(&slot->spool, read_now(slot, step.request));
            break;
        case SPOOL_REPLAY_NOTE:
            if (step.serious && slot->read_error != ENOENT)
                note_damage(view, slot, &step);
            break;
        case SPOOL_REPLAY_END:
            return;
        }
    }
}

/* A TRY says why; a snapshot carries the last one along. */
static struct slice try_payload(const struct record *record)
{
    struct snapshot_record snapshot;
    if (record->type == RECORD_TRY)
        return record->payload;
    if (record->type == RECORD_SNAPSHOT && snapshot_record_read(record->payload, &snapshot))
        return snapshot.last_try;
    return slice_of("");
}

static void keep_reasons(struct queue_slot *slot, const struct record *record)
{
    struct spool_message *message = spool_find(&slot->spool, record->id);
    struct try_record try = try_record_over(try_payload(record));
    struct spool_result result;
    if (message == NULL || try_payload(record).len == 0)
        return;
    struct reasons *reasons = message->work;
    if (reasons == NULL) {
        message->work = reasons = memory_new(sizeof *reasons);
        reasons->texts = memory_new(message->recipient_count * sizeof *reasons->texts);
    }
    while (try_record_next(&try, &result)) {
        if (result.recipient >= message->recipient_count)
            continue;
        memory_free(reasons->texts[result.recipient]);
        reasons->texts[result.recipient] = memory_text(result.text);
    }
}

/* The spool does not keep what attempts said, because the daemon has no use for it: so the records
 * are gone through once more, now that it is known whose matter. */
static void replay_reasons(struct queue_slot *slot)
{
    struct replay replay;
    struct replay_step step;
    replay_init(&replay, slot->segments, slot->segment_count);
    while ((step = replay_next(&replay)).kind != REPLAY_END) {
        if (step.kind == REPLAY_READ)
            replay_read_done(&replay, read_now(slot, &replay.request));
        else if (step.kind == REPLAY_RECORD)
            keep_reasons(slot, &step.record);
    }
    replay_free(&replay);
}

static struct err read_slot_once(struct queue_view *view, struct queue_slot *slot)
{
    TRY(slot_segments(slot->fd, &slot->segments, &slot->segment_count));
    struct spool_start start = {.slot = slot->number,
                                .segment_size = SEGMENT_SIZE_MIN, /* nothing is written */
                                .segments = slot->segments,
                                .segment_count = slot->segment_count};
    spool_init(&slot->spool, &start);
    replay_messages(view, slot);
    return err_none();
}

static struct err read_slot(struct queue_view *view, struct queue_slot *slot)
{
    size_t before = view->damage_count;
    for (int reading = 0; reading < READINGS_MAX; reading++) {
        if (reading > 0)
            clear_slot(slot);
        view->damage_count = before;
        TRY(read_slot_once(view, slot));
        if (view->damage_count == before)
            break;
    }
    if (slot->spool.messages.count > 0)
        replay_reasons(slot);
    return err_none();
}

/* ---- all of them ---- */

static bool slot_number(const char *name, uint64_t *out)
{
    return strncmp(name, "slot-", 5) == 0 &&
           slice_to_number(slice_of(name + 5), SLOTS_MAX - 1, out);
}

static struct err add_slot(struct queue_view *view, int folder_fd, const char *name)
{
    uint64_t number;
    if (!slot_number(name, &number))
        return err_none();
    int fd = openat(folder_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return err_errno(errno, "%s", name);
    struct queue_slot *slot = memory_new(sizeof *slot);
    slot->fd = fd;
    slot->number = (uint16_t)number;
    view->slots = memory_grow(view->slots, (view->slot_count + 1) * sizeof(struct queue_slot *));
    view->slots[view->slot_count++] = slot;
    return read_slot(view, slot);
}

static struct err add_slots(struct queue_view *view, DIR *folder)
{
    const struct dirent *entry;
    while ((entry = readdir(folder)) != NULL)
        TRY(add_slot(view, dirfd(folder), entry->d_name));
    return err_none();
}

static int compare(const void *a, const void *b)
{
    const struct spool_message *left = ((const struct queue_entry *)a)->message;
    const struct spool_message *right = ((const struct queue_entry *)b)->message;
    if (left->arrival_us != right->arrival_us)
        return left->arrival_us < right->arrival_us ? -1 : 1;
    uint64_t left_id = spool_message_id(left), right_id = spool_message_id(right);
    return (left_id > right_id) - (left_id < right_id);
}

static void add_entries(struct queue_view *view, struct queue_slot *slot, bool long_ids)
{
    size_t room = view->count + slot->spool.messages.count;
    struct map_node *node = NULL;
    view->entries = memory_grow(view->entries, room * sizeof *view->entries);
    while ((node = map_next(&slot->spool.messages, node)) != NULL) {
        struct queue_entry *entry = &view->entries[view->count++];
        *entry = (struct queue_entry){.slot = slot,
                                      .message = CONTAINER_OF(node, struct spool_message, by_id)};
        struct queue_id id = queue_id_make(node->key, entry->message->arrival_us, long_ids);
        snprintf(entry->queue_id, sizeof entry->queue_id, "%s", id.text);
    }
}

struct err queue_view_open(const struct queue_place *place, struct queue_view *out)
{
    struct queue_view view = {0};
    char path[PATH_LEN_MAX];
    if (snprintf(path, sizeof path, "%s/tuvi", place->queue_directory) >= (int)sizeof path)
        return err_make(ERR_OTHER, "queue_directory: the path is too long");
    DIR *folder = opendir(path);
    if (folder == NULL && errno != ENOENT)
        return err_errno(errno, "%s", path);
    struct err err = folder != NULL ? add_slots(&view, folder) : err_none();
    if (folder != NULL)
        closedir(folder);
    if (err_is(&err)) {
        queue_view_free(&view);
        return err_make(err.code, "%s: %.400s", path, err.text);
    }
    for (size_t i = 0; i < view.slot_count; i++)
        add_entries(&view, view.slots[i], place->long_ids);
    if (view.count > 0)
        qsort(view.entries, view.count, sizeof *view.entries, compare);
    *out = view;
    return err_none();
}

void queue_view_free(struct queue_view *view)
{
    for (size_t i = 0; i < view->slot_count; i++)
        free_slot(view->slots[i]);
    memory_free(view->slots);
    memory_free(view->entries);
}

const struct queue_entry *queue_view_find(const struct queue_view *view, struct slice queue_id)
{
    for (size_t i = 0; i < view->count; i++)
        if (slice_is(queue_id, view->entries[i].queue_id))
            return &view->entries[i];
    return NULL;
}

/* ---- one message ---- */

bool queue_letter_open(const struct queue_entry *entry, struct queue_letter *out)
{
    struct spool_message *message = entry->message;
    struct disk_request request;
    struct queue_letter letter = {.arena = arena_make(SPOOL_ENVELOPE_ARENA)};
    spool_load_start(message, &request);
    int error = read_now(entry->slot, &request);
    if (!spool_load_finish(&entry->slot->spool, message, &request, error))
        return false;
    if (!spool_view_read(buf_slice(&message->payload), &letter.arena, &letter.view) ||
        letter.view.envelope.recipient_count != message->recipient_count) {
        queue_letter_close(entry, &letter);
        return false;
    }
    *out = letter;
    return true;
}

void queue_letter_close(const struct queue_entry *entry, struct queue_letter *letter)
{
    arena_reset(&letter->arena);
    buf_free(&entry->message->payload);
}

const char *queue_entry_reason(const struct queue_entry *entry, size_t recipient)
{
    const struct reasons *reasons = entry->message->work;
    return reasons != NULL ? reasons->texts[recipient] : NULL;
}

unsigned queue_entry_slot(const struct queue_entry *entry)
{
    return entry->slot->number;
}

struct spool *queue_entry_spool(const struct queue_entry *entry)
{
    return &entry->slot->spool;
}

int queue_entry_read(const struct queue_entry *entry, struct disk_request *request)
{
    return read_now(entry->slot, request);
}
