// What the tests of parsers share.
#pragma once

#include <catch2/catch.hpp>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/bytes.hpp"

namespace pgweir::test {

// A message without its type byte and length.
inline ByteBuffer body_of(const ByteBuffer& message, std::size_t header_size = 5) {
  REQUIRE(message.size() >= header_size);
  return ByteBuffer(message.begin() + static_cast<std::ptrdiff_t>(header_size), message.end());
}

// Calls `parse` with every proper prefix of `whole`, each in an allocation of exactly its size, so that a
// read past the end is seen by AddressSanitizer.
template <class Parse>
void for_each_truncation(ByteView whole, Parse parse) {
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::unique_ptr<Byte[]> exact(new Byte[size]);
    if (size > 0) std::memcpy(exact.get(), whole.data(), size);
    INFO("truncated to " << size << " of " << whole.size() << " bytes");
    parse(ByteView(exact.get(), size));
  }
}

// Bytes of a literal, embedded NULs included, without the literal's own.
template <std::size_t size>
ByteBuffer literal(const char (&text)[size]) {
  return ByteBuffer(text, text + size - 1);
}

}  // namespace pgweir::test

namespace Catch {
template <>
struct StringMaker<pgweir::Errc> {
  static std::string convert(pgweir::Errc e) { return std::string(pgweir::to_string(e)); }
};
}  // namespace Catch
