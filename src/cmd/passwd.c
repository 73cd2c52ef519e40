#include "backend/password_file.h"
#include "base/memory.h"
#include "cmd/commands.h"
#include "proc/setup.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>

static const char usage[] =
    "usage: tuvi passwd [-d] DIR USER\n"
    "\n"
    "Sets the password of USER in the password file that DIR/main.cf names, and adds the user\n"
    "when he is new. The password is asked for; when standard input is no terminal, it is the\n"
    "first line there. A running tuvid uses the change at once.\n"
    "\n"
    "  -d  remove the user\n";

static int complain(const char *text)
{
    fprintf(stderr, "tuvi passwd: %s\n", text);
    return EX_DATAERR;
}

/* ---- which file ---- */

static const char *find_password_path(const struct config *config)
{
    size_t count;
    const struct config_service *services = config_services(config, &count);
    for (size_t i = 0; i < count; i++) {
        const struct parameters *parameters = services[i].parameters;
        if (services[i].role == SERVICE_LISTENS && parameters->smtpd_sasl_auth_enable &&
            parameters->smtpd_sasl_type == SASL_TYPE_FILE)
            return parameters->smtpd_sasl_path;
    }
    return NULL;
}

/* ---- the password ---- */

static bool read_line(char *line, size_t size)
{
    if (fgets(line, (int)size, stdin) == NULL)
        return false;
    line[strcspn(line, "\r\n")] = '\0';
    return true;
}

static bool ask(const char *prompt, char *line, size_t size)
{
    struct termios quiet, before;
    bool terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;
    if (terminal) {
        quiet = before;
        quiet.c_lflag &= (tcflag_t)~ECHO;
        fputs(prompt, stderr);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    }
    bool read = read_line(line, size);
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fputc('\n', stderr);
    }
    return read;
}

static struct err read_password(char password[PASSWORD_MAX + 2])
{
    char again[PASSWORD_MAX + 2];
    if (!ask("Password: ", password, PASSWORD_MAX + 2) || password[0] == '\0')
        return err_make(ERR_OTHER, "no password was given");
    if (strlen(password) > PASSWORD_MAX)
        return err_make(ERR_OTHER, "the password is longer than %d bytes", PASSWORD_MAX);
    if (!isatty(STDIN_FILENO))
        return err_none();
    bool same = ask("Once more: ", again, sizeof again) && strcmp(password, again) == 0;
    explicit_bzero(again, sizeof again);
    return same ? err_none() : err_make(ERR_OTHER, "the two were not the same");
}

/* ---- the change ---- */

static struct err change(const char *path, const char *user, bool remove, struct writer *fresh,
                         struct slice old)
{
    struct password_text text = {path, old};
    char password[PASSWORD_MAX + 2], hash[PASSWORD_HASH_MAX];
    struct writer hashed = writer_over(hash, sizeof hash);
    if (remove)
        return password_file_remove(fresh, text, slice_of(user));
    struct err err = read_password(password);
    if (!err_is(&err))
        err = password_hash_new(&hashed, slice_of(password));
    explicit_bzero(password, sizeof password);
    TRY(err);
    return password_file_set(fresh, text, slice_of(user), writer_slice(&hashed));
}

static struct err rewrite(const char *path, const char *user, bool remove)
{
    struct slice was = {0};
    struct err err = file_read(path, &was);
    if (err_is(&err) && err.code != ENOENT)
        return err;
    struct slice old = was.at != NULL ? was : slice_of("");
    size_t room = old.len + PASSWORD_FILE_LINE_MAX + 1;
    char *bytes = memory_new(room);
    struct writer fresh = writer_over(bytes, room);
    err = change(path, user, remove, &fresh, old);
    if (!err_is(&err))
        err = file_write(path, writer_slice(&fresh), 0600);
    memory_free(bytes);
    memory_free((char *)(uintptr_t)was.at);
    return err;
}

static int set(const struct setup *setup, const char *user, bool remove)
{
    if (setup->config == NULL) {
        setup_print_notes(setup, "tuvi passwd");
        return EX_CONFIG;
    }
    const char *path = find_password_path(setup->config);
    if (path == NULL)
        return complain("no service has its passwords in a file (smtpd_sasl_type = file)");
    struct err err = rewrite(path, user, remove);
    if (err_is(&err))
        return complain(err.text);
    printf("%s: %s %s\n", path, remove ? "removed" : "password set for", user);
    return 0;
}

int passwd_command(int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    bool remove = false;
    int option;
    while ((option = getopt_long(argc, argv, "dh", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            return 0;
        }
        if (option != 'd') {
            fputs(usage, stderr);
            return EX_USAGE;
        }
        remove = true;
    }
    if (optind + 2 != argc) {
        fputs(usage, stderr);
        return EX_USAGE;
    }
    struct setup *setup = memory_new(sizeof *setup);
    setup_read(setup, argv[optind]);
    int code = set(setup, argv[optind + 1], remove);
    setup_free(setup);
    memory_free(setup);
    return code;
}
