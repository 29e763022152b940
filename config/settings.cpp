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
