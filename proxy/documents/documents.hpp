// The answers of `aws ... describe-*` that the static checks read: DIR/NAME.json for each NAME of
// collection().
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "proxy/documents/json.hpp"

namespace pgweir::doctor {

struct Collected {
  std::string_view name;     // of the file, without .json
  std::string_view command;  // without `aws`; words in capitals are for whoever types it
};
// Everything that any check reads. All of it Describe, Get and List: nothing is changed, no secret is read.
std::span<const Collected> collection();

class Documents {
 public:
  // Files that are not there are missing; those that are no JSON are, too, with a line in `problems`.
  static Documents read(const std::string& directory, std::vector<std::string>& problems);
  void add(std::string name, Json document) { documents_[std::move(name)] = std::move(document); }

  // Null when missing.
  const Json& operator[](std::string_view name) const;
  bool has(std::string_view name) const { return documents_.find(name) != documents_.end(); }

 private:
  std::map<std::string, Json, std::less<>> documents_;
};

}  // namespace pgweir::doctor
