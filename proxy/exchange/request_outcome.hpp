// What becomes of a client's message on its way to the server.
#pragma once

#include <cstdint>

namespace pgweir {

enum class RequestDisposition : std::uint8_t {
  taken,          // forwarded, answered or discarded
  hold,           // offer it again when more replies have come
  needs_backend,  // offer it again with a backend
  terminate,
  copy_violation,  // a message that COPY IN does not allow
  too_many_names,
};

// The outcome of one step on a message's way.
enum class [[nodiscard]] Progress : std::uint8_t{
    done,
    hold,  // the message has to be offered again when more replies have come
};

}  // namespace pgweir
