#include "proxy/pool/idle_backend.hpp"

#include <catch2/catch.hpp>

#include "pool_stage.hpp"
#include "proxy/backend/reported_parameters.hpp"

using namespace pgweir;
using namespace std::chrono_literals;
using test::PoolStage;

namespace {

struct IdleOne : PoolStage {
  IdleOne() { add_server(); }
  Backend& backend() { return *servers[0].backend; }
  std::optional<BackendClose> absorb() {
    look();
    return absorb_idle_input(backend(), worker());
  }
};

}  // namespace

TEST_CASE("what an idle server reports is kept, and what it remarks belongs to nobody") {
  IdleOne idle;
  CHECK_FALSE(idle.absorb());
  for (const char* word : {"N", "S(TimeZone,UTC)", "A", "S(TimeZone,CET)"}) idle.hear(word);
  CHECK_FALSE(idle.absorb());
  CHECK(idle.backend().parameters->at("TimeZone") == "CET");
  CHECK(idle.backend().carry.empty());
}

TEST_CASE("an idle server that says anything else, or nothing more, is lost") {
  IdleOne idle;
  SECTION("its last words") {
    idle.hear("E(57P01,terminating)");
  }
  SECTION("an answer that nobody has asked for") {
    idle.hear("Z(I)");
  }
  SECTION("the end of the connection, behind what is allowed") {
    idle.hear("N");
    idle.servers[0].end.end();
  }
  SECTION("the beginning of a message, whose rest no client is to wait for") {
    idle.hear(ByteBuffer{'N', 0, 0});
  }
  CHECK(idle.absorb() == BackendClose::lost);
}

TEST_CASE("an idle server that breaks the protocol is told from one that is lost") {
  IdleOne idle;
  SECTION("a length that cannot be") {
    idle.hear(ByteBuffer{'S', 0, 0, 0, 1});
  }
  SECTION("a parameter without a value") {
    idle.hear(ByteBuffer{'S', 0, 0, 0, 6, 'x', 0});
  }
  SECTION("more parameters than any server has") {
    for (std::size_t i = 0; i <= parameters_max; ++i) idle.hear("S(p" + std::to_string(i) + ",on)");
    CHECK(idle.absorb() == BackendClose::protocol_violation);
    CHECK(idle.backend().parameters->size() == parameters_max);
    return;
  }
  CHECK(idle.absorb() == BackendClose::protocol_violation);
}

TEST_CASE("a backend is silent only for the worker that would have heard it") {
  IdleOne idle;
  idle.look();
  CHECK(is_silent(idle.backend(), idle.worker()));
  SECTION("it has spoken") {
    idle.hear("N");
    idle.look();
  }
  SECTION("it had begun to speak") {
    idle.backend().carry.push_back('N');
  }
  SECTION("it is another worker's") {
    idle.backend().worker = 1;
  }
  SECTION("it is in nobody's reactor") {
    idle.backend().transport.detach();
  }
  CHECK_FALSE(is_silent(idle.backend(), idle.worker()));
}

TEST_CASE("a backend that moves to another worker is heard there, also what it said on the way") {
  IdleOne idle;
  Worker other(1, idle.worker().shared(), idle.worker().snapshot_ref());
  CHECK(settle_here(idle.backend(), idle.worker()));
  CHECK(idle.backend().worker == 0);
  idle.backend().transport.detach();
  idle.hear("S(TimeZone,UTC)");
  CHECK(settle_here(idle.backend(), other));
  CHECK(idle.backend().worker == 1);
  CHECK_FALSE(absorb_idle_input(idle.backend(), other));
  CHECK(idle.backend().parameters->at("TimeZone") == "UTC");
  other.reactor().fetch(0ms);
  CHECK(is_silent(idle.backend(), other));
  CHECK(settle_here(idle.backend(), idle.worker()));
  CHECK(idle.backend().worker == 0);
}
