
# ---- What every rotator does: the event, the guards of AWS's templates, the four steps. ----

# fail TEXT [CODE]: ends the step. 75 tells Strongroom to try again soon, 78 that somebody has to
# mend the settings first; after anything else it waits longer each time.
fail() {
    printf '%s\n' "$1" >&2
    exit "${2:-1}"
}

# member JSON NAME [DEFAULT]: prints a member of a JSON object.
member() {
    printf '%s' "$1" | strongroom json get "$2" ${3+--default "$3"} || exit 78
}

# replaced JSON NAME TEXT: prints the object with another text in a member.
replaced() {
    printf '%s\n%s' "$1" "$3" | strongroom json set "$2" || exit 78
}

# value_of SECRET OPTION...: prints the value of a version.
value_of() {
    strongroom get-secret-value --query SecretString --output text --secret-id "$@"
}

current_value() {
    value_of "$secret" --version-stage AWSCURRENT
}

pending_value() {
    value_of "$secret" --version-id "$token" --version-stage AWSPENDING
}

# Prints nothing where there was no version before the current one.
previous_value() {
    value_of "$secret" --version-stage AWSPREVIOUS 2>/dev/null || :
}

random_password() {
    strongroom get-random-password --password-length "${PASSWORD_LENGTH:-32}" \
        --exclude-characters "${EXCLUDE_CHARACTERS-/@\"\'\\}" \
        --query RandomPassword --output text
}

# keep VALUE: stores the pending value. It is never replaced: the server may know it already.
keep() {
    printf '%s' "$1" | strongroom put-secret-value --secret-id "$secret" \
        --client-request-token "$token" --version-stages AWSPENDING \
        --secret-string file:///dev/stdin >/dev/null
}

# has_pending_value: whether createSecret got this far before.
has_pending_value() {
    if problem=$(pending_value 2>&1 >/dev/null); then return 0; fi
    case $problem in
    *ResourceNotFoundException*) return 1 ;;
    *) fail "$problem" ;;
    esac
}

# must_agree VALUE VALUE NAME...: whoever may edit the secret must not point us at another server
# or user. A port that is not given is the usual one, any other member empty.
must_agree() {
    one=$1 other=$2
    shift 2
    for name; do
        usual=
        [ "$name" != port ] || usual=$usual_port
        this=$(member "$one" "$name" "$usual")
        that=$(member "$other" "$name" "$usual")
        [ "$this" = "$that" ] || fail "two values that belong together differ in $name"
    done
}

# must_be_one_line TEXT: what is passed on a line of its own must not have two.
must_be_one_line() {
    case $1 in
    *"$newline"*) fail "the password has more than one line" 78 ;;
    esac
}

newline='
'

move_label() {
    holder=$(strongroom get-secret-value --secret-id "$secret" --version-stage AWSCURRENT \
        --query VersionId --output text)
    strongroom update-secret-version-stage --secret-id "$secret" --version-stage AWSCURRENT \
        --move-to-version-id "$token" --remove-from-version-id "$holder" >/dev/null
}

set -eu
umask 077
# Bytes, whatever the language of the machine.
LC_ALL=C
export LC_ALL

event=$(cat)
step=$(member "$event" Step)
secret=$(member "$event" SecretId)
token=$(member "$event" ClientRequestToken)

state=$(strongroom describe-secret --secret-id "$secret" --output text \
    --query "join(' ', [to_string(RotationEnabled), VersionIdsToStages.\"$token\" || ['']][])")
case "$state " in
*" AWSCURRENT "*) exit 0 ;; # the rotation is over
true*" AWSPENDING "*) ;;
true*) fail "version $token has no label AWSPENDING" ;;
*) fail "rotation of $secret is not enabled" 78 ;;
esac

case $step in
createSecret) has_pending_value || create_secret ;;
setSecret) set_secret ;;
testSecret) test_secret ;;
finishSecret) finish_secret ;;
*) fail "there is no step $step" 78 ;;
esac
