/* The commands of tuvi. Each gets its own arguments, argv[0] being its name, and returns the exit
 * code. */
#ifndef TUVI_CMD_COMMANDS_H
#define TUVI_CMD_COMMANDS_H

#include "base/err.h"
#include "base/slice.h"

int check_command(int argc, char **argv);
int conf_command(int argc, char **argv);
int explain_command(int argc, char **argv);
int init_command(int argc, char **argv);
int passwd_command(int argc, char **argv);
int queue_command(int argc, char **argv);
int reload_command(int argc, char **argv);
int sink_command(int argc, char **argv);

/* Writes a file so that it is there as a whole or not at all, and survives a power cut. An old file
 * keeps its owner and mode; a new one gets this mode. */
MUST_CHECK struct err file_write(const char *path, struct slice text, unsigned mode);

/* Prints tuvi-parameters(5) in mdoc. */
void manual_print_parameters(void);

#endif
