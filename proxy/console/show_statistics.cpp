#include <algorithm>
#include <array>
#include <cmath>

#include "proxy/console/show_rows.hpp"

namespace pgweir::console {
namespace {

constexpr ColumnType numeric = ColumnType::numeric;

// One figure of SHOW STATS: what it is called in each table, and what it is an average of.
struct Figure {
  std::string_view total;                    // STATS
  std::string_view in_totals;                // STATS_TOTALS
  std::string_view average;                  // STATS, STATS_AVERAGES
  std::uint64_t PoolTotals::*of;             // the sum
  std::uint64_t PoolTotals::*per = nullptr;  // a time: divided by this count; otherwise by seconds
};

constexpr std::array<Figure, 12> figures{{
    {"total_server_assignment_count", "server_assignment_count", "avg_server_assignment_count",
     &PoolTotals::assignments},
    {"total_xact_count", "xact_count", "avg_xact_count", &PoolTotals::transactions},
    {"total_query_count", "query_count", "avg_query_count", &PoolTotals::queries},
    {"total_received", "bytes_received", "avg_recv", &PoolTotals::received},
    {"total_sent", "bytes_sent", "avg_sent", &PoolTotals::sent},
    {"total_xact_time", "xact_time", "avg_xact_time", &PoolTotals::transaction_us, &PoolTotals::transactions},
    {"total_query_time", "query_time", "avg_query_time", &PoolTotals::query_us, &PoolTotals::queries},
    {"total_wait_time", "wait_time", "avg_wait_time", &PoolTotals::wait_us, &PoolTotals::assignments},
    {"total_client_parse_count", "client_parse_count", "avg_client_parse_count", &PoolTotals::client_parses},
    {"total_server_parse_count", "server_parse_count", "avg_server_parse_count", &PoolTotals::server_parses},
    {"total_bind_count", "bind_count", "avg_bind_count", &PoolTotals::binds},
    {"total_client_login_count", "client_login_count", "avg_client_login_count", &PoolTotals::logins},
}};

std::string average_of(const Figure& figure, const Statistics::Average& average) {
  const double by = figure.per != nullptr ? static_cast<double>(average.totals.*figure.per) : average.seconds;
  if (by <= 0) return "0";
  return cell(static_cast<std::uint64_t>(std::llround(static_cast<double>(average.totals.*figure.of) / by)));
}

ConsoleTable table_of(const ShowContext& context, std::string_view Figure::*total_name, bool averages) {
  ConsoleTable table;
  table.columns.push_back({"database"});
  if (total_name != nullptr) {
    for (const Figure& figure : figures) table.columns.push_back({figure.*total_name, numeric});
  }
  if (averages) {
    for (const Figure& figure : figures) table.columns.push_back({figure.average, numeric});
  }
  for (const auto& [database, totals] : context.statistics.totals()) {
    ConsoleRow row{database};
    if (total_name != nullptr) {
      for (const Figure& figure : figures) row.push_back(cell(totals.*figure.of));
    }
    const Statistics::Average average = context.statistics.average(database, context.inventory.now);
    if (averages) {
      for (const Figure& figure : figures) row.push_back(average_of(figure, average));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace

ConsoleTable stats(const ShowContext& context) {
  return table_of(context, &Figure::total, true);
}
ConsoleTable stats_totals(const ShowContext& context) {
  return table_of(context, &Figure::in_totals, false);
}
ConsoleTable stats_averages(const ShowContext& context) {
  return table_of(context, nullptr, true);
}

ConsoleTable totals(const ShowContext& context) {
  ConsoleTable table{{{"name"}, {"value", numeric}}, {}};
  PoolTotals all;
  for (const auto& [database, each] : context.statistics.totals()) all += each;
  for (const Figure& figure : figures)
    table.rows.push_back({std::string(figure.total), cell(all.*figure.of)});
  return table;
}

}  // namespace pgweir::console
