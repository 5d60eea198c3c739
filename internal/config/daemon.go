package config

import (
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/claviger/claviger"
)

// Limits of the [daemon] table.
const (
	MinTimeout    = time.Millisecond
	MaxTimeout    = 24 * time.Hour
	MaxSocketPath = 107 // bytes; sun_path of unix(7) less its final zero byte
)

// maxUID is the largest uid a program can have: 0xFFFFFFFF means "none" to the kernel.
const maxUID = math.MaxUint32 - 1

// Kinds of values, by the names that this package calls them.
const (
	stringKind  = unstable.String
	arrayKind   = unstable.Array
	integerKind = unstable.Integer
	inlineKind  = unstable.InlineTable
	tableKind   = unstable.Table
)

// daemon reads the [daemon] table:
//
//	socket   path of at most MaxSocketPath bytes; default DefaultSocket
//	store    path; default DefaultStore
//	timeout  MinTimeout to MaxTimeout; default DefaultTimeout
//	ceiling  timeout to MaxTimeout; default DefaultCeiling, or timeout if that is longer
//	log      debug, info, warn, error; default info
func (c *checker) daemon(root *section) {
	s := root.one("daemon")
	d := &c.cfg.Daemon
	d.Socket = s.path("socket", DefaultSocket)
	if len(d.Socket) > MaxSocketPath {
		s.complain("socket", "has %d bytes; a socket's path may have %d", len(d.Socket), MaxSocketPath)
	}
	d.Store = s.path("store", DefaultStore)
	if d.Store == d.Socket {
		s.complain("store", "is also the socket")
	}
	d.Timeout = s.duration("timeout", DefaultTimeout, MinTimeout, MaxTimeout)
	d.Ceiling = s.duration("ceiling", max(DefaultCeiling, d.Timeout), MinTimeout, MaxTimeout)
	if d.Ceiling < d.Timeout {
		s.complain("ceiling", "is %s, less than the timeout of %s", d.Ceiling, d.Timeout)
	}
	level := s.oneOf("log", "debug", "info", "warn", "error")
	d.LogLevel = map[string]slog.Level{"debug": slog.LevelDebug, "warn": slog.LevelWarn, "error": slog.LevelError}[level]
	s.finish()
}

// path gives an absolute, clean path.
func (s *section) path(key, fallback string) string {
	text := s.text(key)
	if text == "" {
		return fallback
	}
	if why := pathFault(text); why != "" {
		s.complain(key, "%s", why)
		return fallback
	}
	return text
}

// pathFault says why text is no absolute, clean path, "" if it is one.
func pathFault(text string) string {
	switch {
	case !filepath.IsAbs(text):
		return fmt.Sprintf("%q is not an absolute path", claviger.Clip(text))
	case strings.ContainsRune(text, 0):
		return "holds a zero byte"
	case filepath.Clean(text) != text:
		return fmt.Sprintf(`%q holds "..", "." or a doubled or trailing slash; write %q`, claviger.Clip(text), claviger.Clip(filepath.Clean(text)))
	}
	return ""
}

// misfit complains about a key that is there and should not be.
func (s *section) misfit(key, format string, args ...any) {
	if s.has(key) {
		s.complain(key, format, args...)
	}
}

// unnamedUID is the complaint about the uid that the kernel reports in place of one that has no number in the daemon's own
// user namespace (user_namespaces(7)). The server refuses it, because it names nobody.
const unnamedUID = "%d, the overflow uid, by which the kernel means every user of another user namespace; nobody can connect by it"

// admin reads the [admin] table: uids, each at most once. Without it there is no administrator.
func (c *checker) admin(root *section) []uint32 {
	s := root.one("admin")
	defer s.finish()
	v := s.get("uids", "an array of uids", arrayKind)
	if v == nil {
		return nil
	}
	var uids []uint32
	seen := make(map[uint32]bool)
	for _, item := range v.items {
		n, ok := parseInteger(item.text)
		switch {
		case item.kind != integerKind:
			c.complain(item.at, s.field("uids"), "holds %s; an array of uids is wanted", kindWords(item.kind))
		case !ok || n < 0 || n > maxUID:
			c.complain(item.at, s.field("uids"), "holds %s; 0 to %d is allowed", claviger.Clip(item.text), int64(maxUID))
		case uint32(n) == c.overflow:
			c.complain(item.at, s.field("uids"), "holds "+unnamedUID, n)
		case seen[uint32(n)]:
			c.complain(item.at, s.field("uids"), "holds %d twice", n)
		default:
			seen[uint32(n)] = true
			uids = append(uids, uint32(n))
		}
	}
	return uids
}
