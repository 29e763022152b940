// The section `aws`, and what a user's entry says about roles of AWS.
#pragma once

#include "config/section.hpp"
#include "config/settings.hpp"

namespace pgweir::config {

void read_aws(Walk& walk, Section section, Aws& out);
// users.NAME.iam
void read_client_iam(Section& user, User& out);

}  // namespace pgweir::config
