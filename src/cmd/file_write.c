#include "cmd/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_LEN_MAX = 4096 };

static struct err write_all(int fd, struct slice text, const char *path)
{
    while (text.len > 0) {
        ssize_t written = write(fd, text.at, text.len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return err_errno(errno, "%s", path);
        text = slice_skip(text, (size_t)written);
    }
    if (fsync(fd) != 0)
        return err_errno(errno, "%s", path);
    return err_none();
}

/* As the old file is, where there is one. */
static void keep_owner_and_mode(int fd, const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return;
    (void)!fchown(fd, st.st_uid, st.st_gid);
    (void)fchmod(fd, st.st_mode & 07777);
}

static struct err sync_folder_of(const char *path)
{
    char copy[PATH_LEN_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        return err_errno(error, "the folder of %s", path);
    }
    close(fd);
    return err_none();
}

struct err file_write(const char *path, struct slice text, unsigned mode)
{
    char fresh[PATH_LEN_MAX];
    if (snprintf(fresh, sizeof fresh, "%s.new-%d", path, (int)getpid()) >= (int)sizeof fresh)
        return err_make(ERR_OTHER, "%s: the path is too long", path);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return err_errno(errno, "%s", path);
    keep_owner_and_mode(fd, path);
    struct err err = write_all(fd, text, path);
    close(fd);
    if (!err_is(&err) && rename(fresh, path) != 0)
        err = err_errno(errno, "%s", path);
    if (err_is(&err)) {
        (void)unlink(fresh);
        return err;
    }
    return sync_folder_of(path);
}
