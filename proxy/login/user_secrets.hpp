// The passwords of users whose secret is kept elsewhere and changes while pgweir runs: what new backends log
// in with, and what clients may prove. Immutable, one set for each moment; any thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/settings.hpp"

namespace pgweir {

// The most passwords of one user at one moment.
inline constexpr std::size_t accepted_passwords_max = 4;

struct SecretLogin {
  std::string version;  // tells two versions of one secret apart
  std::string user;     // on the server; with two users that take turns not always the same
  config::Secret password;
  bool operator==(const SecretLogin&) const = default;
};

struct UserSecret {
  SecretLogin login;                  // for new backends
  std::vector<SecretLogin> accepted;  // from clients: the current one first
  bool operator==(const UserSecret&) const = default;
};

// By the name under `users`. A user is not in it while nothing is known of the secret.
using UserSecrets = std::map<std::string, UserSecret, std::less<>>;
using UserSecretsRef = std::shared_ptr<const UserSecrets>;

}  // namespace pgweir
