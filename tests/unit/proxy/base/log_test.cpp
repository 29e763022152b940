// What reaches standard error, byte by byte.
#include "proxy/base/log.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "../caught_stderr.hpp"

using namespace pgweir;
using test::CaughtStderr;

namespace {

// The line of one event, without its time and the line's end.
std::string line_of(config::LogFormat format, std::string_view value) {
  const CaughtStderr caught;
  log::start({format, config::LogLevel::info});
  log::info("event", {{"name", value}});
  const std::string text = caught.text();
  REQUIRE(text.ends_with('\n'));
  REQUIRE(text.find('\n') == text.size() - 1);
  const std::size_t at = text.find(format == config::LogFormat::json ? "\"event\"" : "event");
  REQUIRE(at != std::string::npos);
  return text.substr(at, text.size() - at - 1);
}

}  // namespace

TEST_CASE("a client cannot write a line, a field or an escape sequence of its own into the log") {
  struct Case {
    const char* name;
    std::string value;
    std::string text;
    std::string json;
  };
  const auto c = GENERATE(values<Case>({
      {"plain", "app_user", "app_user", "app_user"},
      {"an address", "10.0.0.5:41234", "10.0.0.5:41234", "10.0.0.5:41234"},
      {"a new line", "x\n2026 info forged", "\"x\\u000a2026 info forged\"", "x\\u000a2026 info forged"},
      {"a carriage return", "x\ry", "\"x\\u000dy\"", "x\\u000dy"},
      {"another field", "x reason=ok", "\"x reason=ok\"", "x reason=ok"},
      {"an equals sign", "a=b", "\"a=b\"", "a=b"},
      {"a quote", "x\",\"level\":\"error", "\"x\\\",\\\"level\\\":\\\"error\"",
       "x\\\",\\\"level\\\":\\\"error"},
      {"a backslash before the end", "x\\", "\"x\\\\\"", "x\\\\"},
      {"a terminal escape", "\x1b[31mred", "\"\\u001b[31mred\"", "\\u001b[31mred"},
      {"delete", "\x7f", "\"\\u007f\"", "\\u007f"},
      {"not ASCII", "\xc3\xa9", "\"\\u00c3\\u00a9\"", "\\u00c3\\u00a9"},
      {"a format string", "{}%s%v{0}", "{}%s%v{0}", "{}%s%v{0}"},
      {"a NUL", std::string("a\0b", 3), "\"a\\u0000b\"", "a\\u0000b"},
  }));
  INFO(c.name);
  CHECK(line_of(config::LogFormat::text, c.value) == "event name=" + c.text);
  CHECK(line_of(config::LogFormat::json, c.value) == "\"event\":\"event\",\"name\":\"" + c.json + "\"}");
}

TEST_CASE("a long value is cut, also when every byte of it has to be escaped") {
  const std::string exact(log::value_max, 'x');
  CHECK(line_of(config::LogFormat::text, exact) == "event name=" + exact);
  CHECK(line_of(config::LogFormat::text, exact + "y") == "event name=\"" + exact + "...\"");
  std::string escaped;
  for (std::size_t i = 0; i < log::value_max; ++i) escaped += "\\u0001";
  CHECK(line_of(config::LogFormat::json, std::string(100'000, '\x01')) ==
        "\"event\":\"event\",\"name\":\"" + escaped + "...\"}");
}

TEST_CASE("an empty field is left out") {
  CHECK(line_of(config::LogFormat::text, "") == "event");
  CHECK(line_of(config::LogFormat::json, "") == "\"event\":\"event\"}");
}

TEST_CASE("a line of JSON begins with its time and level") {
  const CaughtStderr caught;
  log::start({config::LogFormat::json, config::LogLevel::info});
  log::warning("server_lost", {{"pid", "7"}});
  const std::string text = caught.text();
  CHECK(text.starts_with("{\"time\":\"2"));
  CHECK(text.ends_with("Z\",\"level\":\"warning\",\"event\":\"server_lost\",\"pid\":\"7\"}\n"));
}

TEST_CASE("events below the level are not written, until the level changes") {
  const CaughtStderr caught;
  log::start({config::LogFormat::text, config::LogLevel::warning});
  log::info("quiet", {});
  log::change({config::LogFormat::text, config::LogLevel::debug});
  log::debug("loud", {});
  const std::string text = caught.text();
  CHECK(text.find("quiet") == std::string::npos);
  CHECK(text.find("debug loud\n") != std::string::npos);
}
