#!/usr/bin/env bash
# Ends the Slurm that start.sh began: test/cluster/stop.sh FOLDER
folder=$(realpath -m "$1")
export SLURM_CONF="$folder/slurm.conf"
scancel --user=root 2>/dev/null
for pid in "$folder"/slurmd-*.pid "$folder"/slurmctld.pid "$folder"/munge/pid; do
  [ -f "$pid" ] && kill "$(cat "$pid")" 2>/dev/null
done
sleep 0.5
pkill -9 -f "$folder/" 2>/dev/null
true
