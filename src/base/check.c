#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

void check_failed(const char *file, int line, const char *condition)
{
    fprintf(stderr, "tuvi: %s:%d: broken promise: %s\n", file, line, condition);
    abort();
}
