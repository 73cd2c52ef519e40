/* The reply that waits to be said, and what follows from replies: errors that are counted, the end.
 * Part of proto/smtp_server; nobody else includes this. */
#ifndef TUVI_PROTO_SMTP_SERVER_REPLY_H
#define TUVI_PROTO_SMTP_SERVER_REPLY_H

#include "proto/smtp_server.h"

/* Written once, said in the next step. */
void smtp_server_write_reply(struct smtp_server *server, struct slice reply);
/* "421 4.4.2 mx.example.org Error: timeout exceeded", and the end. */
void smtp_server_write_farewell(struct smtp_server *server, const char *code, const char *text);

void smtp_server_count_error(struct smtp_server *server);
/* The end of a command: what is said decides whether it counts as good. */
void smtp_server_conclude(struct smtp_server *server, bool good);

/* The state is as if MAIL had not been said. */
void smtp_server_forget_transaction(struct smtp_server *server);

#endif
