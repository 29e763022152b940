# One interface target that every target of ours links: warnings, hardening, sanitizers.
add_library(pgweir_flags INTERFACE)

target_compile_options(pgweir_flags INTERFACE
  -Wall -Wextra -Werror -Wnon-virtual-dtor -Woverloaded-virtual -Wconversion -Wno-sign-conversion
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)  # false alarms of g++ 12 in std::string (GCC bug 105329)

# A unity build (release and the sanitizers) compiles files of one subject together. A name in an anonymous namespace is
# then seen by its neighbours and must be unique among them; g++ takes these namespaces for a header's. The debug and clang
# presets compile each file by itself, with every warning.
set(CMAKE_UNITY_BUILD_BATCH_SIZE 12)
if(CMAKE_UNITY_BUILD)
  target_compile_options(pgweir_flags INTERFACE
    $<$<CXX_COMPILER_ID:GNU>:-Wshadow=local> $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
else()
  target_compile_options(pgweir_flags INTERFACE -Wshadow)
endif()

# Which files of a target are compiled together: those of a folder whose names begin with one of these words, and the
# others of that folder; of a large folder by their first letter. A small folder goes with the one that the caller has put
# into pgweir_unity_with_FOLDER. A new file changes one group.
function(pgweir_unity_groups target)
  get_target_property(sources ${target} SOURCES)
  foreach(source ${sources})
    cmake_path(GET source PARENT_PATH folder)
    cmake_path(GET source STEM name)
    string(REGEX MATCH "^[a-z0-9]+" word ${name})
    if(word IN_LIST ARGN)
      set(group ${word})
    else()
      set(in_folder ${sources})
      list(FILTER in_folder INCLUDE REGEX "^${folder}/[^/]*$")
      list(LENGTH in_folder count)
      set(group rest)
      foreach(letters a-d e-k l-o p-r s t-z)
        if(count GREATER 40 AND name MATCHES "^[${letters}]")
          set(group ${letters})
        endif()
      endforeach()
    endif()
    cmake_path(GET folder FILENAME folder)
    if(DEFINED pgweir_unity_with_${folder})
      set(folder ${pgweir_unity_with_${folder}})
    endif()
    string(MAKE_C_IDENTIFIER "${folder}_${group}" group)
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${group})
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD_MODE GROUP)
endfunction()

# A precompiled header pays where many compilations share it: not for the few of a small target in a unity build.
function(pgweir_precompile target)
  if(NOT CMAKE_UNITY_BUILD)
    target_precompile_headers(${target} PRIVATE ${ARGN})
  endif()
endfunction()

# Stack traces, reports and profiles need lines. Variables are for a debugger and cost a quarter of a build's time: the
# debug preset has them.
if(PGWEIR_SANITIZE)
  add_compile_options(-g1)
else()
  add_compile_options($<$<CONFIG:RelWithDebInfo>:-g1>)
endif()

if(PGWEIR_SANITIZE)
  target_compile_options(pgweir_flags INTERFACE
    -fsanitize=${PGWEIR_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all -O1)
  # UBSan's vptr check opens a pipe to see whether memory is readable, and cries wolf when a test has used up all
  # descriptors on purpose.
  if(PGWEIR_SANITIZE MATCHES "undefined")
    target_compile_options(pgweir_flags INTERFACE -fno-sanitize=vptr)
  endif()
  # Instrumented code makes g++ 12 see impossible sizes in the standard library.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(pgweir_flags INTERFACE -Wno-stringop-overflow -Wno-array-bounds)
  endif()
  # Asio has a fence that g++'s ThreadSanitizer does not model; it says so for each use.
  if(PGWEIR_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(pgweir_flags INTERFACE -Wno-tsan)
  endif()
  target_link_options(pgweir_flags INTERFACE -fsanitize=${PGWEIR_SANITIZE})
else()
  # The distribution's own hardening set. _FORTIFY_SOURCE needs optimisation.
  target_compile_options(pgweir_flags INTERFACE -fstack-protector-strong -fPIE)
  target_compile_definitions(pgweir_flags INTERFACE
    $<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=2> $<$<CONFIG:Debug>:_GLIBCXX_ASSERTIONS>)
  target_link_options(pgweir_flags INTERFACE -pie -Wl,-z,relro,-z,now,-z,noexecstack)
  if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    target_compile_options(pgweir_flags INTERFACE -fcf-protection)
  endif()
endif()

# For what runs for each message.
add_library(pgweir_hot INTERFACE)
target_compile_options(pgweir_hot INTERFACE $<$<CONFIG:Release,RelWithDebInfo>:-O3>)

# For what runs only for a moment: command lines, which keep _FORTIFY_SOURCE, and that needs some optimisation; and tests.
add_library(pgweir_unoptimised INTERFACE)
target_compile_options(pgweir_unoptimised INTERFACE $<IF:$<CONFIG:Debug>,-O0,-O1>)
add_library(pgweir_test_flags INTERFACE)
target_compile_options(pgweir_test_flags INTERFACE -O0 -U_FORTIFY_SOURCE)

find_program(PGWEIR_CCACHE ccache)
if(PGWEIR_CCACHE)
  # Precompiled headers are cached only when told that nothing depends on __TIME__.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${PGWEIR_CCACHE})
endif()
