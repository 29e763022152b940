// The `options` parameter. Oracle: settings written out again with escapes are read as the same settings.
#include <cstdlib>
#include <string>

#include "protocol/bytes.hpp"
#include "protocol/startup_options.hpp"

using namespace pgweir;

namespace {

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) out.append({'\\', c});
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<StartupParameter> settings;
  if (parse_startup_options(as_text(ByteView(data, size)), settings) != Errc::ok) return 0;
  std::string line;
  for (const StartupParameter& s : settings) line += "-c " + escaped(s.name) + "=" + escaped(s.value) + " ";
  std::vector<StartupParameter> again;
  if (parse_startup_options(line, again) != Errc::ok || again != settings) std::abort();
  return 0;
}
