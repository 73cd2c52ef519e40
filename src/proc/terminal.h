/* Where a process was started from: its standard streams. */
#ifndef TUVI_PROC_TERMINAL_H
#define TUVI_PROC_TERMINAL_H

/* Lets go of them, so that whoever reads what the command says is told its end. */
void terminal_leave(void);

#endif
