#include "tests/simulation/model/session.hpp"

#include <algorithm>
#include <utility>

#include "protocol/frontend.hpp"
#include "tests/simulation/model/channels.hpp"
#include "tests/simulation/model/copy.hpp"
#include "tests/simulation/model/setting_commands.hpp"
#include "tests/simulation/model/transaction.hpp"

namespace pgweir::simulation {
namespace {

constexpr std::chrono::seconds deadlock_timeout{1};
constexpr std::size_t output_buffer = 8192;  // PQ_SEND_BUFFER_SIZE

bool is_extended(char type) {
  return std::string_view("PBDEC").find(type) != std::string_view::npos;
}

}  // namespace

ModelSession::ModelSession(ModelCluster& cluster, Pid pid, std::uint32_t secret)
    : s_(cluster, pid), secret_(secret), login_(s_, secret) {
  cluster.enter(*this);
}

ModelSession::~ModelSession() {
  disconnect();
}

void ModelSession::receive(ByteView bytes) {
  input_.insert(input_.end(), bytes.begin(), bytes.end());
  run();
}

ByteBuffer ModelSession::take_output() {
  flushed_ = 0;
  return std::exchange(s_.out, {});
}

ByteBuffer ModelSession::take_sent_output() {
  const bool waits_for_data = blocked_ && blocked_->for_copy;
  const bool keeps = keeps_output_ && phase_ == Phase::serving && !waits_for_data;
  if (!keeps || s_.out.size() - flushed_ >= output_buffer) return take_output();
  const auto end = s_.out.begin() + static_cast<std::ptrdiff_t>(std::exchange(flushed_, 0));
  ByteBuffer sent(s_.out.begin(), end);
  s_.out.erase(s_.out.begin(), end);
  return sent;
}

void ModelSession::advance(Time now) {
  s_.now = now;
  run();
}

void ModelSession::run() {
  while (phase_ != Phase::closed && step()) {
  }
}

// False: nothing can be done before something else happens.
bool ModelSession::step() {
  const bool woken = std::exchange(woken_, false);
  if (phase_ == Phase::login) return log_in();
  if (termination_) {
    end(&*termination_);
    return false;
  }
  if (!current_) {
    if (s_.transaction.block == Block::none) Channels(s_).deliver();
    if (const auto timeout = idle_timeout(); timeout && s_.now >= *idle_since_ + *timeout) {
      const bool in_transaction = s_.transaction.block != Block::none;
      const SqlError why{.code = in_transaction ? "25P03" : "57P05",
                         .message = in_transaction
                                        ? "terminating connection due to idle-in-transaction timeout"
                                        : "terminating connection due to idle-session timeout"};
      end(&why);
      return false;
    }
    if (!take_message()) return false;
  } else if (!woken && !may_go_on()) {
    return false;
  }
  work();
  return !blocked_ || blocked_->for_copy;
}

bool ModelSession::log_in() {
  if (termination_) {
    end(&*termination_);
    return false;
  }
  try {
    const Login::Step step = login_.take(input_);
    if (step == Login::Step::need_more) return false;
    if (step == Login::Step::closed) end(nullptr);
    if (step != Login::Step::done) return true;
    phase_ = Phase::serving;
    for (auto& [name, value] : SettingCommands(s_).reported()) reported_[name] = value;
    send_ready();
    return true;
  } catch (const SqlError& error) {
    end(&error);
    return false;
  }
}

bool ModelSession::take_message() {
  if (input_.size() < message_header_size) return false;
  const std::size_t size = 1 + load_u32(input_.data() + 1);
  if (input_.size() < size) return false;
  const auto begin = input_.begin() + message_header_size;
  const auto behind = input_.begin() + static_cast<std::ptrdiff_t>(size);
  current_ = Message{static_cast<char>(input_[0]), ByteBuffer(begin, behind)};
  input_.erase(input_.begin(), behind);
  idle_since_.reset();
  return true;
}

// Whether a statement that waits may be begun again.
bool ModelSession::may_go_on() const {
  const std::optional<Time> at = wakes_at();
  if (at && *at <= s_.now) return true;
  if (!blocked_->for_copy || input_.size() < message_header_size) return false;
  return input_.size() >= 1 + load_u32(input_.data() + 1);
}

void ModelSession::work() {
  const bool waited = blocked_.has_value();
  const Blocked before = std::exchange(blocked_, std::nullopt).value_or(Blocked{});
  try {
    if (waited) check_interrupts(before);
    if (before.for_copy) take_copy_message();
    handle(*current_);
    simple_.reset();
  } catch (const Blocked& blocked) {
    if (blocked.by_lock && !lock_since_) {
      lock_since_ = s_.now;
      deadlock_check_ = s_.now + deadlock_timeout;
    }
    blocked_ = blocked;
    return;
  } catch (const SqlError& error) {
    fail_message(error);
  }
  lock_since_.reset();
  deadlock_check_.reset();
  current_.reset();
}

void ModelSession::handle(const Message& message) {
  const ByteView body = message.body;
  const bool skips = skips_to_sync_ && message.type != 'S' && message.type != 'X';
  const bool runs = !skips && (message.type == 'Q' || is_extended(message.type));
  // PostgreSQL forgets a cancel whenever it reads a message, so that it never outlives one that does nothing.
  if (!runs && cancel_ == Cancel::with_next) cancel_ = Cancel::none;
  if (skips) return;
  keeps_output_ = is_extended(message.type);
  if (runs && cancel_ == Cancel::with_next) check_interrupts(Blocked{});
  ExtendedQuery extended(s_);
  switch (message.type) {
    case 'Q': {
      QueryView query;
      if (parse_query(body, query) != Errc::ok) fail("08P01", "invalid message format");
      if (!simple_) simple_.emplace(s_, std::string(query.text));
      simple_->run();
      return send_ready();
    }
    case 'P':
      return extended.parse(body);
    case 'B':
      return extended.bind(body);
    case 'D':
      return extended.describe(body);
    case 'E':
      return extended.execute(body);
    case 'C':
      return extended.close(body);
    case 'S':
      skips_to_sync_ = false;
      extended.sync();
      return send_ready();
    case 'H':
      flushed_ = s_.out.size();  // whatever follows in the same packet
      return;
    case 'd':
    case 'c':
    case 'f':
      return;  // a COPY that has failed is still being sent
    case 'X':
      return end(nullptr);
    default:
      const SqlError why{.code = "08P01",
                         .message = "invalid frontend message type " + std::to_string(message.type)};
      end(&why);
  }
}

// The message that began the COPY stays the current one.
void ModelSession::take_copy_message() {
  const Message copying = *current_;
  if (!take_message()) return;
  const Message data = std::exchange(*current_, copying);
  handle_copy(data);
}

CopyIn* ModelSession::copy_in() const {
  if (simple_) return simple_->copy_in();
  return ExtendedQuery(const_cast<SessionState&>(s_)).copy_in(current_->body);
}

void ModelSession::handle_copy(const Message& message) {
  CopyIn& copy = *copy_in();
  std::string_view reason = as_text(message.body);
  switch (message.type) {
    case 'd':
      return copy.add(reason);
    case 'c':
      return copy.finish();
    case 'f':
      reason = reason.substr(0, reason.find('\0'));
      copy.give_up("57014", "COPY from stdin failed: " + std::string(reason));
    case 'H':
    case 'S':
      return;
    default:
      constexpr std::string_view digits = "0123456789ABCDEF";
      copy.give_up("08P01", std::string("unexpected message type 0x") + digits[message.type >> 4 & 15] +
                                digits[message.type & 15] + " during COPY from stdin");
  }
}

// What ends a statement from outside.
void ModelSession::check_interrupts(const Blocked& before) {
  const auto interrupt = [&](std::string code, std::string message) {
    const std::size_t position = code == "57014" ? 0 : before.position;
    throw SqlError{.code = std::move(code),
                   .message = std::move(message),
                   .position = position,
                   .context = before.context};
  };
  if (std::exchange(cancel_, Cancel::none) != Cancel::none)
    interrupt("57014", "canceling statement due to user request");
  const auto lock_timeout = s_.settings.duration("lock_timeout");
  if (lock_since_ && lock_timeout.count() > 0 && s_.now >= *lock_since_ + lock_timeout)
    interrupt("55P03", "canceling statement due to lock timeout");
  if (s_.statement_deadline && s_.now >= *s_.statement_deadline)
    interrupt("57014", "canceling statement due to statement timeout");
  const bool looks = deadlock_check_ && s_.now >= *deadlock_check_;
  if (looks) deadlock_check_.reset();
  if (looks && s_.cluster.locks().is_deadlocked(s_.pid)) {
    throw SqlError{
        .code = "40P01", .message = "deadlock detected", .hint = "See server log for query details."};
  }
}

void ModelSession::fail_message(const SqlError& error) {
  const bool is_simple = current_->type == 'Q';
  s_.cluster.locks().stop_waiting(s_.pid);
  TransactionControl(s_).on_error();
  simple_.reset();
  write_error(s_.out, error);
  flushed_ = s_.out.size();
  if (is_extended(current_->type)) {
    skips_to_sync_ = true;
  } else if (is_simple || current_->type == 'S') {
    send_ready();
  }
}

void ModelSession::send_ready() {
  if (cancel_ == Cancel::now) cancel_ = Cancel::none;
  if (s_.transaction.block == Block::none) Channels(s_).deliver();
  for (auto& [name, value] : SettingCommands(s_).reported()) {
    if (reported_[name] == value) continue;
    reported_[name] = value;
    write_parameter_status(s_.out, name, value);
  }
  write_ready_for_query(s_.out, static_cast<char>(TransactionControl(s_).status()));
  flushed_ = s_.out.size();
  idle_since_ = s_.now;
}

std::optional<std::chrono::milliseconds> ModelSession::idle_timeout() const {
  if (!idle_since_) return std::nullopt;
  const bool in_transaction = s_.transaction.block != Block::none;
  const auto timeout =
      s_.settings.duration(in_transaction ? "idle_in_transaction_session_timeout" : "idle_session_timeout");
  if (timeout.count() == 0) return std::nullopt;
  return timeout;
}

std::optional<Time> ModelSession::wakes_at() const {
  if (phase_ == Phase::closed) return std::nullopt;
  if (woken_ || termination_) return s_.now;
  if (phase_ == Phase::login) return std::nullopt;
  if (!current_) {
    if (!s_.notifications.empty() && s_.transaction.block == Block::none) return s_.now;
    const auto timeout = idle_timeout();
    return timeout ? std::optional(*idle_since_ + *timeout) : std::nullopt;
  }
  if (cancel_ != Cancel::none) return s_.now;
  std::optional<Time> first = blocked_ ? blocked_->until : std::nullopt;
  const auto add = [&](Time at) { first = first ? std::min(*first, at) : at; };
  if (s_.statement_deadline) add(*s_.statement_deadline);
  const auto lock_timeout = s_.settings.duration("lock_timeout");
  if (lock_since_ && lock_timeout.count() > 0) add(*lock_since_ + lock_timeout);
  if (deadlock_check_) add(*deadlock_check_);
  return first;
}

}  // namespace pgweir::simulation
