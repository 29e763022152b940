// Whether a statement's text may have a date or time in it. Pure; any thread.
#pragma once

#include <string_view>

namespace pgweir {

// Whether a literal of the text may be a date, a time or an interval: it has a digit, or one of the words that stand for
// a time of now. TimeZone, DateStyle and IntervalStyle decide what such a literal means, and that of no other (PostgreSQL:
// Date/Time Input). True also for a text that cannot be read.
bool may_have_time(std::string_view sql);

}  // namespace pgweir
