# Rules about the tree itself rather than about what it does.
add_test(NAME tree_layers COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/check_layers.py ${CMAKE_SOURCE_DIR})
add_test(NAME tree_classes COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/check_classes.py ${CMAKE_SOURCE_DIR})
add_test(NAME tree_tools
  COMMAND /usr/bin/python3 -m pytest -q -p no:cacheprovider --color=no
          ${CMAKE_CURRENT_LIST_DIR})
add_test(NAME tree_format COMMAND ${CMAKE_CURRENT_LIST_DIR}/check_format.sh ${CMAKE_SOURCE_DIR})
add_test(NAME tree_mutants COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/simulation/mutants.py --check)
set_tests_properties(tree_layers tree_classes tree_tools tree_format tree_mutants PROPERTIES
  LABELS tree TIMEOUT 1800 ENVIRONMENT PYTHONDONTWRITEBYTECODE=1)
