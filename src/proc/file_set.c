#include "proc/file_set.h"

#include "base/check.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct err check_kind(int fd, const char *name, size_t *size)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return err_errno(errno, "%s", name);
    if (!S_ISREG(st.st_mode))
        return err_make(ERR_OTHER, "%s: not a regular file", name);
    if (st.st_size > FILE_TEXT_MAX)
        return err_make(ERR_OTHER, "%s: larger than %d MiB", name, FILE_TEXT_MAX >> 20);
    *size = (size_t)st.st_size;
    return err_none();
}

struct err file_read_fd(int fd, const char *name, struct slice *text)
{
    size_t size, got = 0;
    TRY(check_kind(fd, name, &size));
    char *bytes = memory_new(size + 1);
    while (got < size) {
        ssize_t len = pread(fd, bytes + got, size - got, (off_t)got);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0) {
            int error = errno;
            memory_free(bytes);
            return err_errno(error, "%s", name);
        }
        if (len == 0)
            break; /* it became shorter meanwhile */
        got += (size_t)len;
    }
    *text = slice_make(bytes, got);
    return err_none();
}

struct err file_read(const char *path, struct slice *text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_errno(errno, "%s", path);
    struct err err = file_read_fd(fd, path, text);
    close(fd);
    return err;
}

bool file_set_find(const struct file_set *set, const char *path, struct slice *text)
{
    for (size_t i = 0; i < set->count; i++) {
        if (strcmp(set->files[i].path, path) == 0) {
            *text = set->files[i].text;
            return true;
        }
    }
    return false;
}

void file_set_put(struct file_set *set, const char *path, struct slice text)
{
    CHECK(set->count < FILE_SET_MAX);
    set->files[set->count++] =
        (struct file_text){.path = memory_text(slice_of(path)), .text = text};
}

struct err file_set_add(struct file_set *set, const char *path)
{
    struct slice text;
    if (file_set_find(set, path, &text))
        return err_none();
    if (set->count == FILE_SET_MAX)
        return err_make(ERR_OTHER, "%s: more than %d files are named", path, FILE_SET_MAX);
    TRY(file_read(path, &text));
    file_set_put(set, path, text);
    return err_none();
}

static void wipe(struct slice text)
{
    char *bytes = (char *)(uintptr_t)text.at;
    explicit_bzero(bytes, text.len);
    memory_free(bytes);
}

void file_set_replace(struct file_set *set, const char *path, struct slice text)
{
    for (size_t i = 0; i < set->count; i++) {
        if (strcmp(set->files[i].path, path) != 0)
            continue;
        wipe(set->files[i].text);
        set->files[i].text = text;
        return;
    }
    file_set_put(set, path, text);
}

void file_set_mark(struct file_set *set, const char *path, enum file_use use)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->files[i].path, path) == 0)
            set->files[i].use = use;
}

void file_set_free(struct file_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        wipe(set->files[i].text);
        memory_free(set->files[i].path);
    }
    set->count = 0;
}
