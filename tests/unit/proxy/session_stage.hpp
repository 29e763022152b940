// What a session's parts work on, with real objects and no thread: the client and each server are the other ends of
// socket pairs, and the worker never runs, so that what it is given to do later stays undone. The test tells the time.
//
// Sides plays scripts as in relay_script.hpp through these sockets, and takes a session's turns:
//
//   sides.run("> Q(select 1) < C(SELECT 1) Z(I)");
//   sides.server()   what has arrived at the servers since the last look
//   sides.client()   what has arrived at the client, of whole messages
#pragma once

#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "far_end.hpp"
#include "pool/quiet_pool.hpp"
#include "proxy/entry/all_sessions.hpp"
#include "proxy/entry/console_desk.hpp"
#include "proxy/entry/session_context.hpp"
#include "proxy/entry/session_parts.hpp"
#include "proxy/login/login_failures.hpp"
#include "proxy/pool/cancel_registry.hpp"
#include "proxy/pool/pool_registry.hpp"
#include "proxy/pool/pool_supply.hpp"
#include "proxy/session/client_side.hpp"
#include "proxy/session/server_side.hpp"
#include "proxy/session/session_list.hpp"
#include "relay_script.hpp"

namespace pgweir {

struct PoolInside {
  static PoolCore& core(Pool& pool) { return pool.core_; }
};

}  // namespace pgweir

namespace pgweir::test {

// One database "app" for the user "anna", who is not asked for a password.
inline config::Settings app_settings(std::uint32_t backends_max = 1) {
  config::Settings settings;
  settings.listen.auth = config::AuthMethod::trust;
  settings.users["anna"] = {"anna", config::Secret("right")};
  config::Database& app = settings.databases["app"];
  app.name = "app";
  app.host = "db";
  app.pool.min_size = 0;
  app.pool.max_size = backends_max;
  app.pool.role_check_interval = config::Millis{0};
  return settings;
}

// The sessions of all workers, of which none is real: cancels for them are kept.
struct KeptCancels final : AllSessions {
  std::size_t count() const override { return open; }
  void cancel(const SessionAddress& session, std::shared_ptr<void> done) override {
    sessions.push_back(session.session);
    connection = std::move(done);
  }

  std::size_t open = 1;
  std::vector<std::uint64_t> sessions;
  std::shared_ptr<void> connection;
};

// What a session uses of the process.
struct QuietProcess {
  explicit QuietProcess(Workers& all_workers) : workers(all_workers) {}
  ~QuietProcess() {
    pools.close();
    aws.stop();
  }
  QuietProcess(const QuietProcess&) = delete;
  QuietProcess& operator=(const QuietProcess&) = delete;

  Workers& workers;
  testing::WokenSessions woken;
  testing::NoNotifications sink;
  PasswordProofs proofs;
  SchemaVersions schemas;
  aws::Aws aws{[](UserSecretsRef) {}};
  PoolRegistry pools{{workers, woken, sink, proofs, schemas, aws}};
  CancelRegistry cancels;
  LoginFailures login_failures;
  ConsoleDesk console;
  KeptCancels sessions;
  std::function<void(std::function<void()>)> post_to_main = [](const std::function<void()>&) {};
  const SessionContext context{pools, cancels, login_failures, proofs, aws, console, sessions, post_to_main};
};

// A database server, as one backend of a pool sees it.
struct FarServer {
  std::shared_ptr<Backend> backend;
  FarEnd end;
  ByteBuffer unread;  // the beginning of a message
};

// A session that logs in, or a part of one.
class SessionStage : public RelayScript {
 public:
  static constexpr std::uint64_t session_id = 7;

  explicit SessionStage(config::Settings settings = app_settings(), std::array<int, 2> fds = socket_pair())
      : RelayScript(std::move(settings)), link(worker(), UniqueFd(fds[0]), "192.0.2.7:4711"), far(fds[1]) {
    process.pools.apply(worker().snapshot_ref());
    REQUIRE(link.transport.attach(worker().reactor(), &waker));
    life.started = worker().now();
    exchange.backend = nullptr;
    exchange.session_id = session_id;
    exchange.sequences.number = worker().new_number();
  }

  Pool& pool() { return *process.pools.find("app", "anna"); }
  PoolCounters& counters() { return pool().counters(worker()); }
  std::uint64_t closed(BackendClose reason) {
    return counters().closes[static_cast<std::size_t>(reason)].get();
  }
  // For a session that has been admitted.
  void use_pool() {
    exchange.commons = exchange.pool = &pool();
    know_all_code();
  }

  // One that has just logged in: it goes to who waits, or becomes idle.
  FarServer& add_server(SettingMap parameters = {}) {
    PoolCore& core = PoolInside::core(pool());
    const std::array<int, 2> fds = socket_pair();
    auto backend = std::make_shared<Backend>(100);
    backend->transport = Transport(UniqueFd(fds[0]));
    REQUIRE(backend->transport.attach(worker().reactor(), nullptr));
    backend->pid = static_cast<std::uint32_t>(servers.size() + 1);
    backend->applied = worker().shared().no_settings;
    backend->parameters = worker().interner().intern(std::move(parameters));
    backend->generation = core.state.generation();
    backend->login_user = core.target->user;
    if (pool().counts().opening == 0) REQUIRE(core.state.begin_proof());
    FarServer& server = servers.emplace_back(FarServer{backend, FarEnd(fds[1]), {}});
    let_in(core, backend, worker());
    return server;
  }

  // What has happened to the sockets; then who was woken has a turn.
  void look() {
    worker().reactor().fetch(std::chrono::milliseconds{0});
    worker().reactor().run_wakers();
  }
  void pass(std::chrono::milliseconds time) { worker().use_time(worker().now() + time); }

  std::string server() override {
    std::string text;
    for (FarServer& each : servers) {
      const std::string of_this = whole_messages(each.unread, each.end.received(), frontend_rule);
      text += (text.empty() || of_this.empty() ? "" : " ") + of_this;
    }
    return text;
  }
  std::string client() override { return whole_messages(unread_, far.received(), backend_rule); }
  // How much the client has got of a message whose rest has not come.
  std::size_t unfinished() const { return unread_.size(); }

  QuietProcess process{workers()};
  Waker waker{worker().reactor()};
  Life life;
  ClientLink link;
  FarEnd far;
  SessionParts parts{worker(), process.context, waker, link, life, session_id};
  std::deque<FarServer> servers;

 private:
  std::string whole_messages(ByteBuffer& unread, const ByteBuffer& fresh, const LengthRules& rule) {
    unread.insert(unread.end(), fresh.begin(), fresh.end());
    std::size_t whole = 0;
    while (unread.size() - whole >= message_header_size) {
      const std::size_t size = 1 + load_u32(unread.data() + whole + 1);
      if (unread.size() - whole < size) break;
      whole += size;
    }
    std::string text = text_of(ByteView(unread).first(whole), rule);
    unread.erase(unread.begin(), unread.begin() + static_cast<std::ptrdiff_t>(whole));
    return text;
  }

  ByteBuffer unread_;
};

// A session that serves its client.
class Sides : public SessionStage {
 public:
  explicit Sides(std::uint32_t backends_max = 1, std::array<int, 2> fds = socket_pair())
      : SessionStage(app_settings(backends_max), fds) {
    use_pool();
    life.phase = Life::Phase::serving;
    exchange.client.greeted = true;
    exchange.client.greeting = exchange.client.view;
  }

  bool is_serving() const { return life.phase == Life::Phase::serving; }
  bool has_backend() const { return exchange.backend != nullptr; }
  // As much at a time as the socket of a server has room for. What has arrived at the servers, of whole messages.
  std::string send(ByteView bytes) {
    static constexpr std::size_t step = 32 * 1024;
    std::string arrived;
    for (; !bytes.empty(); bytes = bytes.subspan(std::min(step, bytes.size()))) {
      far.send(bytes.first(std::min(step, bytes.size())));
      turn();
      for (bool more = true; more;) {
        const std::string part = server();
        turn();
        more = has_backend() && !exchange.backend->backlog.empty();
        arrived += part;
      }
    }
    return arrived + server();
  }
  // As Session::turn(), until there is nothing more to do.
  void turn() {
    look();
    for (int turns = 0; is_serving(); ++turns) {
      REQUIRE(turns < 1000);
      if (!link.backlog.empty() && !link.backlog.flush(link.transport)) return life.end(Reason::client_lost);
      if (server_side.lease().is_granted()) server_side.borrow();
      if (has_backend()) server_side.read_server();
      if (is_serving()) client_side.read();
      if (is_serving() && has_backend()) {
        server_side.give_back_if_free();
        server_side.flush();
      }
      const bool reads_client = client_side.may_read() && link.transport.readable();
      if (!server_side.has_replies() && !reads_client && !server_side.lease().is_granted()) return;
    }
  }

  ServerSide server_side{parts, exchange, replies};
  ClientSide client_side{parts, exchange, server_side};

 protected:
  void feed_request(const std::string&, ByteBuffer bytes) override { send(far, bytes); }
  // From the server that the session has, else from the first one.
  void feed_reply(ByteBuffer bytes) override {
    FarServer* from = &servers.front();
    for (FarServer& each : servers) {
      if (each.backend.get() == exchange.backend) from = &each;
    }
    send(from->end, bytes);
  }

 private:
  void send(FarEnd& from, const ByteBuffer& bytes) {
    const std::size_t portion = byte_by_byte ? 1 : bytes.size();
    for (std::size_t at = 0; at < bytes.size(); at += portion) {
      from.send(ByteView(bytes).subspan(at, portion));
      turn();
    }
  }
};

}  // namespace pgweir::test
