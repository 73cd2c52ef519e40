#include "proc/sockets.h"

#include "shell/stream.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- inet ---- */

struct binding {
    struct sockets *sockets;
    const struct config_service *service;
    uint32_t number;
    struct config_notes *notes;
    bool any_family; /* the address family was not asked for by name: may be missing */
};

static void name_address(const struct addrinfo *address, char *out, size_t size)
{
    char text[IP_TEXT_MAX + 16];
    struct writer w = writer_over(text, sizeof text - 1);
    struct ip ip;
    uint16_t port;
    if (ip_from_sockaddr(address->ai_addr, &ip, &port)) {
        writer_text(&w, ip.family == IP_V6 ? "[" : "");
        ip_format(&w, &ip);
        writer_text(&w, ip.family == IP_V6 ? "]" : "");
        writer_printf(&w, ":%u", port);
    }
    snprintf(out, size, "%.*s", (int)w.len, text);
}

static const char *advice(int error)
{
    if (error == EADDRINUSE)
        return ": another server listens there; \"ss -ltnp\" shows which";
    if (error == EACCES)
        return ": ports below 1024 are root's";
    if (error == EADDRNOTAVAIL)
        return ": this machine does not have that address";
    return "";
}

static int open_socket(const struct addrinfo *address)
{
    int on = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        (address->ai_family == AF_INET6 &&
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) ||
        bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, 511) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static void bind_address(struct binding *binding, const struct addrinfo *address)
{
    struct sockets *sockets = binding->sockets;
    char name[128];
    name_address(address, name, sizeof name);
    if (sockets->count == HANDOFF_LISTENERS_MAX) {
        config_note(binding->notes, CONFIG_ERROR, &binding->service->origin,
                    "more than %d addresses to listen on", HANDOFF_LISTENERS_MAX);
        return;
    }
    int fd = open_socket(address);
    if (fd >= 0) {
        sockets->list[sockets->count++] = (struct bound_socket){fd, binding->number};
        return;
    }
    bool no_family = errno == EAFNOSUPPORT || (errno == EADDRNOTAVAIL && binding->any_family);
    if (binding->any_family && no_family && address->ai_family == AF_INET6)
        return; /* a machine without IPv6 serves IPv4 */
    config_note(binding->notes, CONFIG_ERROR, &binding->service->origin, "%s: %s%s", name,
                strerror(errno), advice(errno));
}

/* "all" and "loopback-only" as addresses; else the name or address itself. NULL: every interface.
 */
static void bind_host(struct binding *binding, const char *host, int family)
{
    const struct addrinfo hints = {
        .ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found;
    char port[8];
    snprintf(port, sizeof port, "%u", binding->service->port);
    int status = getaddrinfo(host, port, &hints, &found);
    if (status != 0) {
        config_note(binding->notes, CONFIG_ERROR, &binding->service->origin,
                    "%s: no such address to listen on: %s", host != NULL ? host : "*",
                    gai_strerror(status));
        return;
    }
    binding->any_family = host == NULL || strcmp(host, "localhost") == 0;
    for (const struct addrinfo *one = found; one != NULL; one = one->ai_next)
        bind_address(binding, one);
    freeaddrinfo(found);
}

static int family_of(const char *inet_protocols)
{
    bool v4 = strstr(inet_protocols, "ipv4") != NULL, v6 = strstr(inet_protocols, "ipv6") != NULL;
    bool all = strstr(inet_protocols, "all") != NULL;
    if (all || v4 == v6)
        return AF_UNSPEC;
    return v4 ? AF_INET : AF_INET6;
}

static void bind_interfaces(struct binding *binding, const char *interfaces, int family)
{
    struct slice rest = slice_of(interfaces), word;
    char host[256];
    while (slice_next_word(&rest, ", \t", &word)) {
        if (slice_is(word, "all")) {
            bind_host(binding, NULL, family);
        } else if (slice_is(word, "loopback-only")) {
            bind_host(binding, "localhost", family);
        } else {
            snprintf(host, sizeof host, "%.*s", SLICE_PRINTF(word));
            bind_host(binding, host, family);
        }
    }
}

static void bind_service(struct sockets *sockets, const struct config_service *service,
                         uint32_t number, struct config_notes *notes)
{
    struct binding binding = {
        .sockets = sockets, .service = service, .number = number, .notes = notes};
    int family = family_of(service->parameters->inet_protocols);
    if (service->host != NULL)
        bind_host(&binding, service->host, family);
    else
        bind_interfaces(&binding, service->parameters->inet_interfaces, family);
}

void sockets_bind(const struct config *config, struct sockets *out, struct config_notes *notes)
{
    size_t count;
    const struct config_service *services = config_services(config, &count);
    out->count = 0;
    for (uint32_t i = 0; i < count; i++)
        if (services[i].role == SERVICE_LISTENS)
            bind_service(out, &services[i], i, notes);
}

/* ---- reload ---- */

static bool have_one_address(const struct config_service *a, const struct config_service *b)
{
    return a->port == b->port &&
           strcmp(a->host != NULL ? a->host : "", b->host != NULL ? b->host : "") == 0;
}

/* The service of that name, or else the one that listens where it did. */
static uint32_t find_successor(const struct config *config, const struct config_service *of)
{
    size_t count;
    const struct config_service *services = config_services(config, &count);
    for (uint32_t i = 0; i < count; i++)
        if (services[i].role == SERVICE_LISTENS && strcmp(services[i].name, of->name) == 0)
            return i;
    for (uint32_t i = 0; i < count; i++)
        if (services[i].role == SERVICE_LISTENS && have_one_address(&services[i], of))
            return i;
    return HANDOFF_NO_SERVICE;
}

static bool is_new(const struct config *running, const struct config *wanted, uint32_t number)
{
    size_t count;
    const struct config_service *services = config_services(running, &count);
    for (size_t i = 0; i < count; i++)
        if (services[i].role == SERVICE_LISTENS && find_successor(wanted, &services[i]) == number)
            return false;
    return true;
}

void sockets_bind_new(struct sockets *sockets, const struct config *running,
                      const struct config *wanted, struct config_notes *notes)
{
    size_t count;
    const struct config_service *services = config_services(wanted, &count);
    for (uint32_t i = 0; i < count; i++)
        if (services[i].role == SERVICE_LISTENS && is_new(running, wanted, i))
            bind_service(sockets, &services[i], i, notes);
}

static void renumber(struct bound_socket *one, const struct config *running,
                     const struct config *wanted, struct config_notes *notes)
{
    size_t count;
    const struct config_service *services = config_services(running, &count);
    if (one->service == HANDOFF_NO_SERVICE)
        return;
    const struct config_service *service = &services[one->service];
    one->service = find_successor(wanted, service);
    if (one->service != HANDOFF_NO_SERVICE)
        return;
    config_note(notes, CONFIG_WARNING, &service->origin,
                "service %s is no more: nothing listens there now", service->name);
    close(one->fd);
    one->fd = -1;
}

void sockets_renumber(struct sockets *sockets, size_t count, const struct config *running,
                      const struct config *wanted, struct config_notes *notes)
{
    for (size_t i = 0; i < count; i++)
        renumber(&sockets->list[i], running, wanted, notes);
}

void sockets_close_from(struct sockets *sockets, size_t count)
{
    while (sockets->count > count)
        if (sockets->list[--sockets->count].fd >= 0)
            close(sockets->list[sockets->count].fd);
}

struct err socket_bind_inet(const char *host, uint16_t port, int *out)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found;
    char text[8];
    snprintf(text, sizeof text, "%u", port);
    int status = getaddrinfo(host, text, &hints, &found);
    if (status != 0)
        return err_make(ERR_OTHER, "%s: %s", host, gai_strerror(status));
    int fd = open_socket(found), error = errno;
    freeaddrinfo(found);
    if (fd < 0)
        return err_make(error, "%s:%u: %s%s", host, port, strerror(error), advice(error));
    *out = fd;
    return err_none();
}

/* ---- unix ---- */

struct err socket_bind_unix(const char *path, unsigned owner_uid, unsigned owner_gid, int *out)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return err_make(ERR_OTHER,
                        "%s: longer than the %zu bytes that a socket's path may have: choose a "
                        "shorter queue_directory",
                        path, sizeof address.sun_path - 1);
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_errno(errno, "%s", path);
    (void)unlink(path); /* left over from a run that was killed */
    mode_t old_mask = umask(0177);
    int bound = bind(fd, (const struct sockaddr *)&address, sizeof address);
    int error = errno;
    umask(old_mask);
    if (bound != 0 || listen(fd, 511) != 0 ||
        (geteuid() == 0 && chown(path, owner_uid, owner_gid) != 0)) {
        error = bound != 0 ? error : errno;
        close(fd);
        return err_errno(error, "%s", path);
    }
    *out = fd;
    return err_none();
}
