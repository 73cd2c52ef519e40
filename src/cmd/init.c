#include "base/buf.h"
#include "cmd/commands.h"
#include "tls/self_signed.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
    "usage: tuvi init DIR [options]\n"
    "\n"
    "Makes a first configuration in DIR: main.cf, master.cf, a certificate, a password file.\n"
    "\n"
    "  --hostname NAME     what this server calls itself (default: the system's name)\n"
    "  --ports A,B,C       relay, submission, submission over TLS (default: 25,587,465 for\n"
    "                      root, 2525,2587,2465 for others)\n"
    "  --listen ADDRESSES  inet_interfaces (default: all)\n"
    "  --networks LIST     mynetworks: who may relay without a password (default: this machine)\n"
    "  --relayhost HOST    where all mail that is not for us goes: [host]:port\n"
    "  --domain NAME       a domain of ours; its mail goes to --mailboxes\n"
    "  --mailboxes HOST    [host]:port of the server that has the mailboxes of the domain\n";

enum { TEXT_MAX = 64 << 10, CERTIFICATE_DAYS = 365 };

struct wishes {
    char folder[PATH_MAX];
    char hostname[256];
    unsigned ports[3];
    const char *listen;
    const char *networks;
    const char *relayhost;
    const char *domain;
    const char *mailboxes;
};

/* ---- texts ---- */

static void write_main_cf(struct buf *out, const struct wishes *w)
{
    buf_add_printf(
        out,
        "# The settings of this mail server. They are Postfix's: postconf(5) has them all.\n"
        "compatibility_level = 3.6\n"
        "\n"
        "# What the server calls itself towards others.\n"
        "myhostname = %s\n"
        "inet_interfaces = %s\n"
        "\n"
        "# Who may send anywhere without a password: this machine, and networks that are\n"
        "# wholly yours, such as 192.168.0.0/16.\n"
        "mynetworks = %s\n"
        "\n"
        "# Everybody else must log in, under TLS, or write to a domain of ours.\n"
        "smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated,\n"
        "    reject_unauth_destination\n"
        "\n",
        w->hostname, w->listen, w->networks);
    buf_add_printf(out,
                   "# Domains of ours, and the server that has their mailboxes.\n"
                   "mydestination =\n"
                   "%svirtual_mailbox_domains = %s\n"
                   "%svirtual_transport = smtp:%s\n"
                   "\n"
                   "# Where all other mail goes.\n"
                   "%srelayhost = %s\n"
                   "\n",
                   w->domain != NULL ? "" : "#", w->domain != NULL ? w->domain : "example.org",
                   w->mailboxes != NULL ? "" : "#",
                   w->mailboxes != NULL ? w->mailboxes : "[mailboxes.example.org]:25",
                   w->relayhost != NULL ? "" : "#",
                   w->relayhost != NULL ? w->relayhost : "[mail.example.net]:587");
    buf_add_printf(
        out,
        "# TLS. The certificate was made by \"tuvi init\" and signed by nobody else: replace\n"
        "# both files by those of your certificate authority.\n"
        "smtpd_tls_cert_file = %s/cert.pem\n"
        "smtpd_tls_key_file = %s/key.pem\n"
        "smtpd_tls_security_level = may\n"
        "smtpd_tls_auth_only = yes\n"
        "smtpd_tls_received_header = yes\n"
        "smtpd_tls_loglevel = 1\n"
        "smtp_tls_security_level = may\n"
        "smtp_tls_loglevel = 1\n"
        "\n"
        "# Users: \"tuvi passwd %s USER\" adds one.\n"
        "smtpd_sasl_auth_enable = yes\n"
        "smtpd_sasl_type = file\n"
        "smtpd_sasl_path = %s/passwd\n"
        "smtpd_sasl_security_options = noanonymous\n"
        "broken_sasl_auth_clients = yes\n"
        "\n"
        "# The queue and the log.\n"
        "queue_directory = %s/spool\n"
        "maillog_file = %s/mail.log\n",
        w->folder, w->folder, w->folder, w->folder, w->folder, w->folder);
}

/* Services have names where they have their own ports. */
static void name_port(unsigned port, char name[16])
{
    static const struct {
        unsigned port;
        const char *name;
    } known[] = {{25, "smtp"}, {587, "submission"}, {465, "submissions"}};
    snprintf(name, 16, "%u", port);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].port == port)
            snprintf(name, 16, "%s", known[i].name);
}

static void write_master_cf(struct buf *out, const struct wishes *w)
{
    char names[3][16];
    for (size_t i = 0; i < 3; i++)
        name_port(w->ports[i], names[i]);
    buf_add_printf(out,
                   "# The services of this mail server, as in Postfix's master(5).\n"
                   "# service type private unpriv chroot wakeup maxproc command\n"
                   "\n"
                   "# Other servers bring and take mail here.\n"
                   "%s inet n - n - - smtpd\n"
                   "\n"
                   "# People send their mail here: STARTTLS first, then their password.\n"
                   "%s inet n - n - - smtpd\n"
                   "  -o syslog_name=postfix/submission\n"
                   "  -o smtpd_tls_security_level=encrypt\n"
                   "  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject\n"
                   "\n"
                   "# The same, with TLS from the first byte.\n"
                   "%s inet n - n - - smtpd\n"
                   "  -o syslog_name=postfix/smtps\n"
                   "  -o smtpd_tls_wrappermode=yes\n"
                   "  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject\n",
                   names[0], names[1], names[2]);
}

/* ---- options ---- */

static bool read_ports(const char *text, unsigned ports[3])
{
    struct slice rest = slice_of(text), word;
    uint64_t port;
    for (size_t i = 0; i < 3; i++) {
        if (!slice_next_word(&rest, ",", &word) || !slice_to_number(word, 65535, &port) ||
            port == 0)
            return false;
        ports[i] = (unsigned)port;
    }
    return rest.len == 0;
}

static void set_defaults(struct wishes *w)
{
    static const unsigned well_known[] = {25, 587, 465}, high[] = {2525, 2587, 2465};
    memset(w, 0, sizeof *w);
    memcpy(w->ports, geteuid() == 0 ? well_known : high, sizeof w->ports);
    w->listen = "all";
    w->networks = "127.0.0.0/8 [::1]/128";
    if (gethostname(w->hostname, sizeof w->hostname - 1) != 0 || w->hostname[0] == '\0')
        snprintf(w->hostname, sizeof w->hostname, "localhost");
    if (strchr(w->hostname, '.') == NULL)
        strncat(w->hostname, ".localdomain", sizeof w->hostname - strlen(w->hostname) - 1);
}

/* 0, or the exit code. -1: --help was asked for. */
static int read_options(int argc, char **argv, struct wishes *w)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'},
                                            {"hostname", required_argument, NULL, 'n'},
                                            {"ports", required_argument, NULL, 'p'},
                                            {"listen", required_argument, NULL, 'l'},
                                            {"networks", required_argument, NULL, 'w'},
                                            {"relayhost", required_argument, NULL, 'r'},
                                            {"domain", required_argument, NULL, 'd'},
                                            {"mailboxes", required_argument, NULL, 'm'},
                                            {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (option) {
        case 'h':
            return -1;
        case 'n':
            snprintf(w->hostname, sizeof w->hostname, "%s", optarg);
            break;
        case 'p':
            if (!read_ports(optarg, w->ports))
                return EX_USAGE;
            break;
        case 'l':
            w->listen = optarg;
            break;
        case 'w':
            w->networks = optarg;
            break;
        case 'r':
            w->relayhost = optarg;
            break;
        case 'd':
            w->domain = optarg;
            break;
        case 'm':
            w->mailboxes = optarg;
            break;
        default:
            return EX_USAGE;
        }
    }
    return optind + 1 == argc ? 0 : EX_USAGE;
}

/* ---- making it ---- */

static struct err make_folder(const char *folder, char absolute[PATH_MAX])
{
    char path[PATH_MAX + 16];
    if (mkdir(folder, 0755) != 0 && errno != EEXIST)
        return err_errno(errno, "%s", folder);
    if (realpath(folder, absolute) == NULL)
        return err_errno(errno, "%s", folder);
    snprintf(path, sizeof path, "%s/main.cf", absolute);
    if (access(path, F_OK) == 0)
        return err_make(ERR_OTHER, "%s is there already; nothing was changed", path);
    return err_none();
}

static struct err write_file(const struct wishes *w, const char *name, struct slice text,
                             unsigned mode)
{
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/%s", w->folder, name);
    TRY(file_write(path, text, mode));
    printf("  %s\n", path);
    return err_none();
}

static struct err write_certificate(const struct wishes *w)
{
    struct buf certificate = buf_make(TLS_SELF_SIGNED_TEXT_MAX);
    struct buf key = buf_make(TLS_SELF_SIGNED_TEXT_MAX);
    struct tls_self_signed wish = {
        .hostname = slice_of(w->hostname), .now_s = (int64_t)time(NULL), .days = CERTIFICATE_DAYS};
    struct err err = tls_self_signed_make(&wish, &certificate, &key);
    if (!err_is(&err))
        err = write_file(w, "key.pem", buf_slice(&key), 0600);
    if (!err_is(&err))
        err = write_file(w, "cert.pem", buf_slice(&certificate), 0644);
    buf_free(&certificate);
    buf_free(&key);
    return err;
}

/* main.cf comes last: where it is, all the rest is too. */
static struct err make_all(struct wishes *w, const char *folder)
{
    struct buf text = buf_make(TEXT_MAX);
    TRY(make_folder(folder, w->folder));
    TRY(write_certificate(w));
    TRY(write_file(w, "passwd",
                   slice_of("# user:hash; \"tuvi passwd\" adds, changes and removes users\n"),
                   0600));
    write_master_cf(&text, w);
    TRY(write_file(w, "master.cf", buf_slice(&text), 0644));
    buf_free(&text);
    write_main_cf(&text, w);
    TRY(write_file(w, "main.cf", buf_slice(&text), 0644));
    buf_free(&text);
    return err_none();
}

static void say_what_next(const struct wishes *w)
{
    printf("\nNext:\n");
    if (geteuid() == 0 && getpwnam("postfix") == NULL && getpwnam("tuvi") == NULL)
        printf("  useradd --system --no-create-home --shell /usr/sbin/nologin tuvi\n");
    if (w->relayhost == NULL)
        printf(
            "  mail for others goes where DNS says; set relayhost in %s/main.cf to send it through a "
            "provider\n",
            w->folder);
    printf("  tuvi passwd %s USER\n  tuvid -c %s -f\n", w->folder, w->folder);
}

int init_command(int argc, char **argv)
{
    static struct wishes w;
    set_defaults(&w);
    int code = read_options(argc, argv, &w);
    if (code != 0) {
        fputs(usage, code < 0 ? stdout : stderr);
        return code < 0 ? 0 : code;
    }
    struct err err = make_all(&w, argv[optind]);
    if (err_is(&err)) {
        fprintf(stderr, "tuvi init: %s\n", err.text);
        return EX_CANTCREAT;
    }
    say_what_next(&w);
    return 0;
}
