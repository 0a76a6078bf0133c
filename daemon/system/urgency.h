// Urgency: how a thread of ours stands against the work that the node is for.
#pragma once

namespace fettle::system {

// idle: processor and drives only when nobody else wants them (nice 19, I/O class idle). The scheduler
// "none", which NVMe drives have, does not know I/O classes: there only a rate protects the others.
enum class Urgency { normal, idle };

// For the calling thread, until its end. Asking for less is always allowed, so nothing is reported.
void set_urgency(Urgency urgency);

}  // namespace fettle::system
