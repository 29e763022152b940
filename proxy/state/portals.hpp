// What is remembered of the portals that a client has bound, until its transaction is over. Owned by a session.
// Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/statement_map.hpp"
#include "proxy/state/settings_steps.hpp"

namespace pgweir {

struct Portals {
  // The most portals of a kind that are remembered.
  static constexpr std::size_t portals_max = 1'024;

  bool may_copy = false;  // a portal may run a COPY
  // A portal that is looked at again when it is run: of a SET, RESET, DISCARD or DEALLOCATE, or of a text in which
  // a name was replaced.
  struct Bound {
    std::string portal;
    StatementRef statement;
    bool is_renamed = false;
    std::int32_t grown_by = 0;  // by how many characters its text became longer
    std::string drops{};        // the client's name that it drops
  };
  // What running a portal does to settings, where a SET does not say it.
  struct Step {
    std::string portal;
    SettingsStep step;
  };
  std::vector<Step> steps;
  // The portal of a SAVEPOINT or the like that was bound last while there was nothing to follow.
  std::optional<std::string> unfollowed;
  // The portal that was bound last, and the client's name for its statement, unless the client has had that
  // statement described.
  std::string described;
  std::optional<std::string> undescribed_name;

  // False: there are too many to remember this one.
  [[nodiscard]] bool keep(Bound portal);
  [[nodiscard]] bool keep(Step portal);
  // nullptr: running the portal needs no second look.
  const Bound* find(std::string_view portal) const;
  // Another statement is bound to it.
  void forget(std::string_view portal);
  // It is run, to its end or not. What that does to settings; run again, it may do so once more.
  SettingsStep run(std::string_view portal, bool to_its_end);
  // The client keeps portals that have not been run to their end. From here on FETCH or code may run them, and CLOSE
  // or the end of a savepoint may take them away, so that what they do to settings is in doubt.
  SettingsStep take_doubts();
  std::vector<StatementRef> take_sets();
  bool empty() const { return steps.empty() && bound_.empty(); }
  // Most sessions, most of the time: there is nothing to look at when a portal is bound or run.
  bool is_unused() const { return empty() && !unfollowed; }
  // The transaction is over.
  void end();

 private:
  std::vector<Bound> bound_;
};

}  // namespace pgweir
