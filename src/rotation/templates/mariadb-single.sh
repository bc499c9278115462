#!/bin/sh
# Rotates the password of one MariaDB user, who changes it himself.
#
# The secret is JSON as AWS has it: host (a name, or the path of a socket), username, password, and
# where it is not 3306 port. The user logs in with mysql_native_password, MariaDB's default. Needs
# mariadb and mariadb-admin. MARIADB_DEFAULTS_FILE, given with --rotation-env, names a file with more
# options for them, such as ssl-ca. Not for MySQL, which it refuses.
#
# Between setSecret and finishSecret the server has the new password and AWSCURRENT the old one:
# programs that read the secret at that moment are refused until they read it again. Sessions that
# are open stay open. mariadb-alternating has no such moment.

create_secret() {
    value=$(current_value)
    password=$(random_password)
    value=$(replaced "$value" password "$password")
    keep "$value"
}

set_secret() {
    pending=$(pending_value)
    must_need_password "$pending"
    if logs_in "$pending"; then return; fi
    current=$(current_value)
    previous=$(previous_value)
    for value in "$current" "$previous"; do
        [ -n "$value" ] || continue
        must_agree "$value" "$pending" host port username
        if logs_in "$value"; then
            must_be_mariadb
            new=$(member "$pending" password)
            new=$(native_hash "$new")
            problem=$(printf "SET PASSWORD = '%s';\n" "$new" | sql 2>&1) || fail "$problem"
            logs_in "$pending" || fail "$problem"
            return
        fi
    done
    fail "$problem"
}

test_secret() {
    pending=$(pending_value)
    logs_in "$pending" || fail "$problem"
}

finish_secret() {
    move_label
}
