#include "proxy/login/snapshot.hpp"

#include <openssl/rand.h>

#include <algorithm>
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

// AWS' rotation with two users calls the second so (Secrets Manager User Guide, "Alternating users").
constexpr std::string_view clone_suffix = "_clone";

std::string other_turn(std::string_view user) {
  if (user.ends_with(clone_suffix)) return std::string(user.substr(0, user.size() - clone_suffix.size()));
  return std::string(user).append(clone_suffix);
}

// `name`: as the client gives it. `logins`: what it may prove.
Credential derive_remote(const std::string& name, std::vector<SecretLogin> logins, ByteView fake_secret,
                         config::AuthMethod method, const Credential* before) {
  if (before != nullptr && before->is_remote && before->made_of == logins) return *before;
  Credential made;
  require(fake_scram_verifier(fake_secret, name, scram_iterations_default, made.scram) == Errc::ok);
  const ByteBuffer salt = made.scram.salt;
  made.is_remote = true;
  for (const SecretLogin& login : logins) {
    ScramVerifier verifier;
    require(derive_scram_verifier(login.password.reveal(), salt, scram_iterations_default, verifier) ==
            Errc::ok);
    made.other_scram.push_back(verifier);
    if (method != config::AuthMethod::md5) continue;
    made.other_md5.emplace_back();
    require(md5_hash(login.password.reveal(), name, made.other_md5.back()) == Errc::ok);
  }
  if (method == config::AuthMethod::md5)
    require(md5_hash(as_text(made.scram.stored_key.bytes), name, made.md5) == Errc::ok);
  made.made_of = std::move(logins);
  return made;
}

const Credential* find(const SnapshotRef& previous, const std::string& name, config::AuthMethod method) {
  if (!previous || previous->settings->listen.auth != method) return nullptr;
  const auto found = previous->credentials.find(name);
  return found == previous->credentials.end() ? nullptr : &found->second;
}

// Adds one credential for the user's name here, with all of the secret's passwords, and one for each of its
// names on the server, with the passwords of that name.
void add_remote(Snapshot& made, const config::User& user, const SnapshotRef& previous) {
  const config::AuthMethod method = made.settings->listen.auth;
  std::vector<SecretLogin> all;
  if (made.secrets) {
    if (const auto found = made.secrets->find(user.name); found != made.secrets->end())
      all = found->second.accepted;
  }
  if (all.size() > accepted_passwords_max) all.resize(accepted_passwords_max);
  made.credentials.insert_or_assign(
      user.name, derive_remote(user.name, all, made.fake_secret, method, find(previous, user.name, method)));
  std::vector<std::string> names;
  for (const SecretLogin& each : all) {
    names.push_back(each.user);
    names.push_back(other_turn(each.user));
  }
  for (const std::string& name : names) {
    if (name.empty() || made.settings->users.contains(name) || made.aliases.contains(name)) continue;
    std::vector<SecretLogin> own;
    std::copy_if(all.begin(), all.end(), std::back_inserter(own),
                 [&](const SecretLogin& each) { return each.user == name; });
    made.aliases.emplace(name, user.name);
    made.credentials.insert_or_assign(
        name, derive_remote(name, std::move(own), made.fake_secret, method, find(previous, name, method)));
  }
}

bool unchanged(const SnapshotRef& previous, const config::User& user, config::AuthMethod method) {
  if (!previous || previous->settings->listen.auth != method) return false;
  const config::User* before = previous->settings->find_user(user.name);
  return before != nullptr && !before->has_remote_secret() && !before->clients_need_no_password() &&
         before->password == user.password && before->scram_verifier == user.scram_verifier;
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
  const Credential& found = it != credentials.end() ? it->second : fake;
  // Without made_of: passwords are not copied for each login.
  Credential made{found.scram, found.md5, found.other_scram, found.other_md5, found.is_remote};
  if (!has_remote_secrets) return made;
  // With as many passwords as a user of a secret may have, so that the clock tells no difference there
  // either.
  while (made.other_scram.size() < accepted_passwords_max) made.other_scram.push_back(fake.scram);
  return made;
}

std::string_view Snapshot::user_of(std::string_view name) const {
  const auto it = aliases.find(name);
  return it == aliases.end() ? name : std::string_view(it->second);
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
                                          "is not a SCRAM-SHA-256 verifier as in pg_authid.rolpassword"));
  }
}

SnapshotRef make_snapshot(std::shared_ptr<const config::Settings> settings, const SnapshotRef& previous,
                          TlsFiles tls, UserSecretsRef secrets) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->tls = std::move(tls);
  snapshot->secrets = std::move(secrets);
  for (const auto& [name, user] : settings->users) {
    if (user.has_remote_secret()) snapshot->has_remote_secrets = true;
    if (user.has_remote_secret() || user.clients_need_no_password()) continue;
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
  for (const auto& [name, user] : snapshot->settings->users) {
    if (user.has_remote_secret() && !user.clients_need_no_password()) add_remote(*snapshot, user, previous);
  }
  return snapshot;
}

}  // namespace pgweir
