//go:build !race

package cryptoki_test

const racing = false
