/* Routes that actions named for a message, whatever its recipients are: FILTER of access(5). Each
 * is made when it is first needed, and stays as long as the snapshot, because routes point into it.
 */
#ifndef TUVI_MTA_ROUTE_FILTER_H
#define TUVI_MTA_ROUTE_FILTER_H

#include "mta/route.h"

enum { ROUTE_FILTERS_MAX = 1000 };

struct route_filter;

/* A zeroed one is empty. */
struct route_filters {
    struct route_filter *newest;
    size_t count;
};

void route_filters_free(struct route_filters *filters);

/* As route_find(): NULL, or why mail cannot be delivered so now. */
const char *route_filter_find(struct route_filters *filters, const struct routes *routes,
                              struct slice text, struct slice domain, struct route *out);

/* NULL, or why no mail can be delivered so. */
const char *route_filter_trouble(const struct routes *routes, struct slice text);

#endif
