// The checks of documents, S01 and so on: pure functions from collected documents to findings.
#pragma once

#include <vector>

#include "proxy/documents/finding.hpp"
#include "proxy/documents/scene.hpp"

namespace pgweir::doctor {

// One finding for each check, in the order of their numbers.
std::vector<Finding> run_static_checks(const Scene& scene);

// The reason not to evaluate a check: which of these documents are missing; empty: none is.
std::string missing(const Scene& scene, std::initializer_list<std::string_view> documents);
// The reason not to evaluate a check: the client is not known; empty: it is.
std::string missing_client(const Scene& scene);
std::string missing_database(const Scene& scene);

using Check = Finding (*)(const Scene&);

Finding function_in_vpc(const Scene& scene);         // S01
Finding same_vpc(const Scene& scene);                // S02
Finding database_admits_client(const Scene& scene);  // S03
Finding admitted_by_address(const Scene& scene);     // S04
Finding client_may_speak(const Scene& scene);        // S05
Finding same_port(const Scene& scene);               // S06
Finding network_acls(const Scene& scene);            // S07
Finding routes_to_database(const Scene& scene);      // S08
Finding public_subnet(const Scene& scene);           // S09
Finding path_to_aws(const Scene& scene);             // S10
Finding several_zones(const Scene& scene);           // S11
Finding free_addresses(const Scene& scene);          // S12
Finding function_role(const Scene& scene);           // S13
Finding may_connect_by_iam(const Scene& scene);      // S14
Finding database_parameters(const Scene& scene);     // S15
Finding publicly_accessible(const Scene& scene);     // S16
Finding database_available(const Scene& scene);      // S17
Finding function_state(const Scene& scene);          // S18
Finding load_balancer(const Scene& scene);           // S19
Finding task_definition(const Scene& scene);         // S20
Finding connection_budget(const Scene& scene);       // S21
Finding reserved_concurrency(const Scene& scene);    // S22

}  // namespace pgweir::doctor
