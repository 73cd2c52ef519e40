/* A snapshot: one configuration, made ready to serve. It never changes; a reload makes another one.
 * Sessions, deliveries and bounces hold the snapshot that they began with, and may point into it
 * until they leave it. Whoever holds none uses the newest, core->snapshot, for the length of a
 * call.
 *
 * Auth servers outlive snapshots: one that the next snapshot names too keeps its connection. */
#ifndef TUVI_MTA_SNAPSHOT_H
#define TUVI_MTA_SNAPSHOT_H

#include "mta/route_filter.h"
#include "mta/service.h"

struct snapshot_source {
    const struct config *config;
    /* Nobody points into the configuration any more; NULL when nobody wants to know. */
    void (*ended)(void *owner);
    void *owner;
};

struct snapshot {
    struct snapshot_source source;
    const struct parameters *parameters; /* of main.cf, without any service's overrides */
    struct service *services; /* by their numbers in config_services(); those that listen are made;
                                 then the same under stress */
    size_t service_count;
    struct address_classes classes; /* the queue's, as its routes */
    struct routes routes;
    struct route_filters filters; /* that messages named so far */
    size_t holders;
    struct list_node node; /* in snapshots->all */
};

struct snapshots {
    struct core *core;
    struct list all; /* the newest last */
    struct list auth_servers;
};

void snapshots_init(struct snapshots *snapshots, struct core *core);
/* Ends all of them, whoever holds them. */
void snapshots_free(struct snapshots *snapshots);

/* Makes the newest one. The configuration must have passed snapshot_check(). */
void snapshots_add(struct snapshots *snapshots, const struct snapshot_source *source);
/* Ends those that nobody holds, except the newest. Not from within an event of a stream. */
void snapshots_sweep(struct snapshots *snapshots);

/* Adds all that is wrong with services and routes to the notes. */
void snapshot_check(const struct config *config, struct config_notes *notes);

struct snapshot *snapshot_hold(struct snapshot *snapshot);
void snapshot_leave(struct snapshot *snapshot);

#endif
