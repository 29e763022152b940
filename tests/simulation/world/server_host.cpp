#include "tests/simulation/world/server_host.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "protocol/sqlstate.hpp"
#include "protocol/startup.hpp"
#include "tests/simulation/model/cluster.hpp"
#include "tests/simulation/model/session.hpp"
#include "tests/simulation/world/messages.hpp"

namespace pgweir::simulation {
namespace {

constexpr std::size_t read_size = 16 * 1024;
constexpr std::uint32_t cancel_code = 80877102;
// What pgweir says first on a connection that LISTENs for clients.
constexpr std::string_view listening_words = "SET application_name = 'pgweir listen'";

std::uint32_t number_at(ByteView bytes, std::size_t at) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i) number = number << 8 | bytes[at + i];
  return number;
}

}  // namespace

// One connection: a session of the model, or a request to cancel.
class ServerHost::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(ServerHost& host, std::shared_ptr<End> end, int number)
      : host_(host), end_(std::move(end)), name_("server " + std::to_string(number)) {}

  void start() {
    end_->changed = [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->work_soon();
    };
    host_.trace_.say(name_, "is connected");
  }
  bool is_over() const { return is_over_; }
  bool is_used() const { return !is_over_ && session_ != nullptr && !end_->peer_has_left(); }
  // Empty: it is not known yet, or it is a request to cancel.
  const std::string& user() {
    if (user_.empty() && !is_over_) learn_user();
    return user_;
  }
  bool is_listening() const { return is_listening_; }
  bool is_left() const { return end_->peer_has_left(); }
  bool is_logging_in() const { return !is_logged_in_; }
  bool is_running(const std::string& word) const {
    return session_ && session_->is_waiting() && last_text_.find(word) != std::string::npos;
  }

  void end(Ending ending) {
    if (std::exchange(is_over_, true)) return;
    count_end();
    if (session_ && ending != Ending::untold) {
      session_->terminate(SqlError{"57P01", "terminating connection due to administrator command"});
      advance();
      ByteView rest = ByteView(unsent_).subspan(sent_);
      if (ending == Ending::half_told && rest.size() > 1)
        rest = rest.first(host_.kernel_.random().between(1, rest.size() - 1));
      end_->send(rest);
    }
    host_.trace_.say(name_, ending == Ending::told        ? "ends"
                            : ending == Ending::half_told ? "breaks off"
                                                          : "is gone");
    session_.reset();
    if (ending == Ending::untold) {
      end_->reset();
    } else {
      end_->close();
    }
  }
  void vanish() {
    if (!is_over_) count_end();
    end_->vanish();
    is_over_ = true;
    session_.reset();
  }

 private:
  void learn_user() {
    const ByteView sent = end_->beginning_of_peer();
    if (sent.size() < 8 || sent.size() < number_at(sent, 0)) return;
    StartupPacket packet;
    if (parse_startup_packet(sent.subspan(4, number_at(sent, 0) - 4), packet) != Errc::ok) return;
    if (const auto* const startup = std::get_if<StartupMessage>(&packet)) user_ = startup->user;
  }
  // The server's process gets the processor after a while; what arrives until then is taken together.
  void work_soon() {
    if (is_over_ || is_slow_ || std::exchange(is_planned_, true)) return;
    plan(pace());
  }
  void plan(SimTime delay) {
    host_.kernel_.timeline().after(delay, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->work();
    });
  }
  SimTime pace() {
    Random& random = host_.kernel_.random();
    const ServerPace& pace = host_.pace;
    if (!session_ && random.chance(pace.slow_login))
      return SimTime(
          static_cast<SimTime::rep>(random.below(static_cast<std::uint64_t>(pace.slow_login_max.count()))));
    return SimTime(
        static_cast<SimTime::rep>(random.between(static_cast<std::uint64_t>(pace.shortest.count()),
                                                 static_cast<std::uint64_t>(pace.longest.count()))));
  }

  void work() {
    is_planned_ = false;
    if (is_over_) return;
    if (is_slow_) begin();
    if (!is_over_) read();
    if (is_over_ || is_slow_) return;
    if (session_) {
      advance();
      plan_wake();
      host_.wake_all();
    }
    send();
    if (unsent_.empty() && end_->has_bytes())
      work_soon();  // it was not read while there was something to send
    if (session_ && session_->is_closed() && unsent_.empty()) return finish();
    if (end_->error() != 0 || (end_->has_end() && !end_->has_bytes() && !is_busy())) finish();
  }
  // A server notices a client that has gone only where it reads or writes.
  bool is_busy() const { return session_ && session_->is_waiting() && !session_->is_reading(); }

  void read() {
    std::array<Byte, read_size> buffer;
    while (unsent_.empty()) {
      const std::size_t size = end_->receive(buffer);
      if (size == 0) return;
      received_.insert(received_.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size));
      if (!session_ && !begin()) return;
      if (is_over_) return;
      narrate(received_);
      advance();
      session_->receive(std::exchange(received_, {}));
      advance();
    }
  }
  // False: the first message is not there yet, or was a request to cancel.
  bool begin() {
    if (received_.size() < 8) return false;
    if (number_at(received_, 4) != cancel_code) {
      session_ = std::make_unique<ModelSession>(host_.cluster_, host_.next_pid_++,
                                                static_cast<std::uint32_t>(host_.kernel_.random().next()));
      heard_is_startup_ = true;
      return true;
    }
    if (received_.size() < 16) return false;
    if (const auto slow = host_.pace.slow_cancel; slow > SimTime::zero() && !is_slow_) {
      is_slow_ = true;
      plan(SimTime(
          static_cast<SimTime::rep>(host_.kernel_.random().below(static_cast<std::uint64_t>(slow.count())))));
      return false;
    }
    const auto pid = number_at(received_, 8);
    host_.trace_.say(name_, "is asked to cancel what session " + std::to_string(pid) + " runs");
    is_cancel_ = true;
    host_.cancel(pid, ByteView(received_).subspan(12));
    host_.wake_all();
    finish();
    return false;
  }

  void narrate(ByteView bytes) {
    heard_.insert(heard_.end(), bytes.begin(), bytes.end());
    if (heard_is_startup_) {  // it has no type, and may come in pieces
      const std::size_t size = heard_.size() < 4 ? 4 : number_at(heard_, 0);
      if (heard_.size() < size) return;
      heard_.erase(heard_.begin(), heard_.begin() + static_cast<std::ptrdiff_t>(size));
      heard_is_startup_ = false;
      host_.trace_.say(name_, "< startup");
    }
    for (const Message& message : take_messages(heard_)) {
      if (message.type == 'Q' || message.type == 'P') last_text_ = {message.body.begin(), message.body.end()};
      if (message.type == 'Q' && last_text_.starts_with(listening_words)) note_listening();
      host_.trace_.say(name_, "< " + in_words(message, false));
    }
  }

  void note_listening() {
    if (!std::exchange(is_listening_, true)) ++host_.listening_logins_;
  }

  void advance() {
    session_->advance(Time(host_.kernel_.now()));
    if (!is_logged_in_ && session_->has_begun()) {
      is_logged_in_ = true;
      ++host_.logins_;
    }
    take_output();
  }

  void take_output() {
    const ByteBuffer output = session_->take_sent_output();
    said_.insert(said_.end(), output.begin(), output.end());
    for (const Message& message : take_messages(said_)) {
      host_.trace_.say(name_, "> " + in_words(message, true));
      if (message.type == 'E' && field(message, 'C') == sqlstate::internal_error)
        host_.not_understood_ = field(message, 'M');
    }
    unsent_.insert(unsent_.end(), output.begin(), output.end());
  }

  void send() {
    if (unsent_.empty()) return;
    sent_ += end_->send(ByteView(unsent_).subspan(sent_));
    if (sent_ < unsent_.size() && sent_ < unsent_.size() / 2) return;
    unsent_.erase(unsent_.begin(), unsent_.begin() + static_cast<std::ptrdiff_t>(sent_));
    sent_ = 0;
  }

  void plan_wake() {
    const auto at = session_->wakes_at();
    if (!at) return;
    const std::uint64_t number = ++wakes_;
    host_.kernel_.timeline().at(at->time_since_epoch(), [weak = weak_from_this(), number] {
      const auto self = weak.lock();
      if (self && self->wakes_ == number) self->work_soon();
    });
  }

  void finish() {
    if (std::exchange(is_over_, true)) return;
    count_end();
    host_.trace_.say(name_, "has ended");
    session_.reset();
    end_->close();
    host_.wake_all();
  }

  void count_end() {
    if (!session_ && !is_cancel_) ++host_.unheard_;
    if (is_logged_in_ && last_text_.empty()) ++host_.mute_logins_;
  }

  friend class ServerHost;
  ServerHost& host_;
  std::shared_ptr<End> end_;
  const std::string name_;
  std::unique_ptr<ModelSession> session_;
  ByteBuffer received_;
  ByteBuffer unsent_;
  std::size_t sent_ = 0;  // of it
  ByteBuffer heard_;      // for the trace
  ByteBuffer said_;       // for the trace
  std::uint64_t wakes_ = 0;
  std::string last_text_;
  std::string user_;
  bool is_slow_ = false;    // a request to cancel that is not looked at yet
  bool is_cancel_ = false;  // one that was
  bool heard_is_startup_ = false;
  bool is_logged_in_ = false;
  bool is_listening_ = false;
  bool is_planned_ = false;
  bool is_over_ = false;
};

ServerHost::ServerHost(Kernel& kernel, Trace& trace, ModelCluster& cluster, std::uint32_t address,
                       std::uint16_t port)
    : kernel_(kernel), trace_(trace), cluster_(cluster) {
  kernel_.add_host(address, port,
                   {[this] {
                      if (reachability != Reachability::accepts) ++unheard_;
                      return reachability;
                    },
                    [this](std::shared_ptr<End> end) { accept(std::move(end)); }});
}

ServerHost::~ServerHost() = default;

void ServerHost::accept(std::shared_ptr<End> end) {
  sweep();
  auto connection = std::make_shared<Connection>(*this, std::move(end), static_cast<int>(++accepted_));
  connections_.push_back(connection);
  connection->start();
}

std::size_t ServerHost::sessions() const {
  return static_cast<std::size_t>(std::count_if(connections_.begin(), connections_.end(),
                                                [](const auto& each) { return each->is_used(); }));
}

std::size_t ServerHost::listening_sessions() const {
  return static_cast<std::size_t>(
      std::count_if(connections_.begin(), connections_.end(),
                    [](const auto& each) { return each->is_used() && each->is_listening(); }));
}

ServerHost::Taken ServerHost::taken_by(std::string_view user) const {
  Taken taken;
  for (const auto& each : connections_) {
    if (each->is_over() || each->user() != user) continue;
    ++(each->is_listening() ? taken.listening : taken.pooled);
    if (!each->is_left()) {
      if (each->is_logging_in()) ++taken.logging_in;
      continue;
    }
    ++taken.left;
    if (each->is_listening()) ++taken.listening_left;
  }
  return taken;
}

bool ServerHost::is_running(const std::string& word) const {
  return std::any_of(connections_.begin(), connections_.end(),
                     [&](const auto& each) { return each->is_running(word); });
}

void ServerHost::sweep() {
  connections_.remove_if([](const auto& each) { return each->is_over(); });
}

// What one session does may let others go on: a lock, a notification, a cancel.
void ServerHost::wake_all() {
  const Time now(kernel_.now());
  for (const auto& each : connections_) {
    if (each->is_over() || !each->session_) continue;
    if (const auto at = each->session_->wakes_at(); at && *at <= now) each->work_soon();
  }
}

// What has arrived for a session that rests may have been read a moment ago: then the request meets that.
void ServerHost::cancel(std::uint32_t pid, ByteView secret) {
  ++cancels_;
  const ModelSession* const session = cluster_.session(pid);
  if (session == nullptr || !session->has_secret(secret)) return;
  canceled(pid);
  const bool has_more = std::any_of(connections_.begin(), connections_.end(), [&](const auto& each) {
    return each->session_.get() == session && each->end_->has_bytes();
  });
  cluster_.cancel(pid, secret, has_more && kernel_.random().chance(pace.cancel_meets_next));
}

void ServerHost::end_all(Ending ending) {
  const auto all = connections_;
  for (const auto& each : all) each->end(ending);
  sweep();
}

void ServerHost::end_one(Ending ending) {
  sweep();
  if (connections_.empty()) return;
  auto it = connections_.begin();
  std::advance(it, static_cast<std::ptrdiff_t>(kernel_.random().below(connections_.size())));
  const auto one = *it;
  one->end(ending);
  sweep();
  wake_all();
}

void ServerHost::vanish() {
  for (const auto& each : connections_) each->vanish();
  connections_.clear();
}

}  // namespace pgweir::simulation
