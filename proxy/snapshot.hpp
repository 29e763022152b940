// The settings of the moment and what is derived from them: who may log in, and how that is checked.
// Immutable, shared by all workers; a reload makes a new one.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "config/settings.hpp"
#include "protocol/scram.hpp"
#include "proxy/tls_files.hpp"

namespace pgweir {

// How one user proves who it is.
struct Credential {
  ScramVerifier scram;
  std::string md5;  // as in pg_authid; only made when listen.auth is md5
};

struct Snapshot {
  std::shared_ptr<const config::Settings> settings;
  std::map<std::string, Credential, std::less<>> credentials;
  ByteBuffer fake_secret;  // see fake_scram_verifier()
  TlsFiles tls;

  // Of a database entry of `settings`.
  TlsClientRef server_tls(const config::Database& database) const;

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
                          TlsFiles tls = {});

}  // namespace pgweir
