#include "tests/simulation/model/identity.hpp"

#include "tests/simulation/model/cluster.hpp"

namespace pgweir::simulation {

void Identity::log_in(const std::string& user) {
  login_user_ = session_user_ = current_user_ = user;
  role_is_set_ = false;
}

void Identity::check(std::string_view name, const std::string& value) {
  const bool is_role = name == "role";
  if (is_role && value == "none") return;
  if (cluster_.find_role(value) == nullptr) fail("22023", "role \"" + value + "\" does not exist");
  if (is_role && !cluster_.may_become(session_user_, value)) {
    fail("42501", "permission denied to set role \"" + value + '"');
  }
  if (!is_role && value != login_user_ && !cluster_.is_superuser(login_user_)) {
    fail("42501", "permission denied to set session authorization");
  }
}

void Identity::assign(std::string_view name, const std::string& value) {
  if (login_user_.empty()) return;
  if (name == "session_authorization") session_user_ = value.empty() ? login_user_ : value;
  role_is_set_ = name == "role" && value != "none";
  current_user_ = role_is_set_ ? value : session_user_;
}

bool Identity::is_superuser() const {
  return cluster_.is_superuser(current_user_);
}

}  // namespace pgweir::simulation
