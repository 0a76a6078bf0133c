#include "profile/gpu_models.h"

#include <algorithm>

namespace fettle::profile {

const GpuModel* model_of(unsigned pci_device, const Profile& profile) {
  const auto at = std::find_if(profile.gpu_models.begin(), profile.gpu_models.end(),
                               [&](const GpuModel& model) { return model.pci_device == pci_device; });
  return at == profile.gpu_models.end() ? nullptr : &*at;
}

const GpuModel* wanted_model(unsigned pci_device, const Profile& profile) {
  if (!profile.gpus) return nullptr;
  const GpuModel* const model = model_of(pci_device, profile);
  return model != nullptr && model->family == profile.gpus->model ? model : nullptr;
}

}  // namespace fettle::profile
