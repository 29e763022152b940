// The options of command.hpp that tell the password.
#include <cstdlib>

#include "bench/command.hpp"

namespace pgweir::bench {

PasswordOptions::PasswordOptions(CLI::App& command) {
  given_ =
      command.add_option("--password", given_text_, "password; others may see it: prefer --password-env");
  given_->always_capture_default(false);
  command.add_option("--password-env", variable_, "environment variable that holds the password")
      ->capture_default_str();
}

std::string PasswordOptions::password() const {
  if (given_->count() > 0) return given_text_;
  const char* from_environment = std::getenv(variable_.c_str());
  return from_environment ? from_environment : "";
}

}  // namespace pgweir::bench
