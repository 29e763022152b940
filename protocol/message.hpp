// Message types, spelled as in the PostgreSQL documentation, chapter 55.7 "Message Formats".
#pragma once

#include <cstddef>
#include <cstdint>

namespace pgweir {

// Types that a frontend may send after start-up.
enum class FrontendType : char {
  Bind = 'B',
  Close = 'C',
  CopyData = 'd',
  CopyDone = 'c',
  CopyFail = 'f',
  Describe = 'D',
  Execute = 'E',
  Flush = 'H',
  FunctionCall = 'F',
  Parse = 'P',
  PasswordMessage = 'p',  // also SASLInitialResponse and SASLResponse; only while authenticating
  Query = 'Q',
  Sync = 'S',
  Terminate = 'X',
};

// Types that a backend may send.
enum class BackendType : char {
  Authentication = 'R',
  BackendKeyData = 'K',
  BindComplete = '2',
  CloseComplete = '3',
  CommandComplete = 'C',
  CopyBothResponse = 'W',
  CopyData = 'd',
  CopyDone = 'c',
  CopyInResponse = 'G',
  CopyOutResponse = 'H',
  DataRow = 'D',
  EmptyQueryResponse = 'I',
  ErrorResponse = 'E',
  FunctionCallResponse = 'V',
  NegotiateProtocolVersion = 'v',
  NoData = 'n',
  NoticeResponse = 'N',
  NotificationResponse = 'A',
  ParameterDescription = 't',
  ParameterStatus = 'S',
  ParseComplete = '1',
  PortalSuspended = 's',
  ReadyForQuery = 'Z',
  RowDescription = 'T',
};

// The status byte of ReadyForQuery.
enum class TransactionStatus : char { idle = 'I', in_transaction = 'T', failed = 'E' };

constexpr bool is_transaction_status(char c) {
  return c == 'I' || c == 'T' || c == 'E';
}

// A type byte and a length that counts itself but not the type.
constexpr std::size_t message_header_size = 5;
constexpr std::size_t message_length_size = 4;

}  // namespace pgweir
