#include "mta/route_filter.h"

#include "base/memory.h"

struct route_filter {
    struct route_filter *next;
    char *text;
    struct route_rule rule;
};

void route_filters_free(struct route_filters *filters)
{
    struct route_filter *filter;
    while ((filter = filters->newest) != NULL) {
        filters->newest = filter->next;
        memory_free(filter->text);
        memory_free(filter);
    }
    filters->count = 0;
}

static struct route_filter *find(const struct route_filters *filters, struct slice text)
{
    for (struct route_filter *filter = filters->newest; filter != NULL; filter = filter->next)
        if (slice_is(text, filter->text))
            return filter;
    return NULL;
}

static struct route_filter *add(struct route_filters *filters, const struct routes *routes,
                                struct slice text)
{
    struct route_filter *filter = memory_new(sizeof *filter);
    filter->text = memory_text(text);
    route_rule_make(routes, text, &filter->rule);
    filter->next = filters->newest;
    filters->newest = filter;
    filters->count++;
    return filter;
}

const char *route_filter_find(struct route_filters *filters, const struct routes *routes,
                              struct slice text, struct slice domain, struct route *out)
{
    struct route_filter *filter = find(filters, text);
    if (filter == NULL && filters->count == ROUTE_FILTERS_MAX)
        return "there are too many different filters";
    if (filter == NULL)
        filter = add(filters, routes, text);
    return route_by_rule(&filter->rule, domain, out);
}

const char *route_filter_trouble(const struct routes *routes, struct slice text)
{
    struct route_rule rule;
    route_rule_make(routes, text, &rule);
    return rule.trouble;
}
