/* CHECK states what must be true of our own code. It stays on in production: a broken promise ends
 * the process, whose log is replayed by its successor. Never use it on a peer's data. */
#ifndef TUVI_BASE_CHECK_H
#define TUVI_BASE_CHECK_H

#define CHECK(condition)                                  \
    do {                                                  \
        if (__builtin_expect(!(condition), 0))            \
            check_failed(__FILE__, __LINE__, #condition); \
    } while (0)

/* Says on standard error which promise was broken, and aborts. */
__attribute__((noreturn, cold)) void check_failed(const char *file, int line,
                                                  const char *condition);

#endif
