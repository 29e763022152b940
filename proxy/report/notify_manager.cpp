#include "proxy/report/notify_manager.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "proxy/net/unique_fd.hpp"

namespace pgweir {

void notify_manager(const std::string& state) {
  const char* const path = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  if (path == nullptr || std::strlen(path) >= sizeof address.sun_path) return;
  const bool is_abstract = path[0] == '@';
  if (path[0] != '/' && !is_abstract) return;
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, path);
  if (is_abstract) address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(path));
  const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return;
  ::sendto(fd.get(), state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
           reinterpret_cast<const sockaddr*>(&address), size);
}

// systemd tells an answer to its own signal from an older one by the time.
ReloadNotice::ReloadNotice() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const long long us = static_cast<long long>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1'000;
  notify_manager("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(us));
}

ReloadNotice::~ReloadNotice() {
  notify_manager("READY=1");
}

}  // namespace pgweir
