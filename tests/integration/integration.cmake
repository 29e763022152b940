# One test per pytest file, against the pgweir of this build and a private PostgreSQL. They measure time, so they run one
# after the other; with sanitizers their deadlines are long enough for two at once.
file(GLOB pgweir_integration CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/test_*.py)

set(pgweir_integration_env PGWEIR_BUILD_DIR=${CMAKE_BINARY_DIR} PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1)
set(pgweir_integration_serial ON)
if(PGWEIR_SANITIZE)
  # Fewer repetitions, longer deadlines.
  set(pgweir_integration_serial OFF)
  list(APPEND pgweir_integration_env PGWEIR_TEST_FACTOR=0.25 PGWEIR_TEST_SLOWNESS=4)
  # What a browser makes of the page is the same in every build.
  list(FILTER pgweir_integration EXCLUDE REGEX test_dashboard_browser)
endif()

foreach(file ${pgweir_integration})
  get_filename_component(name ${file} NAME_WE)
  string(REPLACE test_ integration_ name ${name})
  add_test(NAME ${name} COMMAND /usr/bin/python3 -m pytest -q -rs -p no:cacheprovider --color=no ${file})
  set_tests_properties(${name} PROPERTIES
    LABELS integration TIMEOUT 600 RUN_SERIAL ${pgweir_integration_serial} ENVIRONMENT "${pgweir_integration_env}")
endforeach()

include(${CMAKE_CURRENT_LIST_DIR}/../tree/tree.cmake)
