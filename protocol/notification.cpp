#include "protocol/notification.hpp"

namespace pgweir {

Errc parse_notification(ByteView body, NotificationView& out) {
  Reader reader(body);
  if (const Errc e = reader.u32(out.pid); e != Errc::ok) return e;
  if (const Errc e = reader.cstring(out.channel); e != Errc::ok) return e;
  if (const Errc e = reader.cstring(out.payload); e != Errc::ok) return e;
  return reader.end();
}

}  // namespace pgweir
