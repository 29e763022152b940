#include <algorithm>
#include <map>

#include "proxy/console/show_rows.hpp"

namespace pgweir::console {
namespace {

constexpr ColumnType int4 = ColumnType::int4;
constexpr ColumnType int8 = ColumnType::int8;

const std::vector<ConsoleColumn>& connection_columns() {
  static const std::vector<ConsoleColumn> list{{"type"},
                                               {"user"},
                                               {"database"},
                                               {"replication"},
                                               {"state"},
                                               {"addr"},
                                               {"port", int4},
                                               {"local_addr"},
                                               {"local_port", int4},
                                               {"connect_time"},
                                               {"request_time"},
                                               {"wait", int4},
                                               {"wait_us", int4},
                                               {"close_needed", int4},
                                               {"ptr"},
                                               {"link"},
                                               {"remote_pid", int4},
                                               {"tls"},
                                               {"application_name"},
                                               {"prepared_statements", int4},
                                               {"id", int4}};
  return list;
}

struct Wait {
  std::string seconds;
  std::string micros;
};
Wait wait_of(std::optional<TimePoint> since, TimePoint now) {
  if (!since || now < *since) return {"0", "0"};
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(now - *since).count();
  return {cell(us / 1'000'000), cell(us % 1'000'000)};
}

std::string state_of(const ClientFacts& client) {
  switch (client.state) {
    case ClientFacts::State::login:
      return "login";
    case ClientFacts::State::idle:
      return "idle";
    case ClientFacts::State::active:
      return "active";
    case ClientFacts::State::waiting:
      return "waiting";
  }
  return {};
}

std::string state_of(const ServerFacts& server) {
  if (server.being_cancelled) return "being_canceled";
  return server.borrowed ? "active" : "idle";
}

ConsoleRow row_of(const ClientFacts& client, const Inventory& inventory) {
  const Wait wait = wait_of(client.waits_since, inventory.now);
  return {"C",
          client.user,
          client.database,
          "none",
          state_of(client),
          client.peer.address,
          cell(client.peer.port),
          client.local.address,
          cell(client.local.port),
          cell(inventory.wall_of(client.connected)),
          cell(inventory.wall_of(client.request)),
          wait.seconds,
          wait.micros,
          cell(client.closing),
          pointer(client.self),
          pointer(client.server),
          cell(client.server_pid),
          client.tls,
          client.application_name,
          cell(client.prepared_statements),
          cell(client.id)};
}

ConsoleRow row_of(const ServerFacts& server, const Inventory& inventory, std::size_t id) {
  return {"S",
          server.user,
          server.database,
          "none",
          state_of(server),
          server.remote.address,
          cell(server.remote.port),
          server.local.address,
          cell(server.local.port),
          cell(inventory.wall_of(server.connected)),
          cell(inventory.wall_of(server.request)),
          "0",
          "0",
          cell(server.outdated),
          pointer(server.self),
          pointer(server.client),
          cell(server.pid),
          server.tls,
          server.application_name,
          cell(server.prepared_statements),
          cell(id)};
}

bool is_listed(const ClientFacts& client) {
  return client.state != ClientFacts::State::login;
}

std::vector<const ClientFacts*> in_order(const Inventory& inventory, bool (*chosen)(const ClientFacts&)) {
  std::vector<const ClientFacts*> list;
  for (const ClientFacts& client : inventory.clients) {
    if (chosen(client)) list.push_back(&client);
  }
  std::sort(list.begin(), list.end(), [](auto* a, auto* b) { return a->id < b->id; });
  return list;
}

std::string whole_seconds(TimePoint since, TimePoint now) {
  return cell(std::chrono::duration_cast<std::chrono::seconds>(now - since).count());
}

}  // namespace

ConsoleTable clients(const ShowContext& context) {
  ConsoleTable table{connection_columns(), {}};
  for (const ClientFacts* client : in_order(context.inventory, is_listed))
    table.rows.push_back(row_of(*client, context.inventory));
  return table;
}

// Server connections have no number of their own: the process id on the server tells them apart, and may be
// the same on two servers.
ConsoleTable servers(const ShowContext& context) {
  ConsoleTable table{connection_columns(), {}};
  std::size_t id = 0;
  for (const ServerFacts& server : context.inventory.servers)
    table.rows.push_back(row_of(server, context.inventory, ++id));
  return table;
}

ConsoleTable sockets(const ShowContext& context, bool active_only) {
  ConsoleTable table = clients(context);
  for (ConsoleRow& row : servers(context).rows) table.rows.push_back(std::move(row));
  constexpr std::size_t state_column = 4;
  if (active_only) {
    std::erase_if(table.rows, [](const ConsoleRow& row) { return row[state_column] == "idle"; });
  }
  for (const std::string_view name :
       {"recv_pos", "pkt_pos", "pkt_remain", "send_pos", "send_remain", "pkt_avail", "send_avail"})
    table.columns.push_back({name, int4});
  for (ConsoleRow& row : table.rows) row.resize(table.columns.size(), "0");
  return table;
}

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
