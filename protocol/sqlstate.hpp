// The SQLSTATEs that pgweir sends or looks for, by PostgreSQL's names for them (PostgreSQL documentation,
// appendix A). Pure.
#pragma once

#include <string_view>

namespace pgweir::sqlstate {

inline constexpr std::string_view successful_completion = "00000";
inline constexpr std::string_view connection_failure = "08006";
inline constexpr std::string_view protocol_violation = "08P01";
inline constexpr std::string_view feature_not_supported = "0A000";
inline constexpr std::string_view invalid_parameter_value = "22023";
inline constexpr std::string_view in_failed_sql_transaction = "25P02";
inline constexpr std::string_view idle_in_transaction_session_timeout = "25P03";
inline constexpr std::string_view invalid_sql_statement_name = "26000";
inline constexpr std::string_view invalid_authorization_specification = "28000";
inline constexpr std::string_view invalid_password = "28P01";
inline constexpr std::string_view invalid_catalog_name = "3D000";
inline constexpr std::string_view insufficient_privilege = "42501";
inline constexpr std::string_view syntax_error = "42601";
inline constexpr std::string_view name_too_long = "42622";
inline constexpr std::string_view undefined_object = "42704";
inline constexpr std::string_view duplicate_prepared_statement = "42P05";
inline constexpr std::string_view too_many_connections = "53300";
inline constexpr std::string_view program_limit_exceeded = "54000";
inline constexpr std::string_view object_not_in_prerequisite_state = "55000";
inline constexpr std::string_view query_canceled = "57014";
inline constexpr std::string_view admin_shutdown = "57P01";
inline constexpr std::string_view cannot_connect_now = "57P03";
inline constexpr std::string_view idle_session_timeout = "57P05";
inline constexpr std::string_view internal_error = "XX000";

// Class 28: the login was refused because of the user, or because of how the user is authenticated.
inline constexpr std::string_view class_invalid_authorization = "28";

}  // namespace pgweir::sqlstate
