// The process state that loading reads, injected so that tests and the fuzzer need none of it.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

namespace pgweir::config {

struct FileContent {
  std::string text;
  std::string error;  // empty: read; otherwise a phrase such as "No such file or directory"
  bool readable_by_others = false;
};

struct Environment {
  // nullopt: the variable is not set.
  std::function<std::optional<std::string>(const std::string& name)> variable;
  // Reads a regular file; one of more than `max_bytes` is an error.
  std::function<FileContent(const std::string& path, std::size_t max_bytes)> read_file;
};

// getenv() and the file system. Reading variables races with setenv(): load from one thread that sets none.
Environment process_environment();

}  // namespace pgweir::config
