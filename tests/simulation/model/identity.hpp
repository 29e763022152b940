// Who a session is: SET ROLE and SET SESSION AUTHORIZATION (miscinit.c). A change of the session's
// authorization puts an end to SET ROLE, although the setting "role" keeps its value and its history.
#pragma once

#include <string>

#include "tests/simulation/model/settings.hpp"

namespace pgweir::simulation {

class ModelCluster;

class Identity : public IdentityHooks {
 public:
  explicit Identity(const ModelCluster& cluster) : cluster_(cluster) {}
  void log_in(const std::string& user);

  void check(std::string_view name, const std::string& value) override;
  void assign(std::string_view name, const std::string& value) override;
  bool is_superuser() const override;

  const std::string& login_user() const { return login_user_; }
  const std::string& session_user() const { return session_user_; }
  const std::string& current_user() const { return current_user_; }
  bool role_is_set() const { return role_is_set_; }

 private:
  const ModelCluster& cluster_;
  std::string login_user_;
  std::string session_user_;
  std::string current_user_;
  bool role_is_set_ = false;
};

}  // namespace pgweir::simulation
