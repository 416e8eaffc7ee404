# Keeps a throw-away cluster: makes it, starts it on the ports it is told until one is free, and removes it when its
# standard input ends. It is a process of its own because a chore can be killed. The system then closes the chore's end
# of the pipe, whatever the cause, and nothing is left behind.
#
# Arguments: the folder of PostgreSQL's programs; `on` or `off` for fsync.
# Standard input: the superuser's password, then ports.
# Standard output: `made`, then for each port `ready` or `refused`.
set -eu
# What goes wrong is told in one language.
export LC_ALL=C
programs=$1 fsync=$2
IFS= read -r password

folder=$(mktemp -d "${TMPDIR:-/tmp}/regcred-postgres.XXXXXX")
data=$folder/data
log=$folder/log
remove() {
    # The data is thrown away, so it need not be brought in order first.
    "$programs/pg_ctl" stop --pgdata "$data" --mode immediate >/dev/null 2>&1 || true
    rm -rf "$folder"
}
trap remove EXIT
# A shell that dies of a signal does not get to the above; PIPE is what an answer meets that nobody waits for any more.
trap 'exit 1' HUP INT PIPE TERM

printf '%s\n' "$password" >"$folder/password"
sync=
[ "$fsync" = on ] || sync=--no-sync
"$programs/initdb" --pgdata "$data" --encoding UTF8 --locale C --username regcred --pwfile "$folder/password" \
    --auth scram-sha-256 --no-instructions $sync >"$folder/initdb.log" 2>&1 || {
    cat "$folder/initdb.log" >&2
    exit 1
}
cat >>"$data/postgresql.conf" <<END
listen_addresses = '127.0.0.1'
unix_socket_directories = '$folder'
max_connections = 300
fsync = $fsync
END
echo made

while IFS= read -r port; do
    if "$programs/pg_ctl" start --pgdata "$data" --log "$log" --options "-c port=$port" --wait --silent >&2; then
        echo ready
    else
        cat "$log" >&2
        echo refused
    fi
done
