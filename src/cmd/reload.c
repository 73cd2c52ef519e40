#include "cmd/commands.h"
#include "proc/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static const char usage[] =
    "usage: tuvi reload DIR\n"
    "\n"
    "Checks the configuration in DIR and has the tuvid that runs with it use it from now on.\n"
    "Sessions and deliveries under way end as they began. When something is wrong with the\n"
    "configuration it is said here, and nothing changes.\n";

/* Whoever runs holds a lock on the file, so a number that was left behind is not believed. */
static struct err find_process(const char *queue_directory, pid_t *out)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char path[SETUP_PATH_MAX + 32], text[32] = "";
    snprintf(path, sizeof path, "%s/tuvi/tuvid.pid", queue_directory);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno != ENOENT)
        return err_errno(errno, "%s", path);
    bool runs = fd >= 0 && fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK &&
                read(fd, text, sizeof text - 1) > 0;
    if (fd >= 0)
        close(fd);
    long pid = strtol(text, NULL, 10);
    if (!runs || pid <= 1)
        return err_make(ERR_OTHER, "no tuvid runs on queue_directory %s", queue_directory);
    *out = (pid_t)pid;
    return err_none();
}

static struct err reload(const struct setup *setup)
{
    pid_t pid;
    TRY(find_process(config_main(setup->config)->queue_directory, &pid));
    if (kill(pid, SIGHUP) != 0)
        return err_errno(errno, "process %d", (int)pid);
    printf("tuvi reload: process %d takes the configuration in %s; its log says when it has\n",
           (int)pid, setup->folder);
    return err_none();
}

int reload_command(int argc, char **argv)
{
    static struct setup setup;
    if (argc != 2 || argv[1][0] == '-') {
        bool asked = argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
        fputs(usage, asked ? stdout : stderr);
        return asked ? 0 : EX_USAGE;
    }
    setup_read(&setup, argv[1]);
    setup_print_notes(&setup, "tuvi reload");
    if (setup.notes.error_count > 0 || setup.config == NULL)
        return EX_CONFIG;
    struct err err = reload(&setup);
    if (err_is(&err))
        fprintf(stderr, "tuvi reload: %s\n", err.text);
    setup_free(&setup);
    return err_is(&err) ? EX_UNAVAILABLE : 0;
}
