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
  std::string_view command;  // without `aws`; the user replaces the words in capitals
};
// All documents that any check reads. The commands are Describe, Get and List: they change nothing and read
// no secret.
std::span<const Collected> collection();

class Documents {
 public:
  // Files that are not there are missing; so are those that are not JSON, with a line in `problems`.
  static Documents read(const std::string& directory, std::vector<std::string>& problems);
  void add(std::string name, Json document) { documents_[std::move(name)] = std::move(document); }

  // Null if the document is missing.
  const Json& operator[](std::string_view name) const;
  bool has(std::string_view name) const { return documents_.find(name) != documents_.end(); }

 private:
  std::map<std::string, Json, std::less<>> documents_;
};

}  // namespace pgweir::doctor
