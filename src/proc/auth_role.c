/* The auth role: checks passwords for the workers, over the Dovecot authentication protocol,
 * against the password file of "smtpd_sasl_type = file". Hashing is slow on purpose: it happens in
 * the thread pool, whose size bounds it, and recent successes are remembered under a key that
 * nobody else knows. */
#include "backend/password_file.h"
#include "backend/success_cache.h"
#include "base/check.h"
#include "base/map.h"
#include "base/memory.h"
#include "proc/role.h"
#include "proto/dovecot_auth_server.h"
#include "proto/sasl_server.h"
#include "shell/listener.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    AUTH_CACHE_COUNT = 10000,
    AUTH_CACHE_TTL_S = 3600,
    AUTH_REQUESTS_MAX = 10000, /* open ones of one client */
    AUTH_HASHES_MAX = 1000,    /* that wait for the pool; beyond, the answer is "later" */
    AUTH_OUTPUT_MAX = 256 << 10,
    AUTH_LINE_MAX = 16384,
};

/* A generation of the password file: checks under way keep theirs while a new one comes. */
struct passwords {
    struct password_file file;
    char realm[256];
    unsigned users; /* checks under way, and the role while it is the newest */
};

struct auth_role {
    struct world *world;
    char path[SETUP_PATH_MAX];
    char realm[256]; /* for the next generation */
    struct passwords *passwords;
    struct success_cache cache;
    uint32_t connections;
    unsigned hashes;
};

/* A worker's connection. */
struct auth_client {
    struct stream_user user;
    struct auth_role *role;
    struct stream *stream; /* NULL: it is gone, and the client ends with its last check */
    struct dovecot_auth_server machine;
    struct map requests; /* by id */
};

struct auth_check {
    struct map_node by_id;
    struct auth_client *client;
    struct sasl_server sasl;
    bool busy; /* in the pool, or answered from there */
    bool cancelled;
    struct world_work work;
    struct passwords *passwords;
    struct slice login, password; /* in sasl */
    struct password_verdict verdict;
    uint64_t cache_drops;
};

/* ---- the password file ---- */

static void drop_passwords(struct passwords *passwords)
{
    passwords->users--;
    if (passwords->users > 0)
        return;
    password_file_free(&passwords->file);
    memory_free(passwords);
}

static bool use_passwords(struct auth_role *role, struct slice text)
{
    struct passwords *fresh = memory_new(sizeof *fresh);
    struct err err = password_file_parse(&fresh->file, (struct password_text){role->path, text});
    if (err_is(&err)) {
        role_log(role->world, SEVERITY_ERROR, "auth", "%s; the passwords stay as they were",
                 err.text);
        memory_free(fresh);
        return false;
    }
    fresh->users = 1;
    memcpy(fresh->realm, role->realm, sizeof fresh->realm);
    if (role->passwords != NULL)
        drop_passwords(role->passwords);
    role->passwords = fresh;
    success_cache_drop(&role->cache);
    return true;
}

/* ---- answers ---- */

static void free_client_if_done(struct auth_client *client)
{
    if (client->stream != NULL || client->requests.count > 0)
        return;
    map_free(&client->requests);
    memory_free(client);
}

static void end_check(struct auth_check *check)
{
    struct auth_client *client = check->client;
    map_remove(&client->requests, &check->by_id);
    sasl_server_wipe(&check->sasl);
    memory_free(check);
    free_client_if_done(client);
}

static void reply(const struct auth_check *check, struct dovecot_auth_reply *answer)
{
    char line[AUTH_LINE_MAX / 2];
    struct writer w = writer_over(line, sizeof line);
    answer->id = (uint32_t)check->by_id.key;
    if (check->client->stream == NULL || check->cancelled)
        return;
    if (dovecot_auth_server_reply(&w, answer))
        world_send(check->client->stream, writer_slice(&w));
}

static void reply_ok(const struct auth_check *check, struct slice user)
{
    struct dovecot_auth_reply answer = {.outcome = DOVECOT_AUTH_OK, .user = user};
    reply(check, &answer);
}

static void reply_fail(const struct auth_check *check, struct slice user, const char *reason,
                       bool temporary)
{
    struct dovecot_auth_reply answer = {.outcome = DOVECOT_AUTH_FAIL,
                                        .user = user,
                                        .reason = slice_of(reason),
                                        .temporary = temporary};
    reply(check, &answer);
}

/* ---- checking ---- */

static int64_t now_s(const struct auth_role *role)
{
    return world_now(role->world).monotonic_ms / 1000;
}

static void run_check(struct world_work *work)
{
    struct auth_check *check = CONTAINER_OF(work, struct auth_check, work);
    check->verdict = password_file_check(&check->passwords->file, check->login,
                                         slice_of(check->passwords->realm), check->password);
}

static void conclude(struct auth_check *check)
{
    struct auth_role *role = check->client->role;
    const struct password_verdict *verdict = &check->verdict;
    switch (verdict->result) {
    case PASSWORD_OK:
        success_cache_add(&role->cache, verdict->user, check->password, check->cache_drops,
                          now_s(role));
        reply_ok(check, verdict->user);
        return;
    case PASSWORD_WRONG:
        reply_fail(check, check->login, "", false);
        return;
    case PASSWORD_TROUBLE:
        break;
    }
    role_log(role->world, SEVERITY_ERROR, "auth", "%s", verdict->trouble.text);
    reply_fail(check, check->login, "Authentication backend error", true);
}

static void on_checked(struct world_work *work)
{
    struct auth_check *check = CONTAINER_OF(work, struct auth_check, work);
    check->client->role->hashes--;
    conclude(check);
    drop_passwords(check->passwords);
    end_check(check);
}

static void check_credentials(struct auth_check *check, struct slice login, struct slice password)
{
    struct auth_role *role = check->client->role;
    struct slice known =
        password_file_find(&role->passwords->file, login, slice_of(role->passwords->realm));
    if (known.len > 0 && success_cache_holds(&role->cache, known, password, now_s(role))) {
        reply_ok(check, known);
        end_check(check);
        return;
    }
    if (role->hashes == AUTH_HASHES_MAX) {
        reply_fail(check, login, "Too many logins at once", true);
        end_check(check);
        return;
    }
    role->hashes++;
    check->busy = true;
    check->login = login;
    check->password = password;
    check->passwords = role->passwords;
    check->passwords->users++;
    check->cache_drops = role->cache.drops;
    check->work = (struct world_work){.run = run_check, .done = on_checked};
    world_work_start(role->world, &check->work);
}

static void take_sasl_step(struct auth_check *check, const struct sasl_step *step)
{
    struct dovecot_auth_reply challenge = {.outcome = DOVECOT_AUTH_CONTINUE, .data = step->text};
    switch (step->kind) {
    case SASL_CHALLENGE:
        reply(check, &challenge);
        return;
    case SASL_CREDENTIALS:
        check_credentials(check, step->user, step->password);
        return;
    case SASL_FAILED:
        break;
    }
    char reason[256];
    snprintf(reason, sizeof reason, "%.*s", SLICE_PRINTF(step->text));
    reply_fail(check, slice_of(""), reason, false);
    end_check(check);
}

/* ---- requests ---- */

static struct auth_check *find_check(const struct auth_client *client, uint32_t id)
{
    struct map_node *node = map_find(&client->requests, id);
    return node != NULL ? CONTAINER_OF(node, struct auth_check, by_id) : NULL;
}

/* False: the client broke the protocol. */
static bool begin_request(struct auth_client *client, const struct dovecot_auth_request *request)
{
    enum sasl_mechanism mechanism;
    if (find_check(client, request->id) != NULL || client->requests.count == AUTH_REQUESTS_MAX ||
        !sasl_mechanism_find(request->mechanism, &mechanism))
        return false;
    struct auth_check *check = memory_new(sizeof *check);
    check->client = client;
    map_add(&client->requests, &check->by_id, request->id);
    struct sasl_step step = request->has_response
                                ? sasl_server_start_with(&check->sasl, mechanism, request->response)
                                : sasl_server_start(&check->sasl, mechanism);
    take_sasl_step(check, &step);
    return true;
}

static bool continue_request(struct auth_client *client, uint32_t id, struct slice response)
{
    struct auth_check *check = find_check(client, id);
    if (check == NULL) {
        /* It was over before the client knew. */
        struct auth_check gone = {.by_id = {.key = id}, .client = client};
        reply_fail(&gone, slice_of(""), "", false);
        return true;
    }
    if (check->busy)
        return false;
    struct sasl_step step = sasl_server_next(&check->sasl, response);
    take_sasl_step(check, &step);
    return true;
}

static void cancel_request(struct auth_client *client, uint32_t id)
{
    struct auth_check *check = find_check(client, id);
    if (check == NULL)
        return;
    check->cancelled = true;
    if (!check->busy)
        end_check(check);
}

/* Its stream is closed. Checks in the pool end by themselves; the others will hear no more. */
static void retire(struct auth_client *client)
{
    struct map_node *node = map_next(&client->requests, NULL);
    while (node != NULL) {
        struct auth_check *check = CONTAINER_OF(node, struct auth_check, by_id);
        node = check->busy ? map_next(&client->requests, node) : NULL;
        if (!check->busy) {
            end_check(check);
            node = map_next(&client->requests, NULL);
        }
    }
    client->stream = NULL;
    free_client_if_done(client);
}

/* ---- the stream's events ---- */

static struct auth_client *client_of(struct stream_user *user)
{
    return CONTAINER_OF(user, struct auth_client, user);
}

enum progress { GO_ON, WAIT, BROKEN };

static enum progress take_step(struct auth_client *client, struct slice *input)
{
    struct dovecot_auth_server_step step = dovecot_auth_server_next(&client->machine, input);
    bool good = true;
    switch (step.kind) {
    case DOVECOT_AUTH_SERVER_NEED_INPUT:
        return WAIT;
    case DOVECOT_AUTH_SERVER_SAY:
        world_send(client->stream, step.bytes);
        break;
    case DOVECOT_AUTH_SERVER_REQUEST:
        good = begin_request(client, &step.request);
        break;
    case DOVECOT_AUTH_SERVER_CONTINUE:
        good = continue_request(client, step.id, step.response);
        break;
    case DOVECOT_AUTH_SERVER_CANCEL:
        cancel_request(client, step.id);
        break;
    case DOVECOT_AUTH_SERVER_BROKEN:
        good = false;
        break;
    }
    if (!good)
        role_log(client->role->world, SEVERITY_WARNING, "auth", "a client broke the protocol: %.*s",
                 SLICE_PRINTF(step.trouble));
    return good ? GO_ON : BROKEN;
}

static void on_input(struct stream_user *user)
{
    struct auth_client *client = client_of(user);
    enum progress progress = GO_ON;
    while (progress == GO_ON && world_unsent(client->stream) < AUTH_OUTPUT_MAX) {
        struct slice input = world_input(client->stream);
        size_t before = input.len;
        progress = take_step(client, &input);
        world_consume(client->stream, before - input.len);
    }
    if (progress == BROKEN || (progress == WAIT && world_input_ended(client->stream))) {
        world_close(client->stream);
        retire(client);
    }
}

static void on_connected(struct stream_user *user)
{
    on_input(user);
}

static void on_tls_started(struct stream_user *user, const struct tls_facts *facts)
{
    (void)user, (void)facts;
}

static void on_closed(struct stream_user *user, const char *reason)
{
    (void)reason;
    retire(client_of(user));
}

static const struct stream_events events = {on_connected, on_input, on_input, on_tls_started,
                                            on_closed};

static struct stream_user *on_accept(struct world *world, struct stream *stream, void *owner)
{
    struct auth_role *role = owner;
    unsigned char cookie[DOVECOT_AUTH_COOKIE_LEN];
    struct auth_client *client = memory_new(sizeof *client);
    client->user.events = &events;
    client->role = role;
    client->stream = stream;
    world_random(world, cookie, sizeof cookie);
    dovecot_auth_server_init(&client->machine, (uint32_t)getpid(), ++role->connections, cookie);
    return &client->user;
}

/* ---- the supervisor ---- */

static void read_passwords(struct auth_role *role, struct world *world, int file)
{
    struct slice text;
    struct err err = file_read_fd(file, role->path, &text);
    close(file);
    if (err_is(&err)) {
        role_log(world, SEVERITY_ERROR, "auth", "%s", err.text);
        return;
    }
    if (use_passwords(role, text))
        role_log(world, SEVERITY_INFO, "auth", "%s: read anew, %zu users", role->path,
                 role->passwords->file.count);
    secret_wipe((char *)(uintptr_t)text.at, text.len);
    memory_free((char *)(uintptr_t)text.at);
}

static const struct parameters *file_parameters(const struct handoff *handoff)
{
    size_t count;
    const struct config_service *services = config_services(handoff->setup.config, &count);
    CHECK(handoff->listener_count == 1 && handoff->listeners[0].service < count);
    return services[handoff->listeners[0].service].parameters;
}

/* The path and the realm are those of the handoff; its files are wiped. */
static bool use_handoff(struct auth_role *role, struct handoff *handoff)
{
    const struct parameters *parameters = file_parameters(handoff);
    struct slice text;
    snprintf(role->path, sizeof role->path, "%s", parameters->smtpd_sasl_path);
    snprintf(role->realm, sizeof role->realm, "%s", parameters->smtpd_sasl_local_domain);
    bool good =
        file_set_find(&handoff->setup.files, role->path, &text) && use_passwords(role, text);
    file_set_free(&handoff->setup.files);
    return good;
}

/* The next setup. Only its configuration replaces that of the first: the rest stays as it began. */
static void reload(struct auth_role *role, struct world *world, int memory)
{
    struct handoff *first = world->handoff, *next = memory_new(sizeof *next);
    struct err err = role_take_handoff(memory, next);
    if (err_is(&err)) {
        role_log(world, SEVERITY_ERROR, "auth", "%s", err.text);
    } else if (use_handoff(role, next)) {
        struct config *old = first->setup.config;
        first->setup.config = next->setup.config;
        next->setup.config = old;
    }
    setup_free(&next->setup);
    memory_free(next);
}

/* The end of the socket is our end. */
static bool on_control(struct world *world, int control)
{
    enum handoff_word word;
    int fd;
    if (!handoff_receive(control, &word, &fd)) {
        world_quit(world);
        return false;
    }
    if (fd >= 0 && word == HANDOFF_PASSWORDS) {
        read_passwords(world->owner, world, fd);
    } else if (fd >= 0 && word == HANDOFF_SETUP) {
        reload(world->owner, world, fd);
        role_taken();
    }
    return true;
}

static void on_stop(struct world *world)
{
    world_quit(world);
}

/* ---- the beginning ---- */

int auth_role_run(struct world *world, struct handoff *handoff)
{
    struct auth_role *role = memory_new(sizeof *role);
    unsigned char key[SUCCESS_CACHE_KEY_LEN];
    struct listener_settings settings = {
        .fd = HANDOFF_FD_LISTENERS, .is_unix = true, .accept = on_accept, .owner = role};
    role->world = world;
    world->owner = role;
    world_random(world, key, sizeof key);
    role->cache = success_cache_make(key, AUTH_CACHE_COUNT, AUTH_CACHE_TTL_S);
    secret_wipe(key, sizeof key);
    struct err err = listener_add(world, &settings);
    if (err_is(&err) || !use_handoff(role, handoff)) {
        fprintf(stderr, "tuvid: auth: %s\n",
                err_is(&err) ? err.text : "the password file cannot be used");
        return EX_OSERR;
    }
    signal(SIGINT, SIG_IGN);
    world_watch_signal(world, SIGTERM, on_stop);
    world_watch_fd(world, HANDOFF_FD_CONTROL, on_control);
    world_accept(world, true);
    role_ready(handoff);
    world_run(world);
    return 0;
}
