#include "proc/folders.h"

#include "base/err.h"

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

static struct err open_slots(const struct opening *opening, size_t slot_count)
{
    struct folders *folders = opening->folders;
    for (size_t i = 0; i < slot_count; i++) {
        char path[PATH_LEN_MAX + 64];
        snprintf(path, sizeof path, "%s/tuvi/slot-%zu", opening->queue_directory, i);
        TRY(make_folder(path, 0700, opening->owner));
        TRY(open_folder(path, &folders->slots[i]));
        folders->slot_count = i + 1;
    }
    return err_none();
}

static struct err open_all(const struct opening *opening, size_t slot_count)
{
    static const struct identity nobody = {.name = ""};
    char path[PATH_LEN_MAX + 64];
    if (strlen(opening->queue_directory) > PATH_LEN_MAX - 64)
        return err_make(ERR_OTHER, "the path is too long");
    /* The folder itself may be Postfix's too: it is made when it is missing, and otherwise left
     * alone. */
    TRY(make_folder(opening->queue_directory, 0755, &nobody));
    TRY(check_way(opening->queue_directory, opening->owner));
    snprintf(path, sizeof path, "%s/tuvi", opening->queue_directory);
    TRY(make_folder(path, 0711, &nobody));
    snprintf(opening->folders->pid_path, sizeof opening->folders->pid_path, "%s/tuvi/tuvid.pid",
             opening->queue_directory);
    TRY(lock_pid(opening->folders));
    return open_slots(opening, slot_count);
}

void folders_open(const struct parameters *parameters, const struct identity *owner,
                  size_t slot_count, struct folders *out, struct config_notes *notes)
{
    struct opening opening = {
        .owner = owner, .folders = out, .queue_directory = parameters->queue_directory};
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

void folders_close(struct folders *folders)
{
    for (size_t i = 0; i < folders->slot_count; i++)
        close(folders->slots[i]);
    (void)unlink(folders->pid_path);
}
