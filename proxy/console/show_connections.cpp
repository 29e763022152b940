#include <algorithm>
#include <array>

#include "proxy/console/show_rows.hpp"

namespace pgweir::console {
namespace {

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

// What both kinds of connections have in common; of the facts that it is made from.
struct Line {
  const char* type;
  const std::string& user;
  const std::string& database;
  std::string state;
  const Endpoint& remote;
  const Endpoint& local;
  std::string connect_time;
  std::string request_time;
  Wait wait;
  bool close_needed;
  const void* self;
  const void* link;
  std::uint32_t remote_pid;
  const std::string& tls;
  const std::string& application_name;
  std::size_t prepared_statements;
  std::uint64_t id;
};

Line line_of(const ClientFacts& client, const Inventory& inventory) {
  return {.type = "C",
          .user = client.user,
          .database = client.database,
          .state = state_of(client),
          .remote = client.peer,
          .local = client.local,
          .connect_time = cell(inventory.wall_of(client.connected)),
          .request_time = cell(inventory.wall_of(client.request)),
          .wait = wait_of(client.waits_since, inventory.now),
          .close_needed = client.closing,
          .self = client.self,
          .link = client.server,
          .remote_pid = client.server_pid,
          .tls = client.tls,
          .application_name = client.application_name,
          .prepared_statements = client.prepared_statements,
          .id = client.id};
}

Line line_of(const ServerFacts& server, const Inventory& inventory, std::uint64_t id) {
  return {.type = "S",
          .user = server.user,
          .database = server.database,
          .state = state_of(server),
          .remote = server.remote,
          .local = server.local,
          .connect_time = cell(inventory.wall_of(server.connected)),
          .request_time = cell(inventory.wall_of(server.request)),
          .wait = wait_of({}, inventory.now),
          .close_needed = server.outdated,
          .self = server.self,
          .link = server.client,
          .remote_pid = server.pid,
          .tls = server.tls,
          .application_name = server.application_name,
          .prepared_statements = server.prepared_statements,
          .id = id};
}

// The layout of CLIENTS and SERVERS, and the first part of that of SOCKETS.
struct LineColumn {
  ConsoleColumn column;
  ConsoleCell (*cell_of)(const Line& line);
};
constexpr std::array<LineColumn, 21> layout{{
    {{"type"}, [](const Line& line) -> ConsoleCell { return line.type; }},
    {{"user"}, [](const Line& line) -> ConsoleCell { return line.user; }},
    {{"database"}, [](const Line& line) -> ConsoleCell { return line.database; }},
    {{"replication"}, [](const Line&) -> ConsoleCell { return "none"; }},
    {{"state"}, [](const Line& line) -> ConsoleCell { return line.state; }},
    {{"addr"}, [](const Line& line) -> ConsoleCell { return line.remote.address; }},
    {{"port", int4}, [](const Line& line) -> ConsoleCell { return cell(line.remote.port); }},
    {{"local_addr"}, [](const Line& line) -> ConsoleCell { return line.local.address; }},
    {{"local_port", int4}, [](const Line& line) -> ConsoleCell { return cell(line.local.port); }},
    {{"connect_time"}, [](const Line& line) -> ConsoleCell { return line.connect_time; }},
    {{"request_time"}, [](const Line& line) -> ConsoleCell { return line.request_time; }},
    {{"wait", int4}, [](const Line& line) -> ConsoleCell { return line.wait.seconds; }},
    {{"wait_us", int4}, [](const Line& line) -> ConsoleCell { return line.wait.micros; }},
    {{"close_needed", int4}, [](const Line& line) -> ConsoleCell { return cell(line.close_needed); }},
    {{"ptr"}, [](const Line& line) -> ConsoleCell { return pointer(line.self); }},
    {{"link"}, [](const Line& line) -> ConsoleCell { return pointer(line.link); }},
    {{"remote_pid", int4}, [](const Line& line) -> ConsoleCell { return cell(line.remote_pid); }},
    {{"tls"}, [](const Line& line) -> ConsoleCell { return line.tls; }},
    {{"application_name"}, [](const Line& line) -> ConsoleCell { return line.application_name; }},
    {{"prepared_statements", int4},
     [](const Line& line) -> ConsoleCell { return cell(line.prepared_statements); }},
    {{"id", int4}, [](const Line& line) -> ConsoleCell { return cell(line.id); }},
}};

std::vector<ConsoleColumn> connection_columns() {
  std::vector<ConsoleColumn> columns;
  for (const LineColumn& each : layout) columns.push_back(each.column);
  return columns;
}

ConsoleRow row_of(const Line& line) {
  ConsoleRow row;
  row.reserve(layout.size());
  for (const LineColumn& each : layout) row.push_back(each.cell_of(line));
  return row;
}

bool is_listed(const ClientFacts& client) {
  return client.state != ClientFacts::State::login;
}

}  // namespace

Wait wait_of(std::optional<TimePoint> since, TimePoint now) {
  if (!since || now < *since) return {"0", "0"};
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(now - *since).count();
  return {cell(us / 1'000'000), cell(us % 1'000'000)};
}

std::vector<const ClientFacts*> in_order(const Inventory& inventory, bool (*chosen)(const ClientFacts&)) {
  std::vector<const ClientFacts*> list;
  for (const ClientFacts& client : inventory.clients) {
    if (chosen(client)) list.push_back(&client);
  }
  std::sort(list.begin(), list.end(), [](auto* a, auto* b) { return a->id < b->id; });
  return list;
}

ConsoleTable clients(const ShowContext& context) {
  ConsoleTable table{connection_columns(), {}};
  for (const ClientFacts* client : in_order(context.inventory, is_listed))
    table.rows.push_back(row_of(line_of(*client, context.inventory)));
  return table;
}

// Server connections have no number of their own: the process id on the server tells them apart, and may be
// the same on two servers.
ConsoleTable servers(const ShowContext& context) {
  ConsoleTable table{connection_columns(), {}};
  std::uint64_t id = 0;
  for (const ServerFacts& server : context.inventory.servers)
    table.rows.push_back(row_of(line_of(server, context.inventory, ++id)));
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

}  // namespace pgweir::console
