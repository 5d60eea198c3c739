// Package session is one caller: its handles, its running operations and its limits. Each method resolves handles,
// asks the policy, and runs the operation. A [Manager] holds the sessions of all callers and the policy in force.
//
// Handles are numbers of one session; another session's do not exist. They are never reused within a session and
// their lower half is random, so that a number that was released, or never given, hits nothing by accident.
//
// A change of policy is seen by the next call of every session: a right that was withdrawn is refused, contexts that
// were opened under it included.
package session
