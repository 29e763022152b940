#include "proxy/listen/listen_hub.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "fake_server.hpp"
#include "proxy/worker/workers.hpp"

using namespace pgweir;
using namespace std::chrono_literals;
using testing::FakeBackend;
using testing::FakeServer;

namespace {

constexpr Subscriber anna{0, 10};
constexpr Subscriber bert{1, 11};
constexpr Subscriber cleo{0, 12};

// What each session was told, in order: "done", "refused", "lost", or "channel payload".
class Recorder final : public NotificationSink {
 public:
  explicit Recorder(Workers& workers) : workers_(workers) {}

  void deliver(unsigned worker, std::span<const std::uint64_t> sessions,
               const std::shared_ptr<const ByteBuffer>& message) override {
    NotificationView view;
    const bool whole = parse_notification(ByteView(*message).subspan(message_header_size), view) == Errc::ok;
    for (const std::uint64_t session : sessions)
      note(worker, session, whole ? std::string(view.channel) + ' ' + std::string(view.payload) : "garbage");
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !stalled_; });
  }
  void listen_answered(unsigned worker, std::uint64_t session, ListenOutcome outcome) override {
    constexpr const char* words[] = {"done", "refused", "unavailable", "too many"};
    note(worker, session, words[static_cast<unsigned>(outcome)]);
  }
  void listening_lost(unsigned worker, std::uint64_t session) override { note(worker, session, "lost"); }

  // The next thing that this session was told.
  std::string next(Subscriber who) {
    std::unique_lock lock(mutex_);
    std::vector<std::string>& told = told_[who.session];
    std::size_t& at = read_[who.session];
    const bool came = changed_.wait_for(lock, std::chrono::milliseconds(testing::patience_ms),
                                        [&] { return at < told.size(); });
    return came ? told[at++] : "silence";
  }
  std::size_t count(Subscriber who) {
    const std::lock_guard lock(mutex_);
    return told_[who.session].size();
  }
  bool misplaced() {
    const std::lock_guard lock(mutex_);
    return misplaced_;
  }
  // While stalled, a worker that is told of a notification does not come back.
  void stall(bool stalled) {
    const std::lock_guard lock(mutex_);
    stalled_ = stalled;
    changed_.notify_all();
  }

 private:
  void note(unsigned worker, std::uint64_t session, std::string what) {
    const std::lock_guard lock(mutex_);
    if (!workers_.list[worker]->io().get_executor().running_in_this_thread()) misplaced_ = true;
    if (worker != session % 2) misplaced_ = true;
    told_[session].push_back(std::move(what));
    changed_.notify_all();
  }

  Workers& workers_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint64_t, std::vector<std::string>> told_;
  std::map<std::uint64_t, std::size_t> read_;
  bool misplaced_ = false;
  bool stalled_ = false;
};

struct Fixture {
  explicit Fixture(HubLimits limits = {}) {
    const SnapshotRef snapshot = make_snapshot(std::make_shared<config::Settings>(), nullptr);
    for (unsigned i = 0; i < 2; ++i)
      workers.list.push_back(std::make_unique<Worker>(i, workers.shared, snapshot));
    auto target = std::make_shared<const PoolTarget>(
        PoolTarget{{"127.0.0.1", server.port()}, "app", "app", config::Secret("secret")});
    config::Pool pool;
    pool.connect_timeout = 2s;
    auto settings = std::make_shared<const config::Pool>(pool);
    hub = std::make_shared<ListenHub>(
        *workers.list[0], workers, told,
        [target, settings] {
          return HubSource{target, [target, settings](Worker& worker) {
                             return open_backend(worker, target, settings, std::make_shared<ScramKeyCache>());
                           }};
        },
        "UTF8", limits);
    for (const auto& worker : workers.list) worker->start();
  }
  ~Fixture() {
    told.stall(false);
    for (const auto& worker : workers.list) worker->stop();
    for (const auto& worker : workers.list) worker->join();
    workers.shared.slow_jobs.join();
    CHECK_FALSE(told.misplaced());
  }

  void listen(Subscriber who, std::vector<std::string> channels) {
    hub->change(who, {false, {}, std::move(channels)});
  }
  void unlisten(Subscriber who, std::vector<std::string> channels) {
    hub->change(who, {false, std::move(channels), {}});
  }
  void catch_up(Subscriber who) { hub->change(who, {}); }

  // The hub's connection, up to the answer of its first query.
  FakeBackend connected() {
    FakeBackend backend = server.accept();
    backend.log_in();
    CHECK(backend.query().starts_with("SET application_name = 'pgweir listen'; "));
    backend.complete("SET");
    return backend;
  }
  // And one listener.
  FakeBackend listening(Subscriber who, const std::string& channel) {
    listen(who, {channel});
    FakeBackend backend = connected();
    CHECK(backend.query() == "LISTEN \"" + channel + "\"");
    backend.complete("LISTEN");
    CHECK(told.next(who) == "done");
    return backend;
  }

  FakeServer server;
  Workers workers;
  Recorder told{workers};
  std::shared_ptr<ListenHub> hub;
};

template <class Condition>
bool comes_true(Condition condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(testing::patience_ms);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace

TEST_CASE("nothing is opened before somebody listens") {
  Fixture f;
  f.unlisten(anna, {"jobs"});
  f.catch_up(bert);
  CHECK(f.told.next(anna) == "done");
  CHECK(f.told.next(bert) == "done");
  CHECK(f.server.nobody_knocks());
  f.hub->leave(anna);
}

TEST_CASE("a listener is answered behind the server's answer, and gets what comes after it") {
  Fixture f;
  f.listen(anna, {"my jobs"});
  FakeBackend backend = f.connected();
  CHECK(backend.query() == "LISTEN \"my jobs\"");
  backend.notify("my jobs", "too early");
  CHECK(f.told.count(anna) == 0);
  backend.complete("LISTEN");
  CHECK(f.told.next(anna) == "done");
  backend.notify("my jobs", "1");
  backend.notify("other", "not asked for");
  backend.notify("my jobs", "2");
  CHECK(f.told.next(anna) == "my jobs 1");
  CHECK(f.told.next(anna) == "my jobs 2");
  CHECK(f.hub->counters().notifications.get() == 4);
  CHECK(f.hub->counters().deliveries.get() == 2);
}

TEST_CASE("the clients' encoding is asked for") {
  Fixture f;
  f.listen(anna, {"jobs"});
  FakeBackend backend = f.server.accept();
  backend.log_in();
  CHECK(backend.query().ends_with("; SET client_encoding = 'UTF8'"));
}

TEST_CASE("a second listener of a channel gets nothing from before its request, and both get the rest") {
  Fixture f;
  FakeBackend backend = f.listening(anna, "jobs");
  f.listen(bert, {"jobs"});
  CHECK(backend.query().empty());
  backend.notify("jobs", "1");
  backend.empty();
  backend.notify("jobs", "2");
  CHECK(f.told.next(bert) == "done");
  CHECK(f.told.next(bert) == "jobs 2");
  CHECK(f.told.next(anna) == "jobs 1");
  CHECK(f.told.next(anna) == "jobs 2");
  CHECK(f.server.nobody_knocks());
  CHECK(f.hub->counters().clients.get() == 2);
}

TEST_CASE("channels that are asked for together go out together") {
  Fixture f;
  f.listen(anna, {"a", "b", "c\"d"});
  FakeBackend backend = f.connected();
  CHECK(backend.query() == "LISTEN \"a\"");
  CHECK(backend.query() == "LISTEN \"b\"");
  CHECK(backend.query() == "LISTEN \"c\"\"d\"");
  backend.complete("LISTEN");
  backend.complete("LISTEN");
  CHECK(f.told.count(anna) == 0);
  backend.complete("LISTEN");
  CHECK(f.told.next(anna) == "done");
}

TEST_CASE("UNLISTEN is answered behind what its client is still owed") {
  Fixture f;
  FakeBackend backend = f.listening(anna, "jobs");
  f.unlisten(anna, {"jobs"});
  CHECK(backend.query().empty());
  backend.notify("jobs", "1");
  backend.empty();
  backend.notify("jobs", "2");
  CHECK(f.told.next(anna) == "jobs 1");
  CHECK(f.told.next(anna) == "done");
  CHECK(backend.query() == "UNLISTEN \"jobs\"");
  backend.complete("UNLISTEN");
  f.listen(anna, {"jobs"});
  CHECK(backend.query() == "LISTEN \"jobs\"");
  backend.complete("LISTEN");
  CHECK(f.told.next(anna) == "done");
}

TEST_CASE("an empty request is answered behind everything that came before it") {
  Fixture f;
  FakeBackend backend = f.listening(anna, "jobs");
  f.catch_up(anna);
  CHECK(backend.query().empty());
  backend.notify("jobs", "1");
  backend.empty();
  CHECK(f.told.next(anna) == "jobs 1");
  CHECK(f.told.next(anna) == "done");
}

TEST_CASE("a LISTEN that the server refuses is told to its client and disturbs nobody") {
  Fixture f;
  FakeBackend backend = f.listening(anna, "jobs");
  f.listen(bert, {"bad"});
  CHECK(backend.query() == "LISTEN \"bad\"");
  backend.refuse("25006");
  CHECK(f.told.next(bert) == "refused");
  backend.notify("jobs", "1");
  CHECK(f.told.next(anna) == "jobs 1");
}

TEST_CASE("a client that leaves is told nothing more") {
  Fixture f;
  FakeBackend backend = f.listening(anna, "jobs");
  f.hub->leave(anna);
  CHECK(backend.query() == "UNLISTEN \"jobs\"");
  backend.notify("jobs", "1");
  backend.complete("UNLISTEN");
  f.listen(cleo, {"other"});
  CHECK(backend.query() == "LISTEN \"other\"");
  backend.complete("LISTEN");
  CHECK(f.told.next(cleo) == "done");
  CHECK(f.told.count(anna) == 1);
}

TEST_CASE("when the connection is lost its listeners are told, and others are served by a new one") {
  Fixture f;
  FakeBackend backend = f.listening(anna, "jobs");
  f.listen(cleo, {"jobs"});
  CHECK(backend.query().empty());
  backend.notify("jobs", "1");
  backend.close();
  CHECK(f.told.next(anna) == "jobs 1");
  CHECK(f.told.next(anna) == "lost");
  FakeBackend second = f.connected();
  CHECK(second.query() == "LISTEN \"jobs\"");
  second.complete("LISTEN");
  CHECK(f.told.next(cleo) == "done");
  second.notify("jobs", "2");
  CHECK(f.told.next(cleo) == "jobs 2");
  CHECK(f.told.count(anna) == 3);
  CHECK(f.hub->counters().losses.get() == 1);
}

TEST_CASE("after a loss nothing is opened until somebody asks") {
  Fixture f;
  FakeBackend backend = f.listening(anna, "jobs");
  backend.close();
  CHECK(f.told.next(anna) == "lost");
  f.hub->leave(anna);
  f.catch_up(anna);
  CHECK(f.told.next(anna) == "done");
  CHECK(f.server.nobody_knocks());
  FakeBackend second = f.listening(bert, "jobs");
}

TEST_CASE("messages that make no sense cost the connection") {
  Fixture f;
  FakeBackend backend = f.listening(anna, "jobs");
  SECTION("an answer to nothing") {
    backend.ready();
  }
  SECTION("rows") {
    ByteBuffer row;
    Writer(row).begin_message('D').u16(0).end_message();
    backend.say(row);
  }
  SECTION("an unknown type") {
    ByteBuffer unknown;
    Writer(unknown).begin_message('?').end_message();
    backend.say(unknown);
  }
  SECTION("a notification without a payload") {
    ByteBuffer torn;
    Writer(torn).begin_message('A').u32(1).cstring("jobs").end_message();
    backend.say(torn);
  }
  SECTION("an UNLISTEN that fails") {
    f.listen(bert, {"other"});
    CHECK(backend.query() == "LISTEN \"other\"");
    backend.complete("LISTEN");
    CHECK(f.told.next(bert) == "done");
    f.hub->leave(bert);
    CHECK(backend.query() == "UNLISTEN \"other\"");
    backend.refuse("XX000");
  }
  CHECK(f.told.next(anna) == "lost");
  CHECK(backend.query() == "X");
}

TEST_CASE("a server that cannot be reached, or is of no use, refuses those who ask") {
  Fixture f;
  f.listen(anna, {"jobs"});
  SECTION("closed while logging in") {
    f.server.accept().close();
  }
  SECTION("refuses the settings") {
    FakeBackend backend = f.server.accept();
    backend.log_in();
    backend.query();
    backend.refuse("42704");
    backend.query();
  }
  CHECK(f.told.next(anna) == "unavailable");
  // During the back-off who asks is refused at once; after it the server is tried again.
  std::size_t refused = 0;
  CHECK(comes_true([&] {
    f.listen(anna, {"jobs"});
    while (f.server.nobody_knocks() && f.told.count(anna) == refused + 1) std::this_thread::yield();
    if (f.server.nobody_knocks()) ++refused;
    return !f.server.nobody_knocks();
  }));
  FakeBackend later = f.connected();
  CHECK(later.query() == "LISTEN \"jobs\"");
  later.complete("LISTEN");
  for (; refused > 0; --refused) CHECK(f.told.next(anna) == "unavailable");
  CHECK(f.told.next(anna) == "done");
}

TEST_CASE("a server that owes an answer and says nothing is given up") {
  HubLimits limits;
  limits.silence_max = 300ms;
  Fixture f(limits);
  FakeBackend backend = f.listening(anna, "jobs");
  f.listen(bert, {"other"});
  CHECK(backend.query() == "LISTEN \"other\"");
  CHECK(f.told.next(anna) == "lost");
}

TEST_CASE("the connection closes when nobody has listened for a while, and not sooner") {
  HubLimits limits;
  limits.linger = 50ms;
  Fixture f(limits);
  FakeBackend backend = f.listening(anna, "jobs");
  f.hub->leave(anna);
  CHECK(backend.query() == "UNLISTEN \"jobs\"");
  const auto since = std::chrono::steady_clock::now();
  backend.complete("UNLISTEN");
  CHECK(backend.query() == "X");
  CHECK(std::chrono::steady_clock::now() - since >= 50ms);
  CHECK(backend.query() == "EOF");
  CHECK(comes_true([&f] { return f.hub->counters().connections.get() == 0; }));
  FakeBackend second = f.listening(bert, "jobs");
}

TEST_CASE("while draining the connection closes with its last listener") {
  Fixture f;
  FakeBackend backend = f.listening(anna, "jobs");
  f.workers.shared.draining = true;
  f.hub->leave(anna);
  CHECK(backend.query() == "UNLISTEN \"jobs\"");
  backend.complete("UNLISTEN");
  CHECK(backend.query() == "X");
}

TEST_CASE("a retired hub lets its listeners know and serves nobody any more") {
  Fixture f;
  FakeBackend backend = f.listening(anna, "jobs");
  f.hub->retire();
  CHECK(f.told.next(anna) == "lost");
  CHECK(backend.query() == "X");
  f.listen(bert, {"jobs"});
  CHECK(f.told.next(bert) == "unavailable");
  CHECK(f.hub->counters().losses.get() == 0);
}

TEST_CASE("limits are told") {
  HubLimits limits;
  limits.channels.channels_of_client = 1;
  Fixture f(limits);
  FakeBackend backend = f.listening(anna, "jobs");
  f.listen(anna, {"more"});
  CHECK(f.told.next(anna) == "too many");
  CHECK(backend.is_silent());
}

TEST_CASE("a worker that falls behind makes the hub stop reading, and nothing is lost") {
  HubLimits limits;
  limits.in_flight_max = 4'096;
  limits.silence_max = 300ms;
  Fixture f(limits);
  FakeBackend backend = f.listening(bert, "jobs");
  f.told.stall(true);
  const std::string padding(8'000, 'x');
  // Until the hub's socket is full, which is some megabytes, and for longer than a server may be silent.
  unsigned sent = 0;
  for (; sent < 20'000 && backend.can_say(600); ++sent)
    backend.say(FakeBackend::notification("jobs", std::to_string(sent) + padding));
  REQUIRE(sent < 20'000);
  // A request in the meantime waits; the server's silence is the hub's own doing.
  f.listen(cleo, {"other"});
  CHECK(f.told.count(bert) < 200);
  f.told.stall(false);
  CHECK(backend.query() == "LISTEN \"other\"");
  backend.complete("LISTEN");
  for (unsigned i = 0; i < sent; ++i) {
    if (f.told.next(bert) != "jobs " + std::to_string(i) + padding) FAIL("notification " << i);
  }
  CHECK(f.told.next(cleo) == "done");
}

TEST_CASE("messages may come in any pieces") {
  Fixture f;
  FakeBackend backend = f.listening(anna, "jobs");
  ByteBuffer all;
  for (const char* payload : {"1", "2", "3"}) {
    const ByteBuffer one = FakeBackend::notification("jobs", payload);
    all.insert(all.end(), one.begin(), one.end());
  }
  for (const Byte& byte : all) backend.say({&byte, 1});
  for (const char* payload : {"1", "2", "3"}) CHECK(f.told.next(anna) == std::string("jobs ") + payload);
}

TEST_CASE("workers may stop at any moment of a hub's life") {
  Fixture f;
  SECTION("before it was used") {}
  SECTION("while it connects") {
    f.listen(anna, {"jobs"});
    f.server.accept();
  }
  SECTION("while it listens") {
    FakeBackend backend = f.listening(anna, "jobs");
    backend.notify("jobs", "1");
  }
}
