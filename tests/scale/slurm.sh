#!/usr/bin/env bash
# A real Slurm on one machine, for the tests of the engine: munged, slurmctld and slurmd of Debian's packages, on 127.0.0.1 and free ports,
# with configuration, keys, state and logs in one folder. Where it cannot run, one line says why and the exit code is 3.
#
#   tests/scale/slurm.sh install            put the packages on this machine (apt-get), where that is possible
#   tests/scale/slurm.sh start FOLDER       SLURM_CONF=FOLDER/slurm.conf is then what sbatch, squeue and scontrol need
#   tests/scale/slurm.sh stop FOLDER        ends what was started, jobs included
#   tests/scale/slurm.sh slurmd FOLDER start|stop     one daemon alone, to see what becomes of its jobs
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
needs=(munged slurmctld slurmd sbatch)

cannot() {
    echo "no Slurm here: $1"
    exit 3
}

lacking() {
    for name in "${needs[@]}"; do
        command -v "$name" > /dev/null || { echo "$name"; return; }
    done
}

install() {
    if [ -z "$(lacking)" ]; then return; fi
    command -v apt-get > /dev/null || cannot "$(lacking) is not installed, and there is no apt-get"
    [ "$(id -u)" = 0 ] || cannot "$(lacking) is not installed, and apt-get needs root: sudo apt-get install slurm-wlm munge"
    local log; log=$(mktemp)
    { apt-get update && DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 timeout 300 apt-get install -y --no-install-recommends slurm-wlm munge; } \
        > "$log" 2>&1 || cannot "apt-get install slurm-wlm munge failed: $(grep -m1 '^E:' "$log" || tail -n1 "$log")"
    rm -f "$log"
}

free_ports() {
    python3 -c 'import socket
taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(each.getsockname()[1] for each in taken))'
}

configure() {
    local folder=$1 host ports memory
    host=$(hostname -s)
    getent hosts "$host" > /dev/null || cannot "the name of this machine, $host, has no address in /etc/hosts"
    read -r -a ports <<< "$(free_ports)"
    memory=$(slurmd -C | sed -n 's/.*RealMemory=\([0-9]*\).*/\1/p')
    [ -n "$memory" ] || cannot "slurmd -C does not say what this machine has"
    # No accounting, no cgroups: neither is needed to run jobs, and a container often has no right to them.
    cat > "$folder/slurm.conf" <<CONF
ClusterName=specqa
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=${ports[0]}
SlurmdPort=${ports[1]}
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
ReturnToService=2
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
SlurmdTimeout=5
KillWait=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 RealMemory=$memory State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=60 State=UP
CONF
    mkdir -p "$folder/state" "$folder/spool"
    dd if=/dev/urandom of="$folder/munge.key" bs=128 count=1 status=none
    chmod 600 "$folder/munge.key"
}

# Waits for what a command says; sees it within a fifth of a second.
until_says() {
    local wanted=$1 tries=150
    shift
    until "$@" 2> /dev/null | grep -q "$wanted"; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || return 1
        sleep 0.2
    done
}

idle() { until_says 'idle\|mixed\|alloc' sinfo --noheader --format=%T; }

start() {
    local folder=$1 name
    name=$(lacking)
    [ -z "$name" ] || cannot "$name is not installed (Debian: slurm-wlm, munge)"
    mkdir -p "$folder"
    configure "$folder"
    export SLURM_CONF=$folder/slurm.conf
    # --force: the folder of a test is nobody else's, and so closed to others, which munged would only warn of.
    munged --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" --pid-file="$folder/munged.pid" \
        --log-file="$folder/munged.log" --seed-file="$folder/munge.seed" > "$folder/start.log" 2>&1 \
        || cannot "munged does not start: $(tail -n1 "$folder/start.log")"
    slurmctld >> "$folder/start.log" 2>&1 || { stop "$folder"; cannot "slurmctld does not start: $(tail -n1 "$folder/slurmctld.log" "$folder/start.log" | tail -n1)"; }
    slurmd >> "$folder/start.log" 2>&1 || { stop "$folder"; cannot "slurmd does not start: $(tail -n1 "$folder/slurmd.log" "$folder/start.log" | tail -n1)"; }
    idle || { stop "$folder"; cannot "the node does not come up: $(tail -n1 "$folder/slurmd.log")"; }
}

# Ends one daemon in order, and waits until its port and its lock are free.
end() {
    local file=$1 pid tries=100
    [ -s "$file" ] || return 0
    pid=$(cat "$file")
    kill "$pid" 2> /dev/null || return 0
    # What has ended may stay as a zombie until the first process of a container looks after it.
    while grep -qs '^State:[[:space:]]*[^Z]' "/proc/$pid/status" && [ $tries -gt 0 ]; do
        tries=$((tries - 1))
        sleep 0.1
    done
}

stop() {
    local folder=$1
    export SLURM_CONF=$folder/slurm.conf
    timeout 10 scancel --user="$(id -un)" > /dev/null 2>&1 && until_says '^0$' sh -c 'squeue --noheader | wc -l' || true
    # Nobody will ask for the state of this Slurm: slurmctld need not take the five seconds in which it writes it in order.
    local name
    for name in slurmd slurmctld munged; do
        [ ! -s "$folder/$name.pid" ] || kill -KILL "$(cat "$folder/$name.pid")" 2> /dev/null || true
    done
}

slurmd_alone() {
    local folder=$1 what=$2
    export SLURM_CONF=$folder/slurm.conf
    case $what in
        stop) end "$folder/slurmd.pid" ;;
        start) slurmd; idle || cannot "the node does not come back: $(tail -n1 "$folder/slurmd.log")" ;;
    esac
}

case ${1:-} in
    install) install ;;
    start) start "$(realpath -m "$2")" ;;
    stop) stop "$(realpath -m "$2")" ;;
    slurmd) slurmd_alone "$(realpath -m "$2")" "$3" ;;
    *) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
