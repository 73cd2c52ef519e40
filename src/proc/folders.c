#include "proc/folders.h"

#include "base/err.h"
#include "proc/sockets.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_LEN_MAX = 1024 };

struct opening {
    const struct identity *owner;
    struct folders *folders;
    const char *queue_directory;
    const struct parameters *parameters;
    struct config_notes *notes;
};

/* Makes the folder when it is missing, and gives it to its owner. */
static struct err make_folder(const char *path, mode_t mode, const struct identity *owner)
{
    if (mkdir(path, mode) != 0 && errno != EEXIST)
        return err_errno(errno, "%s cannot be made", path);
    if (owner->name[0] != '\0' && chown(path, owner->uid, owner->gid) != 0)
        return err_errno(errno, "%s cannot be given to user %s", path, owner->name);
    return err_none();
}

static struct err open_folder(const char *path, int *fd)
{
    *fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (*fd < 0)
        return err_errno(errno, "%s", path);
    if (faccessat(*fd, ".", W_OK, AT_EACCESS) != 0) {
        int error = errno;
        close(*fd);
        return err_errno(error, "%s: nothing can be written there", path);
    }
    return err_none();
}

/* Every folder on the way must let the owner of the mail through, or his processes cannot reach the
 * auth socket and Dovecot's. */
static struct err check_way(const char *path, const struct identity *owner)
{
    char prefix[PATH_LEN_MAX];
    struct stat st;
    for (const char *slash = strchr(path + 1, '/'); owner->name[0] != '\0' && slash != NULL;
         slash = strchr(slash + 1, '/')) {
        snprintf(prefix, sizeof prefix, "%.*s", (int)(slash - path), path);
        if (stat(prefix, &st) != 0)
            return err_errno(errno, "%s", prefix);
        mode_t bit = st.st_uid == owner->uid   ? S_IXUSR
                     : st.st_gid == owner->gid ? S_IXGRP
                                               : S_IXOTH;
        if ((st.st_mode & bit) == 0)
            return err_make(EACCES, "%s: user %s cannot pass through: \"chmod o+x %s\"", prefix,
                            owner->name, prefix);
    }
    return err_none();
}

static struct err lock_pid(struct folders *folders)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(folders->pid_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return err_errno(errno, "%s", folders->pid_path);
    if (fcntl(fd, F_OFD_SETLK, &whole) != 0) {
        close(fd);
        return err_make(EAGAIN, "%s: another tuvid runs on this queue_directory",
                        folders->pid_path);
    }
    folders->pid_fd = fd; /* it stays open: it holds the lock */
    return err_none();
}

/* The socket is not beside what the owner of the mail may replace. Without it the queue is served
 * all the same. */
static void bind_orders(const struct opening *opening, struct slot_folder *slot)
{
    char path[sizeof opening->folders->path + 32];
    snprintf(path, sizeof path, "%s/orders-%u", opening->folders->path, slot->number);
    struct err err = socket_bind_unix(path, geteuid(), getegid(), &slot->orders);
    if (err_is(&err))
        config_note(opening->notes, CONFIG_WARNING,
                    parameter_origin(opening->parameters, PARAMETER_queue_directory),
                    "\"tuvi queue\" can change nothing in slot %u: %s", slot->number, err.text);
}

static struct err open_slot(const struct opening *opening, uint32_t number)
{
    struct folders *folders = opening->folders;
    struct slot_folder slot = {.number = number, .orders = -1};
    char path[sizeof opening->folders->path + 32];
    snprintf(path, sizeof path, "%s/slot-%u", folders->path, number);
    TRY(make_folder(path, 0700, opening->owner));
    TRY(open_folder(path, &slot.fd));
    bind_orders(opening, &slot);
    folders->slots[folders->slot_count++] = slot;
    return err_none();
}

/* Slots that were left behind when there were more workers. */
static struct err open_orphans(const struct opening *opening, DIR *folder)
{
    const size_t worker_count = opening->folders->slot_count;
    const struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        uint64_t number;
        if (strncmp(entry->d_name, "slot-", 5) != 0 ||
            !slice_to_number(slice_of(entry->d_name + 5), UINT16_MAX, &number) ||
            number < worker_count || opening->folders->slot_count == FOLDERS_SLOTS_MAX)
            continue;
        TRY(open_slot(opening, (uint32_t)number));
        opening->folders->orphan_count++;
    }
    return err_none();
}

static struct err open_slots(const struct opening *opening, size_t worker_count)
{
    for (uint32_t i = 0; i < worker_count; i++)
        TRY(open_slot(opening, i));
    DIR *folder = opendir(opening->folders->path);
    if (folder == NULL)
        return err_errno(errno, "%s", opening->folders->path);
    struct err err = open_orphans(opening, folder);
    closedir(folder);
    return err;
}

static struct err open_all(const struct opening *opening, size_t slot_count)
{
    static const struct identity nobody = {.name = ""};
    if (strlen(opening->queue_directory) > PATH_LEN_MAX - 64)
        return err_make(ERR_OTHER, "the path is too long");
    /* The folder itself may be Postfix's too: it is made when it is missing, and otherwise left
     * alone. */
    TRY(make_folder(opening->queue_directory, 0755, &nobody));
    TRY(check_way(opening->queue_directory, opening->owner));
    snprintf(opening->folders->path, sizeof opening->folders->path, "%s/tuvi",
             opening->queue_directory);
    TRY(make_folder(opening->folders->path, 0711, &nobody));
    snprintf(opening->folders->pid_path, sizeof opening->folders->pid_path, "%s/tuvi/tuvid.pid",
             opening->queue_directory);
    TRY(lock_pid(opening->folders));
    return open_slots(opening, slot_count);
}

void folders_open(const struct parameters *parameters, const struct identity *owner,
                  size_t slot_count, struct folders *out, struct config_notes *notes)
{
    struct opening opening = {.owner = owner,
                              .folders = out,
                              .queue_directory = parameters->queue_directory,
                              .parameters = parameters,
                              .notes = notes};
    *out = (struct folders){.slot_count = 0};
    struct err err = open_all(&opening, slot_count);
    if (err_is(&err))
        config_note(notes, CONFIG_ERROR, parameter_origin(parameters, PARAMETER_queue_directory),
                    "queue_directory: %s", err.text);
}

struct err folders_write_pid(const struct folders *folders)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%d\n", (int)getpid());
    if (ftruncate(folders->pid_fd, 0) != 0 || pwrite(folders->pid_fd, text, (size_t)len, 0) != len)
        return err_errno(errno, "%s", folders->pid_path);
    return err_none();
}

void folders_end_orders(struct folders *folders, size_t slot)
{
    char path[sizeof folders->path + 32];
    if (folders->slots[slot].orders < 0)
        return;
    close(folders->slots[slot].orders);
    folders->slots[slot].orders = -1;
    snprintf(path, sizeof path, "%s/orders-%u", folders->path, folders->slots[slot].number);
    (void)unlink(path);
}

void folders_close(struct folders *folders)
{
    for (size_t i = 0; i < folders->slot_count; i++) {
        close(folders->slots[i].fd);
        folders_end_orders(folders, i);
    }
    (void)unlink(folders->pid_path);
}
