#include "config/user_secret.hpp"

#include <algorithm>
#include <array>
#include <filesystem>

#include "config/load.hpp"

namespace pgweir::config {

namespace {

constexpr std::array<std::string_view, 6> source_keys{"password",       "password_env", "password_file",
                                                      "scram_verifier", "secret",       "ssm_parameter"};

bool is_made_of(std::string_view text, char first, char last) {
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return (c >= first && c <= last) || (c >= '0' && c <= '9') || c == '_'; });
}

// APP_PASSWORD and app_password are names of variables; hunter2 may be a password in the wrong place.
bool is_surely_a_name(std::string_view name) {
  if (name[0] >= '0' && name[0] <= '9') return false;
  if (is_made_of(name, 'A', 'Z')) return true;
  const bool speaks_of_one = name.find("_pass") != std::string_view::npos ||
                             name.find("_secret") != std::string_view::npos ||
                             name.find("_pw") != std::string_view::npos;
  return speaks_of_one && is_made_of(name, 'a', 'z');
}

std::string not_set(const std::string& name) {
  if (is_surely_a_name(name)) return "the environment variable " + printable(name) + " is not set";
  return "the environment variable of this name is not set (the name is not shown: it may be the password "
         "itself, unless it is in capitals)";
}

// A name that may be a password in the wrong place is not repeated, only where it was looked for.
std::string unreadable_secret(const std::string& directory, const std::string& name, const std::string& path,
                              const std::string& error) {
  const bool is_path = name.starts_with('/') && std::count(name.begin(), name.end(), '/') > 1;
  if (is_path) return unreadable(path, error);
  return "cannot read the file of this name in " + printable(directory.empty() ? "." : directory, 256) +
         ": " + printable(error);
}

// The user's Section and which of its keys is being read, so that each failure names its place.
class SecretReader {
 public:
  SecretReader(Walk& walk, Section& user) : walk_(walk), user_(user) {}

  Secret from_text() {
    std::string value;
    if (!user_.text("password", value)) return {};
    return checked("password", std::move(value));
  }

  // What is in it is judged where it is used.
  Secret verifier() {
    std::string value;
    if (!user_.text("scram_verifier", value)) return {};
    if (!value.starts_with("SCRAM-SHA-256$"))
      return fail("scram_verifier", "is not a SCRAM-SHA-256 verifier as in pg_authid.rolpassword");
    return Secret(std::move(value));
  }

  Secret from_variable() {
    constexpr std::string_view key = "password_env";
    std::string name;
    if (!user_.text(key, name)) return {};
    // getenv() would stop at the NUL and look up another name.
    if (name.find('\0') != std::string::npos) return fail(key, "is not the name of a variable");
    std::optional<std::string> value = walk_.environment.variable(name);
    if (!value) return fail(key, not_set(name));
    return checked(key, std::move(*value));
  }

  Secret from_file() {
    constexpr std::string_view key = "password_file";
    std::string name;
    if (!user_.text(key, name)) return {};
    const auto directory = std::filesystem::path(walk_.locations.file).parent_path();
    const std::string path = (directory / name).string();
    FileContent content = walk_.environment.read_file(path, secret_file_bytes_max);
    if (!content.error.empty())
      return fail(key, unreadable_secret(directory.string(), name, path, content.error));
    if (content.readable_by_others) {
      user_.report(key, "every user of this machine can read the file; chmod o-r protects it",
                   Severity::warning);
    }
    strip_line_end(content.text);
    return checked(key, std::move(content.text));
  }

 private:
  static void strip_line_end(std::string& text) {
    if (text.ends_with('\n')) text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
  }

  Secret fail(std::string_view key, std::string message) {
    user_.report(key, std::move(message));
    return {};
  }

  // PostgreSQL knows neither an empty password nor one with a NUL.
  Secret checked(std::string_view key, std::string value) {
    if (value.empty()) return fail(key, "the password is empty");
    if (value.find('\0') != std::string::npos) return fail(key, "the password contains a NUL byte");
    return Secret(std::move(value));
  }

  Walk& walk_;
  Section& user_;
};

std::vector<std::string_view> sources_of(const Section& user) {
  std::vector<std::string_view> sources;
  for (const Node& entry : user.entries()) {
    const auto found = std::find(source_keys.begin(), source_keys.end(), entry.key);
    if (found == source_keys.end()) continue;
    if (std::find(sources.begin(), sources.end(), *found) == sources.end()) sources.push_back(*found);
  }
  return sources;
}

void check_count(Walk& walk, const Section& user, bool required) {
  const auto sources = sources_of(user);
  if (sources.empty() && required && user.usable()) {
    walk.report(
        user.location(), user.path(),
        "has no secret: password, password_env, password_file, scram_verifier, secret or ssm_parameter");
  }
  if (sources.size() < 2) return;
  std::string all;
  for (const auto source : sources) all.append(all.empty() ? "" : ", ").append(source);
  walk.report(user.location(), user.path(), "has more than one secret: " + all);
}

}  // namespace

void read_secret(Walk& walk, Section& section, bool required, User& out) {
  check_count(walk, section, required);
  SecretReader reader(walk, section);
  section.text("secret", out.secret);
  section.text("ssm_parameter", out.ssm_parameter);
  out.scram_verifier = reader.verifier();
  std::array<Secret, 3> secrets{reader.from_text(), reader.from_variable(), reader.from_file()};
  for (Secret& secret : secrets) {
    if (!secret.empty()) out.password = std::move(secret);
  }
}

}  // namespace pgweir::config
