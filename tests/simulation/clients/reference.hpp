// What a direct connection would have shown one client: a server of its own with the same roles, databases and
// schemas, on which nobody else works and where nothing takes time.
#pragma once

#include <memory>
#include <vector>

#include "tests/simulation/model/cluster.hpp"
#include "tests/simulation/model/session.hpp"
#include "tests/simulation/world/messages.hpp"

namespace pgweir::simulation {

class Reference {
 public:
  // `set_up` makes the roles and databases that the real servers have.
  explicit Reference(void (*set_up)(ModelCluster&));

  // The messages with which a direct connection would answer.
  std::vector<Message> answer(const ByteBuffer& bytes);
  // The same, when the first statement that takes time is canceled.
  std::vector<Message> answer_canceled(const ByteBuffer& bytes);
  SessionFacts facts() const { return session_->facts(); }

 private:
  std::vector<Message> answer(const ByteBuffer& bytes, bool is_canceled);

  ModelCluster cluster_;
  std::unique_ptr<ModelSession> session_;
  ByteBuffer stream_;
  Time now_{};
};

}  // namespace pgweir::simulation
