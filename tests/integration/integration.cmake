# One test per pytest file, against the pgweir of this build and a private PostgreSQL. Two at a time, the longest first, with
# deadlines that leave room for the other; those whose subject is time or load run alone.
file(GLOB pgweir_integration CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/test_*.py)

set(pgweir_integration_alone fairness fleet quickstart restart timeouts)
set(pgweir_integration_env PGWEIR_BUILD_DIR=${CMAKE_BINARY_DIR} PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1)
if(PGWEIR_SANITIZE)
  # Fewer repetitions, longer deadlines.
  set(pgweir_integration_alone)
  list(APPEND pgweir_integration_env PGWEIR_TEST_FACTOR=0.25 PGWEIR_TEST_SLOWNESS=8)
  # What a browser makes of the page is the same in every build.
  list(FILTER pgweir_integration EXCLUDE REGEX test_dashboard_browser)
else()
  list(APPEND pgweir_integration_env PGWEIR_TEST_SLOWNESS=5)
endif()

set(pgweir_integration_long differential leak_matrix cancel_races pass_through pipeline_memory driver_noise listen)

foreach(file ${pgweir_integration})
  get_filename_component(name ${file} NAME_WE)
  string(REPLACE test_ "" subject ${name})
  set(alone OFF)
  if(subject IN_LIST pgweir_integration_alone)
    set(alone ON)
  endif()
  add_test(NAME integration_${subject}
    COMMAND /usr/bin/python3 -m pytest -q -rs -p no:cacheprovider --color=no ${file})
  set_tests_properties(integration_${subject} PROPERTIES
    LABELS integration TIMEOUT 1800 RUN_SERIAL ${alone} ENVIRONMENT "${pgweir_integration_env}")
  if(subject IN_LIST pgweir_integration_long)
    set_tests_properties(integration_${subject} PROPERTIES COST 100)
  endif()
endforeach()

include(${CMAKE_CURRENT_LIST_DIR}/../tree/tree.cmake)
