# Runs the program on a database of PostgreSQL of its own where it would have a data directory, so that a test need not know
# of either. The directory keeps the key and the database's URL; both are made when it is first named.
#
# Arguments: the program and its arguments. REGCRED_TEST_POSTGRES is the URL of a superuser.
set -eu
server=$REGCRED_TEST_POSTGRES
unset REGCRED_TEST_POSTGRES
program=$1
shift

data= kek=${REGCRED_KEK:+given}
left=$#
while [ "$left" -gt 0 ]; do
    argument=$1
    shift
    left=$((left - 1))
    case $argument in
    --data-dir)
        data=$1
        shift
        left=$((left - 1))
        continue
        ;;
    --kek-file) kek=given ;;
    esac
    set -- "$@" "$argument"
done
[ -n "$data" ] || exec "$program" "$@"

if [ ! -e "$data/database-url" ]; then
    mkdir -p -m 700 "$data"
    name=service_$(od -A n -N 8 -t x1 /dev/urandom | tr -d ' \n')
    psql --quiet --no-psqlrc --dbname "$server" --command "CREATE DATABASE $name TEMPLATE template0"
    (umask 377 && head -c 32 /dev/urandom | base64 >"$data/kek")
    printf '%s\n' "${server%/*}/$name" >"$data/database-url"
fi
[ -n "$kek" ] || set -- "$@" --kek-file "$data/kek"
REGCRED_DATABASE_URL=$(cat "$data/database-url")
export REGCRED_DATABASE_URL
exec "$program" "$@"
