// Random histories of clients, a server and the connection between them, against what each client was
// promised.
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <set>

#include "proxy/listen/channel_table.hpp"

using namespace pgweir;

namespace {

constexpr unsigned clients = 6;
constexpr unsigned channels = 4;

struct Note {
  std::string channel;
  std::uint64_t at = 0;  // when it was committed
};

// What one client was told about one channel.
struct Claim {
  // It must get what is committed from `must_from` on and before `must_until`, and nothing committed before
  // `may_from` or from `may_until` on.
  std::uint64_t may_from = 0;
  std::uint64_t must_from = UINT64_MAX;
  std::uint64_t must_until = UINT64_MAX;
  std::uint64_t may_until = UINT64_MAX;
};

class World {
 public:
  explicit World(unsigned seed) : random_(seed) {}

  void step() {
    ++now_;
    switch (pick(16)) {
      case 0:
      case 1:
      case 2:
        return ask();
      case 3:
        if (pick(6) == 0) leave(pick(clients));
        return;
      case 4:
      case 5:
      case 6:
        return send();
      case 7:
      case 8:
      case 9:
        return serve();
      case 10:
      case 11:
        return notify();
      case 12:
        if (pick(60) == 0) lose();
        return;
      default:
        return receive();
    }
  }

  void finish() {
    for (unsigned i = 0; i < clients; ++i) leave(i);
    for (int i = 0; i < 10; ++i) {
      send();
      while (!to_server_.empty()) serve();
      while (!to_hub_.empty()) receive();
    }
    CHECK(table_.idle());
    CHECK(table_.clients() == 0);
    CHECK(listened_.empty());
  }

  std::size_t delivered() const { return delivered_; }

 private:
  struct Client {
    std::optional<ListenChange> asked;  // a session asks for one change at a time
    std::map<std::string, std::vector<Claim>> claims;
    std::multimap<std::string, std::uint64_t> got;
  };
  struct Item {
    bool is_note = false;
    Note note;
  };

  unsigned pick(unsigned n) { return std::uniform_int_distribution<unsigned>(0, n - 1)(random_); }
  std::string channel() { return std::string(1, static_cast<char>('a' + pick(channels))); }
  static Subscriber subscriber(unsigned i) { return {i % 2, 100 + i}; }

  void ask() {
    const unsigned i = pick(clients);
    if (clients_[i].asked) return;
    ListenChange change;
    change.unlisten_all = pick(8) == 0;
    for (unsigned n = pick(3); n > 0; --n) change.unlisten.push_back(channel());
    for (unsigned n = pick(3); n > 0; --n) change.listen.push_back(channel());
    // UNLISTEN of a name that is listened to in the same request leaves no gap: not what is tested here.
    if (change.unlisten_all) change.listen.clear();
    std::erase_if(change.unlisten, [&](const std::string& name) {
      return std::find(change.listen.begin(), change.listen.end(), name) != change.listen.end();
    });
    Client& client = clients_[i];
    for (const std::string& name : change.listen) {
      if (client.claims[name].empty() || client.claims[name].back().must_until != UINT64_MAX)
        client.claims[name].push_back({now_, UINT64_MAX, UINT64_MAX, UINT64_MAX});
    }
    for (auto& [name, claims] : client.claims) {
      if (gives_up(change, name) && !claims.empty() && claims.back().must_until == UINT64_MAX)
        claims.back().must_until = now_;
    }
    client.asked = change;
    if (const auto outcome = table_.change(subscriber(i), change)) answered(i, *outcome);
  }

  static bool gives_up(const ListenChange& change, const std::string& name) {
    return change.unlisten_all ||
           std::find(change.unlisten.begin(), change.unlisten.end(), name) != change.unlisten.end();
  }

  void answered(unsigned i, ListenOutcome outcome) {
    REQUIRE(outcome == ListenOutcome::done);
    Client& client = clients_[i];
    REQUIRE(client.asked);
    const ListenChange change = *client.asked;
    client.asked.reset();
    for (const std::string& name : change.listen) {
      Claim& claim = client.claims[name].back();
      claim.must_from = std::min(claim.must_from, now_);
    }
    for (auto& [name, claims] : client.claims) {
      if (gives_up(change, name) && !claims.empty())
        claims.back().may_until = std::min(claims.back().may_until, now_);
    }
  }

  void leave(unsigned i) {
    table_.leave(subscriber(i));
    judge(i);
  }

  // The client is out of reach: compare what it got with what it was promised until now.
  void judge(unsigned i) {
    Client& client = clients_[i];
    for (const Note& note : committed_) {
      bool may = false;
      bool must = false;
      for (const Claim& claim : client.claims[note.channel]) {
        may = may || (note.at >= claim.may_from && note.at < claim.may_until);
        must = must || (note.at >= claim.must_from && note.at < claim.must_until && read_ >= note.at);
      }
      const auto [begin, end] = client.got.equal_range(note.channel);
      const auto count =
          std::count_if(begin, end, [&](const auto& entry) { return entry.second == note.at; });
      INFO("client " << i << ", channel " << note.channel << ", committed at " << note.at);
      CHECK(count <= (may ? 1 : 0));
      CHECK(count >= (must ? 1 : 0));
    }
    client = {};
  }

  void send() {
    for (const HubCommand& command : table_.next_batch()) to_server_.push_back(command);
  }

  void serve() {
    if (to_server_.empty()) return;
    const HubCommand command = to_server_.front();
    to_server_.pop_front();
    if (command.kind == HubCommand::Kind::listen) CHECK(listened_.insert(command.channel).second);
    if (command.kind == HubCommand::Kind::unlisten) CHECK(listened_.erase(command.channel) == 1);
    to_hub_.push_back({});
  }

  void notify() {
    const Note note{channel(), now_};
    committed_.push_back(note);
    if (listened_.contains(note.channel)) to_hub_.push_back({true, note});
  }

  void receive() {
    // With nothing under way to the hub, all that was committed has been read.
    if (to_hub_.empty()) {
      read_ = now_;
      return;
    }
    const Item item = to_hub_.front();
    to_hub_.pop_front();
    if (item.is_note) return deliver(item.note);
    for (const ListenAnswer& answer : table_.acknowledge(true))
      answered(static_cast<unsigned>(answer.who.session - 100), answer.outcome);
  }

  void deliver(const Note& note) {
    read_ = note.at;
    for (const Audience& part : table_.audience(note.channel)) {
      for (const std::uint64_t session : *part.sessions) {
        CHECK(part.worker == subscriber(static_cast<unsigned>(session - 100)).worker);
        Client& client = clients_[session - 100];
        // In order: nothing later has been seen yet.
        for (const auto& [name, at] : client.got) CHECK(at < note.at);
        client.got.emplace(note.channel, note.at);
        ++delivered_;
      }
    }
  }

  void lose() {
    for (const Subscriber& who : table_.lose_connection()) judge(static_cast<unsigned>(who.session - 100));
    to_server_.clear();
    to_hub_.clear();
    listened_.clear();
  }

  std::mt19937 random_;
  ChannelTable table_;
  std::array<Client, clients> clients_;
  std::deque<HubCommand> to_server_;
  std::deque<Item> to_hub_;
  std::set<std::string> listened_;
  std::vector<Note> committed_;
  std::uint64_t now_ = 0;
  std::uint64_t read_ = 0;  // the hub has read what was committed until then
  std::size_t delivered_ = 0;
};

}  // namespace

TEST_CASE("every client gets exactly what it was promised, in any history") {
  const unsigned first = std::random_device{}();
  std::size_t delivered = 0;
  for (unsigned seed = first; seed != first + 60; ++seed) {
    INFO("seed " << seed);
    World world(seed);
    for (int i = 0; i < 1'500; ++i) world.step();
    world.finish();
    delivered += world.delivered();
  }
  CHECK(delivered > 1'000);
}
