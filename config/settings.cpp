#include "config/settings.hpp"

#include <string.h>

#include <algorithm>
#include <ostream>
#include <utility>

namespace pgweir::config {

namespace {

// Covers the whole buffer, not just the text: a shorter value may have been assigned over a longer one.
// explicit_bzero() because a plain memset() of memory about to be freed may be optimised away.
void wipe(std::string& text) {
  text.resize(text.capacity());
  explicit_bzero(text.data(), text.size());
  text.clear();
}

}  // namespace

Secret::Secret(std::string value) : value_(std::move(value)) {
  wipe(value);
}

Secret::~Secret() {
  wipe(value_);
}

Secret::Secret(Secret&& other) noexcept : value_(std::move(other.value_)) {
  wipe(other.value_);
}

Secret& Secret::operator=(const Secret& other) {
  if (this == &other) return *this;
  wipe(value_);
  value_ = other.value_;
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  wipe(value_);
  value_.swap(other.value_);
  return *this;
}

std::ostream& operator<<(std::ostream& out, const Secret& secret) {
  return secret.empty() ? out : out << "***";
}

std::string_view to_string(TlsMode mode) {
  switch (mode) {
    case TlsMode::disable:
      return "disable";
    case TlsMode::prefer:
      return "prefer";
    case TlsMode::require:
      return "require";
    case TlsMode::verify_ca:
      return "verify-ca";
    case TlsMode::verify_full:
      return "verify-full";
  }
  return "";
}

std::string_view to_string(AuthMethod method) {
  switch (method) {
    case AuthMethod::scram_sha_256:
      return "scram-sha-256";
    case AuthMethod::md5:
      return "md5";
    case AuthMethod::trust:
      return "trust";
  }
  return "?";
}

std::string_view to_string(SequenceValues values) {
  return values == SequenceValues::pin ? "pin" : "learn";
}

std::string_view to_string(StateTracking state) {
  return state == StateTracking::strict ? "strict" : "tracked";
}

std::string_view to_string(PoolMode mode) {
  switch (mode) {
    case PoolMode::transaction:
      return "transaction";
    case PoolMode::session:
      return "session";
  }
  return "?";
}

std::string_view to_string(LogFormat format) {
  switch (format) {
    case LogFormat::text:
      return "text";
    case LogFormat::json:
      return "json";
  }
  return "?";
}

std::string_view to_string(LogLevel level) {
  switch (level) {
    case LogLevel::trace:
      return "trace";
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      return "error";
  }
  return "?";
}

const Database* Settings::find_database(std::string_view name) const {
  auto found = databases.find(name);
  if (found == databases.end()) found = databases.find("*");
  return found == databases.end() ? nullptr : &found->second;
}

bool Settings::is_console_user(std::string_view name) const {
  const auto has = [name](const std::vector<std::string>& names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  return has(admin.console_users) || has(admin.stats_users);
}

const User* Settings::find_user(std::string_view name) const {
  const auto found = users.find(name);
  return found == users.end() ? nullptr : &found->second;
}

bool Settings::uses_aws() const {
  return std::any_of(databases.begin(), databases.end(), [](const auto& each) { return each.second.iam; }) ||
         std::any_of(users.begin(), users.end(), [](const auto& each) {
           return each.second.has_remote_secret() || !each.second.iam_roles.empty();
         });
}

}  // namespace pgweir::config
