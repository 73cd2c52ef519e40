#include "proc/file_watch.h"

#include "base/memory.h"
#include "config/files.h"
#include "proc/user_table.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

/* The system's users are a table without a file of its own. */
static bool is_users(const char *path)
{
    return strcmp(path, CONFIG_FILE_USERS) == 0;
}

static void watch_folder_of(int fd, const char *path)
{
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    inotify_add_watch(fd, dirname(copy), IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE);
}

void file_watch_open(struct file_watch *watch, const struct file_set *files, int64_t now_ms)
{
    char real[PATH_MAX];
    if (watch->fd >= 0)
        close(watch->fd);
    watch->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    watch->due_ms = now_ms + FILE_WATCH_CALM_MS;
    for (size_t i = 0; watch->fd >= 0 && i < files->count; i++) {
        const char *path = is_users(files->files[i].path) ? "/etc/passwd" : files->files[i].path;
        watch_folder_of(watch->fd, path);
        if (realpath(path, real) != NULL)
            watch_folder_of(watch->fd, real);
    }
}

void file_watch_take(struct file_watch *watch, int64_t now_ms)
{
    char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    while (read(watch->fd, events, sizeof events) > 0)
        if (watch->due_ms == 0)
            watch->due_ms = now_ms + FILE_WATCH_CALM_MS;
}

static struct err read_anew(const char *path, struct slice *text)
{
    if (!is_users(path))
        return file_read(path, text);
    *text = user_table_text();
    return err_none();
}

static bool has_changed(const struct file_text *known)
{
    struct slice text;
    struct err err = read_anew(known->path, &text);
    if (err_is(&err))
        return true;
    bool same = slice_equal(text, known->text);
    explicit_bzero((char *)(uintptr_t)text.at, text.len);
    memory_free((char *)(uintptr_t)text.at);
    return !same;
}

const char *file_watch_changed(const struct file_set *files)
{
    for (size_t i = 0; i < files->count; i++)
        if (has_changed(&files->files[i]))
            return files->files[i].path;
    return NULL;
}
