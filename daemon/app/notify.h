// Notify: what systemd is told about the daemon. All of it does nothing when systemd did not start us.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace fettle::app {

// READY=1 and STATUS=: the line that `systemctl status` shows.
void notify_ready(std::string_view status);
void notify_status(std::string_view status);

// RELOADING=1 with the time, as Type=notify-reload wants it (systemd 253); notify_ready() ends it.
void notify_reloading();

void notify_stopping();

// WATCHDOG=1: the event loop runs.
void notify_alive();

// How often systemd wants to hear that; empty = it does not watch.
std::optional<std::chrono::microseconds> watchdog_time();

}  // namespace fettle::app
