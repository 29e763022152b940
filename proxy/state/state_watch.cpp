#include "proxy/state/state_watch.hpp"

#include "proxy/state/schema_tags.hpp"

namespace pgweir {

// The first letter decides for almost every tag.
void StateWatch::note_tag(std::string_view tag) {
  switch (tag.empty() ? '\0' : tag[0]) {
    case 'A':
      if (tag == "ALTER ROLE" || tag == "ALTER DATABASE") changed_defaults = true;
      changed_functions |= changes_functions(tag);
      return;
    case 'R':
      if (tag == "RESET") {
        ++set_tags;
        reset_seen = true;
      }
      return;
    case 'S':
      if (tag == "SET") ++set_tags;
      return;
    case 'C':
      changed_functions |= changes_functions(tag);
      if (tag.starts_with("CLOSE")) break;
      return;
    case 'D':
      changed_functions |= tag != "DO" && changes_functions(tag);
      if (tag == "DISCARD ALL") discarded_all = reset_seen = true;
      if (tag == "DISCARD ALL" || tag == "DISCARD SEQUENCES") {
        // What stands after it in a pipeline was noted already: lastval() tells whether that took a value.
        discarded_sequences = true;
        advanced_sequence = false;
      }
      break;
    case 'L':
    case 'P':
    case 'U':
      break;
    default:
      return;
  }
  note_begin(may_begin_by_tag(tag), tag);
  may_have_ended.insert(may_end_by_tag(tag));
}

}  // namespace pgweir
