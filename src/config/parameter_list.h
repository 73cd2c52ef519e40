/* Every parameter that Tuvi supports, one entry each: its kind, its name, who uses it, its default
 * (as main.cf would write it), what else its kind needs, and what it means. The parser, the checks,
 * `tuvi conf` and the manual pages all read this list. It is included with the kinds defined as
 * macros, which it undefines at its end:
 *
 *   FLAG(name, users, default, meaning)                     yes or no
 *   NUMBER(name, users, default, min, max, meaning)
 *   TIME(name, users, default, unit, min, meaning)          seconds; the unit is for bare numbers
 *   TEXT(name, users, default, meaning)                     may be empty; lists are texts
 *   NEEDED(name, users, default, meaning)                   a text that may not be empty
 *   RAW(name, users, default, meaning)                      a text in which $names stay as they are
 *   WORDS(name, users, default, set, meaning)               a list of words from word_set_SET
 *   CHOICE(name, users, default, type, meaning)             enum TYPE, one word of choices_TYPE
 *
 * Defaults are those of Postfix at the compatibility level that main.cf names, 3.6 if it names
 * none. A default that differs says so in its meaning. */

/* The machine and its names */

TEXT(compatibility_level, BY_ALL, "3.6",
     "The Postfix release whose defaults this configuration was written for. It decides the "
     "defaults of a few other parameters. Set it; 3.6 is assumed, with a warning, when it is "
     "missing.")
NEEDED(myhostname, BY_ALL, "",
       "The full name of this machine, which it says in greetings and in trace lines. The "
       "default is the name that the system has, with $mydomain behind it when that has no "
       "dot.")
NEEDED(mydomain, BY_ALL, "",
       "The domain of this site. The default is $myhostname without its first part, or "
       "localdomain.")
NEEDED(myorigin, BY_ALL, "$myhostname",
       "The domain that is put behind addresses without one. /etc/mailname stands for the "
       "first line of that file, as on Debian.")
TEXT(mail_name, BY_ALL, "Tuvi",
     "The name of the mail system, for the greeting and for notices. The default differs from "
     "Postfix's, which is Postfix.")
TEXT(mail_version, BY_ALL, TUVI_VERSION,
     "The version of the mail system, for those who put it in texts.")
NEEDED(syslog_name, BY_ALL, "${multi_instance_name?{$multi_instance_name}:{postfix}}",
       "What stands in front of the program's name in each log line: postfix/smtpd. Tools "
       "that read the logs of Postfix look for it.")
WORDS(syslog_facility, BY_ALL, "mail", facilities,
      "The facility under which the system's log files what is logged.")
TEXT(maillog_file, BY_ALL, "",
     "A file that gets the log lines instead of the system's log; /dev/stdout suits a "
     "container.")
NEEDED(queue_directory, BY_ALL, "/var/spool/postfix",
       "The folder of the queue. Relative paths of sockets, such as private/auth, begin here.")
TEXT(mail_owner, BY_ALL, "",
     "The user whose rights the workers have. When it is empty, as it is by default here, "
     "that is postfix if there is such a user, and otherwise tuvi.")
NUMBER(tuvi_workers, BY_ALL, "0", 0, 1024,
       "How many worker processes there are; 0 means one for each processor.")
NUMBER(tuvi_segment_size, BY_QUEUE, "67108864", 1048576, 4294967296,
       "How many bytes each file of the queue's log has.")
NUMBER(default_process_limit, BY_ALL, "100", 1, INT32_MAX,
       "How many mailbox writers and outgoing connections there may be at once. Where main.cf sets "
       "it, also how many sessions a service may have at once whose maxproc column in master.cf "
       "says -; otherwise such a service has no limit.")

/* The network */

TEXT(inet_interfaces, BY_ALL, "all",
     "The addresses on which services without an address of their own listen: all, "
     "loopback-only, or a list.")
WORDS(inet_protocols, BY_ALL, "all", protocols,
      "The internet protocols in use: ipv4, ipv6, or all.")
TEXT(mynetworks, BY_SMTPD, "",
     "The networks whose clients are trusted: they may send mail anywhere. A list of "
     "addresses and networks; ! in front of one takes it out. The default follows "
     "mynetworks_style.")
CHOICE(mynetworks_style, BY_ALL, "${{$compatibility_level} <level {2} ? {subnet} : {host}}",
       mynetworks_style,
       "What mynetworks is when it is not set: this machine alone, its subnets, or whole "
       "networks of class A, B or C.")

/* Trying things out */

FLAG(
    soft_bounce, BY_ALL, "no",
    "Whether nothing is refused or returned for good: replies of 5xx to clients become 4xx, and what "
    "another server refuses for good, or a mailbox cannot take, waits and is tried again. For trying "
    "out a configuration. Mail that is older than maximal_queue_lifetime is still returned.")

/* Which mail is for whom */

TEXT(mydestination, BY_ROUTING, "$myhostname, localhost.$mydomain, localhost",
     "The domains whose mail goes to $local_transport.")
TEXT(virtual_mailbox_domains, BY_ROUTING, "$virtual_mailbox_maps",
     "The domains whose mail goes to $virtual_transport.")
TEXT(virtual_mailbox_maps, BY_ROUTING, "",
     "Tables of the addresses that exist in the domains of virtual_mailbox_domains; when it "
     "is empty, all are taken to exist. Where virtual_transport is virtual, each stands for its "
     "mailbox below virtual_mailbox_base: a Maildir, whose name ends with a slash.")
TEXT(local_recipient_maps, BY_ROUTING, "proxy:unix:passwd.byname $alias_maps",
     "Tables of the users and addresses that exist in the domains of mydestination; when it is "
     "empty, all are taken to exist. Set it to nothing where they are in a server of its own, "
     "which gets their mail by LMTP.")
TEXT(relay_recipient_maps, BY_ROUTING, "",
     "Tables of the addresses that exist in the domains of relay_domains; when it is empty, all "
     "are taken to exist.")
TEXT(virtual_alias_domains, BY_ROUTING, "$virtual_alias_maps",
     "Domains whose every address is an alias for another one. Literal names only.")
TEXT(virtual_alias_maps, BY_ROUTING, "",
     "Tables that say whom an address stands for: one address or more, separated by commas. They "
     "are asked for every recipient when it is named. Keys: user@domain, user (at home here), "
     "@domain.")
NUMBER(virtual_alias_expansion_limit, BY_ROUTING, "1000", 1, 100000,
       "How many addresses one recipient may stand for, with those in between.")
TEXT(alias_maps, BY_ROUTING, "",
     "Tables that say whom a user of mydestination stands for: addresses, separated by commas. "
     "Commands, files and :include: are not supported yet. The default differs from Postfix's, "
     "which is the system's alias file.")
TEXT(relay_domains, BY_ROUTING, "${{$compatibility_level} <level {2} ? {$mydestination} : {}}",
     "Domains whose mail this server accepts and hands on to $relay_transport; their "
     "subdomains are meant too.")
TEXT(relayhost, BY_ROUTING, "",
     "The server that gets all mail for other places: a domain (its MX hosts are used), or "
     "[host]:port. Empty: each domain's own servers.")
NEEDED(default_transport, BY_ROUTING, "smtp",
       "How mail for all other domains travels: transport or transport:nexthop.")
NEEDED(relay_transport, BY_ROUTING, "relay", "How mail for relay_domains travels.")
NEEDED(virtual_transport, BY_ROUTING, "virtual",
       "How mail for virtual_mailbox_domains travels, for instance "
       "lmtp:unix:private/dovecot-lmtp.")
NEEDED(local_transport, BY_ROUTING, "local:$myhostname", "How mail for mydestination travels.")
TEXT(mailbox_transport, BY_ROUTING, "",
     "How mail for mydestination travels where local_transport is local, for instance "
     "lmtp:unix:private/dovecot-lmtp.")
TEXT(home_mailbox, BY_ROUTING, "",
     "The mailbox of a user of this machine, below the home folder: a Maildir, whose name ends "
     "with a slash, as in Maildir/.")
TEXT(virtual_mailbox_base, BY_ROUTING, "",
     "The folder below which the mailboxes of virtual_mailbox_maps are.")
TEXT(virtual_uid_maps, BY_ROUTING, "",
     "Tables of the user ids with whose rights virtual mailboxes are written, as in static:5000.")
TEXT(virtual_gid_maps, BY_ROUTING, "",
     "Tables of the group ids with whose rights virtual mailboxes are written, as in static:5000.")
NUMBER(virtual_minimum_uid, BY_ROUTING, "100", 1, INT32_MAX,
       "The lowest user id that virtual_uid_maps may name.")
FLAG(smtpd_reject_unlisted_recipient, BY_SMTPD, "yes",
     "Whether a recipient in one of our domains is refused when the domain's table does not have "
     "it.")
FLAG(smtpd_reject_unlisted_sender, BY_SMTPD, "no",
     "Whether mail is refused whose sender claims to be in one of our domains and is not in the "
     "domain's table.")
FLAG(append_at_myorigin, BY_ROUTING, "yes", "Whether an address without a domain gets @$myorigin.")
FLAG(append_dot_mydomain, BY_ROUTING, "${{$compatibility_level} <level {1} ? {yes} : {no}}",
     "Whether a domain without a dot gets .$mydomain.")
TEXT(recipient_delimiter, BY_ROUTING, "",
     "The characters that part a user's name from an extension, as in user+news@example.org.")

/* Receiving mail: the session */

TEXT(smtpd_banner, BY_SMTPD, "$myhostname ESMTP $mail_name",
     "What follows 220 in the greeting. RFC 5321 wants the host's name first.")
TIME(smtpd_timeout, BY_SMTPD, "${stress?{10}:{300}}s", 's', 1,
     "How long a client may take for its next command or for more of its mail.")
FLAG(smtpd_per_request_deadline, BY_SMTPD,
     "${smtpd_per_record_deadline?{$smtpd_per_record_deadline}:{${stress?{yes}:{no}}}}",
     "Whether smtpd_timeout is for all of a message and not for each of its pieces; what arrives "
     "lengthens it, see smtpd_min_data_rate. A command's time is for the whole command anyway.")
TEXT(smtpd_per_record_deadline, BY_SMTPD, "", "The old name of smtpd_per_request_deadline.")
NUMBER(smtpd_min_data_rate, BY_SMTPD, "500", 1, INT32_MAX,
       "How many bytes of a message must arrive in a second where smtpd_per_request_deadline is "
       "set: each that many give the client another second.")
TEXT(stress, BY_SMTPD, "",
     "yes for clients who come while all sessions of a service are taken; for use in other values, "
     "as in ${stress?{10}:{300}}. Not to be set.")
NEEDED(smtpd_policy_service_default_action, BY_SMTPD, "451 4.3.5 Server configuration problem",
       "What counts when a policy server cannot be asked: anything that access(5) has.")
TIME(smtpd_policy_service_max_idle, BY_SMTPD, "300s", 's', 1,
     "How long a connection to a policy server is kept while nothing is asked.")
TIME(smtpd_policy_service_max_ttl, BY_SMTPD, "1000s", 's', 1,
     "How long a connection to a policy server is used for new requests.")
TEXT(smtpd_policy_service_policy_context, BY_SMTPD, "",
     "What policy servers are told as policy_context, to know which service asks.")
NUMBER(smtpd_policy_service_request_limit, BY_SMTPD, "0", 0, INT32_MAX,
       "How many requests go over one connection to a policy server; 0 means any number.")
TIME(smtpd_policy_service_retry_delay, BY_SMTPD, "1s", 's', 1,
     "How long after a failure a policy server is asked again.")
TIME(smtpd_policy_service_timeout, BY_SMTPD, "100s", 's', 1,
     "How long a policy server may take to be reached and to answer.")
NUMBER(smtpd_policy_service_try_limit, BY_SMTPD, "2", 1, INT32_MAX,
       "How often a policy server is asked before smtpd_policy_service_default_action counts.")
TIME(smtpd_starttls_timeout, BY_SMTPD, "${stress?{10}:{300}}s", 's', 1,
     "How long a client may take for the TLS handshake.")
FLAG(smtpd_helo_required, BY_SMTPD, "no", "Whether a client must say HELO or EHLO before MAIL.")
TEXT(smtpd_forbidden_commands, BY_SMTPD, "CONNECT GET POST regexp:{{/^[^A-Z]/ Bogus}}",
     "Commands that no mail client sends: the connection ends. A line that looks like a header of "
     "a message ends it too. Names, and tables of names.")
TEXT(smtpd_noop_commands, BY_SMTPD, "", "Names of commands that are answered as NOOP is.")
TEXT(smtpd_discard_ehlo_keywords, BY_SMTPD, "",
     "Keywords that the answer to EHLO leaves out, as in chunking, etrn, silent-discard; the last "
     "one says that the log does not need to know. What they promise is refused.")
TEXT(smtpd_discard_ehlo_keyword_address_maps, BY_SMTPD, "",
     "Tables of client addresses with the keywords to be left out for them, in the place of "
     "smtpd_discard_ehlo_keywords.")
FLAG(smtpd_forbid_unauth_pipelining, BY_SMTPD, "no",
     "Whether the connection ends when a client sends on where it has to wait for an answer first.")
CHOICE(
    smtpd_forbid_bare_newline, BY_SMTPD, "normalize", bare_newline,
    "What becomes of lines that end in a line feed alone. normalize (or yes): they get the line "
    "end that they lack. reject: the client is told so, and the connection ends. no and note mean "
    "normalize here: a line feed alone never has a part in the end of a message. The default "
    "differs from Postfix 3.7's, which is no.")
TEXT(smtpd_forbid_bare_newline_exclusions, BY_SMTPD, "$mynetworks",
     "Networks whose clients smtpd_forbid_bare_newline = reject does not mean.")
NUMBER(smtpd_forbid_bare_newline_reject_code, BY_SMTPD, "550", 400, 599,
       "The reply code of smtpd_forbid_bare_newline = reject.")
FLAG(strict_rfc821_envelopes, BY_SMTPD, "no",
     "Whether addresses in MAIL and RCPT must stand in angle brackets.")
FLAG(
    smtputf8_enable, BY_SMTPD, "${{$compatibility_level} <level {1} ? {no} : {yes}}",
    "Whether mail with addresses and headers in UTF-8 is taken: SMTPUTF8 is offered. It goes on to "
    "servers that offer it too, and else comes back.")
FLAG(strict_smtputf8, BY_SMTPD, "no",
     "Whether addresses in UTF-8 are taken only where the client declares SMTPUTF8.")
FLAG(disable_vrfy_command, BY_SMTPD, "no",
     "Whether VRFY is refused, so that nobody can try out which addresses exist.")
NUMBER(smtpd_recipient_limit, BY_SMTPD, "1000", 1, INT32_MAX,
       "How many recipients one message may have.")
NUMBER(
    smtpd_recipient_overshoot_limit, BY_SMTPD, "1000", 1, INT32_MAX,
    "How many recipients beyond smtpd_recipient_limit are refused before each further one counts "
    "as a mistake of the client.")
TIME(smtpd_error_sleep_time, BY_SMTPD, "1s", 's', 0,
     "How long the answer to a mistake waits once a client has made more than "
     "smtpd_soft_error_limit.")
NUMBER(smtpd_soft_error_limit, BY_SMTPD, "10", 1, INT32_MAX,
       "After this many mistakes of a client, answers to its further mistakes are delayed.")
NUMBER(smtpd_hard_error_limit, BY_SMTPD, "${stress?{1}:{20}}", 1, INT32_MAX,
       "After this many mistakes the connection is closed.")
NUMBER(smtpd_junk_command_limit, BY_SMTPD, "${stress?{1}:{100}}", 1, INT32_MAX,
       "How many commands that do nothing (NOOP, RSET, VRFY …) a client may send before they "
       "count as mistakes.")
NUMBER(line_length_limit, BY_SMTPD, "2048", 512, INT32_MAX,
       "How many bytes a command line may have.")
NUMBER(message_size_limit, BY_SMTPD, "10240000", 0, INT64_MAX,
       "How many bytes a message may have, its header included; 0 means no limit.")
NUMBER(hopcount_limit, BY_SMTPD, "50", 1, INT32_MAX,
       "How many Received lines a message may have: more of them mean that it runs in a "
       "circle.")
NUMBER(
    header_size_limit, BY_SMTPD, "102400", 1, INT32_MAX,
    "How many bytes a field of a message's header may have, with all its lines. A message with a "
    "longer one is refused (552 5.6.0) at its end. Postfix takes it and cuts the field, without "
    "a word; Tuvi changes nothing in what it passes on. The headers of parts are not measured.")
TEXT(smtpd_upstream_proxy_protocol, BY_SMTPD, "",
     "haproxy: each connection begins with a header of the PROXY protocol, version 1 or 2, and the "
     "client is whom it names. Only the proxy must be able to reach such a service.")
TIME(smtpd_upstream_proxy_timeout, BY_SMTPD, "5s", 's', 1,
     "How long the header of smtpd_upstream_proxy_protocol may take.")
TEXT(
    smtpd_authorized_xclient_hosts, BY_SMTPD, "",
    "Networks and names of proxies and tests that may say with XCLIENT who the client is: its address, its "
    "name, even its login.")
TEXT(
    smtpd_authorized_xforward_hosts, BY_SMTPD, "",
    "Networks and names of content filters that may tell the log with XFORWARD from whom they have a "
    "message.")
FLAG(smtpd_hide_client_session, BY_SMTPD, "no",
     "Whether the Received line leaves out who the client is and how it came, as suits the mail of "
     "one's own users.")
FLAG(smtpd_client_port_logging, BY_SMTPD, "no", "Whether log lines name the client's port, too.")
FLAG(enable_long_queue_ids, BY_ALL, "no",
     "Whether queue ids are longer and never come again. Tuvi's never come again in either "
     "form.")

/* Receiving mail: how much one client may ask for */

NUMBER(smtpd_client_connection_count_limit, BY_SMTPD, "50", 0, INT32_MAX,
       "How many connections a client may have to a service at once, all workers together; 0 means "
       "no limit, here and below.")
NUMBER(smtpd_client_connection_rate_limit, BY_SMTPD, "0", 0, INT32_MAX,
       "How many connections a client may begin in anvil_rate_time_unit.")
NUMBER(smtpd_client_message_rate_limit, BY_SMTPD, "0", 0, INT32_MAX,
       "How many messages a client may begin in anvil_rate_time_unit, whether they are taken or "
       "not.")
NUMBER(smtpd_client_recipient_rate_limit, BY_SMTPD, "0", 0, INT32_MAX,
       "How many recipients a client may name in anvil_rate_time_unit, whether they are taken or "
       "not.")
NUMBER(smtpd_client_new_tls_session_rate_limit, BY_SMTPD, "0", 0, INT32_MAX,
       "How many TLS sessions a client may begin in anvil_rate_time_unit, those that are resumed "
       "not counted.")
NUMBER(smtpd_client_auth_rate_limit, BY_SMTPD, "0", 0, INT32_MAX,
       "How many times a client may say AUTH in anvil_rate_time_unit.")
TEXT(smtpd_client_event_limit_exceptions, BY_SMTPD,
     "${smtpd_client_connection_limit_exceptions?{$smtpd_client_connection_limit_exceptions}:"
     "{$mynetworks}}",
     "Networks whose clients are not counted and not limited.")
TEXT(smtpd_client_connection_limit_exceptions, BY_SMTPD, "",
     "The old name of smtpd_client_event_limit_exceptions.")
TIME(anvil_rate_time_unit, BY_SMTPD, "60s", 's', 1,
     "How long connections, messages and the like count for the rates of a client.")
NUMBER(smtpd_client_ipv4_prefix_length, BY_SMTPD, "32", 0, 32,
       "How many bits of an IPv4 address name a client; those who have them in common are counted "
       "together.")
NUMBER(smtpd_client_ipv6_prefix_length, BY_SMTPD, "84", 0, 128,
       "How many bits of an IPv6 address name a client. The default is that of Postfix 3.12.")

/* Receiving mail: who may send */

TEXT(smtpd_client_restrictions, BY_SMTPD, "", "Rules about the client's name and address.")
TEXT(smtpd_helo_restrictions, BY_SMTPD, "", "Rules about the name that the client says in HELO.")
TEXT(smtpd_sender_restrictions, BY_SMTPD, "", "Rules about the sender that MAIL names.")
TEXT(smtpd_relay_restrictions, BY_SMTPD,
     "${{$compatibility_level} <level {1} ? {} : "
     "{permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination}}",
     "Who may send mail to other places through this server. Tried for each recipient; the "
     "first rule that permits or refuses decides.")
TEXT(smtpd_recipient_restrictions, BY_SMTPD, "",
     "Further rules for each recipient, such as refusing what is spam.")
FLAG(smtpd_relay_before_recipient_restrictions, BY_SMTPD,
     "${{$compatibility_level} <level {3.6} ? {no} : {yes}}",
     "Whether smtpd_relay_restrictions are tried before smtpd_recipient_restrictions.")
TEXT(smtpd_data_restrictions, BY_SMTPD, "", "Rules that are tried when the client says DATA.")
TEXT(smtpd_end_of_data_restrictions, BY_SMTPD, "",
     "Rules that are tried when the whole message is there.")
FLAG(smtpd_delay_reject, BY_SMTPD, "yes",
     "Whether the rules about client, HELO and sender wait until a recipient is named, so that the "
     "log can say whose mail was refused.")
TEXT(smtpd_restriction_classes, BY_SMTPD, "",
     "Names of parameters of your own, which hold lists of rules and can be named where a rule "
     "can.")
TEXT(parent_domain_matches_subdomains, BY_ROUTING,
     "debug_peer_list, fast_flush_domains, mynetworks, permit_mx_backup_networks, "
     "qmqpd_authorized_clients, relay_domains, smtpd_access_maps",
     "Where example.org stands for the domains below it, too; elsewhere .example.org does. Tuvi "
     "looks for relay_domains and smtpd_access_maps.")
TEXT(smtpd_null_access_lookup_key, BY_SMTPD, "<>",
     "The name of the empty sender address in tables of check_sender_access.")
TEXT(smtpd_sender_login_maps, BY_SMTPD, "",
     "Tables that say which login owns a sender address, for reject_sender_login_mismatch and its "
     "kin.")
NUMBER(reject_code, BY_SMTPD, "554", 400, 599, "The code of a reply that reject gives.")
NUMBER(defer_code, BY_SMTPD, "450", 400, 599, "The code of a reply that defer gives.")
NUMBER(relay_domains_reject_code, BY_SMTPD, "554", 400, 599,
       "The code of a reply that reject_unauth_destination gives.")
NUMBER(access_map_reject_code, BY_SMTPD, "554", 400, 599,
       "The code of a reply that REJECT in an access table gives.")
NUMBER(access_map_defer_code, BY_SMTPD, "450", 400, 599,
       "The code of a reply that DEFER in an access table gives.")
NUMBER(invalid_hostname_reject_code, BY_SMTPD, "501", 400, 599,
       "The code of a reply that reject_invalid_helo_hostname gives.")
NUMBER(non_fqdn_reject_code, BY_SMTPD, "504", 400, 599,
       "The code of a reply that reject_non_fqdn_sender and its kin give.")
NUMBER(multi_recipient_bounce_reject_code, BY_SMTPD, "550", 400, 599,
       "The code of a reply that reject_multi_recipient_bounce gives.")
NUMBER(plaintext_reject_code, BY_SMTPD, "450", 400, 599,
       "The code of a reply that reject_plaintext_session gives.")
NUMBER(unknown_local_recipient_reject_code, BY_SMTPD, "550", 400, 599,
       "The code of a reply about an address that local_recipient_maps does not have.")
NUMBER(unknown_relay_recipient_reject_code, BY_SMTPD, "550", 400, 599,
       "The code of a reply about an address that relay_recipient_maps does not have.")
NUMBER(unknown_address_reject_code, BY_SMTPD, "450", 400, 599,
       "The code of a reply to an address whose domain is not in the DNS: "
       "reject_unknown_sender_domain, reject_unknown_recipient_domain.")
FLAG(smtpd_peername_lookup, BY_SMTPD, "yes",
     "Look in the DNS for the client's name, for five seconds at most. It counts when the name "
     "has the client's address; else the client is unknown. Unlike Postfix, Tuvi does not look "
     "into /etc/hosts for this.")
NUMBER(maps_rbl_reject_code, BY_SMTPD, "554", 400, 599,
       "The code of a reply to what a DNS list speaks against, $rbl_code in its text: "
       "reject_rbl_client, reject_rhsbl_sender and their kin.")
RAW(default_rbl_reply, BY_SMTPD,
    "$rbl_code Service unavailable; $rbl_class [$rbl_what] blocked using "
    "$rbl_domain${rbl_reason?; $rbl_reason}",
    "The reply to what a DNS list speaks against. Names in it stand for what is known of the mail: "
    "rbl_code, rbl_domain, rbl_reason (the list's TXT record), rbl_what, rbl_class, client, "
    "client_name, client_address, reverse_client_name, helo_name, sender, sender_name, "
    "sender_domain, recipient, recipient_name, recipient_domain, server_name.")
TEXT(rbl_reply_maps, BY_SMTPD, "",
     "Tables with other replies, by DNS list: with its filter as it is written, or without.")
NUMBER(unknown_client_reject_code, BY_SMTPD, "450", 400, 599,
       "The code of a reply to a client whose name is not known: reject_unknown_client_hostname, "
       "reject_unknown_reverse_client_hostname.")
NUMBER(unknown_hostname_reject_code, BY_SMTPD, "450", 400, 599,
       "The code of a reply to a HELO name that is not in the DNS: reject_unknown_helo_hostname.")
CHOICE(reject_tempfail_action, BY_SMTPD, "defer_if_permit", tempfail_action,
       "What becomes of mail when a restriction could not find out what it has to know: "
       "defer_if_permit lets others refuse it for good, defer puts it off at once.")
CHOICE(unknown_address_tempfail_action, BY_SMTPD, "$reject_tempfail_action", tempfail_action,
       "The same for reject_unknown_sender_domain and reject_unknown_recipient_domain alone.")
CHOICE(unknown_helo_hostname_tempfail_action, BY_SMTPD, "$reject_tempfail_action", tempfail_action,
       "The same for reject_unknown_helo_hostname alone.")
NUMBER(unknown_virtual_alias_reject_code, BY_SMTPD, "550", 400, 599,
       "The code of a reply about an address that virtual_alias_maps does not have.")
NUMBER(unknown_virtual_mailbox_reject_code, BY_SMTPD, "550", 400, 599,
       "The code of a reply about an address that virtual_mailbox_maps does not have.")

TEXT(smtpd_reject_filter_maps, BY_SMTPD, "",
     "Tables that are asked for each whole reply of 4xx or 5xx, and name the one that takes its "
     "place. Postfix has it since 3.11.")
RAW(smtpd_reject_footer, BY_SMTPD, "",
    "What is said below each reply of 4xx or 5xx, in lines of its own; \\n begins another line, "
    "\\c at the start stays in the line of the reply. Names in it stand for what is known: "
    "client, client_address, client_name, client_port, reverse_client_name, helo_name, sender, "
    "recipient (the first that was taken), localtime, server_name.")
TEXT(smtpd_reject_footer_maps, BY_SMTPD, "",
     "Tables that are asked for each whole reply of 4xx or 5xx, and say what is said below it in "
     "the place of smtpd_reject_footer.")

TEXT(
    content_filter, BY_SMTPD, "",
    "Where all mail that a service takes goes first, as transport:nexthop, whoever it is for: to a "
    "program that looks at it and brings it back to another service, which has -o content_filter= "
    "in master.cf. What FILTER and REDIRECT in access tables say comes before it. It must be a "
    "transport of smtp or lmtp; pipe is not supported yet.")
WORDS(
    receive_override_options, BY_SMTPD, "", overrides,
    "What a service leaves out, on one of the two sides of a content filter. no_address_mappings: "
    "aliases are not resolved, which suits the side before it. no_unknown_recipient_checks: "
    "recipients are not looked for in tables. no_header_body_checks, no_milters: there are none.")

/* Receiving mail: authentication */

FLAG(smtpd_sasl_auth_enable, BY_SMTPD, "no", "Whether clients can log in with AUTH.")
CHOICE(smtpd_sasl_type, BY_SMTPD, "dovecot", sasl_type,
       "Who checks passwords: Dovecot over its authentication socket, or a file of our own. "
       "The default differs from Postfix's, which is cyrus.")
TEXT(smtpd_sasl_path, BY_SMTPD, "smtpd",
     "Where the checker is: for dovecot a socket's path, below queue_directory if it is "
     "relative; for file the file.")
WORDS(smtpd_sasl_security_options, BY_SMTPD, "noanonymous", sasl_options,
      "Which kinds of mechanism are not offered without TLS.")
WORDS(smtpd_sasl_tls_security_options, BY_SMTPD, "$smtpd_sasl_security_options", sasl_options,
      "Which kinds of mechanism are not offered inside TLS.")
FLAG(smtpd_sasl_authenticated_header, BY_SMTPD, "no",
     "Whether the Received line names the user who logged in.")
TEXT(smtpd_sasl_local_domain, BY_SMTPD, "", "The realm of user names that come without one.")
NUMBER(smtpd_sasl_response_limit, BY_SMTPD, "12288", 12288, 1048576,
       "How many bytes a client's answer to a challenge may have.")
NEEDED(smtpd_sasl_service, BY_SMTPD, "smtp",
       "The service's name, as the checker of passwords is told.")
FLAG(broken_sasl_auth_clients, BY_SMTPD, "no",
     "Whether the mechanisms are announced a second time in the form AUTH=…, which some very "
     "old clients want.")

/* Receiving mail: TLS */

CHOICE(smtpd_tls_security_level, BY_SMTPD, "", tls_level,
       "none: no TLS. may: STARTTLS is offered. encrypt: mail is taken inside TLS only. When "
       "it is empty, smtpd_enforce_tls and smtpd_use_tls decide.")
FLAG(smtpd_use_tls, BY_SMTPD, "no", "The old way to write smtpd_tls_security_level = may.")
FLAG(smtpd_enforce_tls, BY_SMTPD, "no", "The old way to write smtpd_tls_security_level = encrypt.")
FLAG(smtpd_tls_wrappermode, BY_SMTPD, "no",
     "Whether TLS begins with the connection, without STARTTLS, as on port 465.")
FLAG(smtpd_tls_auth_only, BY_SMTPD, "yes",
     "Whether AUTH is offered inside TLS only. The default differs from Postfix's, which is "
     "no and lets passwords travel in the clear.")
TEXT(smtpd_tls_cert_file, BY_SMTPD, "",
     "The file with the server's RSA certificate, followed by those of its issuers, in PEM.")
TEXT(smtpd_tls_key_file, BY_SMTPD, "$smtpd_tls_cert_file",
     "The file with the private key of smtpd_tls_cert_file.")
TEXT(smtpd_tls_eccert_file, BY_SMTPD, "", "The file with the server's ECDSA certificate.")
TEXT(smtpd_tls_eckey_file, BY_SMTPD, "$smtpd_tls_eccert_file",
     "The file with the private key of smtpd_tls_eccert_file.")
TEXT(smtpd_tls_chain_files, BY_SMTPD, "",
     "Files with a private key and its certificates each, in that order; they take the place "
     "of the four parameters before.")
FLAG(smtpd_tls_ask_ccert, BY_SMTPD, "no",
     "Whether clients are asked for a certificate, for permit_tls_clientcerts and its kin.")
FLAG(smtpd_tls_req_ccert, BY_SMTPD, "no",
     "Whether clients must have a certificate that an authority of smtpd_tls_CAfile vouches for. "
     "Where TLS is not demanded they are only asked for one.")
TEXT(smtpd_tls_CAfile, BY_SMTPD, "",
     "The file with the certificates of the authorities that are trusted to vouch for clients, in "
     "PEM. Only these are; those of the system are not.")
NUMBER(smtpd_tls_ccert_verifydepth, BY_SMTPD, "9", 0, 100,
       "How many issuers may stand between a client's certificate and an authority.")
TEXT(smtpd_tls_fingerprint_digest, BY_SMTPD,
     "${{$compatibility_level} <level {3.6} ? {md5} : {sha256}}",
     "The message digest of the fingerprints of clients' certificates.")
TEXT(relay_clientcerts, BY_SMTPD, "",
     "Tables with the fingerprints of certificates, or of their public keys, whose owners "
     "permit_tls_clientcerts permits.")
FLAG(smtpd_tls_received_header, BY_SMTPD, "no",
     "Whether the Received line names protocol and cipher.")
NUMBER(smtpd_tls_loglevel, BY_SMTPD, "0", 0, 4,
       "How much is logged about TLS: 0 nothing, 1 each session, more for debugging.")
TEXT(smtpd_tls_protocols, BY_SMTPD, ">=TLSv1",
     "The protocol versions spoken where TLS is offered: >=TLSv1.2, or !TLSv1, !TLSv1.1.")
TEXT(smtpd_tls_mandatory_protocols, BY_SMTPD, ">=TLSv1.2",
     "The protocol versions spoken where TLS is demanded. The default differs from Postfix "
     "3.7's, which is >=TLSv1.")

/* Sending mail */

CHOICE(smtp_tls_security_level, BY_SMTP, "", tls_level,
       "none: no TLS. may: TLS where the other server offers it. encrypt: nothing is sent "
       "without TLS. When it is empty, smtp_enforce_tls and smtp_use_tls decide.")
FLAG(smtp_use_tls, BY_SMTP, "no", "The old way to write smtp_tls_security_level = may.")
FLAG(smtp_enforce_tls, BY_SMTP, "no", "The old way to write smtp_tls_security_level = encrypt.")
NUMBER(smtp_tls_loglevel, BY_SMTP, "0", 0, 4,
       "How much is logged about TLS with other servers; see smtpd_tls_loglevel.")
TEXT(smtp_tls_protocols, BY_SMTP, ">=TLSv1",
     "The protocol versions spoken where TLS is used but not demanded.")
TEXT(smtp_tls_mandatory_protocols, BY_SMTP, ">=TLSv1",
     "The protocol versions spoken where TLS is demanded.")
CHOICE(smtp_dns_support_level, BY_SMTP, "", dns_level,
       "disabled: no DNS at all. enabled: DNS. dnssec: answers count only as far as the "
       "resolver has checked them. When it is empty, disable_dns_lookups decides.")
TEXT(
    tuvi_dns_servers, BY_ALL, "",
    "The DNS servers that are asked where mail goes, as address or address@port. When it is empty, "
    "those of /etc/resolv.conf.")
FLAG(disable_dns_lookups, BY_SMTP, "no",
     "The older way to write smtp_dns_support_level = disabled.")
FLAG(disable_mime_output_conversion, BY_SMTP, "no",
     "Whether content with bytes beyond ASCII is sent as it is to servers that do not offer "
     "8BITMIME. Otherwise it becomes quoted-printable on the way to them, and to them alone; a "
     "signature over it, such as DKIM's, is broken then. Text that does not say how it is encoded "
     "gets a header that does, where Postfix sends it as it is. What cannot be converted, because "
     "such bytes stand in a part that is encoded already or that may not be encoded, is returned "
     "(5.6.3). Bytes beyond ASCII in headers stay.")
NEEDED(smtp_helo_name, BY_SMTP, "$myhostname", "The name that is said in EHLO.")
TEXT(
    smtp_bind_address, BY_SMTP, "",
    "The IPv4 address of this machine from which we connect to servers; empty: the system's choice.")
TEXT(smtp_bind_address6, BY_SMTP, "", "The same for IPv6.")
FLAG(
    smtp_bind_address_enforce, BY_SMTP, "no",
    "Whether mail waits when smtp_bind_address or smtp_bind_address6 cannot be used. Otherwise the "
    "system chooses, and the log says so.")
TIME(smtp_connect_timeout, BY_SMTP, "30s", 's', 0,
     "How long a connection may take; 0 leaves it to the system.")
TIME(smtp_helo_timeout, BY_SMTP, "300s", 's', 1,
     "How long the greeting, and the answer to EHLO, may take.")
TIME(smtp_starttls_timeout, BY_SMTP, "300s", 's', 1,
     "How long STARTTLS and the handshake may take.")
TIME(smtp_mail_timeout, BY_SMTP, "300s", 's', 1, "How long the answer to MAIL may take.")
TIME(smtp_rcpt_timeout, BY_SMTP, "300s", 's', 1, "How long the answer to RCPT may take.")
TIME(smtp_data_init_timeout, BY_SMTP, "120s", 's', 1, "How long the answer to DATA may take.")
TIME(smtp_data_xfer_timeout, BY_SMTP, "180s", 's', 1,
     "How long sending may stand still inside a message.")
TIME(smtp_data_done_timeout, BY_SMTP, "600s", 's', 1,
     "How long the answer to a whole message may take.")
TIME(smtp_quit_timeout, BY_SMTP, "300s", 's', 1, "How long the answer to QUIT may take.")
NUMBER(smtp_destination_concurrency_limit, BY_QUEUE, "$default_destination_concurrency_limit", 0,
       INT32_MAX, "How many connections one destination gets at once; 0 means no limit.")
NUMBER(smtp_destination_recipient_limit, BY_QUEUE, "$default_destination_recipient_limit", 0,
       INT32_MAX, "How many recipients are sent with one message; 0 means no limit.")

/* Handing mail to mailboxes over LMTP */

CHOICE(lmtp_tls_security_level, BY_SMTP, "", tls_level,
       "none: no TLS. may: TLS where the other server offers it. encrypt: nothing is sent "
       "without TLS. Empty means none.")
NUMBER(lmtp_tls_loglevel, BY_SMTP, "0", 0, 4,
       "How much is logged about TLS with LMTP servers; see smtpd_tls_loglevel.")
NEEDED(lmtp_lhlo_name, BY_SMTP, "$myhostname", "The name that is said in LHLO.")
TEXT(
    lmtp_bind_address, BY_SMTP, "",
    "The IPv4 address of this machine from which we connect to LMTP servers; empty: the system's choice.")
TEXT(lmtp_bind_address6, BY_SMTP, "", "The same for IPv6.")
FLAG(
    lmtp_bind_address_enforce, BY_SMTP, "no",
    "Whether mail waits when lmtp_bind_address or lmtp_bind_address6 cannot be used. Otherwise the "
    "system chooses, and the log says so.")
TIME(lmtp_connect_timeout, BY_SMTP, "0s", 's', 0,
     "How long a connection to an LMTP server may take; 0 leaves it to the system.")
TIME(lmtp_lhlo_timeout, BY_SMTP, "300s", 's', 1,
     "How long an LMTP server's greeting, and its answer to LHLO, may take.")
TIME(lmtp_starttls_timeout, BY_SMTP, "300s", 's', 1,
     "How long STARTTLS and the handshake may take over LMTP.")
TIME(lmtp_mail_timeout, BY_SMTP, "300s", 's', 1, "How long LMTP's answer to MAIL may take.")
TIME(lmtp_rcpt_timeout, BY_SMTP, "300s", 's', 1, "How long LMTP's answer to RCPT may take.")
TIME(lmtp_data_init_timeout, BY_SMTP, "120s", 's', 1, "How long LMTP's answer to DATA may take.")
TIME(lmtp_data_xfer_timeout, BY_SMTP, "180s", 's', 1,
     "How long sending over LMTP may stand still inside a message.")
TIME(lmtp_data_done_timeout, BY_SMTP, "600s", 's', 1,
     "How long each recipient's answer to a whole message may take.")
TIME(lmtp_quit_timeout, BY_SMTP, "300s", 's', 1, "How long LMTP's answer to QUIT may take.")
FLAG(lmtp_assume_final, BY_SMTP, "no",
     "Whether a report of success says of mail that an LMTP server took that it was delivered, "
     "instead of relayed.")
NUMBER(lmtp_destination_concurrency_limit, BY_QUEUE, "$default_destination_concurrency_limit", 0,
       INT32_MAX, "How many connections one LMTP server gets at once; 0 means no limit.")
NUMBER(lmtp_destination_recipient_limit, BY_QUEUE, "$default_destination_recipient_limit", 0,
       INT32_MAX, "How many recipients one message has over LMTP; 0 means no limit.")

/* The queue */

TIME(minimal_backoff_time, BY_QUEUE, "300s", 's', 1,
     "How long a message waits at least after an attempt that failed.")
TIME(maximal_backoff_time, BY_QUEUE, "4000s", 's', 1,
     "How long a message waits at most after an attempt that failed.")
TIME(maximal_queue_lifetime, BY_QUEUE, "5d", 'd', 0,
     "How long delivery is tried before the mail is returned; 0 means one attempt.")
TIME(bounce_queue_lifetime, BY_QUEUE, "5d", 'd', 0,
     "The same for notices, which are dropped instead.")
TIME(delay_warning_time, BY_QUEUE, "0h", 'h', 0,
     "After how long the sender of mail that is still not delivered is told so, once; 0 means "
     "never.")
FLAG(confirm_delay_cleared, BY_QUEUE, "no",
     "Whether a sender who was told that mail is late is told when it goes on. After a long outage "
     "that can be many notices at once.")
NUMBER(bounce_size_limit, BY_QUEUE, "50000", 1, INT32_MAX,
       "How many bytes a message may have to come back whole with a notice; of a longer one "
       "the header comes back.")
NUMBER(default_destination_concurrency_limit, BY_QUEUE, "20", 0, INT32_MAX,
       "How many deliveries to one destination run at once; 0 means no limit.")
NUMBER(initial_destination_concurrency, BY_QUEUE, "5", 1, INT32_MAX,
       "How many deliveries to a new destination run at once until the first has ended.")
NUMBER(default_destination_recipient_limit, BY_QUEUE, "50", 0, INT32_MAX,
       "How many recipients one delivery has; 0 means no limit.")
NUMBER(qmgr_message_active_limit, BY_QUEUE, "20000", 1, INT32_MAX,
       "How many messages are worked on at once.")

#undef FLAG
#undef NUMBER
#undef TIME
#undef TEXT
#undef RAW
#undef NEEDED
#undef WORDS
#undef CHOICE
