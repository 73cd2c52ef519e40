/* A service: one line of master.cf that takes mail, made ready to serve. It does not change while
 * sessions use it. */
#ifndef TUVI_MTA_SERVICE_H
#define TUVI_MTA_SERVICE_H

#include "config/config.h"
#include "config/network_list.h"
#include "mta/address_class.h"
#include "mta/auth.h"
#include "mta/client_limits.h"
#include "mta/expansion.h"
#include "mta/mailbox_list.h"
#include "mta/policy.h"
#include "mta/refusal.h"
#include "mta/route.h"
#include "mta/wire_rules.h"
#include "proto/smtp_server.h"

struct service {
    const struct parameters *parameters;
    const char *name;    /* for the log: "postfix/submission" */
    const char *title;   /* its first column in master.cf */
    size_t sessions_max; /* at once, in all workers; 0: any number */
    struct smtp_server_settings smtp;
    struct wire_rules wire;
    struct client_limits limits;
    struct refusal_rules refusals;
    struct policy policy;
    struct network_list mynetworks;
    struct address_classes classes;
    struct mailbox_lists mailboxes;
    struct alias_lists aliases;
    struct alias_lists applied; /* of these, those that recipients are looked up in here */
    struct routes routes;
    struct slice content_filter; /* "transport:nexthop"; empty: mail goes where it belongs */
    struct dovecot_auth_security security_plain; /* before TLS */
    struct dovecot_auth_security security_tls;
    struct auth_server *auth; /* NULL where nobody can log in */
};

/* Checks and compiles what the parameters, the service's own or those under stress, say. What is
 * wrong goes to the notes as errors, with file and line; then the service must not be used. */
void service_make(const struct config_service *config, const struct parameters *parameters,
                  const struct transports *transports, struct service *out,
                  struct config_notes *notes);
void service_free(struct service *service);

/* Whom a recipient stands for, as far as that is resolved here. */
void service_expand(const struct service *service, struct slice address, struct arena *arena,
                    struct expansion *out);
/* Why those whom a recipient stands for cannot all be delivered to: a phrase for the log. NULL when
 * they can, or when a content filter gets their mail first. */
const char *service_delivery_trouble(const struct service *service,
                                     const struct expansion *expansion);
/* The same where no content filter stands between. */
const char *service_route_trouble(const struct service *service, const struct expansion *expansion);

/* Where its passwords are checked: an absolute path or an address in *endpoint; the path is written
 * to `path`. */
enum { SERVICE_PATH_MAX = 512 };
#define SERVICE_AUTH_SOCKET                                               \
    "tuvi/auth" /* where our own auth role listens, below queue_directory \
                 */
MUST_CHECK struct err service_auth_endpoint(const struct parameters *parameters,
                                            struct endpoint *endpoint, char path[SERVICE_PATH_MAX]);

#endif
