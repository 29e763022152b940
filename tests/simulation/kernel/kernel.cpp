#include "tests/simulation/kernel/kernel.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace pgweir::simulation {
namespace {

Kernel* the_kernel = nullptr;

// How long a connection that nobody answers is tried (tcp_syn_retries).
constexpr SimTime connecting_lasts = std::chrono::seconds(127);
constexpr std::uint32_t own_address = 0x0a000001;  // 10.0.0.1

sockaddr_in name_of(std::uint32_t address, std::uint16_t port) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(address);
  name.sin_port = htons(port);
  return name;
}

}  // namespace

Kernel::Kernel(std::uint64_t seed) : random_(seed) {
  the_kernel = this;
}

Kernel::~Kernel() {
  files_.clear();
  the_kernel = nullptr;
}

Kernel* Kernel::current() {
  return the_kernel;
}

int Kernel::add(std::shared_ptr<File> file) {
  file->descriptor = next_++;
  const int fd = file->descriptor;
  files_.emplace(fd, std::move(file));
  return fd;
}

template <class Kind>
std::shared_ptr<Kind> Kernel::find(int fd) const {
  const auto it = files_.find(fd);
  return it == files_.end() ? nullptr : std::dynamic_pointer_cast<Kind>(it->second);
}

// Null: not a socket, or not connected.
std::shared_ptr<Socket> Kernel::connected(int fd) const {
  auto socket = find<Socket>(fd);
  return socket && socket->end ? socket : nullptr;
}

void Kernel::add_host(std::uint32_t address, std::uint16_t port, Host host) {
  hosts_[{address, port}] = std::move(host);
}

std::shared_ptr<End> Kernel::connect_to_program(std::uint16_t port, std::uint32_t from_address) {
  const auto it = ports_.find(port);
  const auto listener = it == ports_.end() ? nullptr : it->second.lock();
  if (!listener || listener->is_shut) return nullptr;
  auto theirs = std::make_shared<End>(timeline_, random_, quality);
  auto ours = std::make_shared<End>(timeline_, random_, quality);
  End::connect(theirs, ours);
  listener->arrivals.push_back({ours, name_of(from_address, next_port_++)});
  listener->changed();
  return theirs;
}

bool Kernel::has_events(int epoll) const {
  const auto set = find<EpollSet>(epoll);
  return set && set->has_events();
}

std::string Kernel::open_connections() const {
  std::string all;
  for (const auto& [fd, file] : files_) {
    const auto socket = std::dynamic_pointer_cast<Socket>(file);
    if (!socket) continue;
    all += "  descriptor " + std::to_string(fd - first_descriptor) + ", port " +
           std::to_string(ntohs(socket->own.sin_port)) + " to port " +
           std::to_string(ntohs(socket->peer.sin_port));
    if (!socket->end) {
      all += ", not connected";
    } else {
      if (socket->end->has_bytes()) all += ", with unread bytes";
      if (socket->end->has_end()) all += ", at its end";
      if (socket->end->has_failed()) all += ", failed";
      if (socket->end->peer_has_left()) all += ", the other end has left";
      if (socket->end->peer_has_vanished()) all += ", the other end has vanished";
    }
    all += "\n";
  }
  return all;
}

int Kernel::socket() {
  ++calls_;
  if (random_.chance(faults.no_descriptor)) return -EMFILE;
  return add(std::make_shared<Socket>());
}

int Kernel::bind(int fd, std::uint16_t port) {
  const auto socket = find<Socket>(fd);
  if (!socket) return -EBADF;
  if (const auto it = ports_.find(port); it != ports_.end() && !it->second.expired()) return -EADDRINUSE;
  auto listener = std::make_shared<ListeningSocket>();
  listener->descriptor = fd;
  listener->port = port;
  listener->patience = socket->patience;
  files_[fd] = listener;
  return 0;
}

int Kernel::listen(int fd) {
  const auto listener = find<ListeningSocket>(fd);
  if (!listener) return -EINVAL;
  ports_[listener->port] = listener;
  return 0;
}

int Kernel::accept(int fd, sockaddr_in& from) {
  ++calls_;
  const auto listener = find<ListeningSocket>(fd);
  if (!listener) return -EBADF;
  if (listener->is_shut) return -EINVAL;
  if (listener->arrivals.empty()) return -EAGAIN;
  if (random_.chance(faults.no_descriptor)) return -EMFILE;
  ListeningSocket::Arrival arrival = std::move(listener->arrivals.front());
  listener->arrivals.pop_front();
  auto socket = std::make_shared<Socket>();
  socket->peer = from = arrival.from;
  socket->own = name_of(own_address, listener->port);
  socket->patience = listener->patience;
  const int accepted = add(socket);
  socket->use(std::move(arrival.end));
  return accepted;
}

int Kernel::connect(int fd, std::uint32_t address, std::uint16_t port) {
  ++calls_;
  const auto socket = find<Socket>(fd);
  if (!socket) return -EBADF;
  const HostKey to{address, port};
  socket->is_connecting = true;
  socket->own = name_of(own_address, next_port_++);
  socket->peer = name_of(address, port);
  const SimTime answered = SimTime(static_cast<SimTime::rep>(
      random_.between(static_cast<std::uint64_t>(quality.shortest_delay.count()),
                      2 * static_cast<std::uint64_t>(quality.longest_delay.count()))));
  timeline_.after(answered, [this, weak = std::weak_ptr(socket), to] {
    if (const auto still = weak.lock()) finish_connect(still, to);
  });
  return -EINPROGRESS;
}

void Kernel::finish_connect(const std::shared_ptr<Socket>& socket, HostKey to) {
  const auto it = hosts_.find(to);
  const Reachability reachability = it == hosts_.end() ? Reachability::refuses : it->second.reachability();
  switch (reachability) {
    case Reachability::refuses:
      return socket->fail(ECONNREFUSED);
    case Reachability::swallows:
      timeline_.after(connecting_lasts, [weak = std::weak_ptr(socket)] {
        if (const auto still = weak.lock()) still->fail(ETIMEDOUT);
      });
      return;
    case Reachability::accepts:
      break;
  }
  auto ours = std::make_shared<End>(timeline_, random_, quality);
  auto theirs = std::make_shared<End>(timeline_, random_, quality);
  End::connect(ours, theirs);
  socket->use(std::move(ours));
  it->second.accepted(std::move(theirs));
}

std::int64_t Kernel::receive(int fd, std::span<Byte> into) {
  ++calls_;
  const auto socket = connected(fd);
  if (!socket) return find<Socket>(fd) ? -ENOTCONN : -EBADF;
  if (random_.chance(faults.interrupted)) return -EINTR;
  if (const std::size_t size = socket->end->receive(into); size > 0) return static_cast<std::int64_t>(size);
  if (const int error = socket->end->take_error(); error != 0) return -error;
  return socket->end->has_end() || socket->end->has_failed() ? 0 : -EAGAIN;
}

std::int64_t Kernel::send(int fd, ByteView bytes) {
  ++calls_;
  const auto socket = connected(fd);
  if (!socket) return find<Socket>(fd) ? -ENOTCONN : -EBADF;
  if (random_.chance(faults.interrupted)) return -EINTR;
  if (const int error = socket->end->take_error(); error != 0) return -error;
  if (socket->end->is_shut()) return -EPIPE;
  const bool is_cut = bytes.size() > 1 && random_.chance(faults.short_send);
  if (is_cut) bytes = bytes.first(random_.between(1, bytes.size() - 1));
  const std::size_t size = socket->end->send(bytes);
  if (is_cut) socket->end->expect_room();
  return size > 0 || bytes.empty() ? static_cast<std::int64_t>(size) : -EAGAIN;
}

int Kernel::shutdown(int fd, int how) {
  ++calls_;
  if (const auto listener = find<ListeningSocket>(fd)) {
    listener->is_shut = true;
    for (const auto& arrival : listener->arrivals) arrival.end->reset();
    listener->arrivals.clear();
    listener->changed();
    return 0;
  }
  const auto socket = connected(fd);
  if (!socket) return -ENOTCONN;
  if (how != SHUT_RD) socket->end->shutdown();
  return 0;
}

int Kernel::close(int fd) {
  ++calls_;
  const auto it = files_.find(fd);
  if (it == files_.end()) return -EBADF;
  const std::shared_ptr<File> file = it->second;
  files_.erase(it);
  for (const auto& [other, each] : files_) {
    if (const auto set = std::dynamic_pointer_cast<EpollSet>(each)) set->forget(fd);
  }
  if (const auto listener = std::dynamic_pointer_cast<ListeningSocket>(file)) {
    for (const auto& arrival : listener->arrivals) arrival.end->reset();
    listener->arrivals.clear();
  }
  return 0;
}

int Kernel::peer_name(int fd, sockaddr_in& out) {
  const auto socket = connected(fd);
  if (!socket) return -ENOTCONN;
  out = socket->peer;
  return 0;
}

int Kernel::own_name(int fd, sockaddr_in& out) {
  const auto socket = find<Socket>(fd);
  if (!socket) return -ENOTSOCK;
  out = socket->own;
  return 0;
}

int Kernel::set_option(int fd, int level, int option, int value) {
  const auto socket = find<Socket>(fd);
  if (!socket) return 0;
  if (level == SOL_SOCKET && option == SO_LINGER) socket->resets_on_close = true;
  if (level == IPPROTO_TCP) {
    if (option == TCP_USER_TIMEOUT) socket->patience.user_timeout = std::chrono::milliseconds(value);
    if (option == TCP_KEEPIDLE) socket->keepalive_idle = std::chrono::seconds(value);
    if (option == TCP_KEEPINTVL) socket->keepalive_interval = std::chrono::seconds(value);
    if (option == TCP_KEEPCNT) socket->keepalive_probes = value;
    if (option == TCP_KEEPIDLE || option == TCP_KEEPINTVL || option == TCP_KEEPCNT)
      socket->patience.keepalive =
          socket->keepalive_idle + socket->keepalive_interval * socket->keepalive_probes;
    if (socket->end) socket->end->be_patient(socket->patience);
  }
  return 0;
}

int Kernel::take_socket_error(int fd) {
  const auto socket = find<Socket>(fd);
  if (!socket) return 0;
  if (socket->error != 0) return socket->error;
  return socket->end ? socket->end->take_error() : 0;
}

std::size_t Kernel::unacknowledged(int fd) {
  const auto socket = connected(fd);
  return socket ? socket->end->unacknowledged() : 0;
}

int Kernel::make_epoll() {
  return add(std::make_shared<EpollSet>());
}

int Kernel::control_epoll(int epoll, int operation, int fd, const epoll_event* event) {
  ++calls_;
  const auto set = find<EpollSet>(epoll);
  const auto file = find<File>(fd);
  if (!set || !file) return -EBADF;
  if (operation == EPOLL_CTL_ADD && find<Socket>(fd) && random_.chance(faults.no_watch)) return -ENOSPC;
  const int result = set->control(operation, file, event);
  if (result == 0 && operation == EPOLL_CTL_ADD) file->watched_by(set);
  return result;
}

int Kernel::wait_epoll(int epoll, std::span<epoll_event> out, int timeout) {
  ++calls_;
  if (first_wait_.epoll < 0) first_wait_ = {epoll, timeout};
  const auto set = find<EpollSet>(epoll);
  if (!set) return -EBADF;
  if (random_.chance(faults.spurious)) set->report_without_cause(random_.next());
  const std::vector<epoll_event> events = set->take(out.size());
  std::copy(events.begin(), events.end(), out.begin());
  return static_cast<int>(events.size());
}

int Kernel::make_event_counter(std::uint64_t value) {
  return add(std::make_shared<EventCounter>(value));
}

std::int64_t Kernel::read_counter(int fd, std::uint64_t& value) {
  const auto counter = find<EventCounter>(fd);
  if (!counter) return -EBADF;
  value = counter->take();
  return value > 0 ? static_cast<std::int64_t>(sizeof value) : -EAGAIN;
}

std::int64_t Kernel::add_to_counter(int fd, std::uint64_t value) {
  const auto counter = find<EventCounter>(fd);
  if (!counter) return -EBADF;
  counter->add(value);
  return sizeof value;
}

}  // namespace pgweir::simulation
