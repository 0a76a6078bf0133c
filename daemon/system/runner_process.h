// Boost.Process v2 with what its header of 1.81 (with std::filesystem) forgets; 1.83 does not need it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/readable_pipe.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/optional.hpp>
#include <boost/type_traits/is_constructible.hpp>
#include <boost/type_traits/is_convertible.hpp>
#include <boost/type_traits/remove_pointer.hpp>
// After the others.
#include <boost/process/v2/process.hpp>
#include <boost/process/v2/stdio.hpp>
