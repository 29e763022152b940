#include "proxy/base/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <cstdio>
#include <string>

namespace pgweir::log {
namespace {

std::atomic<config::LogFormat> format{config::LogFormat::text};

spdlog::level::level_enum level_of(config::LogLevel level) {
  switch (level) {
    case config::LogLevel::trace:
      return spdlog::level::trace;
    case config::LogLevel::debug:
      return spdlog::level::debug;
    case config::LogLevel::info:
      return spdlog::level::info;
    case config::LogLevel::warning:
      return spdlog::level::warn;
    case config::LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

// Backslash escapes that are valid in JSON, for any byte that is not printable ASCII.
void append_escaped(std::string& out, std::string_view value) {
  for (const char c : value.substr(0, value_max)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte > 0x7e) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", byte);
      out += code;
    } else {
      out += c;
    }
  }
  if (value.size() > value_max) out += "...";
}

bool is_plain(std::string_view value) {
  if (value.empty() || value.size() > value_max) return false;
  for (const char c : value) {
    if (c <= ' ' || c > '~' || c == '"' || c == '\\' || c == '=') return false;
  }
  return true;
}

std::string as_text(std::string_view event, Fields fields) {
  std::string line(event);
  for (const Field& field : fields) {
    if (field.value.empty()) continue;
    line += ' ';
    line += field.name;
    line += '=';
    if (is_plain(field.value)) {
      line += field.value;
      continue;
    }
    line += '"';
    append_escaped(line, field.value);
    line += '"';
  }
  return line;
}

std::string as_json(std::string_view event, Fields fields) {
  std::string line = "\"event\":\"";
  line += event;
  line += '"';
  for (const Field& field : fields) {
    if (field.value.empty()) continue;
    line += ",\"";
    line += field.name;
    line += "\":\"";
    append_escaped(line, field.value);
    line += '"';
  }
  return line;
}

void write(spdlog::level::level_enum level, std::string_view event, Fields fields) {
  spdlog::logger* logger = spdlog::default_logger_raw();
  if (!logger->should_log(level)) return;
  const bool json = format.load(std::memory_order_relaxed) == config::LogFormat::json;
  logger->log(level, "{}", json ? as_json(event, fields) : as_text(event, fields));
}

void apply(spdlog::logger& logger, const config::Log& settings) {
  format = settings.format;
  const bool json = settings.format == config::LogFormat::json;
  logger.set_pattern(
      json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})" : "%Y-%m-%dT%H:%M:%S.%eZ %l %v",
      spdlog::pattern_time_type::utc);
  logger.set_level(level_of(settings.level));
}

}  // namespace

void start(const config::Log& settings) {
  auto logger = std::make_shared<spdlog::logger>("pgweir", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  apply(*logger, settings);
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

// A line that another thread writes at this very moment may be half of each format.
void change(const config::Log& settings) {
  apply(*spdlog::default_logger_raw(), settings);
}
void flush() {
  spdlog::default_logger_raw()->flush();
}

void debug(std::string_view event, Fields fields) {
  write(spdlog::level::debug, event, fields);
}
void info(std::string_view event, Fields fields) {
  write(spdlog::level::info, event, fields);
}
void warning(std::string_view event, Fields fields) {
  write(spdlog::level::warn, event, fields);
}
void error(std::string_view event, Fields fields) {
  write(spdlog::level::err, event, fields);
}

}  // namespace pgweir::log
