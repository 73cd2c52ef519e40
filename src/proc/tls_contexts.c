#include "proc/tls_contexts.h"

#include "tls/context.h"
#include "tls/key.h"
#include "tls/pem.h"

#include <string.h>
#include <time.h>

enum { KEYS_MAX = 8 };

bool tls_is_wanted(const struct parameters *parameters)
{
    return parameters->smtpd_tls_security_level != TLS_LEVEL_NONE ||
           parameters->smtpd_tls_wrappermode;
}

static bool is_set(const char *text)
{
    return text[0] != '\0' && strcmp(text, "none") != 0;
}

/* ---- which files ---- */

struct key_files {
    enum parameter parameter;
    const char *certificate;
    enum parameter key_parameter;
    const char *key;
};

static size_t key_files_of(const struct parameters *parameters, struct key_files out[2])
{
    size_t count = 0;
    if (is_set(parameters->smtpd_tls_cert_file))
        out[count++] =
            (struct key_files){PARAMETER_smtpd_tls_cert_file, parameters->smtpd_tls_cert_file,
                               PARAMETER_smtpd_tls_key_file, parameters->smtpd_tls_key_file};
    if (is_set(parameters->smtpd_tls_eccert_file))
        out[count++] =
            (struct key_files){PARAMETER_smtpd_tls_eccert_file, parameters->smtpd_tls_eccert_file,
                               PARAMETER_smtpd_tls_eckey_file, parameters->smtpd_tls_eckey_file};
    return count;
}

static void add_file(const struct parameters *parameters, enum parameter parameter,
                     const char *path, struct file_set *files, struct config_notes *notes)
{
    struct err err = file_set_add(files, path);
    file_set_mark(files, path, FILE_KEY);
    if (err_is(&err))
        config_note(notes, CONFIG_ERROR, parameter_origin(parameters, parameter), "%s = %s",
                    parameter_row(parameter)->name, err.text);
}

static void copy_path(struct slice word, char path[1024])
{
    struct writer w = writer_over(path, 1023);
    memset(path, 0, 1024);
    writer_bytes(&w, slice_first(word, 1023));
}

static bool asks_for_certificates(const struct parameters *parameters)
{
    return parameters->smtpd_tls_ask_ccert || parameters->smtpd_tls_req_ccert;
}

void tls_files_add(const struct parameters *parameters, struct file_set *files,
                   struct config_notes *notes)
{
    struct slice chains = slice_of(parameters->smtpd_tls_chain_files), word;
    struct key_files pairs[2];
    char path[1024];
    if (asks_for_certificates(parameters) && is_set(parameters->smtpd_tls_CAfile))
        add_file(parameters, PARAMETER_smtpd_tls_CAfile, parameters->smtpd_tls_CAfile, files,
                 notes);
    if (chains.len > 0) {
        while (slice_next_word(&chains, ", \t\r\n", &word)) {
            copy_path(word, path);
            add_file(parameters, PARAMETER_smtpd_tls_chain_files, path, files, notes);
        }
        return;
    }
    size_t count = key_files_of(parameters, pairs);
    if (count == 0)
        config_note(notes, CONFIG_ERROR,
                    parameter_origin(parameters, PARAMETER_smtpd_tls_security_level),
                    "smtpd_tls_security_level wants TLS, and no certificate is named: set "
                    "smtpd_tls_chain_files, or smtpd_tls_cert_file and smtpd_tls_key_file");
    for (size_t i = 0; i < count; i++) {
        add_file(parameters, pairs[i].parameter, pairs[i].certificate, files, notes);
        add_file(parameters, pairs[i].key_parameter, pairs[i].key, files, notes);
    }
}

/* ---- keys ---- */

struct keys {
    struct tls_key *list[KEYS_MAX];
    size_t count;
};

static void free_keys(struct keys *keys)
{
    for (size_t i = 0; i < keys->count; i++)
        tls_key_free(keys->list[i]);
}

static bool add_key(struct keys *keys, const struct tls_pem *pem, const struct origin *origin,
                    struct config_notes *notes)
{
    char text[512];
    struct writer warning = writer_over(text, sizeof text);
    struct tls_key *key;
    if (keys->count == KEYS_MAX) {
        config_note(notes, CONFIG_ERROR, origin, "more than %d keys", KEYS_MAX);
        return false;
    }
    struct err err = tls_key_from_pem(pem, &key);
    if (err_is(&err)) {
        config_note(notes, CONFIG_ERROR, origin, "%s", err.text);
        return false;
    }
    keys->list[keys->count++] = key;
    if (tls_key_warning(key, (int64_t)time(NULL), &warning))
        config_note(notes, CONFIG_WARNING, origin, "%s: %.*s", pem->certificates_source,
                    SLICE_PRINTF(writer_slice(&warning)));
    return true;
}

static bool add_chains(struct keys *keys, const struct parameters *parameters,
                       const struct file_set *files, struct config_notes *notes)
{
    const struct origin *origin = parameter_origin(parameters, PARAMETER_smtpd_tls_chain_files);
    struct slice chains = slice_of(parameters->smtpd_tls_chain_files), word, text, chain;
    char path[1024];
    while (slice_next_word(&chains, ", \t\r\n", &word)) {
        copy_path(word, path);
        if (!file_set_find(files, path, &text))
            return false;
        while (tls_pem_next_chain(&text, &chain)) {
            struct tls_pem pem = {.certificates = chain, .certificates_source = path};
            if (!add_key(keys, &pem, origin, notes))
                return false;
        }
    }
    return keys->count > 0;
}

static bool add_pairs(struct keys *keys, const struct parameters *parameters,
                      const struct file_set *files, struct config_notes *notes)
{
    struct key_files pairs[2];
    size_t count = key_files_of(parameters, pairs);
    for (size_t i = 0; i < count; i++) {
        struct tls_pem pem = {.certificates_source = pairs[i].certificate,
                              .key_source = pairs[i].key};
        if (!file_set_find(files, pairs[i].certificate, &pem.certificates) ||
            !file_set_find(files, pairs[i].key, &pem.key) ||
            !add_key(keys, &pem, parameter_origin(parameters, pairs[i].key_parameter), notes))
            return false;
    }
    return count > 0;
}

/* Only the names of certificates that are there can be wrong; any one that is right will do. */
static void check_names(const struct keys *keys, const struct parameters *parameters,
                        struct config_notes *notes)
{
    bool chains = parameters->smtpd_tls_chain_files[0] != '\0';
    enum parameter parameter =
        chains ? PARAMETER_smtpd_tls_chain_files : PARAMETER_smtpd_tls_cert_file;
    for (size_t i = 0; i < keys->count; i++)
        if (tls_key_covers(keys->list[i], slice_of(parameters->myhostname)))
            return;
    if (!chains && parameters->smtpd_tls_cert_file[0] == '\0')
        parameter = PARAMETER_smtpd_tls_eccert_file;
    const struct tls_key_facts *facts = tls_key_facts(keys->list[0]);
    config_note(notes, CONFIG_WARNING, parameter_origin(parameters, parameter),
                "%s: the certificate is for %.*s and does not name myhostname, %s; clients that "
                "check names will refuse it",
                parameter_row(parameter)->name,
                SLICE_PRINTF(config_quote(
                    slice_of(facts->dns_names[0] != '\0' ? facts->dns_names : facts->common_name))),
                parameters->myhostname);
}

/* ---- contexts ---- */

static bool parse_protocols(const struct parameters *parameters, enum parameter parameter,
                            const char *text, struct tls_protocols *out, struct config_notes *notes)
{
    struct err err = tls_protocols_parse(slice_of(text), out);
    if (!err_is(&err))
        return true;
    config_note(notes, CONFIG_ERROR, parameter_origin(parameters, parameter), "%s: %s",
                parameter_row(parameter)->name, err.text);
    return false;
}

/* Where TLS is a must, weak ciphers are worse than none; where it is not, they beat plain text. */
static struct tls_ciphers ciphers_for(bool mandatory)
{
    return (struct tls_ciphers){.grade = mandatory ? TLS_CIPHERS_INTERMEDIATE : TLS_CIPHERS_MEDIUM};
}

/* False when the file is not there, which was said when it was read. */
static bool want_certificates(const struct parameters *parameters, const struct file_set *files,
                              struct tls_client_certificates *out)
{
    *out = (struct tls_client_certificates){
        .asked = asks_for_certificates(parameters),
        .source = parameters->smtpd_tls_CAfile,
        .depth = (int)parameters->smtpd_tls_ccert_verifydepth,
        .digest = parameters->smtpd_tls_fingerprint_digest,
    };
    return !out->asked || !is_set(parameters->smtpd_tls_CAfile) ||
           file_set_find(files, parameters->smtpd_tls_CAfile, &out->authorities);
}

struct tls_context *tls_server_context(const struct config_service *service,
                                       const struct file_set *files, struct config_notes *notes)
{
    const struct parameters *parameters = service->parameters;
    bool mandatory = parameters->smtpd_tls_security_level == TLS_LEVEL_ENCRYPT ||
                     parameters->smtpd_tls_wrappermode;
    struct tls_server_settings settings = {.ciphers = ciphers_for(mandatory),
                                           .service = slice_of(service->name)};
    struct tls_context *context = NULL;
    struct keys keys = {.count = 0};
    bool good = parse_protocols(
        parameters,
        mandatory ? PARAMETER_smtpd_tls_mandatory_protocols : PARAMETER_smtpd_tls_protocols,
        mandatory ? parameters->smtpd_tls_mandatory_protocols : parameters->smtpd_tls_protocols,
        &settings.protocols, notes);
    good = good && (parameters->smtpd_tls_chain_files[0] != '\0'
                        ? add_chains(&keys, parameters, files, notes)
                        : add_pairs(&keys, parameters, files, notes));
    good = good && want_certificates(parameters, files, &settings.client_certificates);
    if (good) {
        check_names(&keys, parameters, notes);
        settings.keys = (const struct tls_key *const *)keys.list;
        settings.key_count = keys.count;
        struct err err = tls_context_new_server(&settings, &context);
        if (err_is(&err))
            config_note(notes, CONFIG_ERROR, &service->origin, "TLS: %s", err.text);
    }
    free_keys(&keys);
    return context;
}

struct tls_context *tls_client_context(const struct parameters *parameters,
                                       struct config_notes *notes)
{
    bool mandatory = parameters->smtp_tls_security_level == TLS_LEVEL_ENCRYPT;
    struct tls_client_settings settings = {.ciphers = ciphers_for(mandatory)};
    struct tls_context *context = NULL;
    if (!parse_protocols(
            parameters,
            mandatory ? PARAMETER_smtp_tls_mandatory_protocols : PARAMETER_smtp_tls_protocols,
            mandatory ? parameters->smtp_tls_mandatory_protocols : parameters->smtp_tls_protocols,
            &settings.protocols, notes))
        return NULL;
    struct err err = tls_context_new_client(&settings, &context);
    if (err_is(&err))
        config_note(notes, CONFIG_ERROR,
                    parameter_origin(parameters, PARAMETER_smtp_tls_security_level), "TLS: %s",
                    err.text);
    return context;
}
