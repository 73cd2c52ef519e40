#include "proc/handoff.h"

#include "base/memory.h"
#include "base/reader.h"
#include "base/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HANDOFF_FIXED_MAX = 64 << 10 };

/* ---- writing ---- */

static size_t space_for(const struct handoff *handoff)
{
    size_t space = HANDOFF_FIXED_MAX + sizeof handoff->setup.machine;
    for (size_t i = 0; i < handoff->setup.files.count; i++)
        space += handoff->setup.files.files[i].text.len + SETUP_PATH_MAX + 8;
    return space;
}

static void write_text(struct writer *w, const char *text)
{
    writer_counted(w, slice_of(text));
}

static void write_fields(struct writer *w, const struct handoff *handoff)
{
    const struct setup *setup = &handoff->setup;
    write_text(w, handoff->role);
    writer_u32(w, handoff->slot);
    write_text(w, handoff->user);
    writer_u8(w, handoff->drains);
    writer_u8(w, handoff->has_orders);
    writer_u8(w, handoff->in_background);
    writer_u8(w, handoff->has_log_file);
    writer_u32(w, handoff->syslog_facility);
    writer_u32(w, handoff->counts.row_count);
    writer_u32(w, handoff->counts.own);
    writer_u64(w, handoff->counts.key.half[0]);
    writer_u64(w, handoff->counts.key.half[1]);
    writer_u32(w, handoff->listener_count);
    for (uint32_t i = 0; i < handoff->listener_count; i++) {
        writer_u32(w, handoff->listeners[i].service);
        writer_u8(w, handoff->listeners[i].is_unix);
    }
    write_text(w, setup->folder);
    write_text(w, setup->main_path);
    write_text(w, setup->master_path);
    write_text(w, setup->machine.hostname);
    write_text(w, setup->machine.addresses);
    write_text(w, setup->machine.mailname);
    writer_u32(w, (uint32_t)setup->files.count);
    for (size_t i = 0; i < setup->files.count; i++) {
        write_text(w, setup->files.files[i].path);
        writer_counted(w, setup->files.files[i].text);
    }
}

static struct err write_all(int fd, struct slice bytes)
{
    while (bytes.len > 0) {
        ssize_t written = write(fd, bytes.at, bytes.len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return err_errno(errno, "the handoff to a role cannot be written");
        bytes = slice_skip(bytes, (size_t)written);
    }
    return err_none();
}

struct err handoff_write(const struct handoff *handoff, int *out)
{
    size_t space = space_for(handoff);
    int fd = memfd_create("handoff", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return err_errno(errno, "no memory file can be made");
    char *bytes = memory_new(space);
    struct writer w = writer_over(bytes, space);
    write_fields(&w, handoff);
    struct err err = w.overflow ? err_make(ERR_OTHER, "the handoff to a role is too large")
                                : write_all(fd, writer_slice(&w));
    explicit_bzero(bytes, space);
    memory_free(bytes);
    if (!err_is(&err) &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
        err = err_errno(errno, "the handoff to a role cannot be sealed");
    if (err_is(&err))
        close(fd);
    else
        *out = fd;
    return err;
}

/* ---- reading ---- */

static void read_text(struct reader *r, char *out, size_t size)
{
    struct slice text = reader_counted(r);
    if (text.len >= size) {
        r->failed = true;
        return;
    }
    if (text.len > 0)
        memcpy(out, text.at, text.len);
    out[text.len] = '\0';
}

static void read_files(struct reader *r, struct file_set *files)
{
    uint32_t count = reader_u32(r);
    if (count > FILE_SET_MAX) {
        r->failed = true;
        return;
    }
    for (uint32_t i = 0; i < count && !r->failed; i++) {
        char path[SETUP_PATH_MAX];
        read_text(r, path, sizeof path);
        struct slice text = reader_counted(r);
        if (r->failed)
            return;
        file_set_put(files, path, slice_make(memory_text(text), text.len));
    }
}

static void read_fields(struct reader *r, struct handoff *handoff)
{
    struct setup *setup = &handoff->setup;
    read_text(r, handoff->role, sizeof handoff->role);
    handoff->slot = reader_u32(r);
    read_text(r, handoff->user, sizeof handoff->user);
    handoff->drains = reader_u8(r) != 0;
    handoff->has_orders = reader_u8(r) != 0;
    handoff->in_background = reader_u8(r) != 0;
    handoff->has_log_file = reader_u8(r) != 0;
    handoff->syslog_facility = reader_u32(r);
    handoff->counts.row_count = reader_u32(r);
    handoff->counts.own = reader_u32(r);
    handoff->counts.key.half[0] = reader_u64(r);
    handoff->counts.key.half[1] = reader_u64(r);
    handoff->listener_count = reader_u32(r);
    r->failed |= handoff->listener_count > HANDOFF_LISTENERS_MAX;
    for (uint32_t i = 0; i < handoff->listener_count && !r->failed; i++) {
        handoff->listeners[i].service = reader_u32(r);
        handoff->listeners[i].is_unix = reader_u8(r) != 0;
    }
    read_text(r, setup->folder, sizeof setup->folder);
    read_text(r, setup->main_path, sizeof setup->main_path);
    read_text(r, setup->master_path, sizeof setup->master_path);
    read_text(r, setup->machine.hostname, sizeof setup->machine.hostname);
    read_text(r, setup->machine.addresses, sizeof setup->machine.addresses);
    read_text(r, setup->machine.mailname, sizeof setup->machine.mailname);
    read_files(r, &setup->files);
}

struct err handoff_read(int fd, struct handoff *handoff)
{
    struct slice bytes;
    memset(handoff, 0, sizeof *handoff);
    struct err err = file_read_fd(fd, "handoff", &bytes);
    close(fd);
    if (err_is(&err))
        return err;
    struct reader r = reader_over(bytes);
    read_fields(&r, handoff);
    bool whole = reader_finished(&r);
    explicit_bzero((char *)(uintptr_t)bytes.at, bytes.len);
    memory_free((char *)(uintptr_t)bytes.at);
    if (!whole)
        return err_make(ERR_OTHER, "the handoff from the supervisor is not understood");
    return err_none();
}

/* ---- the control socket ---- */

struct err handoff_send(int control, enum handoff_word word, int fd)
{
    char byte = (char)word, space[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec piece = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    if (fd >= 0) {
        message.msg_control = space;
        message.msg_controllen = sizeof space;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(header), &fd, sizeof fd);
    }
    if (sendmsg(control, &message, MSG_NOSIGNAL | MSG_DONTWAIT) != 1)
        return err_errno(errno, "a role cannot be told of a change");
    return err_none();
}

bool handoff_receive(int control, enum handoff_word *word, int *fd)
{
    char byte = 0, space[CMSG_SPACE(sizeof(int))];
    struct iovec piece = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    ssize_t len = recvmsg(control, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    *word = 0;
    *fd = -1;
    if (len <= 0)
        return len < 0 && (errno == EAGAIN || errno == EINTR);
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header != NULL && header->cmsg_type == SCM_RIGHTS)
        memcpy(fd, CMSG_DATA(header), sizeof *fd);
    *word = (enum handoff_word)(unsigned char)byte;
    return true;
}
