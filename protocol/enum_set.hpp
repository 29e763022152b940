// A set of the values of an enum class, in the bits of an integer. Any thread.
#pragma once

#include <concepts>
#include <initializer_list>

namespace pgweir {

template <class Enum, std::unsigned_integral Bits>
class EnumSet {
 public:
  constexpr EnumSet() = default;
  constexpr EnumSet(std::initializer_list<Enum> values) {
    for (const Enum value : values) insert(value);
  }

  constexpr void insert(Enum value) { bits_ = static_cast<Bits>(bits_ | bit(value)); }
  constexpr void erase(Enum value) { bits_ = static_cast<Bits>(bits_ & ~bit(value)); }
  constexpr bool contains(Enum value) const { return (bits_ & bit(value)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  // Whether it was there; it is not any more.
  constexpr bool take(Enum value) {
    const bool was_there = contains(value);
    erase(value);
    return was_there;
  }
  constexpr bool operator==(const EnumSet&) const = default;

 private:
  static constexpr Bits bit(Enum value) { return static_cast<Bits>(Bits{1} << static_cast<unsigned>(value)); }

  Bits bits_ = 0;
};

}  // namespace pgweir
