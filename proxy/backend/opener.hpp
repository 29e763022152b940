// Opens one backend: resolve, connect, log in. Thread rule: the worker's thread; the key cache may be shared.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "config/settings.hpp"
#include "protocol/scram.hpp"
#include "proxy/backend/backend.hpp"
#include "proxy/backend/backend_login.hpp"
#include "proxy/base/server_address.hpp"
#include "proxy/net/task.hpp"
#include "proxy/net/tls_context.hpp"

namespace pgweir {

class Worker;

// What a pool needs to reach its server. A change of any of it, on reload, recycles the backends.
struct PoolTarget {
  ServerAddress address;
  std::string dbname;
  std::string user;
  config::Secret password;
  TlsClientRef tls = {};  // null: none
  bool allow_cleartext = false;
  // If the password is a secret that is kept elsewhere: the user under `users` who has it, and which of its
  // versions this is. An empty password: it is not known yet.
  std::string secret_of = {};
  std::string secret_version = {};
  // Not empty: the passwords are IAM's tokens for this region, made for each login.
  std::string iam_region = {};
  bool operator==(const PoolTarget&) const = default;

  // Whether this is another version of the same secret, and all else is the same: then the existing backends
  // need not go.
  bool is_rotated_from(const PoolTarget& before) const;
};

// The keys of the last login, so that PBKDF2 runs once and not for each connection: a server keeps one salt
// for a user until the password changes. Thread rule: any thread.
class ScramKeyCache {
 public:
  std::optional<ScramKeys> find(const config::Secret& password, ByteView salt,
                                std::uint32_t iterations) const;
  void store(const config::Secret& password, ByteView salt, std::uint32_t iterations, const ScramKeys& keys);
  void forget();

 private:
  struct Entry {
    config::Secret password;
    ByteBuffer salt;
    std::uint32_t iterations = 0;
    ScramKeys keys;
  };
  mutable std::mutex mutex_;
  std::optional<Entry> entry_;
};

struct Opened {
  // The login has failed for a reason that may pass soon.
  static Opened failed(BackendLoginResult result, std::string message) {
    return {nullptr, {"", std::move(message), false, result}};
  }

  std::shared_ptr<Backend> backend;  // attached to the worker, no Waker watches it; null: see refusal
  ServerRefusal refusal;
};

Task<Opened> open_backend(Worker& here, std::shared_ptr<const PoolTarget> target,
                          std::shared_ptr<const config::Pool> settings, std::shared_ptr<ScramKeyCache> keys);

}  // namespace pgweir
