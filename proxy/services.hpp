// What the workers share. Built by Server before any worker runs, and destroyed after the last one has
// stopped.
#pragma once

#include <atomic>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "proxy/aws/aws.hpp"
#include "proxy/cancel_registry.hpp"
#include "proxy/console/request.hpp"
#include "proxy/login_failures.hpp"
#include "proxy/password_proofs.hpp"
#include "proxy/pool_registry.hpp"
#include "proxy/schema_version.hpp"
#include "proxy/session_notifier.hpp"
#include "proxy/session_state.hpp"

namespace pgweir {

class Worker;

struct Services {
  Interner interner;
  const MapRef no_settings = interner.intern({});
  CancelRegistry cancels;
  SchemaVersions schemas;
  SessionNotifier notifier{*this};
  PoolRegistry pools{*this};
  LoginFailures login_failures;
  PasswordProofs proofs;
  // Carries out a console's command. Main thread.
  std::function<void(const ConsoleRequest&)> console;
  std::atomic<std::size_t> consoles{0};  // clients that are at the console
  std::vector<std::unique_ptr<Worker>> workers;
  std::atomic<bool> draining{false};
  // When the certificate that clients are shown expires, in seconds since 1970; 0: there is none.
  std::atomic<std::int64_t> certificate_expires{0};
  // Runs a function on the main thread, and what it does with other secrets of users. Set by Server before
  // AWS is asked for anything. What is posted after secrets have changed finds them in use.
  std::function<void(std::function<void()>)> post_to_main;
  aws::SecretStore::OnChange use_secrets;
  aws::Aws aws{[this](UserSecretsRef secrets) {
    post_to_main([this, secrets = std::move(secrets)] { use_secrets(secrets); });
  }};
  // For what takes milliseconds (PBKDF2), so that no worker's loop stands still.
  boost::asio::thread_pool slow_jobs{1};

  // Clients of all workers, those that log in included.
  std::size_t sessions() const;
  // Without those at the console.
  std::size_t clients() const;
};

}  // namespace pgweir
