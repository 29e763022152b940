#include "proxy/pool/pool_hubs.hpp"

#include <catch2/catch.hpp>

#include "proxy/worker/workers.hpp"

using namespace pgweir;

namespace {

struct NoSink final : NotificationSink {
  void deliver(unsigned, std::span<const std::uint64_t>, const std::shared_ptr<const ByteBuffer>&) override {}
  void listen_answered(unsigned, std::uint64_t, ListenOutcome) override {}
  void listening_lost(unsigned, std::uint64_t) override {}
};

// Its worker does not run, so that no hub connects.
struct Fixture {
  Fixture() {
    workers.list.push_back(std::make_unique<Worker>(
        0, workers.shared, make_snapshot(std::make_shared<config::Settings>(), nullptr)));
  }
  ~Fixture() { workers.shared.slow_jobs.join(); }
  std::shared_ptr<ListenHub> get(const std::string& encoding) {
    return hubs.get(encoding, *workers.list[0], [] { return HubSource{}; });
  }

  Workers workers;
  NoSink sink;
  PoolHubs hubs{workers, sink};
};

}  // namespace

TEST_CASE("clients with the same client_encoding share a hub") {
  Fixture f;
  CHECK(f.hubs.all().empty());
  const auto utf8 = f.get("UTF8");
  REQUIRE(utf8);
  CHECK(f.get("UTF8") == utf8);
  CHECK(f.get("LATIN1") != utf8);
  CHECK(f.hubs.all().size() == 2);
}

TEST_CASE("when another server is meant who listens gets another hub") {
  Fixture f;
  const auto before = f.get("UTF8");
  f.hubs.retire();
  CHECK(f.hubs.all().empty());
  const auto after = f.get("UTF8");
  CHECK(after);
  CHECK(after != before);
}

TEST_CASE("a pool that is gone makes no hub any more") {
  Fixture f;
  CHECK(f.get("UTF8"));
  f.hubs.close();
  CHECK(f.hubs.all().empty());
  CHECK_FALSE(f.get("UTF8"));
  CHECK_FALSE(f.get("LATIN1"));
}
