// The settings of the moment and what is derived from them: who may log in, and how that is checked.
// Immutable, shared by all workers; a reload makes a new one.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "config/settings.hpp"
#include "protocol/scram.hpp"
#include "proxy/login/user_secrets.hpp"
#include "proxy/net/tls_files.hpp"

namespace pgweir {

// How one user proves who it is.
struct Credential {
  ScramVerifier scram;
  std::string md5;  // as in pg_authid; only made when listen.auth is md5
  // Of a secret that is kept elsewhere: other passwords that will do, too. All SCRAM verifiers of one user
  // have one salt, which follows from its name.
  std::vector<ScramVerifier> other_scram = {};
  std::vector<std::string> other_md5 = {};
  bool is_remote = false;                 // it may have changed without pgweir knowing yet
  std::vector<SecretLogin> made_of = {};  // not in what Snapshot::credential() returns
};

struct Snapshot {
  std::shared_ptr<const config::Settings> settings;
  std::map<std::string, Credential, std::less<>> credentials;  // by the name that a client gives
  // From the names on the server that a secret has to the name under `users` that has the secret: clients
  // that read the secret log in with the former.
  std::map<std::string, std::string, std::less<>> aliases;
  UserSecretsRef secrets = {};  // null: none is known yet
  bool has_remote_secrets = false;
  ByteBuffer fake_secret;  // see fake_scram_verifier()
  TlsFiles tls;

  // The TLS context of a database entry of `settings`.
  TlsClientRef server_tls(const config::Database& database) const;

  // The name under `users` for the one that a client gives.
  std::string_view user_of(std::string_view name) const;

  // Never fails: an unknown user gets a credential that nobody can satisfy, the same one each time.
  Credential credential(std::string_view user) const;
};
using SnapshotRef = std::shared_ptr<const Snapshot>;

// What cannot be used as a verifier is reported, at its place in the YAML file.
void check_verifiers(const config::Settings& settings, const config::Locations& locations,
                     std::vector<config::Problem>& problems);

// Derives the verifiers, which costs milliseconds for each user whose password is new: not on a worker.
// `previous` may be null; it keeps salts and the fake secret from changing with a reload.
SnapshotRef make_snapshot(std::shared_ptr<const config::Settings> settings, const SnapshotRef& previous,
                          TlsFiles tls = {}, UserSecretsRef secrets = {});

}  // namespace pgweir
