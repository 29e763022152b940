#include "proxy/pool/cancel_registry.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <stdexcept>

namespace pgweir {
namespace {

// Drivers read the number as a signed one and some print it as a process id.
constexpr std::uint32_t pid_max = 0x7fffffff;

}  // namespace

CancelRegistry::Key CancelRegistry::add(SessionAddress session, std::size_t secret_size) {
  Key key;
  key.secret.resize(secret_size);
  if (RAND_bytes(key.secret.data(), static_cast<int>(secret_size)) != 1)
    throw std::runtime_error("no random numbers");
  const std::lock_guard lock(mutex_);
  while (entries_.contains(next_pid_)) next_pid_ = next_pid_ == pid_max ? 1 : next_pid_ + 1;
  key.pid = next_pid_;
  next_pid_ = next_pid_ == pid_max ? 1 : next_pid_ + 1;
  entries_.emplace(key.pid, Entry{key.secret, session});
  return key;
}

void CancelRegistry::remove(std::uint32_t pid) {
  const std::lock_guard lock(mutex_);
  entries_.erase(pid);
}

std::optional<SessionAddress> CancelRegistry::find(std::uint32_t pid, ByteView secret) const {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(pid);
  if (it == entries_.end() || it->second.secret.size() != secret.size()) return std::nullopt;
  if (CRYPTO_memcmp(it->second.secret.data(), secret.data(), secret.size()) != 0) return std::nullopt;
  return it->second.session;
}

}  // namespace pgweir
