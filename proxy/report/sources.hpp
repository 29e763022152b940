// What metrics, the console and the dashboard are made from. All of it lives longer than they do. Thread
// rule: the main thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

namespace pgweir {

namespace aws {
class Aws;
}
struct ConsoleDesk;
class PasswordProofs;
class PoolRegistry;
class SessionDirectories;
struct Workers;

struct Sources {
  const Workers& workers;
  const SessionDirectories& sessions;
  PoolRegistry& pools;
  const PasswordProofs& proofs;
  const aws::Aws& aws;
  const ConsoleDesk& console;
  // When the certificate that clients are shown expires, in seconds since 1970; 0: there is none.
  const std::atomic<std::int64_t>& certificate_expires;
  // Runs a function on the main thread.
  const std::function<void(std::function<void()>)>& post_to_main;
};

}  // namespace pgweir
