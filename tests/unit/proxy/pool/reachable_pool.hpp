// A pool whose logins and cancel requests reach a server on loopback. The clock is the real one.
#pragma once

#include <optional>

#include "../listen/fake_server.hpp"
#include "pool_stage.hpp"

namespace pgweir::test {

class ReachablePool : public PoolStage {
 public:
  explicit ReachablePool(config::Settings settings = app_settings()) : PoolStage(std::move(settings)) {
    PoolTarget target = *core().target;
    target.address = {"127.0.0.1", reached->port()};
    core().target = std::make_shared<const PoolTarget>(std::move(target));
  }

  template <class Condition>
  void turn_until(Condition condition) {
    const TimePoint end = Clock::now() + std::chrono::milliseconds(testing::patience_ms);
    for (; !condition(); worker().turn()) REQUIRE(Clock::now() < end);
  }
  testing::FakeBackend accept() {
    turn_until([&] { return !reached->nobody_knocks(); });
    testing::FakeBackend connection = reached->accept();
    turn_until([&] { return !connection.is_silent(); });
    return connection;
  }

  std::optional<testing::FakeServer> reached{std::in_place};  // nullopt: it refuses connections
};

}  // namespace pgweir::test
