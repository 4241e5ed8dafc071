#!/usr/bin/env bash
# Submit a sweep to a running Ray cluster: submit.sh STUDY OUT [further options of `prunefront run`]
# The driver runs on the cluster, so this terminal may close. OUT is a folder that every node sees.
#   RAY_API_SERVER_ADDRESS  the cluster's dashboard, default http://127.0.0.1:8265 (open it with: ray dashboard ray-cluster.yaml)
set -euo pipefail
[ $# -ge 2 ] || { echo "usage: submit.sh STUDY OUT [options of prunefront run]" >&2; exit 2; }
study=$1 out=$2
shift 2
export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0
command -v ray >/dev/null || { echo "submit.sh: no 'ray' on the PATH; activate the virtual environment first" >&2; exit 2; }
umask 077 # Ray leaves the token's file as the umask says
ray get-auth-token --generate >/dev/null
[ ! -f ~/.ray/auth_token ] || chmod 600 ~/.ray/auth_token
exec ray job submit --address "${RAY_API_SERVER_ADDRESS:-http://127.0.0.1:8265}" --no-wait -- \
  prunefront run "$study" --out "$out" --address auto "$@"
