/* The keywords with which the answer to EHLO says what a server can do. Part of proto/smtp_server;
 * nobody else includes this. */
#ifndef TUVI_PROTO_SMTP_SERVER_KEYWORDS_H
#define TUVI_PROTO_SMTP_SERVER_KEYWORDS_H

#include "proto/smtp_server.h"

/* Makes the answer to EHLO the waiting reply. */
void smtp_server_write_keywords(struct smtp_server *server);

#endif
