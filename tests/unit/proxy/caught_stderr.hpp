// What reaches standard error, for tests of the log.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <string>

#include "proxy/base/log.hpp"

namespace pgweir::test {

// Standard error, caught in a memory file for as long as this lives.
class CaughtStderr {
 public:
  CaughtStderr() {
    std::fflush(stderr);
    REQUIRE(file_ >= 0);
    REQUIRE(saved_ >= 0);
    ::dup2(file_, STDERR_FILENO);
  }
  ~CaughtStderr() {
    std::fflush(stderr);
    ::dup2(saved_, STDERR_FILENO);
    ::close(saved_);
    ::close(file_);
  }
  CaughtStderr(const CaughtStderr&) = delete;
  CaughtStderr& operator=(const CaughtStderr&) = delete;

  std::string text() const {
    log::flush();
    std::fflush(stderr);
    std::string text(static_cast<std::size_t>(::lseek(file_, 0, SEEK_END)), '\0');
    REQUIRE(::pread(file_, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
    return text;
  }

 private:
  int file_ = ::memfd_create("stderr", MFD_CLOEXEC);
  int saved_ = ::dup(STDERR_FILENO);
};

// All lines of the log, also those for debugging, each without its time.
class CaughtLog : CaughtStderr {
 public:
  CaughtLog() { log::start({config::LogFormat::text, config::LogLevel::debug}); }
  ~CaughtLog() { log::change({}); }
  CaughtLog(const CaughtLog&) = delete;
  CaughtLog& operator=(const CaughtLog&) = delete;

  std::string lines() const {
    std::string all = text();
    for (std::size_t at = 0; at < all.size(); at = all.find('\n', at) + 1)
      all.erase(at, all.find(' ', at) + 1 - at);
    return all;
  }
};

}  // namespace pgweir::test
