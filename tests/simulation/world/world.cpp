#include "tests/simulation/world/world.hpp"

#include <algorithm>
#include <numeric>
#include <set>

#include "proxy/pool/pool.hpp"
#include "proxy/report/inventory.hpp"
#include "proxy/session/session.hpp"
#include "proxy/session/session_directory.hpp"
#include "proxy/worker/worker.hpp"
#include "tests/simulation/kernel/memory.hpp"
#include "tests/simulation/world/program_counts.hpp"

namespace pgweir::simulation {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint32_t server_address = 0x0a000102;  // 10.0.1.2 as the configuration has it
constexpr std::uint16_t server_port = 5432;
constexpr std::uint16_t program_port = 6432;
constexpr std::size_t trace_lines_max = 400;
// How often the program's counters are looked at.
constexpr SimTime counters_interval = milliseconds(100);
// What a dozen clients with messages of some hundred KB make the program allocate is less than half of it.
constexpr std::size_t memory_max = 16 * 1024 * 1024;
// When they have gone, what is known of statements, settings and code is left. That has limits of its own, which
// fill up ever more slowly.
constexpr std::size_t memory_at_rest_max = 8 * 1024 * 1024;
constexpr std::size_t memory_growth_max = 4 * 1024 * 1024;
// After the last fault clients may meet its consequences for this long.
constexpr SimTime aftermath = seconds(25);
// How long everything may take to come to rest when the clients have gone: the program learns of one that has
// vanished by keepalive only, and of one that listens, when it has been sent a notification, by the last retransmission.
constexpr SimTime rest_max = seconds(1'200);
// How long clients go on as if there were no drain, at most; amid faults until behind its end.
constexpr SimTime clients_stay = seconds(5);
// A request to cancel takes no longer than this from its client to the server.
constexpr SimTime cancel_takes = seconds(5);
// The same where it has to wait for a descriptor, or for a server that is away.
constexpr SimTime cancel_takes_in_trouble = seconds(60);
// After this the program has noticed that the server at the other end of a connection has vanished.
constexpr SimTime keepalive_lasts = seconds(60);

// Sources of chance that do not depend on each other: what one client sends is the same without another one.
std::uint64_t seed_of(std::uint64_t seed, std::uint64_t purpose) {
  return Random(seed ^ (purpose + 1) * 0x9e3779b97f4a7c15u).next();
}

// Settings are not among it: they stay until the next client gets the connection, which has its own brought to it.
std::string left_behind(const ModelSession& session) {
  const SessionFacts facts = session.facts();
  if (facts.status != TransactionStatus::idle) return "an open transaction";
  if (!facts.temporary_tables.empty()) return "the temporary table " + facts.temporary_tables.front();
  if (facts.advisory_locks > 0) return "a lock";
  if (!facts.portals.empty()) return "the portal " + facts.portals.front();
  if (!facts.channels.empty()) return "a LISTEN for " + facts.channels.front();
  for (const auto& [name, prepared] : facts.prepared) {
    if (!name.empty() && !name.starts_with("__pgweir_") && !name.starts_with("pgweir_"))
      return "the prepared statement " + name;
  }
  return {};
}

// Each of these tables tells in which schema a statement has found it. Their columns are not the same, so that a plan made
// under one search_path does not fit another one.
void add_place(ModelCluster& cluster, const std::string& schema, Oid type_of_size, bool has_more = false) {
  Catalog& catalog = cluster.catalog("app");
  Relation place;
  place.schema = schema;
  place.name = "place";
  place.columns = {{"name", type::text, 1}, {"size", type_of_size, 2}};
  if (has_more) place.columns.push_back({"more", type::text, 3});
  place.attributes = static_cast<std::uint16_t>(place.columns.size());
  StoredRow row;
  row.values = {schema, "1"};
  catalog.rows(catalog.add(std::move(place))).push_back(std::move(row));
}

// All clients change its columns; `name` stays, and so does the text of `size`.
void add_board(ModelCluster& cluster) {
  Catalog& catalog = cluster.catalog("app");
  Relation board;
  board.schema = "public";
  board.name = "board";
  board.columns = {{"name", type::text, 1}, {"size", type::int4, 2}};
  board.attributes = 2;
  StoredRow row;
  row.values = {"board", "7"};
  catalog.rows(catalog.add(std::move(board))).push_back(std::move(row));
}

void add_ledger(ModelCluster& cluster) {
  Relation ledger;
  ledger.schema = "public";
  ledger.name = "ledger";
  ledger.columns = {{"a", type::text, 1}};
  ledger.attributes = 1;
  cluster.catalog("app").add(std::move(ledger));
}

// What was committed although its client has left without asking for it; empty: nothing.
std::string committed_ghost(ModelCluster& cluster) {
  Catalog& catalog = cluster.catalog("app");
  for (const StoredRow& row : catalog.rows(catalog.find("public", "ledger", 0)->oid)) {
    const std::string& text = row.values.front().value_or("");
    if (text.starts_with(ScriptWriter::ghost) &&
        cluster.log().fate(row.made_by) == TransactionLog::Fate::committed)
      return text;
  }
  return {};
}

// Who has the connection to this process of the server.
std::optional<SessionAddress> session_with(const SessionDirectories& directories, std::uint32_t pid) {
  for (const auto& each : directories.all()) {
    for (const std::uint64_t id : each->ids()) {
      const Backend* const backend = each->find(id)->view().exchange.backend;
      if (backend != nullptr && backend->pid == pid) return SessionAddress{each->worker().index(), id};
    }
  }
  return std::nullopt;
}

std::optional<SessionAddress> session_of(const CancelRegistry& registry, const ByteBuffer& key) {
  return registry.find(load_u32(key.data()), ByteView(key).subspan(4));
}

template <class List>
std::uint64_t sum_of(const List& list, std::uint64_t (ModelClient::*value)() const) {
  return std::accumulate(
      list.begin(), list.end(), std::uint64_t{0},
      [&](std::uint64_t sum, const auto& client) { return sum + (client.get()->*value)(); });
}

}  // namespace

void World::set_up(ModelCluster& cluster) {
  cluster.add_database("app");
  ModelRole app;
  app.member_of = {"other"};
  app.password = "secret";
  cluster.add_role("shop", app);
  cluster.add_role("app", std::move(app));
  cluster.add_role("other");
  for (int i = 0; i < 3; ++i) cluster.add_schema("app", "tenant" + std::to_string(i));
  cluster.add_schema("app", "other");  // for the role of that name
  add_place(cluster, "public", type::int4);
  add_place(cluster, "other", type::int4);
  add_place(cluster, "tenant0", type::int4);
  add_place(cluster, "tenant1", type::text);
  add_place(cluster, "tenant2", type::int4, true);
  add_board(cluster);
  add_ledger(cluster);
  Relation ticket;
  ticket.schema = "public";
  ticket.name = "ticket";
  ticket.sequence = true;
  cluster.catalog("app").add(std::move(ticket));
}

World::World(std::uint64_t seed, const Plan& plan, bool is_loud)
    : plan_(plan),
      kernel_(seed_of(seed, 0)),
      random_(seed_of(seed, 1)),
      server_(kernel_, trace_, cluster_, server_address, server_port),
      batches_left_(plan.batches),
      max_size_(plan.max_size),
      places_(plan.no_watch == 0, static_cast<std::size_t>(plan.max_logins)) {
  trace_.is_loud = is_loud;
  set_up(cluster_);
  cluster_.notified = [this](const std::string& channel, const std::string& payload) {
    if (channel != Expectation::shared_channel) return;
    news_.emplace(payload, news_.size());
    news_times_.push_back(kernel_.now());
  };
  server_.canceled = [this](std::uint32_t pid) { check_cancel(pid); };
  for (const char* const name : {"app", "shop"}) {
    if (plan_.md5 > 0) cluster_.set_method(name, LoginMethod::md5);
  }
  server_.pace = plan_.pace();
  kernel_.quality = plan_.link();
  kernel_.faults = plan_.calls();
  kernel_.faults.no_descriptor = kernel_.faults.no_watch = 0;  // without a listener there would be no program
  program_ = std::make_unique<Program>(kernel_, configuration());
  descriptors_ = kernel_.open_descriptors();
  kernel_.faults = plan_.calls();
  for (int i = 1; i <= static_cast<int>(plan_.clients); ++i) {
    if (!plan_.has_client(i)) continue;
    clients_.push_back(std::make_unique<ModelClient>(
        kernel_, trace_, *this, Random(seed_of(seed, 100u + static_cast<unsigned>(i))), i, program_port,
        plan_.user_of(i), plan_.habits(), set_up));
    clients_.back()->start();
  }
  trace_.say("world", plan_.in_words());
  plan_faults();
}

World::~World() = default;

Outcome World::run() {
  const SimTime end(static_cast<SimTime::rep>(plan_.seconds * 1e9));
  const SimTime until = plan_.drains > 1 ? up_to(end) : end;
  run_until(until / 2);
  memory_at_half_ = ProgramMemory::in_use();
  run_until(until);
  if (plan_.drains > 1) drain(drain_limit + clients_stay);
  end_faults();
  if (plan_.drains == 1) drain(clients_stay);
  end_clients();
  if (failure_.empty()) check_at_rest();
  Outcome all = outcome();
  if (failure_.empty() && is_draining_) {
    check_after_end();
    all.failure = failure_;
  }
  return all;
}

void World::end_faults() {
  is_ending_ = true;
  server_.reachability = Reachability::accepts;
  cluster_.login_refusal.reset();
  end_read_only();
  kernel_.faults = {};
  ProgramMemory::refuse(nullptr, 0);
}

// Clients go on for a while as if nothing was, so that it meets what they are in the middle of.
void World::drain(SimTime clients_stay_at_most) {
  if (!failure_.empty()) return;
  trace_.say("world", "the program drains");
  is_draining_ = true;
  drains_since_ = kernel_.now();
  program_->drain();
  run_until(kernel_.now() + up_to(clients_stay_at_most));
}

void World::end_clients() {
  for (const auto& client : clients_) client->begin_to_end();
  const SimTime give_up = kernel_.now() + rest_max;
  const auto is_over = [](const auto& client) { return client->is_over(); };
  while (
      failure_.empty() && kernel_.now() < give_up &&
      (!std::all_of(clients_.begin(), clients_.end(), is_over) || program_->services().sessions.count() > 0))
    step();
  if (failure_.empty()) run_until(kernel_.now() + keepalive_lasts);
  // Connections that are too old go, and others come, at any time.
  while (failure_.empty() && kernel_.now() < give_up && !is_at_rest()) step();
}

bool World::is_at_rest() const {
  const std::vector<PoolFacts> pools = take_pools(program_->services().sources);
  return std::all_of(pools.begin(), pools.end(), [](const PoolFacts& pool) {
    return pool.counts.opening + pool.counts.leaving + pool.counts.borrowed == 0;
  });
}

Outcome World::outcome() const {
  Outcome outcome;
  outcome.failure = failure_;
  outcome.faults = faults_;
  outcome.logins = server_.accepted();
  outcome.calls = kernel_.calls();
  outcome.memory = ProgramMemory::most();
  outcome.digest = trace_.digest();
  outcome.simulated = kernel_.now();
  outcome.batches = sum_of(clients_, &ModelClient::batches);
  outcome.messages = sum_of(clients_, &ModelClient::messages);
  outcome.cancels = sum_of(clients_, &ModelClient::cancels);
  for (const PoolFacts& pool : take_pools(program_->services().sources))
    outcome.transactions += pool.totals.transactions;
  if (!failure_.empty())
    outcome.trace =
        trace_.text(trace_lines_max) + "connections of the program:\n" + kernel_.open_connections();
  return outcome;
}

void World::run_until(SimTime end) {
  while (failure_.empty() && kernel_.now() < end) step();
}

// Whatever can happen now happens in any order: what arrives, and whose turn it is.
void World::step() {
  Timeline& timeline = kernel_.timeline();
  const std::optional<SimTime> event = timeline.next();
  const bool has_event = event && *event <= kernel_.now();
  const bool turned = (!has_event || kernel_.random().chance(0.5)) && program_->turn_one();
  if (turned || has_event) {
    if (!turned) timeline.run_next();
  } else {
    const SimTime due = program_->next_due();
    if (event && *event <= due) {
      timeline.run_next();
    } else {
      timeline.jump_to(std::max(due, kernel_.now() + SimTime(1)));
    }
  }
  check();
}

// What holds after every step.
void World::check() {
  if (const std::string found =
          places_.problem(server_, program_->services(), static_cast<std::size_t>(max_size_), kernel_.now());
      !found.empty())
    fail(found);
  if (kernel_.now() >= next_look_) look_at_counters();
  if (ProgramMemory::in_use() > memory_max)
    fail("the program has allocated " + std::to_string(ProgramMemory::in_use()) + " bytes");
  if (!server_.not_understood().empty()) fail(server_.not_understood());
  std::size_t inside = 0;
  for (const auto& client : clients_) {
    if (client->is_overdue()) fail("a client has waited longer than any limit allows");
    if (client->is_inside()) ++inside;
  }
  if (plan_.max_clients > 0 && static_cast<double>(inside) > plan_.max_clients)
    fail(std::to_string(inside) + " clients are logged in, max_clients is " +
         std::to_string(static_cast<int>(plan_.max_clients)));
}

// A request reaches the session of this process: somebody has to have asked for it on behalf of whoever has that now.
void World::check_cancel(std::uint32_t pid) {
  const auto holder = session_with(program_->services().sessions, pid);
  if (!holder) return;
  const SimTime lately = kernel_.now() < disturbed_until_ ? cancel_takes_in_trouble : cancel_takes;
  for (const auto& client : clients_) {
    if (client->cancel_key().empty() || client->may_be_canceled(lately)) continue;
    if (const auto session = session_of(program_->services().cancels, client->cancel_key());
        session && session->worker == holder->worker && session->session == holder->session)
      fail("a request to cancel reaches the connection of " + client->name() +
           ", for which nobody has asked");
  }
}

void World::look_at_counters() {
  next_look_ = kernel_.now() + counters_interval;
  if (const std::string found = impossible_in(counts_of(program_->services())); !found.empty()) fail(found);
}

// What holds when the clients have gone and all came to rest.
void World::check_at_rest() {
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    if (!clients_[i]->is_over()) return fail(clients_[i]->name() + " does not come to its end");
  }
  if (program_->services().sessions.count() > 0)
    return fail("the program still has sessions of clients that are gone");
  for (const auto& [pid, session] : cluster_.sessions()) {
    if (const std::string left = left_behind(*session); !left.empty())
      return fail("session " + std::to_string(pid) + " of the server was left with " + left);
  }
  for (const auto& client : clients_) {
    for (const ByteBuffer& key : client->all_cancel_keys()) {
      if (session_of(program_->services().cancels, key))
        return fail("the cancel key of " + client->name() + " is still good, and it has gone");
    }
  }
  for (const auto& pool : program_->services().pools.all()) {
    for (const auto& hub : pool->hubs()) {
      if (hub->counters().channels.get() > 0 || hub->counters().clients.get() > 0)
        return fail("there is no client, and the listen hub counts " +
                    std::to_string(hub->counters().clients.get()) + " clients and " +
                    std::to_string(hub->counters().channels.get()) + " channels");
    }
  }
  if (const std::string ghost = committed_ghost(cluster_); !ghost.empty())
    return fail("the row '" + ghost + "' of a client that left was committed");
  const std::size_t memory = ProgramMemory::in_use();
  if (memory > std::min(memory_at_rest_max, memory_at_half_ + memory_growth_max))
    return fail("the program keeps " + std::to_string(memory) + " bytes when all are gone, and had " +
                std::to_string(memory_at_half_) + " after half of the time");
  look_at_counters();
  check_counters();
}

// A program that has ended has left nothing open.
void World::check_after_end() {
  if (!program_->has_stopped()) return fail("the program was drained and does not stop");
  program_.reset();
  if (server_.sessions() > 0)
    fail("the program has ended and left " + std::to_string(server_.sessions()) + " sessions");
  if (kernel_.open_descriptors() > 0)
    fail("the program has ended and left " + std::to_string(kernel_.open_descriptors()) + " descriptors");
}

// What pgweir tells of itself is what has happened.
void World::check_counters() {
  std::size_t connections = 0;
  PoolTotals totals;
  for (const PoolFacts& pool : take_pools(program_->services().sources)) {
    const PoolCounts& counts = pool.counts;
    if (pool.clients > 0) return fail("the pool counts clients, and all are gone");
    if (counts.waiting > 0) return fail("the pool counts waiting clients, and all are gone");
    if (counts.borrowed > 0) return fail("the pool counts a borrowed connection, and there is no client");
    if (counts.opening + counts.leaving > 0)
      return fail("the pool counts connections that come or go, at rest");
    if (std::any_of(pool.pinned.begin(), pool.pinned.end(), [](std::uint64_t n) { return n > 0; }))
      return fail("the pool counts a pinned session, and there is no client");
    const auto least = static_cast<std::size_t>(std::min(plan_.min_size, max_size_));
    if (plan_.is_quiet() && !is_draining_ && counts.idle < least)
      return fail("the pool has " + std::to_string(counts.idle) + " connections, min_size is " +
                  std::to_string(least));
    connections += counts.idle;
    totals += pool.totals;
  }
  std::size_t listening = 0;
  for (const auto& pool : program_->services().pools.all()) {
    for (const auto& hub : pool->hubs()) listening += hub->counters().connections.get();
  }
  const std::size_t sessions = server_.sessions();
  if (!is_draining_) {
    check_count("connections", connections, sessions - server_.listening_sessions());
    check_count("connections that LISTEN", listening, server_.listening_sessions());
  }
  check_counts_of_clients(totals);
  check_counts_of_cancels();
  check_counts_of_servers(connections);
  if (const std::size_t now = kernel_.open_descriptors() - sessions; now > descriptors_ && !is_draining_)
    fail(std::to_string(now - descriptors_) + " descriptors were never closed");
}

// Of a client that leaves without its answer nobody can know whether pgweir had that, where pgweir has not sent it.
void World::check_counts_of_clients(const PoolTotals& totals) {
  const ProgramCounts counts = counts_of(program_->services());
  const std::uint64_t came = sum_of(clients_, &ModelClient::lives) + sum_of(clients_, &ModelClient::cancels);
  check_count("connections of clients", counts.accepted, has_all_calls() ? came : 0, came);
  check_count("logins", totals.logins, sum_of(clients_, &ModelClient::sent_logins),
              sum_of(clients_, &ModelClient::logins) + sum_of(clients_, &ModelClient::lost_logins));
  const std::uint64_t lost = sum_of(clients_, &ModelClient::lost_answers);
  const std::uint64_t answers = sum_of(clients_, &ModelClient::answers);
  check_count("queries", totals.queries, answers + sum_of(clients_, &ModelClient::unread_answers),
              answers + lost);
  // What pgweir answers itself is no transaction to it.
  const std::uint64_t ends = sum_of(clients_, &ModelClient::ends);
  check_count("transactions and own answers", counts.transactions + counts.answered_here,
              ends + sum_of(clients_, &ModelClient::unread_ends), ends + lost);
}

// One for a client that waits for a server connection goes nowhere, and pgweir asks for its own reasons, too.
void World::check_counts_of_cancels() {
  const ProgramCounts counts = counts_of(program_->services());
  const std::uint64_t asked = sum_of(clients_, &ModelClient::cancels);
  check_count("cancel requests", counts.cancels_received, has_all_calls() ? asked : 0, asked);
  const std::uint64_t arrived = server_.cancels();
  // Those that have not arrived are connections that were broken or not made.
  const bool is_bounded = plan_.no_descriptor == 0 && plan_.no_watch == 0;
  check_count("cancel requests to the server", counts.cancels_forwarded, arrived,
              is_whole()   ? arrived
              : is_bounded ? arrived + server_.unheard()
                           : counts.cancels_forwarded);
}

void World::check_counts_of_servers(std::uint64_t connections) {
  const ProgramCounts counts = counts_of(program_->services());
  const auto never = [&](BackendClose reason) {
    check_count("connections closed as " + std::string(to_string(reason)), counts.of(reason), 0);
  };
  // What a server says of itself at a login changes where it takes no writes for a while.
  if (plan_.standby_s == 0 && plan_.read_only_s == 0) never(BackendClose::outdated);
  never(BackendClose::audit_finding);
  never(BackendClose::statements_changed);
  if (plan_.max_lifetime_ms == 0) never(BackendClose::max_lifetime);
  if (plan_.reload_s == 0) never(BackendClose::surplus);
  // Each that was opened is there, or was closed for one reason.
  const std::uint64_t opened = counts.of(BackendLoginResult::ok);
  if (!is_draining_) check_count("connections opened", opened, counts.all_closes() + connections);
  // One that broke in the server's answer is a failed login here, and none to the server.
  const std::uint64_t seen = server_.pooled_logins();
  const std::uint64_t unclear = std::min(seen, counts.failed_logins() + server_.mute_logins());
  check_count("logins to the server", opened, is_whole() ? seen : seen - unclear, seen);
  if (!is_whole()) return;
  never(BackendClose::lost);
  never(BackendClose::cancel_in_doubt);
  check_count("logins to the server that failed", counts.failed_logins(), 0);
}

// Nothing but clients has disturbed the program.
bool World::is_whole() const {
  return plan_.is_quiet() && !is_draining_;
}

// Each connection of a client has reached it.
bool World::has_all_calls() const {
  return plan_.no_descriptor == 0 && plan_.no_watch == 0 && plan_.no_memory == 0 && !is_draining_;
}

void World::check_count(const std::string& what, std::uint64_t counted, std::uint64_t there_were) {
  check_count(what, counted, there_were, there_were);
}

void World::check_count(const std::string& what, std::uint64_t counted, std::uint64_t least,
                        std::uint64_t most) {
  if (counted >= least && counted <= most) return;
  fail("pgweir counts " + std::to_string(counted) + " " + what + ", there were " + std::to_string(least) +
       (most > least ? " to " + std::to_string(most) : ""));
}

void World::plan_faults() {
  // A login or a request to cancel may fail at any time.
  if (plan_.no_descriptor > 0 || plan_.no_watch > 0 || plan_.no_memory > 0) disturbed_until_ = SimTime::max();
  ProgramMemory::refuse(&random_, plan_.no_memory);
  repeat(plan_.end_one_s, &World::end_one);
  repeat(plan_.restart_s, &World::restart);
  repeat(plan_.away_s, &World::be_away);
  repeat(plan_.standby_s, &World::be_standby);
  repeat(plan_.read_only_s, &World::be_read_only);
  repeat(plan_.refuse_s, &World::refuse);
  repeat(plan_.stall_s, &World::stall);
  repeat(plan_.reload_s, &World::reload);
  repeat(plan_.clock_jump_s, &World::jump_clock);
}

void World::repeat(double mean_s, void (World::*fault)()) {
  if (mean_s == 0) return;
  const auto next =
      SimTime(static_cast<SimTime::rep>(random_.below(static_cast<std::uint64_t>(2e9 * mean_s))));
  kernel_.timeline().after(next, [this, mean_s, fault] {
    if (is_ending_) return;
    ++faults_;
    (this->*fault)();
    repeat(mean_s, fault);
  });
}

void World::disturb(const std::string& what, SimTime lasts) {
  trace_.say("world", what);
  disturbed_until_ = std::max(disturbed_until_, kernel_.now() + lasts + aftermath);
}

SimTime World::up_to(SimTime longest) {
  return SimTime(static_cast<SimTime::rep>(random_.between(0, static_cast<std::uint64_t>(longest.count()))));
}

ServerHost::Ending World::any_ending() {
  return static_cast<ServerHost::Ending>(random_.below(3));
}

void World::end_one() {
  disturb("one session of the server ends", {});
  server_.end_one(any_ending());
}

void World::restart() {
  disturb("the server restarts", {});
  server_.end_all(any_ending());
}

void World::be_away() {
  const SimTime lasts = milliseconds(static_cast<std::int64_t>(random_.between(50, 5'000)));
  disturb("the server is away", lasts);
  if (random_.chance(0.3)) {
    server_.vanish();
    has_vanished_ = true;
  } else {
    server_.end_all(ServerHost::Ending::untold);
  }
  server_.reachability = random_.chance(0.5) ? Reachability::refuses : Reachability::swallows;
  kernel_.timeline().after(lasts, [this] { server_.reachability = Reachability::accepts; });
}

// Another server answers at the address: one that takes no writes until it is promoted, which ends no session.
void World::be_standby() {
  if (cluster_.in_recovery) return;
  const SimTime lasts = milliseconds(static_cast<std::int64_t>(random_.between(100, 10'000)));
  disturb("the server comes back as a standby", lasts);
  server_.end_all(any_ending());
  cluster_.in_recovery = true;
  has_been_standby_ = true;
  kernel_.timeline().after(lasts, [this] {
    trace_.say("world", "the standby is promoted");
    cluster_.in_recovery = false;
  });
}

// Nobody is ended, and what has begun goes on: ALTER SYSTEM SET default_transaction_read_only = on, and a reload. So a writer is
// taken out of service before a planned switchover, and so some hosts do when its disk is nearly full. Then it is taken back,
// or the server comes back as the one that takes writes.
void World::be_read_only() {
  if (cluster_.default_read_only()) return;
  trace_.say("world", "the server takes no writes");
  cluster_.reload_read_only(true);
  has_been_read_only_ = true;
  read_only_until_ = SimTime::max();
  kernel_.timeline().after(milliseconds(static_cast<std::int64_t>(random_.between(100, 10'000))),
                           [this] { end_read_only(); });
}

void World::end_read_only() {
  if (!cluster_.default_read_only()) return;
  if (!is_ending_ && random_.chance(0.5)) restart();
  trace_.say("world", "the server takes writes again");
  cluster_.reload_read_only(false);
  read_only_until_ = kernel_.now();
}

void World::refuse() {
  const SimTime lasts = milliseconds(static_cast<std::int64_t>(random_.between(50, 10'000)));
  const bool is_full = random_.chance(0.5);
  disturb(is_full ? "the server has no connections left" : "the server starts up", lasts);
  cluster_.login_refusal = is_full ? LoginRefusal::too_many_clients : LoginRefusal::starting_up;
  if (random_.chance(0.5)) server_.end_one(any_ending());
  kernel_.timeline().after(lasts, [this] { cluster_.login_refusal.reset(); });
}

void World::stall() {
  trace_.say("world", "a worker gets no processor for a while");
  program_->stall(random_.below(program_->worker_count()),
                  milliseconds(static_cast<std::int64_t>(random_.between(1, 500))));
}

void World::reload() {
  if (random_.chance(0.5)) max_size_ = static_cast<double>(random_.between(1, 4));
  trace_.say("world",
             "the configuration is read again, max_size " + std::to_string(static_cast<int>(max_size_)));
  program_->reload(configuration());
}

void World::jump_clock() {
  const auto by = seconds(static_cast<std::int64_t>(random_.below(7'200)) - 3'600);
  trace_.say("world", "the wall clock jumps by " + std::to_string(by.count()) + " s");
  kernel_.wall_offset += by;
}

void World::fail(const std::string& what) {
  if (failure_.empty()) failure_ = what;
}

// What pgweir says itself when it or its server cannot serve, and what a server says when it ends.
bool World::explains(const std::string& sqlstate) const {
  static const std::set<std::string> of_draining = {"57P01", "57P03"};
  static const std::set<std::string> of_faults = {"57P01", "57P02", "57P03", "08006",
                                                  "08001", "08004", "53300", "58000"};
  if (is_draining_ && of_draining.contains(sqlstate)) return true;
  if (sqlstate == "53300" && (plan_.borrow_timeout_ms > 0 || plan_.max_clients > 0)) return true;
  // It keeps the server connection that it has for as long as TCP sends it a notification again.
  if (sqlstate == "53300" && listener_has_vanished_) return true;
  if (sqlstate == "25006" && is_standby()) return true;
  // A connection that is only listened on shows its loss when it is asked next.
  if (sqlstate == "08006" && has_vanished_) return true;
  return kernel_.now() < disturbed_until_ && of_faults.contains(sqlstate);
}

bool World::explains_close() const {
  return is_draining_ || kernel_.now() < disturbed_until_;
}

std::optional<SimTime> World::drains_patiently_since() const {
  const SimTime now = kernel_.now();
  const bool is_patient = is_draining_ && now < drains_since_ + drain_limit - drain_last_words;
  if (!is_patient || now < disturbed_until_ || is_standby()) return std::nullopt;
  return drains_since_;
}

bool World::is_standby() const {
  return has_been_standby_;
}

bool World::was_read_only_since(SimTime moment) const {
  return has_been_read_only_ && read_only_until_ >= moment;
}

std::optional<std::size_t> World::number_of_news(const std::string& payload) const {
  const auto found = news_.find(payload);
  return found == news_.end() ? std::nullopt : std::optional(found->second);
}

std::size_t World::news_until(SimTime moment) const {
  return static_cast<std::size_t>(std::upper_bound(news_times_.begin(), news_times_.end(), moment) -
                                  news_times_.begin());
}

ModelClient* World::other_client(const ModelClient& than, Random& random) {
  ModelClient* const other = clients_[random.below(clients_.size())].get();
  return other == &than ? nullptr : other;
}

bool World::may_send() {
  if (batches_left_ < 1) return false;
  --batches_left_;
  return true;
}

}  // namespace pgweir::simulation
