// Why a session keeps its backend between transactions: a closed list, with what each reason is called and
// when it ends, and sets of them. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace pgweir {

enum class Pin : std::uint8_t {
  session_mode,
  temporary_object,
  advisory_lock,
  holdable_cursor,
  listen,
  sql_prepare,
  sequence_value,
  load,
  session_function,
  unknown_code,
  own_statements,
};
constexpr std::size_t pin_count = static_cast<std::size_t>(Pin::own_statements) + 1;

struct PinText {
  std::string_view name;  // snake_case, for logs and metric labels
  std::string_view what;  // for people: what it is that cannot be moved to another server connection
  std::string_view ends;  // and what ends it
};
const PinText& text_of(Pin pin);

class PinSet {
 public:
  constexpr PinSet() = default;
  constexpr PinSet(std::initializer_list<Pin> pins) {
    for (const Pin pin : pins) insert(pin);
  }
  constexpr void insert(Pin pin) { bits_ = static_cast<std::uint16_t>(bits_ | bit(pin)); }
  constexpr void insert(PinSet pins) { bits_ = static_cast<std::uint16_t>(bits_ | pins.bits_); }
  constexpr void erase(PinSet pins) { bits_ = static_cast<std::uint16_t>(bits_ & ~pins.bits_); }
  constexpr bool contains(Pin pin) const { return (bits_ & bit(pin)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr PinSet operator&(PinSet other) const {
    PinSet both;
    both.bits_ = static_cast<std::uint16_t>(bits_ & other.bits_);
    return both;
  }
  constexpr bool operator==(const PinSet&) const = default;

 private:
  static constexpr std::uint16_t bit(Pin pin) {
    return static_cast<std::uint16_t>(1U << static_cast<unsigned>(pin));
  }
  std::uint16_t bits_ = 0;
};

// Pins that the server shows in its catalogs, so that it can be asked whether they hold.
constexpr PinSet visible_pins{Pin::temporary_object, Pin::advisory_lock, Pin::holdable_cursor, Pin::listen,
                              Pin::sql_prepare};
// Pins that no statement undoes: a backend that has them is closed after its session.
constexpr PinSet lasting_pins{Pin::load, Pin::session_function, Pin::unknown_code};

// The names, separated by commas.
std::string to_string(PinSet pins);

}  // namespace pgweir
