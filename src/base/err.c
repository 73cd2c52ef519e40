#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct err err_none(void)
{
    struct err err;
    err.code = 0;
    err.text[0] = '\0';
    return err;
}

__attribute__((format(printf, 2, 0))) static struct err format_err(int code, const char *format,
                                                                   va_list arguments)
{
    struct err err = err_none();
    err.code = code;
    vsnprintf(err.text, sizeof err.text, format, arguments);
    return err;
}

struct err err_make(int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    struct err err = format_err(code, format, arguments);
    va_end(arguments);
    return err;
}

struct err err_errno(int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    struct err err = format_err(code, format, arguments);
    va_end(arguments);
    size_t used = strlen(err.text);
    snprintf(err.text + used, sizeof err.text - used, ": %s", strerror(code));
    return err;
}

bool err_is(const struct err *err)
{
    return err->code != 0;
}
