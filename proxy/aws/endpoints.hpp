// Where AWS is. Source: AWS General Reference, "AWS service endpoints". Pure functions: any thread.
#pragma once

#include <string>
#include <string_view>

#include "config/settings.hpp"

namespace pgweir::aws {

enum class Service : std::uint8_t { sts, secretsmanager, ssm, container, imds };

// https://SERVICE.REGION.amazonaws.com, or what the configuration says instead.
std::string endpoint_of(Service service, const config::Aws& settings);
// The name of the region's own host, whatever the configuration says.
std::string regional_host(std::string_view service, std::string_view region);
// The name by which a signature knows it; empty for the metadata services.
std::string_view name_of(Service service);

}  // namespace pgweir::aws
