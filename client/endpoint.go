package client

import (
	"os"
	"os/user"
	"strconv"
	"strings"

	"github.com/claviger/claviger"
)

// defaultSocket is where the daemon listens if nobody says otherwise.
const defaultSocket = "/run/claviger/claviger.sock"

// socketVariable names the environment variable that an empty endpoint is read from.
const socketVariable = "CLAVIGER_SOCKET"

// ownerVariable names the environment variable that a nil DaemonUID is read from.
const ownerVariable = "CLAVIGER_DAEMON_UID"

// daemonAccount is the account that packages make for the daemon. Only root makes accounts.
const daemonAccount = "claviger"

// maxSocketPath is the longest path that fits a unix address, in bytes (unix(7): sun_path has
// 108 with its final zero).
const maxSocketPath = 107

// socketPath gives the path that an endpoint means: "unix:///path", a bare path, or the default
// for "". Percent signs have no meaning. Abstract sockets are refused, because nobody owns
// their names.
func socketPath(endpoint string) (string, error) {
	if endpoint == "" {
		endpoint = os.Getenv(socketVariable)
	}
	if endpoint == "" {
		return defaultSocket, nil
	}
	path, isURI := strings.CutPrefix(endpoint, "unix://")
	switch {
	case isURI && !strings.HasPrefix(path, "/"):
		return "", badEndpoint(endpoint, "a unix URI needs three slashes and an absolute path")
	case !isURI && strings.Contains(path, "://"):
		return "", badEndpoint(endpoint, "only unix:// is known")
	case strings.HasPrefix(path, "@"):
		return "", badEndpoint(endpoint, "abstract sockets are not used")
	case strings.ContainsRune(path, 0):
		return "", badEndpoint(endpoint, "it holds a zero byte")
	case len(path) > maxSocketPath:
		return "", claviger.Errorf(claviger.ErrInvalidArgument, "dial", "endpoint %q has %d bytes; the limit of a unix address is %d",
			claviger.Clip(path), len(path), maxSocketPath)
	}
	return path, nil
}

// daemonUID gives the further user that the daemon may run as: the one configured, else the
// environment's, else the daemon's own account; nil if there is none. ErrInvalidArgument if the
// environment names no user number.
func daemonUID(configured *uint32) (*uint32, error) {
	if configured != nil {
		return configured, nil
	}
	text := os.Getenv(ownerVariable)
	if text == "" {
		account, err := user.Lookup(daemonAccount)
		if err != nil {
			return nil, nil // no such account here
		}
		text = account.Uid
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, "dial", "$%s is %q, which is no user number", ownerVariable, claviger.Clip(text))
	}
	uid := uint32(n)
	return &uid, nil
}

// badEndpoint names the endpoint, clipped, and says why it is none.
func badEndpoint(endpoint, why string) error {
	return claviger.Errorf(claviger.ErrInvalidArgument, "dial", "endpoint %q: %s", claviger.Clip(endpoint), why)
}
