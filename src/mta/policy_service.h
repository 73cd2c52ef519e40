/* A policy server as check_policy_service names it: "unix:private/policy", "inet:127.0.0.1:10023",
 * or
 * "{ unix:private/policy, timeout = 10s, default_action = DUNNO }". It does not change while it is
 * asked. */
#ifndef TUVI_MTA_POLICY_SERVICE_H
#define TUVI_MTA_POLICY_SERVICE_H

#include "base/err.h"
#include "config/parameters.h"
#include "mta/findings.h"
#include "mta/world.h"

enum { POLICY_SERVICE_PATH_MAX = 512, POLICY_SERVICE_TEXT_MAX = 600 };

struct policy_service {
    char name[POLICY_SERVICE_PATH_MAX]; /* for the log: "private/policy", "127.0.0.1:10023" */
    char path[POLICY_SERVICE_PATH_MAX]; /* the endpoint's */
    struct endpoint endpoint;
    uint64_t identity; /* of its text: who writes the same asks the same */
    int64_t timeout_ms;
    int64_t max_idle_ms;
    int64_t max_ttl_ms;
    int64_t retry_delay_ms;
    int64_t request_limit; /* over one connection; 0: none */
    int64_t try_limit;
    char default_action[POLICY_SERVICE_TEXT_MAX]; /* what counts when it cannot be asked */
    char context[POLICY_SERVICE_TEXT_MAX];
};

MUST_CHECK struct err policy_service_read(struct slice text, const struct parameters *parameters,
                                          struct policy_service *out);

/* The stage is that of the list which wants to know. */
struct question policy_service_question(const struct policy_service *service, unsigned stage);

#endif
