/* What the configuration needs to know of the machine, gathered by who may ask the system. Texts
 * stay the caller's, and must stay as long as the configuration that was made from them. */
#ifndef TUVI_CONFIG_MACHINE_H
#define TUVI_CONFIG_MACHINE_H

#include "base/slice.h"

struct machine {
    struct slice hostname;  /* as the system has it, with or without a domain */
    struct slice addresses; /* of all interfaces, with prefix lengths: "127.0.0.1/8 ::1/128" */
    struct slice mailname;  /* what is in /etc/mailname; empty when there is no such file */
};

#endif
