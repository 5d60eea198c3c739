//go:build !race

package session

// raceEnabled tells that the race detector is on, under which sync.Pool drops what it holds.
const raceEnabled = false
