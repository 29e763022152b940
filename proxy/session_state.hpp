// What a client has set, what a backend has, and how to bring the one to the other.
//
// Three maps (compared by content; equal ones usually are the same object, because they are interned):
//   desired      the session's settings that differ from a fresh login of its database and user
//   applied      the same, of the backend as it is now
//   parameters   what the server reports by ParameterStatus; each session remembers what its client heard
//   last
//
// Before a session's first statement on a backend whose `applied` differs, prelude() makes the SQL that goes
// out in front of it, in the same write. Everything here is pure; thread rule: the maps are immutable and
// shared, an Interner may be used by any thread.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace pgweir {

// Names are folded to lower case, as PostgreSQL compares them; values are in UTF-8.
using SettingMap = std::map<std::string, std::string, std::less<>>;
// Names as the server spells them, for example "TimeZone".
using ParameterMap = std::map<std::string, std::string, std::less<>>;

// Who a session acts as: the settings that RESET ALL leaves as they are.
inline constexpr std::string_view role_setting = "role";
inline constexpr std::string_view authorization_setting = "session_authorization";

// Gives equal maps one address, so that most comparisons are of two pointers.
class Interner {
 public:
  using Ref = std::shared_ptr<const SettingMap>;
  Ref intern(SettingMap map);

 private:
  std::mutex mutex_;
  std::unordered_multimap<std::size_t, std::weak_ptr<const SettingMap>> known_;
  std::size_t sweep_at_ = 64;
};

using MapRef = Interner::Ref;

// Equal by address or by content.
bool same(const MapRef& a, const MapRef& b);

std::string fold(std::string_view name);
std::string quote_literal(std::string_view text);
std::string quote_identifier(std::string_view name);
bool is_ascii(std::string_view text);
// An SQL expression for a text in UTF-8, whatever the client_encoding is; if it is not valid as such, for
// bytes in the client_encoding at the moment when it is evaluated.
std::string text_expression(std::string_view text);

// Timeouts among these settings that could end a query of ours.
std::vector<std::string> short_timeouts(const SettingMap& settings);
// SQL that puts them out of force until the end of its transaction, which is that of the whole string.
std::string lift_timeouts(const std::vector<std::string>& names);

// SQL that turns a backend with `applied` into one with `desired`; empty when there is nothing to do.
struct Prelude {
  std::string sql;
  // It can fail: the statement behind must wait until it has succeeded, or it would run under the settings of
  // the backend's last client.
  bool must_wait = false;
};
// Settings are changed by the login role; or by the role that `as` has, if it has any.
Prelude make_prelude(const SettingMap& applied, const SettingMap& desired, const SettingMap& as = {});

}  // namespace pgweir
