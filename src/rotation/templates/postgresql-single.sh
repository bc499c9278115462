#!/bin/sh
# Rotates the password of one PostgreSQL user, who changes it himself.
#
# The secret is JSON as AWS has it: host (a name, or the directory of a socket), username, password,
# and where they differ from the usual port and dbname. Needs psql and pg_isready. Whatever else
# libpq reads can be given with --rotation-env, such as PGSSLMODE=verify-full.
#
# Between setSecret and finishSecret the server has the new password and AWSCURRENT the old one:
# programs that read the secret at that moment are refused until they read it again. Sessions that
# are open stay open. postgresql-alternating.sh has no such moment.

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
            change_password "$pending" '\password'
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
