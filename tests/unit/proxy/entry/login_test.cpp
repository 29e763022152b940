#include "proxy/entry/login.hpp"

#include <catch2/catch.hpp>

#include "../login_script.hpp"
#include "../session_stage.hpp"
#include "protocol/authentication.hpp"
#include "protocol/md5_password.hpp"
#include "protocol/startup.hpp"
#include "proxy/entry/console_session.hpp"

using namespace pgweir;
using namespace pgweir::test;
using namespace std::chrono_literals;

namespace {

ByteBuffer startup_of(std::string_view user, std::string_view database = "app") {
  ByteBuffer out;
  write_startup_message(out, 0, user, database, {});
  return out;
}

ByteBuffer request_of(std::uint32_t code) {
  ByteBuffer out;
  Writer(out).begin_untyped().u32(code).end_message();
  return out;
}
const ByteBuffer ssl_request = request_of(80877103);
const ByteBuffer gss_request = request_of(80877104);

// Of a load balancer, about a client at 198.51.100.9:8080; or about its own connection.
ByteBuffer proxy_header(bool is_local = false) {
  ByteBuffer out{0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
  const ByteBuffer rest =
      is_local ? ByteBuffer{0x20, 0x00, 0, 0}
               : ByteBuffer{0x21, 0x11, 0, 12, 198, 51, 100, 9, 10, 0, 0, 1, 0x1f, 0x90, 0x19, 0x20};
  return out + rest;
}

config::Settings with_password() {
  config::Settings settings = app_settings();
  settings.listen.auth = config::AuthMethod::md5;
  return settings;
}

config::Settings behind(std::string_view balancers) {
  config::Settings settings = app_settings();
  std::string error;
  settings.listen.proxy_sources.push_back(*config::parse_network(balancers, error));
  return settings;
}

// A client that comes from 192.0.2.7.
class Arriving : public SessionStage {
 public:
  explicit Arriving(config::Settings settings = app_settings()) : SessionStage(std::move(settings)) {
    tasks_.start(log_in());
    look();
  }

  // Whole, or each byte for itself.
  void send(const ByteBuffer& bytes, bool bytewise = false) {
    const std::size_t portion = bytewise ? 1 : bytes.size();
    for (std::size_t at = 0; at < bytes.size(); at += portion) {
      far.send(ByteView(bytes).subspan(at, portion));
      look();
    }
  }
  void vanish() {
    far.end();
    look();
  }
  void wake() {
    waker.wake();
    look();
  }
  void interrupt(Reason reason) {
    life.interrupt = reason;
    wake();
  }
  // The answer to what pgweir has just asked.
  ByteBuffer md5_of(std::string_view password) {
    const std::vector<Message> asked = messages(far.received());
    REQUIRE(asked.size() == 1);
    AuthenticationRequest request;
    REQUIRE(parse_authentication(asked[0].body, request) == Errc::ok);
    REQUIRE(request.kind == AuthenticationKind::md5_password);
    std::string hash;
    std::string response;
    REQUIRE(md5_hash(password, "anna", hash) == Errc::ok);
    REQUIRE(md5_response(hash, request.salt, response) == Errc::ok);
    ByteBuffer out;
    write_password_message(out, response);
    return out;
  }
  bool failed_for(Reason reason) const { return result == false && life.is_over() && life.reason == reason; }

  Login login{parts};
  std::optional<bool> result;  // nothing: it goes on

 private:
  Task<> log_in() { result = co_await login.run(); }

  TaskList tasks_{[](std::exception_ptr error) { std::rethrow_exception(error); }};
};

}  // namespace

TEST_CASE("a client says who it is, and what it sends behind that stays for later") {
  Arriving client;
  ByteBuffer query;
  write_query(query, "select 1");
  client.send(startup_of("anna"), GENERATE(false, true));
  CHECK(client.result == true);
  CHECK(client.login.client().startup().user == "anna");
  CHECK(client.login.client().startup().database == "app");
  CHECK_FALSE(client.life.is_over());
  CHECK(client.link.carry.empty());
  Arriving hasty;
  hasty.send(startup_of("anna") + query);
  CHECK(hasty.result == true);
  CHECK(hasty.link.carry == query);
}

TEST_CASE("a client that asks for encryption is told that there is none, and may go on without") {
  const bool bytewise = GENERATE(false, true);
  Arriving client;
  client.send(ssl_request, bytewise);
  CHECK(client.far.received() == ByteBuffer{'N'});
  client.send(gss_request, bytewise);
  CHECK(client.far.received() == ByteBuffer{'N'});
  CHECK_FALSE(client.result.has_value());
  client.send(startup_of("anna"), bytewise);
  CHECK(client.result == true);
}

TEST_CASE("bytes that are no startup packet end the login, with the reason") {
  ByteBuffer version2;
  Writer(version2).begin_untyped().u32(2 << 16).u8(0).end_message();
  const std::string_view http = "GET / HTTP/1.1\r\n\r\n";
  const auto [bytes, reason] = GENERATE_COPY(table<ByteBuffer, Reason>({
      {ByteBuffer(http.begin(), http.end()), Reason::bad_startup},
      {ByteBuffer{0x16, 3, 1, 0, 1, 1, 0, 0, 0, 0}, Reason::bad_startup},
      {version2, Reason::not_supported},
      {startup_of(""), Reason::bad_startup},
      {proxy_header(), Reason::bad_startup},
  }));
  Arriving client;
  client.send(bytes, GENERATE(false, true));
  CHECK(client.failed_for(reason));
  CHECK_FALSE(client.life.message().empty());
  CHECK(client.far.received().empty());
}

TEST_CASE("a right password lets the client in, and a wrong one is answered without delay at first") {
  const bool bytewise = GENERATE(false, true);
  Arriving client(with_password());
  client.send(startup_of("anna"), bytewise);
  CHECK_FALSE(client.result.has_value());
  SECTION("right") {
    client.send(client.md5_of("right"), bytewise);
    CHECK(client.result == true);
  }
  SECTION("wrong") {
    client.send(client.md5_of("wrong"), bytewise);
    CHECK(client.failed_for(Reason::authentication_failed));
    CHECK(client.life.message() == "password authentication failed for user \"anna\"");
  }
  SECTION("something else than a password") {
    ByteBuffer query;
    write_query(query, "select 1");
    client.send(query, bytewise);
    CHECK(client.failed_for(Reason::protocol_violation));
  }
}

TEST_CASE("who guesses passwords waits for the answer") {
  Arriving client(with_password());
  for (unsigned i = 0; i < LoginFailures::free_failures; ++i)
    client.process.login_failures.note("anna", config::parse_address("192.0.2.7"), client.worker().now(), 3s);
  client.send(startup_of("anna"));
  SECTION("but not who knows it") {
    client.send(client.md5_of("right"));
    CHECK(client.result == true);
  }
  SECTION("as long as it takes") {
    client.send(client.md5_of("wrong"));
    CHECK_FALSE(client.result.has_value());
    CHECK(client.life.closes_at == client.worker().now() + LoginFailures::first_delay);
    client.pass(LoginFailures::first_delay - 1ms);
    client.wake();
    CHECK_FALSE(client.result.has_value());
    client.pass(1ms);
    client.wake();
    CHECK(client.failed_for(Reason::authentication_failed));
  }
  SECTION("unless there is nobody to wait") {
    client.send(client.md5_of("wrong"));
    client.vanish();
    CHECK(client.failed_for(Reason::authentication_failed));
  }
  SECTION("unless it has to end") {
    client.send(client.md5_of("wrong"));
    client.life.drains = true;
    client.wake();
    CHECK(client.failed_for(Reason::authentication_failed));
  }
}

TEST_CASE("a client that vanishes at any step leaves a login that is over") {
  const bool asks_for_tls = GENERATE(false, true);
  const ByteBuffer all = asks_for_tls ? ssl_request + startup_of("anna") : startup_of("anna");
  for (std::size_t sent = 0; sent < all.size(); ++sent) {
    INFO(sent);
    Arriving client(with_password());
    client.send(ByteBuffer(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(sent)), true);
    CHECK_FALSE(client.result.has_value());
    client.vanish();
    CHECK(client.failed_for(Reason::client_closed));
  }
}

TEST_CASE("a client that vanishes when it is asked for its password leaves a login that is over") {
  Arriving client(with_password());
  client.send(startup_of("anna"));
  const ByteBuffer password = client.md5_of("right");
  const std::size_t sent = GENERATE(0U, 1U, 5U, 20U);
  client.send(ByteBuffer(password.begin(), password.begin() + static_cast<std::ptrdiff_t>(sent)));
  client.vanish();
  CHECK(client.failed_for(Reason::client_closed));
}

TEST_CASE("a login that is interrupted ends at the step where it is") {
  const std::size_t steps = GENERATE(0U, 1U, 2U, 3U);
  Arriving client(with_password());
  if (steps > 0) client.send(ByteBuffer{0, 0});
  if (steps > 1) client.send(ByteBuffer{0, 8, 4, 210, 22, 47});  // the rest of an SSLRequest
  if (steps > 2) client.send(startup_of("anna"));
  CHECK_FALSE(client.result.has_value());
  client.interrupt(Reason::login_timeout);
  CHECK(client.failed_for(Reason::login_timeout));
}

TEST_CASE("a login is finished although the process drains, if its user is known by then") {
  Arriving client(with_password());
  const bool is_known = GENERATE(false, true);
  if (is_known) client.send(startup_of("anna"));
  client.life.drains = true;
  client.wake();
  if (is_known) {
    CHECK_FALSE(client.result.has_value());
    client.send(client.md5_of("right"));
    CHECK(client.result == true);
  } else {
    CHECK(client.failed_for(Reason::draining));
  }
}

TEST_CASE("a cancel request reaches the session of its key, and its connection stays open until then") {
  Arriving client;
  const CancelRegistry::Key key = client.process.cancels.add({0, 42}, 4);
  ByteBuffer request;
  write_cancel_request(request, key.pid, key.secret);
  client.send(request, GENERATE(false, true));
  CHECK(client.failed_for(Reason::cancel_request));
  CHECK(client.process.sessions.sessions == std::vector<std::uint64_t>{42});
  CHECK(client.worker().counters().cancels_received.get() == 1);
  CHECK(client.link.gone);
  CHECK(client.far.received().empty());
  CHECK_FALSE(client.far.has_ended());
  client.process.sessions.connection.reset();
  CHECK(client.far.received().empty());
  CHECK(client.far.has_ended());
}

TEST_CASE("a cancel request with another secret or number cancels nothing, and is told nothing") {
  Arriving client;
  CancelRegistry::Key key = client.process.cancels.add({0, 42}, 4);
  if (GENERATE(false, true))
    key.secret[3] = static_cast<Byte>(key.secret[3] + 1);
  else
    ++key.pid;
  ByteBuffer request;
  write_cancel_request(request, key.pid, key.secret);
  client.send(request);
  CHECK(client.failed_for(Reason::cancel_request));
  CHECK(client.process.sessions.sessions.empty());
  CHECK(client.far.received().empty());
  CHECK(client.far.has_ended());
}

TEST_CASE("a load balancer tells who its client is") {
  Arriving client(behind("192.0.2.0/24"));
  const bool is_local = GENERATE(false, true);
  client.send(proxy_header(is_local) + startup_of("anna"), GENERATE(false, true));
  CHECK(client.result == true);
  CHECK(client.link.peer == (is_local ? "192.0.2.7:4711" : "198.51.100.9:8080"));
  CHECK(client.login.client().startup().user == "anna");
}

TEST_CASE("a load balancer that does not tell is refused") {
  Arriving client(behind("192.0.2.0/24"));
  client.send(startup_of("anna"), GENERATE(false, true));
  CHECK(client.failed_for(Reason::bad_startup));
  CHECK(client.life.message() == "expected a header of the PROXY protocol, version 2");
}

TEST_CASE("who is no load balancer is not believed") {
  Arriving client(behind("10.0.0.0/8"));
  SECTION("with a header") {
    client.send(proxy_header() + startup_of("anna"));
    CHECK(client.failed_for(Reason::bad_startup));
  }
  SECTION("without") {
    client.send(startup_of("anna"));
    CHECK(client.result == true);
  }
  CHECK(client.link.peer == "192.0.2.7:4711");
}

TEST_CASE("a load balancer's connection may end within its header") {
  const ByteBuffer header = proxy_header();
  for (std::size_t sent = 0; sent < header.size(); ++sent) {
    INFO(sent);
    Arriving client(behind("192.0.2.0/24"));
    client.send(ByteBuffer(header.begin(), header.begin() + static_cast<std::ptrdiff_t>(sent)));
    CHECK_FALSE(client.result.has_value());
    Reason expected = Reason::client_closed;
    if (sent % 3 == 0) {
      client.vanish();
    } else if (sent % 3 == 1) {
      client.interrupt(expected = Reason::login_timeout);
    } else {
      client.life.drains = true;
      client.wake();
      expected = Reason::draining;
    }
    CHECK(client.failed_for(expected));
  }
}

TEST_CASE("rules about networks see the client's own address, not the load balancer's") {
  config::Settings settings = behind("192.0.2.0/24");
  std::string error;
  const std::string_view admitted = GENERATE("198.51.100.0/24", "192.0.2.0/24");
  settings.access.emplace();
  settings.access->push_back({true, {*config::parse_network(admitted, error)}, {}, {}, false});
  Arriving client(settings);
  client.send(proxy_header() + startup_of("anna"));
  if (admitted == "198.51.100.0/24") {
    CHECK(client.result == true);
  } else {
    CHECK(client.failed_for(Reason::no_access_rule));
  }
}

TEST_CASE("one client too many is refused, but for some at the console") {
  config::Settings settings = app_settings();
  settings.listen.max_clients = 3;
  const auto [database, open, is_let_in] = GENERATE(table<std::string_view, std::size_t, bool>({
      {"app", 3, true},
      {"app", 4, false},
      {"pgweir", 3 + ConsoleSession::reserve, true},
      {"pgweir", 4 + ConsoleSession::reserve, false},
  }));
  Arriving client(settings);
  client.process.sessions.open = open;
  client.send(startup_of("anna", database));
  if (is_let_in) {
    CHECK(client.result == true);
  } else {
    CHECK(client.failed_for(Reason::too_many_clients));
  }
}

TEST_CASE("a role that the server keeps out is refused before it is welcomed") {
  Arriving client;
  client.add_server();
  PoolCore& core = PoolInside::core(client.pool());
  core.standing.begin(client.worker().now());
  core.standing.take({RoleAnswer::Kind::gone});
  client.send(startup_of("anna"));
  CHECK(client.failed_for(Reason::authentication_failed));
  CHECK(client.life.sqlstate() == "28000");
  CHECK(client.life.message() == "role \"anna\" is not permitted to log in");
  CHECK(client.far.received().empty());
}
