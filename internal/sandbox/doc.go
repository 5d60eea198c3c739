// Package sandbox starts a worker process that will load foreign code, such as a PKCS #11 module, and confines it before
// it does. Linux only.
//
// The daemon's half is Start. It starts a program, most often this one again, with one end of a socket pair as descriptor
// 3 and nothing else of the daemon's: no descriptor, no environment, no controlling terminal, where it may no user and no
// group. The worker's half is Enter, which the program calls before anything else. Start returns when the worker has
// said that it is confined.
//
// Enter runs twice, because Landlock restricts a thread, and a Go program has several before its first line. In stage
// one it marks every other descriptor to be closed, gives up privileges and capabilities, applies Landlock to one thread, and
// that thread executes the same program once more; all that it has holds for every thread of what comes then. In stage two it makes the process
// undumpable, which execve undoes, and applies a seccomp filter to all threads at once. What the two stages have to do comes
// to them over descriptor 3, so that neither arguments nor environment tell the worker what it is.
//
// What foreign code can still do: compute, read and write the paths it was given, look at the attributes of any file
// that its user can reach (Landlock does not restrict stat), use System V shared memory, and, with Config.Network, connect to
// what the host can reach, any unix socket that its user may open included; give such a worker a user of its own. What it cannot do, when everything is in force: open any other file, start a program or a process,
// truncate any other file, signal, trace or read another process, have the kernel signal one for it, make itself dumpable, gain
// privileges, listen, or outlive the daemon.
package sandbox
