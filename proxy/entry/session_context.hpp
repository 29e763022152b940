// What sessions use of the process. All of it lives longer than any session.
#pragma once

#include <functional>

namespace pgweir {

namespace aws {
class Aws;
}
class AllSessions;
class CancelRegistry;
struct ConsoleDesk;
class LoginFailures;
class PasswordProofs;
class PoolRegistry;

struct SessionContext {
  PoolRegistry& pools;
  CancelRegistry& cancels;
  LoginFailures& login_failures;
  PasswordProofs& proofs;
  aws::Aws& aws;
  ConsoleDesk& console;
  AllSessions& sessions;
  // Runs a function on the main thread.
  const std::function<void(std::function<void()>)>& post_to_main;
};

}  // namespace pgweir
