#!/bin/bash
# Starts a RadosGW with one monitor and one OSD in memory, on loopback only, or stops it again. Needs root and Debian's
# radosgw, ceph-mon, ceph-osd, ceph-common and curl. The user is testkey/testsecret. It stops by itself when the process that
# started it has gone.
#   radosgw.sh start DIRECTORY S3-PORT MONITOR-PORT
#   radosgw.sh stop DIRECTORY
#   radosgw.sh requests DIRECTORY     how many it was sent since its start, as JSON
set -euo pipefail

stop() {
  # A polite TERM takes the gateway eight seconds, and there is nothing to save.
  for file in "$1"/run/*.pid; do
    [ -e "$file" ] && kill -9 "$(cat "$file")" 2>/dev/null || true
  done
  rm -rf "$1"
}

configuration() {
  local directory=$1 port=$2 monitor=$3
  # Without the two paxos lines each pool waits a second for its creation; without tcp_nodelay each reply waits 40 ms.
  cat <<END
[global]
fsid = $fsid
mon_initial_members = a
mon_host = [v2:127.0.0.1:$monitor/0]
public_network = 127.0.0.0/8
cluster_network = 127.0.0.0/8
keyring = $directory/keyring
run_dir = $directory/run
admin_socket = $directory/run/\$name.asok
pid_file = $directory/run/\$name.pid
log_file = $directory/log/\$name.log
crash_dir = $directory/run
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 8
osd_pool_default_pgp_num = 8
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
mon_data_avail_warn = 2
mon_data_avail_crit = 1
paxos_propose_interval = 0.05
paxos_min_wait = 0.01
auth_allow_insecure_global_id_reclaim = false
[mon.a]
mon_data = $directory/mon
[osd]
osd_data = $directory/osd
osd_objectstore = memstore
memstore_device_bytes = 8589934592
osd_class_update_on_start = false
[client.rgw.a]
rgw_data = $directory/rgw
rgw_frontends = beast endpoint=127.0.0.1:$port tcp_nodelay=1
rgw_thread_pool_size = 64
rgw_enable_usage_log = false
rgw_enable_ops_log = false
rgw_gc_obj_min_wait = 1
rgw_gc_processor_period = 5
rgw_gc_processor_max_time = 5
END
}

start() {
  local directory=$1 port=$2 monitor=$3 fsid osd ceph name
  fsid=$(cat /proc/sys/kernel/random/uuid)
  osd=$(cat /proc/sys/kernel/random/uuid)
  mkdir -p "$directory"/{mon,osd,run,log,rgw}
  configuration "$directory" "$port" "$monitor" >"$directory/ceph.conf"
  ceph=(ceph -c "$directory/ceph.conf" --connect-timeout 20)

  ceph-authtool --create-keyring "$directory/keyring" --gen-key -n mon. --cap mon 'allow *'
  for name in client.admin client.rgw.a; do
    ceph-authtool "$directory/keyring" --gen-key -n "$name" --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'
  done
  ceph-authtool "$directory/keyring" --gen-key -n osd.0 --cap mon 'allow profile osd' --cap osd 'allow *' --cap mgr 'allow profile osd'

  monmaptool --create --fsid "$fsid" --enable-all-features --addv a "[v2:127.0.0.1:$monitor]" "$directory/monmap"
  ceph-mon -i a -c "$directory/ceph.conf" --mkfs --monmap "$directory/monmap" --keyring "$directory/keyring"
  ceph-mon -i a -c "$directory/ceph.conf"

  # The same id for the monitor and the OSD's disk, or the OSD stays down without a word.
  "${ceph[@]}" osd new "$osd" 0
  "${ceph[@]}" osd crush add osd.0 1.0 root=default host="$(hostname -s)"
  ceph-osd -i 0 -c "$directory/ceph.conf" --mkfs --osd-uuid "$osd"
  ceph-osd -i 0 -c "$directory/ceph.conf"

  radosgw -c "$directory/ceph.conf" -n client.rgw.a
  for _ in $(seq 1 600); do
    curl -sf -o "$directory/probe" "http://127.0.0.1:$port/" && break
    sleep 0.1
  done
  radosgw-admin -c "$directory/ceph.conf" -n client.rgw.a user create --uid=test --display-name=test \
    --access-key=testkey --secret-key=testsecret --max-buckets=10000
  # Has no bucket of its own; what it may do a bucket's policy says.
  radosgw-admin -c "$directory/ceph.conf" -n client.rgw.a user create --uid=ckf-backup --display-name=ckf-backup \
    --access-key=backupkey --secret-key=backupsecret
  watch "$directory" "$PPID" </dev/null >/dev/null 2>&1 &
}

# By their ids, since whoever started them may have taken the directory away, or started the next ones in it.
watch() {
  local file pids=()
  for file in "$1"/run/*.pid; do pids+=("$(cat "$file")"); done
  while kill -0 "$2"; do
    kill -0 "${pids[@]}" || exit 0
    sleep 1
  done
  kill -9 "${pids[@]}" || true
  rm -rf "$1"
}

requests() {
  ceph --admin-daemon "$1/run/client.rgw.a.asok" perf dump rgw req
}

action=$1
shift
"$action" "$@"
