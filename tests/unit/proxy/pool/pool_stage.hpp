// A pool whose backends are connected, and no session that uses it: who waits is a Waiter. Unlike on a SessionStage, what
// the pool begins for later is done, in the next turn. The test tells the time.
#pragma once

#include "../session_stage.hpp"

namespace pgweir::test {

class PoolStage : public SessionStage {
 public:
  explicit PoolStage(config::Settings settings = app_settings(2)) : SessionStage(std::move(settings)) {}
  ~PoolStage() override { worker().tasks().clear(); }

  PoolCore& core() { return PoolInside::core(pool()); }
  PoolCounts counts() { return pool().counts(); }
  Backend& borrow() {
    Backend* const backend = pool().try_borrow(worker());
    REQUIRE(backend != nullptr);
    return *backend;
  }
  // The first server says something, which is not looked at yet.
  void hear(ByteView bytes) { servers.front().end.send(bytes); }
  void hear(const std::string& word) { hear(reply(word)); }
  // Up to where the pool waits for a server.
  void turn() {
    for (int rounds = 0; rounds < 5; ++rounds) {
      look();
      worker().io().poll();
    }
  }

 protected:
  void feed_reply(ByteBuffer bytes) override {
    hear(bytes);
    turn();
  }
};

// A pool that asks now and then whether its role may still log in; it has not asked yet.
inline config::Settings role_asking_settings(std::uint32_t backends_max = 1) {
  config::Settings settings = app_settings(backends_max);
  settings.databases["app"].pool.role_check_interval = config::Millis{60'000};
  return settings;
}

}  // namespace pgweir::test
