// The console's commands, carried out. Each request is answered once, some only when what they wait for has
// happened (PAUSE, WAIT_CLOSE) or the workers have told what they know (SHOW, KILL_CLIENT). Thread rule: main
// thread, which never waits; answers go to the asking session's worker.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <list>

#include "proxy/base/administration.hpp"
#include "proxy/console/command.hpp"
#include "proxy/console/statistics.hpp"
#include "proxy/console/table.hpp"
#include "proxy/entry/console_request.hpp"

namespace pgweir {

struct Inventory;
struct Sources;

class Console {
 public:
  // How often a command that waits looks whether it may go on.
  static constexpr std::chrono::milliseconds wait_poll{20};

  Console(boost::asio::io_context& io, const Sources& sources, Administration& administration,
          Statistics& statistics)
      : sources_(sources), administration_(administration), statistics_(statistics), timer_(io) {}

  void take(const ConsoleRequest& request);

 private:
  struct Waiting {
    SessionAddress from;
    std::string tag;
    std::function<bool()> is_over;
  };

  void carry_out(const ConsoleRequest& request, const ConsoleCommand& command);
  void show(const ConsoleRequest& request, const std::string& what);
  void show_table(const ConsoleRequest& request, const std::string& what, const Inventory& inventory);
  void help(const ConsoleRequest& request);
  void set(const ConsoleRequest& request, const ConsoleCommand& command);
  void pause(const ConsoleRequest& request, const std::string& database);
  void resume(const ConsoleRequest& request, const std::string& database);
  void kill(const ConsoleRequest& request, const std::string& database);
  void kill_client(const ConsoleRequest& request, const std::string& id);
  void wait_close(const ConsoleRequest& request, const std::string& database);
  void shut_down(const ConsoleRequest& request, const std::string& how);
  bool knows(const std::string& database) const;

  void answer(const ConsoleRequest& request, const ConsoleTable& table);
  void answer(const ConsoleRequest& request, ByteBuffer reply);
  void done(const ConsoleRequest& request, std::string_view tag);
  void refuse(const ConsoleRequest& request, std::string_view sqlstate, std::string_view problem);
  void answer_later(const ConsoleRequest& request, std::string tag, std::function<bool()> is_over);
  void look_at_waiting();

  const Sources& sources_;
  Administration& administration_;
  Statistics& statistics_;
  boost::asio::steady_timer timer_;
  std::list<Waiting> waiting_;
  bool shutting_down_ = false;
};

}  // namespace pgweir
