// `pgweir doctor`: live, by a configuration, and static, by a directory of collected documents; or both.
#pragma once

#include <string>

namespace pgweir::doctor {

struct DoctorOptions {
  std::string config;     // empty: no live checks
  std::string directory;  // empty: no static checks
  std::string database;   // of the configuration; empty: the first
  std::string user;       // empty: the first that may use it
  std::string through;    // HOST:PORT of the load balancer's name
  unsigned tasks = 2;
  bool json = false;
  bool print_collect = false;
};

// The program's exit code: 0, 1 with a problem, 2 when it cannot run.
int run_doctor(const DoctorOptions& options);

}  // namespace pgweir::doctor
