// What the operator asked for: one immutable, typed snapshot of the YAML file. A reload makes a new one.
// Thread rule: immutable after load(); share it by std::shared_ptr<const Settings>.
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/network.hpp"

namespace pgweir::config {

using Millis = std::chrono::milliseconds;

// A string that must not reach a log, a metric or an error. Printing one prints "***".
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value);
  // Whenever a value goes (destruction, assignment, move) its memory is overwritten.
  ~Secret();
  Secret(const Secret&) = default;
  Secret(Secret&&) noexcept;
  Secret& operator=(const Secret&);
  Secret& operator=(Secret&&) noexcept;

  const std::string& reveal() const { return value_; }
  bool empty() const { return value_.empty(); }
  bool operator==(const Secret&) const = default;

 private:
  std::string value_;
};
std::ostream& operator<<(std::ostream& out, const Secret& secret);  // "***", or nothing for an empty one

// listen.tls.mode has the first three, databases.*.tls.mode all of them.
enum class TlsMode { disable, prefer, require, verify_ca, verify_full };
enum class AuthMethod { scram_sha_256, md5, trust };  // listen.auth
enum class PoolMode { transaction, session };         // pool.mode
enum class StateTracking { tracked, strict };         // pool.state
enum class SequenceValues { learn, pin };             // pool.sequence_values
enum class UnknownCode { close, trust };              // pool.unknown_code, of C libraries that are not known
enum class LogFormat { text, json };
enum class LogLevel { trace, debug, info, warning, error };

// The spelling of the YAML file.
std::string_view to_string(TlsMode mode);
std::string_view to_string(AuthMethod method);
std::string_view to_string(PoolMode mode);
std::string_view to_string(StateTracking state);
std::string_view to_string(SequenceValues values);
std::string_view to_string(UnknownCode code);
std::string_view to_string(LogFormat format);
std::string_view to_string(LogLevel level);

// Towards clients. Names of files are as they can be opened: relative ones stand beside the YAML file.
struct ListenTls {
  TlsMode mode = TlsMode::disable;
  std::string cert_file;       // PEM: the certificate, and those that lead to one that clients trust
  std::string key_file;        // PEM
  std::string client_ca_file;  // not empty: each client that speaks TLS needs a certificate of one of these
  Millis handshake_timeout{10'000};
  bool operator==(const ListenTls&) const = default;
};

// Towards a database server.
struct ServerTls {
  TlsMode mode =
      TlsMode::disable;   // when the file does not say: disable on a loopback host, else verify-full
  std::string ca_file;    // empty: the system's
  std::string cert_file;  // pgweir's own, where the server asks for one
  std::string key_file;
  bool direct = false;                    // TLS from the first byte, PostgreSQL 17 and later
  bool allow_cleartext_password = false;  // the password itself, where the server's certificate is verified
  bool operator==(const ServerTls&) const = default;
};

// Who may come, and how: the first rule that fits decides.
struct AccessRule {
  bool allow = true;
  std::vector<Network> networks;       // each empty list: any
  std::vector<std::string> databases;  // as clients name them
  std::vector<std::string> users;
  bool tls = false;  // fits connections with TLS only
  bool operator==(const AccessRule&) const = default;
};

struct Listen {
  std::string host = "127.0.0.1";
  std::uint16_t port = 6432;
  std::uint32_t max_clients = 10000;
  AuthMethod auth = AuthMethod::scram_sha_256;  // trust: only on a loopback host
  ListenTls tls;
  // Load balancers, whose connections begin with a header of the PROXY protocol, version 2, that names the
  // client. No other connection may. Empty: proxy_protocol is off.
  std::vector<Network> proxy_sources;
  // Another process may listen on the same address; the youngest gets all new clients.
  bool reuse_port = false;
  std::uint32_t drain_rate = 1000;  // clients ended in a second while draining; 0: all at once
};

struct Admin {
  std::string host = "127.0.0.1";
  std::uint16_t port = 9127;
  std::vector<std::string> console_users;  // who may use the console, pgweir's virtual database
  std::vector<std::string> stats_users;    // who may only look there
  bool watch_config = false;               // reload when the file changes
  // Databases without which no load balancer should send clients here. Empty: an instance that was ready
  // stays so while its databases are away.
  std::vector<std::string> ready_requires;
};

// The limits of one pool, of one (database, user).
struct Pool {
  PoolMode mode = PoolMode::transaction;
  StateTracking state = StateTracking::tracked;
  SequenceValues sequence_values = SequenceValues::learn;
  UnknownCode unknown_code = UnknownCode::close;
  bool trust_triggers = false;       // true: no trigger leaves anything in its session
  bool pin_notice = false;           // tell a client by a NOTICE when and why it is pinned
  std::uint32_t audit_every = 5000;  // one released backend in so many is checked; 0: none
  bool audit_close = true;           // close one that has state which was not known of
  std::uint32_t min_size =
      2;  // kept warm without any client; when the file does not say: 2, or max_size if less
  std::uint32_t max_size = 20;   // never exceeded, logins in progress and abandoned backends included
  std::uint32_t max_logins = 4;  // simultaneous logins to the server
  std::uint32_t max_prepared_statements = 200;  // kept on each backend; the least recently used one goes
  Millis borrow_timeout{120'000};
  Millis idle_timeout{600'000};        // 0: never
  Millis max_lifetime{3'600'000};      // 0: never; each backend takes 90 to 100 % of it
  Millis connect_timeout{5'000};       // TCP and login of one backend
  Millis role_check_interval{60'000};  // how often the server is asked about the role; 0: never
  bool operator==(const Pool&) const = default;
};

// Users who are not in the file; the server judges their passwords.
struct PassThrough {
  std::vector<std::string> users;   // names, or patterns with `*`; empty: none
  Millis recheck{300'000};          // how long a password that the server took is good without asking again
  Millis forget_after{600'000};     // a pool without clients goes after this long, and its password with it
  std::uint32_t max_unproven = 16;  // passwords that are being judged at a time

  bool on() const { return !users.empty(); }
};

struct Database {
  std::string name;  // what clients ask for; "*" matches any other
  std::string host;
  std::uint16_t port = 5432;
  std::string dbname;  // on the server; for "*" empty: the name that the client asked for
  ServerTls tls;
  bool iam = false;                // backends log in by tokens for RDS that are made here
  std::vector<std::string> users;  // who may use it and is kept warm; empty: every user of the file
  PassThrough pass_through;        // other users, whose passwords the server judges
  Pool pool;                       // the file's `pool`, overridden by the database's own
};

struct User {
  std::string name;
  Secret password;  // from password, password_env or password_file
  // As in pg_authid.rolpassword. Instead of a password: what a client proves with it opens the server, too.
  Secret scram_verifier = {};
  // Where the password is kept instead: the name or ARN of a secret of Secrets Manager, or the name of a
  // parameter of Systems Manager. At most one is not empty.
  std::string secret = {};
  std::string ssm_parameter = {};
  // Not empty: its clients prove one of these roles of AWS instead of a password. IAM's ARNs, without paths.
  std::vector<std::string> iam_roles = {};
  // Not empty: its clients show a certificate with this common name instead of proving a password.
  std::string certificate = {};

  // If so, the secret of the entry is for the server only.
  bool clients_need_no_password() const { return !iam_roles.empty() || !certificate.empty(); }
  bool has_remote_secret() const { return !secret.empty() || !ssm_parameter.empty(); }
};

// What is asked for secrets and identities, and how. Endpoints: empty is AWS' own of the region.
struct AwsEndpoints {
  std::string sts;
  std::string secretsmanager;
  std::string ssm;
  std::string container;  // http://169.254.170.2
  std::string imds;       // http://169.254.169.254
  bool operator==(const AwsEndpoints&) const = default;
};

struct Aws {
  std::string region;  // when the file does not say: AWS_REGION, or AWS_DEFAULT_REGION
  AwsEndpoints endpoints;
  std::string ca_file;    // PEM: who may have signed the endpoints' certificates; empty: the system's
  Millis timeout{5'000};  // of one call
  Millis secret_refresh{300'000};  // how often a secret is read again
  Millis secret_grace{3'600'000};  // how long a replaced password still lets clients in
  std::string server_id;           // what clients sign their tokens for
  Millis max_token_age{900'000};   // of a client's token
  bool operator==(const Aws&) const = default;
};

struct Timeouts {  // 0: no limit
  Millis client_login{60'000};
  Millis failed_login{3'000};  // how long at the most a wrong password waits for its answer; 0: not at all
  Millis client_idle{1'800'000};
  Millis idle_transaction{60'000};
  Millis client_write{60'000};  // without one byte taken, while it holds a backend
  Millis query{0};
  Millis drain{25'000};
  Millis drain_accept_grace{0};  // the part of it in which clients are still accepted
};

struct Metrics {
  bool emf = false;  // print metrics for CloudWatch on standard output
  std::string emf_namespace = "pgweir";
  std::string emf_proxy_name;  // the dimension ProxyName; empty: the host's name
  Millis emf_interval{60'000};
};

struct Log {
  LogFormat format = LogFormat::text;
  LogLevel level = LogLevel::info;
};

// Whether a client that asks for this database gets the console: by pgweir's name or by PgBouncer's.
constexpr bool is_console_database(std::string_view name) {
  return name == "pgweir" || name == "pgbouncer";
}

struct Settings {
  Listen listen;
  std::optional<std::uint32_t> workers;  // empty: auto
  Admin admin;
  std::optional<std::vector<AccessRule>> access;  // without it everybody may come from anywhere
  Pool pool;                                      // what databases have that do not say otherwise
  std::map<std::string, Database, std::less<>> databases;
  std::map<std::string, User, std::less<>> users;
  Aws aws;
  Timeouts timeouts;
  Metrics metrics;
  Log log;

  // The entry for a client's database name, "*" if there is no other; nullptr: no such database.
  const Database* find_database(std::string_view name) const;
  const User* find_user(std::string_view name) const;
  // In admin.console_users or stats_users.
  bool is_console_user(std::string_view name) const;
  // Whether anything in the file needs AWS.
  bool uses_aws() const;
};

}  // namespace pgweir::config
