// The kernel that the program under test believes to run on: descriptors, sockets, readiness and time, all of them
// simulated. The program is compiled and linked as it is; the linker sends its system calls here (see
// system_calls.cpp). One thread; one kernel at a time.
#pragma once

#include <netinet/in.h>
#include <sys/epoll.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/simulation/kernel/connection.hpp"
#include "tests/simulation/kernel/descriptors.hpp"
#include "tests/simulation/kernel/random.hpp"
#include "tests/simulation/kernel/timeline.hpp"

namespace pgweir::simulation {

// A host that the program may connect to, decided anew for each connection.
enum class Reachability : std::uint8_t { accepts, refuses, swallows };
struct Host {
  std::function<Reachability()> reachability;
  std::function<void(std::shared_ptr<End>)> accepted;
};

// Chances that a call fails although nothing is wrong with its arguments.
struct CallFaults {
  double no_descriptor = 0;  // socket, accept: EMFILE
  double no_watch = 0;       // epoll_ctl: ENOSPC
  double interrupted = 0;    // recv, sendmsg: EINTR
  double short_send = 0;     // sendmsg takes a part although there is room
  double spurious = 0;       // epoll_wait reports what is not there
};

class Kernel {
 public:
  // Descriptors are numbered from here, far from those of the real kernel.
  static constexpr int first_descriptor = 1 << 20;

  explicit Kernel(std::uint64_t seed);
  ~Kernel();
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;
  // Null: the program runs on the real kernel.
  static Kernel* current();
  static bool owns(int descriptor) { return current() != nullptr && descriptor >= first_descriptor; }

  Timeline& timeline() { return timeline_; }
  Random& random() { return random_; }
  SimTime now() const { return timeline_.now(); }
  // What the wall clock is ahead of the other one; a jump changes it.
  SimTime wall_offset{std::chrono::seconds(1'790'000'000)};
  CallFaults faults;
  LinkQuality quality;  // of connections made from now on

  void add_host(std::uint32_t address, std::uint16_t port, Host host);
  // A model connects to a port on which the program listens. Null: nobody listens there.
  std::shared_ptr<End> connect_to_program(std::uint16_t port, std::uint32_t from_address);

  // The first epoll_wait since begin_round(): the set, and how long it would have waited, in ms.
  struct Wait {
    int epoll = -1;
    int timeout = 0;
  };
  void begin_round() { first_wait_ = {}; }
  const Wait& first_wait() const { return first_wait_; }
  // Whether an epoll set has something to report.
  bool has_events(int epoll) const;
  std::size_t open_descriptors() const { return files_.size(); }
  // What the program has open, a line each.
  std::string open_connections() const;
  std::uint64_t calls() const { return calls_; }

  // System calls: what they return, or a negative errno.
  int socket();
  int bind(int fd, std::uint16_t port);
  int listen(int fd);
  int accept(int fd, sockaddr_in& from);
  int connect(int fd, std::uint32_t address, std::uint16_t port);
  std::int64_t receive(int fd, std::span<Byte> into);
  std::int64_t send(int fd, ByteView bytes);
  int shutdown(int fd, int how);
  int close(int fd);
  int peer_name(int fd, sockaddr_in& out);
  int own_name(int fd, sockaddr_in& out);
  int set_option(int fd, int level, int option, int value);
  int take_socket_error(int fd);
  std::size_t unacknowledged(int fd);
  int make_epoll();
  int control_epoll(int epoll, int operation, int fd, const epoll_event* event);
  int wait_epoll(int epoll, std::span<epoll_event> out, int timeout);
  int make_event_counter(std::uint64_t value);
  std::int64_t read_counter(int fd, std::uint64_t& value);
  std::int64_t add_to_counter(int fd, std::uint64_t value);

 private:
  using HostKey = std::pair<std::uint32_t, std::uint16_t>;

  int add(std::shared_ptr<File> file);
  template <class Kind>
  std::shared_ptr<Kind> find(int fd) const;
  std::shared_ptr<Socket> connected(int fd) const;
  void finish_connect(const std::shared_ptr<Socket>& socket, HostKey to);

  Random random_;
  Timeline timeline_;
  std::map<int, std::shared_ptr<File>> files_;
  std::map<HostKey, Host> hosts_;
  std::map<std::uint16_t, std::weak_ptr<ListeningSocket>> ports_;
  int next_ = first_descriptor;
  Wait first_wait_;
  std::uint16_t next_port_ = 20'000;
  std::uint64_t calls_ = 0;
};

}  // namespace pgweir::simulation
