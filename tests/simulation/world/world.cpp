#include "tests/simulation/world/world.hpp"

#include <algorithm>
#include <set>

#include "proxy/pool/pool.hpp"

namespace pgweir::simulation {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint32_t server_address = 0x0a000102;  // 10.0.1.2 as the configuration has it
constexpr std::size_t trace_lines_max = 400;
// After the last fault clients may meet its consequences for this long.
constexpr SimTime aftermath = seconds(25);
// How long everything may take to come to rest when the clients have gone.
constexpr SimTime rest_max = seconds(300);

// Settings are not among it: they stay until the next client gets the connection, which has its own brought to it.
std::string left_behind(const ModelSession& session) {
  const SessionFacts facts = session.facts();
  if (facts.status != TransactionStatus::idle) return "an open transaction";
  if (!facts.temporary_tables.empty()) return "the temporary table " + facts.temporary_tables.front();
  if (facts.advisory_locks > 0) return "a lock";
  if (!facts.portals.empty()) return "the portal " + facts.portals.front();
  for (const auto& [name, prepared] : facts.prepared) {
    if (!name.empty() && !name.starts_with("__pgweir_")) return "the prepared statement " + name;
  }
  return {};
}

}  // namespace

void World::set_up(ModelCluster& cluster) {
  cluster.add_database("app");
  ModelRole app;
  app.member_of = {"other"};
  cluster.add_role("app", std::move(app));
  cluster.add_role("other");
  for (int i = 0; i < 3; ++i) cluster.add_schema("app", "tenant" + std::to_string(i));
}

World::World(std::uint64_t seed, bool is_loud)
    : kernel_(seed),
      plan_(make_plan(kernel_.random())),
      server_(kernel_, trace_, cluster_, server_address, 5432) {
  trace_.is_loud = is_loud;
  set_up(cluster_);
  kernel_.quality = plan_.quality;
  kernel_.faults = plan_.calls;
  kernel_.faults.no_descriptor = kernel_.faults.no_watch = 0;  // without a listener there would be no program
  server_.pace = plan_.pace;
  program_ = std::make_unique<Program>(kernel_, plan_.configuration());
  kernel_.faults = plan_.calls;
  for (int i = 1; i <= plan_.clients; ++i) {
    clients_.push_back(std::make_unique<ModelClient>(kernel_, trace_, *this, i, 6432, plan_.habits, set_up));
    clients_.back()->start();
  }
  trace_.say("world", plan_.in_words());
  plan_faults();
}

World::~World() = default;

Outcome World::run() {
  run_until(plan_.lasts);
  is_ending_ = true;
  plan_.server_ends_one = plan_.server_restarts = plan_.server_is_away = SimTime::zero();
  server_.reachability = Reachability::accepts;
  kernel_.faults = {};
  for (const auto& client : clients_) client->begin_to_end();
  if (plan_.drains && failure_.empty()) {
    trace_.say("world", "the program drains");
    is_draining_ = true;
    program_->drain();
  }
  const SimTime give_up = kernel_.now() + rest_max + aftermath;
  const auto is_over = [](const auto& client) { return client->is_over(); };
  while (failure_.empty() && kernel_.now() < give_up &&
         !std::all_of(clients_.begin(), clients_.end(), is_over))
    step();
  if (failure_.empty()) run_until(kernel_.now() + seconds(5));
  if (failure_.empty()) check_at_rest();
  Outcome outcome;
  outcome.failure = failure_;
  outcome.faults = faults_;
  outcome.logins = server_.accepted();
  outcome.digest = trace_.digest();
  outcome.simulated = kernel_.now();
  for (const auto& client : clients_) {
    outcome.batches += client->batches();
    outcome.messages += client->messages();
  }
  if (!failure_.empty()) outcome.trace = trace_.text(trace_lines_max);
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
  if (server_.connections() > plan_.max_size + 8u)
    fail("the server has more connections than the limits allow");
  for (const auto& client : clients_) {
    if (client->is_overdue()) fail("a client has waited longer than any limit allows");
  }
}

// What holds when the clients have gone and all came to rest.
void World::check_at_rest() {
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    if (!clients_[i]->is_over()) return fail("client " + std::to_string(i + 1) + " does not come to its end");
  }
  if (program_->services().sessions.count() > 0)
    return fail("the program still has sessions of clients that are gone");
  for (const auto& pool : program_->services().pools.all()) {
    if (pool->has_waiters()) return fail("the pool still has waiting clients that are gone");
  }
  for (const auto& [pid, session] : cluster_.sessions()) {
    if (const std::string left = left_behind(*session); !left.empty())
      return fail("session " + std::to_string(pid) + " of the server was left with " + left);
  }
}

void World::plan_faults() {
  repeat(plan_.server_ends_one, &World::end_one);
  repeat(plan_.server_restarts, &World::restart);
  repeat(plan_.server_is_away, &World::be_away);
  repeat(plan_.worker_stalls, &World::stall);
  repeat(plan_.reloads, &World::reload);
}

void World::repeat(SimTime mean, void (World::*fault)()) {
  if (mean == SimTime::zero()) return;
  const auto next = SimTime(
      static_cast<SimTime::rep>(kernel_.random().below(2 * static_cast<std::uint64_t>(mean.count()))));
  kernel_.timeline().after(next, [this, mean, fault] {
    if (is_ending_) return;
    ++faults_;
    (this->*fault)();
    repeat(mean, fault);
  });
}

void World::disturb(const std::string& what, SimTime lasts) {
  trace_.say("world", what);
  disturbed_until_ = std::max(disturbed_until_, kernel_.now() + lasts + aftermath);
}

void World::end_one() {
  const auto how = static_cast<ServerHost::Ending>(kernel_.random().below(3));
  disturb("one session of the server ends", {});
  server_.end_one(how);
}

void World::restart() {
  const auto how = static_cast<ServerHost::Ending>(kernel_.random().below(3));
  disturb("the server restarts", {});
  server_.end_all(how);
}

void World::be_away() {
  const SimTime lasts = milliseconds(static_cast<std::int64_t>(kernel_.random().between(50, 5'000)));
  disturb("the server is away", lasts);
  if (kernel_.random().chance(0.3)) {
    server_.vanish();
  } else {
    server_.end_all(ServerHost::Ending::untold);
  }
  server_.reachability = kernel_.random().chance(0.5) ? Reachability::refuses : Reachability::swallows;
  kernel_.timeline().after(lasts, [this] { server_.reachability = Reachability::accepts; });
}

void World::stall() {
  trace_.say("world", "a worker gets no processor for a while");
  program_->stall(kernel_.random().below(program_->worker_count()),
                  milliseconds(static_cast<std::int64_t>(kernel_.random().between(1, 500))));
}

void World::reload() {
  trace_.say("world", "the configuration is read again");
  program_->reload(plan_.configuration());
}

void World::fail(const std::string& what) {
  if (failure_.empty()) failure_ = what;
}

// What pgweir says itself when it or its server cannot serve, and what a server says when it ends.
bool World::explains(const std::string& sqlstate) const {
  static const std::set<std::string> of_draining = {"57P01", "57P03"};
  static const std::set<std::string> of_faults = {"57P01", "57P02", "57P03", "08006", "08001",
                                                  "08004", "53300", "58000", "57014", "40001"};
  if (is_draining_ && of_draining.contains(sqlstate)) return true;
  if (sqlstate == "53300") return true;  // the others may be pinned for so long
  return !plan_.is_quiet() && kernel_.now() < disturbed_until_ && of_faults.contains(sqlstate);
}

bool World::explains_close() const {
  return is_draining_ || (!plan_.is_quiet() && kernel_.now() < disturbed_until_);
}

}  // namespace pgweir::simulation
