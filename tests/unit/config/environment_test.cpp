// The one part that touches the process: files and variables. Files live in a directory that is removed.
#include "config/environment.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>

#include <sys/stat.h>

#include "testing.hpp"

using namespace pgweir::config;
namespace fs = std::filesystem;

namespace {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (fs::temp_directory_path() / "pgweir-config-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  std::string write(const std::string& name, const std::string& text, fs::perms mode) const {
    const fs::path path = path_ / name;
    std::ofstream(path) << text;
    fs::permissions(path, mode);
    return path.string();
  }
  std::string path(const std::string& name) const { return (path_ / name).string(); }

 private:
  fs::path path_;
};

constexpr fs::perms private_file = fs::perms::owner_read | fs::perms::owner_write;

}  // namespace

TEST_CASE("a file is read up to its limit") {
  const TemporaryDirectory directory;
  const Environment environment = process_environment();
  const std::string path = directory.write("a", "12345", private_file);
  CHECK(environment.read_file(path, 5).text == "12345");
  CHECK(environment.read_file(path, 5).error.empty());
  CHECK(environment.read_file(path, 4).error == "larger than the limit of 4 bytes");
  CHECK(environment.read_file(path, 4).text.empty());
}

TEST_CASE("a file that others can read is told apart") {
  const TemporaryDirectory directory;
  const Environment environment = process_environment();
  CHECK_FALSE(environment.read_file(directory.write("a", "x", private_file), 9).readable_by_others);
  CHECK(environment.read_file(directory.write("b", "x", private_file | fs::perms::others_read), 9)
            .readable_by_others);
}

TEST_CASE("what is no regular file is refused without waiting for it") {
  const TemporaryDirectory directory;
  const Environment environment = process_environment();
  REQUIRE(::mkfifo(directory.path("fifo").c_str(), 0600) == 0);
  CHECK(environment.read_file(directory.path("fifo"), 9).error == "not a regular file");
  CHECK(environment.read_file(directory.path("."), 9).error == "not a regular file");
  CHECK(environment.read_file("/dev/zero", 9).error == "not a regular file");
  CHECK(environment.read_file(directory.path("none"), 9).error == "No such file or directory");
  CHECK(environment.read_file(std::string("a\0b", 3), 9).error == "Invalid argument");
}

TEST_CASE("a file may be a variable of the process") {
  const Environment environment = process_environment();
  REQUIRE(::setenv("PGWEIR_TEST_FILE", "12345", 1) == 0);
  CHECK(environment.read_file("env:PGWEIR_TEST_FILE", 5).text == "12345");
  CHECK_FALSE(environment.read_file("env:PGWEIR_TEST_FILE", 5).readable_by_others);
  CHECK(environment.read_file("env:PGWEIR_TEST_FILE", 4).error == "larger than the limit of 4 bytes");
  CHECK(environment.read_file("env:PGWEIR_TEST_FILE", 4).text.empty());
  REQUIRE(::unsetenv("PGWEIR_TEST_FILE") == 0);
  CHECK(environment.read_file("env:PGWEIR_TEST_FILE", 9).error == "the environment variable is not set");
  CHECK(environment.read_file("env:", 9).error == "the environment variable is not set");
  CHECK(resolve_file_name("/etc/pgweir", "tls.key") == "/etc/pgweir/tls.key");
  CHECK(resolve_file_name("/etc/pgweir", "env:TLS_KEY") == "env:TLS_KEY");
}

TEST_CASE("variables of the process are found") {
  const Environment environment = process_environment();
  CHECK(environment.variable("PATH").has_value());
  CHECK_FALSE(environment.variable("PGWEIR_TEST_NO_SUCH_VARIABLE").has_value());
}

TEST_CASE("a configuration and its secret are loaded from files") {
  const TemporaryDirectory directory;
  directory.write("app.secret", "s3cret\n", private_file);
  const std::string path = directory.write(
      "pgweir.yaml", "databases: {app: {host: db}}\nusers: {u: {password_file: app.secret}}\n", private_file);
  const LoadResult result = load_file(path);
  CHECK(lines_of(result.problems) == Lines{});
  REQUIRE(result.settings != nullptr);
  CHECK(result.settings->users.at("u").password.reveal() == "s3cret");
}

TEST_CASE("a file that cannot be read is one problem") {
  const LoadResult result = load_file("/nonexistent/pgweir.yaml");
  CHECK(result.settings == nullptr);
  CHECK(lines_of(result.problems) ==
        Lines{"/nonexistent/pgweir.yaml: cannot read the file: No such file or directory"});
}
