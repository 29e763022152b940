#include "tests/simulation/world/plan.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <iterator>

#include "tests/simulation/kernel/random.hpp"

namespace pgweir::simulation {
namespace {

// What pgweir keeps of an answer for a slow client is less than that.
constexpr std::size_t long_answer_least = 300'000;

// Through a smaller one pgweir waits for more than the simulation's end before the server has sent all.
constexpr double buffer_of_huge_answers = 10'000;

SimTime milliseconds_of(double value) {
  return SimTime(static_cast<SimTime::rep>(value * 1e6));
}

// In the order in which the search for a shorter simulation tries them: what explains most goes first.
constexpr PlanValue values[] = {
    {"end_one_s", &Plan::end_one_s, 0},
    {"restart_s", &Plan::restart_s, 0},
    {"away_s", &Plan::away_s, 0},
    {"standby_s", &Plan::standby_s, 0},
    {"read_only_s", &Plan::read_only_s, 0},
    {"refuse_s", &Plan::refuse_s, 0},
    {"stall_s", &Plan::stall_s, 0},
    {"reload_s", &Plan::reload_s, 0},
    {"clock_jump_s", &Plan::clock_jump_s, 0},
    {"drains", &Plan::drains, 0},
    {"no_descriptor", &Plan::no_descriptor, 0},
    {"no_watch", &Plan::no_watch, 0},
    {"no_memory", &Plan::no_memory, 0},
    {"interrupted", &Plan::interrupted, 0},
    {"short_send", &Plan::short_send, 0},
    {"spurious", &Plan::spurious, 0},
    {"cut", &Plan::cut, 0},
    {"hiccup", &Plan::hiccup, 0},
    {"buffer", &Plan::buffer, 65'536},
    {"delay_ms", &Plan::delay_ms, 0.5},
    {"pace_ms", &Plan::pace_ms, 0.4},
    {"slow_login", &Plan::slow_login, 0},
    {"slow_cancel_ms", &Plan::slow_cancel_ms, 0},
    {"cancel_next", &Plan::cancel_next, 0},
    {"pieces", &Plan::pieces, 0},
    {"byte_by_byte", &Plan::byte_by_byte, 0},
    {"pipelined", &Plan::pipelined, 0},
    {"strings", &Plan::strings, 0.15},
    {"favors", &Plan::favors, 0},
    {"favorite", &Plan::favorite, 0},
    {"leaves", &Plan::leaves, 0},
    {"rude", &Plan::rude, 0},
    {"cancels", &Plan::cancels, 0},
    {"meddles", &Plan::meddles, 0},
    {"stops_reading", &Plan::stops_reading, 0},
    {"silent", &Plan::silent, 0},
    {"unsynced", &Plan::unsynced, 0},
    {"session_mode", &Plan::session_mode, 0},
    {"strict", &Plan::strict, 0},
    {"max_prepared", &Plan::max_prepared, 200},
    {"max_logins", &Plan::max_logins, 4},
    {"max_lifetime_ms", &Plan::max_lifetime_ms, 0},
    {"idle_timeout_ms", &Plan::idle_timeout_ms, 0},
    {"borrow_timeout_ms", &Plan::borrow_timeout_ms, 0},
    {"query_timeout_ms", &Plan::query_timeout_ms, 0},
    {"audit_every", &Plan::audit_every, 0},
    {"users", &Plan::users, 1},
    {"max_clients", &Plan::max_clients, 0},
    {"pin_sequences", &Plan::pin_sequences, 1},
    {"md5", &Plan::md5, 0},
    {"min_size", &Plan::min_size, 0},
    {"workers", &Plan::workers, 1},
    {"max_size", &Plan::max_size, 1},
    {"pause_ms", &Plan::pause_ms, 300},
    {"clients", &Plan::clients, 2},
    {"without_clients", &Plan::without_clients, 0},
    {"without_statements", &Plan::without_statements, 0},
    {"batches", &Plan::batches, 1e9},
    {"seconds", &Plan::seconds, 60},
};

std::string text_of(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.10g", value);
  return text;
}

// Chance, in a form that reads like a list of what may be.
class Draw {
 public:
  explicit Draw(std::uint64_t seed) : random_(seed) {}
  bool chance(double probability) { return random_.chance(probability); }
  double between(std::uint64_t low, std::uint64_t high) {
    return static_cast<double>(random_.between(low, high));
  }
  void maybe(double probability, double& value, double then) {
    if (random_.chance(probability)) value = then;
  }
  void maybe(double probability, double& value, std::uint64_t low, std::uint64_t high) {
    const double then = between(low, high);
    if (random_.chance(probability)) value = then;
  }

 private:
  Random random_;
};

void draw_configuration(Plan& plan, Draw& draw) {
  plan.workers = draw.between(1, 3);
  plan.max_size = draw.between(1, 4);
  plan.min_size = draw.between(0, static_cast<std::uint64_t>(plan.max_size));
  draw.maybe(0.1, plan.session_mode, 1);
  draw.maybe(0.15, plan.strict, 1);
  draw.maybe(0.3, plan.max_prepared, 1, 3);
  draw.maybe(0.3, plan.max_lifetime_ms, 500, 5'000);
  draw.maybe(0.2, plan.idle_timeout_ms, 100, 3'000);
  draw.maybe(0.15, plan.borrow_timeout_ms, 50, 2'000);
  draw.maybe(0.3, plan.audit_every, 1);
  draw.maybe(0.3, plan.users, 2);
  draw.maybe(0.1, plan.max_clients, 1, 10);
  draw.maybe(0.3, plan.md5, 1);
  draw.maybe(0.5, plan.pin_sequences, 0);
}

void draw_connections(Plan& plan, Draw& draw) {
  draw.maybe(0.3, plan.cut, 0.6);
  draw.maybe(0.2, plan.hiccup, 0.01);
  draw.maybe(0.2, plan.buffer, 200, 2'000);
  draw.maybe(0.3, plan.delay_ms, 20);
  draw.maybe(0.3, plan.interrupted, 0.02);
  draw.maybe(0.3, plan.short_send, 0.2);
  draw.maybe(0.3, plan.spurious, 0.1);
}

// What is rare among many kinds of statements, such as two of one kind in one string or pipeline, is frequent in a plan that
// favors it. Other kinds leave nothing behind in a session.
constexpr StatementKind favorites[] = {
    StatementKind::transaction, StatementKind::setting, StatementKind::role,    StatementKind::table,
    StatementKind::sql_prepare, StatementKind::listen,  StatementKind::discard, StatementKind::ddl,
    StatementKind::sequence,    StatementKind::portal,  StatementKind::reported};

void draw_clients(Plan& plan, Draw& draw) {
  plan.clients = draw.between(2, 12);
  draw.maybe(0.3, plan.pause_ms, 20);
  draw.maybe(0.3, plan.leaves, 0.2);
  draw.maybe(0.3, plan.pipelined, 0.5);
  draw.maybe(0.2, plan.pieces, 0.5);
  draw.maybe(0.3, plan.strings, 0.6);
  draw.maybe(0.6, plan.favors, 0.5);
  plan.favorite =
      static_cast<double>(favorites[static_cast<std::size_t>(draw.between(0, std::size(favorites) - 1))]);
  draw.maybe(0.5, plan.cancels, draw.chance(0.5) ? 0.1 : 0.4);
}

// What happens to the server and the program. A client may be told of it.
void draw_faults(Plan& plan, Draw& draw) {
  draw.maybe(0.5, plan.end_one_s, 1, 20);
  draw.maybe(0.4, plan.restart_s, 10, 60);
  draw.maybe(0.3, plan.away_s, 10, 60);
  draw.maybe(0.3, plan.standby_s, 10, 60);
  draw.maybe(0.2, plan.refuse_s, 10, 60);
  draw.maybe(0.2, plan.no_descriptor, 0.05);
  draw.maybe(0.1, plan.no_watch, 0.02);
  draw.maybe(0.2, plan.no_memory, 0.05);
}

}  // namespace

std::span<const PlanValue> plan_values() {
  return values;
}

Plan make_plan(std::uint64_t seed) {
  Plan plan;
  Draw draw(seed);
  draw_configuration(plan, draw);
  draw_connections(plan, draw);
  draw_clients(plan, draw);
  draw.maybe(0.2, plan.slow_login, 0.3);
  draw.maybe(0.3, plan.pace_ms, 20);
  draw.maybe(0.5, plan.slow_cancel_ms, 1, 300);
  draw.maybe(0.3, plan.stall_s, 2, 10);
  draw.maybe(0.3, plan.reload_s, 5, 20);
  draw.maybe(0.2, plan.clock_jump_s, 5, 30);
  draw.maybe(0.3, plan.drains, 1);
  if (draw.chance(0.5)) draw_faults(plan, draw);
  draw.maybe(0.2, plan.query_timeout_ms, 1'000, 3'000);
  draw.maybe(0.2, plan.stops_reading, 0.005);
  draw.maybe(0.2, plan.silent, 0.01);
  draw.maybe(0.5, plan.unsynced, 0.5);
  draw.maybe(0.3, plan.meddles, 0.03);
  draw.maybe(0.5, plan.cancel_next, 0.5);
  if (plan.drains > 0) draw.maybe(0.5, plan.drains, 2);
  draw.maybe(0.5, plan.byte_by_byte, 0.5);
  draw.maybe(0.3, plan.max_logins, 1, 2);
  draw.maybe(plan.is_quiet() ? 0.1 : 0.3, plan.read_only_s, 10, 60);
  // A cancel that comes too late may hit what is pipelined behind the query.
  if (plan.query_timeout_ms > 0) plan.pipelined = 0;
  return plan;
}

bool Plan::is_quiet() const {
  return end_one_s == 0 && restart_s == 0 && away_s == 0 && standby_s == 0 && read_only_s == 0 &&
         refuse_s == 0 && no_descriptor == 0 && no_watch == 0 && no_memory == 0;
}

bool Plan::has_client(int number) const {
  return (static_cast<std::uint64_t>(without_clients) >> number & 1) == 0;
}

std::string Plan::configuration(double size, bool is_loud) const {
  const auto number = [](auto value) { return std::to_string(static_cast<long>(value)); };
  std::string pool = "max_size: " + number(size) + ", min_size: " + number(std::min(min_size, size)) +
                     ", audit_every: " + number(audit_every) +
                     ", max_prepared_statements: " + number(max_prepared) +
                     ", max_logins: " + number(max_logins);
  if (session_mode > 0) pool += ", mode: session";
  if (strict > 0) pool += ", state: strict";
  if (pin_sequences > 0) pool += ", sequence_values: pin";
  if (max_lifetime_ms > 0) pool += ", max_lifetime: " + number(max_lifetime_ms) + "ms";
  if (idle_timeout_ms > 0) pool += ", idle_timeout: " + number(idle_timeout_ms) + "ms";
  pool += ", borrow_timeout: " + (borrow_timeout_ms > 0 ? number(borrow_timeout_ms) + "ms" : "300s");
  const std::string clients_max = max_clients > 0 ? ", max_clients: " + number(max_clients) : "";
  return "listen: {host: 127.0.0.1, port: 6432, auth: trust" + clients_max +
         "}\nworkers: " + number(workers) + "\npool: {" + pool +
         "}\ndatabases: {app: {host: 10.0.1.2, port: 5432, tls: {mode: disable}, users: [" +
         (users > 1 ? "app, shop" : "app") +
         "]}}\nusers: {app: {password: secret}, shop: {password: secret}}\n"
         "timeouts: {client_login: 300s, client_idle: " +
         number(client_idle_limit.count()) +
         "s, idle_transaction: " + number(idle_transaction_limit.count()) +
         "s, client_write: " + number(client_write_limit.count()) +
         "s, drain: " + number(drain_limit.count()) + "s" +
         (query_timeout_ms > 0 ? ", query: " + number(query_timeout_ms) + "ms" : std::string()) +
         "}\n"
         "log: {level: " +
         (is_loud ? "info" : "error") + "}\n";
}

std::string Plan::in_words() const {
  return changes_between(Plan{}, *this);
}

LinkQuality Plan::link() const {
  LinkQuality link;
  link.longest_delay = std::max(link.shortest_delay, milliseconds_of(delay_ms));
  link.cut = cut;
  link.hiccup = hiccup;
  link.send_buffer = link.receive_buffer = static_cast<std::size_t>(std::max(1.0, buffer));
  return link;
}

CallFaults Plan::calls() const {
  return {no_descriptor, no_watch, interrupted, short_send, spurious};
}

ServerPace Plan::pace() const {
  ServerPace pace;
  pace.longest = std::max(pace.shortest, milliseconds_of(pace_ms));
  pace.slow_login = slow_login;
  pace.cancel_meets_next = cancel_next;
  pace.slow_cancel = milliseconds_of(slow_cancel_ms);
  return pace;
}

ClientHabits Plan::habits() const {
  ClientHabits habits;
  habits.longest_pause = std::max(SimTime(1), milliseconds_of(pause_ms));
  habits.in_pieces = pieces;
  habits.byte_by_byte = byte_by_byte;
  habits.pipelined = pipelined;
  habits.strings = strings;
  habits.favors = favors;
  habits.favorite = static_cast<StatementKind>(std::min(favorite, static_cast<double>(statement_kinds - 1)));
  habits.leaves = leaves;
  habits.leaves_rudely = rude;
  habits.cancels = cancels;
  habits.meddles = meddles;
  habits.stops_reading = stops_reading;
  habits.falls_silent = silent;
  habits.unsynced = unsynced;
  habits.long_answer = long_answer_least + 4 * static_cast<std::size_t>(buffer);
  habits.has_huge_answers = buffer >= buffer_of_huge_answers;
  habits.may_lose_sequences = pin_sequences == 0;
  habits.query_timeout = milliseconds_of(query_timeout_ms);
  habits.without = static_cast<std::uint32_t>(without_statements);
  return habits;
}

bool change_plan(Plan& plan, std::string_view changes) {
  while (!changes.empty()) {
    const std::string_view one = changes.substr(0, changes.find(','));
    changes.remove_prefix(std::min(changes.size(), one.size() + 1));
    const std::size_t middle = one.find('=');
    if (middle == std::string_view::npos) return false;
    const auto* const found = std::find_if(std::begin(values), std::end(values), [&](const PlanValue& each) {
      return each.name == one.substr(0, middle);
    });
    if (found == std::end(values)) return false;
    double value = 0;
    const auto [end, error] = std::from_chars(one.data() + middle + 1, one.data() + one.size(), value);
    if (error != std::errc() || end != one.data() + one.size() || !(value >= 0)) return false;
    plan.*found->value = value;
  }
  return true;
}

std::string changes_between(const Plan& from, const Plan& to) {
  std::string changes;
  for (const PlanValue& each : values) {
    if (from.*each.value == to.*each.value) continue;
    changes += (changes.empty() ? "" : ",") + std::string(each.name) + "=" + text_of(to.*each.value);
  }
  return changes;
}

}  // namespace pgweir::simulation
