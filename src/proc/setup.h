/* A configuration folder, read and checked as a whole: main.cf, master.cf, and every file they
 * name. What is wrong is gathered, so that all of it can be mended in one go. */
#ifndef TUVI_PROC_SETUP_H
#define TUVI_PROC_SETUP_H

#include "config/config.h"
#include "proc/file_set.h"
#include "proc/machine_facts.h"

enum { SETUP_PATH_MAX = 1024 };

struct setup {
    char folder[SETUP_PATH_MAX]; /* absolute */
    char main_path[SETUP_PATH_MAX];
    char master_path[SETUP_PATH_MAX];
    struct machine_facts machine;
    struct file_set files; /* main.cf and master.cf among them */
    struct config *config; /* NULL when it has errors */
    struct config_notes notes;
};

/* Errors are in setup->notes, with file and line; none there means that all is well. */
void setup_read(struct setup *setup, const char *folder);
/* For looking only: the same, and the configuration is there even when it has errors, so that all
 * that can be checked is. NULL when a file cannot be read. */
void setup_read_faulty(struct setup *setup, const char *folder);
/* The same with these lines behind those of main.cf. */
void setup_read_with(struct setup *setup, const char *folder, struct slice lines);
/* The same with main.cf and master.cf as they were read for another one, and all other files anew.
 */
void setup_read_again(struct setup *setup, const struct setup *earlier);
/* The same from what the supervisor handed down: the files are there already. */
void setup_restore(struct setup *setup);
void setup_free(struct setup *setup);

/* Prints the notes: "tuvid: error: main.cf, line 12: …". */
void setup_print_notes(const struct setup *setup, const char *program);

#endif
