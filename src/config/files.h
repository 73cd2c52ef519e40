/* How the configuration comes by the texts of the files that it names: whoever loads it gives a
 * function. Nothing here opens a file. */
#ifndef TUVI_CONFIG_FILES_H
#define TUVI_CONFIG_FILES_H

#include "base/err.h"
#include "base/slice.h"

enum { CONFIG_PATH_MAX = 1000 };

/* The system's users, asked for as if they were a file: lines of "name whatever". */
#define CONFIG_FILE_USERS "unix:passwd.byname"

/* A zeroed one finds nothing. */
struct config_files {
    /* The text stays the owner's, and stays in place until the caller has read it. The error names
     * the path. */
    struct err (*find)(void *owner, const char *path, struct slice *text);
    void *owner;
};

/* A path that does not begin at the root is meant from the folder, where Postfix's daemons run:
 * $queue_directory. The whole path goes to path_out. NULL for files finds nothing. */
MUST_CHECK struct err config_file_find(const struct config_files *files, const char *folder,
                                       struct slice path, char path_out[CONFIG_PATH_MAX],
                                       struct slice *text);

#endif
