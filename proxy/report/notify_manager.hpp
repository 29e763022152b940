// What systemd is told of the process's state, where it asks for that (Type=notify, Type=notify-reload).
// sd_notify(3). Thread rule: main thread.
#pragma once

#include <string>

namespace pgweir {

// One message to the socket of NOTIFY_SOCKET; does nothing without one.
void notify_manager(const std::string& state);

// A reload is under way for as long as this exists.
class ReloadNotice {
 public:
  ReloadNotice();
  ~ReloadNotice();
  ReloadNotice(const ReloadNotice&) = delete;
  ReloadNotice& operator=(const ReloadNotice&) = delete;
};

}  // namespace pgweir
