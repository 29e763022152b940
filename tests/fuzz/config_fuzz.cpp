// Configuration files of any bytes: no crash, no exception, and settings exactly when there is no error.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/diff.hpp"
#include "config/load.hpp"
#include "config/validate.hpp"

using namespace pgweir::config;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

const Environment& environment() {
  static const Environment fake{[](const std::string& name) -> std::optional<std::string> {
                                  if (name.size() % 2 == 1) return std::nullopt;
                                  return name;
                                },
                                [](const std::string& path, std::size_t) -> FileContent {
                                  if (path.size() % 2 == 1) return {{}, "No such file or directory", false};
                                  return {path + '\n', {}, path.size() % 4 == 0};
                                }};
  return fake;
}

bool is_one_printable_line(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const LoadResult result = load_text(text, "dir/fuzz.yaml", environment());
  require((result.settings != nullptr) == !has_error(result.problems));
  for (const Problem& problem : result.problems) require(is_one_printable_line(to_string(problem)));
  if (!result.settings) return 0;
  // What is accepted is consistent and can be used.
  require(!result.settings->databases.empty() && !result.settings->users.empty());
  require(!has_error(validate(*result.settings, result.locations)));
  require(diff(*result.settings, *result.settings).empty());
  for (const Change& change : diff({}, *result.settings)) require(is_one_printable_line(to_string(change)));
  check_descriptors(*result.settings, 1024, result.locations);
  return 0;
}
