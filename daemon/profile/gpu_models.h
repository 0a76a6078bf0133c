// Models of GPUs by their PCI id, and which of them a profile wants.
#pragma once

#include "profile/profile.h"

namespace fettle::profile {

// Nothing for a device that the table does not know.
const GpuModel* model_of(unsigned pci_device, const Profile& profile);

// The same for a GPU of the family that the profile asks for; nothing for others.
const GpuModel* wanted_model(unsigned pci_device, const Profile& profile);

}  // namespace fettle::profile
