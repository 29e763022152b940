#include "tests/simulation/clients/model_client.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <numeric>
#include <string_view>
#include <utility>

#include "protocol/bytes.hpp"
#include "protocol/startup.hpp"

namespace pgweir::simulation {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t read_size = 16 * 1024;
// What the trace tells of a batch.
constexpr std::size_t words_max = 300;
constexpr std::uint32_t client_address = 0x0a000200u;  // 10.0.2.0
// A request that goes out this long before the statement's end has to reach it, whatever delays there are.
constexpr SimTime cancel_reaches = seconds(4);
constexpr SimTime answer_takes = milliseconds(500);
// How long after it was sent a request may still be under way.
constexpr SimTime cancel_lasts = seconds(5);
// A notification that was sent this long before a batch comes before the end of its answer. One that is sent later may stand
// behind that, as the end may wait long for a client that does not read, or behind many rows in a small buffer.
constexpr SimTime notification_lasts = seconds(5);
// How long after a limit a client is ended at the latest.
constexpr SimTime timeout_noticed = seconds(10);
// Of the long answers that a client does not read: how many are more than the program may allocate, and their size.
constexpr double huge_answers = 0.2;
constexpr std::size_t huge_least = 20'000'000;
constexpr std::size_t huge_most = 30'000'000;
// What pgweir says where max_clients are there, before it counts a login.
constexpr std::string_view no_room_for_clients = "no more connections allowed";
const std::string read_only_setting = "default_transaction_read_only";
// What is sent byte by byte goes out within this time: less than any limit that a client has to keep to.
constexpr SimTime single_bytes_last = seconds(3);
// Of a long batch so many bytes at its beginning and at its end are sent one by one.
constexpr std::size_t single_bytes_max = 1'000;
// What was sent so long ago has arrived.
constexpr SimTime message_arrives = seconds(2);

}  // namespace

ModelClient::ModelClient(Kernel& kernel, Trace& trace, ClientWorld& world, Random random, int number,
                         std::uint16_t port, const char* user, ClientHabits habits,
                         void (*set_up)(ModelCluster&))
    : kernel_(kernel),
      trace_(trace),
      world_(world),
      name_("client " + std::to_string(number)),
      port_(port),
      user_(user),
      habits_(habits),
      set_up_(set_up),
      random_(random),
      writer_(number, random_.fork(), habits) {}

void ModelClient::start() {
  after(pause(), &ModelClient::connect);
}

SimTime ModelClient::up_to(SimTime longest) {
  return SimTime(static_cast<SimTime::rep>(random_.below(static_cast<std::uint64_t>(longest.count()))));
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
  end_ = kernel_.connect_to_program(port_, client_address);
  if (!end_) return be_gone("finds nobody listening");
  ++lives_;
  end_->changed = [this, life = life_] {
    if (life == life_) take_what_came();
  };
  sent_.push_back(std::make_shared<SentAnswers>());
  end_->overhears = [sent = sent_.back()](ByteView bytes) { sent->add(bytes); };
  in_startup_ = true;
  asked_for_tls_ = was_refused_ = has_said_last_ = is_amid_answer_ = false;
  status_ = TransactionStatus::idle;
  told_.clear();
  told_directly_.clear();
  received_.clear();
  unsent_.clear();
  cancel_key_.clear();
  last_news_.reset();
  hears_from_.reset();
  is_unlistening_ = may_hear_ = false;
  settled_without_notification_.reset();
  expected_.clear();
  zone_.clear();
  canceled_.reset();
  cancel_may_hit_until_ = cancel_asked_ = {};
  log_in();
}

void ModelClient::log_in() {
  reference_ = std::make_unique<Reference>(set_up_);
  writer_.begin_session();
  const std::vector<StartupParameter> parameters = writer_.startup_parameters();
  ByteBuffer startup;
  write_startup_message(startup, 0, user_, "app", parameters);
  for (const Message& message : reference_->answer(startup)) {
    if (message.type == 'S') told_directly_.insert(parameter(message));
  }
  std::string words = "> startup";
  for (const StartupParameter& each : parameters) words += " " + each.name + "=" + each.value;
  trace_.say(name_, words);
  unanswered_ = 1;
  waits_since_ = kernel_.now();
  if (random_.chance(0.1)) {
    asked_for_tls_ = true;
    sent_.back()->expect_byte();
    ByteBuffer request;
    write_ssl_request(request);
    send_now(request);
  }
  if (random_.chance(habits_.in_pieces)) {
    send_in_pieces(startup);
  } else {
    send(startup);
  }
  if (random_.chance(habits_.leaves / 4)) after(up_to(milliseconds(50)), &ModelClient::leave);
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

void ModelClient::send_in_pieces(const ByteBuffer& bytes) {
  if (habits_.byte_by_byte > 0 && random_.chance(habits_.byte_by_byte)) return send_byte_by_byte(bytes);
  SimTime at = std::max(kernel_.now(), pieces_end_);
  for (std::size_t i = 0; i < bytes.size();) {
    const std::size_t size = std::min<std::size_t>(bytes.size() - i, random_.between(1, 8));
    at += std::chrono::microseconds(random_.below(300));
    send_at(at, ByteView(bytes).subspan(i, size));
    i += size;
  }
  pieces_end_ = at;
}

// Each has arrived before the next one is sent, so that a program that is not held up reads them one by one.
void ModelClient::send_byte_by_byte(const ByteBuffer& bytes) {
  trace_.say(name_, "sends it byte by byte");
  const std::size_t singles = std::min(bytes.size(), 2 * single_bytes_max);
  const SimTime most = single_bytes_last / std::max<std::size_t>(singles, 1);
  const SimTime gap = std::min(most, kernel_.quality.longest_delay + std::chrono::microseconds(1));
  const std::size_t middle = singles < bytes.size() ? single_bytes_max : bytes.size();
  SimTime at = std::max(kernel_.now(), pieces_end_);
  for (std::size_t i = 0; i < bytes.size();) {
    const std::size_t size = i == middle ? bytes.size() - singles : 1;
    at += gap;
    send_at(at, ByteView(bytes).subspan(i, size));
    i += size;
  }
  pieces_end_ = at;
}

void ModelClient::send_at(SimTime at, ByteView piece) {
  kernel_.timeline().at(at, [this, piece = ByteBuffer(piece.begin(), piece.end()), life = life_] {
    if (life == life_) send_now(piece);
  });
}

void ModelClient::push() {
  if (unsent_.empty() || end_->is_shut()) return;
  const std::size_t size = end_->send(unsent_);
  unsent_.erase(unsent_.begin(), unsent_.begin() + static_cast<std::ptrdiff_t>(size));
}

void ModelClient::take_what_came() {
  push();
  if (!reads_) {
    // It is not told why: it would not read it.
    if (end_->error() != 0) be_gone("was ended, as it does not read");
    return;
  }
  const std::uint64_t life = life_;
  std::array<Byte, read_size> buffer;
  while (const std::size_t size = end_->receive(buffer)) {
    heard_at_ = kernel_.now();
    received_.insert(received_.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size));
    // Who is refused is told so instead.
    if (std::exchange(asked_for_tls_, false) && received_.front() != 'E') {
      if (received_.front() != 'N')
        return world_.fail(name_ + " asked for TLS and was not told that there is none");
      received_.erase(received_.begin());
    }
    for (const Message& message : take_messages(received_)) {
      ++messages_;
      trace_.say(name_, "< " + in_words(message, true));
      take(message);
      if (life != life_) return;
    }
  }
  if (end_->error() != 0) return connection_lost("is reset");
  if (end_->has_end()) connection_lost("sees the end");
}

void ModelClient::take(const Message& message) {
  if (message.type == 'Z') sent_.back()->note_read();
  if (in_startup_) return take_startup(message);
  if (canceled_) return take_of_canceled(message);
  compare(message);
}

void ModelClient::take_startup(const Message& message) {
  if (message.type == 'S') told_.insert(parameter(message));
  if (message.type == 'K') all_cancel_keys_.push_back(cancel_key_ = message.body);
  if (message.type == 'E') {
    was_refused_ = true;
    if (field(message, 'M').starts_with(no_room_for_clients)) ++turned_away_;
    if (!world_.explains(field(message, 'C')))
      world_.fail(name_ + " was refused: " + in_words(message, true));
  }
  if (message.type != 'Z') return;
  if (world_.is_standby()) told_["in_hot_standby"] = told_directly_["in_hot_standby"];
  // A login that costs no server connection tells what the last one that was opened has told.
  std::string& read_only = told_[read_only_setting];
  const std::string told_read_only = read_only;
  if (world_.was_read_only_since({})) read_only = told_directly_[read_only_setting];
  if (told_ != told_directly_)
    world_.fail(name_ + " was told other settings than a direct connection at its login");
  read_only = told_read_only;
  in_startup_ = false;
  outside_since_ = kernel_.now();
  unanswered_ = 0;
  ++logins_;
  settled();
}

// Whether the request came in time shows at the end of the answer.
void ModelClient::take_of_canceled(const Message& message) {
  canceled_->answer.push_back(message);
  if (message.type != 'Z') {
    if (message.type == 'E' && world_.explains(field(message, 'C')) && field(message, 'C') != "57014") {
      was_refused_ = true;
      check_drain();
      be_gone("goes: " + field(message, 'C') + " was not its own");
    }
    return;
  }
  const Canceled canceled = *std::exchange(canceled_, std::nullopt);
  const bool was_hit = std::any_of(canceled.answer.begin(), canceled.answer.end(), [](const Message& each) {
    return each.type == 'E' && field(each, 'C') == "57014";
  });
  if (!was_hit && canceled.was_running && !world_.explains_close())
    return world_.fail(name_ + " asked to cancel a statement that ran on");
  const ByteBuffer& bytes = canceled.batch.bytes;
  expected_.expect(was_hit ? reference_->answer_canceled(bytes) : reference_->answer(bytes));
  const std::uint64_t life = life_;
  for (const Message& each : canceled.answer) {
    compare(each);
    if (life != life_) return;
  }
}

// In the order in which they were committed, none twice, and none is missing in between.
void ModelClient::take_news(const std::string& payload) {
  const std::optional<std::size_t> number = world_.number_of_news(payload);
  if (!number) return world_.fail(name_ + " got news that nobody has sent: " + payload);
  if (!may_hear_) return world_.fail(name_ + " got news, and does not listen");
  if (last_news_ && !is_unlistening_ && *number != *last_news_ + 1)
    return world_.fail(name_ + " got news number " + std::to_string(*number) + " behind number " +
                       std::to_string(*last_news_));
  last_news_ = number;
}

// When all that it has sent is answered.
bool ModelClient::listens() const {
  const std::vector<std::string> channels = reference_->facts().channels;
  return std::count(channels.begin(), channels.end(), Expectation::shared_channel) > 0;
}

// Who listens has heard all that was committed a while ago.
void ModelClient::check_news() {
  if (std::exchange(is_unlistening_, false)) {
    last_news_.reset();
    hears_from_.reset();
  }
  may_hear_ = listens();
  if (!may_hear_ || reference_->facts().status != TransactionStatus::idle) return;
  if (!hears_from_) hears_from_ = world_.news_until(kernel_.now());
  const std::size_t next = std::max(*hears_from_, last_news_ ? *last_news_ + 1 : 0);
  if (asked_at_ > notification_lasts && world_.news_until(asked_at_ - notification_lasts) > next)
    world_.fail(name_ + " has not heard news number " + std::to_string(next));
}

// The server connection that the client has may have been told of it late, or be told of its end only now. It is a change each
// time.
void ModelClient::take_read_only(const std::string& value) {
  std::string& told = told_[read_only_setting];
  if (value == told) return world_.fail(name_ + " is told again that " + read_only_setting + " is " + value);
  told = value;
}

// Its transaction has begun when the server took no writes.
bool ModelClient::may_be_refused_to_write(const Message& error) const {
  return field(error, 'C') == "25006" && world_.was_read_only_since(outside_since_) &&
         field(error, 'M').ends_with("in a read-only transaction");
}

void ModelClient::compare(const Message& message) {
  if (message.type == 'S' && world_.was_read_only_since({}) && parameter(message).first == read_only_setting)
    return take_read_only(parameter(message).second);
  if (message.type == 'A' && notification(message).first == Expectation::shared_channel)
    return take_news(notification(message).second);
  const std::string complaint = expected_.take(message);
  if (complaint.empty()) {
    // These may come at any time.
    if (std::string_view("ANS").find(message.type) == std::string_view::npos)
      is_amid_answer_ = message.type != 'Z';
    if (message.type == 'Z') {
      status_ = static_cast<TransactionStatus>(message.body.front());
      answered();
    }
    return;
  }
  if (message.type == 'E') {
    const std::string code = field(message, 'C');
    if (silence_ends_with_ != nullptr && code == silence_ends_with_) {
      was_refused_ = true;
      return be_gone("was silent for too long");
    }
    if (world_.explains(code) ||
        (code == "57014" && (is_past_query_timeout() || waits_since_ < cancel_may_hit_until_))) {
      was_refused_ = true;
      // Any other may have been refused before the drain, to a client that read it only now.
      if (code.starts_with("57P")) check_drain();
      return be_gone("goes: " + code + " was not its own");
    }
  }
  if (message.type == 'E' && may_be_refused_to_write(message)) {
    was_refused_ = true;
    return be_gone("goes: its transaction is read-only");
  }
  // Its own values only; those of others it never gets.
  if (habits_.may_lose_sequences && message.type == 'E' && field(message, 'C') == "55000" &&
      field(message, 'M').find("not yet defined in this session") != std::string::npos) {
    was_refused_ = true;
    return be_gone("goes: it has lost the values of its sequences");
  }
  if (writer_.is_of_other(as_text(message.body)))
    return world_.fail(name_ + " got what is another client's: " + complaint);
  // Writes fail, and what the server says of itself changes.
  if (world_.is_standby()) return be_gone("goes: it has met a standby");
  world_.fail(name_ + " " + complaint);
}

// Why a drain has to wait for it; empty: there is no reason. What the client has sent last may not have arrived.
std::string ModelClient::not_done() const {
  if (in_startup_) return {};
  if (status_ != TransactionStatus::idle) return "in its transaction";
  if (is_amid_answer_) return "in the middle of an answer";
  const SimTime sent = std::max(waits_since_, pieces_end_);
  if (unanswered_ > 0 && sent + message_arrives < *world_.drains_patiently_since())
    return "without its answer";
  const SessionFacts has = reference_->facts();
  if (unanswered_ == 0 && (!has.temporary_tables.empty() || has.advisory_locks > 0 || !has.portals.empty()))
    return "although it has what it cannot have elsewhere";
  return {};
}

// It is ended.
void ModelClient::check_drain() {
  if (!world_.drains_patiently_since() || is_past_query_timeout()) return;
  if (const std::string why = not_done(); !why.empty())
    world_.fail(name_ + " was ended " + why + ", long before the end of the drain");
}

// Whether what it waits for takes longer than pgweir lets a query take.
bool ModelClient::is_past_query_timeout() const {
  const SimTime waited = kernel_.now() - waits_since_ + answer_takes;
  return habits_.query_timeout > SimTime::zero() && unanswered_ > 0 && waited >= habits_.query_timeout;
}

void ModelClient::answered() {
  ++answers_;
  if (status_ == TransactionStatus::idle) ++ends_;
  // pgweir may have asked for it, and the request is under way; what is not sent yet waits until that is over.
  if (is_past_query_timeout()) {
    cancel_asked_ = kernel_.now();
    if (unanswered_ > 1) cancel_may_hit_until_ = kernel_.now() + cancel_lasts;
  }
  waits_since_ = kernel_.now();
  if (--unanswered_ > 0) return;
  if (status_ == TransactionStatus::idle) outside_since_ = kernel_.now();
  settled();
}

// All answers are there.
void ModelClient::settled() {
  if (const std::string missing = expected_.missing(); !missing.empty())
    return world_.fail(name_ + " misses " + missing + " although all is answered");
  if (expected_.missing_notification().empty() || world_.is_standby()) settled_without_notification_.reset();
  const SimTime since = settled_without_notification_.value_or(kernel_.now());
  if (!expected_.missing_notification().empty()) settled_without_notification_ = since;
  if (asked_at_ - since > notification_lasts)
    return world_.fail(name_ + " misses " + expected_.missing_notification());
  check_news();
  if (has_said_last_ || (!is_ending_ && random_.chance(habits_.leaves))) return leave();
  if (std::exchange(is_planned_, true)) return;
  if (!is_ending_ && random_.chance(habits_.falls_silent)) return fall_silent();
  after(pause(), &ModelClient::plan_batch);
}

void ModelClient::plan_batch() {
  is_planned_ = false;
  if (in_startup_ || canceled_) return;
  if (!is_ending_ && !world_.may_send()) is_ending_ = true;
  if (!is_ending_ && random_.chance(habits_.meddles)) meddle();
  const bool may_wait = !is_ending_ && unanswered_ == 0;
  if (may_wait && random_.chance(habits_.cancels)) return send_long_batch();
  if (may_wait && random_.chance(habits_.stops_reading)) return stop_reading();
  const SessionFacts now = reference_->facts();
  if (!is_ending_ && random_.chance(habits_.leaves / 4)) return leave_unfinished();
  has_said_last_ = is_ending_;
  send_batch(is_ending_ ? writer_.last() : writer_.next(now, unanswered_ > 0));
  if (is_ending_) return;
  if (random_.chance(habits_.leaves / 2)) {  // while it runs, or before
    is_planned_ = true;
    return after(up_to(milliseconds(30)), &ModelClient::leave);
  }
  if (random_.chance(habits_.pipelined)) {
    is_planned_ = true;
    after(pause() / 10, &ModelClient::plan_batch);
  }
}

void ModelClient::send_batch(const Batch& batch) {
  ++batches_;
  trace_.say(name_, "> " + with_short_words(batch.in_words).substr(0, words_max));
  asked_at_ = kernel_.now();
  if (unanswered_++ == 0) waits_since_ = asked_at_;
  expected_.expect(reference_->answer(batch.bytes));
  note_zone(batch);
  is_unlistening_ |= !listens();
  may_hear_ |= listens() || batch.in_words.find("listen") != std::string::npos;
  if (random_.chance(habits_.in_pieces)) {
    send_in_pieces(batch.bytes);
  } else {
    send(batch.bytes);
  }
}

// Whether a literal of the session's may have been read under another TimeZone than by the reference.
void ModelClient::note_zone(const Batch& batch) {
  const SessionFacts now = reference_->facts();
  const auto found = now.settings.find("timezone");
  const std::string before = std::exchange(zone_, found == now.settings.end() ? "" : found->second);
  if (!writer_.has_zoned()) return;
  bool changes = zone_ != before;
  for (const char* const text : {"set timezone", "local timezone", "set_config('timezone", "reset timezone"})
    changes |= batch.in_words.find(text) != std::string::npos;
  expected_.may_be_in_other_zone |= changes;
}

// Frozen, or busy with something else. For less than the limit nothing may be missing afterwards.
void ModelClient::stop_reading() {
  const bool for_good = random_.chance(0.5);
  const bool is_huge = for_good && habits_.has_huge_answers && random_.chance(huge_answers);
  send_batch(writer_.long_answer(is_huge ? random_.between(huge_least, huge_most) : habits_.long_answer));
  // Who listens may be silent for ever, and all that it is told may be short: that no connection became free.
  if (!reference_->facts().channels.empty()) return;
  trace_.say(name_, "stops reading");
  reads_ = false;
  is_planned_ = true;
  if (!for_good) return after(up_to(client_write_limit * 4 / 5), &ModelClient::read_on);
  must_be_ended_unread();
}

void ModelClient::read_on() {
  trace_.say(name_, "reads on");
  reads_ = true;
  is_planned_ = false;
  take_what_came();
}

// Where pgweir has all of the answer, and the server connection is free, the client ends as one that is idle.
void ModelClient::must_be_ended_unread() {
  if (end_->peer_has_left()) return be_gone("was ended, as it does not read");
  if (end_->is_full() && !full_since_) full_since_ = kernel_.now();
  const bool is_over_time = full_since_ && kernel_.now() - *full_since_ > client_idle_limit + timeout_noticed;
  if (is_over_time && !reference_->facts().channels.empty()) return go_as_listener();
  if (is_over_time) return world_.fail(name_ + " does not read, and was not ended");
  after(seconds(1), &ModelClient::must_be_ended_unread);
}

// Who listens is not ended for its silence.
void ModelClient::go_as_listener() {
  vanish("was silent as long as it liked, and vanishes");
}

void ModelClient::fall_silent() {
  const bool is_in_transaction = reference_->facts().status != TransactionStatus::idle;
  const bool is_unsynced = random_.chance(habits_.unsynced);
  silence_ends_with_ = is_in_transaction || is_unsynced ? "25P03" : "57P05";
  if (is_unsynced) send_batch(writer_.unsynced());
  trace_.say(name_, "falls silent");
  // What it has sent may have to wait for a server connection first.
  after(is_unsynced ? habits_.patience : client_idle_limit + timeout_noticed,
        &ModelClient::must_be_ended_silent);
}

void ModelClient::must_be_ended_silent() {
  // Who hears something is not idle.
  const SimTime until = heard_at_ + client_idle_limit + timeout_noticed;
  if (kernel_.now() < until) return after(until - kernel_.now(), &ModelClient::must_be_ended_silent);
  if (std::string_view(silence_ends_with_) == "57P05" && !reference_->facts().channels.empty())
    return go_as_listener();
  world_.fail(name_ + " is silent, and was not ended");
}

void ModelClient::send_long_batch() {
  const SimTime lasts = random_.chance(0.3) ? seconds(8) : milliseconds(random_.between(5, 400));
  canceled_ = Canceled{writer_.sleep(lasts), {}, false};
  ++batches_;
  unanswered_ = 1;
  asked_at_ = waits_since_ = kernel_.now();
  trace_.say(name_, "> " + canceled_->batch.in_words);
  send(canceled_->batch.bytes);
  is_planned_ = true;
  after(up_to(std::min(lasts, SimTime(seconds(3))) * 5 / 4), &ModelClient::request_cancel);
}

// Over a connection of its own, as drivers do it.
void ModelClient::request_cancel() {
  is_planned_ = false;
  if (!canceled_ && unanswered_ == 0) {
    is_planned_ = true;
    after(pause(), &ModelClient::plan_batch);
  }
  expect_cancel();
  if (canceled_) {
    const SimTime remaining = canceled_->batch.lasts - (kernel_.now() - waits_since_);
    canceled_->was_running = remaining > cancel_reaches && world_.is_running(canceled_->batch.word);
  }
  trace_.say(name_, "> asks to cancel");
  send_cancel_request(cancel_key_);
}

void ModelClient::expect_cancel() {
  cancel_asked_ = kernel_.now();
  cancel_may_hit_until_ = kernel_.now() + cancel_lasts;
}

bool ModelClient::may_be_canceled(SimTime lately) const {
  const bool was_asked = cancel_asked_ > SimTime::zero() && kernel_.now() - cancel_asked_ <= lately;
  return was_asked || is_past_query_timeout();
}

// Who has a key may use it. One that is almost right, or made up, is nobody's.
void ModelClient::meddle() {
  ModelClient* const other = world_.other_client(*this, random_);
  if (other == nullptr || other->cancel_key().empty()) return;
  ByteBuffer key = other->cancel_key();
  if (random_.chance(0.5)) {
    trace_.say(name_, "asks to cancel what " + other->name() + " does");
    other->expect_cancel();
    return send_cancel_request(key);
  }
  const bool knows_process = random_.chance(0.5);
  key.back() = static_cast<Byte>(key.back() + 1);
  if (!knows_process)
    std::generate(key.begin(), key.end(), [&] { return static_cast<Byte>(random_.below(256)); });
  trace_.say(name_, "asks to cancel what nobody does");
  send_cancel_request(key);
}

void ModelClient::send_cancel_request(const ByteBuffer& key) {
  const std::shared_ptr<End> end = kernel_.connect_to_program(port_, client_address);
  if (!end) {
    if (canceled_) canceled_->was_running = false;
    return;
  }
  ++cancels_;
  ByteBuffer request;
  write_cancel_request(request, load_u32(key.data()), ByteView(key).subspan(4));
  end->send(request);
  end->changed = [weak = std::weak_ptr(end)] {
    if (const auto still = weak.lock(); still && (still->has_end() || still->error() != 0)) still->close();
  };
}

void ModelClient::leave_unfinished() {
  send_batch(writer_.unfinished());
  is_planned_ = true;
  after(up_to(random_.chance(0.5) ? milliseconds(30) : milliseconds(3'000)), &ModelClient::leave);
}

void ModelClient::leave() {
  // In the middle of a message a Terminate would be part of that.
  const bool rudely = random_.chance(habits_.leaves_rudely) || kernel_.now() < pieces_end_;
  if (!rudely) {
    const Byte terminate[] = {'X', 0, 0, 0, 4};
    send_now(ByteBuffer(std::begin(terminate), std::end(terminate)));
    return be_gone("leaves");
  }
  if (random_.chance(0.3)) {
    end_->reset();
    return be_gone("resets its connection");
  }
  if (random_.chance(0.3)) return vanish("vanishes");
  be_gone("closes its connection");
}

void ModelClient::vanish(const std::string& how) {
  if (!reference_->facts().channels.empty()) world_.note_vanished_listener();
  end_->vanish();
  be_gone(how);
}

void ModelClient::be_gone(const std::string& how) {
  trace_.say(name_, how);
  ++life_;
  is_planned_ = false;
  reads_ = true;
  full_since_.reset();
  silence_ends_with_ = nullptr;
  unanswered_ = 0;
  canceled_.reset();
  pieces_end_ = {};
  if (end_) end_->close();
  end_.reset();
  after(pause(), &ModelClient::connect);
}

void ModelClient::connection_lost(const std::string& how) {
  // In the middle of a row no reason can be told.
  if (!was_refused_ && !world_.explains_close() && !is_past_query_timeout())
    return world_.fail(name_ + " " + how + " without a reason");
  // What was pipelined and is not read makes a reset of the end, which may overtake the answers before it.
  const bool may_miss_answers = end_->error() != 0 && unanswered_ > 1;
  if (!was_refused_ && !may_miss_answers) check_drain();
  be_gone(how);
}

std::uint64_t ModelClient::sent_logins() const {
  return static_cast<std::uint64_t>(
      std::count_if(sent_.begin(), sent_.end(), [](const auto& each) { return each->has_let_in(); }));
}

std::uint64_t ModelClient::unread_answers() const {
  return std::accumulate(sent_.begin(), sent_.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const auto& each) { return sum + each->unread().answers; });
}

std::uint64_t ModelClient::unread_ends() const {
  return std::accumulate(sent_.begin(), sent_.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const auto& each) { return sum + each->unread().ends; });
}

bool ModelClient::is_overdue() const {
  return unanswered_ > 0 && kernel_.now() - waits_since_ > habits_.patience;
}

}  // namespace pgweir::simulation
