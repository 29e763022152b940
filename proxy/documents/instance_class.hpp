// What RDS gives an instance class.
#pragma once

#include <cstdint>
#include <string_view>

namespace pgweir::doctor {

// GiB of memory, by the family's letter and the size's name; 0: not known.
std::int64_t memory_gib(std::string_view instance_class);
// RDS's default, LEAST({DBInstanceClassMemory/9531392}, 5000), of the memory that the class has nominally;
// the database gets somewhat less. 0: not known.
std::int64_t default_max_connections(std::string_view instance_class);

}  // namespace pgweir::doctor
