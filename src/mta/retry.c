#include "mta/retry.h"

int64_t retry_wait_s(const struct parameters *parameters, uint32_t tries)
{
    int64_t wait = parameters->minimal_backoff_time;
    for (uint32_t i = 0; i < tries && wait < parameters->maximal_backoff_time; i++)
        wait *= 2;
    return wait < parameters->maximal_backoff_time ? wait : parameters->maximal_backoff_time;
}

/* The wait behind the last try may not be over. */
static int64_t waited_s(const struct parameters *parameters, uint32_t tries)
{
    int64_t sum = 0, wait = 0;
    uint32_t i = 0;
    for (; i + 1 < tries && wait < parameters->maximal_backoff_time; i++)
        sum += wait = retry_wait_s(parameters, i);
    return tries > 0 ? sum + (int64_t)(tries - 1 - i) * wait : 0;
}

int64_t retry_age_s(const struct parameters *parameters, uint32_t tries, int64_t wall_age_s)
{
    int64_t least = waited_s(parameters, tries);
    int64_t most = least + parameters->maximal_backoff_time;
    if (wall_age_s < least)
        return least;
    return wall_age_s < most ? wall_age_s : most;
}
