
usual_port=5432

# connect VALUE: whom psql talks to, and as whom.
connect() {
    PGHOST=$(member "$1" host) || exit
    PGPORT=$(member "$1" port "$usual_port") || exit
    PGUSER=$(member "$1" username) || exit
    PGDATABASE=$(member "$1" dbname postgres) || exit
    login=$(member "$1" password) || exit
    # No other password than ours; from version 16 on, no other proof of identity either.
    PGPASSFILE=/nonexistent
    PGREQUIREAUTH=password,md5,scram-sha-256
    PGCONNECT_TIMEOUT=${PGCONNECT_TIMEOUT:-10}
    PGCLIENTENCODING=UTF8
    export PGHOST PGPORT PGUSER PGDATABASE PGPASSFILE PGREQUIREAUTH PGCONNECT_TIMEOUT PGCLIENTENCODING
}

sql() {
    PGPASSWORD=$login psql -X -q -w -v ON_ERROR_STOP=1 "$@"
}

# logs_in VALUE: whether the server takes this password; a server that is away is no answer.
logs_in() {
    connect "$1"
    if problem=$(sql -c 'SELECT 1' 2>&1 >/dev/null </dev/null); then return 0; fi
    pg_isready -q || fail "$problem" 75
    return 1
}

# must_need_password VALUE: where everybody gets in, a login shows nothing.
must_need_password() {
    connect "$1"
    # Only libpq 16 knows PGREQUIREAUTH, and with it nobody gets in without a password.
    if (unset PGREQUIREAUTH; login=; sql -c 'SELECT 1') >/dev/null 2>&1 </dev/null; then
        fail "the server lets $PGUSER in without a password" 78
    fi
}

# change_password VALUE COMMAND: psql sends a hash only, so that no log of the server has the
# password. Its prompt reads standard input, as there is no terminal.
change_password() {
    new=$(member "$1" password)
    must_be_one_line "$new"
    problem=$(printf '%s\n%s\n' "$new" "$new" | sql -c "$2" 2>&1 >/dev/null) || fail "$problem"
}
