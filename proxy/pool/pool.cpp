#include "proxy/pool/pool.hpp"

#include "protocol/backend.hpp"
#include "protocol/startup.hpp"
#include "proxy/backend/default_role.hpp"
#include "proxy/backend/pool_login.hpp"
#include "proxy/base/log.hpp"
#include "proxy/base/session_waker.hpp"
#include "proxy/state/schema_version.hpp"
#include "proxy/state/state_check.hpp"
#include "proxy/worker/connect.hpp"
#include "proxy/worker/spawn.hpp"
#include "proxy/worker/worker.hpp"
#include "proxy/worker/workers.hpp"

namespace pgweir {
namespace {

namespace asio = boost::asio;

}  // namespace

Pool::Pool(PoolHost& host, const PoolContext& context, std::string database, PoolTarget target,
           config::Pool settings)
    : host_(host),
      context_(context),
      database_(std::move(database)),
      user_(target.user),
      no_settings_(context.workers.shared.no_settings),
      logins_(no_settings_),
      names_question_(statements_.make_by_sql(names_query(), "SELECT")),
      hubs_(context.workers, context.notifications),
      state_(limits_of(settings)),
      settings_(std::make_shared<const config::Pool>(settings)),
      target_(std::make_shared<const PoolTarget>(std::move(target))) {
  schema_version_ = schema_of(*target_);
  for (std::size_t i = 0; i < context.workers.list.size(); ++i)
    counters_.push_back(std::make_unique<PoolCounters>());
}

PoolLimits Pool::limits_of(const config::Pool& settings) {
  return {settings.min_size, settings.max_size, settings.max_logins, settings.idle_timeout};
}

PoolCounters& Pool::counters(const Worker& worker) {
  return *counters_[worker.index()];
}

std::shared_ptr<const config::Pool> Pool::settings() const {
  const std::lock_guard lock(mutex_);
  return settings_;
}

PoolCounts Pool::counts() const {
  const std::lock_guard lock(mutex_);
  return state_.counts();
}

std::shared_ptr<SchemaVersion> Pool::schema_of(const PoolTarget& target) const {
  return context_.schemas.of(target.address.host, target.address.port, target.dbname);
}

std::shared_ptr<SchemaVersion> Pool::schema_version() const {
  const std::lock_guard lock(mutex_);
  return schema_version_;
}

ServerAddress Pool::address() const {
  const std::lock_guard lock(mutex_);
  return target_->address;
}

bool Pool::has_clients() const {
  std::uint64_t clients = 0;
  for (const auto& counters : counters_) clients += counters->clients.get();
  return clients > 0;
}

std::optional<ServerRefusal> Pool::refusal() const {
  const std::lock_guard lock(mutex_);
  return refuses() ? outcomes_.refusal() : std::nullopt;
}

// Where there are backends, one of them comes back some time: clients that are there go on although the role
// may not log in any more.
bool Pool::refuses() const {
  const PoolCounts counts = state_.counts();
  return outcomes_.refusal() && (retired_ || counts.idle + counts.borrowed == 0);
}

bool Pool::has_waiters() const {
  const std::lock_guard lock(mutex_);
  return state_.oldest_waiter() != nullptr;
}

// --- Borrowing

Backend* Pool::try_borrow(Worker& here) {
  for (;;) {
    PoolMember* member = nullptr;
    {
      const std::lock_guard lock(mutex_);
      member = state_.take_idle(here.index());
    }
    if (member == nullptr) return nullptr;
    Backend& backend = backend_of(*member);
    const bool silent = is_silent(backend, here);
    if (settle_here(backend, here) && (silent || absorb_idle_input(backend, here))) {
      counters(here).borrows.add();
      return &backend;
    }
    discard(backend, BackendClose::lost, here);
  }
}

void Pool::wait(Waiter& waiter, Worker& here) {
  waiter.worker = here.index();
  waiter.since = here.now();
  {
    // One may have come back since try_borrow().
    const std::lock_guard lock(mutex_);
    waiter.granted = state_.take_idle(here.index());
    if (waiter.granted == nullptr) state_.enqueue(waiter);
    if (!retired_) outcomes_.forget_old_refusal(here.now());
  }
  if (waiter.granted == nullptr) open_missing(here);
}

void Pool::stop_waiting(Waiter& waiter, Worker& here) {
  PoolMember* granted = nullptr;
  {
    const std::lock_guard lock(mutex_);
    state_.leave(waiter);
    granted = waiter.granted.exchange(nullptr);
  }
  if (granted == nullptr) return;
  if (settle_here(backend_of(*granted), here)) {
    release(backend_of(*granted), here);
  } else {
    discard(backend_of(*granted), BackendClose::lost, here);
  }
}

Backend* Pool::accept_grant(Waiter& waiter, Worker& here) {
  PoolMember* granted = nullptr;
  {
    const std::lock_guard lock(mutex_);
    granted = waiter.granted.exchange(nullptr);
  }
  if (granted == nullptr) return nullptr;
  counters(here).borrows.add();
  counters(here).borrow_wait.observe(here.now() - waiter.since);
  Backend& backend = backend_of(*granted);
  if (settle_here(backend, here)) return &backend;
  discard(backend, BackendClose::lost, here);
  return nullptr;
}

// Brings a backend to this worker. Nobody watches it, so its last worker need not take part.
bool Pool::settle_here(Backend& backend, Worker& here) {
  if (backend.worker == here.index() && backend.transport.attached()) return true;
  backend.transport.detach();
  backend.worker = here.index();
  return backend.transport.attach(here.reactor(), nullptr);
}

// It had said nothing before the client's message came, so that no recv has to find that out. Of a backend
// that another worker has looked after, this one knows nothing yet.
bool Pool::is_silent(const Backend& backend, const Worker& here) {
  return backend.worker == here.index() && backend.transport.attached() && !backend.transport.readable() &&
         backend.carry.empty() && here.reactor().fetched_all();
}

// What an idle server says belongs to no client: parameters change with a reload of its configuration, a
// notice is dropped, anything else (its last words, usually) ends the connection. Without this a statement
// would be sent to a server that is known to be gone.
bool Pool::absorb_idle_input(Backend& backend, Worker& here) {
  for (;;) {
    const IoResult result = backend.transport.read(here.idle_scratch());
    if (result.status == IoStatus::would_block) return backend.carry.empty();
    if (result.status != IoStatus::ok) return false;
    backend.carry.insert(backend.carry.end(), here.idle_scratch().begin(),
                         here.idle_scratch().begin() + static_cast<std::ptrdiff_t>(result.size));
    ByteView input = backend.carry;
    Piece piece;
    FrameStatus status{};
    while ((status = backend.framer.next(input, piece)) == FrameStatus::piece) {
      const bool notice = piece.type == static_cast<char>(BackendType::NoticeResponse) ||
                          piece.type == static_cast<char>(BackendType::NotificationResponse);
      const bool parameter = piece.type == static_cast<char>(BackendType::ParameterStatus);
      if (notice) continue;
      ParameterStatusView reported;
      if (!parameter || parse_parameter_status(piece.body(), reported) != Errc::ok) return false;
      backend.parameters = here.settings_memo().with(backend.parameters, reported.name, reported.value);
    }
    if (status == FrameStatus::error) return false;
    backend.carry.assign(input.begin(), input.end());
  }
}

// --- Giving back

void Pool::release(Backend& backend, Worker& here) {
  backend.transport.watch(nullptr);
  if (backend.cancels.hold_back()) return;
  if (backend.cancels.in_doubt()) return discard(backend, BackendClose::cancel_in_doubt, here);
  Waiter* waiter = nullptr;
  std::optional<BackendClose> leaves;
  bool asks = false;
  {
    const std::lock_guard lock(mutex_);
    leaves = state_.must_leave(backend, here.now());
    asks = !leaves && begin_role_check(backend, here.now());
    if (asks) backend.idle_since = here.now();
    if (!leaves && !asks) waiter = state_.put(backend, here.now(), false);
    if (waiter != nullptr) hand_over(backend, *waiter, here);
  }
  if (asks) spawn(here, ask_role(here, shared_from_this(), backend.shared_from_this()));
  if (leaves) discard(backend, *leaves, here);
}

// Under the mutex: the waiter may vanish as soon as that is open.
void Pool::hand_over(Backend& backend, Waiter& waiter, Worker& here) {
  if (waiter.worker != here.index()) backend.transport.detach();
  context_.sessions.wake({waiter.worker, waiter.session}, here);
}

void Pool::discard(Backend& backend, BackendClose reason, Worker& here) {
  {
    const std::lock_guard lock(mutex_);
    state_.begin_leaving(backend);
  }
  see_off_later(backend, reason, here);
}

void Pool::see_off_later(Backend& backend, BackendClose reason, Worker& here) {
  counters(here).closes[static_cast<std::size_t>(reason)].add();
  log::debug("backend_closed", {{"database", database_},
                                {"user", user_},
                                {"pid", std::to_string(backend.pid)},
                                {"reason", to_string(reason)}});
  std::shared_ptr<Backend> kept = backend.shared_from_this();
  spawn(here, see_off(here, shared_from_this(), std::move(kept)));
}

// Says goodbye and waits until the server has closed its end: only then is its process out of the way of the
// next one. A server that is unreachable is given up by TCP.
Task<> Pool::see_off(Worker& here, std::shared_ptr<Pool> /*self*/, std::shared_ptr<Backend> backend) {
  Waker waker(here.reactor());
  Transport& transport = backend->transport;
  transport.detach();
  if (transport.is_open() && transport.attach(here.reactor(), &waker)) {
    ByteBuffer goodbye;
    write_terminate(goodbye);
    const iovec part{goodbye.data(), goodbye.size()};
    transport.set_silence_limit(true);
    transport.write({&part, 1});
    transport.shutdown_write();
    for (;;) {
      const IoResult result = transport.peek(here.idle_scratch());
      if (result.status == IoStatus::closed || result.status == IoStatus::failed) break;
      if (result.status == IoStatus::ok) waker.wake();  // the others get their turn
      co_await waker.wait();
    }
  }
  transport.close();
  {
    const std::lock_guard lock(mutex_);
    state_.left(*backend);
    members_.erase(backend.get());
  }
  open_missing(here);
}

// The hub asks on its worker, before each connection.
std::shared_ptr<ListenHub> Pool::hub(const std::string& encoding, Worker& here) {
  return hubs_.get(encoding, here, [weak = weak_from_this()]() -> HubSource {
    const std::shared_ptr<Pool> pool = weak.lock();
    if (!pool) return {};
    const std::lock_guard lock(pool->mutex_);
    return {pool->target_, [&aws = pool->context_.aws, target = pool->target_, settings = pool->settings_,
                            keys = pool->scram_keys_](Worker& worker) {
              return log_in(worker, aws, target, settings, keys);
            }};
  });
}

// --- Opening

void Pool::open_missing(Worker& here) {
  std::size_t count = 0;
  {
    const std::lock_guard lock(mutex_);
    count = state_.begin_opening(here.now());
  }
  for (; count > 0; --count) spawn(here, open_one(here, shared_from_this()));
}

Task<> Pool::open_one(Worker& here, std::shared_ptr<Pool> /*self*/) {
  std::shared_ptr<const PoolTarget> target;
  std::shared_ptr<const config::Pool> settings;
  std::uint64_t generation = 0;
  {
    const std::lock_guard lock(mutex_);
    target = target_;
    settings = settings_;
    generation = state_.generation();
  }
  Opened login = co_await log_in(here, context_.aws, target, settings, scram_keys_);
  Opened result = co_await learn_default_role(here, std::move(login), settings->connect_timeout);
  note_login(target, result, here.now());
  if (result.backend) {
    result.backend->generation = generation;
    opened_backend(std::move(result.backend), here);
  } else {
    open_failed(std::move(result.refusal), here);
  }
}

void Pool::opened_backend(std::shared_ptr<Backend> backend, Worker& here) {
  counters(here).logins[static_cast<std::size_t>(BackendLoginResult::ok)].add();
  log::debug("backend_opened",
             {{"database", database_}, {"user", user_}, {"pid", std::to_string(backend->pid)}});
  bool recovered = false;
  bool outdated = false;
  {
    const std::lock_guard lock(mutex_);
    recovered = state_.failures() > 0;
    outcomes_.succeeded();
    if (backend->login_user == target_->user) standing_.logged_in(here.now(), backend->proved_password);
    // It has logged in before the defaults moved, or to the server that was meant then.
    outdated = backend->generation != state_.generation() || state_.paused();
    if (!logins_.baseline() || !outdated) logins_.use_baseline(backend->parameters);
    members_.emplace(backend.get(), backend);
    if (outdated) {
      state_.begin_leaving_unused(*backend);
    } else if (Waiter* const waiter = state_.put(*backend, here.now(), true)) {
      hand_over(*backend, *waiter, here);
    }
  }
  if (outdated) see_off_later(*backend, BackendClose::outdated, here);
  if (recovered) log::info("server_reachable", {{"database", database_}, {"user", user_}});
  open_missing(here);
}

void Pool::open_failed(ServerRefusal refusal, Worker& here) {
  counters(here).logins[static_cast<std::size_t>(refusal.result)].add();
  unsigned failures = 0;
  bool wants_line = false;
  TimePoint retry_at;
  {
    const std::lock_guard lock(mutex_);
    state_.open_failed(here.now());
    failures = state_.failures();
    retry_at = state_.retry_at();
    wants_line = outcomes_.failed(refusal, failures, here.now());
  }
  if (wants_line) {
    log::warning("server_login_failed", {{"database", database_},
                                         {"user", user_},
                                         {"failures", std::to_string(failures)},
                                         {"sqlstate", refusal.sqlstate},
                                         {"message", refusal.message}});
  }
  if (refusal.permanent) wake_all_waiters(here);
  retry_later(here, retry_at);
}

void Pool::retry_later(Worker& here, TimePoint at) {
  auto timer = std::make_shared<asio::steady_timer>(here.io(), at);
  timer->async_wait(
      [self = shared_from_this(), timer, &here](boost::system::error_code) { self->open_missing(here); });
}

// They look at refusal() and give up.
void Pool::wake_all_waiters(Worker& here) {
  const std::lock_guard lock(mutex_);
  for (Waiter* waiter = state_.oldest_waiter(); waiter != nullptr; waiter = waiter->next) {
    context_.sessions.wake({waiter->worker, waiter->session}, here);
  }
}

}  // namespace pgweir
