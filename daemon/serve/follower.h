// Follower: a client of /v1/events that stays: every event is sent to it as it comes (server-sent events,
// WHATWG HTML 9.2). It keeps its seat in the budget, and loses it when it reads too slowly.
#pragma once

#include <boost/asio/local/stream_protocol.hpp>
#include <cstdint>
#include <memory>

#include "serve/core.h"

namespace fettle::serve {

// Takes the socket over. Sends the kept events whose id is above `after`, then all that come.
void start_follower(std::shared_ptr<Server::Core> core, boost::asio::local::stream_protocol::socket socket,
                    Seat seat, std::int64_t after);

}  // namespace fettle::serve
