// The response tracker between a random client and a model server, with messages in flight both ways.
//
//   client --> [session: the rules of the tracker] --> to_server --> ServerModel
//   seen   <-- [receive(): forward | drop | inject] <-- wire()   <--
//
// Oracle: the client sees exactly what a second model gives that gets the client's messages directly; never a
// violation; settled() when the server is quiet, and only then; names end once, in
// order.
#include <memory>
#include <set>
#include <string>

#include "protocol/response_tracker.hpp"
#include "tests/fuzz/relay_model.hpp"

namespace pgweir::fuzz {
namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

// The input, and behind its end numbers that follow from it.
class Choices {
 public:
  Choices(const std::uint8_t* data, std::size_t size) : data_(data), left_(size) {
    for (std::size_t i = 0; i < size; ++i) seed_ = (seed_ ^ data[i]) * 0x100000001b3ULL;
  }
  unsigned below(unsigned n) {
    if (left_ > 0) return --left_, *data_++ % n;
    seed_ = seed_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<unsigned>(seed_ >> 33) % n;
  }
  bool one_in(unsigned n) { return below(n) == 0; }

 private:
  const std::uint8_t* data_;
  std::size_t left_;
  std::uint64_t seed_ = 0xcbf29ce484222325ULL;
};

// What the client sends, and what it would see without us.
class Client {
 public:
  explicit Client(Choices& c) : choices_(c) {
    const unsigned count = 1 + c.below(40);
    for (unsigned i = 0; i < count; ++i) send(c.below(64));
    while (direct_.copying()) add({.type = 'c'});
    add({.type = 'S'});
    add({.type = 'Q', .steps = {{.act = Act::commit}}});
    expected.assign(direct_.wire().begin(), direct_.wire().end());
    require(direct_.all_flushed() && expected.back().status == 'I');
    for (const Got& g : expected) {
      if (g.type == '1' || g.type == '3') completed.insert(g.id);
    }
  }

  std::deque<Sent> sent;
  std::vector<Got> expected;
  std::set<int> completed;

 private:
  void add(Sent m) {
    m.id = ++last_id_;
    m.after = barrier_;
    direct_.take(m);
    // Sometimes it waits for all that it can have; always before the data of a COPY that nobody announced.
    const bool hidden_copy = direct_.copying() && (m.type == 'Q' || m.type == 'E') && !m.may_copy;
    if (direct_.all_flushed() && (hidden_copy || choices_.one_in(6))) barrier_ = direct_.wire().size();
    sent.push_back(std::move(m));
  }

  Step step() {
    Step s{.act = static_cast<Act>(choices_.below(8))};
    if (s.act != Act::copy_in) return s;
    s.copy_fails_at = static_cast<int>(choices_.below(6)) - 2;
    s.copy_fails_at_end = choices_.one_in(6);
    return s;
  }

  void send(unsigned what) {
    static constexpr char in_copy[] = {'d', 'd', 'd', 'S', 'S', 'H', 'c', 'f'};
    static constexpr char any[] = {'P', 'P', 'B', 'B', 'D', 'E', 'E', 'E', 'E', 'C',
                                   'S', 'S', 'S', 'H', 'Q', 'Q', 'F', 'd', 'c', 'f'};
    Sent m{.type = direct_.copying() ? in_copy[what % sizeof in_copy] : any[what % sizeof any]};
    if (m.type == 'D') m.portal = choices_.one_in(2);
    if (std::string("PBDFS").find(m.type) != std::string::npos) m.fails = choices_.one_in(8);
    if (m.type == 'E' || m.type == 'Q') {
      bool copies = false;
      for (unsigned n = m.type == 'E' ? 1 : 1 + choices_.below(3); n > 0; --n) {
        m.steps.push_back(step());
        copies |= m.steps.back().act == Act::copy_in;
      }
      m.may_copy = copies ? !choices_.one_in(5) : choices_.one_in(5);
    }
    add(std::move(m));
  }

  Choices& choices_;
  ServerModel direct_;
  int last_id_ = 0;
  std::size_t barrier_ = 0;
};

// Keeps the rules that the tracker's header states.
class Session final : public ReplySink {
 public:
  Session(Choices& c, Client& client) : choices_(c), client_(client) {}

  void run() {
    while (move(choices_.below(3))) check_settled();
    require(client_.sent.empty() && seen_ == client_.expected.size());
    require(tracker_.settled() && server_.quiet() && named_.empty());
  }

 private:
  // One of the three that can move, beginning with `turn`.
  bool move(unsigned turn) {
    for (unsigned i = 0; i < 3; ++i) {
      const unsigned which = (turn + i) % 3;
      if (which == 0 ? forward_one() : which == 1 ? serve_one() : deliver_one()) return true;
    }
    return false;
  }

  bool forward_one() {
    if (client_.sent.empty() || tracker_.fencing() || client_.sent.front().after > seen_) return false;
    const Sent& next = client_.sent.front();
    const bool copy_message = next.type == 'd' || next.type == 'c' || next.type == 'f';
    if (tracker_.skipping() && next.type != 'S') return discard();
    if (tracker_.copy_possible() && !copy_message && next.type != 'S' && next.type != 'H') return hold();
    if (!tracker_.copy_possible() && copy_message) return discard();
    const Sent m = next;
    client_.sent.pop_front();
    flushed_for_ = 0;
    if (!tracker_.skipping() && !copy_message && !tracker_.copy_possible()) add_ours(m);
    announce(m);
    return true;
  }
  bool discard() {
    client_.sent.pop_front();
    return true;
  }
  // The server keeps the end of what may have been a COPY to itself until it is told to flush.
  bool hold() {
    const int id = client_.sent.front().id;
    if (flushed_for_ == id) return false;
    flushed_for_ = id;
    to_server_.push_back({.type = 'H', .ours = true});
    return true;
  }

  void add_ours(const Sent& m) {
    if (tracker_.may_insert_group() && choices_.one_in(8)) {
      const bool bad = choices_.one_in(3);
      transmit({.type = 'Q', .ours = true, .steps = {{.act = bad ? Act::fail : Act::rows}}}, Fate::mute);
    }
    if (tracker_.may_insert_group() && choices_.one_in(8)) {
      transmit({.type = 'P', .fails = choices_.one_in(3), .ours = true}, Fate::mute);
      transmit({.type = 'S', .ours = true}, Fate::mute);
    }
    // A Parse for the client's Bind: when it is refused, the error is the client's.
    if (m.type == 'B' && choices_.one_in(3)) {
      const Sent parse{.type = 'P', .fails = m.fails && choices_.one_in(2), .ours = true, .id = m.id};
      transmit(parse, Fate::drop);
    }
  }

  void announce(const Sent& m) {
    const bool ours_to_give = (m.type == 'P' || m.type == 'C') && !m.fails && choices_.one_in(3);
    transmit(m, ours_to_give ? Fate::inject : Fate::forward);
  }

  void transmit(const Sent& m, Fate fate) {
    if (fate != Fate::inject) to_server_.push_back(m);
    if (m.type == 'd' || m.type == 'H') return;
    Expected e{.reply = reply_of(m), .fate = fate, .may_copy = m.may_copy};
    if (!m.ours && (m.type == 'P' || m.type == 'C')) e.changes.insert(Change::names);
    auto statement = std::make_shared<Statement>();
    statement->text = std::to_string(m.id);
    e.statement = std::move(statement);
    if (e.changes.contains(Change::names)) named_.push_back(m.id);
    tracker_.expect(std::move(e), *this);
    give_injected();
  }

  static Reply reply_of(const Sent& m) {
    switch (m.type) {
      case 'P':
        return Reply::parse;
      case 'B':
        return Reply::bind;
      case 'D':
        return m.portal ? Reply::describe_portal : Reply::describe_statement;
      case 'E':
        return Reply::execute;
      case 'C':
        return Reply::close;
      case 'Q':
        return Reply::query;
      case 'F':
        return Reply::function_call;
      case 'S':
        return Reply::sync;
      default:
        return Reply::copy_end;
    }
  }

  bool serve_one() {
    if (to_server_.empty()) return false;
    server_.take(to_server_.front());
    to_server_.pop_front();
    return true;
  }

  bool deliver_one() {
    if (server_.wire().empty()) return false;
    const Got got = server_.wire().front();
    server_.wire().pop_front();
    const std::size_t owed = tracker_.outstanding();
    const auto verdict = tracker_.receive(got.type, static_cast<TransactionStatus>(got.status), *this);
    require(verdict != ResponseTracker::Verdict::protocol_violation);
    require(tracker_.outstanding() <= owed);
    if (verdict == ResponseTracker::Verdict::forward) see(got);
    give_injected();
    if (tracker_.needs_fence()) fence();
    return true;
  }

  void fence() {
    tracker_.begin_fence();
    to_server_.push_back({.type = 'S', .ours = true});
    to_server_.push_back({.type = 'C', .ours = true});
    to_server_.push_back({.type = 'S', .ours = true});
  }

  void see(const Got& got) {
    require(seen_ < client_.expected.size() && client_.expected[seen_] == got);
    ++seen_;
  }
  void give_injected() {
    for (const Got& got : injected_) see(got);
    injected_.clear();
  }

  void inject(const Expected& e) override {
    injected_.push_back({e.reply == Reply::parse ? '1' : '3', 0, std::stoi(e.statement->text)});
  }
  void ended(const Expected& e, Outcome outcome) override {
    if (!e.changes.contains(Change::names)) return;
    const int id = std::stoi(e.statement->text);
    require(!named_.empty() && named_.front() == id);
    named_.pop_front();
    require((outcome == Outcome::done) == client_.completed.contains(id));
  }

  // Copy messages and Flush may still be on their way: an idle server ignores them.
  void check_settled() {
    // Behind a fence the client may owe a Sync that the server has had from us.
    if (server_.quiet() && to_server_.empty()) require(tracker_.settled() || tracker_.skipping());
    if (!tracker_.settled()) return;
    require(server_.quiet() && tracker_.outstanding() == 0);
    for (const Sent& m : to_server_)
      require(m.type == 'd' || m.type == 'c' || m.type == 'f' || m.type == 'H');
  }

  Choices& choices_;
  Client& client_;
  ServerModel server_;
  ResponseTracker tracker_;
  std::deque<Sent> to_server_;
  std::deque<int> named_;  // announced with `names`, not ended
  std::vector<Got> injected_;
  std::size_t seen_ = 0;
  int flushed_for_ = 0;  // the held message for which a Flush went out
};

}  // namespace
}  // namespace pgweir::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pgweir::fuzz::Choices choices(data, size);
  pgweir::fuzz::Client client(choices);
  pgweir::fuzz::Session session(choices, client);
  session.run();
  return 0;
}
