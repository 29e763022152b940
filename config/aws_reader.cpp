#include "config/aws_reader.hpp"

#include <filesystem>

#include "config/aws_url.hpp"
#include "config/section_keys.hpp"

namespace pgweir::config {
namespace {

constexpr std::size_t ca_file_bytes_max = 4 << 20;

void read_endpoint(Section& section, std::string_view key, std::string& out) {
  if (!section.text(key, out)) return;
  if (out.ends_with('/')) out.pop_back();
  const std::size_t path = out.find('/', out.find("://") == std::string::npos ? 0 : out.find("://") + 3);
  if (!is_aws_url(out))
    section.report(key,
                   "expected https://host[:port]; http:// is for loopback and link-local addresses only");
  else if (path != std::string::npos)
    section.report(key, "an endpoint without a path: https://host[:port]");
}

void read_endpoints(Section section, AwsEndpoints& out) {
  read_endpoint(section, "sts", out.sts);
  read_endpoint(section, "secretsmanager", out.secretsmanager);
  read_endpoint(section, "ssm", out.ssm);
  read_endpoint(section, "container", out.container);
  read_endpoint(section, "imds", out.imds);
  section.finish();
}

void read_ca_file(Walk& walk, Section& section, std::string& out) {
  std::string name;
  if (!section.text("ca_file", name)) return;
  out = (std::filesystem::path(walk.locations.file).parent_path() / name).string();
  const FileContent content = walk.environment.read_file(out, ca_file_bytes_max);
  if (!content.error.empty()) section.report("ca_file", unreadable(out, content.error));
}

// As the SDKs of AWS do.
std::string region_of(const Environment& environment) {
  for (const char* name : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
    if (const auto value = environment.variable(name); value && !value->empty()) return *value;
  }
  return {};
}

}  // namespace

void read_aws(Walk& walk, Section section, Aws& out) {
  if (!section.text("region", out.region)) out.region = region_of(walk.environment);
  read_endpoints(section.section("endpoints"), out.endpoints);
  read_ca_file(walk, section, out.ca_file);
  section.duration("timeout", out.timeout);
  Section secrets = section.section("secrets");
  keys_of_aws_secrets(out, SectionKeys(secrets));
  secrets.finish();
  Section iam = section.section("iam");
  keys_of_aws_iam(out, SectionKeys(iam));
  iam.finish();
  section.finish();
}

void read_client_iam(Section& user, User& out) {
  Section iam = user.section("iam");
  iam.names("roles", out.iam_roles);
  if (iam.location().line > 0 && iam.usable() && out.iam_roles.empty())
    iam.report("roles",
               "names no role; expected a list such as [\"arn:aws:iam::123456789012:role/my-function\"]");
  iam.finish();
}

}  // namespace pgweir::config
