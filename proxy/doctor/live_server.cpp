// L20 to L22: what the server says of itself.
#include <charconv>

#include "proxy/doctor/budget.hpp"
#include "proxy/doctor/live_probe.hpp"
#include "proxy/doctor/sql_session.hpp"

namespace pgweir::doctor {
namespace {

using namespace std::chrono_literals;
constexpr auto server_patience = 10s;

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

void ask_server(Probe& probe) {
  const auto rows = ask(probe.wire, questions, in(server_patience));
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
