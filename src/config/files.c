#include "config/files.h"

#include "base/writer.h"

#include <string.h>

enum { QUOTE_MAX = 100 };

static bool is_relative(struct slice path)
{
    return !slice_starts(path, "/") && !slice_is(path, CONFIG_FILE_USERS);
}

struct err config_file_find(const struct config_files *files, const char *folder, struct slice path,
                            char path_out[CONFIG_PATH_MAX], struct slice *text)
{
    char whole[CONFIG_PATH_MAX];
    struct writer w = writer_over(whole, sizeof whole);
    if (is_relative(path) && folder != NULL)
        writer_printf(&w, "%s/", folder);
    writer_bytes(&w, path);
    writer_byte(&w, '\0');
    if (w.overflow)
        return err_make(ERR_OTHER, "%.*s…: the path is longer than %d bytes",
                        SLICE_PRINTF(slice_first(path, QUOTE_MAX)), CONFIG_PATH_MAX - 1);
    if (files == NULL || files->find == NULL)
        return err_make(ERR_OTHER, "%.*s: no files are at hand here",
                        SLICE_PRINTF(slice_first(path, QUOTE_MAX)));
    TRY(files->find(files->owner, whole, text));
    memcpy(path_out, whole, w.len);
    return err_none();
}
