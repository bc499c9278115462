#!/bin/sh
# Rotates the password of one user in a password file of Apache or nginx.
#
# The secret is JSON: username, password. HTPASSWD_FILE, given with --rotation-env, names the file;
# --rotation-grant write=PATH allows to change its directory, where the new file is made.
# Where HTPASSWD_URL is given too, a page that needs the password, testSecret also asks the server
# for it. Needs htpasswd, and curl for the page.
#
# Between setSecret and finishSecret the file has the new password and AWSCURRENT the old one.

create_secret() {
    value=$(current_value)
    password=$(random_password)
    value=$(replaced "$value" password "$password")
    keep "$value"
}

set_secret() {
    current=$(current_value)
    pending=$(pending_value)
    must_agree "$current" "$pending" username
    read_login "$pending"
    if verifies; then return; fi
    # htpasswd writes in place: a reader could see half a file.
    cp -p -- "$file" "$file.new"
    problem=$(printf '%s' "$password" | htpasswd -i -B -C 10 "$file.new" "$user" 2>&1) ||
        fail "$problem"
    sync "$file.new"
    mv -- "$file.new" "$file"
    verifies || fail "$problem"
}

test_secret() {
    pending=$(pending_value)
    read_login "$pending"
    verifies || fail "$problem"
    [ -n "${HTPASSWD_URL-}" ] || return 0
    # curl reads its settings from standard input, the password among them.
    quoted=$(printf '%s' "$password" | sed 's/[\\"]/\\&/g')
    problem=$(printf 'user = "%s:%s"\n' "$user" "$quoted" |
        curl --config - --silent --show-error --fail --max-time 30 --output /dev/null \
            -- "$HTPASSWD_URL" 2>&1) || fail "$problem"
}

finish_secret() {
    move_label
}

read_login() {
    file=${HTPASSWD_FILE-}
    [ -f "$file" ] || fail "HTPASSWD_FILE names no file: --rotation-env HTPASSWD_FILE=PATH" 78
    user=$(member "$1" username)
    password=$(member "$1" password)
    must_be_one_line "$password"
    case $user in
    '' | -* | *:* | *[\"\\]*) fail "the user name $user is not supported" 78 ;;
    esac
}

# Whether the file has this user with this password.
verifies() {
    problem=$(printf '%s' "$password" | htpasswd -v -i "$file" "$user" 2>&1)
}
