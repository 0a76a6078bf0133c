// Boost.Asio, compiled once here (BOOST_ASIO_SEPARATE_COMPILATION): every other file only declares it.
#include <boost/asio/impl/src.hpp>
