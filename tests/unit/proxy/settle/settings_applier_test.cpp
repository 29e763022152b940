#include "proxy/settle/settings_applier.hpp"

#include <catch2/catch.hpp>

#include "../relay_script.hpp"

using namespace pgweir;
using test::RelayScript;

namespace {

struct Applied : RelayScript {
  SettingsApplier applier{exchange};

  void want(SettingMap settings) {
    exchange.client.desired = worker().interner().intern(std::move(settings));
  }
};

}  // namespace

TEST_CASE("a backend that has what the client wants needs nothing") {
  Applied session;
  CHECK(session.applier.apply());
  CHECK(session.server().empty());
}

TEST_CASE("what differs goes out in front of the client's statement") {
  Applied session;
  session.want({{"work_mem", "8MB"}});
  CHECK(session.applier.apply());
  CHECK(session.server().find("work_mem") != std::string::npos);
  CHECK(session.backend().applied == session.exchange.client.desired);
  session.run("> Q(select 1) < C(SELECT 1) Z(I) C(SELECT 1) Z(I)");
  CHECK(session.client() == "C(SELECT 1) Z(I)");
}

TEST_CASE("within a transaction nothing is applied") {
  Applied session;
  session.run("> Q(begin) < C(BEGIN) Z(T)");
  session.server();
  session.want({{"work_mem", "8MB"}});
  CHECK(session.applier.apply());
  CHECK(session.server().empty());
}

TEST_CASE("settings that a backend refuses are tried on others, and then the client is told") {
  Applied session;
  session.want({{"temp_buffers", "8MB"}});
  for (unsigned i = 1; i < SettingsApplier::attempts_max; ++i) {
    static_cast<void>(session.applier.apply());
    session.run("< E(22023,cannot be changed) Z(I)");
    CHECK(session.applier.failed() == SettingsApplier::Failure::other_backend);
    session.lend();
  }
  static_cast<void>(session.applier.apply());
  session.run("< E(22023,cannot be changed) Z(I)");
  CHECK(session.applier.failed() == SettingsApplier::Failure::refused);
  CHECK(session.backend().applied->empty());
}
