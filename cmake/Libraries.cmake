# One name per library of others. daemon/*/CMakeLists.txt says which room may use which: one door per library.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

find_package(tl-expected REQUIRED)
find_package(Boost 1.81 REQUIRED CONFIG) # not the FindBoost module, which newer CMake dropped
find_package(yaml-cpp REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
pkg_check_modules(libsystemd REQUIRED IMPORTED_TARGET libsystemd)
pkg_check_modules(libblkid REQUIRED IMPORTED_TARGET blkid)
pkg_check_modules(libarchive REQUIRED IMPORTED_TARGET libarchive)
pkg_check_modules(sqlite3 REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(libcrypto REQUIRED IMPORTED_TARGET libcrypto)

if(NOT TARGET yaml-cpp::yaml-cpp) # 0.7 exports the plain name
  add_library(yaml-cpp::yaml-cpp ALIAS yaml-cpp)
endif()

# Boost: Asio, Beast, JSON and Process v2 are used header-only, so the package depends on no Boost library.
add_library(fettle_boost INTERFACE)
target_include_directories(fettle_boost SYSTEM INTERFACE ${Boost_INCLUDE_DIRS})
target_compile_definitions(fettle_boost INTERFACE
  BOOST_PROCESS_USE_STD_FS BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_ALL_NO_LIB)
target_link_libraries(fettle_boost INTERFACE Threads::Threads)

# spdlog and fmt header-only: their sonames differ between Debian and Ubuntu releases. Not spdlog's own target, which
# links the compiled fmt.
add_library(fettle_spdlog INTERFACE)
target_compile_definitions(fettle_spdlog INTERFACE SPDLOG_FMT_EXTERNAL FMT_HEADER_ONLY)
