#include "backend/maildir.h"

#include "base/memory.h"
#include "base/writer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FOLDER_MODE = 0700,
    FILE_MODE = 0600,
    BUFFER_BYTES = 64 << 10,
    COMPONENT_MAX = 255,
    US_PER_S = 1000000,
};

void maildir_name(char name[MAILDIR_NAME_MAX], int64_t arrival_us, uint64_t id, uint32_t recipient)
{
    snprintf(name, MAILDIR_NAME_MAX, "%lld.M%06lldQ%016llxR%u.tuvi",
             (long long)(arrival_us / US_PER_S), (long long)(arrival_us % US_PER_S),
             (unsigned long long)id, recipient);
}

/* ---- folders ---- */

static int open_folder(int at, const char *name)
{
    return openat(at, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static bool sync_folder(int folder)
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = fd >= 0 && fsync(fd) == 0;
    int error = errno;
    if (fd >= 0)
        close(fd);
    errno = error;
    return synced;
}

/* Opens a folder below another, and makes it first where there is none. -1 and errno. */
static int enter_folder(int at, const char *name)
{
    int folder = open_folder(at, name);
    if (folder >= 0 || errno != ENOENT)
        return folder;
    if (mkdirat(at, name, FOLDER_MODE) != 0 && errno != EEXIST)
        return -1;
    return sync_folder(at) ? open_folder(at, name) : -1;
}

static struct err open_path(const char *path, int *out)
{
    struct slice rest = slice_of(path), component;
    int at = open_folder(AT_FDCWD, "/");
    while (at >= 0 && slice_next_word(&rest, "/", &component)) {
        char name[COMPONENT_MAX + 1];
        struct writer w = writer_over(name, COMPONENT_MAX);
        writer_bytes(&w, component);
        name[w.len] = '\0';
        if (w.overflow || slice_is(component, "..")) {
            close(at);
            return err_make(ERR_OTHER, "%s: no path for a Maildir", path);
        }
        int below = enter_folder(at, name), error = errno;
        close(at);
        at = below;
        errno = error;
    }
    if (at < 0)
        return err_errno(errno, "cannot open or make the folder %s", path);
    *out = at;
    return err_none();
}

static struct err open_part(const struct maildir *maildir, int folder, const char *name, int *out)
{
    int part = enter_folder(folder, name);
    if (part < 0)
        return err_errno(errno, "cannot open or make the folder %s/%s", maildir->path, name);
    *out = part;
    return err_none();
}

static struct err open_parts(struct maildir *maildir, int folder)
{
    TRY(open_part(maildir, folder, "tmp", &maildir->tmp));
    TRY(open_part(maildir, folder, "new", &maildir->fresh));
    return open_part(maildir, folder, "cur", &maildir->cur);
}

struct err maildir_open(struct maildir *maildir, const char *path, const char *name)
{
    int folder;
    *maildir = (struct maildir){.path = path, .tmp = -1, .fresh = -1, .cur = -1, .file = -1};
    snprintf(maildir->name, sizeof maildir->name, "%s", name);
    /* Two processes may be at the same message, one for a worker that is no more. */
    snprintf(maildir->tmp_name, sizeof maildir->tmp_name, "%s.P%d", name, (int)getpid());
    TRY(open_path(path, &folder));
    struct err err = open_parts(maildir, folder);
    close(folder);
    maildir->buffer = memory_new(BUFFER_BYTES);
    return err;
}

static void close_if_open(int fd)
{
    if (fd >= 0)
        close(fd);
}

static void drop_file(struct maildir *maildir)
{
    if (maildir->file < 0)
        return;
    close(maildir->file);
    maildir->file = -1;
    (void)unlinkat(maildir->tmp, maildir->tmp_name, 0);
}

void maildir_close(struct maildir *maildir)
{
    drop_file(maildir);
    close_if_open(maildir->tmp);
    close_if_open(maildir->fresh);
    close_if_open(maildir->cur);
    memory_free(maildir->buffer);
}

/* ---- has it been here before? ---- */

/* "name" or "name:2,S": what its reader has seen keeps the name in front. */
static bool is_message(const char *entry, const char *name)
{
    size_t len = strlen(name);
    return strncmp(entry, name, len) == 0 && (entry[len] == '\0' || entry[len] == ':');
}

static struct err cannot_read(const struct maildir *maildir)
{
    return err_errno(errno, "cannot read the folder %s/cur", maildir->path);
}

static struct err look_through_cur(const struct maildir *maildir, bool *holds)
{
    int fd = openat(maildir->cur, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;
    if (folder == NULL) {
        struct err err = cannot_read(maildir);
        close_if_open(fd);
        return err;
    }
    errno = 0;
    while ((entry = readdir(folder)) != NULL && !is_message(entry->d_name, maildir->name))
        ;
    struct err err = entry == NULL && errno != 0 ? cannot_read(maildir) : err_none();
    *holds = entry != NULL;
    closedir(folder);
    return err;
}

struct err maildir_holds(const struct maildir *maildir, bool *holds)
{
    struct stat status;
    if (fstatat(maildir->fresh, maildir->name, &status, AT_SYMLINK_NOFOLLOW) == 0) {
        *holds = true;
        return err_none();
    }
    return look_through_cur(maildir, holds);
}

/* ---- writing ---- */

static int create_file(const struct maildir *maildir)
{
    return openat(maildir->tmp, maildir->tmp_name,
                  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
}

struct err maildir_create(struct maildir *maildir)
{
    maildir->file = create_file(maildir);
    if (maildir->file < 0 && errno == EEXIST) {
        /* Of a process that had our number and is no more. */
        (void)unlinkat(maildir->tmp, maildir->tmp_name, 0);
        maildir->file = create_file(maildir);
    }
    if (maildir->file < 0)
        return err_errno(errno, "cannot create %s/tmp/%s", maildir->path, maildir->tmp_name);
    return err_none();
}

static struct err flush(struct maildir *maildir)
{
    size_t written = 0;
    while (written < maildir->buffered) {
        ssize_t len = write(maildir->file, maildir->buffer + written, maildir->buffered - written);
        if (len < 0 && errno == EINTR)
            continue;
        if (len <= 0)
            return err_errno(len < 0 ? errno : EIO, "cannot write %s/tmp/%s", maildir->path,
                             maildir->tmp_name);
        written += (size_t)len;
    }
    maildir->buffered = 0;
    return err_none();
}

static struct err put(struct maildir *maildir, char byte)
{
    if (maildir->buffered == BUFFER_BYTES)
        TRY(flush(maildir));
    maildir->buffer[maildir->buffered++] = byte;
    return err_none();
}

struct err maildir_write(struct maildir *maildir, struct slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        char byte = bytes.at[i];
        if (maildir->pending_cr && byte != '\n')
            TRY(put(maildir, '\r'));
        maildir->pending_cr = byte == '\r';
        if (!maildir->pending_cr)
            TRY(put(maildir, byte));
    }
    return err_none();
}

static struct err sync_file(struct maildir *maildir)
{
    if (maildir->pending_cr)
        TRY(put(maildir, '\r'));
    maildir->pending_cr = false;
    TRY(flush(maildir));
    if (fsync(maildir->file) != 0)
        return err_errno(errno, "cannot sync %s/tmp/%s", maildir->path, maildir->tmp_name);
    return err_none();
}

struct err maildir_keep(struct maildir *maildir, bool *was_there)
{
    TRY(sync_file(maildir));
    bool linked = linkat(maildir->tmp, maildir->tmp_name, maildir->fresh, maildir->name, 0) == 0;
    if (!linked && errno != EEXIST)
        return err_errno(errno, "cannot link %s/new/%s", maildir->path, maildir->name);
    drop_file(maildir);
    if (!sync_folder(maildir->fresh))
        return err_errno(errno, "cannot sync the folder %s/new", maildir->path);
    *was_there = !linked;
    return err_none();
}
