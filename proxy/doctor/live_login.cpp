// L13, L14, L17 to L19: logging in with a password.
#include "proxy/doctor/live_login.hpp"

#include <openssl/x509.h>

#include "protocol/sqlstate.hpp"
#include "proxy/net/tls_context.hpp"

namespace pgweir::doctor {
namespace {

using namespace std::chrono_literals;
constexpr auto login_patience = 10s;

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

BackendLogin::Cleartext cleartext_for(const Probe& probe) {
  const config::ServerTls& tls = probe.target.database.tls;
  const bool is_verified = probe.wire.ssl() != nullptr && (tls.mode == config::TlsMode::verify_ca ||
                                                           tls.mode == config::TlsMode::verify_full);
  if (probe.target.database.iam)
    return is_verified ? BackendLogin::Cleartext::only : BackendLogin::Cleartext::no;
  return is_verified && tls.allow_cleartext_password ? BackendLogin::Cleartext::yes
                                                     : BackendLogin::Cleartext::no;
}

}  // namespace

std::vector<Evidence> words_of(const ServerRefusal& refusal) {
  return {{"server: " + (refusal.sqlstate.empty() ? "(no SQLSTATE)" : refusal.sqlstate), refusal.message}};
}

Finding judge_refusal(const Probe& probe, const ServerRefusal& refusal) {
  const std::vector<Evidence> said = words_of(refusal);
  const std::string& name = probe.target.database.name;
  const std::string& user = probe.target.user.name;
  if (has(refusal.message, "no pg_hba.conf entry")) {
    const bool plain = has(refusal.message, "no encryption") || has(refusal.message, "SSL off");
    return problem(
        "L13",
        plain ? "The server wants TLS (rds.force_ssl), and none is configured."
              : "The server admits this user, database or address not at all.",
        said,
        {plain ? "databases." + name + ".tls.mode: verify-full" : "an entry in the server's pg_hba.conf"});
  }
  if (refusal.sqlstate == sqlstate::invalid_password) {
    Finding found = problem("L14", "The server refuses the password of " + user + ".", said,
                            {"aws secretsmanager list-secret-version-ids --secret-id SECRET",
                             "ALTER ROLE " + user + " PASSWORD '...'"});
    found.causes = {"another password than the server's, or another user",
                    "a rotation is under way: the server has the next one already",
                    "the role is granted rds_iam, which takes tokens only"};
    return found;
  }
  if (refusal.message == BackendLogin::wants_cleartext)
    return problem(
        "L16",
        "The server asks for the password in clear text, as RDS does of users with rds_iam; it is not "
        "told.",
        said,
        {"databases." + name + ".iam: true", "REVOKE rds_iam FROM " + user,
         "databases." + name + ".tls.allow_cleartext_password: true, for LDAP and PAM"});
  if (has(refusal.message, "PAM authentication failed"))
    return problem(
        "L15", "The server refuses to log " + user + " in by IAM.", said,
        {"allow rds-db:connect on arn:aws:rds-db:REGION:ACCOUNT:dbuser:DBI_RESOURCE_ID/" + user,
         "aws rds modify-db-instance --db-instance-identifier DB --enable-iam-database-authentication",
         "GRANT rds_iam TO " + user});
  if (refusal.sqlstate == sqlstate::invalid_catalog_name)
    return problem("L17", "The database does not exist on that server.", said,
                   {"databases." + name + ".dbname: one of `SELECT datname FROM pg_database`"});
  if (refusal.sqlstate == sqlstate::too_many_connections) {
    Finding found = problem("L18", "The server has no connection left.", said,
                            {"pool.max_size: less, so that all instances together fit",
                             "SELECT usename, application_name, state, count(*) FROM pg_stat_activity GROUP "
                             "BY 1, 2, 3 ORDER BY 4 DESC"});
    found.causes = {"clients that connect without a pooler",
                    "pools that are too large together, as during a deployment"};
    return found;
  }
  if (refusal.sqlstate.starts_with("57P"))
    return problem(
        "L19", "The server starts, stops or fails over at the moment.", said,
        {"try again in a minute", "aws rds wait db-instance-available --db-instance-identifier DB"});
  return problem("L14", "Logging in fails.", said, {});
}

std::optional<ServerRefusal> try_login(Probe& probe, const std::string& user,
                                       const config::Secret& password) {
  const config::Database& database = probe.target.database;
  ByteBuffer end_point;
  if (SSL* const ssl = probe.wire.ssl()) end_point = certificate_end_point(SSL_get0_peer_certificate(ssl));
  const std::string& name = database.dbname.empty() ? user : database.dbname;
  return log_in(probe.wire, {user, password.reveal(), name, cleartext_for(probe)}, std::move(end_point),
                in(login_patience));
}

void pass_login(Probe& probe) {
  for (const char* const id : {"L13", "L14", "L17", "L18", "L19"})
    probe.report(passed(id, "The server logs the user in."));
}

bool log_in(Probe& probe) {
  const config::Database& database = probe.target.database;
  const config::User& user = probe.target.user;
  if (database.iam) return log_in_by_token(probe);
  for (const char* const id : {"L15", "L16"})
    probe.report(
        not_evaluated(id, "this database is not logged in to by IAM (databases." + database.name + ".iam)"));
  if (user.has_remote_secret()) return log_in_by_secret(probe);
  if (user.password.empty())
    return probe.stop(
        not_evaluated("L14", "the configuration holds no password of this user, but a verifier"),
        "the user's password is not known here");
  const auto refusal = try_login(probe, user.name, user.password);
  if (refusal) return probe.stop(judge_refusal(probe, *refusal), "logging in fails");
  pass_login(probe);
  return true;
}

}  // namespace pgweir::doctor
