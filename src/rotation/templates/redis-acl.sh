#!/bin/sh
# Rotates the password of one user of Redis' access lists.
#
# The secret is JSON: host (a name, or the path of a socket), username, password, masterarn, and
# where it is not 6379 port. masterarn names the secret of a user who may run ACL; the rotation may
# read it only if --rotation-allow-read says so. Needs redis-cli 6 or later; REDIS_OPTIONS, given
# with --rotation-env, are more options for it, such as "--tls --cacert /etc/redis/ca.pem".
#
# Two passwords are valid at any time, as with AWS's rotator for ElastiCache: setSecret makes it the
# new one and the current one. The one before it goes, so a password is refused from the second
# rotation after it on. The server gets hashes only. Other passwords of the user are dropped.

create_secret() {
    value=$(current_value)
    password=$(random_password)
    value=$(replaced "$value" password "$password")
    keep "$value"
}

set_secret() {
    current=$(current_value)
    pending=$(pending_value)
    must_agree "$current" "$pending" host port username masterarn
    admin=$(member "$current" masterarn)
    admin=$(value_of "$admin") ||
        fail "the rotation may not read the administrator: see --rotation-allow-read" 78
    must_agree "$admin" "$pending" host port
    user=$(member "$pending" username)
    must_be_word "$user"
    new=$(hash_of "$pending")
    old=$(hash_of "$current")

    connect "$admin"
    logs_in || fail "$answer"
    # SETUSER would make a user that is not there.
    ask "ACL GETUSER $user"
    case $answer in
    flags*) ;;
    *) fail "the administrator sees no user $user in Redis: $answer" 78 ;;
    esac
    ask "ACL SETUSER $user resetpass #$new #$old"
    [ "$answer" = OK ] || fail "ACL SETUSER: $answer"
    # Or else the change is forgotten when the server ends. Where the users have no file of their
    # own, the file of the settings has them.
    ask "ACL SAVE"
    [ "$answer" = OK ] || ask "CONFIG REWRITE"
    [ "$answer" = OK ] || fail "Redis has no file to keep its users in: $answer" 78
}

test_secret() {
    pending=$(pending_value)
    connect "$pending"
    logs_in || fail "$answer"
}

finish_secret() {
    move_label
}

usual_port=6379

# connect VALUE: whom redis-cli talks to, and as whom.
connect() {
    host=$(member "$1" host)
    port=$(member "$1" port "$usual_port")
    login=$(member "$1" username)
    password=$(member "$1" password) || exit
    must_be_word "$login"
    must_be_one_line "$password"
    # Between quotes, as redis-cli reads its commands.
    password=$(printf '%s' "$password" | sed 's/[\\"]/\\&/g')
    case $host in
    /*) set -- -s "$host" ;;
    *) set -- -h "$host" -p "$port" ;;
    esac
    server="$*"
    case $host$port in
    *[!A-Za-z0-9_.:/-]*) fail "no address has all the characters of $host $port" 78 ;;
    esac
}

# ask COMMAND...: logs in and leaves the answer in $answer. redis-cli ends well when a command
# fails, so only the answer counts.
ask() {
    answer=$({
        printf 'AUTH %s "%s"\n' "$login" "$password"
        printf '%s\n' "$@"
    } | redis-cli ${REDIS_OPTIONS-} $server 2>/dev/null) || :
    case $answer in
    '') fail "Redis does not answer at $host" 75 ;;
    LOADING* | "ERR max number of clients"*) fail "$answer" 75 ;;
    OK"$newline"*) answer=${answer#OK"$newline"} ;;
    esac
}

# Whether the server takes the password; a PING could be answered without one.
logs_in() {
    ask
    [ "$answer" = OK ]
}

# must_be_word TEXT: what goes into a command as it is.
must_be_word() {
    case $1 in
    '' | *[!A-Za-z0-9_.@:-]*) fail "a user name has a character that is not supported: $1" 78 ;;
    esac
}

hash_of() {
    word=$(member "$1" password) || exit
    if command -v sha256sum >/dev/null; then
        printf '%s' "$word" | sha256sum
    else
        printf '%s' "$word" | shasum -a 256
    fi | cut -c1-64
}
