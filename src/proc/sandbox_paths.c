#include "proc/sandbox_paths.h"

#include "base/array.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Younger than the headers of Debian 12. */
enum {
    ACCESS_TRUNCATE = 1 << 14,     /* version 3 */
    ACCESS_IOCTL_DEVICE = 1 << 15, /* version 5 */
    SCOPE_ABSTRACT_SOCKETS = 1 << 0,
    SCOPE_SIGNALS = 1 << 1, /* version 6 */
};

/* struct landlock_ruleset_attr, as version 6 has it. */
struct ruleset {
    uint64_t files;
    uint64_t network;
    uint64_t scopes;
};

enum {
    READ_FOLDERS = LANDLOCK_ACCESS_FS_READ_DIR,
    READ = LANDLOCK_ACCESS_FS_READ_FILE | READ_FOLDERS,
    WRITE = LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_TRUNCATE,
    CHANGE = LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE,
    ALL = (ACCESS_IOCTL_DEVICE << 1) - 1,
};

enum who { EVERYBODY, FINDS_HOSTS, FINDS_HOSTS_NOT_AS_ROOT };

/* Of /etc the C library reads resolv.conf, hosts, nsswitch.conf, gai.conf and more. They are not
 * listed one by one because Landlock knows a file by its inode: one that an editor or a DHCP client
 * has put in its place would be closed to us, hosts would seem not to exist, and their mail would
 * bounce. What is secret there is closed to the user that a role is. Were it ever root, it could
 * read that too, and so gets nothing of /etc. */
static const struct place {
    const char *path;
    uint64_t access;
    enum who who;
} places[] = {
    {"/dev/null", READ | WRITE, EVERYBODY},
    {"/dev/urandom", READ, EVERYBODY},
    {"/usr/share/zoneinfo", READ, EVERYBODY},
    {"/etc", READ, FINDS_HOSTS_NOT_AS_ROOT},
    /* where /etc/resolv.conf may point */
    {"/run/NetworkManager", READ, FINDS_HOSTS},
    {"/run/resolvconf", READ, FINDS_HOSTS},
    {"/run/systemd/resolve", READ, FINDS_HOSTS},
};

int sandbox_paths_version(void)
{
    long version =
        syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION);
    return version > 0 ? (int)version : 0;
}

/* All that this kernel knows of, and then nothing of it but what rules give back. */
static int make_ruleset(uint64_t *handled)
{
    int version = sandbox_paths_version();
    struct ruleset ruleset = {.files = ALL};
    if (version < 5)
        ruleset.files &= ~(uint64_t)ACCESS_IOCTL_DEVICE;
    if (version < 3)
        ruleset.files &= ~(uint64_t)ACCESS_TRUNCATE;
    if (version < 2)
        ruleset.files &= ~(uint64_t)LANDLOCK_ACCESS_FS_REFER;
    if (version >= 6)
        ruleset.scopes = SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS;
    *handled = ruleset.files;
    return (int)syscall(SYS_landlock_create_ruleset, &ruleset,
                        version >= 6 ? sizeof ruleset : sizeof ruleset.files, 0);
}

/* 0 or an errno value. What concerns folders cannot be given for a file. */
static int allow(int ruleset, int fd, uint64_t access)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = fd};
    struct stat status;
    if (fstat(fd, &status) != 0)
        return errno;
    if (!S_ISDIR(status.st_mode))
        rule.allowed_access &= ~(uint64_t)(READ_FOLDERS | CHANGE);
    return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0
               ? 0
               : errno;
}

static bool is_for(enum who who, bool finds_hosts)
{
    switch (who) {
    case EVERYBODY:
        return true;
    case FINDS_HOSTS:
        return finds_hosts;
    case FINDS_HOSTS_NOT_AS_ROOT:
        return finds_hosts && geteuid() != 0;
    }
    return false;
}

/* What is not there needs no rule. */
static int allow_places(int ruleset, bool finds_hosts, uint64_t handled)
{
    int error = 0;
    for (size_t i = 0; i < COUNT_OF(places) && error == 0; i++) {
        int fd = is_for(places[i].who, finds_hosts) ? open(places[i].path, O_PATH | O_CLOEXEC) : -1;
        if (fd < 0)
            continue;
        error = allow(ruleset, fd, places[i].access & handled);
        close(fd);
    }
    return error;
}

struct err sandbox_paths_restrict(bool finds_hosts, int slot)
{
    uint64_t handled;
    int ruleset = make_ruleset(&handled);
    if (ruleset < 0)
        return err_errno(errno, "Landlock");
    int error = allow_places(ruleset, finds_hosts, handled);
    if (error == 0 && slot >= 0)
        error = allow(ruleset, slot, (READ | WRITE | CHANGE) & handled);
    if (error == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        error = errno;
    close(ruleset);
    return error == 0 ? err_none() : err_errno(error, "Landlock");
}
