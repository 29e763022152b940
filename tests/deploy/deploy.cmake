# What is in deploy/ and docs/. It does not depend on how the program was compiled, so one build runs it.
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT PGWEIR_SANITIZE)
  file(GLOB pgweir_deploy CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/test_*.py)
  foreach(file ${pgweir_deploy})
    get_filename_component(name ${file} NAME_WE)
    string(REPLACE test_ deploy_ name ${name})
    add_test(NAME ${name} COMMAND /usr/bin/python3 -m pytest -q -rs -p no:cacheprovider --color=no ${file})
    set_tests_properties(${name} PROPERTIES LABELS deploy TIMEOUT 1800
      ENVIRONMENT "PGWEIR_BUILD_DIR=${CMAKE_BINARY_DIR};PYTHONDONTWRITEBYTECODE=1;PYTHONUNBUFFERED=1;PGWEIR_TEST_SLOWNESS=5")
  endforeach()
  # Waits for an alarm that looks at three minutes, so that it starts early.
  set_tests_properties(deploy_alarms PROPERTIES TIMEOUT 600 COST 100)
endif()
