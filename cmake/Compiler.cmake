# The language, the warnings and the hardening that every target gets.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
# For size: nothing here is bound by the processor but hashing, which is OpenSSL's, and a resident daemon is judged by its pages.
set(CMAKE_CXX_FLAGS_RELEASE "-Os -DNDEBUG")

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE}")
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wcast-align -Woverloaded-virtual
                    -Wconversion -Wformat=2 -Wimplicit-fallthrough)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # gcc reports members of partly written aggregates; leaving the rest at its default is how plans are built.
  add_compile_options(-Wno-missing-field-initializers)
endif()
if(FETTLE_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-Wno-tsan) # Asio's fences, which this sanitizer does not model; no code of ours has one
endif()
if(FETTLE_WERROR)
  add_compile_options(-Werror)
endif()
if(FETTLE_SANITIZE)
  add_compile_options(-fsanitize=${FETTLE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${FETTLE_SANITIZE})
endif()
if(FETTLE_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link) # the rooms too: a fuzzer without their coverage is blind
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_options(-ffunction-sections -fdata-sections)
  add_link_options(-Wl,--gc-sections -Wl,--as-needed)
endif()

find_program(MOLD mold)
if(MOLD AND NOT FETTLE_FUZZ AND CMAKE_BUILD_TYPE STREQUAL "Debug")
  add_link_options(-fuse-ld=mold)
endif()
