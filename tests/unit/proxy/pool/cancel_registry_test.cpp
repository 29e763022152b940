#include "proxy/pool/cancel_registry.hpp"

#include <catch2/catch.hpp>
#include <set>

using namespace pgweir;

TEST_CASE("a cancel key finds its session, and after removal nothing") {
  CancelRegistry registry;
  const CancelRegistry::Key key = registry.add({3, 42}, 4);
  CHECK(key.secret.size() == 4);
  const auto found = registry.find(key.pid, key.secret);
  REQUIRE(found);
  CHECK(found->worker == 3);
  CHECK(found->session == 42);
  registry.remove(key.pid);
  CHECK_FALSE(registry.find(key.pid, key.secret));
}

TEST_CASE("a cancel key with a wrong byte, a wrong length or another number finds nothing") {
  CancelRegistry registry;
  const CancelRegistry::Key key = registry.add({0, 1}, 32);
  const CancelRegistry::Key other = registry.add({0, 2}, 32);
  for (std::size_t i = 0; i < key.secret.size(); ++i) {
    ByteBuffer wrong = key.secret;
    wrong[i] ^= 1;
    REQUIRE_FALSE(registry.find(key.pid, wrong));
  }
  for (std::size_t size = 0; size < key.secret.size(); ++size)
    REQUIRE_FALSE(registry.find(key.pid, ByteView(key.secret).first(size)));
  ByteBuffer longer = key.secret;
  longer.push_back(0);
  CHECK_FALSE(registry.find(key.pid, longer));
  CHECK_FALSE(registry.find(other.pid, key.secret));
  CHECK_FALSE(registry.find(0, key.secret));
}

TEST_CASE("numbers of living sessions are never given twice and fit a signed integer") {
  CancelRegistry registry;
  std::set<std::uint32_t> seen;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const CancelRegistry::Key key = registry.add({0, i}, 4);
    REQUIRE(key.pid >= 1);
    REQUIRE(key.pid <= 0x7fffffff);
    REQUIRE(seen.insert(key.pid).second);
  }
}
