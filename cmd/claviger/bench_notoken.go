//go:build nopkcs11

package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

// token has nothing to measure in a build without PKCS #11.
func (a *app) token(context.Context, benchFlags) error {
	fmt.Fprintln(a.stderr, "token: this build has no PKCS #11; nothing measured")
	return nil
}

// benchTokenCommand does nothing in a build without PKCS #11.
func (a *app) benchTokenCommand() *cobra.Command {
	return &cobra.Command{Use: "bench-token", Hidden: true}
}
