// Everything that lives as long as the process, and what each part of it is given. Built by Server before any
// worker runs, and destroyed after the last one has stopped. Nothing below process/ includes this.
#pragma once

#include <atomic>
#include <functional>

#include "proxy/aws/aws.hpp"
#include "proxy/entry/console_desk.hpp"
#include "proxy/entry/session_context.hpp"
#include "proxy/login/login_failures.hpp"
#include "proxy/login/password_proofs.hpp"
#include "proxy/pool/cancel_registry.hpp"
#include "proxy/pool/pool_registry.hpp"
#include "proxy/report/sources.hpp"
#include "proxy/session/session_directory.hpp"
#include "proxy/session/session_notifier.hpp"
#include "proxy/state/schema_version.hpp"
#include "proxy/worker/workers.hpp"

namespace pgweir {

struct Services {
  // Makes the workers and their directories of sessions.
  void make_workers(unsigned count, const SnapshotRef& snapshot);

  Workers workers;
  CancelRegistry cancels;
  SessionDirectories sessions;
  SessionNotifier notifier{sessions};
  LoginFailures login_failures;
  PasswordProofs proofs;
  ConsoleDesk console;
  // When the certificate that clients are shown expires, in seconds since 1970; 0: there is none.
  std::atomic<std::int64_t> certificate_expires{0};
  // Run a function on the main thread, and take other secrets of users into use there. Server sets both
  // before AWS is asked for anything. What is posted after secrets have changed finds them in use.
  std::function<void(std::function<void()>)> post_to_main;
  aws::SecretStore::OnChange use_secrets;
  aws::Aws aws{[this](UserSecretsRef secrets) {
    post_to_main([this, secrets = std::move(secrets)] { use_secrets(secrets); });
  }};
  SchemaVersions schemas;
  PoolRegistry pools{{workers, sessions, notifier, proofs, schemas, aws}};
  const SessionContext session_context{pools, cancels, login_failures, proofs,
                                       aws,   console, sessions,       post_to_main};
  const Sources sources{workers, sessions, pools, proofs, aws, console, certificate_expires, post_to_main};

  // The clients of all workers, but for those at the console.
  std::size_t clients() const;
};

}  // namespace pgweir
