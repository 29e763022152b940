// The process state that loading reads, injected so that tests and the fuzzer need none of it.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace pgweir::config {

struct FileContent {
  std::string text;
  std::string error;  // empty: read; otherwise a phrase such as "No such file or directory"
  bool readable_by_others = false;
};

struct Environment {
  // nullopt: the variable is not set.
  std::function<std::optional<std::string>(const std::string& name)> variable;
  // Reads a regular file, or what env:VARIABLE names; more than `max_bytes` are an error.
  std::function<FileContent(const std::string& path, std::size_t max_bytes)> read_file;
};

// Whether the name of a file is env:VARIABLE, for where there are no files to put a configuration into, as in
// a task of ECS.
bool names_variable(std::string_view file_name);
// The name of a file as `directory` sees it: relative names start there.
std::string resolve_file_name(const std::string& directory, const std::string& name);

// getenv() and the file system. Reading variables races with setenv(): load from one thread that sets none.
Environment process_environment();

}  // namespace pgweir::config
