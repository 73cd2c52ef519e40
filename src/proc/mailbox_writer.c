#include "proc/mailbox_writer.h"

#include "backend/maildir.h"
#include "base/reader.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATIENCE_S = 5 * 60, PIECE_BYTES = 64 << 10, HEADER_MAX = 2048 };

/* ---- the connection ---- */

static bool receive(int connection, void *bytes, size_t len)
{
    size_t have = 0;
    while (have < len) {
        ssize_t got = recv(connection, (char *)bytes + have, len - have, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false; /* the worker is gone, or silent for too long */
        have += (size_t)got;
    }
    return true;
}

static bool send_reply(int connection, const struct mailbox_reply *reply)
{
    char bytes[MAILBOX_REPLY_MAX + MAILBOX_HEAD_LENGTH_BYTES];
    struct writer w = writer_over(bytes, sizeof bytes);
    mailbox_reply_write(&w, reply);
    return send(connection, bytes, w.len, MSG_NOSIGNAL) == (ssize_t)w.len;
}

static bool receive_head(int connection, char head[MAILBOX_HEAD_MAX],
                         struct mailbox_request *request)
{
    char length[MAILBOX_HEAD_LENGTH_BYTES];
    if (!receive(connection, length, sizeof length))
        return false;
    struct reader r = reader_over(slice_make(length, sizeof length));
    uint32_t len = reader_u32(&r);
    return len <= MAILBOX_HEAD_MAX && receive(connection, head, len) &&
           mailbox_request_read(slice_make(head, len), request);
}

/* ---- the message ---- */

/* The lines that a mailbox's messages begin with: where it came from, and for whom. */
static struct err write_trace(struct maildir *maildir, const struct mailbox_request *request)
{
    char text[HEADER_MAX];
    struct writer w = writer_over(text, sizeof text);
    struct slice original = request->original.len > 0 ? request->original : request->recipient;
    writer_printf(&w, "Return-Path: <%.*s>\r\nX-Original-To: %.*s\r\nDelivered-To: %.*s\r\n",
                  SLICE_PRINTF(request->sender), SLICE_PRINTF(original),
                  SLICE_PRINTF(request->recipient));
    if (w.overflow)
        return err_make(ERR_OTHER, "the addresses are too long");
    return maildir_write(maildir, writer_slice(&w));
}

/* All of the content is taken, even when nobody wants it or it cannot be stored any more: the
 * worker reads the reply once it has sent it. False when it ends too early. */
static bool take_content(int connection, uint64_t size, struct maildir *maildir, struct err *err)
{
    static char piece[PIECE_BYTES];
    for (uint64_t left = size; left > 0;) {
        size_t len = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
        if (!receive(connection, piece, len))
            return false;
        left -= len;
        if (maildir != NULL && !err_is(err))
            *err = maildir_write(maildir, slice_make(piece, len));
    }
    return true;
}

static const char *status_of(const struct err *err)
{
    switch (err->code) {
    case ENOSPC:
    case EDQUOT:
        return "4.2.2";
    case EFBIG:
        return "4.3.4";
    default:
        return "4.2.0";
    }
}

static void defer(struct mailbox_reply *reply, const char *status, const char *what,
                  const struct err *err)
{
    reply->outcome = MAILBOX_DEFERRED;
    snprintf(reply->status, sizeof reply->status, "%s", status);
    snprintf(reply->reason, sizeof reply->reason, "%s%s", what, err->text);
}

static void tell_delivered(struct mailbox_reply *reply, bool was_there)
{
    *reply = (struct mailbox_reply){.outcome = MAILBOX_DELIVERED, .status = "2.0.0"};
    snprintf(reply->reason, sizeof reply->reason, "delivered to maildir%s",
             was_there ? ": it was there already" : "");
}

static struct err store(int connection, const struct mailbox_request *request,
                        struct maildir *maildir, bool *was_there, bool *cut_off)
{
    struct err err = maildir_create(maildir);
    if (!err_is(&err))
        err = write_trace(maildir, request);
    *cut_off = !take_content(connection, request->size, maildir, &err);
    if (!err_is(&err) && !*cut_off)
        err = maildir_keep(maildir, was_there);
    return err;
}

/* False when the content ended too early: then nothing is kept and nobody waits for a reply. */
static bool deliver(int connection, const struct mailbox_request *request, const char *path,
                    struct mailbox_reply *reply)
{
    char name[MAILDIR_NAME_MAX];
    struct maildir maildir;
    bool was_there = false, cut_off = false;
    maildir_name(name, request->arrival_us, request->id, request->recipient_index);
    struct err err = maildir_open(&maildir, path, name);
    if (!err_is(&err) && request->may_be_there)
        err = maildir_holds(&maildir, &was_there);
    if (!err_is(&err) && !was_there)
        err = store(connection, request, &maildir, &was_there, &cut_off);
    else
        cut_off = !take_content(connection, request->size, NULL, NULL);
    if (err_is(&err))
        defer(reply, status_of(&err), "maildir delivery failed: ", &err);
    else
        tell_delivered(reply, was_there);
    maildir_close(&maildir);
    return !cut_off;
}

static bool answer(int connection, const struct mailbox_owners *owners,
                   const struct mailbox_request *request, struct mailbox_reply *reply)
{
    struct mailbox_owner owner;
    bool found = mailbox_owner_find(owners, request, &owner, reply);
    struct err err = found ? identity_become(&owner.identity) : err_none();
    if (found && !err_is(&err))
        return deliver(connection, request, owner.path, reply);
    if (err_is(&err))
        defer(reply, "4.3.5", "", &err);
    return take_content(connection, request->size, NULL, NULL);
}

bool mailbox_writer_serve(int connection, const struct mailbox_owners *owners)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    char head[MAILBOX_HEAD_MAX];
    struct mailbox_request request;
    struct mailbox_reply reply = {0};
    (void)setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    umask(077);
    bool good = receive_head(connection, head, &request) &&
                answer(connection, owners, &request, &reply) && send_reply(connection, &reply);
    close(connection);
    return good;
}
