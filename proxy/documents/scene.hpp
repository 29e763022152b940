// The client and the database, read from the documents once for all static checks. The client is pgweir's ECS
// service if that was collected, otherwise the function itself.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "config/network.hpp"
#include "proxy/documents/documents.hpp"

namespace pgweir::doctor {

struct Expectation {
  std::uint16_t port = 0;       // 0: the database's own
  std::string user;             // of the database, for permissions
  std::uint32_t pool_size = 0;  // server connections of one task, all pools together; 0: not known
};

struct Scene {
  Documents documents;
  Expectation expected;

  std::string client;  // "ECS service pgweir"; empty: not known
  std::string client_vpc;
  std::set<std::string> client_groups;
  std::set<std::string> client_subnets;

  Json database;  // of DBInstances; null: not known
  std::string database_vpc;
  std::int64_t port = 0;
  std::set<std::string> database_groups;
  std::set<std::string> database_subnets;

  bool has(std::string_view document) const { return documents.has(document); }
};

Scene read_scene(Documents documents, Expectation expected);

// The group, subnet or the like with this id in the documents; null: it is not there.
const Json& security_group(const Scene& scene, const std::string& id);
const Json& subnet(const Scene& scene, const std::string& id);
std::optional<config::Network> network_of(const Json& subnet);
bool covers(const config::Network& outer, const config::Network& inner);

std::string joined(const std::set<std::string>& words);

}  // namespace pgweir::doctor
