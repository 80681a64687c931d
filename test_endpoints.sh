#!/usr/bin/env bash
# Walks every route of a running payment service; see --help.
set -uo pipefail

usage() {
  cat <<'HELP'
Walks every route of a running payment service and compares each status with what the contract says.

  ./test_endpoints.sh [--mutating] [--env-file FILE]

  --mutating       also buys, cancels, retries and syncs: opens sessions at Stripe and CANCELS the user's subscription
                   at the end of its period. Without it nothing is bought or changed; one signed event of a type that
                   nothing handles is sent, which leaves an ignored row in webhook_events.
  --env-file FILE  takes what is not in the environment from an .env file (which is read, not executed)
  --help

Environment:
  BASE_URL               default http://127.0.0.1:8085; the web process itself, not the gateway
  USER_ID                whose name the calls are made in; default 1. The user has to exist for --mutating.
  JWT_SECRET             to sign login tokens; without it calls that need a login are skipped
  INTERNAL_API_KEY       for the admin routes; without it they are skipped
  STRIPE_WEBHOOK_SECRET  to sign events; the first of several. Without it signed events are skipped

One line per call: verdict, expected status, status, call, beginning of the answer.
Exits 1 when a call differs, 2 when it cannot run at all. Needs bash, curl and openssl.
Secrets are no argument of any command: other users of the machine could read them there.
HELP
}

die() {
  printf '%s\n' "$1" >&2
  exit 2
}

# From the environment, else from --env-file.
setting() {
  local name=$1 fallback=${2-} value
  value=${!name-}
  if [[ -z $value && -n $env_file ]]; then
    value=$(sed -n "s/^${name}=//p" "$env_file" | tail -n 1)
    value=${value%$'\r'}
    value=${value#\"}
    value=${value%\"}
  fi
  printf '%s' "${value:-$fallback}"
}

mutating=no
env_file=
while [[ $# -gt 0 ]]; do
  case $1 in
    --mutating) mutating=yes ;;
    --env-file)
      [[ $# -ge 2 ]] || die '--env-file needs a file'
      env_file=$2
      [[ -r $env_file ]] || die "Cannot read $env_file"
      shift
      ;;
    --help | -h)
      usage
      exit 0
      ;;
    *) die "Unknown argument $1; see --help" ;;
  esac
  shift
done
for tool in curl openssl; do
  command -v "$tool" >/dev/null || die "$tool is needed and not on the PATH"
done

base_url=$(setting BASE_URL http://127.0.0.1:8085)
base_url=${base_url%/}
user_id=$(setting USER_ID 1)
jwt_secret=$(setting JWT_SECRET)
jwt_secret=${jwt_secret%%,*}
internal_key=$(setting INTERNAL_API_KEY)
internal_key=${internal_key%%,*}
webhook_secret=$(setting STRIPE_WEBHOOK_SECRET)
webhook_secret=${webhook_secret%%,*}
[[ $user_id =~ ^[1-9][0-9]*$ ]] || die 'USER_ID must be a positive whole number'
now=$(date +%s)

scratch=$(mktemp -d) || die 'Cannot make a temporary directory'
trap 'rm -rf "$scratch"' EXIT

ok=0
differ=0
skipped=0

# call EXPECTED METHOD PATH CONTAINED [curl argument…]: EXPECTED may be several statuses, 200|409; CONTAINED has to be
# in the answer when it is not empty.
call() {
  local expected=$1 method=$2 path=$3 contained=$4
  shift 4
  local status answer verdict=ok
  : >"$scratch/answer"
  status=$(curl --silent --max-time 30 --output "$scratch/answer" --write-out '%{http_code}' \
    --request "$method" "$@" "$base_url$path")
  answer=$(tr -d '\r\n' <"$scratch/answer")
  [[ "|$expected|" == *"|$status|"* && ($contained == '' || $answer == *"$contained"*) ]] || verdict=DIFFERS
  if [[ $verdict == ok ]]; then ok=$((ok + 1)); else differ=$((differ + 1)); fi
  printf '%-7s %-7s %-3s  %-6s %-58s %.100s\n' "$verdict" "$expected" "$status" "$method" "$path" "$answer"
  if [[ $verdict != ok && $contained != '' && $answer != *"$contained"* ]]; then
    printf '        the answer should contain %s\n' "$contained"
  fi
}

# The same path with and without a trailing slash; PATH has no query.
call_both() {
  local expected=$1 method=$2 path=$3 contained=$4
  shift 4
  call "$expected" "$method" "$path" "$contained" "$@"
  call "$expected" "$method" "$path/" "$contained" "$@"
}

skip() {
  skipped=$((skipped + 1))
  printf '%-7s %s\n' skipped "$1"
}

title() { printf '\n%s\n' "$1"; }

base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }

hex() { od -An -v -tx1 | tr -d ' \n'; }

# hmac SECRET: HMAC-SHA256 of what is on standard input, in bytes (RFC 2104). openssl would want the secret as an argument.
hmac() {
  local key byte i inner='' outer=''
  key=$(printf '%s' "$1" | hex)
  ((${#key} <= 128)) || key=$(printf '%s' "$1" | openssl dgst -sha256 -binary | hex)
  for ((i = 0; i < 128; i += 2)); do
    byte=${key:i:2}
    printf -v inner '%s\\x%02x' "$inner" $((16#${byte:-0} ^ 0x36))
    printf -v outer '%s\\x%02x' "$outer" $((16#${byte:-0} ^ 0x5c))
  done
  { printf '%b' "$outer" && { printf '%b' "$inner" && cat; } | openssl dgst -sha256 -binary; } | openssl dgst -sha256 -binary
}

# token SECRET CLAIMS: an HS256 login token.
token() {
  local unsigned
  unsigned=$(printf '{"alg":"HS256","typ":"JWT"}' | base64url).$(printf '%s' "$2" | base64url)
  printf '%s.%s' "$unsigned" "$(printf '%s' "$unsigned" | hmac "$1" | base64url)"
}

# claims [SUB] [EXP] [SCOPE]
claims() {
  printf '{"sub":"%s","exp":%d,"iat":%d,"scope":"%s"}' "${1:-$user_id}" "${2:-$((now + 600))}" "$((now - 5))" "${3:-access}"
}

# login NAME TOKEN [USER_ID]: puts the headers that the gateway sends into a file, for curl -H @file.
login() {
  { printf 'X-JWT-Token: %s\n' "$2" && printf 'X-User-ID: %s\n' "${3:-$user_id}"; } >"$scratch/$1"
}

# sign FILE [TIME]: a Stripe-Signature header for the bytes of a file.
sign() {
  local at=${2:-$now} mac
  mac=$({ printf '%s.' "$at" && cat "$1"; } | hmac "$webhook_secret" | hex)
  printf 'Stripe-Signature: t=%s,v1=%s' "$at" "$mac"
}

json=(-H 'Content-Type: application/json')
webhook=/api/stripe/webhook
checkout=/api/stripe/create-checkout-session
subscription=/api/stripe/subscription

[[ $(curl --silent --max-time 10 --output /dev/null --write-out '%{http_code}' "$base_url/health/live") != 000 ]] ||
  die "Nothing answers at $base_url; start the web process or set BASE_URL"

printf '%s, user %s\n' "$base_url" "$user_id"

title 'Health'
call_both 200 GET /health '"status":"healthy"'
call_both 200 GET /health/ready '"ready":true'
call_both 200 GET /health/live '"alive":true'

title 'Description and board'
call_both 200 GET /api/openapi.json '"openapi":"3.1.0"'
# 404: no board is configured. 303: it is, and leads to its login.
call '303|404' GET /admin/queues ''
call '401|404' GET /admin/queues/api/queues '"success":false'

title 'Webhook'
event_id=evt_test_endpoints_${now}_$$
printf '{"id":"%s","object":"event","type":"test_endpoints.ping","created":%d,"livemode":false,"data":{"object":{}}}' \
  "$event_id" "$now" >"$scratch/event"
printf 'not json' >"$scratch/not-json"
printf '{"object":"something"}' >"$scratch/not-event"
head -c 1100000 /dev/zero | tr '\0' 'x' >"$scratch/too-large"
call_both 400 POST $webhook missing_signature "${json[@]}" --data-binary "@$scratch/event"
call 400 POST $webhook invalid_signature "${json[@]}" --data-binary "@$scratch/event" \
  -H "Stripe-Signature: t=$now,v1=0000000000000000000000000000000000000000000000000000000000000000"
call 400 POST $webhook '"success":false' "${json[@]}" --data-binary "@$scratch/event" -H 'Stripe-Signature: nonsense'
call 413 POST $webhook '' "${json[@]}" --data-binary "@$scratch/too-large" -H 'Expect:'
call 405 GET $webhook ''
if [[ -n $webhook_secret ]]; then
  call 400 POST $webhook stale_signature "${json[@]}" --data-binary "@$scratch/event" \
    -H "$(sign "$scratch/event" $((now - 600)))"
  call 400 POST $webhook stale_signature "${json[@]}" --data-binary "@$scratch/event" \
    -H "$(sign "$scratch/event" $((now + 600)))"
  call 400 POST $webhook '"success":false' "${json[@]}" --data-binary "@$scratch/not-json" -H "$(sign "$scratch/not-json")"
  call 400 POST $webhook '"success":false' "${json[@]}" --data-binary "@$scratch/not-event" -H "$(sign "$scratch/not-event")"
  # Twice, as Stripe may: the second is the same event.
  call_both 200 POST $webhook '{"received":true}' "${json[@]}" --data-binary "@$scratch/event" -H "$(sign "$scratch/event")"
else
  skip 'signed events: STRIPE_WEBHOOK_SECRET is not set'
fi

title 'Without a login'
printf 'X-User-ID: %s\n' "$user_id" >"$scratch/claimed"
login forged "$(token not-the-secret-of-this-service "$(claims)")"
login unsigned "$(printf '{"alg":"none","typ":"JWT"}' | base64url).$(claims | base64url)."
for route in 'GET /api/stripe/subscription' 'POST /api/stripe/subscription' 'DELETE /api/stripe/subscription' \
  'POST /api/stripe/subscription/resume' \
  'GET /api/stripe/subscription/billing-portal' 'GET /api/stripe/subscription/premium-status' \
  'GET /api/stripe/payment/history' 'GET /api/stripe/payment/stats' 'GET /api/stripe/notifications'; do
  for as in claimed forged unsigned; do
    call 401 "${route%% *}" "${route#* }" '"code":"unauthorized"' -H "@$scratch/$as"
  done
done
call_both 401 GET /api/stripe/subscription '"success":false'

title 'Checkout without paying'
call_both 400 POST $checkout '"success":false' "${json[@]}" --data '{"plan":"hebdomadaire"}'
call 400 POST $checkout '"success":false' "${json[@]}" --data '{"plan":'
call 415 POST $checkout '"success":false' -H 'Content-Type: text/plain' --data 'plan=mensuel'
call 401 POST $checkout '"code":"unauthorized"' "${json[@]}" --data '{"plan":"mensuel"}' -H "@$scratch/forged"

if [[ -n $jwt_secret ]]; then
  login user "$(token "$jwt_secret" "$(claims)")"
  login expired "$(token "$jwt_secret" "$(claims "$user_id" $((now - 120)))")"
  login refresh "$(token "$jwt_secret" "$(claims "$user_id" $((now + 600)) refresh)")"
  login somebody-else "$(token "$jwt_secret" "$(claims $((user_id + 1)))")"
  user=(-H "@$scratch/user")

  title 'With a login that is not valid here'
  for as in expired refresh somebody-else; do
    call 401 GET /api/stripe/subscription '"code":"unauthorized"' -H "@$scratch/$as"
  done

  title 'Subscription'
  call_both 200 GET $subscription '"is_premium":' "${user[@]}"
  call 400 GET "$subscription?session_id=nonsense" '"code":"invalid_query"' "${user[@]}"
  call_both 200 GET $subscription/premium-status '"is_premium":' "${user[@]}"
  call_both 400 POST $subscription '"code":"invalid_body"' "${user[@]}" "${json[@]}" --data '{"plan_type":"hebdomadaire"}'
  call_both 400 DELETE $subscription '"code":"invalid_body"' "${user[@]}" "${json[@]}" --data '{"at_period_end":"yes"}'
  # 404 for a user who never began a purchase.
  call_both '200|404' GET $subscription/billing-portal '' "${user[@]}"
  call 400 GET "$subscription/billing-portal?return_url=https%3A%2F%2Fnot-allowed.example%2F" \
    '"code":"return_url_not_allowed"' "${user[@]}"

  title 'Payments'
  call_both 200 GET /api/stripe/payment/history '"payments":[' "${user[@]}"
  call 200 GET '/api/stripe/payment/history?limit=100&offset=5' '"limit":100,"offset":5' "${user[@]}"
  call 400 GET '/api/stripe/payment/history?limit=0' '"code":"invalid_query"' "${user[@]}"
  call 400 GET '/api/stripe/payment/history?limit=101' '"code":"invalid_query"' "${user[@]}"
  call 400 GET '/api/stripe/payment/history?offset=-1' '"code":"invalid_query"' "${user[@]}"
  call_both 200 GET /api/stripe/payment/stats '"by_currency":{' "${user[@]}"
  call_both 200 GET /api/stripe/notifications '"notifications":[' "${user[@]}"
  call 200 GET '/api/stripe/notifications?after=9999999999&limit=1' '"last_id":9999999999' "${user[@]}"
  call 400 GET '/api/stripe/notifications?after=x' '"code":"invalid_query"' "${user[@]}"
else
  skip 'calls with a login: JWT_SECRET is not set'
fi

title 'Admin'
admin_routes=('GET /api/admin/webhook/events' 'POST /api/admin/webhook/retry' 'POST /api/admin/payment/sync'
  "POST /api/admin/payment/sync/$user_id" 'GET /api/admin/attention' 'POST /api/admin/customer/link'
  'POST /api/admin/attention/done'
  "DELETE /api/admin/user/$user_id/billing")
for route in "${admin_routes[@]}"; do
  # 503: the service has no INTERNAL_API_KEY, so nobody comes in.
  call '401|429|503' "${route%% *}" "${route#* }" '"success":false'
  call '401|429|503' "${route%% *}" "${route#* }" '"success":false' -H 'X-Internal-Key: not-the-key'
done
if [[ -n $internal_key ]]; then
  printf 'X-Internal-Key: %s\n' "$internal_key" >"$scratch/admin"
  admin=(-H "@$scratch/admin")
  call_both 200 GET /api/admin/webhook/events '"events":[' "${admin[@]}"
  call 200 GET '/api/admin/webhook/events?limit=1&offset=0' '"limit":1,"offset":0' "${admin[@]}"
  call 400 GET '/api/admin/webhook/events?limit=101' '"code":"invalid_query"' "${admin[@]}"
  # None of them: the route is tried, nothing is retried.
  call_both 200 POST /api/admin/webhook/retry '"retried":0' "${admin[@]}" "${json[@]}" --data '{"event_ids":[]}'
  call 400 POST /api/admin/payment/sync/nobody '"code":"invalid_user_id"' "${admin[@]}"
  call 404 POST /api/admin/payment/sync/2147483647 '"code":"user_not_found"' "${admin[@]}"
  call_both 200 GET /api/admin/attention '"parked":[' "${admin[@]}"
  call_both 400 POST /api/admin/attention/done '"code":"invalid_body"' "${admin[@]}" "${json[@]}" --data '{"kind":""}'
  call_both 400 POST /api/admin/customer/link '"code":"invalid_body"' "${admin[@]}" "${json[@]}" --data '{"user_id":1}'
  call 404 POST /api/admin/customer/link '"code":"user_not_found"' "${admin[@]}" "${json[@]}" \
    --data '{"stripe_customer_id":"cus_test_endpoints","user_id":2147483647}'
  call 400 DELETE /api/admin/user/nobody/billing '"code":"invalid_user_id"' "${admin[@]}"
  call 404 DELETE /api/admin/user/2147483647/billing '"code":"user_not_found"' "${admin[@]}"
else
  skip 'calls with the admin key: INTERNAL_API_KEY is not set'
fi

title 'Routes that do not exist (any more)'
call 404 POST /api/stripe/test-webhook '' "${json[@]}" --data '{}'
call 404 GET /api/stripe/payment/test ''
call 404 POST /api/stripe/payment/test '' "${json[@]}" --data '{}'
call 404 GET /api/stripe/nothing '"code":"route_not_found"'
call 405 PUT /api/stripe/subscription '' "${json[@]}" --data '{}'

if [[ $mutating == yes ]]; then
  title 'Buying and cancelling (--mutating)'
  call 200 POST $checkout '"url":' "${json[@]}" --data '{"plan":"mensuel"}'
  if [[ -n $jwt_secret ]]; then
    # 409: the user has a subscription already.
    call '200|409' POST $checkout '' "${user[@]}" "${json[@]}" --data '{"plan":"mensuel"}'
    call_both '200|409' POST $subscription '' "${user[@]}" "${json[@]}" --data '{"plan_type":"annuel"}'
    call '200|404' GET $subscription/billing-portal '' "${user[@]}"
    # 409: nothing is to be resumed. 402: it would have to be paid for.
    call '200|402|409' POST $subscription/resume '' "${user[@]}"
    # 404: there is nothing to cancel.
    call '200|404' DELETE $subscription '' "${user[@]}"
  fi
  if [[ -n $internal_key ]]; then
    call 200 POST /api/admin/payment/sync '"job_id":' "${admin[@]}"
    call 200 POST "/api/admin/payment/sync/$user_id" '"job_id":' "${admin[@]}"
    call 200 POST /api/admin/webhook/retry '"retried":' "${admin[@]}"
  fi
else
  title 'Not tried: buying, cancelling, retrying and syncing (--mutating)'
fi

printf '\n%d as expected, %d differ, %d skipped\n' "$ok" "$differ" "$skipped"
[[ $differ -eq 0 ]]
