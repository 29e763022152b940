#include "proxy/aws/endpoints.hpp"

namespace pgweir::aws {

std::string_view name_of(Service service) {
  switch (service) {
    case Service::sts:
      return "sts";
    case Service::secretsmanager:
      return "secretsmanager";
    case Service::ssm:
      return "ssm";
    case Service::container:
    case Service::imds:
      break;
  }
  return "";
}

std::string regional_host(std::string_view service, std::string_view region) {
  std::string host(service);
  host.append(".").append(region).append(".amazonaws.com");
  if (region.starts_with("cn-")) host += ".cn";
  return host;
}

std::string endpoint_of(Service service, const config::Aws& settings) {
  const config::AwsEndpoints& given = settings.endpoints;
  switch (service) {
    case Service::sts:
      if (!given.sts.empty()) return given.sts;
      break;
    case Service::secretsmanager:
      if (!given.secretsmanager.empty()) return given.secretsmanager;
      break;
    case Service::ssm:
      if (!given.ssm.empty()) return given.ssm;
      break;
    case Service::container:
      return given.container.empty() ? "http://169.254.170.2" : given.container;
    case Service::imds:
      return given.imds.empty() ? "http://169.254.169.254" : given.imds;
  }
  return "https://" + regional_host(name_of(service), settings.region);
}

}  // namespace pgweir::aws
