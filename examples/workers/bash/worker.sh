#!/usr/bin/env bash
# A worker in bash, with curl and jq. It runs the kinds of the conformance kit, one job at a time.
#
#     IRONFORGE_URL=http://localhost:3000 IRONFORGE_QUEUES=main bash examples/workers/bash/worker.sh
#
# The main loop claims; the handler of a job runs beside it as a child that can be killed, and a heart beats as another.
# They speak by files in $dir: worker (its id), held (the lease), order, and lost.<token> or cancelled.<token>, which stop
# the attempt of that token: the news may come when the next job runs already.
set -u
for program in curl jq; do
  command -v "$program" >/dev/null || { echo "worker: $program is needed" >&2; exit 2; }
done
url=${IRONFORGE_URL:-http://localhost:3000}
queues=$(jq -cn --arg names "${IRONFORGE_QUEUES:-main}" '$names | split(",")')
lease_ms=${IRONFORGE_LEASE_MS:-10000}
grace_s=${IRONFORGE_GRACE_S:-25}
dir=$(mktemp -d)
main=$$

# ask METHOD PATH BODY [SECONDS]: print the answer. Returns 0, 1 when it may be sent again, 2 for a refusal.
ask() {
  local answer status
  answer=$(curl -sS -X "$1" -m "${4:-10}" -w '\n%{http_code}' -H 'Content-Type: application/json' \
    ${IRONFORGE_API_KEY:+-H "Authorization: Bearer $IRONFORGE_API_KEY"} --data-binary @- "$url$2" <<<"$3" 2>/dev/null)
  status=${answer##*$'\n'}
  printf '%s' "${answer%$'\n'*}"
  case $status in 2??) return 0 ;; 000 | 429 | 5??) return 1 ;; *) return 2 ;; esac
}

# The same until there is an answer, which is put into $answer: every request of the protocol may be repeated. Asked to
# stop, it goes on for $patience_s only. Not for $(…): bash runs a trap when what it waits for has ended.
insist() {
  local status
  while :; do
    answer=$(ask "$@") && note '' && return 0 || status=$?
    [ "$status" = 2 ] && return 2
    note away
    [ -z "$stopping_at" ] || [ $(($(now_ms) - stopping_at)) -lt $((${patience_s:-0} * 1000)) ] || return 1
    sleep "0.$((RANDOM % 5 + 2))"
  done
}

say() { echo "worker: $*" >&2; }

# note away | note '': say when the server goes away or comes back.
note() {
  [ "$1" = "$is_away" ] && return
  is_away=$1
  if [ -n "$is_away" ]; then say "$url does not answer, trying again"; else say "$url answers again"; fi
}

# put NAME TEXT: write a file so that no reader finds half of it.
put() {
  [ "$(cat "$dir/$1" 2>/dev/null)" = "$2" ] && return
  printf '%s' "$2" >"$dir/$1.new.$BASHPID" && mv "$dir/$1.new.$BASHPID" "$dir/$1"
}

register() {
  insist POST /workers '{"name":"bash","language":"bash","pid":'"$main"',"queues":'"$queues"',"concurrency":1}' ||
    return
  put worker "$(jq -r .worker_id <<<"$answer")"
  say "$(cat "$dir/worker") serves $queues of $url"
}

token_of() { local rest=${1#*lease_token\":\"}; echo "${rest%%\"*}"; }

# Extend the lease three times a lease, and hear orders. A lease that nobody extended in time is given up.
heart() {
  local news status held trusted_until=$SECONDS
  while kill -0 "$main" 2>/dev/null; do
    held=$(cat "$dir/held" 2>/dev/null)
    news=$(ask POST "/workers/$(cat "$dir/worker")/heartbeat" \
      '{"status":"'"$(cat "$dir/status")"'","leases":['"$held"'],"lease_ms":'"$lease_ms"'}' "$((lease_ms / 3000 + 1))")
    status=$?
    if [ "$status" = 0 ]; then
      trusted_until=$((SECONDS + lease_ms / 1000))
      put order "$(jq -r .order <<<"$news")"
      if [ -n "$held" ]; then
        [ "$(jq '.lost | length' <<<"$news")" = 0 ] || : >"$dir/lost.$(token_of "$held")"
        [ "$(jq '.cancel_requested | length' <<<"$news")" = 0 ] || : >"$dir/cancelled.$(token_of "$held")"
      fi
    elif [ "$status" = 2 ]; then
      register # the server has forgotten us
    fi
    [ -z "$held" ] || [ "$SECONDS" -le "$trusted_until" ] || : >"$dir/lost.$(token_of "$held")"
    sleep "$(printf '%d.%03d' $((lease_ms / 3000)) $((lease_ms / 3 % 1000)))"
  done
}

# --- what the worker can do: print the settlement without its key ---------------------------------------------------
completed() { jq -cn --argjson result "$1" '{outcome: "completed", result: $result}'; }
failed() { jq -cn --arg type "$1" --arg message "$2" '{outcome: "failed", error: {type: $type, message: $message}}'; }
field() { jq -r ".$1" <<<"$payload"; }

handle() {
  case $kind in
    conformance.echo) completed "$payload" ;;
    conformance.fail)
      if [ "$attempt" -le "$(field times)" ]; then failed Failure "$(field message)"
      else completed '{"attempt":'"$attempt"'}'; fi ;;
    conformance.retry)
      if [ "$attempt" = 1 ]; then failed retry "not yet" | jq -c ".delay_ms = $(field delay_ms)"
      else completed '{"attempt":'"$attempt"'}'; fi ;;
    conformance.snooze)
      if [ "$attempt" = 1 ]; then echo '{"outcome":"snoozed","delay_ms":'"$(field delay_ms)"'}'
      else completed '{"attempt":'"$attempt"'}'; fi ;;
    conformance.discard) failed discard "not wanted" | jq -c '.outcome = "discarded"' ;;
    conformance.sleep)
      sleep "$(jq -r '.ms / 1000' <<<"$payload")"
      completed '{"slept_ms":'"$(field ms)"'}' ;;
    conformance.crash)
      [ "$attempt" -gt "$(field times)" ] || kill -KILL "$main"
      completed '{"attempt":'"$attempt"'}' ;;
    conformance.progress)
      local steps first step
      steps=$(field steps) first=$(($(jq -r '.checkpoint.done // 0' <<<"$lease") + 1))
      for ((step = first; step <= steps; step++)); do
        insist POST /leases/report '{"reports":[{"number":'"$step"',"progress":{"fraction":'"$(jq -n "$step / $steps")"',
          "text":"step '"$step"'"},"log":["step '"$step"'"],"checkpoint":{"done":'"$step"'},'"${key:1}"']}'
        if [ "$attempt" = 1 ] && [ "$step" = "$(field fail_after)" ]; then failed Failure "stopped half way"; return; fi
      done
      completed '{"first":'"$first"'}' ;;
    *) failed unknown_kind "No handler for $kind." | jq -c '.outcome = "unknown_kind"' ;;
  esac
}

# --- one job --------------------------------------------------------------------------------------------------------
run() {
  local lease=$1 key kind attempt payload limit_ms token began child why='' patience_s=$grace_s
  { read -r key && read -r kind && read -r attempt && read -r limit_ms && read -r payload; } < <(jq -r \
    '({job_id, lease_token} | tojson), .job.kind, .attempt, .job.timeout_ms, (.job.payload | tojson)' <<<"$lease")
  put held "$key"
  token=$(token_of "$key")
  began=$(now_ms)
  handle >"$dir/outcome" &
  child=$!
  while kill -0 "$child" 2>/dev/null; do
    if [ -e "$dir/lost.$token" ]; then why=lost; break; fi
    if [ -e "$dir/cancelled.$token" ]; then why=cancelled; break; fi
    if [ $(($(now_ms) - began)) -gt "$limit_ms" ]; then why=timeout; break; fi
    if [ -n "$stopping_at" ] && [ $(($(now_ms) - stopping_at)) -gt $((grace_s * 1000)) ]; then why=shutdown; break; fi
    sleep 0.02
  done
  if [ -n "$why" ]; then pkill -KILL -P "$child"; kill -KILL "$child"; fi 2>/dev/null
  wait "$child" 2>/dev/null
  case $why in
    '') ;;
    lost) rm -f "$dir/held"; return ;; # it is somebody else's: nothing to say
    shutdown) echo '{"outcome":"released"}' >"$dir/outcome" ;;
    *) failed "$why" "The job was stopped: $why." >"$dir/outcome" ;;
  esac
  insist POST /leases/settle "$(jq -c --argjson key "$key" '{settlements: [. + $key]}' "$dir/outcome")"
  case $answer in *'"code"'*) say "$answer" ;; esac
  # The goodbye gives back what is held: not what has ended and could not be told, for it would run again at once.
  [ "$why" = shutdown ] || rm -f "$dir/held"
  rm -f "$dir/cancelled.$token"
}

now_ms() { local now=${EPOCHREALTIME/[.,]/}; echo $((now / 1000)); }

goodbye() {
  [ -z "$heart" ] || kill "$heart" 2>/dev/null
  if [ -e "$dir/worker" ]; then
    for _ in 1 2 3; do # the server forgets who is silent by itself
      ask DELETE "/workers/$(cat "$dir/worker")" '{"leases":['"$(cat "$dir/held" 2>/dev/null)"']}' 3 >/dev/null
      [ $? = 1 ] || break
      sleep 0.2
    done
  fi
  rm -rf "$dir"
  say stopped
  exit 0
}

stopping_at='' heart='' is_away='' answer=''
stop() { say stopping; stopping_at=${stopping_at:-$(now_ms)}; put status draining; }
trap stop TERM INT

put status running
put order run
register || [ -n "$stopping_at" ] || { say "refused: $answer"; rm -rf "$dir"; exit 1; }
if [ -e "$dir/worker" ]; then
  heart &
  heart=$!
fi
while [ -z "$stopping_at" ]; do
  case $(cat "$dir/order") in
    terminate) stop; break ;;
    quiet) put status quiet; sleep 0.2; continue ;;
    *) put status running ;;
  esac
  claim='{"worker_id":"'"$(cat "$dir/worker")"'","queues":'"$queues"',"max_jobs":1,"wait_ms":1000,
    "lease_ms":'"$lease_ms"',"claim_id":"'"$(cat /proc/sys/kernel/random/uuid)"'"}'
  # Under one claim_id until there is an answer, so that a lost one loses no job.
  insist POST /leases "$claim" || { sleep 0.5; continue; }
  lease=$(jq -c '.leases[0] // empty' <<<"$answer")
  [ -z "$lease" ] || run "$lease"
done
goodbye
