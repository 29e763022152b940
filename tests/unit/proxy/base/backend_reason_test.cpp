#include "proxy/base/backend_reason.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

using namespace pgweir;

namespace {

template <class Enum>
void check_names(std::size_t count) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view name = to_string(static_cast<Enum>(i));
    INFO(i << " " << name);
    CHECK_FALSE(name.empty());
    CHECK(std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; }));
    CHECK(names.insert(name).second);
  }
}

}  // namespace

TEST_CASE("every close and every login result has a name of its own, fit for a metric label") {
  check_names<BackendClose>(backend_close_count);
  check_names<BackendLoginResult>(backend_login_result_count);
}

TEST_CASE("names stand in the order of their enums") {
  CHECK(to_string(BackendClose::lost) == "lost");
  CHECK(to_string(BackendClose::protocol_violation) == "protocol_violation");
  CHECK(to_string(BackendClose::audit_finding) == "audit_finding");
  CHECK(to_string(BackendClose::cancel_in_doubt) == "cancel_in_doubt");
  CHECK(to_string(BackendClose::surplus) == "surplus");
  CHECK(to_string(BackendLoginResult::ok) == "ok");
  CHECK(to_string(BackendLoginResult::lost) == "lost");
}
