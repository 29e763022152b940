// What a simulated descriptor stands for, and who is told when it becomes ready.
#pragma once

#include <netinet/in.h>
#include <sys/epoll.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "tests/simulation/kernel/connection.hpp"

namespace pgweir::simulation {

class EpollSet;

// Anything that has a descriptor.
class File {
 public:
  virtual ~File() = default;
  // What epoll would report now.
  virtual std::uint32_t readiness() const { return 0; }
  // Something may have become ready: the sets that watch this are told.
  void changed();

  void watched_by(const std::shared_ptr<EpollSet>& set) { sets_.push_back(set); }
  int descriptor = -1;

 private:
  std::vector<std::weak_ptr<EpollSet>> sets_;
};

class EpollSet final : public File {
 public:
  int control(int operation, const std::shared_ptr<File>& file, const epoll_event* event);
  void note(int fd);
  void forget(int fd);
  // Reports at most `most` events. `spurious` adds a hint without cause now and then.
  std::vector<epoll_event> take(std::size_t most);
  bool has_events() const;
  // Some watched descriptor, reported as readable and writable although nothing has happened. -1: none.
  void report_without_cause(std::uint64_t which);

 private:
  struct Watch {
    std::weak_ptr<File> file;
    epoll_event event;
    bool is_noted = false;
    bool is_spurious = false;
  };
  bool is_edge(const Watch& watch) const { return (watch.event.events & EPOLLET) != 0; }

  std::map<int, Watch> watches_;
  std::deque<int> noted_;  // in the order in which they became ready
};

class EventCounter final : public File {
 public:
  explicit EventCounter(std::uint64_t value) : value_(value) {}
  std::uint32_t readiness() const override { return value_ > 0 ? EPOLLIN | EPOLLOUT : EPOLLOUT; }
  void add(std::uint64_t value) {
    value_ += value;
    changed();
  }
  std::uint64_t take() { return std::exchange(value_, 0); }

 private:
  std::uint64_t value_;
};

class Socket final : public File {
 public:
  ~Socket() override;
  std::uint32_t readiness() const override;
  void use(std::shared_ptr<End> end);
  void fail(int error);

  std::shared_ptr<End> end;  // null: not connected yet
  sockaddr_in own{};
  sockaddr_in peer{};
  bool is_connecting = false;
  bool resets_on_close = false;
  int error = 0;  // of connecting
  PatienceWithPeer patience;
  SimTime keepalive_idle{};
  SimTime keepalive_interval{};
  int keepalive_probes = 0;
};

class ListeningSocket final : public File {
 public:
  struct Arrival {
    std::shared_ptr<End> end;
    sockaddr_in from;
  };
  std::uint32_t readiness() const override {
    if (is_shut) return EPOLLIN | EPOLLHUP | EPOLLRDHUP;
    return arrivals.empty() ? 0u : EPOLLIN;
  }
  std::deque<Arrival> arrivals;
  PatienceWithPeer patience;  // of those that are accepted here
  std::uint16_t port = 0;
  bool is_shut = false;
};

}  // namespace pgweir::simulation
