/* What went wrong in the world (a file, a socket, a setting): a code and a sentence for people.
 * A function that can fail so returns it by value; on failure its out-parameters are untouched.
 * The sentence is logged once, at the top of the task. */
#ifndef TUVI_BASE_ERR_H
#define TUVI_BASE_ERR_H

#include <stdbool.h>

enum { ERR_TEXT_MAX = 508 };

struct err {
    int code;                /* 0: all went well; else an errno value, or ERR_OTHER. */
    char text[ERR_TEXT_MAX]; /* Names the thing, what is wrong with it, and what to do. */
};

enum { ERR_OTHER = -1 };

#define MUST_CHECK __attribute__((warn_unused_result))

/* Passes trouble on to the caller. The only macro that hides control flow. */
#define TRY(expression)                     \
    do {                                    \
        struct err try_err_ = (expression); \
        if (try_err_.code != 0)             \
            return try_err_;                \
    } while (0)

struct err err_none(void);
/* A formatted sentence; code is ERR_OTHER or an errno value (whose text is not added). */
__attribute__((format(printf, 2, 3))) struct err err_make(int code, const char *format, ...);
/* As err_make, followed by ": " and the text of the errno value. */
__attribute__((format(printf, 2, 3))) struct err err_errno(int code, const char *format, ...);

bool err_is(const struct err *err);

#endif
