#include "mta/ruling.h"

enum { SUBJECT_MAX = RULING_REPLY_MAX / 2 };

size_t ruling_status_length(struct slice text)
{
    size_t i = 1;
    if (text.len < 5 || text.at[0] < '2' || text.at[0] > '5' || text.at[0] == '3')
        return 0;
    for (int part = 0; part < 2; part++) {
        size_t digits = 0;
        if (i >= text.len || text.at[i++] != '.')
            return 0;
        for (; i < text.len && ascii_is_digit(text.at[i]) && digits < 3; i++)
            digits++;
        if (digits == 0)
            return 0;
    }
    return i == text.len || ascii_is_space(text.at[i]) ? i : 0;
}

static void write_code(struct writer *w, int64_t code, const char *status)
{
    writer_number(w, (uint64_t)code);
    writer_byte(w, ' ');
    writer_byte(w, (char)('0' + code / 100));
    writer_text(w, status + 1);
    writer_byte(w, ' ');
}

void ruling_refuse(struct ruling *ruling, int64_t code, const char *status,
                   const struct ruling_subject *subject, struct slice text)
{
    struct writer w = writer_over(ruling->reply, sizeof ruling->reply);
    write_code(&w, code, status);
    writer_byte(&w, '<');
    writer_printable(&w, slice_first(subject->text, SUBJECT_MAX));
    writer_printf(&w, ">: %s rejected: ", subject->class);
    writer_printable(&w, slice_first(text, w.capacity - w.len));
    ruling->kind = RULING_REFUSE;
    ruling->reply_len = w.len;
}

void ruling_refuse_plainly(struct ruling *ruling, int64_t code, const char *status,
                           const char *text)
{
    struct writer w = writer_over(ruling->reply, sizeof ruling->reply);
    write_code(&w, code, status);
    writer_text(&w, text);
    ruling->kind = RULING_REFUSE;
    ruling->reply_len = w.len;
}

bool ruling_find(struct ruling *ruling, const struct findings *findings,
                 const struct question *question, struct finding *out)
{
    if (findings_hold(findings, question, out))
        return true;
    ruling->kind = RULING_UNDECIDED;
    ruling->question = *question;
    ruling_explain(ruling, "it was not found out");
    return false;
}

void ruling_fail(struct ruling *ruling, const char *why)
{
    ruling_refuse_plainly(ruling, 451, "4.3.5", "Server configuration error");
    ruling->is_trouble = true;
    ruling_explain(ruling, "%s", why);
}

void ruling_explain(struct ruling *ruling, const char *format, ...)
{
    struct writer w = writer_over(ruling->why, sizeof ruling->why);
    va_list arguments;
    va_start(arguments, format);
    writer_vprintf(&w, format, arguments);
    va_end(arguments);
    ruling->why_len = w.len;
}

void ruling_explain_foreign(struct ruling *ruling, const char *before, struct slice foreign,
                            const char *behind)
{
    struct writer w = writer_over(ruling->why, sizeof ruling->why);
    writer_text(&w, before);
    writer_printable(&w, slice_first(foreign, RULING_WHY_MAX / 2));
    writer_text(&w, behind);
    ruling->why_len = w.len;
}
