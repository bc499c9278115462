#!/bin/sh
# Rotates between two MariaDB users, NAME and NAME_clone: the one that is not in use gets a new
# password, so that what a program read a moment ago stays right until the next rotation.
#
# The secret is JSON as AWS has it: host (a name, or the path of a socket), username, password,
# masterarn, and where it is not 3306 port. masterarn names the secret of an administrator on the
# same server; the rotation may read it only if --rotation-allow-read says so. Needs mariadb and
# mariadb-admin. MARIADB_DEFAULTS_FILE, given with --rotation-env, names a file with more options
# for them, such as ssl-ca. Not for MySQL, which it refuses.
#
# The clone gets the privileges of NAME whenever it gets a password. What is revoked from NAME is not
# revoked from the clone.

create_secret() {
    value=$(current_value)
    user=$(member "$value" username)
    user=$(other_user "$user")
    must_be_word "$user"
    password=$(random_password)
    value=$(replaced "$value" username "$user")
    value=$(replaced "$value" password "$password")
    keep "$value"
}

set_secret() {
    current=$(current_value)
    pending=$(pending_value)
    must_need_password "$pending"
    if logs_in "$pending"; then return; fi
    must_agree "$current" "$pending" host port masterarn
    was=$(member "$current" username)
    next=$(member "$pending" username)
    [ "$next" = "$(other_user "$was")" ] || fail "$next is not the other user of $was"
    must_be_word "$next"
    logs_in "$current" || fail "$problem"
    # The part of the account's name that says from where it may log in.
    from=$(printf 'SELECT CURRENT_USER();\n' | sql)
    from=${from##*@}
    must_be_word "$from"

    admin=$(member "$current" masterarn)
    admin=$(value_of "$admin") ||
        fail "the rotation may not read the administrator: see --rotation-allow-read" 78
    must_agree "$admin" "$pending" host port
    logs_in "$admin" || fail "$problem"
    must_be_mariadb
    case $next in
    *_clone) make_clone "${next%_clone}" ;;
    esac
    new=$(member "$pending" password)
    new=$(native_hash "$new")
    run "SET PASSWORD FOR '$next'@'$from' = '$new';"
    logs_in "$pending" || fail "$problem"
}

test_secret() {
    pending=$(pending_value)
    logs_in "$pending" || fail "$problem"
}

finish_secret() {
    move_label
}

other_user() {
    case $1 in
    *_clone) printf '%s' "${1%_clone}" ;;
    *) printf '%s' "${1}_clone" ;;
    esac
}

# make_clone NAME: an account with the same privileges. The password comes last, so that an account
# that logs in is complete; no password has a hash of zeros.
make_clone() {
    none=*0000000000000000000000000000000000000000
    run "CREATE USER IF NOT EXISTS '$next'@'$from' IDENTIFIED BY PASSWORD '$none';"
    grants=$(printf "SHOW GRANTS FOR '%s'@'%s';\n" "$1" "$from" | sql)
    grants=$(printf '%s\n' "$grants" | sed \
        -e "s/ IDENTIFIED BY PASSWORD '[^']*'//" -e "s/ IDENTIFIED VIA .*//" \
        -e "s/ \(TO\|FOR\) \`$1\`@\`$from\`/ \1 '$next'@'$from'/" -e 's/$/;/')
    run "$grants"
}

run() {
    problem=$(printf '%s\n' "$1" | sql 2>&1) || fail "$problem"
}

# must_be_word TEXT: what stands between quotes as it is.
must_be_word() {
    case $1 in
    '' | *[!A-Za-z0-9_.%:-]*) fail "a user or host has a character that is not supported: $1" 78 ;;
    esac
    [ "${#1}" -le 80 ] || fail "the name $1 is too long" 78
}
