#include "tests/simulation/clients/model_client.hpp"

#include <array>
#include <string_view>
#include <utility>

#include "protocol/startup.hpp"

namespace pgweir::simulation {
namespace {

constexpr std::size_t read_size = 16 * 1024;

// The parts of an error that a client acts on. Where in PostgreSQL's source it was raised is not among them.
std::string essence(const Message& message) {
  std::string all;
  for (const char which : {'V', 'C', 'M', 'D', 'H', 'P'}) all += field(message, which) + "\n";
  return all;
}

// A RowDescription without the numbers of tables, which two servers choose each for itself.
ByteBuffer without_tables(ByteBuffer body) {
  for (std::size_t at = 2; at < body.size();) {
    const auto end = std::find(body.begin() + static_cast<std::ptrdiff_t>(at), body.end(), 0);
    at = static_cast<std::size_t>(end - body.begin()) + 1;
    if (at + 18 > body.size()) break;
    std::fill_n(body.begin() + static_cast<std::ptrdiff_t>(at), 4, Byte{0});
    at += 18;
  }
  return body;
}

bool is_same(const Message& one, const Message& other) {
  if (one.type != other.type) return false;
  if (one.type == 'T') return without_tables(one.body) == without_tables(other.body);
  if (one.type == 'E' || one.type == 'N') return essence(one) == essence(other);
  if (one.type == 'A') {  // whose process it was differs
    return ByteBuffer(one.body.begin() + 4, one.body.end()) ==
           ByteBuffer(other.body.begin() + 4, other.body.end());
  }
  return one.body == other.body;
}

std::pair<std::string, std::string> parameter(const Message& message) {
  const auto middle = std::find(message.body.begin(), message.body.end(), 0);
  return {{message.body.begin(), middle}, {middle + 1, message.body.end() - 1}};
}

}  // namespace

ModelClient::ModelClient(Kernel& kernel, Trace& trace, ClientWorld& world, int number, std::uint16_t port,
                         ClientHabits habits, void (*set_up)(ModelCluster&))
    : kernel_(kernel),
      trace_(trace),
      world_(world),
      name_("client " + std::to_string(number)),
      port_(port),
      habits_(habits),
      set_up_(set_up),
      random_(kernel.random().fork()),
      writer_(number, random_.fork()) {}

void ModelClient::start() {
  after(pause(), &ModelClient::connect);
}

SimTime ModelClient::pause() {
  return SimTime(
      static_cast<SimTime::rep>(random_.below(static_cast<std::uint64_t>(habits_.longest_pause.count()))));
}

void ModelClient::after(SimTime delay, void (ModelClient::*then)()) {
  kernel_.timeline().after(delay, [this, then, life = life_] {
    if (life == life_) (this->*then)();
  });
}

void ModelClient::connect() {
  if (is_ending_) {
    is_over_ = true;
    return;
  }
  end_ = kernel_.connect_to_program(port_, 0x0a000200u);
  if (!end_) return be_gone("finds nobody listening");
  end_->changed = [this, life = life_] {
    if (life == life_) take_what_came();
  };
  in_startup_ = true;
  was_refused_ = false;
  has_said_last_ = false;
  told_.clear();
  told_directly_.clear();
  received_.clear();
  unsent_.clear();
  expected_.clear();
  expected_notifications_.clear();
  log_in();
}

void ModelClient::log_in() {
  reference_ = std::make_unique<Reference>(set_up_);
  ByteBuffer startup;
  write_startup_message(startup, 0, "app", "app", {});
  for (const Message& message : reference_->answer(startup)) {
    if (message.type == 'S') told_directly_.insert(parameter(message));
  }
  trace_.say(name_, "> startup");
  unanswered_ = 1;
  waits_since_ = kernel_.now();
  send(startup);
}

// In order: what is sent while an earlier batch still goes out in pieces waits for its end.
void ModelClient::send(const ByteBuffer& bytes) {
  if (kernel_.now() >= pieces_end_) return send_now(bytes);
  kernel_.timeline().at(pieces_end_, [this, bytes, life = life_] {
    if (life == life_) send_now(bytes);
  });
}

void ModelClient::send_now(const ByteBuffer& bytes) {
  unsent_.insert(unsent_.end(), bytes.begin(), bytes.end());
  push();
}

void ModelClient::push() {
  if (unsent_.empty() || end_->is_shut()) return;
  const std::size_t size = end_->send(unsent_);
  unsent_.erase(unsent_.begin(), unsent_.begin() + static_cast<std::ptrdiff_t>(size));
}

void ModelClient::take_what_came() {
  push();
  std::array<Byte, read_size> buffer;
  while (const std::size_t size = end_->receive(buffer)) {
    received_.insert(received_.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size));
    const std::uint64_t life = life_;
    for (const Message& message : take_messages(received_)) {
      ++messages_;
      trace_.say(name_, "< " + in_words(message, true));
      if (in_startup_) {
        compare_startup(message);
      } else {
        compare(message);
      }
      if (life != life_) return;
    }
  }
  if (end_->error() != 0) return connection_lost("is reset");
  if (end_->has_end()) connection_lost("sees the end");
}

void ModelClient::compare_startup(const Message& message) {
  if (message.type == 'S') told_.insert(parameter(message));
  if (message.type == 'E') {
    was_refused_ = true;
    const std::string code = field(message, 'C');
    if (!world_.explains(code)) world_.fail(name_ + " was refused: " + in_words(message, true));
  }
  if (message.type != 'Z') return;
  if (told_ != told_directly_)
    world_.fail(name_ + " was told other settings than a direct connection at its login");
  in_startup_ = false;
  unanswered_ = 0;
  settled();
}

void ModelClient::compare(const Message& message) {
  if (message.type == 'A') return compare_notification(message);
  if (!expected_.empty() && is_same(message, expected_.front())) {
    expected_.pop_front();
    if (message.type == 'Z' && --unanswered_ == 0) settled();
    if (message.type == 'Z') waits_since_ = kernel_.now();
    return;
  }
  if (message.type == 'E' && world_.explains(field(message, 'C'))) {
    was_refused_ = true;
    return be_gone("goes: " + field(message, 'C') + " was not its own");
  }
  const std::string wanted = expected_.empty() ? "nothing" : in_words(expected_.front(), true);
  world_.fail(name_ + " got " + in_words(message, true) +
              "\n  a direct connection would have said: " + wanted);
}

void ModelClient::compare_notification(const Message& message) {
  if (expected_notifications_.empty() || !is_same(message, expected_notifications_.front()))
    return world_.fail(name_ + " got " + in_words(message, true) + ", which is not what it should hear next");
  expected_notifications_.pop_front();
}

// All answers are there.
void ModelClient::settled() {
  if (!expected_.empty())
    return world_.fail(name_ + " misses " + in_words(expected_.front(), true) + " although all is answered");
  if (has_said_last_ || (!is_ending_ && random_.chance(habits_.leaves))) return leave();
  if (!std::exchange(is_planned_, true)) after(pause(), &ModelClient::send_batch);
}

void ModelClient::send_batch() {
  is_planned_ = false;
  if (in_startup_) return;
  const Batch batch = is_ending_ ? writer_.last() : writer_.next();
  has_said_last_ = is_ending_;
  ++batches_;
  trace_.say(name_, "> " + batch.in_words);
  if (unanswered_++ == 0) waits_since_ = kernel_.now();
  for (Message& message : reference_->answer(batch.bytes))
    (message.type == 'A' ? expected_notifications_ : expected_).push_back(std::move(message));
  if (random_.chance(habits_.in_pieces)) {
    send_in_pieces(batch.bytes);
  } else {
    send(batch.bytes);
  }
  if (!is_ending_ && random_.chance(habits_.pipelined)) {
    is_planned_ = true;
    after(pause() / 10, &ModelClient::send_batch);
  }
}

void ModelClient::send_in_pieces(const ByteBuffer& bytes) {
  SimTime at = std::max(kernel_.now(), pieces_end_);
  for (std::size_t i = 0; i < bytes.size();) {
    const std::size_t size = std::min<std::size_t>(bytes.size() - i, random_.between(1, 8));
    const auto from = bytes.begin() + static_cast<std::ptrdiff_t>(i);
    at += std::chrono::microseconds(random_.below(300));
    kernel_.timeline().at(
        at, [this, piece = ByteBuffer(from, from + static_cast<std::ptrdiff_t>(size)), life = life_] {
          if (life == life_) send_now(piece);
        });
    i += size;
  }
  pieces_end_ = at;
}

void ModelClient::leave() {
  const bool rudely = random_.chance(habits_.leaves_rudely);
  if (!rudely) {
    const Byte terminate[] = {'X', 0, 0, 0, 4};
    send_now(ByteBuffer(std::begin(terminate), std::end(terminate)));
    return be_gone("leaves");
  }
  if (random_.chance(0.3)) {
    end_->reset();
    return be_gone("resets its connection");
  }
  be_gone("closes its connection");
}

void ModelClient::be_gone(const std::string& how) {
  trace_.say(name_, how);
  ++life_;
  is_planned_ = false;
  unanswered_ = 0;
  pieces_end_ = {};
  if (end_) end_->close();
  end_.reset();
  after(pause(), &ModelClient::connect);
}

void ModelClient::connection_lost(const std::string& how) {
  if (!was_refused_ && !world_.explains_close()) return world_.fail(name_ + " " + how + " without a reason");
  be_gone(how);
}

bool ModelClient::is_overdue() const {
  return unanswered_ > 0 && kernel_.now() - waits_since_ > habits_.patience;
}

}  // namespace pgweir::simulation
