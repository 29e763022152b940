// L13 to L22: the login, and what the server says of itself.
#include <openssl/x509.h>

#include <charconv>

#include "proxy/doctor/budget.hpp"
#include "proxy/doctor/live_probe.hpp"
#include "proxy/doctor/sql_session.hpp"
#include "proxy/tls_context.hpp"

namespace pgweir::doctor {
namespace {

using namespace std::chrono_literals;
constexpr auto patience = 10s;

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

Finding judge(const Probe& probe, const ServerRefusal& refusal) {
  const std::vector<Evidence> said{
      {"server: " + (refusal.sqlstate.empty() ? "(no SQLSTATE)" : refusal.sqlstate), refusal.message}};
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
  if (refusal.sqlstate == "28P01") {
    Finding found = problem("L14", "The server refuses the password of " + user + ".", said,
                            {"aws secretsmanager list-secret-version-ids --secret-id SECRET",
                             "ALTER ROLE " + user + " PASSWORD '...'"});
    found.causes = {"another password than the server's, or another user",
                    "a rotation is under way: the server has the next one already",
                    "the role is granted rds_iam, which takes tokens only"};
    return found;
  }
  if (has(refusal.message, "PAM authentication failed"))
    return problem(
        "L15", "The server refuses to log " + user + " in by IAM.", said,
        {"allow rds-db:connect on arn:aws:rds-db:REGION:ACCOUNT:dbuser:DBI_RESOURCE_ID/" + user,
         "aws rds modify-db-instance --db-instance-identifier DB --enable-iam-database-authentication",
         "GRANT rds_iam TO " + user});
  if (refusal.sqlstate == "3D000")
    return problem("L17", "The database does not exist on that server.", said,
                   {"databases." + name + ".dbname: one of `SELECT datname FROM pg_database`"});
  if (refusal.sqlstate == "53300") {
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

std::int64_t as_number(const std::string& text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

constexpr std::string_view questions =
    "SELECT pg_is_in_recovery(), current_setting('max_connections'), "
    "current_setting('superuser_reserved_connections'), "
    "coalesce(current_setting('rds.rds_superuser_reserved_connections', true), '0'), "
    "(SELECT setting FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'), "
    "(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'), "
    "(SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' AND now() - state_change > "
    "interval '1 minute'), "
    "(SELECT coalesce(string_agg(DISTINCT application_name, ', '), '') FROM pg_stat_activity "
    "WHERE state = 'idle in transaction' AND now() - state_change > interval '1 minute')";

void judge_budget(Probe& probe, const std::vector<std::string>& row) {
  const std::uint32_t sum = pools_towards(probe.target.settings, probe.target.database);
  const std::int64_t usable = as_number(row[1]) - as_number(row[2]) - as_number(row[3]);
  const std::int64_t needed = std::int64_t{sum} * probe.target.tasks * 2;
  const std::vector<Evidence> evidence{
      {"pools x tasks x 2 (deployment)",
       std::to_string(sum) + " x " + std::to_string(probe.target.tasks) + " x 2 = " + std::to_string(needed)},
      {"server: max_connections less reserved",
       row[1] + " - " + row[2] + " - " + row[3] + " = " + std::to_string(usable)},
      {"server: connected now", row[5]}};
  if (needed <= usable)
    return probe.report(
        passed("L21", "The pools fit into the server's connections, also while deploying.", evidence));
  probe.report(warning("L21", "While deploying, the pools may need more connections than the server has.",
                       evidence, {"pool.max_size: less, or fewer instances (--tasks)"}));
}

void judge_transactions(Probe& probe, const std::vector<std::string>& row) {
  const std::int64_t limit_ms = as_number(row[4]);
  const std::vector<Evidence> evidence{{"server: idle_in_transaction_session_timeout", row[4] + " ms"},
                                       {"server: idle in transaction for over a minute", row[6]},
                                       {"server: their application_name", row[7]}};
  constexpr std::int64_t day_ms = 86'400'000;
  if (as_number(row[6]) == 0 && limit_ms > 0 && limit_ms < day_ms)
    return probe.report(
        passed("L22", "No transaction was forgotten, and the server ends those that are.", evidence));
  const bool forgotten = as_number(row[6]) > 0;
  probe.report(warning(
      "L22",
      forgotten ? "Transactions are left open, each of which holds a connection."
                : "The server lets forgotten transactions live for a day or longer.",
      evidence,
      {"commit, or use autocommit: docs/lambda.md",
       "ALTER ROLE " + probe.target.user.name + " SET idle_in_transaction_session_timeout = '5min'"}));
}

}  // namespace

bool log_in(Probe& probe) {
  const config::User& user = probe.target.user;
  if (user.password.empty() || probe.target.database.iam)
    return probe.stop(not_evaluated("L14",
                                    "the configuration itself holds no password of this user, but a "
                                    "verifier, a secret in AWS, or IAM"),
                      "the user's password is not known here");
  ByteBuffer end_point;
  if (SSL* const ssl = probe.wire.ssl()) end_point = certificate_end_point(SSL_get0_peer_certificate(ssl));
  const std::string& database =
      probe.target.database.dbname.empty() ? user.name : probe.target.database.dbname;
  const auto refusal =
      log_in(probe.wire, user.name, user.password.reveal(), database, std::move(end_point), in(patience));
  probe.report(not_evaluated("L16", "no IAM token is made here"));
  if (refusal) {
    Finding found = judge(probe, *refusal);
    return probe.stop(std::move(found), "logging in fails");
  }
  for (const char* const id : {"L13", "L14", "L17", "L18", "L19"})
    probe.report(passed(id, "The server logs the user in."));
  probe.report(not_evaluated("L15", "the server took the password; IAM was not asked for"));
  return true;
}

void ask_server(Probe& probe) {
  const auto rows = ask(probe.wire, questions, in(patience));
  if (!rows || rows->size() != 1 || rows->front().size() != 8) {
    probe.stopped = "the server did not answer a query";
    return;
  }
  const std::vector<std::string>& row = rows->front();
  if (row[0] == "t") {
    Finding found =
        problem("L20", "The server is a replica: it takes no writes.", {{"server: pg_is_in_recovery()", "t"}},
                {"databases." + probe.target.database.name + ".host: the writer's endpoint"});
    found.causes = {"a reader's endpoint", "the name still leads to the old writer, after a failover"};
    probe.report(std::move(found));
  } else {
    probe.report(passed("L20", "The server takes writes."));
  }
  judge_budget(probe, row);
  judge_transactions(probe, row);
}

}  // namespace pgweir::doctor
