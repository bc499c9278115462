
usual_port=3306

# connect VALUE: whom the client talks to, and as whom.
connect() {
    host=$(member "$1" host) || exit
    port=$(member "$1" port "$usual_port") || exit
    user=$(member "$1" username) || exit
    login=$(member "$1" password) || exit
}

# client PROGRAM OPTION...: the password is in the environment of this one program.
client() {
    program=$1
    shift
    case $host in
    /*) set -- --protocol=socket --socket="$host" "$@" ;;
    *) set -- --protocol=tcp --host="$host" --port="$port" "$@" ;;
    esac
    # Without the settings of whoever runs this: they may hold another password.
    if [ -n "${MARIADB_DEFAULTS_FILE-}" ]; then
        set -- --defaults-file="$MARIADB_DEFAULTS_FILE" "$@"
    else
        set -- --no-defaults "$@"
    fi
    MYSQL_PWD=$login "$program" "$@" --user="$user" --connect-timeout=10
}

# sql: runs what is on standard input.
sql() {
    client mariadb --batch --skip-column-names --default-character-set=utf8mb4
}

# logs_in VALUE: whether the server takes this password; a server that is away is no answer.
logs_in() {
    connect "$1"
    if problem=$(printf 'SELECT 1;\n' | sql 2>&1 >/dev/null); then return 0; fi
    # It is alive too when it refuses the user.
    client mariadb-admin ping >/dev/null 2>&1 || fail "$problem" 75
    return 1
}

# must_need_password VALUE: where everybody gets in, a login shows nothing.
must_need_password() {
    connect "$1"
    if (login=; printf 'SELECT 1;\n' | sql) >/dev/null 2>&1; then
        fail "the server lets $user in without a password" 78
    fi
}

# must_be_mariadb: MySQL would take the hash for the password itself.
must_be_mariadb() {
    version=$(printf 'SELECT VERSION();\n' | sql)
    case $version in
    *MariaDB*) ;;
    *) fail "the server is no MariaDB but $version" 78 ;;
    esac
}

# native_hash TEXT: what the server keeps of a password, so that no log of the server has it.
native_hash() {
    once=$(printf '%s' "$1" | sha1)
    twice=$(bytes "$once" | sha1)
    printf '*%s' "$twice" | tr a-f A-F
}

sha1() {
    if command -v sha1sum >/dev/null; then sha1sum; else shasum; fi | cut -c1-40
}

# bytes HEX: prints the bytes of hexadecimal digits.
bytes() {
    digits=$1
    while [ -n "$digits" ]; do
        rest=${digits#??}
        printf "\\$(printf %03o "0x${digits%"$rest"}")"
        digits=$rest
    done
}
