#include "mta/client_counts.h"

#include "base/check.h"

#include <string.h>

/* A row has one writer, so plain loads and stores are enough to count. What readers must not do is
 * take one client's counts for another's: a writer takes the key away before it changes an entry's
 * owner, and a reader looks at the key before and after. */

static uint64_t load32(const _Atomic uint32_t *count)
{
    return atomic_load_explicit(count, memory_order_acquire);
}

static void store32(_Atomic uint32_t *count, uint64_t value)
{
    atomic_store_explicit(count, (uint32_t)value, memory_order_release);
}

static uint64_t key_of(const struct client_entry *entry)
{
    return atomic_load_explicit(&entry->key, memory_order_acquire);
}

/* ---- what is believed ---- */

static uint64_t believed(const _Atomic uint32_t *count)
{
    uint64_t value = load32(count);
    return value <= CLIENT_COUNT_MAX ? value : 0;
}

/* The clocks of workers differ by the length of a turn, never by a unit of time. */
static bool is_current(const struct client_entry *entry, const struct client_time *time)
{
    int64_t start_ms = atomic_load_explicit(&entry->start_ms, memory_order_acquire);
    if (start_ms <= 0 || start_ms > time->now_ms)
        return start_ms > 0 && start_ms - time->now_ms < time->unit_ms;
    return time->now_ms - start_ms < time->unit_ms;
}

/* ---- places ---- */

static size_t place_of(uint64_t key, unsigned i)
{
    return (size_t)(key + i) & (CLIENT_ENTRIES - 1);
}

static const struct client_entry *find(const struct client_row *row, uint64_t key)
{
    for (unsigned i = 0; i < CLIENT_PLACES; i++) {
        const struct client_entry *entry = &row->entries[place_of(key, i)];
        if (key_of(entry) == key)
            return entry;
    }
    return NULL;
}

/* The one that is missed least; NULL where every one has a connection. */
static struct client_entry *find_room(struct client_row *row, uint64_t key,
                                      const struct client_time *time)
{
    struct client_entry *oldest = NULL;
    for (unsigned i = 0; i < CLIENT_PLACES; i++) {
        struct client_entry *entry = &row->entries[place_of(key, i)];
        if (key_of(entry) == 0)
            return entry;
        if (load32(&entry->connections) > 0)
            continue;
        if (!is_current(entry, time))
            return entry;
        if (oldest == NULL || atomic_load(&entry->start_ms) < atomic_load(&oldest->start_ms))
            oldest = entry;
    }
    return oldest;
}

static void begin_unit(struct client_entry *entry, const struct client_time *time)
{
    for (unsigned i = 0; i < CLIENT_EVENT_COUNT; i++)
        store32(&entry->events[i], 0);
    atomic_store_explicit(&entry->start_ms, time->now_ms > 0 ? time->now_ms : 1,
                          memory_order_release);
}

/* The entry of this worker for the client, its unit of time begun. */
static struct client_entry *own_entry(struct client_counts *counts, uint64_t key,
                                      const struct client_time *time)
{
    struct client_row *row = &counts->rows[counts->own];
    const struct client_entry *found = find(row, key);
    struct client_entry *entry =
        found != NULL ? &row->entries[found - row->entries] : find_room(row, key, time);
    if (entry == NULL)
        return NULL;
    if (found == NULL) {
        atomic_store(&entry->key, 0);
        store32(&entry->connections, 0);
    }
    if (found == NULL || !is_current(entry, time))
        begin_unit(entry, time);
    atomic_store(&entry->key, key);
    return entry;
}

static void count_up(_Atomic uint32_t *count)
{
    uint64_t value = believed(count);
    store32(count, value < CLIENT_COUNT_MAX ? value + 1 : value);
}

/* ---- sums ---- */

uint64_t client_counts_connections(const struct client_counts *counts, uint64_t key)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < counts->row_count; i++) {
        const struct client_entry *entry = find(&counts->rows[i], key);
        uint64_t count = entry != NULL ? believed(&entry->connections) : 0;
        sum += entry != NULL && key_of(entry) == key ? count : 0;
    }
    return sum;
}

uint64_t client_counts_events(const struct client_counts *counts, uint64_t key,
                              enum client_event event, const struct client_time *time)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < counts->row_count; i++) {
        const struct client_entry *entry = find(&counts->rows[i], key);
        if (entry == NULL)
            continue;
        uint64_t count = is_current(entry, time) ? believed(&entry->events[event]) : 0;
        sum += key_of(entry) == key ? count : 0;
    }
    return sum;
}

/* ---- from outside ---- */

static void keep_prefix(struct ip *ip, unsigned prefix_bits)
{
    for (unsigned i = 0; i < sizeof ip->bytes; i++) {
        unsigned kept = prefix_bits > 8 * i ? prefix_bits - 8 * i : 0;
        if (kept < 8)
            ip->bytes[i] &= (uint8_t)(0xff00U >> kept);
    }
}

uint64_t client_counts_key(const struct client_counts *counts, struct slice service,
                           const struct ip *client, unsigned prefix_bits)
{
    char text[256 + sizeof client->bytes + 1];
    struct writer w = writer_over(text, sizeof text);
    struct ip network = ip_unmapped(client);
    keep_prefix(&network, prefix_bits);
    writer_byte(&w, (char)network.family);
    writer_bytes(&w, slice_make((const char *)network.bytes, sizeof network.bytes));
    writer_bytes(&w, slice_first(service, 256));
    uint64_t key = siphash(&counts->key, writer_slice(&w));
    return key != 0 ? key : 1;
}

void client_counts_enter(struct client_counts *counts, uint64_t key, const struct client_time *time,
                         struct client_visit *visit)
{
    struct client_entry *entry = own_entry(counts, key, time);
    *visit = (struct client_visit){0};
    if (entry == NULL)
        return;
    count_up(&entry->connections);
    count_up(&entry->events[CLIENT_CONNECTS]);
    visit->key = key;
    visit->place = (uint32_t)(entry - counts->rows[counts->own].entries);
    visit->connections = client_counts_connections(counts, key);
    visit->connects = client_counts_events(counts, key, CLIENT_CONNECTS, time);
}

void client_counts_leave(struct client_counts *counts, struct client_visit *visit)
{
    if (visit->key == 0)
        return;
    CHECK(visit->place < CLIENT_ENTRIES);
    struct client_entry *entry = &counts->rows[counts->own].entries[visit->place];
    uint64_t connections = believed(&entry->connections);
    if (key_of(entry) == visit->key)
        store32(&entry->connections, connections > 0 ? connections - 1 : 0);
    *visit = (struct client_visit){0};
}

uint64_t client_counts_add(struct client_counts *counts, uint64_t key, enum client_event event,
                           const struct client_time *time)
{
    struct client_entry *entry = own_entry(counts, key, time);
    if (entry != NULL)
        count_up(&entry->events[event]);
    return client_counts_events(counts, key, event, time);
}

uint64_t client_row_connections(const struct client_row *row)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < CLIENT_ENTRIES; i++)
        sum += believed(&row->entries[i].connections);
    return sum;
}

void client_row_clear(struct client_row *row)
{
    memset(row, 0, sizeof *row);
}
