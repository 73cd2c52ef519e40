#include "proc/warm_up.h"

#include "tls/context.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* It is never closed: the C library finds it by its name. */
static void load_module(const char *service, int len)
{
    char name[64];
    int room = snprintf(name, sizeof name, "libnss_%.*s.so.2", len, service);
    if (room > 0 && (size_t)room < sizeof name)
        (void)dlopen(name, RTLD_NOW);
}

/* "resolve [!UNAVAIL=return] dns": what to do after each stands in brackets. */
static void load_modules(const char *services)
{
    static const char blanks[] = " \t\n";
    for (const char *at = services + strspn(services, blanks); *at != '\0' && *at != '#';
         at += strspn(at, blanks)) {
        size_t len = *at == '[' ? strcspn(at, "]") + 1 : strcspn(at, " \t\n[");
        if (*at != '[')
            load_module(at, (int)len);
        at += strnlen(at, len);
    }
}

/* nsswitch.conf(5), for hosts and users. Most of what it names is in the C library itself. */
static void load_name_services(void)
{
    static const char *const databases[] = {"hosts:", "passwd:", "group:", "initgroups:"};
    char *line = NULL;
    size_t room = 0;
    FILE *file = fopen("/etc/nsswitch.conf", "re");
    if (file == NULL)
        return;
    while (getline(&line, &room, file) > 0)
        for (size_t i = 0; i < sizeof databases / sizeof *databases; i++)
            if (strncmp(line, databases[i], strlen(databases[i])) == 0)
                load_modules(line + strlen(databases[i]));
    free(line);
    fclose(file);
}

void warm_up(void)
{
    tzset();
    tls_warm_up();
    load_name_services();
}
