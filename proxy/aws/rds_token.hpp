// The password of an IAM database user: a presigned URL without its scheme, made here, checked by RDS.
// Source: Amazon RDS User Guide, "IAM database authentication".
// Pure functions: any thread.
#pragma once

#include <string>
#include <string_view>

#include "proxy/aws/sigv4.hpp"

namespace pgweir::aws {

inline constexpr std::chrono::seconds rds_token_lifetime{900};

// The region that an RDS host name tells, such as eu-west-1; `otherwise` for other names.
std::string region_of_host(std::string_view host, std::string_view otherwise);

config::Secret rds_token(std::string_view host, std::uint16_t port, std::string_view user,
                         const std::string& region, const Credentials& credentials, Time now);

}  // namespace pgweir::aws
