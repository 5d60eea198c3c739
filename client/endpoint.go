package client

import (
	"os"
	"strings"

	"github.com/claviger/claviger"
)

// defaultSocket is where the daemon listens if nobody says otherwise.
const defaultSocket = "/run/claviger/claviger.sock"

// socketVariable names the environment variable that an empty endpoint is read from.
const socketVariable = "CLAVIGER_SOCKET"

// maxSocketPath is the longest path that fits a unix address, in bytes (unix(7): sun_path has 108 with its final zero).
const maxSocketPath = 107

// socketPath gives the path that an endpoint means: "unix:///path", a bare path, or the default for "". Percent signs
// have no meaning. Abstract sockets are refused, because nobody owns their names.
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

func badEndpoint(endpoint, why string) error {
	return claviger.Errorf(claviger.ErrInvalidArgument, "dial", "endpoint %q: %s", claviger.Clip(endpoint), why)
}
