/* What libraries load and read when they first need it, which a role cannot do any more in its
 * sandbox: the modules of the name service, OpenSSL's configuration, the time zone. */
#ifndef TUVI_PROC_WARM_UP_H
#define TUVI_PROC_WARM_UP_H

/* What is not there, or cannot be loaded, is not found later either: it says nothing. */
void warm_up(void);

#endif
