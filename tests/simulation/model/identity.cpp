#include "tests/simulation/model/identity.hpp"

#include "tests/simulation/model/cluster.hpp"

namespace pgweir::simulation {

void Identity::log_in(const std::string& user) {
  login_user_ = session_user_ = user;
}

void Identity::check(std::string_view name, const std::string& value) {
  const bool is_role = name == "role";
  if (is_role && value == "none") return;
  if (cluster_.find_role(value) == nullptr) fail("22023", "role \"" + value + "\" does not exist");
  if (is_role && !cluster_.may_become(session_user_, value)) {
    fail("42501", "permission denied to set role \"" + value + '"');
  }
  if (!is_role && value != login_user_ && !cluster_.is_superuser(login_user_)) {
    fail("42501", "permission denied to set session authorization \"" + value + '"');
  }
}

void Identity::assign(std::string_view name, const std::string& value) {
  if (login_user_.empty()) return;
  (name == "role" ? role_ : session_user_) = value;
}

bool Identity::is_superuser() const {
  return cluster_.is_superuser(current_user());
}

}  // namespace pgweir::simulation
