/* Dates as mail writes them: "Tue, 24 Nov 2026 05:06:26 +0000 (UTC)". RFC 5322 §3.3. */
#ifndef TUVI_PROTO_DATE_H
#define TUVI_PROTO_DATE_H

#include "base/moment.h"
#include "base/writer.h"

/* The wall time of the moment, in its zone. */
void date_write(struct writer *w, const struct moment *now);

/* "Nov 24 05:06:26", as a log line begins. */
void date_write_log(struct writer *w, const struct moment *now);

#endif
