#include "config/environment.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace pgweir::config {

namespace {

constexpr std::string_view variable_prefix = "env:";

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

FileContent no_content(std::string error) {
  return {{}, std::move(error), false};
}
FileContent failure_of(int code) {
  return no_content(std::generic_category().message(code));
}

FileContent failure_too_large(std::size_t max_bytes) {
  return no_content("larger than the limit of " + std::to_string(max_bytes) + " bytes");
}

FileContent read_all(int fd, std::size_t max_bytes) {
  FileContent content;
  std::array<char, 16384> chunk;
  // The size that fstat() gave may be out of date, so the limit is enforced on what is read.
  for (;;) {
    const ssize_t got = ::read(fd, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failure_of(errno);
    if (got == 0) return content;
    content.text.append(chunk.data(), static_cast<std::size_t>(got));
    if (content.text.size() > max_bytes) {
      return failure_too_large(max_bytes);
    }
  }
}

FileContent read_variable(std::string_view name, std::size_t max_bytes) {
  const char* const value = std::getenv(std::string(name).c_str());
  if (value == nullptr) return no_content("the environment variable is not set");
  FileContent content{value, {}, false};
  return content.text.size() > max_bytes ? failure_too_large(max_bytes) : content;
}

FileContent read_named(const std::string& path, std::size_t max_bytes) {
  if (path.find('\0') != std::string::npos) return failure_of(EINVAL);
  if (names_variable(path))
    return read_variable(std::string_view(path).substr(variable_prefix.size()), max_bytes);
  // O_NONBLOCK: opening a FIFO without a writer must not hang the start or a reload.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.get() < 0) return failure_of(errno);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return failure_of(errno);
  if (!S_ISREG(info.st_mode)) return no_content("not a regular file");
  FileContent content = read_all(file.get(), max_bytes);
  content.readable_by_others = (info.st_mode & S_IROTH) != 0;
  return content;
}

std::optional<std::string> process_variable(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

}  // namespace

bool names_variable(std::string_view file_name) {
  return file_name.starts_with(variable_prefix);
}

std::string resolve_file_name(const std::string& directory, const std::string& name) {
  return names_variable(name) ? name : (std::filesystem::path(directory) / name).string();
}

Environment process_environment() {
  return {process_variable, read_named};
}

}  // namespace pgweir::config
