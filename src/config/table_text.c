#include "config/table_text.h"

#include "config/table.h"

struct err table_text_open(struct slice bytes, const char *path, struct config_notes *notes,
                           struct table_text *out)
{
    if (bytes.len > TABLE_TEXT_MAX)
        return err_make(ERR_OTHER, "%s: the table is longer than %d MiB; split it", path,
                        TABLE_TEXT_MAX >> 20);
    if (slice_find(bytes, '\0') < bytes.len)
        return err_make(ERR_OTHER,
                        "%s: a NUL byte; name the text that the table is made from, not its "
                        "database",
                        path);
    *out = (struct table_text){.path = path, .notes = notes, .lines = line_reader_over(bytes)};
    return err_none();
}

void table_text_close(struct table_text *text)
{
    struct origin origin = {ORIGIN_MAIN_CF, text->path, 0};
    if (text->warning_count > TABLE_WARNINGS_MAX && text->notes != NULL)
        config_note(text->notes, CONFIG_WARNING, &origin, "and %u more lines such as these",
                    text->warning_count - TABLE_WARNINGS_MAX);
    line_reader_free(&text->lines);
}

bool table_text_next(struct table_text *text)
{
    if (!line_reader_next(&text->lines))
        return false;
    text->line = slice_trim(line_reader_text(&text->lines));
    text->line_number = line_reader_piece(&text->lines, 0)->line;
    return true;
}

struct err table_text_wrong(const struct table_text *text, const char *format, ...)
{
    char what[ERR_TEXT_MAX];
    struct writer w = writer_over(what, sizeof what);
    va_list arguments;
    va_start(arguments, format);
    writer_vprintf(&w, format, arguments);
    va_end(arguments);
    return err_make(ERR_OTHER, "%s, line %u: %.*s", text->path, text->line_number,
                    SLICE_PRINTF(writer_slice(&w)));
}

void table_text_warn(struct table_text *text, const char *what, struct slice about)
{
    struct origin origin = {ORIGIN_MAIN_CF, text->path, text->line_number};
    if (++text->warning_count > TABLE_WARNINGS_MAX || text->notes == NULL)
        return;
    config_note(text->notes, CONFIG_WARNING, &origin, "%s: \"%.*s\"", what,
                SLICE_PRINTF(config_quote(about)));
}
