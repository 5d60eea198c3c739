// Package worker runs a provider in a process of its own, because it loads foreign code. Both ends of the socket pair
// between the daemon and that process are here: [Provider] is the daemon's, a provider like any other, and [Serve] is the
// worker's, around a provider.Device.
//
// The daemon's end starts the worker, gives it its settings and its PIN, and watches it. A caller's deadline answers that
// caller and nobody else; what is under way goes on. A call that lasts longer than HangAfter, or a device that says that it
// is lost, has the worker killed and another started, with growing pauses while that does not help. Keys that lived only in
// the dead worker are lost and say so; keys that were loaded are loaded again when they are next used.
//
// Messages that are to be signed or verified are hashed on the daemon's end, so that they neither cross the socket nor pin a
// session of the device, and messages that the device needs as a whole are gathered here.
//
// Both ends are always the same program, so the frames between them have no versions. The daemon's end trusts no length that
// the worker says: foreign code may have overwritten what it holds.
package worker
