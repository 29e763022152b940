#include "proxy/state/state_watch.hpp"

#include "proxy/state/schema_tags.hpp"

namespace pgweir {

// The first letter decides for almost every tag.
void StateWatch::note_tag(std::string_view tag) {
  switch (tag.empty() ? '\0' : tag[0]) {
    case 'A':
      if (tag == "ALTER ROLE" || tag == "ALTER DATABASE") marks.insert(Mark::changed_defaults);
      if (changes_functions(tag)) marks.insert(Mark::changed_functions);
      return;
    case 'R':
      if (tag == "RESET") {
        ++set_tags;
        marks.insert(Mark::reset_seen);
      }
      return;
    case 'S':
      if (tag == "SET") ++set_tags;
      return;
    case 'C':
      if (changes_functions(tag)) marks.insert(Mark::changed_functions);
      if (tag.starts_with("CLOSE")) break;
      return;
    case 'D':
      if (tag != "DO" && changes_functions(tag)) marks.insert(Mark::changed_functions);
      if (tag == "DISCARD ALL") {
        marks.insert(Mark::discarded_all);
        marks.insert(Mark::reset_seen);
      }
      if (tag == "DISCARD ALL" || tag == "DISCARD SEQUENCES") {
        // A value taken beside it may have been taken after it. lastval() would not tell of setval().
        marks.insert(Mark::discarded_sequences);
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
