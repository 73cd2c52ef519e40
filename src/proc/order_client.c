#include "proc/order_client.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PATIENCE_MS = 120 * 1000 }; /* a worker may just be starting, or have a long queue */

static struct err connect_desk(const char *queue_directory, unsigned slot, int *out)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int len = snprintf(address.sun_path, sizeof address.sun_path, "%s/tuvi/orders-%u",
                       queue_directory, slot);
    if (len >= (int)sizeof address.sun_path)
        return err_make(ERR_OTHER, "queue_directory: the path is too long");
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_errno(errno, "no socket can be made");
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        int error = errno;
        close(fd);
        if (error == ENOENT || error == ECONNREFUSED)
            return err_make(ORDER_NO_DAEMON, "no tuvid runs on queue_directory %s",
                            queue_directory);
        return err_errno(error, "%s", address.sun_path);
    }
    *out = fd;
    return err_none();
}

/* The line that comes back, up to its end or that of the connection. */
static size_t read_line(int fd, char *line, size_t size)
{
    size_t used = 0;
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    while (used < size - 1 && memchr(line, '\n', used) == NULL) {
        if (poll(&ready, 1, PATIENCE_MS) != 1)
            break;
        ssize_t len = read(fd, line + used, size - 1 - used);
        if (len < 0 && errno == EINTR)
            continue;
        if (len <= 0)
            break;
        used += (size_t)len;
    }
    line[used] = '\0';
    return used;
}

static struct err converse(int fd, const char *word, uint64_t id, struct order_outcome *out)
{
    char line[64];
    struct order_outcome outcome;
    int len = id != 0 ? snprintf(line, sizeof line, "%s %llx\n", word, (unsigned long long)id)
                      : snprintf(line, sizeof line, "%s ALL\n", word);
    if (send(fd, line, (size_t)len, MSG_NOSIGNAL) != len)
        return err_errno(errno, "the worker cannot be told");
    read_line(fd, line, sizeof line);
    if (sscanf(line, "done %zu %zu", &outcome.obeyed, &outcome.later) != 2)
        return err_make(ERR_OTHER, "the worker did not say whether it was done");
    out->obeyed += outcome.obeyed;
    out->later += outcome.later;
    return err_none();
}

struct err order_send(const char *queue_directory, unsigned slot, const char *word, uint64_t id,
                      struct order_outcome *out)
{
    int fd;
    TRY(connect_desk(queue_directory, slot, &fd));
    struct err err = converse(fd, word, id, out);
    close(fd);
    return err;
}

/* A slot whose queue was empty has no worker any more; somebody must be there. */
struct err order_send_all(const char *queue_directory, const char *word, struct order_outcome *out)
{
    char path[4096];
    const struct dirent *entry;
    struct err err = err_none();
    size_t answered = 0;
    unsigned slot;
    snprintf(path, sizeof path, "%s/tuvi", queue_directory);
    DIR *folder = opendir(path);
    if (folder == NULL && errno != ENOENT)
        return err_errno(errno, "%s", path);
    while (folder != NULL && !err_is(&err) && (entry = readdir(folder)) != NULL) {
        if (sscanf(entry->d_name, "orders-%u", &slot) != 1)
            continue;
        err = order_send(queue_directory, slot, word, 0, out);
        answered += !err_is(&err);
        if (err.code == ORDER_NO_DAEMON)
            err = err_none();
    }
    if (folder != NULL)
        closedir(folder);
    if (!err_is(&err) && answered == 0)
        return err_make(ORDER_NO_DAEMON, "no tuvid runs on queue_directory %s", queue_directory);
    return err;
}
