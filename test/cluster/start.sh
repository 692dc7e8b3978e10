#!/usr/bin/env bash
# Starts a Slurm of three nodes on this machine, as root, without systemd: test/cluster/start.sh FOLDER [PORT]
# Then: export SLURM_CONF=FOLDER/slurm.conf. test/cluster/stop.sh FOLDER ends it.
# Made for tests: timeouts are short, memory is not counted.
set -euo pipefail
folder=$(realpath -m "$1")
port=${2:-$((20000 + RANDOM % 20000))}
host=$(hostname -s)
mkdir -p "$folder"/{munge,state,log}
chmod 755 "$folder"
head -c 1024 /dev/urandom >"$folder/munge/key"
chmod 400 "$folder/munge/key"
cat >"$folder/slurm.conf" <<CONF
ClusterName=layerwise
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket,cred_expire=5
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool-%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd-%n.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd-%n.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=2,bf_interval=2
SlurmdParameters=config_overrides
SlurmdTimeout=8
MessageTimeout=5
KillWait=2
MinJobAge=5
ReturnToService=2
NodeName=n[1-3] NodeHostname=$host NodeAddr=127.0.0.1 Port=[$((port + 1))-$((port + 3))] CPUs=2
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
munged --force --key-file="$folder/munge/key" --socket="$folder/munge/socket" --pid-file="$folder/munge/pid" \
  --log-file="$folder/munge/log" --seed-file="$folder/munge/seed"
export SLURM_CONF="$folder/slurm.conf"
slurmctld
for node in n1 n2 n3; do
  mkdir -p "$folder/spool-$node"
  slurmd -N "$node"
done
for _ in $(seq 100); do
  if [ "$(sinfo --noheader --format '%D %t' 2>/dev/null)" = "3 idle" ]; then exit 0; fi
  sleep 0.1
done
echo "The nodes did not come up; see $folder/log." >&2
exit 1
