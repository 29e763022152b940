// The messages of the extended protocol (exec_parse_message and its neighbours). Each may throw Blocked, and
// is then called again with the same message.
#pragma once

#include "tests/simulation/model/session_state.hpp"

namespace pgweir::simulation {

class ExtendedQuery {
 public:
  explicit ExtendedQuery(SessionState& state) : s_(state) {}
  void parse(ByteView body);
  void bind(ByteView body);
  void describe(ByteView body);
  void execute(ByteView body);
  void close(ByteView body);
  void sync();
  CopyIn* copy_in(ByteView execute_body) const;

 private:
  void describe_statement(const std::string& name);
  void describe_portal(const std::string& name);
  std::shared_ptr<Portal> find_portal(const std::string& name) const;
  void refuse_if_failed(bool allowed) const;
  void define(Portal& portal, PreparedStatement& prepared, Reader& reader);
  std::vector<Value> read_values(Reader& reader, const PreparedStatement& prepared, const std::string& name,
                                 const std::string& portal);

  SessionState& s_;
};

}  // namespace pgweir::simulation
