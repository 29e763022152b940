// The system calls of the program under test, which the linker sends here (ld's --wrap: a call of recv() in the
// program becomes one of __wrap_recv()). Descriptors of the simulated kernel are its own affair; all others, and all
// calls while there is no such kernel, go to the real one.
#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <openssl/rand.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

#include "tests/simulation/kernel/kernel.hpp"
#include "tests/simulation/kernel/memory.hpp"

using pgweir::Byte;
using pgweir::ByteBuffer;
using pgweir::ByteView;
using pgweir::simulation::Allocates;
using pgweir::simulation::Kernel;

namespace {

// The kernel at work: what it allocates is not the program's.
struct Entered {
  Kernel* operator->() const { return Kernel::current(); }
  Allocates allocates{Allocates::Who::simulation};
};
Entered kernel() {
  return {};
}

// As a system call says it: -1, and errno.
template <class Number>
Number said(Number result) {
  if (result >= 0) return result;
  errno = static_cast<int>(-result);
  return -1;
}

sockaddr_in address_of(const sockaddr* address) {
  sockaddr_in in{};
  std::memcpy(&in, address, sizeof in);
  return in;
}

int give_name(int result, const sockaddr_in& name, sockaddr* out, socklen_t* size) {
  if (result < 0) return said(result);
  std::memcpy(out, &name, std::min<std::size_t>(*size, sizeof name));
  *size = sizeof name;
  return 0;
}

// A call that the simulation does not know would go to the real kernel with a descriptor that is not there.
[[noreturn]] void unknown(const char* call) {
  std::fprintf(stderr, "the simulated kernel has no such call: %s\n", call);
  std::abort();
}

}  // namespace

extern "C" {

int __real_socket(int domain, int type, int protocol);
int __wrap_socket(int domain, int type, int protocol) {
  if (Kernel::current() == nullptr) return __real_socket(domain, type, protocol);
  return said(kernel()->socket());
}

int __real_bind(int fd, const sockaddr* address, socklen_t size);
int __wrap_bind(int fd, const sockaddr* address, socklen_t size) {
  if (!Kernel::owns(fd)) return __real_bind(fd, address, size);
  return said(kernel()->bind(fd, ntohs(address_of(address).sin_port)));
}

int __real_listen(int fd, int backlog);
int __wrap_listen(int fd, int backlog) {
  return Kernel::owns(fd) ? said(kernel()->listen(fd)) : __real_listen(fd, backlog);
}

int __real_accept4(int fd, sockaddr* address, socklen_t* size, int flags);
int __wrap_accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  if (!Kernel::owns(fd)) return __real_accept4(fd, address, size, flags);
  sockaddr_in from{};
  const int accepted = kernel()->accept(fd, from);
  if (accepted < 0) return said(accepted);
  give_name(0, from, address, size);
  return accepted;
}

int __real_connect(int fd, const sockaddr* address, socklen_t size);
int __wrap_connect(int fd, const sockaddr* address, socklen_t size) {
  if (!Kernel::owns(fd)) return __real_connect(fd, address, size);
  const sockaddr_in to = address_of(address);
  return said(kernel()->connect(fd, ntohl(to.sin_addr.s_addr), ntohs(to.sin_port)));
}

ssize_t __real_recv(int fd, void* into, std::size_t size, int flags);
ssize_t __wrap_recv(int fd, void* into, std::size_t size, int flags) {
  if (!Kernel::owns(fd)) return __real_recv(fd, into, size, flags);
  return said(kernel()->receive(fd, {static_cast<Byte*>(into), size}));
}

ssize_t __real_send(int fd, const void* from, std::size_t size, int flags);
ssize_t __wrap_send(int fd, const void* from, std::size_t size, int flags) {
  if (!Kernel::owns(fd)) return __real_send(fd, from, size, flags);
  return said(kernel()->send(fd, {static_cast<const Byte*>(from), size}));
}

ssize_t __real_sendmsg(int fd, const msghdr* message, int flags);
ssize_t __wrap_sendmsg(int fd, const msghdr* message, int flags) {
  if (!Kernel::owns(fd)) return __real_sendmsg(fd, message, flags);
  const Allocates allocates(Allocates::Who::simulation);
  ByteBuffer all;
  for (std::size_t i = 0; i < message->msg_iovlen; ++i) {
    const auto* const part = static_cast<const Byte*>(message->msg_iov[i].iov_base);
    all.insert(all.end(), part, part + message->msg_iov[i].iov_len);
  }
  return said(kernel()->send(fd, all));
}

int __real_shutdown(int fd, int how);
int __wrap_shutdown(int fd, int how) {
  return Kernel::owns(fd) ? said(kernel()->shutdown(fd, how)) : __real_shutdown(fd, how);
}

int __real_close(int fd);
int __wrap_close(int fd) {
  return Kernel::owns(fd) ? said(kernel()->close(fd)) : __real_close(fd);
}

int __real_getpeername(int fd, sockaddr* out, socklen_t* size);
int __wrap_getpeername(int fd, sockaddr* out, socklen_t* size) {
  if (!Kernel::owns(fd)) return __real_getpeername(fd, out, size);
  sockaddr_in name{};
  const int result = kernel()->peer_name(fd, name);
  return give_name(result, name, out, size);
}

int __real_getsockname(int fd, sockaddr* out, socklen_t* size);
int __wrap_getsockname(int fd, sockaddr* out, socklen_t* size) {
  if (!Kernel::owns(fd)) return __real_getsockname(fd, out, size);
  sockaddr_in name{};
  const int result = kernel()->own_name(fd, name);
  return give_name(result, name, out, size);
}

int __real_setsockopt(int fd, int level, int option, const void* value, socklen_t size);
int __wrap_setsockopt(int fd, int level, int option, const void* value, socklen_t size) {
  if (!Kernel::owns(fd)) return __real_setsockopt(fd, level, option, value, size);
  int number = 0;
  std::memcpy(&number, value, std::min<std::size_t>(size, sizeof number));
  return said(kernel()->set_option(fd, level, option, number));
}

int __real_getsockopt(int fd, int level, int option, void* value, socklen_t* size);
int __wrap_getsockopt(int fd, int level, int option, void* value, socklen_t* size) {
  if (!Kernel::owns(fd)) return __real_getsockopt(fd, level, option, value, size);
  if (level == SOL_SOCKET && option == SO_ERROR) {
    const int error = kernel()->take_socket_error(fd);
    std::memcpy(value, &error, sizeof error);
    return 0;
  }
  if (level == IPPROTO_TCP && option == TCP_INFO) {
    tcp_info info{};
    info.tcpi_unacked = kernel()->unacknowledged(fd) > 0 ? 1 : 0;
    std::memcpy(value, &info, std::min<std::size_t>(*size, sizeof info));
    return 0;
  }
  unknown("getsockopt");
}

int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...) {
  va_list arguments;
  va_start(arguments, request);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  if (!Kernel::owns(fd)) return __real_ioctl(fd, request, argument);
  if (request != SIOCOUTQ) unknown("ioctl");
  *static_cast<int*>(argument) = static_cast<int>(kernel()->unacknowledged(fd));
  return 0;
}

int __real_epoll_create1(int flags);
int __wrap_epoll_create1(int flags) {
  return Kernel::current() != nullptr ? kernel()->make_epoll() : __real_epoll_create1(flags);
}

int __real_epoll_ctl(int epoll, int operation, int fd, epoll_event* event);
int __wrap_epoll_ctl(int epoll, int operation, int fd, epoll_event* event) {
  if (!Kernel::owns(epoll)) return __real_epoll_ctl(epoll, operation, fd, event);
  return said(kernel()->control_epoll(epoll, operation, fd, event));
}

int __real_epoll_wait(int epoll, epoll_event* events, int most, int timeout);
int __wrap_epoll_wait(int epoll, epoll_event* events, int most, int timeout) {
  if (!Kernel::owns(epoll)) return __real_epoll_wait(epoll, events, most, timeout);
  return said(kernel()->wait_epoll(epoll, {events, static_cast<std::size_t>(most)}, timeout));
}

int __real_eventfd(unsigned value, int flags);
int __wrap_eventfd(unsigned value, int flags) {
  return Kernel::current() != nullptr ? kernel()->make_event_counter(value) : __real_eventfd(value, flags);
}

// Asio then looks at its timers whenever it is polled.
int __real_timerfd_create(int clock, int flags);
int __wrap_timerfd_create(int clock, int flags) {
  if (Kernel::current() == nullptr) return __real_timerfd_create(clock, flags);
  errno = EINVAL;
  return -1;
}

ssize_t __real_read(int fd, void* into, std::size_t size);
ssize_t __wrap_read(int fd, void* into, std::size_t size) {
  if (!Kernel::owns(fd)) return __real_read(fd, into, size);
  std::uint64_t value = 0;
  const auto result = said(kernel()->read_counter(fd, value));
  if (result > 0) std::memcpy(into, &value, std::min(size, sizeof value));
  return result;
}

ssize_t __real_write(int fd, const void* from, std::size_t size);
ssize_t __wrap_write(int fd, const void* from, std::size_t size) {
  if (!Kernel::owns(fd)) return __real_write(fd, from, size);
  std::uint64_t value = 0;
  std::memcpy(&value, from, std::min(size, sizeof value));
  return said(kernel()->add_to_counter(fd, value));
}

int __real_RAND_bytes(unsigned char* into, int size);
int __wrap_RAND_bytes(unsigned char* into, int size) {
  if (Kernel::current() == nullptr) return __real_RAND_bytes(into, size);
  for (int i = 0; i < size; ++i) into[i] = static_cast<unsigned char>(kernel()->random().next());
  return 1;
}

// std::random_device, std::chrono::steady_clock and std::chrono::system_clock, by their mangled names.
unsigned __real__ZNSt13random_device9_M_getvalEv(std::random_device* device);
unsigned __wrap__ZNSt13random_device9_M_getvalEv(std::random_device* device) {
  if (Kernel::current() == nullptr) return __real__ZNSt13random_device9_M_getvalEv(device);
  return static_cast<unsigned>(kernel()->random().next());
}

std::chrono::steady_clock::rep __real__ZNSt6chrono3_V212steady_clock3nowEv();
std::chrono::steady_clock::rep __wrap__ZNSt6chrono3_V212steady_clock3nowEv() {
  if (Kernel::current() == nullptr) return __real__ZNSt6chrono3_V212steady_clock3nowEv();
  // No program was ever started at the moment zero.
  return (kernel()->now() + std::chrono::seconds(1'000)).count();
}

std::chrono::system_clock::rep __real__ZNSt6chrono3_V212system_clock3nowEv();
std::chrono::system_clock::rep __wrap__ZNSt6chrono3_V212system_clock3nowEv() {
  if (Kernel::current() == nullptr) return __real__ZNSt6chrono3_V212system_clock3nowEv();
  return (kernel()->now() + kernel()->wall_offset).count();
}

}  // extern "C"
