#include "proc/user_table.h"

#include "base/buf.h"
#include "base/memory.h"
#include "config/table.h"

#include <pwd.h>

/* More than a table may have: it is refused then, rather than cut where users would be missing. */
enum { USERS_TEXT_MAX = 2 * TABLE_TEXT_MAX };

/* A name with white space or a '#' in front would be read as something else; no mail goes there. */
static bool is_plain(struct slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!ascii_is_printable(name.at[i]) || ascii_is_space(name.at[i]) || name.at[i] == '"' ||
            name.at[i] == '\\')
            return false;
    return name.len > 0 && name.at[0] != '#';
}

struct slice user_table_text(void)
{
    struct buf lines = buf_make(USERS_TEXT_MAX);
    const struct passwd *entry;
    bool has_room = true;
    setpwent();
    while (has_room && (entry = getpwent()) != NULL)
        if (is_plain(slice_of(entry->pw_name)))
            has_room = buf_add_printf(&lines, "%s x\n", entry->pw_name);
    endpwent();
    struct slice all = buf_slice(&lines);
    struct slice text = slice_make(memory_text(all), all.len);
    buf_free(&lines);
    return text;
}
