package config

// Largest limits that a file may set: numbers of things, and bytes.
const (
	MaxCount = 1 << 20
	MaxBytes = 1 << 40
)

// limits reads the [limits] table: what one tenant may have at once. Each is optional and at least 1.
func (c *checker) limits(root *section) {
	s := root.one("limits")
	l := &c.cfg.Limits
	s.count("sessions", &l.Sessions)
	s.count("connections", &l.Connections)
	s.count("handles", &l.Handles)
	s.count("keys", &l.Keys)
	s.count("in_flight", &l.InFlight)
	s.count("slow", &l.Slow)
	s.bytes("held_bytes", &l.HeldBytes)
	s.bytes("region_bytes", &l.RegionBytes)
	s.count("secrets", &l.Secrets)
	s.bytes("secret_bytes", &l.SecretBytes)
	s.finish()
}

// count reads a number of things into to, which stays zero, the default, if the key is missing.
func (s *section) count(key string, to *int) {
	if n, ok := s.integer(key, 1, MaxCount); ok {
		*to = int(n)
	}
}

// bytes reads a number of bytes, as count does.
func (s *section) bytes(key string, to *int64) {
	if n, ok := s.integer(key, 1, MaxBytes); ok {
		*to = n
	}
}
