//go:build race

package cryptoki_test

// racing says that the race detector is on; it allocates on its own account.
const racing = true
