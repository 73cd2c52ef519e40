/* What the configuration wants to know of the machine: its name and its addresses. */
#ifndef TUVI_PROC_MACHINE_FACTS_H
#define TUVI_PROC_MACHINE_FACTS_H

#include "config/machine.h"

enum { MACHINE_TEXT_MAX = 16 << 10 };

struct machine_facts {
    char hostname[256];
    char addresses[MACHINE_TEXT_MAX];
    char mailname[256];
};

/* What cannot be found out stays empty. */
void machine_facts_read(struct machine_facts *facts);
struct machine machine_facts_view(const struct machine_facts *facts);

#endif
