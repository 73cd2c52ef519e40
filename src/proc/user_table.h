/* The system's users as the text of a lookup table, for unix:passwd.byname. */
#ifndef TUVI_PROC_USER_TABLE_H
#define TUVI_PROC_USER_TABLE_H

#include "base/slice.h"

/* Lines of a name and "x"; the caller's to free, at text.at. */
struct slice user_table_text(void);

#endif
