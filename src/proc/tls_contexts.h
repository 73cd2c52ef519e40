/* The TLS contexts of the services, made from their settings and from the files that were read for
 * them. */
#ifndef TUVI_PROC_TLS_CONTEXTS_H
#define TUVI_PROC_TLS_CONTEXTS_H

#include "config/config.h"
#include "proc/file_set.h"

struct tls_context;

/* A service wants TLS: it offers STARTTLS or begins with a handshake. */
bool tls_is_wanted(const struct parameters *parameters);

/* Reads the files that a service names. What is missing goes to the notes as an error. */
void tls_files_add(const struct parameters *parameters, struct file_set *files,
                   struct config_notes *notes);

/* NULL, and an error in the notes with file and line, when it cannot be made. What should be said
 * about a certificate, such as that it has expired or is another host's, becomes a warning. */
struct tls_context *tls_server_context(const struct config_service *service,
                                       const struct file_set *files, struct config_notes *notes);
struct tls_context *tls_client_context(const struct parameters *parameters,
                                       struct config_notes *notes);

#endif
