#include "proxy/base/pin.hpp"

#include <array>

namespace pgweir {
namespace {

constexpr std::array<PinText, pin_count> pin_texts{{
    {"session_mode", "pool.mode is session", "when the client leaves"},
    {"temporary_object", "a temporary table, view, sequence, type or function",
     "with DROP, ON COMMIT DROP or DISCARD TEMP"},
    {"advisory_lock", "an advisory lock of the session",
     "with pg_advisory_unlock, once for each time it was taken, or pg_advisory_unlock_all"},
    {"holdable_cursor", "a cursor WITH HOLD", "with CLOSE"},
    {"listen", "LISTEN", "with UNLISTEN"},
    {"sql_prepare", "a statement prepared by SQL in a way that is not understood", "with DEALLOCATE"},
    {"sequence_value", "a sequence value that currval() or lastval() may ask for",
     "with DISCARD SEQUENCES or DISCARD ALL"},
    {"load", "a library loaded by LOAD", "when the client leaves; its server connection is closed then"},
    {"session_function",
     "a function whose effect lasts as long as the connection, such as setseed(), or set_config() of a "
     "computed name",
     "when the client leaves; its server connection is closed then"},
    {"unknown_code", "a function of a C library that pgweir does not know (pool.unknown_code)",
     "when the client leaves; its server connection is closed then"},
    {"own_statements",
     "prepared statements under the client's own names, for pg_prepared_statements or for code that runs "
     "them",
     "with DISCARD ALL, or when the client leaves"},
}};

}  // namespace

const PinText& text_of(Pin pin) {
  return pin_texts[static_cast<std::size_t>(pin)];
}

std::string to_string(PinSet pins) {
  std::string names;
  for (std::size_t i = 0; i < pin_count; ++i) {
    if (!pins.contains(static_cast<Pin>(i))) continue;
    if (!names.empty()) names += ',';
    names += pin_texts[i].name;
  }
  return names;
}

}  // namespace pgweir
