# One test per pytest file, against the pgweir of this build and a private PostgreSQL. Several at a time, the longest first,
# with deadlines that leave room for the others.
file(GLOB pgweir_integration CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/test_*.py)

set(pgweir_integration_env
  PGWEIR_BUILD_DIR=${CMAKE_BINARY_DIR} PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PGWEIR_TEST_SLOWNESS=8)
if(PGWEIR_SANITIZE)
  # Fewer repetitions.
  list(APPEND pgweir_integration_env PGWEIR_TEST_FACTOR=0.25)
  # What a browser makes of the page is the same in every build.
  list(FILTER pgweir_integration EXCLUDE REGEX test_dashboard_browser)
endif()

set(pgweir_integration_long
  abandoned cancel_races differential driver_noise leak_matrix leaving listen pass_through pipeline_memory quickstart
  statement_names timeouts)

foreach(file ${pgweir_integration})
  get_filename_component(name ${file} NAME_WE)
  string(REPLACE test_ "" subject ${name})
  add_test(NAME integration_${subject}
    COMMAND /usr/bin/python3 -m pytest -q -rs -p no:cacheprovider --color=no ${file})
  set_tests_properties(integration_${subject} PROPERTIES
    LABELS integration TIMEOUT 1800 ENVIRONMENT "${pgweir_integration_env}")
  if(subject IN_LIST pgweir_integration_long)
    set_tests_properties(integration_${subject} PROPERTIES COST 100)
  endif()
endforeach()

include(${CMAKE_CURRENT_LIST_DIR}/../tree/tree.cmake)
