// Logins in which AWS has a say: a secret that is kept elsewhere, and a token instead of a password.
#include <catch2/catch.hpp>

#include "protocol/authentication.hpp"
#include "protocol/md5_password.hpp"
#include "protocol/startup.hpp"
#include "proxy/login/client_login.hpp"
#include "tests/unit/proxy/login_script.hpp"

using namespace pgweir;
using namespace pgweir::test;
using Step = ClientLogin::Step;
using config::AuthMethod;

namespace {

// What is known of the secret of `app`; on the server its user is app or app_clone, who take turns.
UserSecretsRef secrets(std::vector<SecretLogin> accepted) {
  auto made = std::make_shared<UserSecrets>();
  const SecretLogin login = accepted.at(0);
  made->emplace("app", UserSecret{login, std::move(accepted)});
  return made;
}
SecretLogin login_of(const char* user, const char* password) {
  return {password, user, config::Secret(password)};
}

struct AwsWorld {
  explicit AwsWorld(AuthMethod auth = AuthMethod::scram_sha_256) {
    auto made = std::make_shared<config::Settings>();
    made->listen.auth = auth;
    made->users["app"].name = "app";
    made->users["app"].secret = "prod/app";
    made->users["plain"] = {"plain", config::Secret("right")};
    made->users["role"].name = "role";
    made->users["shown"].name = "shown";
    made->users["shown"].certificate = "a name";
    made->users["role"].iam_roles = {"arn:aws:iam::123456789012:role/worker"};
    settings = made;
    TlsFiles tls;
    tls.listen = std::make_shared<TlsServerContext>();
    now = make_snapshot(settings, nullptr, tls);
  }
  void learn(std::vector<SecretLogin> accepted) {
    now = make_snapshot(settings, now, now->tls, secrets(std::move(accepted)));
  }

  std::shared_ptr<const config::Settings> settings;
  SnapshotRef now;
};

struct AwsClient {
  explicit AwsClient(const AwsWorld& world, bool bytewise = false)
      : login(world.now), feeder(login, bytewise) {}

  Step start(std::string_view user) {
    ByteBuffer out;
    write_startup_message(out, 0, user, "db", {});
    return feeder.receive(out);
  }
  AuthenticationRequest asked() {
    const std::vector<Message> all = messages(feeder.sent());
    REQUIRE(all.size() == 1);
    kept = all[0].body;
    AuthenticationRequest parsed;
    REQUIRE(parse_authentication(kept, parsed) == Errc::ok);
    return parsed;
  }
  Step scram(std::string_view user, std::string_view password) {
    REQUIRE(start(user) == Step::need_bytes);
    REQUIRE(asked().kind == AuthenticationKind::sasl);
    ByteBuffer first, out, proof;
    REQUIRE(client.client_first(first) == Errc::ok);
    write_sasl_initial_response(out, scram_sha_256, first);
    REQUIRE(feeder.receive(out) == Step::need_bytes);
    REQUIRE(client.server_first(asked().data) == Errc::ok);
    ScramKeys keys;
    REQUIRE(derive_scram_keys(password, client.salt(), client.iterations(), keys) == Errc::ok);
    REQUIRE(client.client_final(keys, proof) == Errc::ok);
    out.clear();
    write_sasl_response(out, proof);
    return feeder.receive(out);
  }
  Step md5(std::string_view user, std::string_view password) {
    REQUIRE(start(user) == Step::need_bytes);
    std::string hash, response;
    REQUIRE(md5_hash(password, user, hash) == Errc::ok);
    REQUIRE(md5_response(hash, asked().salt, response) == Errc::ok);
    ByteBuffer out;
    write_password_message(out, response);
    return feeder.receive(out);
  }

  ClientLogin login;
  Feeder<ClientLogin> feeder;
  ScramClient client;
  ByteBuffer kept;
};

}  // namespace

TEST_CASE("any accepted password of a secret lets its user in") {
  AwsWorld world(GENERATE(AuthMethod::scram_sha_256, AuthMethod::md5));
  world.learn({login_of("app", "new"), login_of("app", "old")});
  for (const char* password : {"new", "old"}) {
    AwsClient client(world);
    const bool md5 = world.settings->listen.auth == AuthMethod::md5;
    CHECK((md5 ? client.md5("app", password) : client.scram("app", password)) == Step::authenticated);
  }
}

TEST_CASE("a password that is not known asks for the secret to be read again, once") {
  AwsWorld world(GENERATE(AuthMethod::scram_sha_256, AuthMethod::md5));
  const bool md5 = world.settings->listen.auth == AuthMethod::md5;
  const bool before = GENERATE(false, true);
  if (before) world.learn({login_of("app", "old")});
  AwsClient client(world);
  REQUIRE((md5 ? client.md5("app", "new") : client.scram("app", "new")) == Step::check_secret);
  ByteBuffer reply;
  SECTION("which has changed") {
    world.learn({login_of("app", "new"), login_of("app", "old")});
    REQUIRE(client.login.secret_checked(world.now, reply) == Step::authenticated);
    CHECK(reply.empty() == md5);
  }
  SECTION("which has not") {
    CHECK(client.login.secret_checked(world.now, reply) == Step::refused);
    CHECK(client.login.reason() == Reason::authentication_failed);
    CHECK(reply.empty());
  }
}

TEST_CASE("users whose secret is here are refused at once") {
  AwsWorld world;
  CHECK(AwsClient(world).scram("plain", "wrong") == Step::refused);
  CHECK(AwsClient(world).scram("plain", "right") == Step::authenticated);
  CHECK(AwsClient(world).scram("nobody", "right") == Step::refused);
}

TEST_CASE("clients come by the names that the secret has on the server, each with its own password") {
  AwsWorld world;
  world.learn({login_of("app_clone", "clone"), login_of("app", "first")});
  AwsClient clone(world);
  REQUIRE(clone.scram("app_clone", "clone") == Step::authenticated);
  CHECK(clone.login.startup().user == "app");
  CHECK(AwsClient(world).scram("app", "clone") == Step::authenticated);
  CHECK(AwsClient(world).scram("app", "first") == Step::authenticated);
  CHECK(AwsClient(world).scram("app_clone", "first") == Step::check_secret);
}

TEST_CASE("the second of two users is known before its first turn") {
  AwsWorld world;
  world.learn({login_of("app", "first")});
  AwsClient clone(world);
  REQUIRE(clone.scram("app_clone", "clone") == Step::check_secret);
  world.learn({login_of("app_clone", "clone"), login_of("app", "first")});
  ByteBuffer reply;
  CHECK(clone.login.secret_checked(world.now, reply) == Step::authenticated);
}

TEST_CASE("a user's salt is the same whatever is known of its secret") {
  AwsWorld world;
  AwsClient before(world);
  before.scram("app", "x");
  world.learn({login_of("app", "x")});
  AwsClient after(world);
  after.scram("app", "x");
  CHECK(ByteBuffer(before.client.salt().begin(), before.client.salt().end()) ==
        ByteBuffer(after.client.salt().begin(), after.client.salt().end()));
}

TEST_CASE("everybody's proof is compared with as many verifiers") {
  AwsWorld world;
  world.learn({login_of("app", "new"), login_of("app", "old")});
  for (const char* user : {"app", "app_clone", "plain", "nobody"})
    CHECK(world.now->credential(user).other_scram.size() == accepted_passwords_max);
}

TEST_CASE("a user of a role is asked for its token, through TLS only") {
  AwsWorld world;
  SECTION("in plain text") {
    AwsClient client(world);
    CHECK(client.start("role") == Step::refused);
    CHECK(client.login.reason() == Reason::tls_required);
    CHECK(client.login.message() == "IAM authentication is allowed only with SSL connections");
  }
  SECTION("through TLS") {
    AwsClient client(world, GENERATE(false, true));
    client.login.tls_started();
    REQUIRE(client.start("role") == Step::need_bytes);
    REQUIRE(client.asked().kind == AuthenticationKind::cleartext_password);
    ByteBuffer out;
    write_password_message(out, "a token");
    REQUIRE(client.feeder.receive(out) == Step::check_token);
    CHECK(client.login.token().reveal() == "a token");
    const bool proven = GENERATE(false, true);
    CHECK(client.login.token_checked(proven) == (proven ? Step::authenticated : Step::refused));
    CHECK(client.login.token().empty());
    if (proven) return;
    CHECK(client.login.sqlstate() == "28000");
    CHECK(client.login.message() == "IAM authentication failed for user \"role\"");
  }
}

TEST_CASE("a user of a certificate is let in by its name, and by nothing else") {
  AwsWorld world(GENERATE(AuthMethod::scram_sha_256, AuthMethod::md5, AuthMethod::trust));
  AwsClient plain(world);
  CHECK(plain.start("shown") == Step::refused);
  CHECK(plain.login.reason() == Reason::tls_required);
  for (const char* name : {"a name", "", "another name", "a name ", "A name"}) {
    AwsClient client(world);
    client.login.tls_started(name);
    const bool right = std::string_view(name) == "a name";
    CHECK(client.start("shown") == (right ? Step::authenticated : Step::refused));
    CHECK(client.feeder.sent().empty());
    if (right) continue;
    CHECK(client.login.sqlstate() == "28000");
    CHECK(client.login.message() == "certificate authentication failed for user \"shown\"");
  }
}

TEST_CASE("trust does not let a user of a role in") {
  AwsWorld world(AuthMethod::trust);
  CHECK(AwsClient(world).start("role") == Step::refused);
  CHECK(AwsClient(world).start("plain") == Step::authenticated);
}

TEST_CASE("a user may change from any way to log in to any other") {
  config::User password{"u", config::Secret("right")}, remote{"u", {}}, role{"u", config::Secret("right")},
      shown{"u", config::Secret("right")};
  remote.secret = "prod/app";
  role.iam_roles = {"arn:aws:iam::123456789012:role/worker"};
  shown.certificate = "a name";
  const config::User* const all[] = {&password, &remote, &role, &shown};
  for (const config::User* from : all) {
    for (const config::User* to : all) {
      SnapshotRef now;
      for (const config::User* user : {from, to}) {
        auto made = std::make_shared<config::Settings>();
        made->users["u"] = *user;
        now = make_snapshot(made, now, {}, now ? now->secrets : nullptr);
      }
      CHECK(now->credential("u").is_remote == (to == &remote));
      CHECK(now->credentials.contains("u") == !to->clients_need_no_password());
    }
  }
}
