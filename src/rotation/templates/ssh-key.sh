#!/bin/sh
# Rotates the key that one user logs in with over SSH.
#
# The secret is JSON: host, username, private_key, public_key, and where it is not 22 port.
# known_hosts holds the line or lines of ~/.ssh/known_hosts for the host; without it that file is
# read, which --rotation-grant read=PATH has to allow. The first key is put on the host by hand, and
# must be allowed to run commands there. Needs ssh and ssh-keygen, and on the host sh, awk and mv.
#
# With --rotation-env: SSH_CONFIG, a file with more settings for ssh; SSH_KEY_TYPE, ed25519 by
# default; AUTHORIZED_KEYS, the file on the host, .ssh/authorized_keys by default.
#
# The new line keeps the options of the one it follows (from=, restrict, and so on), and ends in
# strongroom:SECRET:VERSION. finishSecret moves the label, then removes from the file the keys
# that were current and previous and every other line of this secret; both keys are valid until then.

create_secret() {
    value=$(current_value)
    ssh-keygen -q -t "${SSH_KEY_TYPE:-ed25519}" -N '' -C "strongroom:$secret:$token" \
        -f "$files/new" </dev/null
    private=$(cat "$files/new")
    public=$(cat "$files/new.pub")
    value=$(replaced "$value" private_key "$private$newline")
    value=$(replaced "$value" public_key "$public")
    keep "$value"
}

set_secret() {
    current=$(current_value)
    pending=$(pending_value)
    must_agree "$current" "$pending" host port username known_hosts
    if logs_in "$pending"; then return; fi
    logs_in "$current" || fail "$problem"
    edit_keys add || fail "$problem"
    logs_in "$pending" || fail "$problem"
}

test_secret() {
    pending=$(pending_value)
    logs_in "$pending" || fail "$problem"
}

finish_secret() {
    current=$(current_value)
    previous=$(previous_value)
    pending=$(pending_value)
    logs_in "$pending" || fail "$problem"
    move_label
    edit_keys remove || fail "$problem"
}

# edit_keys add|remove: changes the file on the host, as whoever logged in last.
edit_keys() {
    old=$(member "$current" public_key) || exit
    new=$(member "$pending" public_key) || exit
    older=
    [ -z "${previous-}" ] || older=$(member "$previous" public_key "") || exit
    must_be_one_line "$old$new$older"
    problem=$(printf '%s\n' "$1" "${AUTHORIZED_KEYS:-.ssh/authorized_keys}" "$old" "$new" \
        "strongroom:$secret:" "$older" | remote "$editor" 2>&1 >/dev/null)
}

# What runs on the host. A line is found by its key, not by its comment; the file is replaced at
# once, and never by one without the new key.
editor='
set -eu
umask 077
read -r action; read -r file; read -r old; read -r new; read -r mark
read -r older
export action old new mark older
[ -f "$file" ] || { echo "there is no file $file" >&2; exit 1; }
trap '\''rm -f "$file.strongroom"'\'' EXIT
awk '\''
function key(line, words, count, i) {
    count = split(line, words, /[ \t]+/)
    for (i = 1; i < count; i++)
        if (words[i] ~ /^(ssh|ecdsa|sk)-/ && words[i + 1] ~ /^AAAA/) return words[i] " " words[i + 1]
    return ""
}
BEGIN {
    action = ENVIRON["action"]; new = ENVIRON["new"]; mark = ENVIRON["mark"]
    newkey = key(new); oldkey = key(ENVIRON["old"]); olderkey = key(ENVIRON["older"])
}
{
    here = /^[ \t]*#/ ? "" : key($0)
    if (here != "" && here == newkey) added = 1
    else if (action == "remove" && here != "" \
        && (here == oldkey || here == olderkey || index($0, mark))) next
    if (here != "" && here == oldkey && !found) {
        found = 1
        options = substr($0, 1, index($0, oldkey) - 1)
    }
    print
}
END {
    if (action == "add" && !added) {
        if (!found) { print "the current key is not in the file" > "/dev/stderr"; exit 1 }
        print options new
        added = 1
    }
    if (!added) { print "the new key is not in the file" > "/dev/stderr"; exit 1 }
}
'\'' "$file" >"$file.strongroom"
sync 2>/dev/null || :
mv "$file.strongroom" "$file"
'

usual_port=22

# logs_in VALUE: whether the host takes this key; a host that is away is no answer.
logs_in() {
    host=$(member "$1" host) || exit
    port=$(member "$1" port "$usual_port") || exit
    user=$(member "$1" username) || exit
    hosts=$(member "$1" known_hosts "") || exit
    key=$(member "$1" private_key) || exit
    printf '%s\n' "$key" >"$files/key"
    [ -z "$hosts" ] || printf '%s\n' "$hosts" >"$files/known_hosts"
    if problem=$(remote true 2>&1 >/dev/null </dev/null); then return 0; fi
    case $problem in
    *"Permission denied"*) return 1 ;;
    *"Host key verification failed"*) fail "$problem" 78 ;;
    *) fail "$problem" 75 ;;
    esac
}

# remote COMMAND: with this key and no other, and by no connection that is open already.
remote() {
    [ -n "$hosts" ] && known=$files/known_hosts || known=~/.ssh/known_hosts
    ssh -F "${SSH_CONFIG:-none}" -i "$files/key" -p "$port" -l "$user" -a -x -T \
        -o IdentitiesOnly=yes -o IdentityAgent=none -o PreferredAuthentications=publickey \
        -o BatchMode=yes -o ControlPath=none -o ConnectTimeout=10 -o LogLevel=ERROR \
        -o StrictHostKeyChecking=yes -o UserKnownHostsFile="$known" -- "$host" "$1"
}

files=$(mktemp -d) || exit 75
trap 'rm -rf "$files"' EXIT
