#include "proxy/entry/admission.hpp"

#include <catch2/catch.hpp>

#include "../session_stage.hpp"
#include "protocol/authentication.hpp"
#include "protocol/startup.hpp"

using namespace pgweir;
using test::app_settings;

namespace {

// Who has proved to be this user, by settings of its own.
ClientLogin proved(std::string_view user, std::string_view database,
                   const std::vector<StartupParameter>& parameters = {}, std::uint16_t minor = 0) {
  config::Settings settings;
  settings.listen.auth = config::AuthMethod::trust;
  for (const std::string name : {"anna", "bert", "carl"}) settings.users[name] = {name, config::Secret("x")};
  static const SnapshotRef snapshot =
      make_snapshot(std::make_shared<const config::Settings>(std::move(settings)), nullptr);
  ClientLogin login(snapshot);
  ByteBuffer packet;
  write_startup_message(packet, minor, user, database, parameters);
  ByteView input = packet;
  ByteBuffer reply;
  REQUIRE(login.feed(input, reply) == ClientLogin::Step::authenticated);
  return login;
}

// A user who is not in the file, and whose password the server has taken. Settings of an instance where that is
// possible.
config::Settings with_guests() {
  config::Settings settings = app_settings();
  settings.listen.tls.mode = config::TlsMode::prefer;
  settings.databases["app"].pass_through.users = {"guest*"};
  return settings;
}

ClientLogin judged_by_server() {
  TlsFiles tls;
  tls.listen = std::make_shared<TlsServerContext>();
  ClientLogin login(make_snapshot(std::make_shared<const config::Settings>(with_guests()), nullptr, tls));
  login.tls_started();
  ByteBuffer bytes;
  write_startup_message(bytes, 0, "guest1", "app", {});
  write_password_message(bytes, "right");
  ByteView input = bytes;
  ByteBuffer reply;
  REQUIRE(login.feed(input, reply) == ClientLogin::Step::send);
  REQUIRE(login.feed(input, reply) == ClientLogin::Step::prove_password);
  REQUIRE(login.password_judged(true) == ClientLogin::Step::authenticated);
  return login;
}

// Two databases, of which "hers" is Anna's alone.
config::Settings two_databases() {
  config::Settings settings = app_settings();
  settings.users["bert"] = {"bert", config::Secret("right")};
  settings.databases["hers"] = settings.databases["app"];
  settings.databases["hers"].name = "hers";
  settings.databases["hers"].users = {"anna"};
  return settings;
}

class Admitted : public test::SessionStage {
 public:
  explicit Admitted(config::Settings settings = two_databases()) : SessionStage(std::move(settings)) {
    exchange.commons = nullptr;
  }

  std::shared_ptr<Pool> admit(std::string_view user, std::string_view database) {
    return admission.admit(proved(user, database));
  }
  // SQLSTATE and text of what the client is told; empty: it was let in.
  std::string refusal() {
    if (!life.is_over()) return {};
    ByteBuffer words;
    write_reason(words, life.reason, life.message(), life.sqlstate());
    ErrorView error;
    REQUIRE(ErrorView::parse(ByteView(words).subspan(message_header_size), error) == Errc::ok);
    return std::string(error.code()) + ' ' + std::string(error.message());
  }

  Admission admission{parts, exchange};
};

// One whose pool has a server, which reports these parameters of a fresh login.
struct Greeted : Admitted {
  Greeted() {
    add_server({{"TimeZone", "UTC"}, {"application_name", ""}});
    REQUIRE(admit("anna", "app") != nullptr);
  }

  bool recall(SettingMap settings) { return admission.recall(settings); }
  // The backend says what it has made of them.
  void learn(const SettingMap& settings, SettingMap reported) {
    exchange.backend = pool().try_borrow(worker());
    REQUIRE(exchange.backend != nullptr);
    exchange.backend->parameters = worker().interner().intern(std::move(reported));
    admission.learned(settings);
    pool().release(*std::exchange(exchange.backend, nullptr), worker());
  }
  std::string told(std::string_view name) const {
    const auto it = exchange.client.view->find(name);
    return it == exchange.client.view->end() ? "-" : it->second;
  }
  std::string startup(std::string_view name) const {
    const auto it = exchange.client.startup->find(name);
    return it == exchange.client.startup->end() ? "-" : it->second;
  }
};

}  // namespace

TEST_CASE("a client gets the pool of its database and user, which counts it") {
  Admitted client;
  const std::shared_ptr<Pool> pool = client.admit("anna", "hers");
  REQUIRE(pool != nullptr);
  CHECK(pool->database() == "hers");
  CHECK(pool->user() == "anna");
  CHECK(client.exchange.pool == pool.get());
  CHECK(client.exchange.commons == pool.get());
  CHECK(pool->counters(client.worker()).clients.get() == 1);
  CHECK(pool->counters(client.worker()).logged_in.get() == 1);
  CHECK_FALSE(client.exchange.pinned());
  CHECK(client.refusal().empty());
}

TEST_CASE("who may not use what it asks for is told which") {
  Admitted client;
  const auto [user, database, expected] =
      GENERATE(table<std::string_view, std::string_view, std::string_view>({
          {"anna", "theirs", "3D000 database \"theirs\" does not exist"},
          {"bert", "hers", "42501 permission denied for database \"hers\""},
          // A reload has removed the user since the login began.
          {"carl", "app", "42501 permission denied for database \"app\""},
      }));
  CHECK(client.admit(user, database) == nullptr);
  CHECK(client.refusal() == expected);
  CHECK(client.exchange.pool == nullptr);
  CHECK(client.counters().clients.get() == 0);
}

TEST_CASE("a database that is disabled takes no new clients") {
  Admitted client;
  client.process.pools.disable("app", true);
  SECTION("of its own") {
    CHECK(client.admit("anna", "app") == nullptr);
    CHECK(client.refusal() == "57P03 database \"app\" is disabled");
  }
  SECTION("but others do") {
    CHECK(client.admit("anna", "hers") != nullptr);
  }
  SECTION("until it is enabled") {
    client.process.pools.disable("app", false);
    CHECK(client.admit("anna", "app") != nullptr);
  }
}

TEST_CASE("a process that drains takes no new clients") {
  Admitted client;
  client.life.drains = true;
  CHECK(client.admit("anna", "app") == nullptr);
  CHECK(client.refusal() == "57P01 terminating connection due to administrator command");
}

TEST_CASE("any other database has a pool with its first client, while there are not too many") {
  config::Settings settings = app_settings();
  settings.databases["*"] = settings.databases["app"];
  settings.databases["*"].name = "*";
  settings.databases["*"].pool.min_size = 2;
  Admitted client(settings);
  CHECK(client.process.pools.find("third", "anna") == nullptr);
  const std::shared_ptr<Pool> third = client.admit("anna", "third");
  REQUIRE(third != nullptr);
  CHECK(client.process.pools.find("third", "anna") == third);
  // The database may not exist: nothing logs in to it again and again.
  CHECK(PoolInside::core(*third).settings->min_size == 0);
  for (std::size_t i = 2; i < PoolRegistry::pools_max; ++i)
    REQUIRE(client.admit("anna", "db" + std::to_string(i)) != nullptr);
  CHECK(client.admit("anna", "last") == nullptr);
  CHECK(client.refusal() == "53300 too many pools");
}

TEST_CASE("a user who is not in the file gets the pool in which its password was proved, and no other") {
  config::Settings settings = with_guests();
  SECTION("while there is one") {
    Admitted client(settings);
    const config::Database& app = client.worker().snapshot().settings->databases.at("app");
    const std::shared_ptr<Pool> pool =
        client.process.pools.candidate(client.worker().snapshot(), app, "app", "guest1");
    REQUIRE(client.process.pools.publish(pool, PoolInside::core(*pool).target));
    CHECK(client.admission.admit(judged_by_server()) == pool);
    CHECK(client.refusal().empty());
  }
  SECTION("a reload has removed it") {
    Admitted client(settings);
    CHECK(client.admission.admit(judged_by_server()) == nullptr);
    CHECK(client.refusal() == "57P01 the configuration has changed");
  }
  SECTION("a reload has put the user into the file") {
    settings.users["guest1"] = {"guest1", config::Secret("other")};
    Admitted client(settings);
    CHECK(client.admission.admit(judged_by_server()) == nullptr);
    CHECK(client.refusal() == "42501 permission denied for database \"app\"");
  }
  SECTION("a reload has ended that for this database") {
    settings.databases["app"].pass_through.users.clear();
    Admitted client(settings);
    CHECK(client.admission.admit(judged_by_server()) == nullptr);
    CHECK(client.refusal() == "42501 permission denied for database \"app\"");
  }
}

TEST_CASE("the settings of its pool decide how a session keeps and judges its backend") {
  config::Settings settings = app_settings();
  config::Pool& pool = settings.databases["app"].pool;
  SECTION("session mode") {
    pool.mode = config::PoolMode::session;
    Admitted client(settings);
    REQUIRE(client.admit("anna", "app") != nullptr);
    CHECK(client.exchange.pins.contains(Pin::session_mode));
  }
  SECTION("strict, with triggers that are trusted") {
    pool.state = config::StateTracking::strict;
    pool.trust_triggers = true;
    Admitted client(settings);
    REQUIRE(client.admit("anna", "app") != nullptr);
    CHECK(client.exchange.judgement.strict);
    CHECK(client.exchange.judgement.trust_triggers);
  }
  SECTION("C libraries that are not known") {
    pool.unknown_code = GENERATE(config::UnknownCode::close, config::UnknownCode::trust);
    Admitted client(settings);
    REQUIRE(client.admit("anna", "app") != nullptr);
    CHECK(client.exchange.judgement.trust_unknown_code == (pool.unknown_code == config::UnknownCode::trust));
  }
  SECTION("values of sequences") {
    pool.sequence_values = GENERATE(config::SequenceValues::pin, config::SequenceValues::learn);
    Admitted client(settings);
    REQUIRE(client.admit("anna", "app") != nullptr);
    CHECK(client.pool().code().uses_sequence_values() ==
          (pool.sequence_values == config::SequenceValues::pin));
  }
}

// --- Startup settings

TEST_CASE("a client without settings is told what a fresh login reports, once there was one") {
  Admitted client;
  REQUIRE(client.admit("anna", "app") != nullptr);
  CHECK_FALSE(client.admission.recall({}));
  client.add_server({{"TimeZone", "UTC"}});
  CHECK(client.admission.recall({}));
  CHECK(client.exchange.client.view->at("TimeZone") == "UTC");
  CHECK(client.exchange.client.startup->empty());
  CHECK(client.exchange.client.desired == client.exchange.client.startup);
}

TEST_CASE("what becomes of settings is asked once, and then told every client that brings them") {
  Greeted client;
  const SettingMap settings{{"timezone", "europe/berlin"}};
  REQUIRE_FALSE(client.recall(settings));
  CHECK(client.startup("timezone") == "europe/berlin");
  CHECK(client.exchange.client.desired == client.exchange.client.startup);
  client.learn(settings, {{"TimeZone", "Europe/Berlin"}, {"application_name", ""}});
  CHECK(client.told("TimeZone") == "Europe/Berlin");

  client.exchange.client = ClientSettings(client.worker().shared().no_settings);
  CHECK(client.recall(settings));
  CHECK(client.told("TimeZone") == "Europe/Berlin");
  CHECK(client.startup("timezone") == "europe/berlin");
  CHECK(client.exchange.client.desired == client.exchange.client.startup);
  CHECK_FALSE(client.recall({{"timezone", "asia/tokyo"}}));
}

TEST_CASE("another application_name is no reason to ask again, and is told as PostgreSQL cleans it") {
  Greeted client;
  const auto [given, told] = GENERATE(table<std::string, std::string>({
      {"psql", "psql"},
      {"caf\xc3\xa9\n", "caf???"},
      {" ~", " ~"},
  }));
  CHECK(client.recall({{"application_name", given}}));
  CHECK(client.told("application_name") == told);
  CHECK(client.startup("application_name") == given);
  // With others, the others are asked for, once.
  CHECK_FALSE(client.recall({{"application_name", given}, {"work_mem", "8MB"}}));
  client.learn({{"application_name", given}, {"work_mem", "8MB"}}, {{"application_name", "of the backend"}});
  CHECK(client.told("application_name") == told);
  CHECK(client.recall({{"application_name", "other"}, {"work_mem", "8MB"}}));
  CHECK(client.told("application_name") == "other");
}

TEST_CASE("a setting that every fresh backend has is none of the client's own") {
  Greeted client;
  CHECK(client.recall({{"timezone", "UTC"}}));
  CHECK(client.exchange.client.startup->empty());
  CHECK_FALSE(client.recall({{"timezone", "UTC"}, {"work_mem", "8MB"}}));
  CHECK(client.startup("timezone") == "-");
  CHECK(client.startup("work_mem") == "8MB");
}

TEST_CASE("what was learned before the defaults changed is not remembered") {
  Greeted client;
  const SettingMap settings{{"work_mem", "8MB"}};
  REQUIRE_FALSE(client.recall(settings));
  client.pool().logins().forget();
  client.learn(settings, {{"TimeZone", "UTC"}});
  CHECK_FALSE(client.recall(settings));
}

TEST_CASE("while all backends are lent, what a fresh login reported once will do") {
  Greeted client;
  client.pool().logins().forget();
  CHECK_FALSE(client.recall({}));
  Backend* const lent = client.pool().try_borrow(client.worker());
  REQUIRE(lent != nullptr);
  CHECK(client.recall({}));
  CHECK(client.told("TimeZone") == "UTC");
  client.pool().release(*lent, client.worker());
}

// --- The welcome

TEST_CASE("a client is welcomed with its parameters and a key of its own for cancels") {
  Greeted client;
  REQUIRE(client.recall({{"application_name", "psql"}}));
  const auto minor = static_cast<std::uint16_t>(GENERATE(0, 2));
  const std::uint32_t pid = client.admission.welcome(proved("anna", "app", {}, minor));
  CHECK(client.exchange.client.greeted);
  CHECK(client.exchange.client.greeting == client.exchange.client.view);
  CHECK(client.worker().counters().logins_ok.get() == 1);

  const ByteBuffer sent = client.worker().to_client().bytes();
  client.link.flush();
  CHECK(client.client() == "R S(TimeZone,UTC) S(application_name,psql) K Z(I)");
  Framer framer(backend_rule);
  ByteView input = sent;
  CancelRequest given;
  for (Piece piece; framer.next(input, piece) == FrameStatus::piece;) {
    if (piece.type == 'K') REQUIRE(parse_backend_key_data(piece.body(), given) == Errc::ok);
  }
  CHECK(given.pid == pid);
  CHECK(given.secret.size() == (minor == 2 ? 32 : 4));
  const std::optional<SessionAddress> found = client.process.cancels.find(given.pid, given.secret);
  REQUIRE(found.has_value());
  CHECK(found->session == Greeted::session_id);
  CHECK(found->worker == 0);
}
