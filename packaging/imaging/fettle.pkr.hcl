# Adds fettle to an image of yours. The source below is an example for QEMU; take the plugin of your cloud instead.
#   packer validate -var base=noble.img -var package=fettle_0.1.0_amd64.deb fettle.pkr.hcl
variable "base" {
  type        = string
  description = "Image to start from."
}

variable "package" {
  type        = string
  description = "The .deb of fettle on this machine."
}

variable "configuration" {
  type        = string
  description = "What every node of this image is wanted to be: becomes /etc/fettle/fettle.yaml."
  default     = "fettle.yaml"
}

source "qemu" "node" {
  iso_url          = var.base
  iso_checksum     = "none"
  disk_image       = true
  format           = "qcow2"
  headless         = true
  ssh_username     = "root"
  shutdown_command = "systemctl poweroff"
}

build {
  sources = ["source.qemu.node"]

  provisioner "file" {
    source      = var.package
    destination = "/tmp/fettle.deb"
  }
  provisioner "shell" {
    inline = ["apt-get update", "apt-get install -y /tmp/fettle.deb", "rm /tmp/fettle.deb"]
  }
  provisioner "file" {
    source      = var.configuration
    destination = "/etc/fettle/fettle.yaml"
  }
  # The last step: what belongs to this machine goes, and an image that would carry it is not made.
  provisioner "shell" {
    inline = [
      "fettle profile check /etc/fettle/fettle.yaml",
      "cloud-init clean --logs",
      "fettle seal",
      "fettle seal --check",
      "rm -f /etc/ssh/ssh_host_* /var/lib/systemd/random-seed",
      "truncate --size 0 /etc/machine-id",
    ]
  }
}
