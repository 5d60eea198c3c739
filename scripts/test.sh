#!/usr/bin/env bash
# Runs every test. As root on Debian it first installs what the tests of real parts need (openssl, systemd-analyze, groff, clang for guests in C, SoftHSM and the tools around it); otherwise
# it says which tests are skipped and why. Ends with "N passed, N failed, N skipped" and status 0 only if none failed.
#
#   ./scripts/test.sh [go test flags]
#
#   CLAVIGER_VECTORS    directory of public test vectors; tests that need it are skipped without
#   CLAVIGER_NO_SKIPS   set: a skipped test is a failure
#   CLAVIGER_PACKAGES   the packages to test, by import path; all unless set
#   CLAVIGER_FUZZ_TIME  how long guests call imports at random; 1m unless set
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '==> %s\n' "$*"; }

install_tools() {
	local wanted=() tool
	for tool in openssl:openssl systemd-analyze:systemd groff:groff-base clang:clang wasm-ld:lld cc:gcc softhsm2-util:softhsm2 \
		pkcs11-tool:opensc p11-kit:p11-kit; do
		command -v "${tool%%:*}" >/dev/null 2>&1 || wanted+=("${tool##*:}")
	done
	ls /usr/lib/*/pkcs11/p11-kit-client.so >/dev/null 2>&1 || wanted+=(p11-kit-modules)
	[ -f /usr/include/stdlib.h ] || wanted+=(libc6-dev)
	[ -d /usr/include/wasm32-wasi ] || wanted+=(wasi-libc libclang-rt-dev-wasm32)
	[ ${#wanted[@]} -eq 0 ] && return
	if [ "$(id -u)" = 0 ] && [ -f /etc/debian_version ]; then
		say "installing ${wanted[*]}"
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${wanted[@]}" >/dev/null
	else
		say "not root on Debian: tests that need ${wanted[*]} are skipped"
	fi
}

find_vectors() {
	[ -n "${CLAVIGER_VECTORS:-}" ] && return
	if [ -d ../shared/vectors ]; then
		CLAVIGER_VECTORS=$(cd ../shared/vectors && pwd)
		export CLAVIGER_VECTORS
	else
		say "CLAVIGER_VECTORS is not set: tests of public certificate vectors are skipped"
	fi
}

# summarize prints the failures and skips of a verbose test log, then the closing line, and fails if a test did.
summarize() {
	local log=$1 passed failed skipped
	passed=$(grep -c '^ *--- PASS:' "$log" || true)
	failed=$(grep -c '^ *--- FAIL:' "$log" || true)
	skipped=$(grep -c '^ *--- SKIP:' "$log" || true)
	if [ "$skipped" -gt 0 ]; then
		say "skipped:"
		grep -A1 '^ *--- SKIP:' "$log" | grep -v '^--$' || true
	fi
	# A package that did not build or that died has no FAIL line of a test.
	local broken
	broken=$(grep -E '^(FAIL|panic:)' "$log" | grep -cvE '^FAIL$' || true)
	[ "$failed" -eq 0 ] && failed=$broken
	printf '%s passed, %s failed, %s skipped\n' "$passed" "$failed" "$skipped"
	[ "$failed" -eq 0 ] || return 1
	[ -z "${CLAVIGER_NO_SKIPS:-}" ] || [ "$skipped" -eq 0 ]
}

export CLAVIGER_FUZZ_TIME="${CLAVIGER_FUZZ_TIME:-1m}"

install_tools
find_vectors
[ "$(id -u)" = 0 ] || say "not root: tests with several users are skipped"

log=$(mktemp)
trap 'rm -f "$log"' EXIT
say "go vet"
go vet ./...
say "go test $*"
status=0
# Promises about time are not to be measured against other tests: packages that hold some run one at a time, the others two.
timed='/(client|cmd/claviger|internal/(daemon|keeper|link|pki/path|server|session|provider/(delay|worker))|test/(attack|commands|deadline|flows|tokens))$'
packages=$(go list ${CLAVIGER_PACKAGES:-./...})
# run tests the packages that it reads, some at once; there may be none.
run() {
	local some=$1 list
	mapfile -t list
	shift
	[ ${#list[@]} -eq 0 ] || go test -v -timeout 14m -p "$some" "$@" "${list[@]}" >>"$log" 2>&1 </dev/null || status=$?
}
run 2 "$@" < <(grep -vE "$timed" <<<"$packages")
run 1 "$@" < <(grep -E "$timed" <<<"$packages")
if [ "$status" -ne 0 ]; then
	# Everything but the passing noise.
	grep -vE '^ *(=== |--- PASS|--- SKIP)|^(PASS|ok)\b|no test files' "$log" || true
else
	grep -E '^ok' "$log"
fi
summarize "$log" || status=1
exit "$status"
