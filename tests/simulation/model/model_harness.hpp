// For tests: clients of the model that speak in SQL and hear in the notation of the protocol's own letters, as
// tests/integration/harness/wire.py has it: T D(1) C(SELECT 1) Z(I), E(42P01), S(TimeZone=UTC), A(channel,text).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/simulation/model/session.hpp"

namespace pgweir::simulation {

std::string in_letters(ByteView messages);

class ModelClient {
 public:
  explicit ModelClient(ModelCluster& cluster, Pid pid, const std::string& user = "app");
  // What is heard of it at once.
  std::string query(std::string_view sql);
  std::string send(ByteView bytes);
  std::string hear();
  // What is heard once that much time has gone by.
  std::string wait(std::chrono::milliseconds time);
  ModelSession& session() { return *session_; }

 private:
  std::unique_ptr<ModelSession> session_;
  Time now_{std::chrono::hours(1)};
};

}  // namespace pgweir::simulation
