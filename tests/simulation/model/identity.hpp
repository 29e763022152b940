// Who a session is: SET ROLE and SET SESSION AUTHORIZATION (miscinit.c). That the latter is also a SET ROLE NONE
// is the affair of Settings, as it is guc.c's since the minor releases of November 2024.
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
  const std::string& current_user() const { return role_ == "none" ? session_user_ : role_; }

 private:
  const ModelCluster& cluster_;
  std::string login_user_;
  std::string session_user_;
  std::string role_ = "none";
};

}  // namespace pgweir::simulation
