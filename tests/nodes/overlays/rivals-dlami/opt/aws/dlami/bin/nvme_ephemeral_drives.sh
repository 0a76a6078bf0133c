#!/bin/bash
drives=$(realpath /dev/disk/by-id/nvme*Instance_Storage* | sort -u)
umount $drives
pvcreate -y $drives
vgcreate -y vg.01 $drives
