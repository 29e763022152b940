#include "proxy/listen/listen_hub.hpp"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "proxy/backend/login_backoff.hpp"
#include "proxy/base/log.hpp"
#include "proxy/worker/spawn.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

namespace asio = boost::asio;

// Timeouts that a database or role may have as defaults must not end the connection, or a LISTEN.
constexpr std::string_view set_up_sql =
    "SET application_name = 'pgweir listen'; SET idle_session_timeout = 0; SET statement_timeout = 0";

// Encodings are named by letters, digits, _ and -; nothing else is put into SQL text.
bool is_encoding_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '-';
  });
}

void set_gauge(Counter& counter, std::uint64_t value) {
  counter.add(value - counter.get());
}

// Wakes a coroutine at a time that moves.
class Alarm {
 public:
  Alarm(Worker& here, Waker& waker) : timer_(here.io()), waker_(waker) {}
  ~Alarm() { *alive_ = false; }

  void set(TimePoint at) {
    if (at == at_) return;
    at_ = at;
    timer_.cancel();
    if (at == TimePoint::max()) return;
    timer_.expires_at(at);
    timer_.async_wait([this, alive = alive_](boost::system::error_code ec) {
      if (ec || !*alive) return;
      at_ = TimePoint::max();
      waker_.wake();
    });
  }

 private:
  asio::steady_timer timer_;
  Waker& waker_;
  TimePoint at_ = TimePoint::max();
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

// Lets the hub find its sleeping coroutine for as long as there is one.
class ListenHub::Attached {
 public:
  Attached(ListenHub& hub, Waker& waker) : hub_(hub) {
    hub_.waker_ = &waker;
    hub_.phase_ = Phase::open;
    hub_.outbox_->set_on_room([this] { hub_.resume(); });
  }
  ~Attached() {
    hub_.outbox_->set_on_room({});
    hub_.waker_ = nullptr;
    hub_.phase_ = Phase::closed;
  }
  Attached(const Attached&) = delete;
  Attached& operator=(const Attached&) = delete;

 private:
  ListenHub& hub_;
};

ListenHub::ListenHub(Worker& home, Workers& workers, NotificationSink& sink,
                     std::function<HubSource()> source, std::string encoding, HubLimits limits)
    : home_(home),
      source_(std::move(source)),
      encoding_(std::move(encoding)),
      limits_(limits),
      outbox_(std::make_shared<HubOutbox>(home, workers, sink, limits.in_flight_max)),
      table_(limits.channels) {}

// --- Any thread

void ListenHub::change(Subscriber who, ListenChange change) {
  home_.post([self = shared_from_this(), who, change = std::move(change)]() mutable {
    const std::optional<ListenOutcome> outcome = self->table_.change(who, std::move(change));
    if (outcome) self->tell({{who, *outcome}});
    self->pump();
    self->outbox_->post();
  });
}

void ListenHub::leave(Subscriber who) {
  home_.post([self = shared_from_this(), who] {
    self->table_.leave(who);
    self->pump();
  });
}

void ListenHub::retire() {
  home_.post([self = shared_from_this()] {
    self->retired_ = true;
    self->pump();
    self->outbox_->post();
  });
}

// --- The connection's life

// Something has changed: sees to it that it is acted upon.
void ListenHub::pump() {
  count();
  if (phase_ == Phase::open) return wake();
  if (phase_ == Phase::opening || !table_.has_requests()) return;
  if (retired_ || home_.now() < retry_at_) return refuse();
  phase_ = Phase::opening;
  spawn(home_, run(shared_from_this()));
}

void ListenHub::wake() {
  if (waker_ != nullptr) waker_->wake();
}

// The hub has not read because there was no room, so that the server's silence means nothing yet.
void ListenHub::resume() {
  heard_at_ = home_.now();
  wake();
}

Task<> ListenHub::run(std::shared_ptr<ListenHub> /*self*/) {
  const HubSource source = source_();
  target_ = source.target;
  Opened opened;
  if (target_) opened = co_await source.log_in(home_);
  if (!opened.backend) {
    open_failed(opened.refusal);
    co_return;
  }
  {
    Waker waker(home_.reactor());
    Alarm alarm(home_, waker);
    HubConnection connection(std::move(opened.backend), waker);
    const Attached attached(*this, waker);
    begin(connection);
    while (turn(connection)) {
      alarm.set(deadline());
      co_await waker.wait();
    }
  }
  pump();
  outbox_->post();
}

void ListenHub::begin(HubConnection& connection) {
  setting_up_ = true;
  useful_ = false;
  heard_at_ = home_.now();
  idle_since_.reset();
  std::string sql(set_up_sql);
  if (is_encoding_name(encoding_)) sql += "; SET client_encoding = '" + encoding_ + "'";
  connection.send_query(sql);
  log::debug("listen_connection_opened", {{"pid", std::to_string(connection.pid())}});
}

// Does what there is to do. False: the connection is of no use any more.
bool ListenHub::turn(HubConnection& connection) {
  const bool whole = !retired_ && connection.flush() && read(connection);
  if (whole) send_commands(connection);
  const bool open = whole && connection.flush() && !is_late();
  if (!open) lose(connection.last_error());
  const bool stays = open && !may_close();
  if (!stays) connection.close();
  count();
  outbox_->post();
  return stays;
}

bool ListenHub::read(HubConnection& connection) {
  if (!connection.readable() || !outbox_->has_room()) return true;
  const bool open = connection.receive(home_.scratch());
  heard_at_ = home_.now();
  if (!take_events(connection)) return false;
  if (open && connection.readable()) wake();  // the others get their turn
  return open;
}

bool ListenHub::take_events(HubConnection& connection) {
  HubEvent event;
  for (;;) {
    const HubConnection::Next next = connection.next(event);
    if (next != HubConnection::Next::event) return next == HubConnection::Next::none;
    if (event.kind == HubEvent::Kind::notification) {
      on_notification(event);
      continue;
    }
    if (!event.succeeded) log::info("listen_refused", {{"message", connection.last_error()}});
    if (!on_answer(event.succeeded)) return false;
  }
}

// False: the server has refused what it must not refuse, or answered what it was not asked.
bool ListenHub::on_answer(bool succeeded) {
  if (std::exchange(setting_up_, false)) return succeeded;
  if (!table_.has_batch()) return false;
  if (!succeeded && table_.under_way().kind != HubCommand::Kind::listen) return false;
  tell(table_.acknowledge(succeeded));
  useful_ = true;
  failures_ = 0;
  return true;
}

void ListenHub::on_notification(const HubEvent& event) {
  counters_.notifications.add();
  std::shared_ptr<const ByteBuffer> message;
  for (const Audience& audience : table_.audience(event.notification.channel)) {
    if (!message) message = std::make_shared<const ByteBuffer>(event.message.begin(), event.message.end());
    outbox_->deliver(audience, message);
    counters_.deliveries.add(audience.sessions->size());
  }
}

void ListenHub::send_commands(HubConnection& connection) {
  const std::vector<HubCommand> commands = table_.next_batch();
  for (const HubCommand& command : commands) connection.send(command);
  if (!commands.empty()) heard_at_ = home_.now();
}

bool ListenHub::is_late() const {
  return home_.now() >= deadline() && (setting_up_ || table_.has_batch());
}

bool ListenHub::may_close() {
  if (!table_.idle() || setting_up_) {
    idle_since_.reset();
    return false;
  }
  if (!idle_since_) idle_since_ = home_.now();
  return home_.now() >= deadline() || home_.shared().draining.load();
}

// When to look again although nothing happens.
TimePoint ListenHub::deadline() const {
  if (outbox_->waits_for_room()) return TimePoint::max();
  if (setting_up_ || table_.has_batch()) return heard_at_ + limits_.silence_max;
  return idle_since_ ? *idle_since_ + limits_.linger : TimePoint::max();
}

// --- Failures

void ListenHub::open_failed(const ServerRefusal& refusal) {
  phase_ = Phase::closed;
  count_failure(refusal.sqlstate, refusal.message);
  refuse();
  outbox_->post();
}

// The first failure of an outage is logged, and then the 2nd, 4th, 8th ...
void ListenHub::count_failure(std::string_view sqlstate, std::string_view message) {
  const auto delay = login_backoff_min * (1U << std::min(failures_, 8U));
  retry_at_ = home_.now() + std::min<std::chrono::milliseconds>(delay, login_backoff_max);
  ++failures_;
  if (!target_ || (failures_ & (failures_ - 1)) != 0) return;
  log::warning("listen_connection_failed", {{"database", target_->dbname},
                                            {"user", target_->user},
                                            {"failures", std::to_string(failures_)},
                                            {"sqlstate", sqlstate},
                                            {"message", message}});
}

void ListenHub::refuse() {
  tell(table_.refuse_requests(ListenOutcome::unavailable));
  count();
}

// Requests that are left get another connection, unless this one was of no use.
void ListenHub::lose(std::string_view why) {
  const std::vector<Subscriber> listeners = table_.lose_connection();
  for (const Subscriber& who : listeners) outbox_->lost(who);
  if (retired_) return;
  if (!useful_) return count_failure({}, why);
  if (!listeners.empty()) counters_.losses.add();
  log::warning("listen_connection_lost", {{"database", target_->dbname},
                                          {"user", target_->user},
                                          {"listeners", std::to_string(listeners.size())},
                                          {"message", why}});
}

void ListenHub::tell(const std::vector<ListenAnswer>& answers) {
  for (const ListenAnswer& answer : answers) outbox_->answer(answer);
}

void ListenHub::count() {
  set_gauge(counters_.connections, phase_ == Phase::open ? 1 : 0);
  set_gauge(counters_.channels, table_.channels());
  set_gauge(counters_.clients, table_.clients());
}

}  // namespace pgweir
