//go:build !race

package link_test

const racing = false
