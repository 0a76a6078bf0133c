#!/bin/sh
# The units as systemd sees them, without a running systemd: no complaint of `systemd-analyze verify`, and no service
# more exposed than its threshold. Ends with `N passed, N failed, N skipped`.
# usage: units_test.sh DIRECTORY_OF_UNITS
set -eu

units=$(cd "$1" && pwd)
if ! command -v systemd-analyze >/dev/null; then
  echo "skipped: verify and exposure of the units: no systemd-analyze (package systemd)"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
fi
version=$(systemd-analyze --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p')

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# A root with the units of this machine, ours, and something to execute for each ExecStart=.
mkdir -p "$scratch/usr/lib/systemd/system" "$scratch/usr/bin" "$scratch/usr/libexec/fettle"
for directory in /usr/lib/systemd/system /lib/systemd/system; do
  if [ -d "$directory" ]; then cp -a "$directory/." "$scratch/usr/lib/systemd/system/"; fi
done
cp "$units"/*.service "$units"/*.socket "$units"/*.target "$units"/*.mount "$units"/*.slice "$units"/*.timer \
  "$scratch/usr/lib/systemd/system/"
for program in usr/bin/fettle usr/libexec/fettle/fettled; do
  printf '#!/bin/sh\n' >"$scratch/$program"
  chmod +x "$scratch/$program"
done

passed=0
failed=0
count() {
  if [ "$1" = ok ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
  echo "$1: $2"
}
complaints=$(systemd-analyze verify --root="$scratch" --man=no \
  fettle-cache.target fettle-cache.service fettle-provision.service srv-fettle.mount \
  fettled.service fettle-status.socket fettle-control.socket fettle-stage@example.service \
  fettle-gpu.target fettle-shelf@example.target fettle-collect.timer fettle-collect.service \
  fettle-trim.timer fettle-trim.service fettle-engine.service fettle-images.timer fettle-images.service 2>&1 | grep -i fettle || true)
# Ubuntu 24.04 has systemd 255. Older ones ignore these three, and say so.
if [ "$version" -lt 254 ]; then
  complaints=$(printf '%s\n' "$complaints" |
    grep -v -e "Unknown key.*'Restart\(Steps\|MaxDelaySec\)'" -e 'service type, ignoring: notify-reload' || true)
fi
if [ -n "$complaints" ]; then
  count failed "systemd-analyze verify: $complaints"
else
  count ok "systemd-analyze verify"
fi

# Exposure in tenths: 0 is a locked room, 100 a service without any confinement.
check() {
  if systemd-analyze security --offline=true --no-pager --threshold="$2" "$units/$1" >"$scratch/report" 2>&1; then
    count ok "$1: $(tail -n 1 "$scratch/report")"
  else
    count failed "$1: more than $2 tenths: $(tail -n 1 "$scratch/report")"
  fi
}
check fettled.service 10
check fettle-stage@.service 20
check fettle-provision.service 30
check fettle-cache.service 30
check fettle-collect.service 30
check fettle-trim.service 30
check fettle-engine.service 20
check fettle-images.service 20
check fettle-wait-gpu.service 20
check fettle-wait-shelf@.service 20

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
