// Counts the changes of one database's catalogue that went through any of its pools. A statement that was
// parsed before a change may mean something else after it. Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>

namespace pgweir {

class SchemaVersion : public std::enable_shared_from_this<SchemaVersion> {
 public:
  std::uint64_t get() const { return value_.load(std::memory_order_acquire); }
  // Called before the client that has changed something gets its answer.
  void change() { value_.fetch_add(1, std::memory_order_acq_rel); }
  // Code has run that is not judged yet: until what is returned is let go, there may be a change that is not counted.
  using Doubt = std::shared_ptr<const void>;
  Doubt doubt();
  bool is_in_doubt() const { return doubts_.load(std::memory_order_acquire) > 0; }

 private:
  std::atomic<std::uint64_t> value_{1};
  std::atomic<unsigned> doubts_{0};
};

// One for each database of each server, shared by its pools.
class SchemaVersions {
 public:
  std::shared_ptr<SchemaVersion> of(const std::string& host, std::uint16_t port, const std::string& dbname);

 private:
  using Key = std::tuple<std::string, std::uint16_t, std::string>;
  std::mutex mutex_;
  std::map<Key, std::weak_ptr<SchemaVersion>> known_;
};

}  // namespace pgweir
