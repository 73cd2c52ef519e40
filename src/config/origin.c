#include "config/origin.h"

void origin_format(struct writer *w, const struct origin *origin)
{
    static const char *const before_line[] = {
        [ORIGIN_DEFAULT] = "",
        [ORIGIN_MAIN_CF] = ", line ",
        [ORIGIN_MASTER_CF] = ": line ",
    };
    if (origin->kind == ORIGIN_DEFAULT) {
        writer_text(w, "default");
        return;
    }
    writer_text(w, origin->file);
    if (origin->line > 0)
        writer_printf(w, "%s%u", before_line[origin->kind], origin->line);
}
