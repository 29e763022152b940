// What is remembered of the portals that a client has bound, until its transaction is over. Owned by a session.
// Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
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
  // What running a portal does.
  struct Run {
    Bound bound;  // without a statement: it needs no second look
    SettingsStep step;
  };
  // What portals that are kept may do: each may happen, or not.
  struct Doubts {
    SettingsStep steps;
    std::vector<StatementRef> sets;  // each a SET or RESET
  };
  // A portal of a statement that the client has not had described; a Describe of the portal does that, too.
  struct Undescribed {
    std::string portal;
    std::string statement;  // the client's name
  };
  // Notes whether the statement of the portal that is bound has been described. The name of a statement that is to count as
  // described from here on, as there are too many portals; nullopt: none.
  std::optional<std::string> note_bound(std::string_view portal, std::string_view statement,
                                        bool is_described);
  // The client has the portal described. The name of its statement; nullopt: that was described before.
  std::optional<std::string> note_described(std::string_view portal);
  // False: there are too many to remember this one.
  [[nodiscard]] bool keep(Bound portal);
  [[nodiscard]] bool keep(Step portal);
  // The portal is of a SAVEPOINT or the like, and was bound while there was nothing to follow. The one that was bound
  // last is remembered.
  void leave_unfollowed(std::string_view portal);
  bool may_be_unfollowed(std::string_view portal) const;
  // Another statement is bound to it.
  void forget(std::string_view portal);
  // It is run, to its end or not. Run again, it may do once more what it does to settings.
  Run run(std::string_view portal, bool to_its_end);
  // The client keeps portals that have not been run to their end. From here on FETCH or code may run them, and CLOSE
  // or the end of a savepoint may take them away, so that what they do to settings is in doubt.
  Doubts take_doubts();
  bool empty() const { return kept_ == nullptr; }
  // Most sessions, most of the time: there is nothing to look at when a portal is bound or run.
  bool is_unused() const { return empty() && unfollowed_ == 0; }
  // The transaction is over.
  void end();

 private:
  struct Kept {
    std::vector<Bound> bound;
    std::vector<Step> steps;
  };

  Kept& kept();
  void drop_if_empty();

  // Apart, as few clients have any and every idle one would pay for it; null: there is none.
  std::unique_ptr<Kept> kept_;
  std::size_t unfollowed_ = 0;  // a hash of the portal's name; 0: there is none
  Undescribed last_;            // the portal that was bound last
  bool is_last_undescribed_ = false;
  std::unique_ptr<std::vector<Undescribed>> undescribed_;  // those before it; null: none
};

}  // namespace pgweir
