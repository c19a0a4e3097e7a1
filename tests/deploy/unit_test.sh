#!/usr/bin/env bash
# The systemd unit is one that systemd accepts without a word, leaves little exposed, and lets io_uring through.
set -euo pipefail
unit_file=$(dirname "$0")/../../deploy/systemd/fanfare.service
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
fail() { echo "FAILED: $*"; exit 1; }

# Neither the program nor its manual need be installed here; everything else is verified as it stands.
sed 's#^ExecStart=/usr/bin/fanfare #ExecStart=/bin/true #' "$unit_file" >"$folder/fanfare.service"
cp "${unit_file%.service}.socket" "$folder/"
said=$(systemd-analyze verify --man=no "$folder/fanfare.service" "$folder/fanfare.socket" 2>&1) || fail "verify: $said"
[ -z "$said" ] || fail "verify is not silent: $said"

# Exposure from 0 (nothing) to 100; an unhardened unit has 96.
systemd-analyze security --offline=true --threshold=20 "$folder/fanfare.service" >"$folder/security" ||
  fail "too much is exposed: $(tail -n 1 "$folder/security")"

# What the filter lets through, by systemd's own groups: io_uring is in @aio, and @system-service holds that.
allowed=$(systemd-analyze syscall-filter @system-service @aio)
for call in io_uring_setup io_uring_enter io_uring_register; do
  grep -qw "$call" <<<"$allowed" || fail "$call is not in systemd's @aio"
done
grep -qw "@aio" <<<"$(systemd-analyze syscall-filter @system-service)" || fail "@system-service has no @aio"
grep -q '^SystemCallFilter=@system-service$' "$unit_file" || fail "the filter is not built on @system-service"
# It is in @ipc, which the unit takes away. prove-package shows that an upgrade works there.
grep -q '^SystemCallFilter=memfd_create$' "$unit_file" || fail "no upgrade could hand the log over"

# In a user namespace of its own every publisher looks like nobody, and ingest_users could let none in.
! grep -q '^PrivateUsers=yes' "$unit_file" || fail "PrivateUsers hides who publishes"

# What the broker reports and when systemd gives up on it; the socket's address is the configuration's.
grep -q '^Type=notify$' "$unit_file" || fail "systemd does not know when it serves"
grep -q '^WatchdogSec=' "$unit_file" || fail "a broker that hangs goes on hanging"
socket_file=${unit_file%.service}.socket
listen=$(sed -n 's/^http = \["\(.*\)"\].*/\1/p' "$(dirname "$0")/../../broker.toml")
grep -qx "ListenStream=$listen" "$socket_file" || fail "fanfare.socket listens elsewhere than broker.toml's $listen"
grep -qx 'ListenStream=/run/fanfare/ingest.sock' "$socket_file" || fail "fanfare.socket has another ingest socket"
! grep -q '^Accept=yes' "$socket_file" || fail "the broker takes listeners, not connections"
grep -q '^LimitMEMLOCK=infinity$' "$unit_file" || fail "rings are locked memory; LimitMEMLOCK bounds them"
echo "the unit is sound: $(tail -n 1 "$folder/security")"
