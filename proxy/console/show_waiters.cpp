// Tables that PgBouncer does not have: which clients keep a server connection, and which wait for one.
#include <algorithm>
#include <map>

#include "proxy/console/show_rows.hpp"

namespace pgweir::console {
namespace {

constexpr ColumnType int8 = ColumnType::int8;

std::string whole_seconds(TimePoint since, TimePoint now) {
  return cell(std::chrono::duration_cast<std::chrono::seconds>(now - since).count());
}

}  // namespace

ConsoleTable pins(const ShowContext& context) {
  const Inventory& inventory = context.inventory;
  ConsoleTable table{{{"database"},
                      {"user"},
                      {"client", int8},
                      {"reasons"},
                      {"since"},
                      {"seconds", int8},
                      {"ends"},
                      {"statement"},
                      {"application_name"},
                      {"addr"},
                      {"port", int4},
                      {"remote_pid", int4}},
                     {}};
  const auto is_pinned = [](const ClientFacts& client) { return !client.pins.empty(); };
  for (const ClientFacts* client : in_order(inventory, is_pinned)) {
    std::string ends;
    for (std::size_t i = 0; i < pin_count; ++i) {
      if (!client->pins.contains(static_cast<Pin>(i))) continue;
      ends += (ends.empty() ? "" : "; ") + std::string(text_of(static_cast<Pin>(i)).ends);
    }
    table.rows.push_back({client->database, client->user, cell(client->id), to_string(client->pins),
                          cell(inventory.wall_of(client->pinned_since)),
                          whole_seconds(client->pinned_since, inventory.now), ends, client->pinned_by,
                          client->application_name, client->peer.address, cell(client->peer.port),
                          cell(client->server_pid)});
  }
  return table;
}

// The next to be served first.
ConsoleTable waiters(const ShowContext& context) {
  const Inventory& inventory = context.inventory;
  ConsoleTable table{{{"database"},
                      {"user"},
                      {"position", int4},
                      {"client", int8},
                      {"since"},
                      {"wait", int4},
                      {"wait_us", int4},
                      {"application_name"},
                      {"addr"},
                      {"port", int4}},
                     {}};
  std::vector<const ClientFacts*> waiting =
      in_order(inventory, [](const ClientFacts& client) { return client.waits_since.has_value(); });
  std::stable_sort(waiting.begin(), waiting.end(),
                   [](auto* a, auto* b) { return *a->waits_since < *b->waits_since; });
  std::map<std::pair<std::string, std::string>, std::size_t> positions;
  for (const ClientFacts* client : waiting) {
    const Wait wait = wait_of(client->waits_since, inventory.now);
    table.rows.push_back({client->database, client->user, cell(++positions[{client->database, client->user}]),
                          cell(client->id), cell(inventory.wall_of(*client->waits_since)), wait.seconds,
                          wait.micros, client->application_name, client->peer.address,
                          cell(client->peer.port)});
  }
  return table;
}

}  // namespace pgweir::console
