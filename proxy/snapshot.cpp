#include "proxy/snapshot.hpp"

#include <openssl/rand.h>

#include <stdexcept>

#include "protocol/md5_password.hpp"

namespace pgweir {
namespace {

constexpr std::size_t fake_secret_size = 32;

void require(bool done) {
  if (!done) throw std::runtime_error("libcrypto cannot derive a password verifier");
}

Credential derive(const config::User& user, config::AuthMethod method) {
  Credential credential;
  if (!user.scram_verifier.empty()) {
    require(parse_scram_verifier(user.scram_verifier.reveal(), credential.scram) == Errc::ok);
    return credential;
  }
  ByteBuffer salt;
  require(random_scram_salt(salt) == Errc::ok);
  require(derive_scram_verifier(user.password.reveal(), salt, scram_iterations_default, credential.scram) ==
          Errc::ok);
  if (method == config::AuthMethod::md5) {
    require(md5_hash(user.password.reveal(), user.name, credential.md5) == Errc::ok);
  }
  return credential;
}

bool unchanged(const SnapshotRef& previous, const config::User& user, config::AuthMethod method) {
  if (!previous || previous->settings->listen.auth != method) return false;
  const config::User* before = previous->settings->find_user(user.name);
  return before != nullptr && before->password == user.password &&
         before->scram_verifier == user.scram_verifier;
}

}  // namespace

Credential Snapshot::credential(std::string_view user) const {
  // Made for a known user too, so that the clock does not tell who exists.
  Credential fake;
  require(fake_scram_verifier(fake_secret, user, scram_iterations_default, fake.scram) == Errc::ok);
  if (settings->listen.auth == config::AuthMethod::md5) {
    require(md5_hash(as_text(fake.scram.stored_key.bytes), user, fake.md5) == Errc::ok);
  }
  const auto it = credentials.find(user);
  return it != credentials.end() ? it->second : fake;
}

TlsClientRef Snapshot::server_tls(const config::Database& database) const {
  const auto it = tls.databases.find(database.name);
  return it == tls.databases.end() ? nullptr : it->second;
}

void check_verifiers(const config::Settings& settings, const config::Locations& locations,
                     std::vector<config::Problem>& problems) {
  for (const auto& [name, user] : settings.users) {
    ScramVerifier verifier;
    const std::string& text = user.scram_verifier.reveal();
    if (text.empty() || parse_scram_verifier(text, verifier) == Errc::ok) continue;
    problems.push_back(config::problem_at(locations, config::join_path("users", name) + ".scram_verifier",
                                          "is no SCRAM-SHA-256 verifier as in pg_authid.rolpassword"));
  }
}

SnapshotRef make_snapshot(std::shared_ptr<const config::Settings> settings, const SnapshotRef& previous,
                          TlsFiles tls) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->tls = std::move(tls);
  for (const auto& [name, user] : settings->users) {
    const bool keep = unchanged(previous, user, settings->listen.auth);
    snapshot->credentials.emplace(
        name, keep ? previous->credentials.at(name) : derive(user, settings->listen.auth));
  }
  if (previous) {
    snapshot->fake_secret = previous->fake_secret;
  } else {
    snapshot->fake_secret.resize(fake_secret_size);
    require(RAND_bytes(snapshot->fake_secret.data(), static_cast<int>(fake_secret_size)) == 1);
  }
  snapshot->settings = std::move(settings);
  return snapshot;
}

}  // namespace pgweir
