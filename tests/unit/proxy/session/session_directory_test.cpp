#include "proxy/session/session_directory.hpp"

#include <catch2/catch.hpp>
#include <optional>

#include "crowd.hpp"

using namespace pgweir;
using test::Crowd;

namespace {

// Beside the worker with the clients there is another one.
class TwoWorkers : public Crowd {
 public:
  TwoWorkers() {
    directories.add(std::make_unique<SessionDirectory>(other, process.context, directory_count));
  }
  ~TwoWorkers() override { other.tasks().clear(); }

  Worker other{1, worker().shared(), worker().snapshot_ref()};
};

struct Killed : Crowd {
  // Whether there was such a session.
  bool kill(std::uint64_t session) {
    std::optional<bool> told;
    directory.kill(session, [&told](bool found) { told = found; });
    CHECK_FALSE(told.has_value());
    settle();
    return told.value();
  }
  void kill_all(const std::string& database) {
    directory.kill_all(database);
    settle();
  }
};

struct Drained : Crowd {
  void begin_drain(std::size_t per_tick) {
    directory.begin_drain(per_tick);
    settle();
  }
  void tick() {
    directory.tick(worker().now());
    take_turns();
  }
  std::string told_of_each(std::initializer_list<Client*> clients) {
    std::string all;
    for (Client* const each : clients) all += told(*each);
    return all;
  }
};

config::Settings with_console() {
  config::Settings settings = test::app_settings();
  settings.admin.console_users = {"anna"};
  return settings;
}

const std::string shut_down = "E(57P01)";

}  // namespace

TEST_CASE("a session counts from the moment its worker is given the client to the one that it is gone") {
  Crowd crowd;
  const std::array<int, 2> fds = test::socket_pair();
  test::FarEnd client(fds[1]);
  crowd.directory.adopt_client(UniqueFd(fds[0]), "192.0.2.8:4711");
  CHECK(crowd.directory.size() == 1);
  CHECK(crowd.directory.ids().empty());
  CHECK(crowd.worker().counters().accepted.get() == 0);

  crowd.settle();
  CHECK(crowd.directory.size() == 1);
  CHECK(crowd.directory.ids().size() == 1);
  CHECK(crowd.worker().counters().clients.get() == 1);

  client.close();
  crowd.take_turns();
  CHECK(crowd.directory.size() == 0);
  CHECK(crowd.directory.ids().empty());
  CHECK(crowd.worker().counters().clients.get() == 0);
  CHECK(crowd.worker().counters().accepted.get() == 1);
}

TEST_CASE("a session is found by its id for as long as it lives, and no other gets that id") {
  Crowd crowd;
  Crowd::Client& first = crowd.connect();
  Crowd::Client& second = crowd.connect();
  CHECK(first.id != second.id);
  REQUIRE(crowd.directory.find(first.id) != nullptr);
  CHECK(crowd.directory.find(first.id) != crowd.directory.find(second.id));
  CHECK(crowd.directory.find(Crowd::nobody) == nullptr);
  first.end.close();
  crowd.take_turns();
  CHECK(crowd.directory.find(first.id) == nullptr);
  const std::uint64_t last = second.id;
  CHECK(crowd.connect().id > last);
}

TEST_CASE("the sessions of two workers have different ids, and are counted together") {
  TwoWorkers crowd;
  const std::uint64_t here = crowd.connect().id;
  const std::array<int, 2> fds = test::socket_pair();
  const test::FarEnd client(fds[1]);
  crowd.directories.of(1).adopt_client(UniqueFd(fds[0]), "192.0.2.8:4711");
  CHECK(crowd.directories.count() == 2);
  crowd.other.io().poll();
  REQUIRE(crowd.directories.of(1).ids().size() == 1);
  CHECK(crowd.directories.of(1).ids().front() != here);
  CHECK(crowd.directories.count() == 2);
}

TEST_CASE("a session that is not on the list any more leaves it once") {
  Crowd crowd;
  crowd.connect();
  crowd.directory.delist(Crowd::nobody);
  CHECK(crowd.directory.size() == 1);
  CHECK(crowd.worker().counters().clients.get() == 1);
}

TEST_CASE("a session that is killed tells its client, and who has asked is told whether there was one") {
  Killed crowd;
  Crowd::Client& client = crowd.log_in();
  Crowd::Client& other = crowd.log_in();
  CHECK(crowd.kill(client.id));
  CHECK(crowd.told(client) == shut_down);
  CHECK(crowd.told(other).empty());
  CHECK_FALSE(crowd.kill(Crowd::nobody));
}

TEST_CASE("all clients of a database are killed, or all that there are") {
  Killed crowd;
  Crowd::Client& client = crowd.log_in();
  Crowd::Client& arriving = crowd.connect();
  crowd.kill_all("other");
  CHECK(crowd.told(client).empty());
  crowd.kill_all("app");
  CHECK(crowd.told(client) == shut_down);
  CHECK(crowd.told(arriving).empty());
  crowd.kill_all("");
  CHECK(crowd.told(arriving) == shut_down);
}

TEST_CASE("a drain ends so many clients each tick") {
  Drained crowd;
  Crowd::Client& a = crowd.log_in();
  Crowd::Client& b = crowd.log_in();
  Crowd::Client& c = crowd.log_in();
  crowd.begin_drain(2);
  CHECK(crowd.told_of_each({&a, &b, &c}) == shut_down + shut_down);
  crowd.tick();
  CHECK(crowd.told_of_each({&a, &b, &c}) == shut_down);
  crowd.tick();
  CHECK(crowd.told_of_each({&a, &b, &c}).empty());
}

TEST_CASE("a client that goes before its turn to be drained is not looked for") {
  Drained crowd;
  const std::initializer_list<Crowd::Client*> clients{&crowd.log_in(), &crowd.log_in(), &crowd.log_in()};
  crowd.begin_drain(1);
  for (Crowd::Client* const each : clients) {
    if (crowd.told(*each).empty()) each->end.close();
  }
  crowd.take_turns();
  crowd.tick();
  crowd.tick();
  CHECK(crowd.directory.size() == 1);  // the one that was told
}

TEST_CASE("a drain lets a transaction go on to its end, and no further than its deadline") {
  Drained crowd;
  Crowd::Client& client = crowd.log_in();
  crowd.begin_transaction(client);
  crowd.begin_drain(1);
  crowd.tick();
  CHECK(crowd.told(client).empty());
  SECTION("it ends in time") {
    crowd.ask(client, "commit");
    crowd.answer({"C(COMMIT)", "Z(I)"});
    CHECK(crowd.told(client) == "C(COMMIT) Z(I) " + shut_down);
  }
  SECTION("it does not") {
    crowd.directory.end_drain();
    crowd.settle();
    CHECK(crowd.told(client) == shut_down);
  }
}

TEST_CASE("a session is woken at once by its own worker, and by another one in its turn") {
  TwoWorkers crowd;
  const std::uint64_t id = crowd.connect().id;
  const auto is_awake = [&crowd] {
    crowd.worker().reactor().take_interrupt();
    return crowd.worker().reactor().is_awake();
  };
  REQUIRE_FALSE(is_awake());
  crowd.directories.wake({0, Crowd::nobody}, crowd.worker());
  CHECK_FALSE(is_awake());
  SECTION("its own") {
    crowd.directories.wake({0, id}, crowd.worker());
    CHECK(is_awake());
  }
  SECTION("another one") {
    crowd.directories.wake({0, id}, crowd.other);
    CHECK_FALSE(is_awake());
    crowd.worker().io().poll();
    CHECK(is_awake());
  }
}

TEST_CASE("a cancel finds the session that waits, and is dropped where there is none") {
  Crowd crowd;
  Crowd::Client& busy = crowd.log_in();
  crowd.begin_transaction(busy);
  Crowd::Client& waiting = crowd.log_in();
  crowd.ask(waiting, "select 1");
  auto done = std::make_shared<int>();
  const std::weak_ptr<int> watched = done;
  const bool is_there = GENERATE(true, false);
  crowd.directories.cancel({0, is_there ? waiting.id : Crowd::nobody}, std::move(done));
  CHECK_FALSE(watched.expired());
  crowd.settle();
  CHECK(watched.expired());
  CHECK(crowd.told(waiting) == (is_there ? "E(57014) Z(I)" : ""));
  CHECK(crowd.told(busy).empty());
}

TEST_CASE("the console's answer goes to the client that has asked, and to no other") {
  Crowd crowd(with_console());
  Crowd::Client& client = crowd.log_in("pgweir");
  Crowd::Client& other = crowd.log_in();
  crowd.ask(client, "show clients");
  ByteBuffer answer;
  write_ready_for_query(answer, 'I');
  for (const std::uint64_t id : {Crowd::nobody, other.id, client.id})
    crowd.directory.answer_console(id, answer);
  CHECK(crowd.told(client).empty());
  crowd.settle();
  CHECK(crowd.told(client) == "Z(I)");
  CHECK(crowd.told(other).empty());
}

TEST_CASE("a tick ends a login whose time is over") {
  Crowd crowd;
  Crowd::Client& late = crowd.connect();
  Crowd::Client& in_time = crowd.log_in();
  crowd.pass(crowd.worker().snapshot().settings->timeouts.client_login);
  crowd.directory.tick(crowd.worker().now());
  crowd.take_turns();
  CHECK(crowd.told(late) == "E(08006)");
  CHECK(crowd.told(in_time).empty());
}

TEST_CASE("what the sessions are doing is told in numbers") {
  Crowd crowd;
  crowd.connect();
  crowd.log_in();
  CHECK(crowd.directory.tally().in_transaction == 0);
  crowd.begin_transaction(crowd.log_in());
  CHECK(crowd.directory.tally().in_transaction == 1);
  CHECK(crowd.directory.tally().pinned == 0);
}
