#!/bin/sh
# Rotates between two PostgreSQL users, NAME and NAME_clone: the one that is not in use gets a new
# password, so that what a program read a moment ago stays right until the next rotation.
#
# The secret is JSON as AWS has it: host (a name, or the directory of a socket), username, password,
# masterarn, and where they differ from the usual port and dbname. masterarn names the secret of an
# administrator on the same server; the rotation may read it only if --rotation-allow-read says so.
# Needs psql and pg_isready. Whatever else libpq reads can be given with --rotation-env, such as
# PGSSLMODE=verify-full.
#
# The clone is made a member of NAME, so it may do what NAME may. What it creates belongs to it: let
# programs SET ROLE to NAME, or change the default privileges, if the other user is to see it.

create_secret() {
    value=$(current_value)
    user=$(member "$value" username)
    user=$(other_user "$user")
    # A longer name would be cut off by the server.
    [ "${#user}" -le 63 ] || fail "the name $user is too long" 78
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
    user=$(member "$pending" username)
    [ "$user" = "$(other_user "$was")" ] || fail "$user is not the other user of $was"
    logs_in "$current" || fail "$problem"

    admin=$(member "$current" masterarn)
    admin=$(value_of "$admin") ||
        fail "the rotation may not read the administrator: see --rotation-allow-read" 78
    must_agree "$admin" "$pending" host port
    logs_in "$admin" || fail "$problem"
    case $user in
    *_clone) make_member "$user" "${user%_clone}" ;;
    esac
    # A name between quotes, in which psql doubles a quote.
    change_password "$pending" "\\password \"$(printf '%s' "$user" | sed 's/"/""/g')\""
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

# make_member CLONE NAME: a role without a password cannot log in yet.
make_member() {
    problem=$(sql -v clone="$1" -v name="$2" 2>&1 >/dev/null <<'SQL'
SET client_min_messages = warning;
SELECT NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'clone') AS missing \gset
\if :missing
CREATE ROLE :"clone" LOGIN;
\endif
GRANT :"name" TO :"clone";
SQL
    ) || fail "$problem"
}
